"""How a coffee was processed, in the labels of ``process_enum``; never guessed from taste or country."""

from functools import lru_cache

from backfill_pipelines.coffee.normaliser.answers import NOTHING, Answer
from backfill_pipelines.coffee.normaliser.texts import fold, labelled, words

#: Most specific first: "CM Natural" is a carbonic maceration, "semi-washed" a honey.
_WORDS = {
    "monsooned": ("monsoon(?:ed)?",),
    # Not centimetres.
    "carbonic_maceration": ("carbonic[- ]maceration", "(?<![0-9] )cm"),
    "wet_hulled": ("wet[- ]hulled", "giling basah"),
    "double_fermented": ("double[- ]ferment(?:ed|ation)",),
    "pulped_natural": ("pulped[- ]natural", "pulp(?:ed)?[- ]sun[- ]dried"),
    "anaerobic": ("anaerobic(?:ally)?",),
    "honey": ("honey", "semi[- ]?washed", "miel"),
    "experimental": (
        *("experimental", "co[- ]?ferment(?:ed|ation)?", "barrel[- ]aged", "yeasts?", "cultured?", "bio[- ]?reactor"),
    ),
    "washed": ("washed", "wet[- ]process(?:ed)?"),
    "natural": ("naturals?", "dry[- ]process(?:ed)?", "sun[- ]dried", "unwashed"),
}
_PATTERNS = {process: words(alternatives) for process, alternatives in _WORDS.items()}
_LABEL = "process(?:ing)?(?: method)?"
_LONGEST_TAG = 40
_OTHER_SUBJECTS = words(("roast(?:ed|s)?", "coffees?"))
#: A label that names no method.
_UNSAID = words(("unknown", "not specified", "none", "n/?a", "various", "mixed", "process(?:ed|ing)?", "method"))


@lru_cache(maxsize=1 << 14)
def read_process(text: str) -> str | None:
    """The process that a text names."""
    folded = fold(text)
    return next((process for process, pattern in _PATTERNS.items() if pattern.search(folded)), None)


def process_of(title: str, tags: tuple[str, ...], description: str) -> Answer:
    """A product's process: from its title, else its tags, else its label; ``other`` only for a label's unknown word.

    Args:
        title: Of the product.
        tags: Of the product; the table's order decides between two of them, not the shop's.
        description: Tidied.
    """
    if process := read_process(title):
        return Answer(process, title)
    return _of_tags(tags) or _of_label(labelled(description, _LABEL))


def _of_tags(tags: tuple[str, ...]) -> Answer | None:
    named = [tag for tag in tags if len(tag) <= _LONGEST_TAG and not _OTHER_SUBJECTS.search(fold(tag))]
    processes = {process: tag for tag in reversed(named) if (process := read_process(tag))}
    return next((Answer(process, processes[process]) for process in _PATTERNS if process in processes), None)


def _of_label(value: str | None) -> Answer:
    if not value:
        return NOTHING
    if process := read_process(value):
        return Answer(process, value)
    is_a_method = len(value) <= _LONGEST_TAG and not _UNSAID.search(fold(value)) and any(map(str.isalpha, value))
    return Answer("other" if is_a_method else None, value)
