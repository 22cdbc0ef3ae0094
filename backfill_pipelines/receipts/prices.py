"""What Google and AWS charge, as of a date, and the cost of a number of calls. The prices are data, edited here."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

#: When the price lists below were last compared with the public ones.
PRICES_AS_OF = date(2026, 6, 30)

_THOUSAND, _MILLION = Decimal(1000), Decimal(1_000_000)


class Tier(StrEnum):
    """How much of a place is asked for; each tier includes the ones before it."""

    ID_REFRESH = "id_refresh"
    ESSENTIALS = "essentials"
    PRO = "pro"
    FULL = "full"

    def covers(self, other: "Tier") -> bool:
        """Whether an answer of this tier holds all fields of the other."""
        order = list(Tier)
        return order.index(self) >= order.index(other)


@dataclass(frozen=True)
class PriceStep:
    """The price of a thousand calls, up to so many calls of a month; None is without end."""

    up_to: int | None
    per_thousand: Decimal


@dataclass(frozen=True)
class Sku:
    """What one call is billed as: the highest SKU of its fields."""

    name: str
    free_per_month: int | None
    steps: tuple[PriceStep, ...]
    fields: tuple[str, ...]


def _steps(*per_thousand: str) -> tuple[PriceStep, ...]:
    limits = (100_000, 500_000, 1_000_000, 5_000_000, None)
    return tuple(PriceStep(limit, Decimal(price)) for limit, price in zip(limits, per_thousand, strict=True))


_ID_FIELDS = ("id", "movedPlace", "movedPlaceId")
_ESSENTIALS_FIELDS = (
    *_ID_FIELDS,
    *("formattedAddress", "shortFormattedAddress", "addressComponents", "location", "viewport", "plusCode", "types"),
)
_PRO_FIELDS = (*_ESSENTIALS_FIELDS, "displayName", "primaryType", "businessStatus", "googleMapsUri")
_FULL_FIELDS = (
    *_PRO_FIELDS,
    *("nationalPhoneNumber", "internationalPhoneNumber", "websiteUri", "regularOpeningHours", "currentOpeningHours"),
)

SKUS: Mapping[Tier, Sku] = {
    Tier.ID_REFRESH: Sku("Place Details Essentials (IDs only)", None, (PriceStep(None, Decimal(0)),), _ID_FIELDS),
    Tier.ESSENTIALS: Sku(
        "Place Details Essentials", 10_000, _steps("5.00", "4.00", "3.00", "1.50", "0.38"), _ESSENTIALS_FIELDS
    ),
    Tier.PRO: Sku("Place Details Pro", 5_000, _steps("17.00", "13.60", "10.20", "5.10", "1.28"), _PRO_FIELDS),
    Tier.FULL: Sku("Place Details Enterprise", 1_000, _steps("20.00", "16.00", "12.00", "6.00", "1.51"), _FULL_FIELDS),
}

#: DynamoDB on demand, a million request units.
WRITE_UNITS_PER_MILLION, READ_UNITS_PER_MILLION = Decimal("0.625"), Decimal("0.125")


def field_mask(tier: Tier, *, with_photos: bool = False) -> str:
    """The mask of a request; photos change nothing in the price of a tier."""
    return ",".join((*SKUS[tier].fields, *(("photos",) if with_photos else ())))


def cost_of_calls(sku: Sku, calls: int, used: int = 0, free: int | None = None) -> Decimal:
    """Dollars for further calls after so many of the month; ``free`` overrides the list's free calls."""
    free_calls = sku.free_per_month if free is None else free
    if free_calls is None:
        return Decimal(0)
    total, start = Decimal(0), max(used, free_calls)
    for step in sku.steps:
        end = used + calls if step.up_to is None else min(used + calls, step.up_to)
        if end > start:
            total, start = total + (end - start) * step.per_thousand / _THOUSAND, end
    return total


def price_of_next_call(sku: Sku, used: int, free: int | None = None) -> Decimal:
    """Dollars for the one call that follows so many of the month: what a budget reserves."""
    return cost_of_calls(sku, 1, used, free)


def cost_of_write_units(units: int) -> Decimal:
    """Dollars for write request units of a table on demand."""
    return units * WRITE_UNITS_PER_MILLION / _MILLION


def cost_of_read_units(units: int) -> Decimal:
    """Dollars for read request units of a table on demand."""
    return units * READ_UNITS_PER_MILLION / _MILLION
