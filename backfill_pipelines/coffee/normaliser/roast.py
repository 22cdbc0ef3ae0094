"""The roast level of a coffee. Unlabelled prose is never read: it names the roasts of other coffees too."""

import re
from functools import lru_cache

from backfill_pipelines.coffee.normaliser.answers import NOTHING, Answer
from backfill_pipelines.coffee.normaliser.texts import fold, labelled

#: Most specific first: what an earlier level has read, a later one does not see.
_LEVELS = {
    "medium_dark": r"medium[- ]dark|medium to dark|full city ?\+|vienna roast",
    "light_medium": r"light[- ]medium|medium[- ]light|light to medium|full city|city ?\+",
    "light": r"light|cinnamon|city roast|new england|blonde?",
    "medium": r"medium|american|breakfast",
    "dark": r"very dark|dark|italian|french roast|espresso roast",
}
_LEVEL = "|".join(f"(?P<{level}>{pattern})" for level, pattern in _LEVELS.items())
_ANY_LEVEL = re.compile(rf"(?<![a-z0-9])(?:{_LEVEL})(?![a-z0-9])")
_ROAST = re.compile(r"(?<![a-z0-9])roast(?:ed|s)?(?![a-z0-9])")
_ROAST_TAG = re.compile(rf"(?:roast(?: (?:level|profile))? ?:? )?(?:{'|'.join(_LEVELS.values())})(?: roast(?:ed|s)?)?")
#: "Medium Roast: light-bodied" is no label, but the name of a roast.
_NAMES = (
    *("light", "medium", "dark", "cinnamon", "city", r"\+", "england", "blonde", "american", "breakfast", "vienna"),
    *("italian", "french", "espresso"),
)
_LABEL = rf"roast(?:ing)? (?:profile|level)|{''.join(f'(?<!{name} )' for name in _NAMES)}roast"


@lru_cache(maxsize=1 << 14)
def read_roast(text: str) -> Answer:
    """The level that a text names; two levels in one text are a range, which is no level."""
    levels = {match.lastgroup for match in _ANY_LEVEL.finditer(_spaced_plus(fold(text)))}
    if len(levels) > 1:
        return Answer(None, text, ("W_ROAST_RANGE",))
    return Answer(levels.pop(), text) if levels else NOTHING


def _spaced_plus(folded: str) -> str:
    return folded.replace("city +", "city+")


def roast_of(title: str, tags: tuple[str, ...], description: str) -> Answer:
    """A product's roast: from tags that are a level with "roast", else its label, else a title that holds "roast".

    Args:
        title: Of the product.
        tags: Of the product.
        description: Tidied.
    """
    levels = {answer.value: answer for tag in tags if (answer := _of_tag(tag)).value}
    if len(levels) > 1:
        return Answer(None, ", ".join(sorted(str(answer.raw) for answer in levels.values())), ("W_ROAST_CONFLICT",))
    if levels:
        return next(iter(levels.values()))
    value = labelled(description, _LABEL)
    if value and (answer := _of_label(value)) != NOTHING:
        return answer
    return read_roast(title) if _ROAST.search(fold(title)) else NOTHING


def _of_tag(tag: str) -> Answer:
    folded = " ".join(re.sub(r"[-_]", " ", fold(tag)).split())
    if not _ROAST.search(folded) or not _ROAST_TAG.fullmatch(folded):
        return NOTHING
    return Answer(read_roast(folded).value, tag)


def _of_label(value: str) -> Answer:
    """The label has said "roast" already: "City" and "Vienna" after it are roasts."""
    spoken = value if _ROAST.search(fold(value)) else f"{value} roast"
    answer = read_roast(spoken)
    return Answer(answer.value, value, answer.codes) if answer != NOTHING else NOTHING
