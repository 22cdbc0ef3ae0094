"""After-images: the item that a run wrote, built again from what it was built from. Only its digest is kept.

For the field diff of a record that somebody changed since. What comes out is compared with the digest in the ledger:
a metadata row or a cached answer that has changed gives another item, and that is none.
"""

from backfill_pipelines.receipts.items import Item
from backfill_pipelines.receipts.ledger import Entry
from backfill_pipelines.receipts.place_building import Built, build
from backfill_pipelines.receipts.places_cache import PlacesCache
from backfill_pipelines.receipts.provenance import Mark, content_digest
from backfill_pipelines.receipts.record_preparing import metadata_key, read_row
from backfill_pipelines.stores.items import ItemStore


class AfterImages:
    """Items as runs wrote them."""

    def __init__(self, items: ItemStore, cache: PlacesCache, *, photo_references_max: int = 0) -> None:
        self._items = items
        self._cache = cache
        self._photo_references_max = photo_references_max

    def of(self, entry: Entry) -> Item | None:
        """The item of an entry; None when it cannot be built any more."""
        row = read_row(self._items.get(metadata_key(entry.key)))
        answer = self._cache.read([entry.place_id]).get(entry.place_id)
        if isinstance(row, str) or answer is None or answer.body is None:
            return None
        mark = Mark(entry.run_id, entry.at, row.source_digest)
        built = build(row, answer.body, mark, photo_references_max=self._photo_references_max)
        is_it = isinstance(built, Built) and content_digest(built.item) == entry.content_digest
        return built.item if is_it and isinstance(built, Built) else None
