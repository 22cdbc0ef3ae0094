"""Inventory: one strongly consistent scan of the table, every row of the migration classified. Reads, never writes.

The scan asks for the rows by their sort keys and by TYPE, so that a row without TYPE and a row under a wrong key are
found as well; what the store sends is classified by the pure model. What is kept of it is said in ``manifest``.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from backfill_pipelines.receipts import metadata as source
from backfill_pipelines.receipts import place as target
from backfill_pipelines.receipts.assessment import Assessed, Census
from backfill_pipelines.receipts.items import Item
from backfill_pipelines.receipts.keys import Malformed, RecordKey, record_key, text_of
from backfill_pipelines.receipts.metadata import Metadata, eligibility, read_metadata
from backfill_pipelines.receipts.place_reading import existing_state
from backfill_pipelines.stores.items import Consumed, Expression, ItemStore, Page, total

RECEIPT_TYPE = "RECEIPT"
_TYPES = (source.TYPE, target.TYPE, RECEIPT_TYPE)
NO_TYPE, OTHER_ROWS = "(no TYPE)", "(other rows)"

#: All that is read of a row: what the source digest covers, and what tells a stub from a place.
_ATTRIBUTES = ("PK", "SK", "TYPE", *source.TEXTS, "matched_fields", "confidence", "latitude")
#: RECEIPT#00001#METADATA, RECEIPT#00001#PLACE, RECEIPT#00001; a label may be called PLACE, its key is longer.
_SORT_KEY = re.compile(r"RECEIPT#[^#]*(?P<suffix>|#METADATA|#PLACE)")
_KINDS = {source.SK_SUFFIX: source.TYPE, target.SK_SUFFIX: target.TYPE, "": RECEIPT_TYPE}
#: Longer than the sort key of any receipt, shorter than that of any of its lines.
_LONGEST_RECEIPT_KEY = 20

WANTED = Expression(
    "contains(#sk, :metadata) OR contains(#sk, :place) OR (begins_with(#sk, :receipt) AND size(#sk) <= :longest) "
    "OR #type IN (:type0, :type1, :type2)",
    {"#sk": "SK", "#type": "TYPE"},
    {
        ":metadata": {"S": source.SK_SUFFIX},
        ":place": {"S": target.SK_SUFFIX},
        ":receipt": {"S": "RECEIPT#"},
        ":longest": {"N": str(_LONGEST_RECEIPT_KEY)},
        **{f":type{number}": {"S": name} for number, name in enumerate(_TYPES)},
    },
)


@dataclass(frozen=True)
class Inventory:
    """What one scan found: the classified rows, and what it took to find them."""

    table: str
    taken_at: datetime
    census: Census
    #: Rows that stand where metadata should, or say that they are: counted as they came, before any was read.
    scanned_metadata: int
    rows_scanned: int
    places: int
    consumed: Consumed
    requires_receipt: bool


def take_inventory(
    items: ItemStore, table: str, *, requires_receipt: bool = True, now: datetime | None = None
) -> Inventory:
    """Scan a table and classify its rows.

    Args:
        items: The table.
        table: Its name.
        requires_receipt: Whether a record without a RECEIPT row is ineligible.
        now: When; the present by default.

    Raises:
        ItemStoreError: the scan is not complete. Half an inventory is none.
    """
    taken_at = now or datetime.now(UTC)
    rows = _Rows()
    for page in items.scan(where=WANTED, attributes=_ATTRIBUTES):
        rows.add(page)
    return Inventory(
        table=table,
        taken_at=taken_at,
        census=rows.census(requires_receipt=requires_receipt),
        scanned_metadata=len(rows.by_kind[source.TYPE]),
        rows_scanned=rows.scanned,
        places=len(rows.by_kind[target.TYPE]),
        consumed=total(rows.consumed),
        requires_receipt=requires_receipt,
    )


def kind_of(item: Item) -> str | None:
    """Which of the three types a row is taken for: by its sort key where that has the form, else by its TYPE."""
    form = _SORT_KEY.fullmatch(text_of(item.get("SK")) or "")
    named = text_of(item.get("TYPE"))
    return _KINDS[form["suffix"]] if form else named if named in _TYPES else None


class _Rows:
    """Rows as the pages bring them."""

    def __init__(self) -> None:
        self.by_kind: Mapping[str, list[Item]] = {kind: [] for kind in _TYPES}
        self.consumed: list[Consumed] = []
        self.scanned = 0
        self._types: Counter[str] = Counter()
        self._sent = 0

    def add(self, page: Page) -> None:
        """Sort the rows of a page; the store's own count of it includes what the filter left out."""
        self.scanned += page.scanned
        self.consumed.append(page.consumed)
        for item in page.items:
            if kind := kind_of(item):
                self.by_kind[kind].append(item)
                self._types[text_of(item.get("TYPE")) or NO_TYPE] += 1
                self._sent += 1

    def census(self, *, requires_receipt: bool) -> Census:
        """The rows, read by the model, in the order of all work."""
        receipts = frozenset(_receipts(self.by_kind[RECEIPT_TYPE]))
        places = {_key_texts(item): item for item in self.by_kind[target.TYPE]}
        found = [read_metadata(item) for item in self.by_kind[source.TYPE]]
        read = sorted((row for row in found if isinstance(row, Metadata)), key=lambda row: row.key)
        others = {OTHER_ROWS: self.scanned - self._sent} if self.scanned > self._sent else {}
        return Census(
            rows_by_type=self._types | others,
            records=[
                Assessed(
                    row,
                    eligibility(row, has_receipt=row.key in receipts or not requires_receipt),
                    existing_state(places.get(_place_key(row.key)), row.place_id),
                )
                for row in read
            ],
            malformed=sorted((row for row in found if isinstance(row, Malformed)), key=lambda row: (row.pk, row.sk)),
            receipts=receipts,
        )


def _receipts(items: Iterable[Item]) -> Iterator[RecordKey]:
    """Keys of the RECEIPT rows that can be told whose they are; the others are nobody's parent."""
    keys = (record_key(item, RECEIPT_TYPE, "") for item in items)
    return (key for key in keys if isinstance(key, RecordKey))


def _key_texts(item: Item) -> tuple[str | None, str | None]:
    return text_of(item.get("PK")), text_of(item.get("SK"))


def _place_key(key: RecordKey) -> tuple[str, str]:
    return f"IMAGE#{key.image_id}", f"RECEIPT#{key.receipt_id:05d}{target.SK_SUFFIX}"
