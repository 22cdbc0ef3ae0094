"""A plan that is applied later, or a second time after a stop: it must still hold, and goes on with what is left."""

from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from typing import Any

import pytest

from backfill_pipelines.coffee import incremental_mode
from backfill_pipelines.coffee.backfill_ledger import RunRefused, load_run
from backfill_pipelines.coffee.modes import BackfillRed, apply_plan, plan_backfill
from backfill_pipelines.coffee.plans import PlanRefused
from backfill_pipelines.stores.postgres import session_lock
from backfill_pipelines_tests.coffee.coffee_world import SUNDAY, CoffeeWorld, shopify
from backfill_pipelines_tests.coffee.mode_cases import INCREMENTAL, WEEK, applied, ledger, two_captures


def test_a_plan_is_refused_when_the_store_has_changed_since(coffee: CoffeeWorld) -> None:
    two_captures(coffee)
    world = coffee.modes()
    plan = plan_backfill(world, INCREMENTAL)
    coffee.store(shopify("470.00"), SUNDAY + timedelta(hours=1))
    with pytest.raises(PlanRefused, match="was made from another state"):
        apply_plan(world, plan.id)
    assert coffee.value("SELECT count(*) FROM prices") == 0


def test_a_stopped_backfill_goes_on_with_what_is_left(coffee: CoffeeWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed between two ranges: the first is not done again, the second is."""
    coffee.store(shopify("440.00"), SUNDAY - 3 * WEEK)
    coffee.store(shopify("460.00"), SUNDAY)
    world = coffee.modes()
    plan = plan_backfill(world, replace(INCREMENTAL, first=date(2025, 9, 2)))
    calls = list[str]()
    real = incremental_mode.run_range

    def dies_in_the_second_range(asset: Any, partitions: Any, **how: Any) -> Any:
        calls.append(partitions[0])
        if len(set(calls)) > 1:
            raise KeyboardInterrupt
        return real(asset, partitions, **how)

    monkeypatch.setattr(incremental_mode, "run_range", dies_in_the_second_range)
    monkeypatch.setattr(incremental_mode, "cut", partial(incremental_mode.cut, most=1))
    with pytest.raises(KeyboardInterrupt):
        apply_plan(world, plan.id)
    assert coffee.value("SELECT status FROM backfill_runs") == "failed"
    coffee.execute("UPDATE backfill_partitions SET lease_until = now() - interval '1 s' WHERE state = 'running'")
    monkeypatch.setattr(incremental_mode, "run_range", real)
    report = apply_plan(world, plan.id)
    assert report.skipped == 1
    states = ledger(coffee, plan.id)
    assert states["2025-09-07|blue-tokai"] == states["2025-09-28|blue-tokai"] == "ok"
    assert coffee.value("SELECT count(*) FROM prices") == 12
    with pytest.raises(RunRefused, match="is over: ok"):
        apply_plan(world, plan.id)


def test_a_red_day_is_taken_up_again_when_its_cause_was_mended(coffee: CoffeeWorld) -> None:
    """The bodies are the same, the object was restored from a copy: nothing in the database could tell."""
    capture = coffee.store(shopify(), SUNDAY)
    place = coffee.folder / "artifacts" / capture.storage_uri
    whole = place.read_bytes()
    place.write_bytes(b"damaged")
    with pytest.raises(BackfillRed):
        applied(coffee)
    place.write_bytes(whole)
    assert dict(applied(coffee).states) == {}, "the same bodies would be as red again"
    assert dict(applied(coffee, replace(INCREMENTAL, retry_red=True)).states) == {"ok": 1}
    assert coffee.value("SELECT count(*) FROM prices") == 6


def test_a_backfill_that_has_begun_goes_on_after_its_dead_worker_was_reaped(coffee: CoffeeWorld) -> None:
    """What it has brought to light itself makes the days others than planned, which does not end it."""
    two_captures(coffee)
    plan = plan_backfill(coffee.modes(), INCREMENTAL)
    coffee.execute("UPDATE backfill_runs SET status = 'running'")
    coffee.execute("UPDATE backfill_partitions SET attempts = 1, error_code = 'crashed'")
    coffee.store(shopify("470.00"), SUNDAY + timedelta(hours=1))
    assert dict(apply_plan(coffee.modes(), plan.id).states) == {"ok": 2}


def test_a_backfill_is_not_over_while_another_worker_holds_partitions_of_it(coffee: CoffeeWorld) -> None:
    two_captures(coffee)
    world = coffee.modes()
    plan = plan_backfill(world, INCREMENTAL)
    coffee.execute("UPDATE backfill_partitions SET state = 'running', lease_until = now() + interval '1 hour'")
    with (
        coffee.postgres.connect("other", autocommit=True) as connection,
        session_lock(connection, f"coffee:backfill:{plan.id}"),
    ):
        assert apply_plan(world, plan.id).skipped == 2
    assert coffee.value("SELECT status FROM backfill_runs") == "running"
    assert dict(apply_plan(world, plan.id).states) == {"ok": 2}, "its worker is dead, whatever the lease says"
    assert coffee.value("SELECT status FROM backfill_runs") == "ok"


def test_the_run_of_a_backfill_is_found_by_its_id(coffee: CoffeeWorld) -> None:
    world = coffee.modes()
    plan = plan_backfill(world, INCREMENTAL)
    with coffee.postgres.connect("test") as connection:
        assert load_run(connection, plan.id).fingerprint == plan.fingerprint
