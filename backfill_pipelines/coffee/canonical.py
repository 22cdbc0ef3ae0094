"""A product as every shop feed says it: the shape between the raw models of a platform and the normaliser.

Plain values: ``shopify`` and ``woocommerce`` make them, ``classification`` gives them a kind, ``normaliser`` reads
them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from backfill_pipelines.coffee.model import PriceFrom


@dataclass(slots=True)
class CanonicalVariant:
    """A variant with the price rules applied; texts as the feed has them.

    Nobody changes one; it is not frozen because that makes making one twenty times slower, a million times.
    """

    platform_variant_id: str
    #: None for Shopify's "Default Title".
    title: str | None
    #: (option name, value), in the feed's order.
    options: tuple[tuple[str, str], ...]
    price: Decimal | None
    compare_at_price: Decimal | None
    currency: str
    price_from: PriceFrom
    in_stock: bool | None
    stock_qty: int | None = None
    sku: str | None = None
    #: Shopify's ``grams``: a shipping weight.
    shipping_grams: int | None = None
    #: Sold by deliveries: an option named installments or frequency of delivery.
    is_subscription: bool = False
    codes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CanonicalProduct:
    """A product; ``description`` is cleaned text, ``types`` are product type or categories."""

    product_index: int
    platform_product_id: str
    name: str
    slug: str
    url: str | None
    description: str
    types: tuple[str, ...]
    tags: tuple[str, ...]
    variants: tuple[CanonicalVariant, ...]
    #: The product as received, for hashes and ``source_raw``.
    raw: Mapping[str, Any]
    #: What is kept of it beside the coffee, by name of the feed's field.
    source_raw: Mapping[str, Any] = field(default_factory=dict[str, Any])
    #: Of the classification: beans, capsule, .., None when undecided.
    kind: str | None = None
    codes: tuple[str, ...] = ()
