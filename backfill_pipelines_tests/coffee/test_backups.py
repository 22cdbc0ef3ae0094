"""A backup counts once a restore of it agreed with it in everything; without a fresh one no full backfill begins."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from backfill_pipelines.backfill.failures import SettingsError
from backfill_pipelines.coffee.backup_drill import (
    DrillFailed,
    database_name,
    drill,
    put_in_place,
    restore_beside,
)
from backfill_pipelines.coffee.backup_manifest import BackupDamaged, BackupFolder, sha256_of
from backfill_pipelines.coffee.backups import Backups
from backfill_pipelines.coffee.migrations import MigrationError
from backfill_pipelines.coffee.mode_world import BackupMissing
from backfill_pipelines.coffee.model import Source
from backfill_pipelines.stores.embedded_postgres import EmbeddedPostgres
from backfill_pipelines.stores.postgres import Postgres, execute, read_value
from backfill_pipelines.stores.postgres_databases import DatabaseInUse, drop_database
from backfill_pipelines.stores.postgres_tools import ToolsRefused
from backfill_pipelines_tests.coffee.observed import at, body, product, publish_all, rows

NOW = datetime(2025, 10, 10, 12, tzinfo=UTC)


@pytest.fixture
def backups(postgres: Postgres, source: Source, tmp_path: Path) -> Backups:
    """Backups of a database with a little in it."""
    publish_all(postgres, body(source, at(1), [product("1", {"11": "100"}), product("2", {"21": "50"})]))
    return Backups(postgres, BackupFolder(tmp_path / "backups"), lambda: NOW)


def later(backups: Backups, **time: float) -> Backups:
    return Backups(backups.postgres, backups.folder, lambda: NOW + timedelta(**time))


def require(backups: Backups, now: datetime) -> None:
    with backups.postgres.connect("test") as connection:
        backups.require_fresh(connection, now)


def databases(postgres: Postgres) -> list[str]:
    return [row["datname"] for row in rows(postgres, "SELECT datname FROM pg_database WHERE datname LIKE 'coffee%'")]


def test_a_backup_says_what_its_snapshot_held(backups: Backups) -> None:
    made = backups.make()
    assert made.id.startswith("20251010T120000Z-")
    assert backups.folder.dump(made.id).stat().st_size == made.size > 0
    assert backups.folder.require_whole(made)
    assert (made.tables["prices"].rows, made.tables["coffees"].rows, made.prices.rows) == (2, 2, 2)
    assert (made.verified_at, made.drill) == (None, None)
    assert not backups.folder.unfinished()
    assert backups.folder.backups() == [made]
    assert made.tool_version.split(".")[0] == made.server_version.split(".")[0]


def test_rows_that_are_written_while_it_is_made_are_not_in_it(
    backups: Backups, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counts and dump must be of one moment, or every backup of a busy database fails its drill."""
    whole = Backups._dump

    def and_somebody_writes(*arguments):
        publish_all(backups.postgres, body(source, at(8), [product("3", {"31": "9"})]))
        return whole(*arguments)

    monkeypatch.setattr(Backups, "_dump", staticmethod(and_somebody_writes))
    made = backups.make()
    assert made.tables["prices"].rows == 2
    assert drill(backups, made.id).verified_at == NOW


def test_a_drill_restores_compares_records_and_leaves_nothing_behind(backups: Backups) -> None:
    made = backups.make()
    before = databases(backups.postgres)
    done = drill(backups, made.id)
    assert done.verified_at == NOW
    assert done.drill is not None
    assert done.drill.error is None
    assert databases(backups.postgres) == before
    assert backups.folder.read(made.id) == done


def test_a_flipped_byte_is_found(backups: Backups) -> None:
    made = backups.make()
    drill(backups, made.id)
    path = backups.folder.dump(made.id)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(BackupDamaged, match=r"was changed.*Repair"):
        drill(backups, made.id)
    # What was verified before counts no more, neither by its manifest nor by its bytes.
    assert backups.folder.read(made.id).verified_at is None
    with pytest.raises(BackupMissing, match="none of them verified"):
        require(backups, NOW)


def test_a_dump_that_was_damaged_before_it_was_hashed_does_not_restore(backups: Backups) -> None:
    made = backups.make()
    path = backups.folder.dump(made.id)
    content = path.read_bytes()[:-100]
    path.write_bytes(content)
    backups.folder.write(made.model_copy(update={"sha256": sha256_of(path), "size": len(content)}))
    before = databases(backups.postgres)
    with pytest.raises(DrillFailed, match=r"pg_restore .* ended with"):
        drill(backups, made.id)
    assert databases(backups.postgres) == before


def test_a_table_that_differs_is_named(backups: Backups) -> None:
    made = backups.make()
    other = {**made.tables, "coffees": made.tables["coffees"].model_copy(update={"rows": 3})}
    backups.folder.write(made.model_copy(update={"tables": other}))
    with pytest.raises(DrillFailed, match=r"table coffees: 3 rows .* 2 rows"):
        drill(backups, made.id)
    recorded = backups.folder.read(made.id).drill
    assert recorded is not None
    assert (recorded.error or "").startswith("DrillFailed")


