"""Products of Shopify's ``products.json``: the raw models, and the canonical product with the price rules.

The feed has no currency: the source's own, in force at the time of the capture, is given.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict

from backfill_pipelines.coffee.amounts import RawAmount, amount, price_before
from backfill_pipelines.coffee.canonical import CanonicalProduct, CanonicalVariant
from backfill_pipelines.coffee.codes import E_NO_VARIANTS, E_SHAPE, W_COMPARE_AT_IGNORED, W_DUPLICATE_VARIANT
from backfill_pipelines.coffee.descriptions import cleaned
from backfill_pipelines.coffee.products import (
    Feed,
    id_text,
    identity_codes,
    is_delivery_option,
    odd_codes,
    source_raw,
    stock_count,
)
from backfill_pipelines.coffee.raw_models import RawId, RawModel, read

_DEFAULT_TITLE = "Default Title"


def _split_tags(tags: Any) -> Any:
    """Older shops give their tags as one text."""
    return [tag.strip() for tag in tags.split(",") if tag.strip()] if isinstance(tags, str) else tags


class ShopifyOption(RawModel):
    """A dimension in which the variants of a product differ."""

    name: str | None = None


class ShopifyVariant(RawModel):
    """A variant; ``option1`` to ``option3`` are values of the product's options by position."""

    model_config = ConfigDict(extra="ignore")

    id: RawId = None
    title: str | None = None
    option1: str | None = None
    option2: str | None = None
    option3: str | None = None
    price: RawAmount = None
    compare_at_price: RawAmount = None
    available: bool | None = None
    inventory_quantity: int | None = None
    sku: str | None = None
    grams: int | None = None


class ShopifyProduct(RawModel):
    """A product. Fields that are declared as Any are known, but neither read nor kept beside the coffee."""

    id: RawId = None
    title: str | None = None
    handle: str | None = None
    body_html: str | None = None
    product_type: str | None = None
    vendor: str | None = None
    tags: Annotated[list[str] | None, BeforeValidator(_split_tags)] = None
    options: list[ShopifyOption] | None = None
    variants: list[ShopifyVariant] | None = None
    published_at: str | None = None
    created_at: str | None = None
    updated_at: Any = None
    images: Any = None
    image: Any = None


def shopify_product(raw: Mapping[str, Any], index: int, feed: Feed) -> CanonicalProduct:
    """The canonical form of a product, with the codes of what is wrong with it.

    Args:
        raw: The product as received.
        index: Its place in the body.
        feed: Of the source at the time of the capture.
    """
    product, odd = read(ShopifyProduct, raw)
    names = tuple(option.name or f"Option {n}" for n, option in enumerate(product.options or (), start=1))
    variants, variant_codes = _variants(product.variants or (), names, feed.currency)
    product_id, name = id_text(product.id), (product.title or "").strip()
    handle = (product.handle or "").strip()
    return CanonicalProduct(
        product_index=index,
        platform_product_id=product_id or f"#{index}",
        name=name,
        slug=handle or product_id,
        url=f"{feed.base_url}/products/{handle}" if handle else None,
        description=cleaned(product.body_html or ""),
        types=(product.product_type,) if product.product_type else (),
        tags=tuple(product.tags or ()),
        variants=variants,
        raw=raw,
        codes=(*identity_codes(product_id, name), *odd_codes(odd), *variant_codes),
        source_raw=source_raw(product, odd),
    )


def _variants(
    given: Iterable[ShopifyVariant], names: tuple[str, ...], currency: str
) -> tuple[tuple[CanonicalVariant, ...], tuple[str, ...]]:
    """The variants by their ids, and codes of the product: of an id that comes twice the last one counts."""
    found: dict[str, CanonicalVariant] = {}
    codes: list[str] = []
    for raw in given:
        variant_id = id_text(raw.id)
        if not variant_id:
            codes.append(E_SHAPE)
        elif variant_id in found:
            codes.append(W_DUPLICATE_VARIANT)
        found[variant_id] = _variant(variant_id, raw, names, currency)
    return tuple(found.values()), tuple(codes) if found else (E_NO_VARIANTS,)


def _variant(variant_id: str, raw: ShopifyVariant, names: tuple[str, ...], currency: str) -> CanonicalVariant:
    price, code = amount(raw.price)
    compare_at, codes = None, () if code is None else (code,)
    if raw.compare_at_price is not None and price is not None:
        compare_at = price_before(raw.compare_at_price, price)
        codes = codes if compare_at is not None else (*codes, W_COMPARE_AT_IGNORED)
    title, options, is_subscription = _shown(raw.title, names, (raw.option1, raw.option2, raw.option3))
    return CanonicalVariant(
        variant_id,
        title,
        options,
        price,
        compare_at,
        currency,
        "none" if price is None else "variant",
        False if price is None else raw.available,
        stock_count(raw.inventory_quantity),
        (raw.sku and raw.sku.strip()) or None,
        raw.grams,
        is_subscription,
        codes,
    )


@lru_cache(maxsize=65536)
def _shown(
    title: str | None, names: tuple[str, ...], values: tuple[str | None, ...]
) -> tuple[str | None, tuple[tuple[str, str], ...], bool]:
    """Title and options of a variant and whether it is sold by deliveries; a product's only variant has none."""
    if title == _DEFAULT_TITLE:
        return None, (), False
    padded = (*names, *(f"Option {n}" for n in range(len(names) + 1, len(values) + 1)))
    options = tuple((name, value) for name, value in zip(padded, values, strict=False) if value is not None)
    return title, options, any(is_delivery_option(name) for name, _ in options)
