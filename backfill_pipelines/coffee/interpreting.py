"""An item becomes what it says: read by its layout, then observed; an unchanged product is not read again.

Equal ``product_hash`` means an equal observation but for its place and the hash of what was received, so a replay of
52 weeks reads a product as often as it changed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import orjson

from backfill_pipelines.coffee.canonical import CanonicalProduct
from backfill_pipelines.coffee.canonical_artifact import artifact_product
from backfill_pipelines.coffee.codes import quarantine_reason
from backfill_pipelines.coffee.model import ProductObservation, Rejected, Source
from backfill_pipelines.coffee.observing import observed
from backfill_pipelines.coffee.products import Feed
from backfill_pipelines.coffee.reading import Item
from backfill_pipelines.coffee.remembering import Remembered
from backfill_pipelines.coffee.shopify import shopify_product
from backfill_pipelines.coffee.woocommerce import woo_product


@dataclass(frozen=True)
class Reader:
    """What the reading of an item depends on beside the item: its source, at one time."""

    feed: Feed
    overrides: Mapping[str, Mapping[str, str]]
    #: The same as a key.
    key: bytes

    @classmethod
    def of(cls, source: Source, currency: str) -> "Reader":
        """The reader of a source's items while a currency was in force."""
        base_url = source.base_url.rstrip("/")
        key = orjson.dumps([base_url, currency, source.kind_overrides], option=orjson.OPT_SORT_KEYS)
        return cls(Feed(base_url, currency), source.kind_overrides, key)


@dataclass(slots=True)
class Outcome:
    """What an item says: an observation, unless it is invalid; what of it is set aside; how many variants it has."""

    observation: ProductObservation | None
    rejected: Sequence[Rejected]
    variants: int


_known: Remembered[tuple[bytes, str, str], Outcome] = Remembered()


def interpreted(item: Item, reader: Reader) -> Outcome:
    """What an item says."""
    # The document around a canonical artifact's product decides as well, and is in no hash.
    if item.codes or item.variations or item.layout == "canonical":
        return _read(item, reader)
    key = (reader.key, item.layout, item.product_hash)
    known = _known.get(key)
    if known is not None and known.observation is not None:
        return Outcome(_restamped(known.observation, item), known.rejected, known.variants)
    outcome = _read(item, reader)
    if outcome.observation is not None:
        _known.put(key, outcome, outcome.variants)
    return outcome


def _restamped(known: ProductObservation, item: Item) -> ProductObservation:
    return ProductObservation(
        item.index,
        known.platform_product_id,
        item.raw_payload_hash,
        known.product_hash,
        known.content_hash,
        known.price_hash,
        known.normalized,
        known.status,
        known.codes,
        known.variants,
    )


def _read(item: Item, reader: Reader) -> Outcome:
    if not item.raw:
        detail = {"why": "it is no object, or variations without their product", "product_index": item.index}
        return Outcome(None, [Rejected(quarantine_reason(code), detail, item.product_id) for code in item.codes], 0)
    product = _canonical(item, reader.feed)
    if item.codes:
        product = replace(product, codes=(*product.codes, *item.codes))
    hashes = (item.raw_payload_hash, item.product_hash)
    return Outcome(*observed(product, hashes, reader.overrides), len(product.variants))


def _canonical(item: Item, feed: Feed) -> CanonicalProduct:
    match item.layout:
        case "shopify":
            return shopify_product(item.raw, item.index, feed)
        case "woocommerce":
            return woo_product(item.raw, item.index, feed, item.variations)
        case "canonical":
            return artifact_product(item.raw, item.index, feed)