def test_a_gate_that_was_red_in_the_database_does_not_unmake_its_backup(backups: Backups) -> None:
    """Or the database that most needs a full backfill could not have one."""
    with backups.postgres.connect("test") as connection:
        execute(connection, "UPDATE variants SET price_current = 7 WHERE platform_variant_id = '11'")
    made = backups.make()
    assert made.violations["price_current_is_newest_price"] == 1
    assert drill(backups, made.id).verified_at == NOW


def test_a_gate_that_is_red_only_in_the_restore_fails_the_drill(backups: Backups) -> None:
    with backups.postgres.connect("test") as connection:
        execute(connection, "UPDATE variants SET price_current = 7 WHERE platform_variant_id = '11'")
    made = backups.make()
    backups.folder.write(made.model_copy(update={"violations": {}}))
    with pytest.raises(DrillFailed, match="gate price_current_is_newest_price: 1 violations"):
        drill(backups, made.id)


def test_a_full_backfill_needs_a_backup_that_is_verified_fresh_whole_and_of_this_database(
    backups: Backups, empty_postgres: Postgres
) -> None:
    with pytest.raises(BackupMissing, match=r"none of this database.*backfill coffee backup"):
        require(backups, NOW)
    made = backups.make()
    with pytest.raises(BackupMissing, match=f"none of them verified .backfill coffee drill {made.id}"):
        require(backups, NOW)
    drill(backups, made.id)
    require(backups, NOW)
    require(backups, NOW + timedelta(hours=24))
    with pytest.raises(BackupMissing, match=f"one of 2025-10-10 12:00Z, {made.id}"):
        require(backups, NOW + timedelta(hours=24, seconds=1))
    with pytest.raises(BackupMissing, match="none of this database"):
        require(Backups(empty_postgres, backups.folder), NOW)
    backups.folder.dump(made.id).unlink()
    with pytest.raises(BackupMissing, match="is missing"):
        require(backups, NOW)


def test_a_backup_that_cannot_be_made_leaves_nothing_that_looks_like_one(
    backups: Backups, empty_postgres: Postgres
) -> None:
    with pytest.raises(MigrationError):
        Backups(empty_postgres, backups.folder, lambda: NOW).make()
    assert not backups.folder.backups()
    assert not backups.folder.unfinished()
    (failed,) = backups.folder.failed()
    assert "MigrationError" in backups.folder.failure(failed).read_text()


def test_tools_of_another_major_version_are_refused(
    backups: Backups, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("pg_dump", "pg_restore"):
        tool = tmp_path / name
        tool.write_text(f'#!/bin/sh\necho "{name} (PostgreSQL) 14.9"\n')
        tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("BACKFILL_POSTGRES_DSN", backups.postgres.conninfo())
    with pytest.raises(ToolsRefused, match=r"PostgreSQL 14, .* is 18.*Repair"):
        Backups(Postgres(), backups.folder).make()
    monkeypatch.setenv("PATH", str(tmp_path / "none"))
    with pytest.raises(ToolsRefused, match="not on PATH"):
        Backups(Postgres(), backups.folder).make()


def test_a_server_is_backed_up_and_drilled_with_the_tools_on_the_path(
    backups: Backups, postgres_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(EmbeddedPostgres(postgres_folder).tools), prepend=":")
    monkeypatch.setenv("BACKFILL_POSTGRES_DSN", backups.postgres.conninfo())
    served = Backups(Postgres(), backups.folder, lambda: NOW)
    assert drill(served, served.make().id).verified_at == NOW


def test_a_restore_is_beside_and_takes_the_name_only_when_it_is_confirmed(backups: Backups, source: Source) -> None:
    made = backups.make()
    publish_all(backups.postgres, body(source, at(8), [product("3", {"31": "9"})]))
    restored = restore_beside(backups, made.id)
    live = backups.postgres.database
    try:
        assert restored.database == database_name(made.id)
        with pytest.raises(SettingsError, match=f"Repair: confirm with its name, {live}"):
            put_in_place(backups, restored, "yes")
        assert len(rows(backups.postgres, "SELECT id FROM prices")) == 3
        with (
            backups.postgres.connect("coffee:somebody"),
            pytest.raises(DatabaseInUse, match=r"coffee:somebody \(pid"),
        ):
            put_in_place(backups, restored, live)
        kept_as = put_in_place(backups, restored, live)
        assert len(rows(backups.postgres, "SELECT id FROM prices")) == 2
        with backups.postgres.beside(kept_as).connect("test") as connection:
            assert read_value(connection, "SELECT count(*) FROM prices") == 3
    finally:
        for name in databases(backups.postgres):
            if name.startswith(("coffee_restore_", f"{live}_before_")):
                drop_database(backups.postgres, name)


def test_an_id_that_is_none_is_refused(backups: Backups) -> None:
    with pytest.raises(SettingsError, match="there is no backup"):
        drill(backups, "../../etc/passwd")
