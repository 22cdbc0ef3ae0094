"""Verdicts and materialisations in the event log: what counts as green, and what Dagster makes of it."""

from collections.abc import Mapping

import dagster as dg
import pytest
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionResolvedStatus as Resolved
from dagster._core.storage.event_log.base import PartitionKeyFilter

from backfill_pipelines.backfill.gates import READ_BACK_GATE
from backfill_pipelines.backfill.verdicts import latest_materializations, latest_verdict, latest_verdicts
from backfill_pipelines_tests.backfill.toy import (
    DAYS,
    POINTS,
    Killed,
    LedgerTarget,
    days,
    run_range,
    toy_asset,
)

FIRST, LAST, RED = "2024-01-01", "2024-01-04", "2024-01-02"


@pytest.fixture
def asset(target: LedgerTarget) -> dg.AssetsDefinition:
    return toy_asset("lines", target.open)


def gate(asset: dg.AssetsDefinition, name: str = POINTS.name) -> dg.AssetCheckKey:
    return dg.AssetCheckKey(asset.key, name)


def shown(instance: dg.DagsterInstance, key: dg.AssetCheckKey) -> Mapping[Resolved, set[str]]:
    """Partitions by status, as the check's Partitions tab and the automation conditions count them."""
    state = instance.event_log_storage.get_asset_check_state([(key, DAYS)])[key]
    return {
        status: set(part.subset_value.get_partition_keys())
        for status, part in state.subsets.items()
        if not part.is_empty
    }


def targeted(instance: dg.DagsterInstance, key: dg.AssetCheckKey, partition: str) -> int | None:
    """The materialisation that the latest evaluation aims at."""
    record = instance.event_log_storage.get_latest_asset_check_execution_by_key(
        [key], partition_filter=PartitionKeyFilter(key=partition)
    )[key]
    assert isinstance(record.evaluation, dg.AssetCheckEvaluation)
    aim = record.evaluation.target_materialization_data
    return aim.storage_id if aim else None


def test_a_partition_that_no_run_has_judged_has_no_verdict(
    instance: dg.DagsterInstance, asset: dg.AssetsDefinition
) -> None:
    """None is not False: the gap sensor counts attempts of the one and runs the other at once."""
    assert latest_verdict(instance, gate(asset), FIRST) is None
    assert latest_verdicts(instance, []) == {}
    run_range(instance, asset, FIRST, FIRST)
    assert latest_verdict(instance, gate(asset), FIRST) is True
    assert latest_verdict(instance, gate(asset), RED) is None


def test_the_latest_verdict_wins_in_both_directions(
    any_instance: dg.DagsterInstance, target: LedgerTarget, asset: dg.AssetsDefinition
) -> None:
    """An older pass must not cover a newer failure, nor a mended failure haunt its partition."""
    seen = []
    for red in (set[str](), {RED}, set[str]()):
        target.red = {POINTS.name: red}
        run_range(any_instance, asset, FIRST, LAST)
        seen.append(latest_verdicts(any_instance, [gate(asset)])[gate(asset)])
    assert seen == [{day: day not in red for day in days(1, 4)} for red in (set(), {RED}, set())]


def test_a_verdict_that_was_planned_and_never_given_is_no_pass(
    any_instance: dg.DagsterInstance, target: LedgerTarget, asset: dg.AssetsDefinition
) -> None:
    """A run that died after writing leaves yesterday's pass beside today's unjudged rows."""
    run_range(any_instance, asset, FIRST, LAST)
    target.crash_after, target.crash = "publish", Killed
    run_range(any_instance, asset, RED, "2024-01-03")
    assert latest_verdicts(any_instance, [gate(asset)]) == {
        gate(asset): {FIRST: True, RED: False, "2024-01-03": False, LAST: True}
    }
    assert latest_verdict(any_instance, gate(asset), RED) is False


def test_verdicts_of_several_checks_are_kept_apart(instance: dg.DagsterInstance, asset: dg.AssetsDefinition) -> None:
    """Two tables have gates of one name; a pass of the one must not open the other."""
    other = toy_asset("boxes", LedgerTarget(red={POINTS.name: {FIRST}}).open)
    run_range(instance, asset, FIRST, RED)
    run_range(instance, other, FIRST, FIRST)
    keys = [gate(asset), gate(other), gate(asset, READ_BACK_GATE)]
    assert latest_verdicts(instance, keys) == {
        gate(asset): {FIRST: True, RED: True},
        gate(other): {FIRST: False},
        gate(asset, READ_BACK_GATE): {FIRST: True, RED: True},
    }


def test_dagster_counts_each_partition_of_a_check_as_passed_or_failed(
    any_instance: dg.DagsterInstance, target: LedgerTarget, asset: dg.AssetsDefinition
) -> None:
    """Verdicts without their target are stale to Dagster: the tab would show a judged season as "Missing"."""
    run_range(any_instance, asset, FIRST, LAST)
    assert shown(any_instance, gate(asset)) == {Resolved.SUCCEEDED: set(days(1, 4))}
    target.red = {POINTS.name: {RED}}
    run_range(any_instance, asset, FIRST, LAST)
    assert shown(any_instance, gate(asset)) == {
        Resolved.SUCCEEDED: {day for day in days(1, 4) if day != RED},
        Resolved.FAILED: {RED},
    }


def test_a_red_verdict_aims_at_the_data_that_readers_still_see(
    instance: dg.DagsterInstance, target: LedgerTarget, asset: dg.AssetsDefinition
) -> None:
    """The old materialisation is what stays published; aimed at nothing, the failure would not be shown."""
    target.red = {POINTS.name: {LAST}}
    run_range(instance, asset, FIRST, LAST)
    older = latest_materializations(instance, asset.key, days(1, 4))
    assert targeted(instance, gate(asset), LAST) is None, "never published"
    target.red = {POINTS.name: {RED}}
    run_range(instance, asset, FIRST, LAST)
    newer = latest_materializations(instance, asset.key, days(1, 4))
    assert targeted(instance, gate(asset), RED) == newer[RED].storage_id == older[RED].storage_id
    assert targeted(instance, gate(asset), FIRST) == newer[FIRST].storage_id > older[FIRST].storage_id


def test_a_verdict_goes_stale_when_somebody_else_materialises_its_partition(
    instance: dg.DagsterInstance, asset: dg.AssetsDefinition
) -> None:
    """Data written past the gates must not wear the pass of the data before it."""
    run_range(instance, asset, FIRST, LAST)
    instance.report_runless_asset_event(dg.AssetMaterialization(asset.key, partition=RED))
    assert shown(instance, gate(asset)) == {Resolved.SUCCEEDED: {day for day in days(1, 4) if day != RED}}


def test_latest_materialisations_are_found_behind_a_thousand_others(instance: dg.DagsterInstance) -> None:
    """Dagster gives a thousand records a page: a date loaded again and again would hide its neighbours."""
    key = dg.AssetKey(["toy", "lines"])
    for day, times in (("2024-01-01", 1), ("2024-01-02", 1100), ("2024-01-03", 1)):
        for _ in range(times):
            instance.report_runless_asset_event(dg.AssetMaterialization(key, partition=day))
    records = instance.fetch_materializations(key, limit=1).records
    found = latest_materializations(instance, key, days(1, 4))
    assert set(found) == set(days(1, 3))
    assert found["2024-01-03"].storage_id == records[0].storage_id
    assert found["2024-01-02"].storage_id == records[0].storage_id - 1
    assert found["2024-01-01"].storage_id == records[0].storage_id - 1101
