"""The botanical varieties that a coffee's texts name. Malabar is a process or a place, not a variety."""

from functools import lru_cache

from backfill_pipelines.coffee.normaliser.texts import fold, labelled, plain_part, words

#: Before a selection's number: "Selection 9", "Sln.9", "S-795". Not the end of "farmer's 9".
_SELECTION = r"(?:selections?|sln\.?|(?<!')s\.?)[ -]?"
_WORDS = {
    **{f"s{number}": (f"{_SELECTION}{number}",) for number in ("795", "9", "8", "5", "5a", "5b")},
    "cauvery": ("cauvery", "kaveri"),
    "cxr": ("c ?x ?r",),
    "chandagiri": ("chandr?agiri",),
    # Old Kent Estates is a place.
    "kent": ("kents?(?! estates?(?![a-z0-9]))",),
    "sl28": ("sl[ -]?28",),
    "sl34": ("sl[ -]?34",),
    "catimor": ("catimors?",),
    "sarchimor": ("sarchimors?",),
    "caturra": ("caturras?",),
    "bourbon": ("bourbons?",),
    "typica": ("typicas?",),
    "gesha": ("gesha", "geisha"),
    "pacamara": ("pacamaras?",),
}
_PATTERNS = {variety: words(alternatives) for variety, alternatives in _WORDS.items()}
#: What a text must hold to name a variety: the number of a selection, or how its name begins.
_HOLDS = {
    variety: {
        variety.removeprefix("s") if _SELECTION in alternative else plain_part(alternative) for alternative in found
    }
    for variety, found in _WORDS.items()
}
_LABEL = "variet(?:y|ies|als?)"


@lru_cache(maxsize=1 << 13)
def read_varieties(text: str) -> tuple[str, ...]:
    """The varieties that a text names, sorted and each once."""
    folded = fold(text)
    return tuple(
        sorted(
            variety
            for variety, pattern in _PATTERNS.items()
            if any(part in folded for part in _HOLDS[variety]) and pattern.search(folded)
        )
    )


def varieties_of(title: str, tags: tuple[str, ...], description: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """A product's varieties from all its texts, with a warning where title and label name different ones only.

    Args:
        title: Of the product.
        tags: Of the product.
        description: Tidied.

    Returns:
        (varieties, warnings).
    """
    titled, labelled_ones = read_varieties(title), read_varieties(labelled(description, _LABEL) or "")
    named = {*titled, *read_varieties(description), *(variety for tag in tags for variety in read_varieties(tag))}
    conflict = titled and labelled_ones and not set(titled) & set(labelled_ones)
    return tuple(sorted(named)), ("W_VARIETY_CONFLICT",) if conflict else ()
