"""The species of a coffee, in the labels of ``species_enum``: one, a ratio, a blend, or a mix with chicory."""

import re
from functools import lru_cache

from backfill_pipelines.coffee.normaliser.texts import fold, labelled, words

_SPECIES = {species: words((f"{species}s?",)) for species in ("arabica", "robusta", "liberica")}
_CHICORY = words(("chicory",))
_FILTER_MIX = words(("south indian filter coffee", "filter coffee mix"))
_SHARE = re.compile(r"(?<![0-9.,])(?P<percent>[0-9]{1,3}) ?%|(?<![a-z0-9])(?P<species>arabica|robusta)s?(?![a-z0-9])")
_RATIOS = frozenset(
    {
        *(("arabica", 80, "robusta", 20), ("arabica", 70, "robusta", 30), ("arabica", 60, "robusta", 40)),
        *(("arabica", 50, "robusta", 50), ("robusta", 80, "arabica", 20)),
    }
)
_LABEL = "variet(?:y|ies|als?)|species"


@lru_cache(maxsize=1 << 13)
def species_of(title: str, description: str) -> str | None:
    """A product's species: from its title, else its label, else its description; in each a ratio says most.

    Args:
        title: Of the product.
        description: Tidied.
    """
    texts = [fold(title), fold(labelled(description, _LABEL) or ""), fold(description)]
    ratio = next((found for text in texts if (found := _ratio(text))), None)
    for text in texts:
        if _CHICORY.search(text):
            return _with_chicory(texts)
        if text is texts[0] and not ratio and _FILTER_MIX.search(text):
            return "filter_coffee_mix"
        if named := _named(text):
            return _ratio(text) or (named[0] if len(named) == 1 else "blend")
    return None


def _named(folded: str) -> list[str]:
    return [species for species, pattern in _SPECIES.items() if pattern.search(folded)]


def _with_chicory(texts: list[str]) -> str:
    """Chicory with the species of the first text that names one."""
    named = next((found for text in texts if (found := _named(text))), [])
    return f"{named[0]}_chicory" if named in (["arabica"], ["robusta"]) else "blend_chicory"


def _ratio(folded: str) -> str | None:
    """A label such as ``arabica_80_robusta_20`` for shares of both that sum to 100 and that the enum has."""
    if "%" not in folded:
        return None
    said = [int(match["percent"]) if match["percent"] else match["species"] for match in _SHARE.finditer(folded)]
    for four in zip(said, said[1:], said[2:], said[3:], strict=False):
        for first, second in ((four[:2], four[2:]), (four[1::-1], four[:1:-1])):
            for ratio in ((*first, *second), (*second, *first)):
                if ratio in _RATIOS:
                    return "_".join(map(str, ratio))
    return None
