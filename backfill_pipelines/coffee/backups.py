"""Backups of the coffee database: a dump under one snapshot, with counts and digests of what the snapshot held.

A backup counts for nothing before a drill has restored it (``backup_drill``); a full backfill asks for one.
"""

import secrets
import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from backfill_pipelines.backfill.failures import BackfillError
from backfill_pipelines.coffee.backup_manifest import (
    BackupDamaged,
    BackupFolder,
    Database,
    Manifest,
    TableContent,
    make_durable,
    sha256_of,
)
from backfill_pipelines.coffee.digests import state_rows
from backfill_pipelines.coffee.migrations import require_migrated
from backfill_pipelines.coffee.mode_world import BackupMissing
from backfill_pipelines.coffee.overall_gates import ALTERED, EXPECTED, OUTSIDE, OVERALL_GATES, mark, measure_overall
from backfill_pipelines.stores.postgres import Connection, Postgres, execute, read_rows, read_value
from backfill_pipelines.stores.postgres_tools import PostgresTools, tools_of

#: A full backfill needs a verified backup no older than this.
FRESH = timedelta(hours=24)
#: A dump, or the digests of a full table, may take so long.
MOST_SECONDS = 3600.0 * 4
#: Gates that compare with what was before, or with the expected set: a backup has neither.
COMPARING = (ALTERED, OUTSIDE, EXPECTED)

_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename"
_DATABASE = """SELECT (SELECT system_identifier::text FROM pg_control_system()) AS system, oid::bigint, datname AS name
FROM pg_database WHERE datname = current_database()"""


class BackupFailed(BackfillError):
    """The backup was not made; nothing that looks like one was left."""


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Backups:
    """The backups of one database in one folder."""

    postgres: Postgres
    folder: BackupFolder
    clock: Callable[[], datetime] = _utc_now

    def make(self) -> Manifest:
        """Dump the database as it is now; the backup is not verified yet.

        Raises:
            ToolsRefused: there are no tools of the server's version.
            MigrationError: the schema is not the code's.
            BackupFailed: there is no room for it, or the dump broke off.
        """
        now = self.clock()
        backup_id = f"{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}"
        self.folder.path.mkdir(parents=True, exist_ok=True)
        try:
            with self.postgres.connect(f"coffee:backup {backup_id}", statement_timeout_seconds=MOST_SECONDS) as session:
                return self._make(session, backup_id, now)
        except BaseException as error:
            # So that pruning knows that today's backup is not there.
            with suppress(OSError):
                self.folder.failure(backup_id).write_text(f"{type(error).__name__}: {error}\n", encoding="utf-8")
            raise

    def _make(self, session: Connection, backup_id: str, now: datetime) -> Manifest:
        # Not READ ONLY: a gate folds into temporary tables. The snapshot ends with the transaction.
        execute(session, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        execute(session, "SET LOCAL idle_in_transaction_session_timeout = 0")
        snapshot = str(read_value(session, "SELECT pg_export_snapshot()"))
        require_migrated(session)
        tools = tools_of(self.postgres, session)
        self._require_room(session)
        sha256, size = self._dump(tools, snapshot, self.folder.dump(backup_id))
        made = mark(session)
        manifest = Manifest(
            id=backup_id,
            created_at=now,
            database=database_of(session),
            server_version=str(read_value(session, "SHOW server_version")),
            tool_version=tools.version,
            migration=int(read_value(session, "SELECT max(id) FROM schema_migrations")),
            sha256=sha256,
            size=size,
            tables=contents(session),
            last_price=made.last_price,
            prices=TableContent(rows=made.prices[0], digest=made.prices[1]),
            state={
                table: TableContent(rows=rows, digest=digest) for table, (rows, digest) in state_rows(session).items()
            },
            violations=violations(session),
        )
        session.rollback()
        self.folder.write(manifest)
        return manifest

    def _require_room(self, session: Connection) -> None:
        needed = int(read_value(session, "SELECT pg_database_size(current_database())"))
        free = shutil.disk_usage(self.folder.path).free
        if free < needed:
            raise BackupFailed(
                f"{self.folder.path} has {free:,} bytes free, the database has {needed:,}. Repair: make room, or set "
                "BACKFILL_BACKUPS_DIR to a larger disk"
            )

    @staticmethod
    def _dump(tools: PostgresTools, snapshot: str, place: Path) -> tuple[str, int]:
        """Write the dump beside its place and move it there when it is whole; its SHA-256 and size."""
        part = place.with_name(f"{place.name}.part")
        try:
            tools.dump(part, snapshot)
            size = part.stat().st_size
            if not size:
                raise BackupFailed(f"pg_dump wrote nothing to {part}. Repair: see the server's log, then back up again")
            make_durable(part)
            sha256 = sha256_of(part)
            part.replace(place)
        finally:
            part.unlink(missing_ok=True)
        return sha256, size

    def newest_verified(self, database: Database) -> Manifest | None:
        """The newest verified backup of a database."""
        return next((one for one in self.folder.backups() if one.verified_at and one.database == database), None)

    def require_fresh(self, connection: Connection, now: datetime) -> None:
        """Refuse unless a backup of this database was verified by a restore, is a day old at most, and still whole.

        Raises:
            BackupMissing: there is none; it says what there is.
        """
        database = database_of(connection)
        found = self.newest_verified(database)
        if found is None or now - found.created_at > FRESH or found.created_at > now:
            raise BackupMissing(
                "a full backfill needs a backup that was verified by a restore within the last 24 hours; "
                f"{self.folder.path} has {self._instead(database, found)}. Repair: back up and verify first: backfill "
                "coffee backup --apply"
            )
        try:
            self.folder.require_whole(found)
        except BackupDamaged as error:
            raise BackupMissing(f"the newest verified backup does not count: {error}") from error

    def _instead(self, database: Database, found: Manifest | None) -> str:
        if found is not None:
            return f"one of {found.created_at:%Y-%m-%d %H:%M}Z, {found.id}"
        known = [one for one in self.folder.backups() if one.database == database]
        if known:
            return f"{len(known)} of this database, none of them verified (backfill coffee drill {known[0].id})"
        return "none of this database"


def database_of(connection: Connection) -> Database:
    """Which database a connection is to."""
    (row,) = read_rows(connection, _DATABASE)
    return Database(**row)


def contents(connection: Connection) -> Mapping[str, TableContent]:
    """Rows and order-free digest of every table of the schema ``public``."""
    found: dict[str, TableContent] = {}
    for row in read_rows(connection, _TABLES):
        statement = (
            "SELECT count(*) AS rows, COALESCE(sum(hashtextextended(t::text, 0)::numeric), 0)::text AS digest"
            f" FROM public.{row['tablename']} t"
        )
        (content,) = read_rows(connection, statement)
        found[row["tablename"]] = TableContent(**content)
    return found


def violations(connection: Connection) -> Mapping[str, int]:
    """How often each overall gate is violated that needs nothing to compare with."""
    judged = [gate for gate in OVERALL_GATES if gate.name not in COMPARING]
    return {gate.name: measure_overall(connection, gate).violations for gate in judged}
