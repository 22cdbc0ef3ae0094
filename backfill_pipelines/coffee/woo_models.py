"""The raw models of WooCommerce's Store API.

Fields that are declared as Any are known, but neither read nor kept beside the coffee.
"""

from typing import Any

from backfill_pipelines.coffee.amounts import RawAmount
from backfill_pipelines.coffee.raw_models import RawId, RawModel


class WooPrices(RawModel):
    """Prices in minor units; ``price_range`` is there when the variations differ."""

    price: RawAmount = None
    regular_price: RawAmount = None
    currency_code: str | None = None
    currency_minor_unit: int | None = None
    price_range: dict[str, Any] | None = None


class WooNamed(RawModel):
    """A tag or a category."""

    name: str | None = None


class WooAttribute(RawModel):
    """A value of a variation; None means any."""

    name: str | None = None
    value: str | None = None


class WooVariation(RawModel):
    """A variation: as its parent lists it (id and attributes), or as an answer for variations has it (all else)."""

    id: RawId = None
    parent: RawId = None
    attributes: list[WooAttribute] | None = None
    prices: WooPrices | None = None
    is_in_stock: bool | None = None
    low_stock_remaining: int | None = None
    sku: str | None = None


class WooProduct(RawModel):
    """A product. Fields that are declared as Any are known, but neither read nor kept beside the coffee."""

    id: RawId = None
    name: str | None = None
    slug: str | None = None
    type: str | None = None
    permalink: str | None = None
    sku: str | None = None
    description: str | None = None
    short_description: str | None = None
    prices: WooPrices | None = None
    is_in_stock: bool | None = None
    low_stock_remaining: int | None = None
    categories: list[WooNamed] | None = None
    tags: list[WooNamed] | None = None
    variations: list[WooVariation] | None = None
    parent: Any = None
    variation: Any = None
    attributes: Any = None
    images: Any = None
    on_sale: Any = None
    price_html: Any = None
    average_rating: Any = None
    review_count: Any = None
    has_options: Any = None
    is_purchasable: Any = None
    is_on_backorder: Any = None
    sold_individually: Any = None
    quantity_limit: Any = None
    add_to_cart: Any = None
    brands: Any = None
    formatted_weight: Any = None
    formatted_dimensions: Any = None
    weight: Any = None
    dimensions: Any = None
    extensions: Any = None
    stock_availability: Any = None
