"""Rows of ``scrape_runs``: attempts at a source, with a lease that ends when their process does.

A run whose body could not be stored ends ``fail``: an unreplayable success is not a success.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from backfill_pipelines.coffee.model import Source
from backfill_pipelines.stores import sql
from backfill_pipelines.stores.postgres import Connection, Jsonb, execute

PACKAGE = "backfill_pipelines.coffee"
#: A run that has not beaten for so long has crashed; it beats every minute.
LEASE_SECONDS = 900.0
BEAT_SECONDS = 60.0

JobType = Literal["full_refresh", "price_only", "replay", "import"]
RunStatus = Literal["ok", "partial", "fail"]


@dataclass(frozen=True)
class Run:
    """An attempt at a source."""

    id: uuid.UUID
    source: Source
    job_type: JobType
    started_at: datetime
    partition_date: date | None = None
    trigger: str = "schedule"
    tick: datetime | None = None
    backfill_run_id: uuid.UUID | None = None
    attempt: int = 1


def start_run(connection: Connection, run: Run) -> bool:
    """Begin a run with a lease; False when there is one of this id already."""
    values = {
        "id": run.id,
        "source_id": run.source.id,
        "roaster_id": run.source.roaster_id,
        "job_type": run.job_type,
        "trigger": run.trigger,
        "tick": run.tick,
        "partition_date": run.partition_date,
        "started_at": run.started_at,
        "backfill_run_id": run.backfill_run_id,
        "attempt": run.attempt,
        "lease_seconds": LEASE_SECONDS,
    }
    return execute(connection, sql.load(PACKAGE, "runs/start"), values).rowcount == 1


def beat_run(connection: Connection, run_id: uuid.UUID) -> bool:
    """Say that the run is alive; False when it has ended, by itself or because it was taken for crashed."""
    values = {"id": run_id, "lease_seconds": LEASE_SECONDS}
    return execute(connection, sql.load(PACKAGE, "runs/beat"), values).rowcount == 1


def finish_run(
    connection: Connection,
    run_id: uuid.UUID,
    status: RunStatus,
    finished_at: datetime,
    stats: Mapping[str, Any],
    *,
    error_code: str | None = None,
    error: str | None = None,
) -> bool:
    """End a run; False when it had ended already, which stays so."""
    values = {
        "id": run_id,
        "status": status,
        "finished_at": finished_at,
        "stats": Jsonb(dict(stats)),
        "error_code": error_code,
        "error": error,
    }
    return execute(connection, sql.load(PACKAGE, "runs/finish"), values).rowcount == 1
