"""The rows that a backfill has no right to change: those of other roasters, sources, products, days and kinds of data.

They are counted and digested by table and roaster before and after, and what carries the id of the backfill is looked
for among them. What another backfill or the live intake writes meanwhile is theirs, and is told apart.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from backfill_pipelines.backfill.gates import SAMPLE_SIZE, Measurement
from backfill_pipelines.coffee.fold import run_file
from backfill_pipelines.coffee.scope import DATA_TYPES, Scope
from backfill_pipelines.stores.postgres import Connection, read_value

#: Number and digest of rows.
Content = tuple[int, str]

# Transactions that are open now may have their rows dated before this moment.
_SINCE = "SELECT COALESCE(min(xact_start), now()) FROM pg_stat_activity WHERE datname = current_database()"


@dataclass(frozen=True)
class Allowed:
    """What a run may change: rows of these roasters, as far as its scope goes; without a scope, nothing of days."""

    run_id: uuid.UUID
    roasters: Sequence[uuid.UUID] = ()
    scope: Scope | None = None

    @property
    def values(self) -> dict[str, Any]:
        """Parameters of the statements; None where nothing is restricted."""
        scope = self.scope
        chosen = scope.data_types if scope else ()
        return {
            "run": self.run_id,
            "roasters": list(self.roasters),
            "first": scope.first if scope else None,
            "last": scope.last if scope else None,
            "base_urls": (list(scope.sources) or None) if scope else None,
            "products": (list(scope.product_ids) or None) if scope else None,
            **{f"may_{kind}": not chosen or kind in chosen for kind in DATA_TYPES},
        }


@dataclass(frozen=True)
class Outside:
    """The rows outside as they were at a moment: by ``table of roaster``."""

    allowed: Allowed
    since: datetime
    last_price: int
    contents: Mapping[str, Content]


def look_outside(connection: Connection, allowed: Allowed, last_price: int) -> Outside:
    """Take down the rows that a run must leave alone; ``last_price`` is the greatest id of a price row so far."""
    return Outside(allowed, read_value(connection, _SINCE), last_price, _contents(connection, allowed))


def compare_outside(connection: Connection, before: Outside) -> Measurement:
    """What of it is not as it was: rows that the run has written, by name, and digests that nobody accounts for."""
    values = before.allowed.values | {"since": before.since, "last_price": before.last_price}
    ((written, names),) = run_file(connection, "gates/overall/outside_written", values).fetchall()
    now = _contents(connection, before.allowed)
    changed = [name for name in sorted({*before.contents, *now}) if before.contents.get(name) != now.get(name)]
    others: set[str] = set()
    if changed:
        others = {row[0] for row in run_file(connection, "gates/overall/outside_others", values).fetchall()}
    unexplained = [name for name in changed if name not in others]
    excused = ", ".join(name for name in changed if name in others)
    said = [f"{name}: {_rows(before.contents, name)} rows, now {_rows(now, name)}" for name in unexplained]
    rows = sum(rows for rows, _ in before.contents.values())
    wrong = written + len(unexplained)
    note = f"written by other backfills meanwhile: {excused}" if excused else ""
    return Measurement(rows, max(0, rows - wrong), wrong, (*(names or ()), *said)[:SAMPLE_SIZE], note)


def _contents(connection: Connection, allowed: Allowed) -> dict[str, Content]:
    rows = run_file(connection, "gates/overall/outside", allowed.values).fetchall()
    return {name: (count, digest) for name, count, digest in rows}


def _rows(contents: Mapping[str, Content], name: str) -> int:
    return contents.get(name, (0, ""))[0]
