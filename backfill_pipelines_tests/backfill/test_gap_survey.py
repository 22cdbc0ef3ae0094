"""A domain's survey at a tick of the gap sensor: what it knows beyond the verdicts is heard, and nothing is lost."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from backfill_pipelines.backfill.gap_sensor import GapAsset, Survey, build_gap_sensor
from backfill_pipelines.backfill.gaps import GapPolicy
from backfill_pipelines_tests.backfill.gap_toy import wanted
from backfill_pipelines_tests.backfill.toy import DAYS, POINTS, LedgerTarget, days, run_range, toy_asset

NOW = datetime(2027, 1, 1, 12, tzinfo=UTC)
Tick = Callable[[Survey], list[dg.RunRequest] | str]


@pytest.fixture
def target() -> LedgerTarget:
    return LedgerTarget()


@pytest.fixture
def lines(target: LedgerTarget) -> dg.AssetsDefinition:
    return toy_asset("lines", target.open)


@pytest.fixture
def tick(instance: dg.DagsterInstance, lines: dg.AssetsDefinition) -> Tick:
    def of(survey: Survey) -> list[dg.RunRequest] | str:
        sensor = build_gap_sensor(
            name="toy_gap_sensor",
            description="Fills the holes of a toy asset.",
            assets=[GapAsset(lines.key, DAYS)],
            expected=lambda _: survey,
            policy=GapPolicy(),
            run_config=lambda _: {"ops": {"lines": {"config": {"apply": True}}}},
            clock=lambda: NOW,
        )
        found = sensor(dg.build_sensor_context(instance))
        if isinstance(found, dg.SkipReason):
            return str(found.skip_message)
        assert isinstance(found, dg.SensorResult)
        return list(found.run_requests or [])

    return of


def test_a_green_partition_that_lacks_something_since_is_asked_for_with_the_runs_config(
    instance: dg.DagsterInstance, lines: dg.AssetsDefinition, tick: Tick
) -> None:
    run_range(instance, lines, "2024-01-01", "2024-01-04")
    assert str(tick(Survey(days(1, 4), seen="all is well"))).endswith("all is well")
    (request,) = tick(Survey(days(1, 4), reopened=frozenset({"2024-01-02"})))
    assert isinstance(request, dg.RunRequest)
    assert wanted(request) == ("lines", "2024-01-02", "2024-01-02")
    assert request.run_config == {"ops": {"lines": {"config": {"apply": True}}}}


def test_a_parked_partition_waits_for_its_hour_and_its_attempts_do_not_count(
    instance: dg.DagsterInstance, lines: dg.AssetsDefinition, target: LedgerTarget, tick: Tick
) -> None:
    """Five days without quota would otherwise give it up for ever."""
    target.red = {POINTS.name: {"2024-01-02"}}
    for _ in range(5):
        run_range(instance, lines, "2024-01-01", "2024-01-03")
    assert "1 given up after 5 attempts" in str(tick(Survey(days(1, 3))))
    later = tick(Survey(days(1, 3), parked={"2024-01-02": NOW + timedelta(hours=1)}))
    assert "0 given up after 5 attempts, 1 waiting" in str(later)
    (request,) = tick(Survey(days(1, 3), parked={"2024-01-02": NOW}))
    assert isinstance(request, dg.RunRequest)
    assert wanted(request) == ("lines", "2024-01-02", "2024-01-02")


def test_what_must_come_first_is_all_that_is_asked_for(tick: Tick) -> None:
    first = dg.RunRequest(job_name="take_stock", run_key="once")
    assert tick(Survey(days(1, 3), first=[first])) == [first]


def test_a_survey_can_silence_the_sensor(tick: Tick) -> None:
    assert tick(Survey(days(1, 3), silent="the plan is another")) == "Silent: the plan is another"
