"""The altitude at which a coffee grew: metres above the sea, as least and most."""

import re
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from backfill_pipelines.coffee.normaliser.texts import fold

LEAST_M, MOST_M = 200, 3000
_FOOT = Fraction("0.3048")

_NUMBER = r"(?<![0-9.,])(?:[0-9]{1,2},[0-9]{3}|[0-9]{3,5})"
_SEA = r"(?: ?(?:asl|msl|amsl))?"
_UNIT = r"(?:m|mtrs?|met(?:er|re)s?|masl|mamsl|msl|asl|ft|feet|foot)(?![a-z0-9])"
_ALTITUDE = re.compile(
    rf"(?P<least>{_NUMBER})(?: ?(?P<least_unit>{_UNIT}))?{_SEA}"
    rf"(?: ?(?:-|to|and) ?(?P<most>{_NUMBER}) ?(?P<most_unit>{_UNIT}))?"
)
#: Without one of these nearby, 1500 m is the length of something.
_CONTEXT = re.compile(r"(?<![a-z0-9])(?:elevations?|altitudes?|[am]+sl|met(?:er|re)s|above (?:mean )?sea)(?![a-z0-9])")
_NEARBY = 40


@dataclass(frozen=True, slots=True)
class Altitude:
    """Metres above the sea; both None where no text names one in range."""

    min_m: int | None = None
    max_m: int | None = None
    codes: tuple[str, ...] = ()


_NONE = Altitude()


@lru_cache(maxsize=1 << 13)
def read_altitude(text: str) -> Altitude:
    """The first altitude that a text names, in metres, feet half-up; a single one is both least and most."""
    folded = fold(text)
    for match in _ALTITUDE.finditer(folded):
        unit = match["most_unit"] or match["least_unit"]
        if unit and _CONTEXT.search(folded[max(0, match.start() - _NEARBY) : match.end() + _NEARBY]):
            metres = sorted(
                _metres(number, match[f"{end}_unit"] or unit) for end in ("least", "most") if (number := match[end])
            )
            return _within(metres[0], metres[-1])
    return _NONE


def _metres(number: str, unit: str) -> int:
    factor = _FOOT if unit.startswith("f") else 1
    return int(int(number.replace(",", "")) * factor + Fraction(1, 2))


def _within(least: int, most: int) -> Altitude:
    if least >= LEAST_M and most <= MOST_M:
        return Altitude(least, most)
    return Altitude(None, None, ("W_ALTITUDE_RANGE",))
