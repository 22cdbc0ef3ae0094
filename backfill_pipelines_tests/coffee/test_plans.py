"""The plan of a backfill, and its refusal when the world has moved on."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from backfill_pipelines.backfill.failures import SettingsError
from backfill_pipelines.coffee.backfill_ledger import LedgerRun, Settled, begin_run, finish_run, new_run, settle
from backfill_pipelines.coffee.plans import Plan, PlanRefused, make_plan, require_unchanged
from backfill_pipelines.coffee.scope import Scope
from backfill_pipelines.coffee.staging import Versions
from backfill_pipelines.stores.postgres import execute
from backfill_pipelines_tests.coffee.stored_world import FIRST, LAST, NOW, SUNDAY, VERSIONS, World

INCREMENTAL = Scope("incremental", FIRST, LAST)


def plan_of(world: World, scope: Scope = INCREMENTAL, **how: Any) -> Plan:
    return make_plan(world.connection, scope, how.pop("versions", VERSIONS), how.pop("now", NOW), **how)


def keys(plan: Plan) -> list[str]:
    return [one.key for one in plan.partitions]


def test_an_incremental_plan_takes_up_what_is_open_and_nothing_else(world: World) -> None:
    world.artifact(SUNDAY)
    world.artifact(SUNDAY - timedelta(days=7), completeness="filtered")
    world.artifact(SUNDAY - timedelta(days=14), processed_at=None, validation_status="pending", body_len=90)
    plan = plan_of(world)
    assert {one.key: str(one.state) for one in plan.partitions} == {
        "2025-09-01|blue-tokai": "missing",
        "2025-09-07|blue-tokai": "missing",
        "2025-09-14|blue-tokai": "stale",
        "2025-09-21|blue-tokai": "partial",
        "2025-10-01|blue-tokai": "missing",
    }
    assert (plan.artifacts, plan.bytes, plan.bytes_needed) == (2, 100, 300)
    assert plan.states == {"complete": 1, "partial": 1, "missing": 3, "expected_empty": 28, "stale": 1}


def test_a_full_plan_takes_up_every_day_with_a_stored_body(world: World) -> None:
    world.artifact(SUNDAY)
    world.artifact(SUNDAY - timedelta(days=3), completeness="filtered")
    assert keys(plan_of(world, replace(INCREMENTAL, mode="full"))) == ["2025-09-25|blue-tokai", "2025-09-28|blue-tokai"]
    assert keys(plan_of(world, replace(INCREMENTAL, mode="validation"))) == [
        "2025-09-25|blue-tokai",
        "2025-09-28|blue-tokai",
    ]


def test_the_plan_shows_the_runbooks_time_beside_ours(world: World) -> None:
    world.artifact(SUNDAY, processed_at=None, validation_status="pending", body_len=4_000_000)
    plan = plan_of(world)
    assert plan.runbook_seconds == 1 * 34 * 60
    assert plan.seconds == pytest.approx(2.0)
    lines = dict(plan.lines())
    assert lines["time, ours"] == "2 s, by the benchmark's rates"
    assert lines["time, the runbook's"] == "2,040 s"
    assert lines["disk needed"] == "12,000,000 bytes, free space was not measured"


def test_the_rates_are_those_that_earlier_backfills_have_measured(world: World) -> None:
    run = LedgerRun(plan_of(world).id, INCREMENTAL, {}, "x", "planned")
    new_run(world.connection, run)
    begin_run(world.connection, run.id, "dagster")
    totals = {"bytes": 1000, "derive_seconds": 2, "rows": 600, "publish_seconds": 3}
    finish_run(world.connection, run.id, "ok", totals)
    rates = plan_of(world).rates
    assert (rates.bytes_per_second, rates.rows_per_second, rates.is_measured) == (500, 200, True)


def test_requests_are_counted_for_windows_that_are_still_open(world: World) -> None:
    monday = SUNDAY + timedelta(hours=20)
    world.insert(
        "scrape_runs",
        {
            "id": run_id(1),
            "source_id": world.source.id,
            "roaster_id": world.source.roaster_id,
            "job_type": "price_only",
            "started_at": SUNDAY + timedelta(minutes=1),
            "status": "fail",
        },
    )
    plan = plan_of(world, now=monday)
    assert [(one.host, one.requests, one.delay_s) for one in plan.requests] == [("bluetokaicoffee.com", 1, 0.5)]
    assert plan_of(world).requests == [], "two weeks later the shop no longer says what it said then"


def run_id(number: int) -> str:
    return f"00000000-0000-0000-0000-{number:012}"


def test_the_same_state_has_the_same_fingerprint_and_another_one_does_not(world: World) -> None:
    world.artifact(SUNDAY)
    plan = plan_of(world)
    assert plan_of(world).fingerprint == plan.fingerprint
    require_unchanged(plan_of(world), plan.fingerprint)
    changes = [
        plan_of(world, replace(INCREMENTAL, first=date(2025, 9, 2))),
        plan_of(world, versions=Versions("1.0.0", "1.1.0")),
        plan_of(world, now=SUNDAY + timedelta(hours=2)),
    ]
    world.artifact(SUNDAY + timedelta(minutes=5))
    for changed in [*changes, plan_of(world)]:
        with pytest.raises(PlanRefused, match="was made from another state"):
            require_unchanged(changed, plan.fingerprint)


def test_a_red_day_is_taken_up_again_only_when_its_input_changes(world: World) -> None:
    """The same bodies would be as red again, at every tick of the sensor."""
    world.artifact(SUNDAY, validation_status="invalid")
    plan = plan_of(world)
    (day,) = [one for one in plan.partitions if one.day == SUNDAY.date()]
    run = LedgerRun(plan.id, INCREMENTAL, plan.to_json(), plan.fingerprint, "planned")
    new_run(world.connection, run, [(day.roaster_id, day.day)])
    settle(
        world.connection,
        run.id,
        [
            Settled(
                day.roaster_id,
                day.day,
                "failed",
                day.input_digest,
                {"red": {"currency_agrees_with_the_source": "1 of 1"}},
            )
        ],
    )
    assert day.key not in keys(plan_of(world))
    world.artifact(SUNDAY + timedelta(minutes=1), validation_status="invalid")
    assert day.key in keys(plan_of(world))


def test_a_red_day_is_taken_up_again_when_the_registry_says_something_else_of_its_source(world: World) -> None:
    """Correcting the currency is the repair that the currency gate names."""
    world.artifact(SUNDAY, validation_status="invalid")
    plan = plan_of(world)
    (day,) = [one for one in plan.partitions if one.day == SUNDAY.date()]
    new_run(
        world.connection,
        LedgerRun(plan.id, INCREMENTAL, plan.to_json(), plan.fingerprint, "planned"),
        [(day.roaster_id, day.day)],
    )
    settle(
        world.connection,
        plan.id,
        [
            Settled(
                day.roaster_id,
                day.day,
                "failed",
                day.input_digest,
                {"red": {"currency_agrees_with_the_source": "1 of 1"}},
            )
        ],
    )
    assert day.key not in keys(plan_of(world))
    execute(world.connection, "UPDATE product_sources SET currency = 'USD' WHERE id = %s", [world.source.id])
    assert day.key in keys(plan_of(world))


def test_three_times_the_bytes_must_be_free(world: World) -> None:
    world.artifact(SUNDAY, processed_at=None, validation_status="pending", body_len=1000)
    plan_of(world, free_bytes=3000).require_space()
    with pytest.raises(PlanRefused, match="3,000 bytes of free space are needed, 2,999 are free"):
        plan_of(world, free_bytes=2999).require_space()


def test_what_cannot_be_had_is_listed_and_not_tried_again(world: World) -> None:
    execute(
        world.connection,
        "INSERT INTO partition_evidence SELECT id, '2025-09-28', 'unrecoverable', 'no stored body', '{}', %s "
        "FROM roasters",
        (NOW,),
    )
    plan = plan_of(world)
    assert plan.unrecoverable == ["2025-09-28|blue-tokai"]
    assert "2025-09-28|blue-tokai" not in keys(plan)


@pytest.mark.parametrize("wrong", [{"first": date(2025, 11, 1)}, {"data_types": ("price",)}, {"product_ids": ("7",)}])
def test_a_scope_that_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match="Repair: "):
        replace(INCREMENTAL, **wrong)


def test_a_scope_is_read_back_as_it_was_written() -> None:
    scope = Scope("selective", FIRST, LAST, ("a",), ("https://b",), ("7",), ("prices",), "full")
    assert Scope.from_json(scope.to_json()) == scope
