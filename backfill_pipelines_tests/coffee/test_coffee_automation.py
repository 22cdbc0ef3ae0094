"""What keeps the recovery whole by itself: gap sensor, schedules, and a shop that is asked while its window is open."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import dagster as dg
import pytest
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG

from backfill_pipelines.coffee.automation import (
    build_coffee_gap_sensor,
    build_coffee_schedules,
    build_intake_job,
    intake_requests,
)
from backfill_pipelines.coffee.intake import pause_intake, resume_intake
from backfill_pipelines.coffee.names import COFFEES, PRICES, SCRAPE_ARTIFACTS, VARIANTS
from backfill_pipelines.stores.shop_standin import ServedShop
from backfill_pipelines.stores.shop_standin_state import Does, Fault
from backfill_pipelines_tests.coffee.coffee_world import SUNDAY, CoffeeWorld, shopify
from backfill_pipelines_tests.coffee.open_shops import shop_with_open_tick

NOW = datetime(2025, 10, 2, tzinfo=UTC)
MONDAY = datetime(2025, 9, 28, 5, tzinfo=UTC)


def tick(coffee: CoffeeWorld, now: datetime = NOW) -> list[tuple[list[dg.AssetKey], str, str]] | str:
    """What the gap sensor asks for, or why it asks for nothing."""
    sensor = build_coffee_gap_sensor(lambda: now)
    defs = dg.Definitions(coffee.assets, sensors=[sensor], resources=coffee.resources)
    repository = defs.get_repository_def()
    with dg.build_sensor_context(
        coffee.instance, repository_def=repository, resources={"postgres": coffee.postgres}
    ) as context:
        found = repository.get_sensor_def(sensor.name).evaluate_tick(context)
    if found.skip_message:
        return found.skip_message
    return [
        (list(r.asset_selection or []), r.tags[ASSET_PARTITION_RANGE_START_TAG], r.tags[ASSET_PARTITION_RANGE_END_TAG])
        for r in found.run_requests or []
    ]


def pause(coffee: CoffeeWorld) -> None:
    with coffee.postgres.connect("test") as connection:
        pause_intake(connection, reason="the database moves", by="ops")


def test_the_sensor_asks_for_the_days_that_lack_a_capture_upstream_first(coffee: CoffeeWorld) -> None:
    coffee.execute("UPDATE roasters SET active_from = '2025-09-20', active_to = '2025-10-01'")
    coffee.store(shopify(), SUNDAY)
    asked = tick(coffee)
    assert asked == [
        ([SCRAPE_ARTIFACTS], "2025-09-21|blue-tokai", "2025-09-21|blue-tokai"),
        ([SCRAPE_ARTIFACTS], "2025-09-28|blue-tokai", "2025-09-28|blue-tokai"),
    ]


def test_the_sensor_publishes_all_three_tables_by_one_run(coffee: CoffeeWorld) -> None:
    coffee.execute("UPDATE roasters SET active_from = '2025-09-22', active_to = '2025-10-01'")
    coffee.store(shopify(), SUNDAY)
    coffee.run(SUNDAY.date(), SUNDAY.date(), assets=(0, 1))
    asked = tick(coffee)
    assert ([COFFEES, VARIANTS, PRICES], "2025-09-28|blue-tokai", "2025-09-28|blue-tokai") in asked


def test_the_sensor_has_nothing_to_do_when_all_is_published_or_lost(coffee: CoffeeWorld) -> None:
    coffee.execute("UPDATE roasters SET active_from = '2025-09-20', active_to = '2025-10-01'")
    coffee.store(shopify(), SUNDAY)
    coffee.run(date(2025, 9, 20), date(2025, 9, 30))
    said = tick(coffee)
    assert "Nothing to run" in str(said)
    assert "1 unrecoverable" in str(said)


def test_a_shop_with_a_cadence_of_its_own_is_asked_while_its_window_is_open(coffee: CoffeeWorld) -> None:
    """The schedules are for Sundays and firsts; a tick on a Wednesday would be lost without the sensor."""
    coffee.execute("UPDATE roasters SET active_from = '2025-09-22', price_cadence = '0 4 * * 3'")
    wednesday = datetime(2025, 9, 24, 4, tzinfo=UTC)
    assert "Nothing to run" in str(tick(coffee, wednesday + timedelta(minutes=59))), "a schedule may come yet"
    asked = [([SCRAPE_ARTIFACTS], "2025-09-24|blue-tokai", "2025-09-24|blue-tokai")]
    assert tick(coffee, wednesday + timedelta(hours=1)) == asked
    assert tick(coffee, wednesday + timedelta(hours=30)) == asked
    coffee.store(shopify(), wednesday)
    coffee.run(wednesday.date(), wednesday.date())
    assert "Nothing to run" in str(tick(coffee, wednesday + timedelta(hours=30)))


def test_the_sensor_is_silent_while_the_intake_is_paused(coffee: CoffeeWorld) -> None:
    pause(coffee)
    assert "Silent: the intake is paused since" in str(tick(coffee))
    with coffee.postgres.connect("test") as connection:
        resume_intake(connection)
    assert isinstance(tick(coffee), list)


def requests(coffee: CoffeeWorld, now: datetime, kind: str = "price") -> list[dict[str, Any]] | str:
    with dg.build_schedule_context(instance=coffee.instance, resources={"postgres": coffee.postgres}) as context:
        found = intake_requests(context, kind, now)
    if isinstance(found, dg.SkipReason):
        return str(found.skip_message)
    return [request.run_config["ops"]["take_in"]["config"] for request in found]


def test_the_schedule_asks_for_every_shop_whose_tick_is_open(coffee: CoffeeWorld) -> None:
    assert requests(coffee, MONDAY) == [{"partition": "2025-09-28|blue-tokai"}]
    assert requests(coffee, MONDAY, "full") == "no full tick is open, or all are captured"
    assert requests(coffee, MONDAY - timedelta(days=1)) == "no price tick is open, or all are captured"


def test_the_schedule_skips_while_the_intake_is_paused_and_when_it_is_captured(coffee: CoffeeWorld) -> None:
    pause(coffee)
    assert "by ops: the database moves" in str(requests(coffee, MONDAY))
    with coffee.postgres.connect("test") as connection:
        resume_intake(connection)
    coffee.store(shopify(), SUNDAY)
    coffee.run(SUNDAY.date(), SUNDAY.date())
    assert requests(coffee, MONDAY) == "no price tick is open, or all are captured"


def test_both_schedules_are_stopped_at_first() -> None:
    found = {schedule.name: schedule for schedule in build_coffee_schedules()}
    assert {name: schedule.cron_schedule for name, schedule in found.items()} == {
        "coffee_prices_weekly": "0 4 * * 0",
        "coffee_full_monthly": "0 3 1 * *",
    }
    assert {schedule.default_status for schedule in found.values()} == {dg.DefaultScheduleStatus.STOPPED}


@pytest.fixture
def open_shop(coffee: CoffeeWorld) -> Iterator[ServedShop]:
    """A shop whose tick was a minute ago."""
    with shop_with_open_tick(coffee) as (served, _):
        yield served


def take_in(coffee: CoffeeWorld) -> dg.ExecuteInProcessResult:
    day = coffee.value("SELECT active_from FROM roasters")
    return build_intake_job().execute_in_process(
        run_config={"ops": {"take_in": {"config": {"partition": f"{day}|blue-tokai"}}}},
        instance=coffee.instance,
        resources=coffee.resources,
        raise_on_error=False,
    )


@pytest.mark.usefixtures("open_shop")
def test_the_intake_fetches_derives_and_publishes_a_shop_whose_window_is_open(coffee: CoffeeWorld) -> None:
    assert take_in(coffee).success
    assert coffee.value("SELECT count(*) FROM prices") == 6
    (artifact,) = coffee.rows("SELECT completeness, observed_at FROM scrape_artifacts")
    assert artifact["completeness"] == "complete"
    assert datetime.now(UTC) - artifact["observed_at"] < timedelta(minutes=1), "stamped with the time of the answer"
    assert take_in(coffee).success
    assert coffee.value("SELECT count(*) FROM scrape_artifacts") == 1, "a captured tick is not asked for again"


def test_a_shop_that_refuses_leaves_the_day_missing_and_open(coffee: CoffeeWorld, open_shop: ServedShop) -> None:
    open_shop.shop.by_target["/products.json"] = Fault(Does.STATUS, "404")
    result = take_in(coffee)
    assert not result.success
    assert "the fetch failed, still open until" in str(result.all_events)
    assert coffee.value("SELECT status FROM scrape_runs") == "fail"
    assert coffee.value("SELECT count(*) FROM partition_evidence") == 0, "what is open still is not lost"
