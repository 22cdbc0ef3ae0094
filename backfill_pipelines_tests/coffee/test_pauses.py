"""A pause stops a backfill where nothing is lost, says how to end it, and the same plan goes on afterwards."""

import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from backfill_pipelines.backfill import pausing
from backfill_pipelines.coffee import incremental_mode
from backfill_pipelines.coffee.backfill_ledger import load_partitions
from backfill_pipelines.coffee.intake import intake, pause_intake, resume_intake
from backfill_pipelines.coffee.modes import apply_plan, plan_backfill
from backfill_pipelines.coffee.pauses import BackfillPaused
from backfill_pipelines.coffee.scope import Scope
from backfill_pipelines.stores.shop_standin import ServedShop
from backfill_pipelines.stores.shop_standin_state import Does, Fault
from backfill_pipelines_tests.coffee.coffee_world import SUNDAY, CoffeeWorld, shopify
from backfill_pipelines_tests.coffee.open_shops import shop_with_open_tick

STORED = Scope("incremental", date(2025, 9, 15), date(2025, 9, 28))


def states(coffee: CoffeeWorld, run: uuid.UUID) -> list[tuple[str, str | None]]:
    with coffee.postgres.connect("test") as connection:
        return [(one.state, one.error_code) for one in load_partitions(connection, run)]


@pytest.fixture
def open_shop(coffee: CoffeeWorld) -> Iterator[ServedShop]:
    """A shop whose tick was a minute ago, and that has refused the first attempt."""
    with shop_with_open_tick(coffee) as (served, at):
        served.shop.by_target["/products.json"] = Fault(Does.STATUS, "404")
        coffee.run(at.date(), at.date(), assets=(0,))
        served.shop.reset()
        yield served


def test_no_shop_is_asked_while_the_intake_is_paused(coffee: CoffeeWorld, open_shop: ServedShop) -> None:
    """The database is being moved, say: what is fetched now would be lost, and the window is open for hours yet."""
    with coffee.postgres.connect("test") as connection:
        pause_intake(connection, reason="the database moves", by="ops")
    world = coffee.modes(clock=lambda: datetime.now(UTC))
    day = (datetime.now(UTC) - timedelta(minutes=1)).date()
    plan = plan_backfill(world, Scope("incremental", day, day))
    with pytest.raises(BackfillPaused) as stopped:
        apply_plan(world, plan.id)
    assert "by ops: the database moves. Resume: backfill coffee resume --apply" in str(stopped.value)
    assert f"Then go on with: backfill coffee run {plan.id}" in str(stopped.value)
    assert open_shop.shop.log == []
    assert states(coffee, plan.id) == [("pending", "paused")]
    assert coffee.value("SELECT status FROM backfill_runs WHERE mode = 'incremental' AND plan <> '{}'") == "aborted"
    assert coffee.told[-1][0] == "coffee backfill incremental was stopped by a pause"
    with coffee.postgres.connect("test") as connection:
        resume_intake(connection)
    assert dict(apply_plan(world, plan.id).states) == {"ok": 1}
    assert coffee.value("SELECT count(*) FROM prices") == 6


def test_paused_assets_stop_a_backfill_before_its_next_range(coffee: CoffeeWorld) -> None:
    coffee.store(shopify(), SUNDAY)
    world = coffee.modes()
    plan = plan_backfill(world, STORED)
    pausing.pause(coffee.instance, "coffee", reason="disk is full", by="ops")
    with pytest.raises(BackfillPaused, match=r"by ops: disk is full\. Resume: backfill resume coffee"):
        apply_plan(world, plan.id)
    assert coffee.instance.get_runs_count() == 0
    pausing.resume(coffee.instance, "")
    assert dict(apply_plan(world, plan.id).states) == {"ok": 1, "unrecoverable": 1}


def test_a_pause_amid_a_range_makes_its_days_wait_and_fails_none(
    coffee: CoffeeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise every day of the backfill fails in a second, and the failure threshold ends it."""
    coffee.store(shopify(), SUNDAY)
    world = coffee.modes()
    plan = plan_backfill(world, STORED)
    real = incremental_mode.run_range

    def paused_meanwhile(*args: Any, **values: Any) -> Any:
        pausing.pause(coffee.instance, "coffee/coffees", reason="lunch", by="ops")
        return real(*args, **values)

    monkeypatch.setattr(incremental_mode, "run_range", paused_meanwhile)
    with pytest.raises(BackfillPaused, match="lunch"):
        apply_plan(world, plan.id)
    assert coffee.instance.get_runs_count() == 1, "what would only fail is not begun"
    assert ("pending", "paused") in states(coffee, plan.id)
    monkeypatch.undo()
    pausing.resume(coffee.instance, "")
    apply_plan(world, plan.id)
    assert {state for state, _ in states(coffee, plan.id)} == {"ok", "unrecoverable"}


def test_a_paused_full_backfill_publishes_nothing_and_leaves_the_intake_as_it_was(coffee: CoffeeWorld) -> None:
    coffee.store(shopify(), SUNDAY)
    world = coffee.modes()
    plan = plan_backfill(world, Scope("full", STORED.first, STORED.last))
    pausing.pause(coffee.instance, "", reason="lunch", by="ops")
    with pytest.raises(BackfillPaused, match=f"before anything was published: .*backfill coffee run {plan.id}"):
        apply_plan(world, plan.id)
    assert coffee.value("SELECT count(*) FROM prices") == 0
    with coffee.postgres.connect("test") as connection:
        assert not intake(connection).paused
    pausing.resume(coffee.instance, "")
    assert dict(apply_plan(world, plan.id).states) == {"ok": 1}
