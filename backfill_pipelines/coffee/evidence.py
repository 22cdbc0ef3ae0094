"""What the database knows of roasters, captures, attempts and searches: the evidence of the expected set."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from backfill_pipelines.backfill.failures import SettingsError
from backfill_pipelines.coffee.expected_set import Evidence, ExpectedSet, expected_set
from backfill_pipelines.coffee.staging import Versions
from backfill_pipelines.coffee.states import DayState, Recorded, SeenCapture
from backfill_pipelines.coffee.ticks import EARLY, Roaster, ticks_of
from backfill_pipelines.stores import sql
from backfill_pipelines.stores.postgres import Connection, copy_rows, execute, read_rows

PACKAGE = "backfill_pipelines.coffee"
_EXPECTED_TICKS = """CREATE TEMPORARY TABLE IF NOT EXISTS expected_ticks (roaster_id uuid, source_id uuid, day date,
  tick timestamptz, kind text, window_start timestamptz, window_end timestamptz) ON COMMIT DROP"""
_TICK_COLUMNS = "expected_ticks (roaster_id, source_id, day, tick, kind, window_start, window_end)"


@dataclass(frozen=True)
class Shops:
    """Roasters, and the sources of each by its id."""

    roasters: Sequence[Roaster]
    sources: Mapping[uuid.UUID, Sequence[uuid.UUID]]


def load_shops(connection: Connection, slugs: Sequence[str] | None = None) -> Shops:
    """The roasters of these slugs, or all of them, by slug.

    Raises:
        SettingsError: there is no roaster of a slug.
    """
    rows = _rows(connection, "roasters", {"slugs": None if slugs is None else list(slugs)})
    if missing := sorted(set(slugs or ()) - {row["slug"] for row in rows}):
        raise SettingsError(f"no roaster {', '.join(missing)}. Repair: see backfill coffee sources for those there are")
    return Shops([_roaster(row) for row in rows], {row["id"]: row["sources"] for row in rows})


def load_evidence(connection: Connection, shops: Shops, first: date, last: date, versions: Versions) -> Evidence:
    """What is known of the shops from ``first`` to ``last``, with the windows of their ticks."""
    widest = max((roaster.grace for roaster in shops.roasters), default=timedelta())
    values = {
        "roasters": [roaster.id for roaster in shops.roasters],
        "start": _midnight(first) - EARLY,
        "end": _midnight(last) + timedelta(days=1) + widest,
        "first": first,
        "last": last,
        "transform": versions.transform,
        "normalizer": versions.normalizer,
    }
    return Evidence(
        sources=shops.sources,
        captures=[SeenCapture(**row) for row in _rows(connection, "captures", values)],
        failed_attempts=[(row["source_id"], row["started_at"]) for row in _rows(connection, "failed_attempts", values)],
        recorded={
            (row["roaster_id"], row["day"]): Recorded(DayState(row["state"]), row["reason"], row["recorded_at"])
            for row in _rows(connection, "recorded", values)
        },
    )


def load_expected_set(
    connection: Connection, shops: Shops, first: date, last: date, versions: Versions, now: datetime
) -> ExpectedSet:
    """The states of the shops' days as the database has them now."""
    return expected_set(shops.roasters, load_evidence(connection, shops, first, last, versions), first, last, now)


def coverage(connection: Connection, shops: Shops, first: date, last: date) -> list[dict[str, Any]]:
    """Every expected tick of every source with its coverage, by plain SQL over the stored artifacts.

    The second opinion on the expected set: a query that anybody can run, with the ticks as rows.
    """
    execute(connection, _EXPECTED_TICKS)
    execute(connection, "TRUNCATE expected_ticks")
    copy_rows(
        connection,
        _TICK_COLUMNS,
        (
            (roaster.id, source, tick.day, tick.at, tick.kind, tick.window_start, tick.window_end)
            for roaster in shops.roasters
            for tick in ticks_of(roaster, first, last)
            for source in shops.sources.get(roaster.id, ())
        ),
    )
    return read_rows(connection, sql.load(PACKAGE, "coverage"), {"first": first, "last": last})


def _rows(connection: Connection, statement: str, values: Mapping[str, Any]) -> list[dict[str, Any]]:
    return read_rows(connection, sql.load(PACKAGE, f"evidence/{statement}"), values)


def _roaster(row: Mapping[str, Any]) -> Roaster:
    return Roaster(**{name: value for name, value in row.items() if name != "sources"})


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)
