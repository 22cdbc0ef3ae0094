"""The digests of all places and metadata rows of a table, and which places carry a run's mark: one scan, or two reads.

What a rollback compares before and after itself. Nothing is written.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from backfill_pipelines.receipts import metadata as source
from backfill_pipelines.receipts import place as target
from backfill_pipelines.receipts.items import Item, digest_of, item_digest
from backfill_pipelines.receipts.keys import RecordKey, record_key, text_of
from backfill_pipelines.receipts.rollback_steps import has_mark_of
from backfill_pipelines.stores.items import Consumed, ItemStore, attribute_contains, ending, total

#: Partition and sort key of an item: also of one that is about no receipt.
Identity = tuple[str, str]


@dataclass(frozen=True)
class TableDigests:
    """What stands in the table, or in a part of it."""

    places: Mapping[Identity, str]
    metadata: Mapping[Identity, str]
    #: Records whose place carries the run's mark.
    marked: frozenset[RecordKey]
    consumed: Consumed

    def digest(self, but: Iterable[Identity] = ()) -> str:
        """One digest of all places but some."""
        left_out = set(but)
        return digest_of(sorted([*key, digest] for key, digest in self.places.items() if key not in left_out))

    @property
    def metadata_digest(self) -> str:
        """One digest of all metadata rows."""
        return digest_of(sorted([*key, digest] for key, digest in self.metadata.items()))


def read_digests(items: ItemStore, run_id: str, only: Iterable[RecordKey] | None = None) -> TableDigests:
    """The digests of the whole table, or of some records; strongly consistent.

    Raises:
        ItemStoreError: the scan is not complete.
    """
    places: dict[Identity, str] = {}
    metadata: dict[Identity, str] = {}
    marked: set[RecordKey] = set()
    consumed: list[Consumed] = []
    for found, units in _pages(items, only):
        consumed.append(units)
        for item in found:
            is_place = identity_of(item)[1].endswith(target.SK_SUFFIX)
            (places if is_place else metadata)[identity_of(item)] = item_digest(item)
            key = record_key(item, target.TYPE, target.SK_SUFFIX) if is_place else None
            if isinstance(key, RecordKey) and has_mark_of(item, run_id):
                marked.add(key)
    return TableDigests(places, metadata, frozenset(marked), total(consumed))


def identity_of(item: Item) -> Identity:
    """The keys of an item as texts."""
    return text_of(item.get("PK")) or "", text_of(item.get("SK")) or ""


def place_identity(key: RecordKey) -> Identity:
    """The keys of a record's place."""
    return identity_of(target.table_key(key.image_id, key.receipt_id))


def _pages(items: ItemStore, only: Iterable[RecordKey] | None) -> Iterable[tuple[Iterable[Item], Consumed]]:
    suffixes = (target.SK_SUFFIX, source.SK_SUFFIX)
    if only is None:
        for page in items.scan(where=attribute_contains("SK", *suffixes)):
            yield ending(page.items, "SK", *suffixes), page.consumed
        return
    keys = [
        {"PK": {"S": f"IMAGE#{key.image_id}"}, "SK": {"S": f"RECEIPT#{key.receipt_id:05d}{suffix}"}}
        for key in only
        for suffix in suffixes
    ]
    read = items.batch_get(keys)
    yield read.items, read.consumed
