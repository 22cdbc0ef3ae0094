"""The drill: a backup restored into a database of its own and compared with its manifest; and the restore proper.

A restore never goes into the live database: it is made beside, verified like a drill, and takes the live one's name
only when a person has confirmed that by writing it. The database that was live is kept under another name.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from backfill_pipelines.backfill.failures import BackfillError, SettingsError
from backfill_pipelines.coffee.backup_manifest import Drill, Manifest, TableContent
from backfill_pipelines.coffee.backups import MOST_SECONDS, Backups, contents
from backfill_pipelines.coffee.evidence import load_expected_set, load_shops
from backfill_pipelines.coffee.migrations import read_ledger
from backfill_pipelines.coffee.overall_gates import OVERALL_GATES, ExpectedSet, measure_overall
from backfill_pipelines.coffee.replay import VERSIONS
from backfill_pipelines.coffee.states import DayState
from backfill_pipelines.stores.postgres import Connection, Postgres
from backfill_pipelines.stores.postgres_databases import drop_database, make_database, swap_database
from backfill_pipelines.stores.postgres_tools import tools_of

#: Days that the expected set of a restored database is judged over.
LOOKBACK = timedelta(days=35)
#: Depends on the time of day, and so may be red in a restore though nothing is wrong with it.
_OF_THE_CLOCK = ("statuses_are_known",)
_NAMED = 10


class DrillFailed(BackfillError):
    """A restored backup is not what its manifest says: it does not count as one."""


@dataclass(frozen=True)
class Restored:
    """A verified restore that is still there, beside the live database."""

    manifest: Manifest
    database: str


def drill(backups: Backups, backup_id: str) -> Manifest:
    """Restore a backup into a database of its own, compare, and drop that; the manifest says how it went.

    Raises:
        BackupDamaged: the dump is not the one that was written.
        ToolsRefused: there are no tools of the server's version.
        DrillFailed: the restore broke off, or does not agree with the manifest.
    """
    manifest = backups.folder.read(backup_id)
    try:
        with _recorded(backups, manifest):
            _restore(backups, manifest)
    finally:
        drop_database(backups.postgres, database_name(backup_id))
    return backups.folder.read(backup_id)


def restore_beside(backups: Backups, backup_id: str) -> Restored:
    """Restore a backup beside the live database and compare; the restored database stays.

    Raises:
        BackupDamaged: the dump is not the one that was written.
        ToolsRefused: there are no tools of the server's version.
        DrillFailed: the restore broke off, or does not agree with the manifest.
    """
    manifest = backups.folder.read(backup_id)
    with _recorded(backups, manifest):
        _restore(backups, manifest)
    return Restored(backups.folder.read(backup_id), database_name(backup_id))


def put_in_place(backups: Backups, restored: Restored, confirmation: str) -> str:
    """Let a restored database take the live one's name; says which name the live one has now.

    Args:
        backups: Of the live database.
        restored: What was restored and verified a moment ago.
        confirmation: The live database's name, written by a person.

    Raises:
        SettingsError: the name is another.
        DatabaseInUse: others are connected to the live database.
    """
    live = backups.postgres.database_name
    if confirmation != live:
        raise SettingsError(f"{confirmation!r} is not the live database. Repair: confirm with its name, {live}")
    kept_as = f"{live}_before_{backups.clock():%Y%m%dt%H%M%Sz}".lower()
    swap_database(backups.postgres, restored.database, kept_as)
    return kept_as


def database_name(backup_id: str) -> str:
    """What the database of a restored backup is called."""
    return f"coffee_restore_{backup_id.replace('-', '_').lower()}"


@contextmanager
def _recorded(backups: Backups, manifest: Manifest) -> Iterator[None]:
    """Write down in the manifest how a drill went; one that failed takes back an earlier verification."""
    began = time.monotonic()

    def write(error: str | None) -> None:
        now = backups.clock()
        done = Drill(at=now, seconds=round(time.monotonic() - began, 3), error=error)
        verified_at = None if error else now
        backups.folder.write(manifest.model_copy(update={"verified_at": verified_at, "drill": done}))

    try:
        yield
    except Exception as error:
        write(f"{type(error).__name__}: {error}")
        raise
    write(None)


def _restore(backups: Backups, manifest: Manifest) -> None:
    path = backups.folder.require_whole(manifest)
    with backups.postgres.connect("coffee:drill") as connection:
        tools_of(backups.postgres, connection)
    beside = make_database(backups.postgres, database_name(manifest.id))
    try:
        with beside.connect("coffee:drill") as connection:
            tools = tools_of(beside, connection)
        tools.restore(path)
        differences = _differences(backups, beside, manifest)
    except BackfillError as error:
        raise DrillFailed(_failed(manifest, str(error))) from error
    if differences:
        raise DrillFailed(_failed(manifest, "; ".join(differences)))


def _differences(backups: Backups, beside: Postgres, manifest: Manifest) -> list[str]:
    """Migrations, rows, digests, and gates that are red here and were not in the live database."""
    with beside.connect("coffee:drill", statement_timeout_seconds=MOST_SECONDS) as connection:
        applied = [migration.id for migration, _ in read_ledger(connection).applied]
        found = [] if max(applied, default=0) == manifest.migration else [f"migrations up to {applied}"]
        found += _table_differences(manifest.tables, contents(connection))
        found += _red(backups, connection, manifest)
        connection.rollback()
    return found


def _table_differences(wanted: Mapping[str, TableContent], found: Mapping[str, TableContent]) -> list[str]:
    differ = [name for name in sorted({*wanted, *found}) if wanted.get(name) != found.get(name)]
    return [f"table {name}: {_said(wanted.get(name))} in the manifest, {_said(found.get(name))} restored"
            for name in differ[:_NAMED]]  # fmt: skip


def _said(content: TableContent | None) -> str:
    return "not there" if content is None else f"{content.rows:,} rows of digest {content.digest}"


def _red(backups: Backups, connection: Connection, manifest: Manifest) -> list[str]:
    expected = _expected(backups, connection)
    red: list[str] = []
    for gate in OVERALL_GATES:
        seen = measure_overall(connection, gate, before=manifest.mark, expected=expected)
        if seen.violations > manifest.violations.get(gate.name, 0) and gate.name not in _OF_THE_CLOCK:
            red.append(f"gate {gate.name}: {seen.violations} violations, e.g. {', '.join(seen.sample[:3])}")
    return red


def _expected(backups: Backups, connection: Connection) -> ExpectedSet:
    now = backups.clock()
    first, last = (now - LOOKBACK).date(), now.date()
    days = load_expected_set(connection, load_shops(connection), first, last, VERSIONS, now).days
    return ExpectedSet(len(days), [day.key for day in days if not day.reason and day.state is not DayState.COMPLETE])


def _failed(manifest: Manifest, why: str) -> str:
    return (
        f"the backup {manifest.id} does not restore to what was backed up: {why}. Repair: make a new one: backfill "
        "coffee backup --apply"
    )
