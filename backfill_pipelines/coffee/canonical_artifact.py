"""The canonical artifact of older collectors: one product in a document of its own, checked strictly at its root.

Its hashes, its ``is_coffee`` and its normalisation are never trusted: all of it is derived again.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, cast

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from backfill_pipelines.coffee.amounts import amount, price_before
from backfill_pipelines.coffee.canonical import CanonicalProduct, CanonicalVariant
from backfill_pipelines.coffee.codes import (
    E_NO_PRODUCT_ID,
    E_NO_TITLE,
    E_NO_VARIANTS,
    E_PRICE_NEGATIVE,
    E_PRICE_NOT_NUMBER,
    E_SHAPE,
    R_CURRENCY_MISMATCH,
    W_COMPARE_AT_IGNORED,
    W_DUPLICATE_VARIANT,
)
from backfill_pipelines.coffee.descriptions import cleaned
from backfill_pipelines.coffee.products import Feed, last_part, stock_count

_Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
_Price = Annotated[str, StringConstraints(pattern=r"^[0-9]+(\.[0-9]+)?$")]
#: Where an error lies within ``product``, to its code; anywhere else it is the shape.
_CODE_OF_FIELD = {
    "platform_product_id": E_NO_PRODUCT_ID,
    "title": E_NO_TITLE,
    "variants": E_NO_VARIANTS,
    "price": E_PRICE_NOT_NUMBER,
}


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="allow")


class ArtifactVariant(_Part):
    """A variant; prices are texts of digits."""

    platform_variant_id: _Text
    price: _Price
    compare_at_price: _Price | None = None
    sku: str | None = None
    title: str | None = None
    currency: str | None = None
    in_stock: bool | None = None
    grams: int | None = None
    options: list[str] = []


class ArtifactProduct(_Part):
    """The product, with at least one variant."""

    platform_product_id: _Text
    title: _Text
    source_url: str
    variants: Annotated[list[ArtifactVariant], Field(min_length=1)]
    platform: str | None = None
    slug: str | None = None
    handle: str | None = None
    product_type: str | None = None
    description_html: str | None = None
    description_md: str | None = None
    tags: list[str] = []


class CanonicalArtifact(BaseModel):
    """The document; a key that it does not know makes it another document."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: Literal["shopify", "woocommerce", "firecrawl", "manual", "other"]
    roaster_domain: Annotated[str, StringConstraints(pattern=r"\.")]
    scraped_at: AwareDatetime
    product: ArtifactProduct
    collector_meta: dict[str, Any] | None = None
    normalization: dict[str, Any] | None = None
    collector_signals: dict[str, Any] | None = None
    audit: dict[str, Any] | None = None


def artifact_product(document: Mapping[str, Any], index: int, feed: Feed) -> CanonicalProduct:
    """The canonical form of the artifact's product; of one that breaks the schema only its name, id and codes."""
    raw = cast("dict[str, Any]", document["product"])
    try:
        product = CanonicalArtifact.model_validate(document).product
    except ValidationError as error:
        return _broken(raw, index, tuple(dict.fromkeys(_code(raw, found["loc"]) for found in error.errors())))
    variants = {given.platform_variant_id: _variant(given, feed.currency) for given in product.variants}
    return CanonicalProduct(
        product_index=index,
        platform_product_id=product.platform_product_id,
        name=product.title,
        slug=product.slug or product.handle or last_part(product.source_url) or product.platform_product_id,
        url=product.source_url,
        description=cleaned(product.description_html or product.description_md or ""),
        types=(product.product_type,) if product.product_type else (),
        tags=tuple(product.tags),
        variants=tuple(variants.values()),
        raw=raw,
        codes=(W_DUPLICATE_VARIANT,) if len(variants) < len(product.variants) else (),
    )


def _variant(given: ArtifactVariant, currency: str) -> CanonicalVariant:
    price, code = amount(given.price)
    compare_at = price_before(given.compare_at_price, price)
    is_ignored = given.compare_at_price is not None and price is not None and compare_at is None
    is_foreign = given.currency is not None and given.currency != currency
    checks = ((code, True), (R_CURRENCY_MISMATCH, is_foreign), (W_COMPARE_AT_IGNORED, is_ignored))
    return CanonicalVariant(
        platform_variant_id=given.platform_variant_id,
        title=given.title,
        options=tuple((f"Option {n}", value) for n, value in enumerate(given.options, start=1)),
        price=price,
        compare_at_price=compare_at,
        currency=given.currency or currency,
        price_from="none" if price is None else "variant",
        in_stock=False if price is None else given.in_stock,
        sku=(given.sku or "").strip() or None,
        shipping_grams=stock_count(given.grams),
        codes=tuple(code for code, applies in checks if applies and code),
    )


def _broken(raw: Mapping[str, Any], index: int, codes: tuple[str, ...]) -> CanonicalProduct:
    given_id, title = raw.get("platform_product_id"), raw.get("title")
    return CanonicalProduct(
        product_index=index,
        platform_product_id=given_id if isinstance(given_id, str) and given_id.strip() else f"#{index}",
        name=title if isinstance(title, str) else "",
        slug="",
        url=None,
        description="",
        types=(),
        tags=(),
        variants=(),
        raw=raw,
        codes=codes,
    )


def _code(raw: Mapping[str, Any], location: Sequence[str | int]) -> str:
    if location[:1] != ("product",):
        return E_SHAPE
    code = _CODE_OF_FIELD.get(str(location[-1]), E_SHAPE)
    if code == E_PRICE_NOT_NUMBER and str(_at(raw, location[1:])).strip().startswith("-"):
        return E_PRICE_NEGATIVE
    return code


def _at(raw: Any, path: Sequence[str | int]) -> Any:
    for step in path:
        raw = cast("list[Any]", raw)[step] if isinstance(step, int) else cast("dict[str, Any]", raw).get(step)
    return raw
