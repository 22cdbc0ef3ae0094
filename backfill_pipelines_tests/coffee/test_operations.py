"""Restart and clean-up: each shows what it would do, changes only what it is told to, and never deletes."""

import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from backfill_pipelines.backfill.failures import SettingsError
from backfill_pipelines.coffee.intake import intake
from backfill_pipelines.coffee.model import Source
from backfill_pipelines.coffee.operations import OperationWorld
from backfill_pipelines.coffee.orphans import report_orphans
from backfill_pipelines.coffee.restarting import pause, reap_crashed, resume
from backfill_pipelines.coffee.run_rollback import RollbackRefused
from backfill_pipelines.coffee.superseding import TokenRefused, Which, supersede_failed
from backfill_pipelines.coffee.undoing import roll_back
from backfill_pipelines.stores.postgres import Postgres, execute
from backfill_pipelines_tests.coffee.databases import insert
from backfill_pipelines_tests.coffee.observed import at, body, new_run, one, product, publish_all, rows
from backfill_pipelines_tests.coffee.operated import (
    DAY,
    STARTED,
    add_artifact,
    add_backfill,
    add_run,
    operations_on,
)

ROASTER = Which(roaster="blue-tokai")


@pytest.fixture
def world(postgres: Postgres, tmp_path: Path) -> OperationWorld:
    return operations_on(postgres, tmp_path)


def state_of(postgres: Postgres) -> list:
    return [
        rows(postgres, "SELECT * FROM scrape_runs ORDER BY id"),
        rows(postgres, "SELECT * FROM scrape_artifacts ORDER BY id"),
        rows(postgres, "SELECT * FROM backfill_partitions ORDER BY backfill_run_id, day"),
        rows(postgres, "SELECT * FROM intake_control"),
    ]


def test_the_intake_is_paused_with_reason_and_author_and_resumed(world: OperationWorld, postgres: Postgres) -> None:
    shown = pause(world, reason="disk", apply=False)
    assert (shown.before, shown.after, shown.applied) == ({"paused": 0}, {"paused": 1}, False)
    assert not rows(postgres, "SELECT * FROM intake_control")
    assert pause(world, reason="disk", apply=True).after == {"paused": 1}
    with postgres.connect("test") as connection:
        assert (intake(connection).paused_by, intake(connection).reason) == ("somebody", "disk")
    assert "by somebody: disk" in resume(world, apply=False).lines[0]
    assert resume(world, apply=True).after == {"paused": 0}
    with pytest.raises(SettingsError, match="needs a reason"):
        pause(world, reason=" ", apply=True)


def test_only_a_run_whose_lease_has_run_out_has_crashed(
    world: OperationWorld, postgres: Postgres, source: Source
) -> None:
    """By age, a long fetch that works well would be killed; by lease, only one that nobody hears of."""
    now = datetime.now(UTC)
    backfill = add_backfill(postgres)
    gone = add_run(postgres, source, None, lease_until=now - timedelta(minutes=1), backfill_run_id=backfill)
    alive = add_run(postgres, source, None, -500, lease_until=now + timedelta(minutes=5))
    with postgres.connect("test") as connection:
        for days, lease in ((0, 30), (1, -1), (2, 30)):
            insert(
                connection,
                "backfill_partitions",
                backfill_run_id=backfill,
                roaster_id=source.roaster_id,
                day=DAY + timedelta(days=days),
                state="running",
                lease_until=now + timedelta(minutes=lease),
            )
    before = state_of(postgres)
    shown = reap_crashed(world, apply=False)
    assert state_of(postgres) == before
    done = reap_crashed(world, apply=True)
    assert done.before == shown.before
    assert done.after == shown.after
    assert (done.before["leases: run out"], done.after["leases: run out"]) == (2, 0)
    assert (done.before["partitions: running"], done.after["partitions: pending"]) == (3, 2)
    assert f"run {gone} of blue-tokai, 2025-09-28: silent since" in done.lines[1]
    assert one(postgres, "SELECT status::text || error_code FROM scrape_runs WHERE id = %s", gone) == "failcrashed"
    assert one(postgres, "SELECT status FROM scrape_runs WHERE id = %s", alive) is None
    assert one(postgres, "SELECT day FROM backfill_partitions WHERE state = 'running'") == DAY + timedelta(days=2)
    assert reap_crashed(world, apply=True).before == done.after


def test_a_failure_with_a_newer_success_of_its_day_is_superseded_and_nothing_else_is(
    world: OperationWorld, postgres: Postgres, source: Source
) -> None:
    failed, newer = add_run(postgres, source, "fail"), add_run(postgres, source, "ok", 1)
    later = add_run(postgres, source, "fail", 2)
    of_another_day = add_run(postgres, source, "fail", partition_date=DAY - timedelta(days=1))
    add_run(postgres, source, "partial", 1, partition_date=DAY - timedelta(days=1))
    invalid, valid = add_artifact(postgres, source, "invalid"), add_artifact(postgres, source, "valid", 1)
    page_two = add_artifact(postgres, source, "valid", 2, page=2)
    before = state_of(postgres)
    shown = supersede_failed(world, ROASTER, apply=False)
    assert state_of(postgres) == before
    token = shown.lines[-1].rpartition(" ")[2]
    done = supersede_failed(world, ROASTER, token=token, apply=True)
    assert done.after == shown.after
    assert (done.after["runs: superseded"], done.after["artifacts: superseded"]) == (1, 1)
    marked = "SELECT superseded_by FROM scrape_runs WHERE id = %s"
    assert [one(postgres, marked, run) for run in (failed, later, of_another_day)] == [newer, None, None]
    (row,) = rows(postgres, "SELECT id, superseded_by FROM scrape_artifacts WHERE validation_status = 'superseded'")
    assert (row["id"], row["superseded_by"]) == (invalid, valid)
    assert page_two
    again = supersede_failed(world, ROASTER, apply=False)
    assert again.lines == ["0 failed runs and 0 invalid artifacts have a newer success"]


