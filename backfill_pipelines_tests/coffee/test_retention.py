"""Pruning keeps a week, the newest verified backup and what is newer; on a day without a good backup it keeps all."""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from backfill_pipelines.coffee.backup_manifest import BackupFolder, Database, Manifest, TableContent
from backfill_pipelines.coffee.retention import plan_pruning, prune, to_prune

NOW = datetime(2025, 10, 30, 12, tzinfo=UTC)
NOTHING = TableContent(rows=0, digest="0")


def backup(folder: BackupFolder, days_old: float, *, verified: bool = True, oid: int = 1) -> Manifest:
    made = NOW - timedelta(days=days_old)
    found = Manifest(
        id=f"{made:%Y%m%dT%H%M%SZ}-{oid - 1:08x}",
        created_at=made,
        database=Database(system="1", oid=oid, name="coffee_scraper"),
        server_version="18.1",
        tool_version="18.1",
        migration=2,
        sha256=hashlib.sha256(b"x").hexdigest(),
        size=1,
        tables={},
        last_price=0,
        prices=NOTHING,
        state={},
        violations={},
        verified_at=made if verified else None,
    )
    folder.write(found)
    folder.dump(found.id).write_bytes(b"x")
    return found


@pytest.fixture
def folder(tmp_path: Path) -> BackupFolder:
    return BackupFolder(tmp_path)


def test_what_is_older_than_a_week_goes_dump_and_manifest(folder: BackupFolder) -> None:
    made = [backup(folder, days) for days in (0.5, 6.9, 7.1, 30)]
    done = prune(folder, NOW)
    assert list(done.backups) == made[2:]
    assert list(folder.backups()) == made[:2]
    assert sorted(path.suffix for path in folder.path.iterdir()) == [".dump", ".dump", ".json", ".json"]


def test_the_newest_verified_backup_and_everything_newer_stay_however_old(folder: BackupFolder) -> None:
    made = [
        backup(folder, 8, verified=False),
        backup(folder, 20),
        backup(folder, 21),
        backup(folder, 22, verified=False),
    ]
    assert to_prune(made, NOW) == made[2:]
    assert to_prune(made[:1], NOW) == []


@pytest.mark.parametrize("why", ["no backup of today", "failed", "not verified"])
def test_nothing_is_deleted_on_a_day_without_a_good_backup(folder: BackupFolder, why: str) -> None:
    old = backup(folder, 30)
    if why == "failed":
        backup(folder, 0.5)
        folder.failure(f"{NOW:%Y%m%dT%H%M%SZ}-ffffffff").write_text("DrillFailed")
    if why == "not verified":
        backup(folder, 0.1, verified=False)
    done = prune(folder, NOW)
    assert why in done.why_not
    assert not done.backups
    assert old in folder.backups()


def test_the_last_good_backup_of_another_database_stays(folder: BackupFolder) -> None:
    """After a restore the live database is another one; what it was has its own last good backup."""
    backup(folder, 0.5, oid=2)
    last, older = backup(folder, 20), backup(folder, 30)
    assert list(prune(folder, NOW).backups) == [older]
    assert last in folder.backups()


@pytest.mark.parametrize("damage", [lambda path: path.unlink(), lambda path: path.write_bytes(b"y")])
def test_nothing_is_deleted_while_the_newest_backup_is_not_as_it_was_verified(
    folder: BackupFolder, damage: Callable[[Path], object]
) -> None:
    old, newest = backup(folder, 30), backup(folder, 0.5)
    damage(folder.dump(newest.id))
    done = prune(folder, NOW)
    assert "since it was made" in done.why_not
    assert old in folder.backups()


def test_a_dump_whose_manifest_cannot_be_read_is_not_taken_for_a_leftover(folder: BackupFolder) -> None:
    """A later version may have written it."""
    old = backup(folder, 3)
    folder.manifest(old.id).write_text('{"of_another": "version"}')
    backup(folder, 0.5)
    prune(folder, NOW)
    assert folder.dump(old.id).exists()
    assert folder.manifest(old.id) in folder.unfinished()


def test_parts_of_a_process_that_was_killed_go_after_a_day_and_unknown_files_never(folder: BackupFolder) -> None:
    backup(folder, 0.1)
    names = [
        "coffee_scraper-20251028T120000Z-00000001.dump.part",
        "coffee_scraper-20251028T120000Z-00000002.dump",
        "coffee_scraper-20251030T110000Z-00000003.dump.part",
        "coffee_scraper-mine.dump",
    ]
    for name in names:
        (folder.path / name).write_bytes(b"x")
    assert sorted(path.name for path in plan_pruning(folder, NOW).leftovers) == names[:2]
    prune(folder, NOW)
    assert [(folder.path / name).exists() for name in names] == [False, False, True, True]
