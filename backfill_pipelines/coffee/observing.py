"""A canonical product becomes an observation, or is set aside: classified, normalised, hashed and judged.

What the texts of a product say is remembered by those texts, because a replay meets the same catalogue week after
week with other prices and stock.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import lru_cache
from typing import Any

from backfill_pipelines.coffee.canonical import CanonicalProduct, CanonicalVariant
from backfill_pipelines.coffee.classification import given_kind, kind_of
from backfill_pipelines.coffee.codes import (
    R_CLASSIFY_UNDECIDED,
    R_CURRENCY_MISMATCH,
    R_PRICE_SPIKE,
    errors_among,
    quarantine_reason,
    status_of,
)
from backfill_pipelines.coffee.hashes import content_hash, price_hash
from backfill_pipelines.coffee.model import ProductObservation, Rejected, VariantObservation
from backfill_pipelines.coffee.normaliser import NORMALIZER_VERSION, NormalisedVariant, normalise
from backfill_pipelines.coffee.remembering import Remembered

#: In the source's currency; anything dearer is more likely a slip of the shop than a coffee.
_DEAREST = Decimal(1_000_000)
_SAMPLE = 20


@dataclass(frozen=True, slots=True)
class _Content:
    """What the texts of a product say, whatever it costs."""

    #: The columns of ``coffees`` without ``source_raw``.
    fields: Mapping[str, Any]
    variants: Sequence[tuple[NormalisedVariant, Sequence[Mapping[str, str]]]]
    codes: tuple[str, ...]
    content_hash: str


_contents: Remembered[tuple[Any, ...], _Content] = Remembered()


def observed(
    product: CanonicalProduct, hashes: tuple[str, str], overrides: Mapping[str, Mapping[str, str]]
) -> tuple[ProductObservation | None, Sequence[Rejected]]:
    """The observation of a product, None if it is invalid; and what of it is set aside.

    Args:
        product: As its platform's model reads it.
        hashes: Its ``raw_payload_hash`` and ``product_hash``.
        overrides: Kinds given by hand.
    """
    if errors := errors_among((*product.codes, *_variant_codes(product.variants))):
        return None, _rejections(product, errors)
    content = _content(product, given_kind(product.platform_product_id, product.types, overrides))
    variants: list[VariantObservation] = []
    rejected: list[Rejected] = []
    for variant, (normalised, options) in zip(product.variants, content.variants, strict=True):
        if R_CURRENCY_MISMATCH in variant.codes:
            rejected.append(_foreign(product, variant))
        else:
            variants.append(_variant_observation(variant, normalised, options))
    codes = {*product.codes, *content.codes, *_variant_codes(product.variants), *_variant_codes(variants)}
    observation = ProductObservation(
        product.product_index,
        product.platform_product_id,
        *hashes,
        content.content_hash,
        price_hash(variants),
        {**content.fields, "source_raw": product.source_raw},
        status_of(codes),
        tuple(sorted(codes)),
        variants,
    )
    return observation, rejected


def _variant_codes(variants: Iterable[CanonicalVariant | VariantObservation]) -> Iterable[str]:
    return (code for variant in variants if variant.codes for code in variant.codes)


def _variant_observation(
    variant: CanonicalVariant, normalised: NormalisedVariant, options: Sequence[Mapping[str, str]]
) -> VariantObservation:
    price = variant.price
    is_spike = price is not None and price > _DEAREST
    return VariantObservation(
        variant.platform_variant_id,
        price,
        variant.currency,
        variant.compare_at_price,
        variant.price_from,
        variant.in_stock,
        variant.stock_qty,
        variant.sku,
        variant.title,
        options,
        normalised.weight_g,
        normalised.pack_count,
        normalised.grind,
        normalised.grind_raw,
        variant.is_subscription,
        (*variant.codes, *normalised.codes, R_PRICE_SPIKE) if is_spike else variant.codes + normalised.codes,
    )


def _content(product: CanonicalProduct, given: str | None) -> _Content:
    texts = tuple((v.platform_variant_id, v.title, v.options, v.shipping_grams) for v in product.variants)
    of_product = (product.platform_product_id, product.name, product.slug, product.url, product.description)
    key = (given, *of_product, product.types, product.tags, texts)
    known = _contents.get(key)
    return known if known is not None else _contents.put(key, _read(product, given), len(product.variants))


def _read(product: CanonicalProduct, given: str | None) -> _Content:
    options = tuple(dict.fromkeys(option for variant in product.variants for option in variant.options))
    kind = given if given is not None else kind_of(product.name, product.types, product.tags, options)
    normalised = normalise(replace(product, kind=kind))
    fields = {"name": product.name, "slug": product.slug, **normalised.fields}
    ids = (variant.platform_variant_id for variant in product.variants)
    variants = [
        (variant_id, v.weight_g, v.pack_count, v.grind) for variant_id, v in zip(ids, normalised.variants, strict=True)
    ]
    return _Content(
        fields,
        [
            (of_texts, _as_objects(variant.options))
            for variant, of_texts in zip(product.variants, normalised.variants, strict=True)
        ],
        normalised.codes if kind is not None else (*normalised.codes, R_CLASSIFY_UNDECIDED),
        content_hash({**fields, "variants": sorted(variants, key=lambda row: row[0])}, NORMALIZER_VERSION),
    )


@lru_cache(maxsize=1 << 14)
def _as_objects(options: tuple[tuple[str, str], ...]) -> Sequence[Mapping[str, str]]:
    """Options as they are stored; variants with the same ones share them."""
    return [{"name": name, "value": value} for name, value in options]


def _rejections(product: CanonicalProduct, errors: Sequence[str]) -> Sequence[Rejected]:
    """One row for every code; the first one counts the variants that go with the product."""
    counts = [len(product.variants), *(0 for _ in errors)]
    return [
        Rejected(quarantine_reason(code), _detail(product, code, variants), product.platform_product_id)
        for code, variants in zip(dict.fromkeys(errors), counts, strict=False)
    ]


def _detail(product: CanonicalProduct, code: str, variants: int) -> Mapping[str, Any]:
    culprits = [variant.platform_variant_id for variant in product.variants if code in variant.codes]
    return {
        "code": code,
        "name": product.name,
        "product_index": product.product_index,
        "variants": variants,
        "variant_ids": culprits[:_SAMPLE],
        "left_out": product.source_raw.get("unknown_field_types", []),
    }


def _foreign(product: CanonicalProduct, variant: CanonicalVariant) -> Rejected:
    detail = {
        "code": R_CURRENCY_MISMATCH,
        "name": product.name,
        "variants": 1,
        "currency": variant.currency,
        "price": None if variant.price is None else str(variant.price),
    }
    reason = quarantine_reason(R_CURRENCY_MISMATCH)
    return Rejected(reason, detail, product.platform_product_id, variant.platform_variant_id)