def test_a_set_that_has_changed_since_the_dry_run_is_refused(
    world: OperationWorld, postgres: Postgres, source: Source
) -> None:
    add_run(postgres, source, "fail")
    add_run(postgres, source, "ok", 1)
    token = supersede_failed(world, ROASTER, apply=False).lines[-1].rpartition(" ")[2]
    add_run(postgres, source, "fail", 0.5)
    before = state_of(postgres)
    for given in (token, ""):
        with pytest.raises(TokenRefused, match="of the 2 runs"):
            supersede_failed(world, ROASTER, token=given, apply=True)
    assert state_of(postgres) == before


def test_superseding_is_bounded_by_roaster_day_or_backfill(
    world: OperationWorld, postgres: Postgres, source: Source
) -> None:
    backfill = add_backfill(postgres)
    add_run(postgres, source, "fail", backfill_run_id=backfill)
    add_run(postgres, source, "fail", partition_date=DAY - timedelta(days=1))
    for day in (DAY, DAY - timedelta(days=1)):
        add_run(postgres, source, "ok", 1, partition_date=day)

    def count(which: Which) -> int:
        return int(supersede_failed(world, which, apply=False).lines[0].split()[0])

    assert count(ROASTER) == 2
    assert count(Which("blue-tokai", DAY)) == 1
    assert count(Which(backfill_run=backfill)) == 1
    assert count(Which("another")) == 0
    with pytest.raises(SettingsError, match="nothing says which runs"):
        Which(day=DAY)


def test_an_invalid_artifact_that_was_published_is_not_superseded(
    world: OperationWorld, postgres: Postgres, source: Source
) -> None:
    """Its observations would leave the fold, and current state would no longer follow from what is published."""
    publish_all(postgres, body(source, at(28), [product("1", {"11": "100"})]))
    with postgres.connect("test") as connection:
        execute(connection, "UPDATE scrape_artifacts SET validation_status = 'invalid'")
    add_artifact(postgres, source, "valid", 1)
    assert "0 invalid artifacts" in supersede_failed(world, ROASTER, apply=False).lines[0]


def test_every_kind_of_orphan_is_counted_named_and_left(
    world: OperationWorld, postgres: Postgres, source: Source
) -> None:
    publish_all(postgres, body(source, at(1), [product("1", {"11": None})]))
    add_run(postgres, source, "ok")
    add_run(postgres, source, "fail")
    bare = uuid.uuid4()
    with postgres.connect("test") as connection:
        insert(
            connection,
            "coffees",
            id=bare,
            source_id=source.id,
            roaster_id=source.roaster_id,
            platform_product_id="9",
            name="Bare",
            slug="bare",
            status="active",
            first_seen_at=STARTED,
            last_seen_at=STARTED,
            observed_at=STARTED,
        )
        execute(connection, f"CREATE SCHEMA shadow_{uuid.uuid4().hex}")
        insert(
            connection,
            "staged_rows",
            backfill_run_id=add_backfill(postgres, "ok"),
            roaster_id=source.roaster_id,
            day=DAY,
            artifact_id=uuid.uuid4(),
            platform_product_id="9",
            row="{}",
        )
    add_artifact(postgres, source, "valid")
    found = report_orphans(world)
    assert found.before == {
        "runs without artifacts": 1,
        "artifacts without run": 2,
        "coffees without variants": 1,
        "variants without price": 1,
        "staged rows without run": 1,
        "shadow schemas without run": 1,
    }
    assert any(str(bare) in line for line in found.lines)
    assert found.lines[-1] == (
        "repair: backfill coffee plan incremental --from 2025-09-28 --to 2025-09-28 --roaster blue-tokai --retry-red"
    )


def test_a_database_without_orphans_says_zero_of_each(world: OperationWorld) -> None:
    assert set(report_orphans(world).before.values()) == {0}


def test_a_rollback_shows_then_does_what_it_showed(world: OperationWorld, postgres: Postgres, source: Source) -> None:
    publish_all(postgres, body(source, at(1), [product("1", {"11": "100"})]))
    with postgres.connect("test") as connection:
        run = new_run(connection)
    publish_all(postgres, body(source, at(8), [product("1", {"11": "250"}), product("2", {"21": "9"})]), run=run)
    with postgres.connect("test") as connection:
        execute(connection, "UPDATE backfill_runs SET status = 'ok' WHERE id = %s", (run,))
    before = rows(postgres, "SELECT * FROM variants ORDER BY id")
    shown = roll_back(world, run, apply=False)
    assert rows(postgres, "SELECT * FROM variants ORDER BY id") == before
    assert "2 price rows would be voided" in shown.lines[2]
    done = roll_back(world, run, apply=True)
    assert (done.before["prices in force"], done.after["prices in force"], done.after["price rows"]) == (3, 1, 3)
    with pytest.raises(RollbackRefused, match="rolled back already"):
        roll_back(world, run, apply=True)
