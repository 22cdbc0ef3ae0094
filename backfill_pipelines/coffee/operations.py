"""What restart and clean-up have in common: the stores they work with, and the report that each of them ends with.

Every operation is a function of these stores that, unless it is told to apply, changes nothing and says what it would
do. That it is a job or a command is ``operation_jobs``'s business.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from backfill_pipelines.coffee.artifacts import Artifacts
from backfill_pipelines.coffee.backups import Backups
from backfill_pipelines.coffee.fold import run_file
from backfill_pipelines.coffee.mode_world import Tells
from backfill_pipelines.stores.objects import ObjectStore
from backfill_pipelines.stores.postgres import Connection, Postgres

#: Things named in a report.
NAMED = 20


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class OperationWorld:
    """Stores of a deployment, who is told, and who asks."""

    postgres: Postgres
    objects: ObjectStore
    backups: Backups
    notifier: Tells
    asked_by: str
    clock: Callable[[], datetime] = _utc_now

    @property
    def artifacts(self) -> Artifacts:
        """The stored bodies."""
        return Artifacts(self.objects)


@dataclass(frozen=True)
class Report:
    """What an operation did, or would do. ``before`` and ``after`` count the same things."""

    title: str
    before: Mapping[str, int]
    after: Mapping[str, int]
    lines: Sequence[str] = ()
    applied: bool = False
    is_green: bool = True

    @property
    def rows(self) -> Sequence[tuple[str, int, int]]:
        """Each count before and after, by name."""
        return [(n, self.before.get(n, 0), self.after.get(n, 0)) for n in sorted({*self.before, *self.after})]


def standing(connection: Connection, now: datetime) -> Mapping[str, int]:
    """Runs, artifacts and partitions by status, and leases that have run out."""
    return {row[0]: int(row[1]) for row in run_file(connection, "operations/standing", {"now": now}).fetchall()}


def named(things: Sequence[str]) -> Sequence[str]:
    """The first of many things, and how many more there are."""
    more = [f"and {len(things) - NAMED} more"] if len(things) > NAMED else []
    return [*things[:NAMED], *more]
