"""Which text of a variant is read for its weight, its pack and its grind, and in which order.

How one text is read is ``weights``'s, ``packs``'s and ``grind``'s.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from backfill_pipelines.coffee.normaliser.grind import read_grind, read_grind_option
from backfill_pipelines.coffee.normaliser.texts import fold
from backfill_pipelines.coffee.normaliser.weights import LEAST_G, MOST_G, WeightReading, read_weight

Options = tuple[tuple[str, str], ...]

_SIZE_OPTION = re.compile(r"(?<![a-z0-9])(?:size|weight|pack|packing|packaging|quantity|qty)s?(?![a-z0-9])")


@dataclass(frozen=True, slots=True)
class NormalisedVariant:
    """What the texts of a variant say; ``codes`` are warnings of its weight, pack and grind."""

    weight_g: int | None
    pack_count: int
    grind: str | None
    grind_raw: str | None
    codes: tuple[str, ...] = ()


@lru_cache(maxsize=1 << 15)
def read_variant(
    options: Options, title: str | None, product_name: str, kind: str | None, shipping_grams: int | None
) -> NormalisedVariant:
    """Read one variant.

    Args:
        options: (name, value) in the feed's order.
        title: The variant's own, if it has one.
        product_name: Read for a weight when nothing of the variant names one.
        kind: The product's; a shipping weight counts for beans only, a title names a grind for coffee only.
        shipping_grams: Shopify's ``grams``.
    """
    weight, pack, weight_codes = _weight_and_pack(options, title, product_name, kind, shipping_grams)
    grind, grind_raw, grind_codes = _grind(options, title, kind)
    return NormalisedVariant(weight, pack, grind, grind_raw, (*weight_codes, *grind_codes))


def is_grind_option(name: str) -> bool:
    """Whether an option or attribute of this name holds a grind."""
    return "grind" in fold(name)


@lru_cache(maxsize=1 << 12)
def is_size_option(name: str) -> bool:
    """Whether an option or attribute of this name holds a weight or a pack; "Grind Size" does not."""
    return not is_grind_option(name) and bool(_SIZE_OPTION.search(fold(name).replace("_", " ")))


def _weight_and_pack(
    options: Options, title: str | None, product_name: str, kind: str | None, shipping_grams: int | None
) -> tuple[int | None, int, tuple[str, ...]]:
    own = [read_weight(text) for text in _own_texts(options, title)]
    in_name = read_weight(product_name, allow_unitless=False)
    pack = _first_pack(own)
    if reading := _first_weight(own):
        late = ("W_PACK_IN_TITLE",) if (in_name.pack_count or 1) > 1 and not (reading.pack_count or pack) else ()
        return reading.weight_g, reading.pack_count or pack or 1, (*reading.codes, *late)
    if in_name.names_a_weight:
        return in_name.weight_g, in_name.pack_count or pack or 1, in_name.codes
    pack = pack or in_name.pack_count or 1
    if kind == "beans" and pack == 1 and shipping_grams is not None and LEAST_G <= shipping_grams <= MOST_G:
        return shipping_grams, 1, ("W_WEIGHT_FROM_SHIPPING",)
    return None, pack, ()


def _own_texts(options: Options, title: str | None) -> list[str]:
    """Size options, then the title; a variant without title is called by its options, as Shopify does."""
    sizes = [value for name, value in options if is_size_option(name)]
    return [*sizes, title if title is not None else " / ".join(value for _, value in options)]


def _first_weight(readings: Iterable[WeightReading]) -> WeightReading | None:
    return next((reading for reading in readings if reading.names_a_weight), None)


def _first_pack(readings: Iterable[WeightReading]) -> int | None:
    return next((reading.pack_count for reading in readings if reading.pack_count), None)


def _grind(options: Options, title: str | None, kind: str | None) -> tuple[str | None, str | None, tuple[str, ...]]:
    """The grind option's; without one the variant's title, where what is sold is coffee and not a filter with it."""
    for name, value in options:
        if is_grind_option(name):
            label, codes = read_grind_option(value)
            return label, value, codes
    if title is not None and kind in (None, "beans"):
        label, codes = read_grind(title)
        return (label, title, codes) if label else (None, None, ())
    return None, None, ()
