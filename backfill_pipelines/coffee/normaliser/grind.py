"""The grind of a variant, in the labels of ``grind_enum`` that are written, and the default grind of a coffee.

``cold_brew`` and ``moka`` are other spellings of the enum's old dumps and are never written.
"""

import re
from collections import Counter
from functools import lru_cache

from backfill_pipelines.coffee.normaliser.texts import fold, words

OTHER = "other"
#: Of a compound the first of these wins, so that the order of its words does not matter.
_WORDS = {
    "south indian filter": ("south indian filter",),
    "turkish": ("turkish",),
    "french press": ("french ?press", "plunger"),
    "pour over": ("pour ?over", "chemex", "v60", "kalita"),
    "inverted aeropress": ("inverted aero ?press", "aero ?press inverted"),
    "aeropress": ("aero ?press",),
    "moka pot": ("moka ?pot", "mocha ?pot"),
    "cold brew": ("cold ?brew",),
    "omni": ("omni",),
    "home espresso": ("home espresso",),
    "commercial espresso": ("commercial espresso",),
    "espresso": ("espresso", "picopresso"),
    "coffee filter": ("coffee filter", "drip(?: machine)?"),
    "filter": ("filter",),
    "channi": ("channi",),
    "syphon": ("syphon", "siphon", "vacuum"),
    "whole": ("whole ?beans?", "beans?", "unground", "whole"),
}
_PATTERNS = {label: words(alternatives) for label, alternatives in _WORDS.items()}
_ORDER = (*_WORDS, OTHER)
_SEPARATORS = re.compile(r"[/,|&+]| or | and ")


@lru_cache(maxsize=1 << 14)
def read_grind(text: str) -> tuple[str | None, tuple[str, ...]]:
    """The grind that a text names, as (label, warnings); (None, ()) where it names none.

    Slugs are read as words. A text that names several, such as "Cold Brew / Channi", is a compound.
    """
    folded = " ".join(re.sub(r"[-_]", " ", fold(text)).split())
    parts = [label for part in _SEPARATORS.split(folded) if (label := _first(part))]
    compound = ("W_GRIND_COMPOUND",) if len(set(parts)) > 1 else ()
    return _first(folded), compound


def _first(folded: str) -> str | None:
    return next((label for label, pattern in _PATTERNS.items() if pattern.search(folded)), None)


def read_grind_option(value: str) -> tuple[str, tuple[str, ...]]:
    """The grind of a grind option's value: ``other`` with a warning where the words are not known."""
    label, codes = read_grind(value)
    return (label, codes) if label else (OTHER, ("W_GRIND_UNKNOWN",))


@lru_cache(maxsize=1 << 12)
def default_grind(grinds: tuple[str | None, ...]) -> str | None:
    """A coffee's default grind: whole beans if it is sold so, else the most frequent, a tie in the table's order."""
    counts = Counter(grind for grind in grinds if grind)
    if "whole" in counts:
        return "whole"
    return min(counts, key=lambda grind: (-counts[grind], _ORDER.index(grind)), default=None)
