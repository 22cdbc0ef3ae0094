"""Attempts at a source: they have a lease while they live, and one ending."""

import uuid
from datetime import UTC, date, datetime, timedelta

from backfill_pipelines.coffee.model import Source
from backfill_pipelines.coffee.runs import LEASE_SECONDS, Run, beat_run, finish_run, start_run
from backfill_pipelines.stores.postgres import Postgres, execute, read_rows

THEN = datetime(2025, 9, 21, 4, tzinfo=UTC)


def test_a_run_has_a_lease_until_it_ends(postgres: Postgres, source: Source) -> None:
    run = Run(uuid.uuid4(), source, "price_only", THEN, date(2025, 9, 21), tick=THEN)
    row = "SELECT status::text, finished_at, stats_json, lease_until - heartbeat_at AS lease FROM scrape_runs"
    with postgres.connect("test") as connection:
        assert start_run(connection, run)
        assert not start_run(connection, run)
        (found,) = read_rows(connection, row)
        assert (found["status"], found["lease"]) == (None, timedelta(seconds=LEASE_SECONDS))
        execute(connection, "UPDATE scrape_runs SET lease_until = now() - interval '1 hour'")
        assert beat_run(connection, run.id)
        assert finish_run(connection, run.id, "ok", THEN + timedelta(minutes=1), {"pages": 3})
        assert read_rows(connection, row) == [
            {"status": "ok", "finished_at": THEN + timedelta(minutes=1), "stats_json": {"pages": 3}, "lease": None}
        ]


def test_the_first_ending_counts(postgres: Postgres, source: Source) -> None:
    """A process that was taken for crashed must notice, and must not turn the verdict around."""
    run = Run(uuid.uuid4(), source, "full_refresh", THEN)
    with postgres.connect("test") as connection:
        start_run(connection, run)
        assert finish_run(connection, run.id, "fail", THEN, {}, error_code="crashed", error="no beat")
        assert not finish_run(connection, run.id, "ok", THEN, {})
        assert not beat_run(connection, run.id)
        assert read_rows(connection, "SELECT status::text, error_code FROM scrape_runs") == [
            {"status": "fail", "error_code": "crashed"}
        ]
