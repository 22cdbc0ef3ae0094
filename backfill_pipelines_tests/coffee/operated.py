"""Operations on a database of which the test says what is in it."""

import uuid
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from backfill_pipelines.coffee.backup_manifest import BackupFolder
from backfill_pipelines.coffee.backups import Backups
from backfill_pipelines.coffee.model import Source
from backfill_pipelines.coffee.operations import OperationWorld
from backfill_pipelines.stores.objects import ObjectStore
from backfill_pipelines.stores.postgres import Postgres
from backfill_pipelines_tests.coffee.databases import insert

DAY = date(2025, 9, 28)
STARTED = datetime(2025, 9, 28, 4, tzinfo=UTC)


@dataclass
class Told:
    """Somebody who takes messages."""

    messages: list[tuple[str, str]] = field(default_factory=list)

    def send(self, title: str, text: str) -> None:
        self.messages.append((title, text))


def operations_on(postgres: Postgres, folder: Path) -> OperationWorld:
    objects = ObjectStore(url=str(folder / "artifacts"), is_own=True)
    backups = Backups(postgres, BackupFolder(folder / "backups"))
    return OperationWorld(postgres, objects, backups, Told(), "somebody")


def add_backfill(postgres: Postgres, status: str = "running") -> uuid.UUID:
    row = {"id": uuid.uuid4(), "mode": "incremental", "scope": "{}", "plan": "{}", "fingerprint": "", "status": status}
    with postgres.connect("test") as connection:
        insert(connection, "backfill_runs", **row)
    return row["id"]


def add_run(postgres: Postgres, source: Source, status: str | None, hours: float = 0, **values: Any) -> uuid.UUID:
    """A run of the source on its day, begun so many hours after the first."""
    row = {
        "id": uuid.uuid4(),
        "source_id": source.id,
        "roaster_id": source.roaster_id,
        "job_type": "price_only",
        "partition_date": DAY,
        "started_at": STARTED + timedelta(hours=hours),
        "status": status,
        **values,
    }
    with postgres.connect("test") as connection:
        insert(connection, "scrape_runs", **row)
    return row["id"]


def add_artifact(postgres: Postgres, source: Source, status: str, hours: float = 0, **values: Any) -> uuid.UUID:
    """A stored body of the source on its day."""
    row = {
        "id": uuid.uuid4(),
        "source_id": source.id,
        "roaster_id": source.roaster_id,
        "url": f"{source.base_url}/products.json",
        "observed_at": STARTED + timedelta(hours=hours),
        "observed_at_source": "response",
        "capture_id": uuid.uuid4(),
        "completeness": "complete",
        "body_sha256": uuid.uuid4().hex * 2,
        "body_len": 10,
        "storage_uri": "raw/x.json.gz",
        "validation_status": status,
        "processed_at": STARTED,
        **values,
    }
    with postgres.connect("test") as connection:
        insert(connection, "scrape_artifacts", **row)
    return row["id"]
