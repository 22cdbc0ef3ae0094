"""Tables of items for the contract tests: a shape with every kind of index, an item with every kind of value."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from backfill_pipelines.stores.dynamodb import DynamoItemStore
from backfill_pipelines.stores.dynamodb_tables import DynamoTable, Keys, TableSpec
from backfill_pipelines.stores.items import Item, Key, Page
from backfill_pipelines_tests.stores.item_servers import Faults, connected

SPEC = TableSpec(
    Keys("PK", "SK"),
    {"GSI1": Keys("GSI1PK", "GSI1SK"), "GSITYPE": Keys("TYPE")},
    stream_view="NEW_AND_OLD_IMAGES",
)
FULL: dict[str, dict[str, Any]] = {
    "PK": {"S": "IMAGE#a"},
    "SK": {"S": "RECEIPT#00001#PLACE"},
    "TYPE": {"S": "RECEIPT_PLACE"},
    "GSI1PK": {"S": "MERCHANT#CAFÉ"},
    "GSI1SK": {"S": "IMAGE#a#RECEIPT#00001#PLACE"},
    "latitude": {"N": "34.1915"},
    "hours": {"L": [{"S": "Monday: 9 - 5"}, {"S": "Tuesday: 9 - 5"}]},
    "components": {"M": {"parts": {"L": [{"M": {"text": {"S": "7"}, "kind": {"NULL": True}}}]}}},
    "matched": {"SS": ["name", "phone"]},
    "reasoning": {"S": "酔瓉楼"},
    "website": {"NULL": True},
    "is_open": {"BOOL": False},
    "photo": {"B": b"\x00\xff"},
}


@dataclass
class ItemPlace:
    """A table of its own on one of the servers, and what may go wrong on the way to it."""

    server: str
    endpoint: str
    waits: list[float] = field(default_factory=list)
    name: str = field(default_factory=lambda: f"Items-{uuid.uuid4().hex[:12]}")

    def __post_init__(self) -> None:
        self.reads, self.once = connected(self.endpoint, attempts=3), connected(self.endpoint)
        self.on_reads, self.on_writes = Faults(self.reads), Faults(self.once)
        self.store = self.store_of(self.name)
        self.table = self.table_of(self.name)

    def store_of(self, name: str) -> DynamoItemStore:
        return DynamoItemStore(name, self.reads, self.once, sleep=self.waits.append, uniform=lambda _, most: most)

    def table_of(self, name: str) -> DynamoTable:
        return DynamoTable(name, self.reads, clock=lambda: sum(self.waits), sleep=self.waits.append)

    def other(self) -> "ItemPlace":
        """The same table through clients without the faults of these."""
        return replace(self, waits=[])


def key_of(item: Item) -> Key:
    return {name: item[name] for name in ("PK", "SK")}


def key(image: str, sort: str = "RECEIPT#00001#PLACE") -> Key:
    return {"PK": {"S": f"IMAGE#{image}"}, "SK": {"S": sort}}


def place_item(image: str, sort: str = "RECEIPT#00001#PLACE", **others: dict[str, Any]) -> dict[str, Any]:
    return {**key(image, sort), "TYPE": {"S": "RECEIPT_PLACE"}, **others}


def sort_keys(pages: Iterable[Page]) -> list[str]:
    return [item["SK"]["S"] for page in pages for item in page.items]
