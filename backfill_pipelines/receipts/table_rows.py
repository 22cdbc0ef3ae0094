"""The table as it stands: one strongly consistent scan of all that verification looks at, each place cut to a row.

A place item is some thirty objects in memory; its row is what the gates need of it, so that a table of a million
receipts can be judged. The inventory scans the same rows for their source alone.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from backfill_pipelines.receipts import metadata as source
from backfill_pipelines.receipts import place as target
from backfill_pipelines.receipts.inventory import RECEIPT_TYPE, WANTED, kind_of
from backfill_pipelines.receipts.items import Item, item_digest, item_size
from backfill_pipelines.receipts.keys import Malformed, RecordKey, record_key, text_of
from backfill_pipelines.receipts.metadata import Metadata, read_metadata
from backfill_pipelines.receipts.place_reading import Existing, existing_state, read_place, regenerated_keys
from backfill_pipelines.receipts.provenance import Mark, mark_of
from backfill_pipelines.stores.items import Consumed, ItemStore, total

#: What the API alone says of a place: equal for all receipts from there.
API_FIELDS = (
    *("merchant_types", "short_address", "address_components", *target.COORDINATES, "plus_code", "phone_intl"),
    *("website", "maps_url", "business_status", "hours_summary", "hours_data", "photo_references"),
)
_ANY_RECEIPT_ID = re.compile(r"RECEIPT#0*([0-9]+)")


@dataclass(frozen=True, slots=True)
class PlaceRow:
    """What the gates need of one place item."""

    pk: str
    sk: str
    #: None when the keys name no receipt.
    key: RecordKey | None
    place_id: str
    merchant_name: str
    formatted_address: str
    phone_intl: str
    validation_status: str
    confidence: Decimal
    latitude: Decimal | None
    longitude: Decimal | None
    geohash: str
    mark: Mark | None
    is_stub: bool
    #: Partition of each index that the scalars demand.
    partitions: tuple[tuple[str, str], ...]
    api_digest: str
    size: int

    @property
    def name(self) -> str:
        """The item for people."""
        return self.key.name if self.key else f"{self.pk} {self.sk}"

    @property
    def identity(self) -> tuple[str, str]:
        """Whose place it is, however its keys are spelled: two items of one identity are one too many."""
        receipt = _ANY_RECEIPT_ID.match(self.sk)
        return self.pk.lower(), receipt[1] if receipt else self.sk


@dataclass(frozen=True)
class TableRows:
    """Everything of the migration that stands in the table."""

    metadata: tuple[Metadata, ...]
    malformed: tuple[Malformed, ...]
    receipts: frozenset[RecordKey]
    places: tuple[PlaceRow, ...]
    rows_scanned: int
    consumed: Consumed

    @property
    def place_by_key(self) -> dict[RecordKey, PlaceRow]:
        """Places by the record that they are of."""
        return {place.key: place for place in self.places if place.key}


def read_table(items: ItemStore) -> TableRows:
    """Scan the table.

    Raises:
        ItemStoreError: the scan is not complete.
    """
    metadata: list[Metadata] = []
    malformed: list[Malformed] = []
    receipts: set[RecordKey] = set()
    places: list[PlaceRow] = []
    scanned, consumed = 0, list[Consumed]()
    for page in items.scan(where=WANTED):
        scanned += page.scanned
        consumed.append(page.consumed)
        by_kind = _by_kind(page.items)
        for item in by_kind[source.TYPE]:
            found = read_metadata(item)
            (malformed if isinstance(found, Malformed) else metadata).append(found)  # pyright: ignore[reportArgumentType]
        receipts |= {k for i in by_kind[RECEIPT_TYPE] if isinstance(k := record_key(i, RECEIPT_TYPE, ""), RecordKey)}
        places += [place_row(item) for item in by_kind[target.TYPE]]
    return TableRows(
        metadata=tuple(sorted(metadata, key=lambda row: row.key)),
        malformed=tuple(malformed),
        receipts=frozenset(receipts),
        places=tuple(sorted(places, key=lambda row: (row.pk, row.sk))),
        rows_scanned=scanned,
        consumed=total(consumed),
    )


def place_row(item: Item) -> PlaceRow:
    """An item that stands where a place should, cut to its row."""
    found = read_place(item)
    is_readable = not isinstance(found, Malformed)
    keys = regenerated_keys(item)
    names = ("GSI1PK", "GSI2PK", "GSI3PK", "GSI4PK")
    return PlaceRow(
        pk=text_of(item.get("PK")) or "",
        sk=text_of(item.get("SK")) or "",
        key=found.key if is_readable else None,
        place_id=_text(item, "place_id"),
        merchant_name=_text(item, "merchant_name"),
        formatted_address=_text(item, "formatted_address"),
        phone_intl=_text(item, "phone_intl"),
        validation_status=_text(item, "validation_status"),
        confidence=found.confidence if is_readable else Decimal(0),
        latitude=found.latitude if is_readable else None,
        longitude=found.longitude if is_readable else None,
        geohash=_text(item, "geohash"),
        mark=mark_of(_text(item, "reasoning")),
        is_stub=existing_state(item, _text(item, "place_id")) is Existing.STUB,
        partitions=tuple((name.removesuffix("PK"), keys[name]["S"]) for name in names if name in keys),
        api_digest=item_digest({name: item[name] for name in API_FIELDS if name in item}),
        size=item_size(item),
    )


def _by_kind(items: Iterable[Item]) -> dict[str | None, list[Item]]:
    found: dict[str | None, list[Item]] = {kind: [] for kind in (source.TYPE, target.TYPE, RECEIPT_TYPE, None)}
    for item in items:
        found[kind_of(item)].append(item)
    return found


def _text(item: Item, name: str) -> str:
    return text_of(item.get(name)) or ""
