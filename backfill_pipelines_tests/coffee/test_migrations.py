"""The schema is made once, in order, by one process; what was applied is never changed; reading writes nothing."""

import dataclasses
import threading
from pathlib import Path

import pytest

from backfill_pipelines.coffee.migrations import (
    LOCK,
    Migration,
    MigrationError,
    migrate,
    migration_files,
    read_ledger,
    require_migrated,
)
from backfill_pipelines.stores.postgres import Postgres, PostgresRefused, read_rows, read_value, session_lock

TABLES = "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'"
FIRST, SECOND = Migration(1, "first", "CREATE TABLE a (x int);"), Migration(2, "second", "CREATE TABLE b (x int);")


def test_a_migrated_database_has_every_file_in_its_ledger(postgres: Postgres) -> None:
    with postgres.connect("test") as connection:
        ledger = read_ledger(connection)
        assert [migration for migration, _ in ledger.applied] == migration_files()
        assert not ledger.pending
        require_migrated(connection)
    assert migrate(postgres) == []


def test_reading_the_ledger_of_an_empty_database_writes_nothing(empty_postgres: Postgres) -> None:
    with empty_postgres.connect("test") as connection:
        assert read_ledger(connection).pending == migration_files()
    with empty_postgres.connect("test") as connection:
        assert read_value(connection, TABLES) == 0
        with pytest.raises(MigrationError, match="backfill coffee migrate"):
            require_migrated(connection)


def test_a_later_file_is_applied_to_what_is_there(empty_postgres: Postgres) -> None:
    assert migrate(empty_postgres, [FIRST]) == [FIRST]
    assert migrate(empty_postgres, [FIRST, SECOND]) == [SECOND]
    with empty_postgres.connect("test") as connection:
        rows = read_rows(connection, "SELECT id, name, sha256 FROM schema_migrations ORDER BY id")
    assert rows == [{"id": m.id, "name": m.name, "sha256": m.sha256} for m in (FIRST, SECOND)]


def test_a_file_that_was_changed_after_it_was_applied_is_an_error(empty_postgres: Postgres) -> None:
    migrate(empty_postgres, [FIRST])
    changed = dataclasses.replace(FIRST, script=FIRST.script + " -- tidied")
    with pytest.raises(MigrationError, match=r"0001_first.sql was changed after it was applied"):
        migrate(empty_postgres, [changed, SECOND])


def test_a_database_of_a_newer_version_is_not_touched(empty_postgres: Postgres) -> None:
    migrate(empty_postgres, [FIRST, SECOND])
    with pytest.raises(MigrationError, match="this version does not know"):
        migrate(empty_postgres, [FIRST])


def test_a_file_cannot_be_slipped_in_before_one_that_was_applied(empty_postgres: Postgres) -> None:
    migrate(empty_postgres, [SECOND])
    with pytest.raises(MigrationError, match=r"0001_first.sql is older"):
        migrate(empty_postgres, [FIRST, SECOND])


def test_a_script_that_fails_leaves_nothing_of_itself_and_those_before_it_stay(empty_postgres: Postgres) -> None:
    broken = Migration(2, "broken", "CREATE TABLE b (x int); SELECT nonsense;")
    with pytest.raises(PostgresRefused, match="nonsense"):
        migrate(empty_postgres, [FIRST, broken])
    with empty_postgres.connect("test") as connection:
        assert read_value(connection, "SELECT to_regclass('b') IS NULL AND to_regclass('a') IS NOT NULL")
    assert migrate(empty_postgres, [FIRST, SECOND]) == [SECOND]


def test_two_processes_do_not_migrate_at_once(empty_postgres: Postgres) -> None:
    with empty_postgres.connect("other") as other, session_lock(other, LOCK) as is_ours:
        assert is_ours
        with pytest.raises(MigrationError, match="another process migrates"):
            migrate(empty_postgres, [FIRST])
    applied: list[Migration] = []
    refused: list[MigrationError] = []

    def one() -> None:
        try:
            applied.extend(migrate(empty_postgres, [FIRST, SECOND]))
        except MigrationError as error:
            refused.append(error)

    threads = [threading.Thread(target=one) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert applied == [FIRST, SECOND]


@pytest.mark.parametrize(
    ("names", "said"),
    [(["1_first.sql"], "NNNN_name.sql"), (["0001_first.sql", "0001_second.sql"], "one number")],
    ids=["misnamed", "twice"],
)
def test_files_that_are_no_sequence_are_refused(tmp_path: Path, names: list[str], said: str) -> None:
    for name in names:
        (tmp_path / name).write_text("SELECT 1")
    with pytest.raises(MigrationError, match=said):
        migration_files(tmp_path)
