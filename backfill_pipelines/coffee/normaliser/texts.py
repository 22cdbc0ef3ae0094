"""Texts as every parser reads them: one spelling of dashes, spaces, signs and case, and labelled values in prose.

A parser never sees a feed's own text; what is stored beside its answer is that text, unchanged.
"""

import html
import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

#: Kept apart from the digit before it, or NFKC would make 11/2 of one and a half.
_FRACTION_SIGN = re.compile("(?<=[0-9])(?=[\u00bc-\u00be\u2150-\u215e])")
#: An ampersand escaped again and again, which one unescaping at a time would take long to undo.
_NESTED = re.compile("&(?:(?:amp|#38|#x26);)+", re.IGNORECASE)
_DASHES = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212"
_INVISIBLE = "\u00ad\u200b\u200c\u200d\u2060\ufeff"
_SIGNS = str.maketrans(
    dict.fromkeys(_DASHES, "-")
    | dict.fromkeys("\u00d7\u2715\u2716", "x")
    | {"\u2044": "/", "\u2019": "'"}
    | dict.fromkeys(_INVISIBLE)
)
#: What a shop's description puts before a colon. A labelled value ends where the next label begins.
_LABELS = (
    r"about the coffee|acidity|altitude|aroma|body|brewing (?:recommendation|tip)s?|certifications?|country"
    r"|coffee (?:origin|notes)|cup(?:ping)? notes|drying|elevation|estate|farm|flavou?r notes|flavou?rs?|grower|harvest"
    r"|ingredients|location|notes|origin|process(?:ing)?(?: method)?|producer|region|roast(?: (?:profile|level))?"
    r"|species|strength|tasting notes|type|variet(?:y|ies|als?)"
)
_VALUE_END = re.compile(rf"(?: |^)(?:{_LABELS}) ?:|[;|\u2022]|\.(?: |$)", re.IGNORECASE)
_LONGEST_VALUE = 120


def tidy(text: str) -> str:
    """A text with one spelling of entities, dashes, signs and spaces, in its own case."""
    while (tidied := _tidy_once(text)) != text:
        text = tidied
    return text


def _tidy_once(text: str) -> str:
    parted = _FRACTION_SIGN.sub(" ", html.unescape(_NESTED.sub("&", text)))
    return " ".join(unicodedata.normalize("NFKC", parted).translate(_SIGNS).split())


@lru_cache(maxsize=1 << 14)
def fold(text: str) -> str:
    """A text as the parsers read it: tidied and in lower case. Folding what was folded changes nothing."""
    while (folded := tidy(text).lower()) != text:
        text = folded
    return text


@lru_cache(maxsize=256)
def _label(names: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![a-z0-9])(?:{names}) ?: ?", re.IGNORECASE)


def labelled(text: str, names: str) -> str | None:
    """The value after the first ``name:``, up to the next label or the sentence's end, in the text's own case.

    Args:
        text: A tidied text.
        names: The label's names, as a regular expression.

    Returns:
        The value, or None where there is no such label or nothing after it.
    """
    for label in _label(names).finditer(text):
        rest = text[label.end() : label.end() + _LONGEST_VALUE]
        end = _VALUE_END.search(rest)
        if value := rest[: end.start() if end else None].strip(" ,-"):
            return value
    return None


def words(alternatives: Iterable[str]) -> re.Pattern[str]:
    """A pattern that finds any of the alternatives as whole words of a folded text."""
    return re.compile(rf"(?<![a-z0-9])(?:{'|'.join(alternatives)})(?![a-z0-9])")


#: What does not match itself: escapes, classes, and groups from the innermost outwards.
_NOT_PLAIN = re.compile(r"\\.|\[[^\]]*\][?*]?|\([^()]*\)[?*]?")
_LETTERS = re.compile(r"[a-z]+(?![a-z?*{])|[a-z]+(?=[a-z][?*{])")
#: In many descriptions, so they sort out few.
_COMMON = frozenset(("coffee", "estate", "hidden", "valley", "village"))


def plain_part(alternative: str) -> str:
    """Letters that every match of an alternative holds, so that a text without them need not be searched.

    Looking for letters takes a fiftieth of the time of a pattern of whole words. Empty where nothing is sure.
    """
    while (plain := _NOT_PLAIN.sub(" ", alternative)) != alternative:
        alternative = plain
    parts = [] if "|" in plain else _LETTERS.findall(plain)
    return max(parts, key=lambda part: (part not in _COMMON, len(part)), default="")
