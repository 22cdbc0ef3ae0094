"""After a restart everything that the recovery stands on is looked at; what cannot be looked at is red."""

from dataclasses import replace
from datetime import timedelta

import pytest

from backfill_pipelines.coffee.model import Source
from backfill_pipelines.coffee.operations import OperationWorld
from backfill_pipelines.coffee.publishing import publish
from backfill_pipelines.coffee.replay import VERSIONS, derive_days, load_days
from backfill_pipelines.coffee.restart_check import verify_restart
from backfill_pipelines.coffee.staging import render, stage
from backfill_pipelines.stores.postgres import Postgres
from backfill_pipelines_tests.coffee.coffee_world import NOW, SUNDAY, CoffeeWorld, shopify
from backfill_pipelines_tests.coffee.observed import new_run
from backfill_pipelines_tests.coffee.operated import add_run, operations_on

WEEK = timedelta(days=7)


@pytest.fixture
def world(coffee: CoffeeWorld) -> OperationWorld:
    """A shop whose last two ticks are captured, and one day before them that is lost."""
    coffee.execute("UPDATE roasters SET active_from = '2025-09-20', active_to = '2025-09-29'")
    coffee.store(shopify("450.00"), SUNDAY - WEEK)
    coffee.store(shopify("460.00"), SUNDAY)
    with coffee.postgres.connect("test") as connection:
        days = load_days(connection, ["2025-09-21|blue-tokai", "2025-09-28|blue-tokai"])
        staged = stage(connection, render(derive_days(coffee.artifacts, days.by_key.values(), days.sources), VERSIONS))
        publish(connection, staged, staged.partitions, new_run(connection))
    return replace(operations_on(coffee.postgres, coffee.folder), clock=lambda: NOW)


def red(world: OperationWorld) -> list[str]:
    return [line for line in verify_restart(world).lines if line.startswith("RED")]


def test_a_sound_recovery_is_green_in_everything(world: OperationWorld) -> None:
    found = verify_restart(world)
    assert (found.is_green, found.before) == (True, {"green": 7, "red": 0}), found.lines
    assert "28 verdicts on 2 days" in found.lines[4]
    assert "10 gates" in found.lines[5]


def test_a_lease_that_has_run_out_is_red(world: OperationWorld, source: Source) -> None:
    add_run(world.postgres, source, None, lease_until=NOW - timedelta(hours=2))
    assert "backfill coffee reap --apply" in red(world)[0]
    assert not verify_restart(world).is_green


def test_a_body_that_was_damaged_is_red(world: OperationWorld, coffee: CoffeeWorld) -> None:
    uri = coffee.value("SELECT storage_uri FROM scrape_artifacts ORDER BY observed_at DESC LIMIT 1")
    stored = coffee.folder / "artifacts" / uri
    stored.write_bytes(stored.read_bytes()[:-9])
    (line,) = red(world)
    assert "stored_bodies_match_their_hash: 1 expected vs 0" in line


def test_a_tick_without_a_capture_is_red(world: OperationWorld, coffee: CoffeeWorld) -> None:
    coffee.execute("UPDATE roasters SET active_to = '2025-10-06'")
    (line,) = red(world)
    assert "capture_is_not_empty" in line
    assert "2025-10-05|blue-tokai" in line


def test_a_tick_that_was_met_on_the_next_day_is_green(world: OperationWorld, coffee: CoffeeWorld) -> None:
    coffee.execute("UPDATE roasters SET price_cadence = '0 20 * * 6'")
    assert red(world) == []


def test_a_state_that_does_not_follow_from_the_observations_is_red(world: OperationWorld, coffee: CoffeeWorld) -> None:
    coffee.execute("UPDATE variants SET price_current = 1 WHERE platform_variant_id = '10000'")
    (line,) = red(world)
    assert "price_current_is_newest_price" in line


def test_a_store_that_cannot_be_written_is_red(world: OperationWorld, coffee: CoffeeWorld) -> None:
    (coffee.folder / "artifacts" / "control").write_text("in the way")
    (line,) = red(world)
    assert "the store of bodies is writable: could not run" in line


def test_what_cannot_be_asked_is_red_never_green(world: OperationWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BACKFILL_POSTGRES_DSN", "postgresql://nobody@127.0.0.1:1/none")
    found = verify_restart(replace(world, postgres=Postgres()))
    assert found.before == {"green": 1, "red": 6}
    assert "could not run: PostgresUnreachable" in found.lines[0]


def test_a_schema_that_is_behind_is_red(world: OperationWorld, empty_postgres: Postgres) -> None:
    found = verify_restart(replace(world, postgres=empty_postgres))
    assert "could not run: MigrationError" in found.lines[1]
    assert not found.is_green


def test_a_paused_intake_is_said_and_is_not_red(world: OperationWorld, coffee: CoffeeWorld) -> None:
    coffee.execute(
        "INSERT INTO intake_control (paused, reason, paused_by, paused_at) VALUES (true, 'disk', 'x', now())"
    )
    found = verify_restart(world)
    assert found.is_green
    assert "by x: disk" in found.lines[6]
