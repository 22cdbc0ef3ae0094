"""A coffee database of which a test says what is in it: artifacts, verdicts, evidence."""

import uuid
from datetime import UTC, date, datetime
from typing import Any

from backfill_pipelines.coffee.evidence import load_expected_set, load_shops
from backfill_pipelines.coffee.model import Source
from backfill_pipelines.coffee.staging import Versions
from backfill_pipelines.stores.postgres import Connection, execute

VERSIONS = Versions("1.0.0", "1.0.0")
FIRST, LAST = date(2025, 9, 1), date(2025, 10, 4)
NOW = datetime(2025, 10, 10, tzinfo=UTC)
SUNDAY = datetime(2025, 9, 28, 4, tzinfo=UTC)


class World:
    """One shop, and a connection to say things about it."""

    def __init__(self, connection: Connection, source: Source) -> None:
        self.connection, self.source = connection, source

    def artifact(self, observed_at: datetime, completeness: str = "complete", **values: Any) -> uuid.UUID:
        row = {
            "id": uuid.uuid4(),
            "source_id": self.source.id,
            "roaster_id": self.source.roaster_id,
            "url": "https://bluetokaicoffee.com/products.json?page=1",
            "observed_at": observed_at,
            "observed_at_source": "response",
            "capture_id": uuid.uuid4(),
            "completeness": completeness,
            "body_sha256": uuid.uuid4().hex * 2,
            "body_len": 10,
            "storage_uri": "raw/x.json.gz",
            "validation_status": "valid",
            "normalizer_version": "1.0.0",
            "processed_at": NOW,
            **values,
        }
        self.insert("scrape_artifacts", row)
        return row["id"]

    def insert(self, table: str, row: dict[str, Any]) -> None:
        names, holes = ", ".join(row), ", ".join(["%s"] * len(row))
        execute(self.connection, f"INSERT INTO {table} ({names}) VALUES ({holes})", list(row.values()))

    def state(self) -> tuple[str, str]:
        shops = load_shops(self.connection, ["blue-tokai"])
        found = load_expected_set(self.connection, shops, FIRST, LAST, VERSIONS, NOW)
        (one,) = [d for d in found.days if d.day == SUNDAY.date()]
        return str(one.state), one.reason
