"""A net weight in grams and a count of packs from one text, such as ``2 x 250g`` or ``8 1/2 oz``.

Which text of a variant is read first, and what a shipping weight is worth, is ``variant_texts``'s.
"""

import re
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from backfill_pipelines.coffee.normaliser.packs import PACK_NOUN, pack_of
from backfill_pipelines.coffee.normaliser.texts import fold

LEAST_G, MOST_G = 10, 5000
_LEAST_UNITLESS = 50
#: Beyond it an imperial weight beside a metric one is another weight, not the same one converted.
_SAME_WEIGHT = Fraction(1, 10)

_GRAM, _OUNCE, _POUND = Fraction(1), Fraction("28.349523125"), Fraction("453.59237")
_UNITS = {
    "mg": Fraction(1, 1000),
    **dict.fromkeys(("g", "gm", "gms", "gr", "gram", "grams"), _GRAM),
    **dict.fromkeys(("kg", "kgs", "kilo", "kilos", "kilogram", "kilograms"), Fraction(1000)),
    **dict.fromkeys(("oz", "ounce", "ounces"), _OUNCE),
    **dict.fromkeys(("lb", "lbs", "pound", "pounds"), _POUND),
}
_IMPERIAL = frozenset({_OUNCE, _POUND})

#: A fraction has the denominator of a measure, or "3/250g" (three deliveries of 250 g) would be one.
_NUMBER = (
    r"(?<![0-9.])(?<![0-9][,-])"
    r"(?:(?:(?P<whole>[0-9]{1,4}) )?(?P<over>[0-9]{1,2})/(?P<under>2|3|4|8|16)(?![0-9])"
    r"|(?P<plain>[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]{1,6})?|[0-9]{0,7}\.[0-9]{1,6}|[0-9]{1,7}))"
)
_WEIGHT = rf"{_NUMBER}[ -]?(?P<unit>{'|'.join(sorted(_UNITS, key=len, reverse=True))})(?:(?![a-z0-9])|(?=x ?[0-9]))"
#: A weight with the count that multiplies it: "2 x 250g", "250g x 2", "75 g (x 3 pouches)".
_ITEM = re.compile(
    rf"(?:(?<![0-9.,/])(?P<before>[0-9]{{1,3}})(?: {PACK_NOUN})? ?x ?)?{_WEIGHT}"
    rf"(?: ?\(? ?x ?(?P<after>[0-9]{{1,3}})(?![0-9.]| ?(?:{'|'.join(_UNITS)})(?![a-z0-9])))?"
)
_UNITLESS = re.compile(r"[0-9]{2,4}")
_PLUS = re.compile(r"[ )]*\+[ (]*")


@dataclass(frozen=True, slots=True)
class WeightReading:
    """What one text says: grams of one pack, how many packs, and whether it spoke of a weight at all."""

    weight_g: int | None = None
    #: None where the text names no count.
    pack_count: int | None = None
    codes: tuple[str, ...] = ()

    @property
    def names_a_weight(self) -> bool:
        """Whether the text settles the weight, be it only as one out of range."""
        return self.weight_g is not None or "W_WEIGHT_RANGE" in self.codes


@dataclass(frozen=True, slots=True)
class _Item:
    grams: Fraction
    count: int | None
    is_imperial: bool
    start: int
    end: int


@lru_cache(maxsize=1 << 15)
def read_weight(text: str, *, allow_unitless: bool = True) -> WeightReading:
    """Read a text's weight and pack.

    Args:
        text: As the feed has it.
        allow_unitless: Whether a bare number of two to four digits may be grams; not so for a product's name.

    Returns:
        Grams within 10 to 5000 or None; never a guess.
    """
    folded = fold(text)
    items = [_item(match) for match in _ITEM.finditer(folded)]
    if not items:
        return _unitless(folded) if allow_unitless else WeightReading(None, pack_of(folded))
    summed = _sum(folded, items)
    if len(summed) > 1:
        return _of_sum(summed)
    return _of_alternatives(items, pack_of(folded))


def _item(match: re.Match[str]) -> _Item:
    if match["plain"]:
        number = Fraction(match["plain"].replace(",", ""))
    else:
        number = int(match["whole"] or 0) + Fraction(int(match["over"]), int(match["under"]))
    factor = _UNITS[match["unit"]]
    counts = [int(count) for count in (match["before"], match["after"]) if count and int(count)]
    return _Item(number * factor, counts[0] if counts else None, factor in _IMPERIAL, match.start(), match.end())


def _unitless(folded: str) -> WeightReading:
    if _UNITLESS.fullmatch(folded) and _LEAST_UNITLESS <= int(folded) <= MOST_G:
        return WeightReading(int(folded), None, ("W_WEIGHT_UNITLESS",))
    return WeightReading(None, pack_of(folded))


def _sum(folded: str, items: list[_Item]) -> list[_Item]:
    """The first item and those that are added to it by a plus sign."""
    terms = items[:1]
    for item in items[1:]:
        if not _PLUS.fullmatch(folded, terms[-1].end, item.start):
            break
        terms.append(item)
    return terms


def _of_sum(terms: list[_Item]) -> WeightReading:
    """Equal terms are packs; unequal ones are one pack of their total. A named count counts the terms themselves."""
    if len({item.grams for item in terms}) == 1:
        return _within(terms[0].grams, sum(item.count or 1 for item in terms))
    total = sum((item.grams * (item.count or 1) for item in terms), Fraction())
    return _within(total, 1, "W_WEIGHT_MIXED_PACK")


def _of_alternatives(items: list[_Item], pack: int | None) -> WeightReading:
    """The first metric weight in range; others beside it that are more than a conversion apart are a conflict."""
    metric = [item for item in items if not item.is_imperial] or items
    chosen = next((item for item in metric if _in_range(item.grams)), metric[0])
    apart = any(abs(item.grams - chosen.grams) > _SAME_WEIGHT * chosen.grams for item in items)
    return _within(chosen.grams, chosen.count or pack, *(["W_WEIGHT_CONFLICT"] if apart else []))


def _within(grams: Fraction, pack: int | None, *codes: str) -> WeightReading:
    if not _in_range(grams):
        return WeightReading(None, pack, (*codes, "W_WEIGHT_RANGE"))
    return WeightReading(_half_up(grams), pack, codes)


def _half_up(grams: Fraction) -> int:
    return int(grams + Fraction(1, 2))


def _in_range(grams: Fraction) -> bool:
    return LEAST_G <= _half_up(grams) <= MOST_G
