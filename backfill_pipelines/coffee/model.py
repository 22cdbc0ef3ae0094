"""What the parts of the coffee recovery hand to each other: a source, a capture, and what was derived from its body.

Plain values without behaviour. How a body becomes observations is ``deriving``'s, how they are stored and folded is
``publishing``'s. Money is Decimal in the source's currency, weights are grams, times are aware and in UTC.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

Platform = Literal["shopify", "woocommerce", "custom", "other"]
Status = Literal["pending", "valid", "valid_with_warnings", "needs_review", "invalid", "superseded"]
Completeness = Literal["complete", "partial", "filtered", "unknown", "not_modified"]
PriceFrom = Literal["variant", "parent_uniform", "none"]
ObservedAtSource = Literal["response", "recorded", "manifest", "payload_max_updated_at"]

NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "coffee_scraper")


def natural_id(name: str) -> uuid.UUID:
    """The id of an entity from its natural key, such as ``roaster:<slug>``: equal in every rebuild and schema."""
    return uuid.uuid5(NAMESPACE, name)


@dataclass(frozen=True)
class Source:
    """A shop feed of a roaster: one row of ``product_sources``."""

    id: uuid.UUID
    roaster_id: uuid.UUID
    roaster_slug: str
    base_url: str
    platform: Platform
    #: In force now, and earlier ones as (until, currency), oldest first.
    currency: str
    currency_history: tuple[tuple[datetime, str], ...] = ()
    #: Kinds given by hand: {"product_type": {...}, "product_id": {...}}.
    kind_overrides: Mapping[str, Mapping[str, str]] = field(default_factory=dict[str, Mapping[str, str]])
    active_from: date | None = None

    def currency_at(self, moment: datetime) -> str:
        """The currency that was in force at a moment."""
        return next((currency for until, currency in self.currency_history if moment < until), self.currency)


@dataclass(frozen=True)
class Capture:
    """One stored body: one row of ``scrape_artifacts``. A page of a capture carries the capture's own time."""

    id: uuid.UUID
    source_id: uuid.UUID
    roaster_id: uuid.UUID
    url: str
    page: int
    observed_at: datetime
    observed_at_source: ObservedAtSource
    capture_id: uuid.UUID
    completeness: Completeness
    body_sha256: str
    body_len: int
    storage_uri: str
    http_status: int | None = 200
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    run_id: uuid.UUID | None = None

    @property
    def day(self) -> date:
        """The partition's day: the UTC day of the observation."""
        return self.observed_at.date()


@dataclass(slots=True)
class VariantObservation:
    """What one capture says of one variant: one row of ``variant_observations``.

    Nobody changes one; it is not frozen because that makes making one twenty times slower, a million times.
    """

    platform_variant_id: str
    price: Decimal | None
    currency: str
    compare_at_price: Decimal | None
    price_from: PriceFrom
    in_stock: bool | None
    stock_qty: int | None
    sku: str | None
    title: str | None
    #: The variant's options as [{"name": .., "value": ..}].
    options: Sequence[Mapping[str, str]]
    weight_g: int | None
    pack_count: int
    grind: str | None
    grind_raw: str | None
    subscription_available: bool
    codes: tuple[str, ...] = ()


@dataclass(slots=True)
class ProductObservation:
    """What one capture says of one product: one row of ``product_artifacts`` with its variants.

    Nobody changes one, nor what it holds: observations of an unchanged product share their parts.
    """

    product_index: int
    platform_product_id: str
    raw_payload_hash: str
    product_hash: str
    content_hash: str
    price_hash: str
    #: The normalised fields as JSON values, by the column names of ``coffees``: name, slug, product_kind, is_coffee,
    #: description_md, direct_buy_url, decaf, roast_level, roast_level_raw, process, process_raw, bean_species,
    #: default_grind, varieties, tags, region, country, altitude_min_m, altitude_max_m, notes_raw, source_raw.
    normalized: Mapping[str, Any]
    status: Status
    codes: tuple[str, ...]
    variants: Sequence[VariantObservation]


@dataclass(frozen=True, slots=True)
class Rejected:
    """A body, product or variant that is set aside: one row of ``quarantine``; empty ids mean the whole above.

    ``detail["variants"]`` is the number of variants that go with it, counted once where a product has several rows, so
    that their sum and what is published add up to what was captured.
    """

    reason: str
    detail: Mapping[str, Any]
    platform_product_id: str = ""
    platform_variant_id: str = ""


@dataclass(frozen=True)
class Derived:
    """Everything that one body says, after dropping duplicates within its capture."""

    products: Sequence[ProductObservation]
    rejected: Sequence[Rejected]
    status: Status
    #: Codes of the artifact itself and why, as JSON values for ``validation_errors``.
    errors: Sequence[Mapping[str, Any]]
    #: Products and variants in the body after dropping duplicates: published and set aside must add up to them.
    captured_products: int
    captured_variants: int
