"""A writer in a process of its own that is killed at a chosen moment: run it as a module with one JSON argument."""

import json
import os
import signal
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from backfill_pipelines.receipts.ledger import RecordLedger
from backfill_pipelines.receipts.migration_context import load_migration, run_id_of
from backfill_pipelines.receipts.migration_settings import MigrationSettings
from backfill_pipelines.receipts.place_config import PlaceConfig
from backfill_pipelines.receipts.place_target import PlaceTarget
from backfill_pipelines.stores.control import ControlStore
from backfill_pipelines.stores.dynamodb import DynamoItemStore
from backfill_pipelines_tests.receipts.builders import answer
from backfill_pipelines_tests.receipts.fake_places import FakePlaces
from backfill_pipelines_tests.receipts.receipt_tables import ReceiptsPlace

BATCH = 4


def killed_after(kind: type, name: str, times: int) -> None:
    """Let the method work so many times, then end this process on the spot."""
    original, seen = getattr(kind, name), [0]

    def late(*arguments: Any, **named: Any) -> Any:
        found = original(*arguments, **named)
        seen[0] += 1
        if seen[0] == times:
            os.kill(os.getpid(), signal.SIGKILL)
        return found

    setattr(kind, name, late)


MOMENTS = {
    "fetch": (FakePlaces, "get", 2),
    "intent": (RecordLedger, "intend", 2),
    "put": (DynamoItemStore, "put", 6),
    "first put": (DynamoItemStore, "put", 1),
    "outcome": (RecordLedger, "settle", 1),
}


def main(said: dict[str, Any]) -> None:
    """Write the buckets until the moment comes."""
    folder = Path(said["folder"])
    place = ReceiptsPlace(said["endpoint"], Path(said["state"]), folder / "objects", said["table"])
    calls = folder / "calls.txt"

    def noted(place_id: str) -> None:
        with calls.open("a") as file:
            file.write(f"{place_id}\n")

    places = FakePlaces({place_id: answer() for place_id in said["place_ids"]}, on_call=noted)
    control = ControlStore(url=f"sqlite:///{folder / 'control.db'}")
    settings = MigrationSettings(queries_per_minute=100_000, places_concurrency=1, **said["choices"])
    resources = SimpleNamespace(
        items=place.items, objects=place.objects, control=control, places=places, migration=settings
    )
    migration = load_migration(resources)
    run_id = run_id_of(migration, f"killed at {said['moment']}")
    config = PlaceConfig(apply=True, fetch=True, batch_size=BATCH)
    answers = migration.answers(run_id, may_fetch=True)
    target = PlaceTarget(migration, config, "killed", run_id, "none", answers, said["buckets"])
    if said["moment"]:
        killed_after(*MOMENTS[said["moment"]])
    target.stage(said["buckets"])


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
