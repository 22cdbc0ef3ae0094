"""Rows of ``scrape_artifacts``: what the database knows of stored bodies, and how it learns of those it does not.

The bodies are ``artifacts``'; what is derived from them is published elsewhere, which also sets their status.
"""

import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

from backfill_pipelines.coffee.artifact_meta import iso
from backfill_pipelines.coffee.artifacts import Artifacts, Listing
from backfill_pipelines.coffee.import_resolution import FUTURE
from backfill_pipelines.coffee.model import Capture, Completeness, Source
from backfill_pipelines.stores import sql
from backfill_pipelines.stores.postgres import Connection, Jsonb, execute, read_rows

PACKAGE = "backfill_pipelines.coffee"


@dataclass(frozen=True)
class Adopted:
    """What the database learned of a roaster's stored bodies."""

    recorded: int
    known: int
    #: Captures of sources that the registry does not have.
    foreign: Sequence[Capture]
    listing: Listing
    #: Captures whose time has not come: a clock was wrong, and nothing says by how much.
    of_future: Sequence[Capture] = ()


def record_captures(connection: Connection, captures: Sequence[Capture]) -> int:
    """Make rows of stored answers; those that have one are left as they are. Says how many were new."""
    rows = [_row(capture) for capture in captures]
    return execute(connection, sql.load(PACKAGE, "captures/record"), {"rows": Jsonb(rows)}).rowcount


def read_captures(
    connection: Connection,
    roasters: Sequence[str] | None = None,
    first: date | None = None,
    last: date | None = None,
) -> list[Capture]:
    """The stored answers of some roasters, by slug, on days from ``first`` to ``last``; by time and page."""
    values = {"roasters": None if roasters is None else list(roasters), "first": first, "last": last}
    return [Capture(**row) for row in read_rows(connection, sql.load(PACKAGE, "captures/read"), values)]


def captures_at(connection: Connection, source_id: uuid.UUID, observed_at: datetime) -> list[Capture]:
    """The stored answers of a source at one instant, whatever became of them."""
    values = {"source_id": source_id, "observed_at": observed_at}
    return [Capture(**row) for row in read_rows(connection, sql.load(PACKAGE, "captures/at_instant"), values)]


def set_completeness(
    connection: Connection, artifacts: Artifacts, source: Source, capture_id: uuid.UUID, completeness: Completeness
) -> int:
    """Say by hand how much of a catalogue a capture holds; its day is stale until it is published again.

    Says how many pages were changed. The metas of the store are changed as well, or a rebuilt database would not know.
    """
    statement = sql.load(PACKAGE, "captures/set_completeness")
    changed = {
        row[0] for row in execute(connection, statement, {"capture_id": capture_id, "completeness": completeness})
    }
    for capture in read_captures(connection, [source.roaster_slug]):
        if capture.id in changed:
            artifacts.describe(source, replace(capture, completeness=completeness))
    return len(changed)


def adopt_stored(connection: Connection, artifacts: Artifacts, sources: Sequence[Source], slug: str) -> Adopted:
    """Make rows of a roaster's stored bodies that have none: after a database was lost, or bodies were copied in."""
    listing = artifacts.listing(slug)
    ids = {source.id for source in sources}
    own, of_future = until_now([one for one in listing.captures if one.source_id in ids], datetime.now(UTC))
    recorded = record_captures(connection, own)
    foreign = [capture for capture in listing.captures if capture.source_id not in ids]
    return Adopted(recorded, len(own) - recorded, foreign, listing, of_future)


def until_now(captures: Sequence[Capture], now: datetime) -> tuple[list[Capture], list[Capture]]:
    """Captures that were observed by now, and those that claim a later time (``E_OBSERVED_AT_FUTURE``)."""
    return (
        [one for one in captures if one.observed_at <= now + FUTURE],
        [one for one in captures if one.observed_at > now + FUTURE],
    )


def _row(capture: Capture) -> dict[str, Any]:
    row = asdict(capture)
    return {**row, "observed_at": iso(capture.observed_at), "headers": dict(capture.headers)}
