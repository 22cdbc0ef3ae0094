"""The schema of the coffee database: numbered SQL files, applied once each, with a ledger of what was applied.

The files are ``sql/migrations/NNNN_name.sql``. An applied file is never changed: the next change is a new file.
Reading the ledger writes nothing.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from backfill_pipelines.backfill.failures import BackfillError
from backfill_pipelines.stores.postgres import Connection, Postgres, execute, execute_script, read_rows, session_lock

FOLDER = Path(__file__).parent / "sql" / "migrations"
LOCK = "coffee:migrations"
#: How long an ``ALTER`` of a full table may take.
MOST_SECONDS = 3600.0

_FILE = re.compile(r"(?P<id>\d{4})_(?P<name>[a-z0-9_]+)\.sql")
_LEDGER = """CREATE TABLE IF NOT EXISTS schema_migrations (
  id int PRIMARY KEY, name text NOT NULL, sha256 char(64) NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"""


class MigrationError(BackfillError):
    """The ledger and the files do not agree, or the database is behind them."""


@dataclass(frozen=True)
class Migration:
    """One file."""

    id: int
    name: str
    script: str

    @property
    def sha256(self) -> str:
        """Of the file's bytes."""
        return hashlib.sha256(self.script.encode()).hexdigest()

    @property
    def file(self) -> str:
        """Its name."""
        return f"{self.id:04}_{self.name}.sql"


@dataclass(frozen=True)
class Ledger:
    """What was applied, and when; what is still to be applied, in order."""

    applied: Sequence[tuple[Migration, datetime]]
    pending: Sequence[Migration]


def migration_files(folder: Path = FOLDER) -> list[Migration]:
    """All migrations, in order.

    Raises:
        MigrationError: a file is misnamed, or two have one number.
    """
    found: dict[int, Migration] = {}
    for path in sorted(folder.glob("*.sql")):
        match = _FILE.fullmatch(path.name)
        if not match:
            raise MigrationError(f"{path} is no migration. Repair: name it NNNN_name.sql")
        migration = Migration(int(match["id"]), match["name"], path.read_bytes().decode())
        if other := found.get(migration.id):
            raise MigrationError(f"{migration.file} and {other.file} have one number. Repair: renumber the newer one")
        found[migration.id] = migration
    return list(found.values())


def read_ledger(connection: Connection, files: Sequence[Migration] | None = None) -> Ledger:
    """What the database has of the files; nothing is written.

    Raises:
        MigrationError: a file was changed after it was applied, or one that was applied is not there.
    """
    known = migration_files() if files is None else files
    rows = _ledger_rows(connection)
    by_id = {migration.id: migration for migration in known}
    for number, row in rows.items():
        if number not in by_id:
            raise MigrationError(
                f"the database has migration {number:04}_{row['name']}, which this version does not know. Repair: "
                "install the version that migrated it, or a later one"
            )
        if by_id[number].sha256 != row["sha256"]:
            raise MigrationError(
                f"{by_id[number].file} was changed after it was applied on {row['applied_at']:%Y-%m-%d}. Repair: "
                "restore the file as it was (git log), and put the change into a new one"
            )
    pending = [migration for migration in known if migration.id not in rows]
    if late := [migration for migration in pending if migration.id < max(rows, default=0)]:
        raise MigrationError(
            f"{late[0].file} is older than what was applied, {max(rows):04}. Repair: renumber it to come last"
        )
    return Ledger([(by_id[number], row["applied_at"]) for number, row in sorted(rows.items())], pending)


def migrate(postgres: Postgres, files: Sequence[Migration] | None = None) -> list[Migration]:
    """Apply what is pending, one transaction each; says what was applied. Only one process does it at a time.

    Raises:
        MigrationError: the ledger and the files do not agree, or another process migrates.
        PostgresError: a script is refused; it and those after it were not applied.
    """
    with (
        postgres.connect("coffee:migrate", autocommit=True, statement_timeout_seconds=MOST_SECONDS) as connection,
        session_lock(connection, LOCK) as is_ours,
    ):
        if not is_ours:
            raise MigrationError(f"another process migrates {postgres.where}. Repair: wait until it ends")
        pending = read_ledger(connection, files).pending
        if pending:
            execute(connection, _LEDGER)
        for migration in pending:
            _apply(connection, migration)
        return list(pending)


def require_migrated(connection: Connection) -> None:
    """Stop before work on a schema that is not the code's.

    Raises:
        MigrationError: migrations are pending, or the ledger and the files do not agree.
    """
    if pending := read_ledger(connection).pending:
        raise MigrationError(
            f"the coffee database lacks {', '.join(migration.file for migration in pending)}. Repair: backfill coffee "
            "migrate"
        )


def _apply(connection: Connection, migration: Migration) -> None:
    with connection.transaction():
        execute_script(connection, migration.script)
        execute(
            connection,
            "INSERT INTO schema_migrations (id, name, sha256) VALUES (%s, %s, %s)",
            (migration.id, migration.name, migration.sha256),
        )


def _ledger_rows(connection: Connection) -> dict[int, Mapping[str, Any]]:
    exists = read_rows(connection, "SELECT to_regclass('schema_migrations') IS NOT NULL AS is_there")[0]["is_there"]
    rows = read_rows(connection, "SELECT id, name, sha256, applied_at FROM schema_migrations") if exists else []
    return {row["id"]: row for row in rows}
