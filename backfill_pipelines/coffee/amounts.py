"""Prices as the feeds write them: texts or numbers, in whole units or minor ones."""

import re
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import Annotated, NamedTuple

from pydantic import Field

from backfill_pipelines.coffee.codes import E_PRICE_NEGATIVE, E_PRICE_NOT_NUMBER, W_PRICE_ZERO

RawAmount = Annotated[str | int | float | None, Field(union_mode="left_to_right")]

_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:e[+-]?[0-9]{1,3})?", re.IGNORECASE)
_NOT_A_NUMBER = re.compile(r"[+-]?(?:nan|inf(?:inity)?)", re.IGNORECASE)
#: What ``numeric(12,3)`` holds.
_STEP = Decimal("0.001")
_LIMIT = Decimal(10) ** 9


class Amount(NamedTuple):
    """A price above zero, or None and the code that says why."""

    value: Decimal | None
    code: str | None


@lru_cache(maxsize=65536)
def amount(raw: RawAmount, minor_unit: int = 0) -> Amount:
    """The price that a feed gives.

    Nothing, zero and text that is no number ("on request") are no price; NaN, an infinity and what no price column
    can hold are errors.

    Args:
        raw: The value of the feed.
        minor_unit: Digits after the decimal point that the feed leaves out: 2 for paise.
    """
    text = str(raw).strip() if raw is not None else ""
    if _NUMBER.fullmatch(text) is None:
        return Amount(None, E_PRICE_NOT_NUMBER if _NOT_A_NUMBER.fullmatch(text) else W_PRICE_ZERO)
    value = Decimal(text).scaleb(-minor_unit)
    if value < 0:
        return Amount(None, E_PRICE_NEGATIVE)
    if value >= _LIMIT:
        return Amount(None, E_PRICE_NOT_NUMBER)
    value = value.quantize(_STEP, rounding=ROUND_HALF_UP)
    return Amount(value, None) if value else Amount(None, W_PRICE_ZERO)


def price_before(raw: RawAmount, price: Decimal | None, minor_unit: int = 0) -> Decimal | None:
    """The price before a reduction: ``raw`` if it is above the price, else None."""
    if raw is None or price is None:
        return None
    value = amount(raw, minor_unit).value
    return value if value is not None and value > price else None
