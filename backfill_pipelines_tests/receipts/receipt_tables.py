"""Receipts tables on the embedded server, and the settings of a command that reads one."""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg

from backfill_pipelines.receipts.assets import build_receipt_assets
from backfill_pipelines.receipts.try_out import SPEC
from backfill_pipelines.stores.dynamodb import DynamoItemStore
from backfill_pipelines.stores.dynamodb_resource import DynamoDB
from backfill_pipelines.stores.dynamodb_tables import DynamoTable
from backfill_pipelines.stores.items import Item
from backfill_pipelines.stores.objects import ObjectStore
from backfill_pipelines_tests.receipts.builders import IMAGE, metadata_item
from backfill_pipelines_tests.stores.item_servers import ENVIRONMENTS, connected


@dataclass
class ReceiptsPlace:
    """A table of its own, a folder of its own for objects."""

    endpoint: str
    state: Path
    folder: Path
    name: str = field(default_factory=lambda: f"Receipts-{uuid.uuid4().hex[:12]}")

    def __post_init__(self) -> None:
        wire = connected(self.endpoint)
        DynamoTable(self.name, wire).ensure(SPEC)
        self.store = DynamoItemStore(self.name, wire, wire)
        self.objects = ObjectStore(url=str(self.folder), is_own=True)

    def load(self, items: Iterable[Item]) -> None:
        self.store.batch_write(list(items))

    @property
    def items(self) -> DynamoDB:
        """The table as the settings would give it."""
        return DynamoDB(table=self.name, embedded=str(self.state / "aws"), environments=str(ENVIRONMENTS))

    @property
    def variables(self) -> dict[str, str]:
        return {
            "BACKFILL_STATE_DIR": str(self.state),
            "BACKFILL_SERVERS_DIR": str(ENVIRONMENTS),
            "BACKFILL_OBJECTS_URL": str(self.folder),
            "BACKFILL_RECEIPTS_TABLE": self.name,
        }

    def materialize(
        self, instance: dg.DagsterInstance, config: Mapping[str, Any] | None = None
    ) -> dg.ExecuteInProcessResult:
        return dg.materialize(
            build_receipt_assets(),
            instance=instance,
            resources={"items": self.items, "objects": self.objects},
            run_config={"ops": dict(config or {}), "loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
            raise_on_error=False,
        )


def row_of(number: int, **changes: Any) -> dict[str, Any]:
    """A complete metadata row of the number-th image."""
    return metadata_item(**{"PK": f"IMAGE#{image(number)}", **changes})


def image(number: int) -> str:
    return f"{number:02x}{IMAGE[2:]}"


def receipt_of(number: int, **changes: Any) -> dict[str, Any]:
    """The RECEIPT row of the number-th image."""
    item = {
        "PK": {"S": f"IMAGE#{image(number)}"},
        "SK": {"S": "RECEIPT#00001"},
        "TYPE": {"S": "RECEIPT"},
        "width": {"N": "700"},
    }
    return {name: value for name, value in (item | changes).items() if value is not ...}
