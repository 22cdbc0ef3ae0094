"""What applying a plan works with, in a job or a command: stores, the instance, who is told, and the rules in force."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

import dagster as dg

from backfill_pipelines.backfill.failures import BackfillError
from backfill_pipelines.coffee.artifacts import Artifacts
from backfill_pipelines.coffee.recovery import CoffeeSettings
from backfill_pipelines.stores.objects import ObjectStore
from backfill_pipelines.stores.postgres import Connection, Postgres


class BackupMissing(BackfillError):
    """A full backfill has no fresh backup that was verified by a restore."""


class Tells(Protocol):
    """Somebody who takes a message to a person."""

    def send(self, title: str, text: str) -> None:
        """Deliver one message."""
        ...


#: Raises when there is no backup that was verified by a restore within the last day.
RequireBackup = Callable[[Connection, datetime], None]


def no_backup_yet(connection: Connection, now: datetime) -> None:  # noqa: ARG001
    """The answer of a deployment that knows no backups.

    Raises:
        BackupMissing: always.
    """
    raise BackupMissing(
        "a full backfill needs a backup that was verified by a restore within the last 24 hours, and there is none. "
        "Repair: back up and verify first: backfill coffee backup --apply"
    )


@dataclass(frozen=True)
class ModeWorld:
    """Stores and people of one application of a plan."""

    postgres: Postgres
    objects: ObjectStore
    settings: CoffeeSettings
    notifier: Tells
    instance: dg.DagsterInstance
    #: The Dagster run that applies the plan, and the resources of the range runs that it launches.
    dagster_run_id: str
    resources: Mapping[str, Any]
    log: Callable[[str], None] = lambda _: None
    #: Takes every line of progress, for whoever looks on.
    show: Callable[[str], None] = lambda _: None
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    require_backup: RequireBackup = no_backup_yet

    @property
    def artifacts(self) -> Artifacts:
        """The stored bodies."""
        return Artifacts(self.objects)
