"""The gated range run again: retried, resumed after a crash, repeated, forced, repaired."""

import dagster as dg
import pytest

from backfill_pipelines.backfill.gates import READ_BACK_GATE
from backfill_pipelines.backfill.outcome import Decision
from backfill_pipelines.backfill.verdicts import latest_verdict, latest_verdicts
from backfill_pipelines_tests.backfill.toy import (
    POINTS,
    Killed,
    LedgerTarget,
    check,
    days,
    materialized,
    run_range,
    toy_asset,
)

FIRST, LAST = "2024-01-01", "2024-01-06"
ALL = days(1, 6)


def attempts(result: dg.ExecuteInProcessResult) -> int:
    """How often the step of the asset was started."""
    events = [dg.DagsterEventType.STEP_START, dg.DagsterEventType.STEP_RESTARTED]
    return sum(event.event_type in events for event in result.all_events)


def test_red_partitions_are_not_retried(instance: dg.DagsterInstance, target: LedgerTarget) -> None:
    """The data does not mend itself within seconds; a retry would publish and judge everything twice."""
    asset = toy_asset("lines", target.open)
    target.red = {POINTS.name: {FIRST}}
    result = run_range(instance, asset, FIRST, LAST)
    assert (attempts(result), len(target.computed)) == (1, 1)
    failed = result.failure_data_for_node(asset.op.name)
    assert failed is not None
    assert failed.user_failure_data is not None
    assert failed.user_failure_data.metadata["failed_partitions"].value == [FIRST]


def test_broken_infrastructure_is_retried_once(instance: dg.DagsterInstance, target: LedgerTarget) -> None:
    """A connection lost at night must not cost the whole backfill; a dead server must not be hammered either."""
    asset = toy_asset("lines", target.open)
    target.crash_after = "stage"
    result = run_range(instance, asset, FIRST, LAST)
    assert result.success
    assert (attempts(result), len(target.computed)) == (2, 2)
    assert materialized(instance, asset) == ALL


@pytest.mark.parametrize("step", ["stage", "measure", "publish", "record"])
def test_a_run_that_crashed_anywhere_is_made_good_by_the_next(
    instance: dg.DagsterInstance, target: LedgerTarget, step: str
) -> None:
    """kill -9 at any moment: no partition counts as done that is not, nothing is written twice."""
    asset = toy_asset("lines", target.open)
    target.crash_after, target.crash = step, Killed
    assert attempts(run_range(instance, asset, FIRST, LAST)) == 1
    assert materialized(instance, asset) == []
    assert set(latest_verdicts(instance, [check(asset, READ_BACK_GATE)])[check(asset, READ_BACK_GATE)].values()) == {
        False
    }
    assert run_range(instance, asset, FIRST, LAST).success
    assert materialized(instance, asset) == ALL
    assert [day for written in target.written for day in written] == ALL


def test_running_a_green_range_again_writes_nothing(instance: dg.DagsterInstance, target: LedgerTarget) -> None:
    """An operator who is unsure runs it again; that must cost nothing and change nothing."""
    asset = toy_asset("lines", target.open)
    run_range(instance, asset, FIRST, LAST)
    before = dict(target.published)
    assert run_range(instance, asset, FIRST, LAST).success
    assert target.published == before
    assert target.written == [ALL, []]
    assert target.history[-1].tally == {Decision.ALREADY_DONE: 6}


def test_force_writes_again_what_has_not_changed(instance: dg.DagsterInstance, target: LedgerTarget) -> None:
    """Without it a table that was damaged by hand, under an unchanged digest, could not be rewritten."""
    asset = toy_asset("lines", target.open)
    run_range(instance, asset, FIRST, LAST)
    run_range(instance, asset, FIRST, LAST, force=True)
    assert target.written == [ALL, ALL]
    assert target.history[-1].tally == {Decision.PUBLISHED: 6}


def test_a_repaired_partition_turns_green_and_the_others_are_left_alone(
    any_instance: dg.DagsterInstance, target: LedgerTarget
) -> None:
    """A red mark that outlives its cause teaches people to ignore red marks."""
    asset = toy_asset("lines", target.open)
    target.red = {POINTS.name: {"2024-01-03"}}
    run_range(any_instance, asset, FIRST, LAST)
    target.red = {}
    assert run_range(any_instance, asset, FIRST, LAST).success
    assert target.written == [[day for day in ALL if day != "2024-01-03"], ["2024-01-03"]]
    for name in (POINTS.name, READ_BACK_GATE):
        assert latest_verdict(any_instance, check(asset, name), "2024-01-03") is True
