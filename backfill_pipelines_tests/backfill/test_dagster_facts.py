"""Facts of Dagster 1.13 that the design stands on: a release that changes one of them must be noticed here first."""

import inspect
import warnings
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import dagster as dg
import pytest
from dagster._core.storage.event_log.base import PartitionKeyFilter
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG
from sqlalchemy.exc import IntegrityError

from backfill_pipelines.backfill.gates import READ_BACK_GATE
from backfill_pipelines.backfill.verdicts import latest_verdict
from backfill_pipelines_tests.backfill.toy import DAYS, POINTS, LedgerTarget, days, run_range, toy_asset

RED = "2024-01-03"
RANGE = {ASSET_PARTITION_RANGE_START_TAG: "2024-01-01", ASSET_PARTITION_RANGE_END_TAG: "2024-01-04"}


class Plain:
    """A parent with an ordinary blocking check, and a child: what the gated range run replaces."""

    def __init__(self) -> None:
        self.check_runs: list[bool] = []
        self.child_runs = 0

        @dg.asset(partitions_def=DAYS)
        def parent() -> None: ...

        @dg.asset_check(asset=parent, partitions_def=DAYS, blocking=True)
        def is_good(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
            self.check_runs.append(context.has_partition_key)
            return dg.AssetCheckResult(passed=context.has_partition_key and context.partition_key != RED)

        @dg.asset(partitions_def=DAYS, deps=[parent])
        def child() -> None:
            self.child_runs += 1

        self.parent, self.is_good, self.child = parent, is_good, child

    def run(self, instance: dg.DagsterInstance, *assets: Any, **where: Any) -> dg.ExecuteInProcessResult:
        return dg.materialize(list(assets), instance=instance, raise_on_error=False, **where)

    def verdict(self, instance: dg.DagsterInstance, partition: str | None) -> bool | None:
        key = self.is_good.check_key
        record = instance.event_log_storage.get_latest_asset_check_execution_by_key(
            [key], partition_filter=PartitionKeyFilter(key=partition)
        ).get(key)
        return record.evaluation.passed if record and isinstance(record.evaluation, dg.AssetCheckEvaluation) else None


@pytest.fixture
def plain() -> Plain:
    return Plain()


def test_f1_a_partitioned_check_is_recorded_for_its_partition(instance: dg.DagsterInstance, plain: Plain) -> None:
    """Without it there would be no verdict of a date at all, and no gate to build on."""
    for day in days(2, 3):
        plain.run(instance, plain.parent, plain.is_good, partition_key=day)
    assert [plain.verdict(instance, day) for day in days(2, 3)] == [True, False]


def test_f3_a_blocking_check_stops_its_own_run_and_no_other(instance: dg.DagsterInstance, plain: Plain) -> None:
    """Why every gated asset begins with admission: by hand, the child of a red date runs through."""
    together = plain.run(instance, plain.parent, plain.is_good, plain.child, partition_key=RED)
    assert (together.success, plain.child_runs) == (False, 0)
    alone = dg.materialize(
        [plain.parent, plain.is_good, plain.child], selection=[plain.child], partition_key=RED, instance=instance
    )
    assert (alone.success, plain.child_runs) == (True, 1)


def test_f4_in_a_range_run_a_plain_check_runs_once_and_knows_no_partition(
    instance: dg.DagsterInstance, plain: Plain
) -> None:
    """Why gates live inside the gated asset: a season would have a single verdict, and no date one."""

    @dg.multi_asset(specs=[dg.AssetSpec("parent")], partitions_def=DAYS, backfill_policy=dg.BackfillPolicy.single_run())
    def parent() -> dg.MaterializeResult[None]:
        return dg.MaterializeResult()

    plain.run(instance, parent, plain.is_good, tags=RANGE)
    assert plain.check_runs == [False]
    assert plain.verdict(instance, None) is False
    assert [plain.verdict(instance, day) for day in days(1, 4)] == [None] * 4


def test_f5_automation_sees_the_verdict_of_each_date_of_a_gated_range_run(instance: dg.DagsterInstance) -> None:
    """Ten dates published, one of them red since: exactly the nine others may go on."""
    target = LedgerTarget()
    parent = toy_asset("lines", target.open)
    run_range(instance, parent, "2024-01-01", "2024-01-10")
    target.red = {POINTS.name: {RED}}
    run_range(instance, parent, "2024-01-01", "2024-01-10")

    @dg.asset(
        deps=[parent],
        partitions_def=DAYS,
        automation_condition=dg.AutomationCondition.missing()
        & dg.AutomationCondition.all_deps_blocking_checks_passed(),
    )
    def child() -> None: ...

    defs, selection = dg.Definitions([parent, child]), dg.AssetSelection.assets(child.key)
    result = dg.evaluate_automation_conditions(defs, instance, asset_selection=selection)
    assert result.get_requested_partitions(child.key) == {day for day in days(1, 10) if day != RED}


def test_f6_the_latest_verdict_of_a_partition_can_be_read_though_not_by_public_api(
    instance: dg.DagsterInstance,
) -> None:
    """Admission stands on this call; the public one knows no partitions."""
    asset = toy_asset("lines", LedgerTarget(red={POINTS.name: {RED}}).open)
    run_range(instance, asset, "2024-01-01", "2024-01-04")
    key = dg.AssetCheckKey(asset.key, POINTS.name)
    read = instance.event_log_storage.get_latest_asset_check_execution_by_key
    statuses = [read([key], partition_filter=PartitionKeyFilter(key=day))[key].status.value for day in days(1, 4)]
    assert statuses == ["SUCCEEDED", "SUCCEEDED", "FAILED", "SUCCEEDED"]
    assert "partition_filter" not in inspect.signature(instance.get_latest_asset_check_evaluation_record).parameters


def test_f7_a_verdict_can_be_reported_by_hand_once_for_a_partition_and_no_second_time(tmp_path: Path) -> None:
    """An operator may condemn or accept a date; taking it back takes a run, for a second report is refused."""
    asset = toy_asset("lines", LedgerTarget().open)
    key = dg.AssetCheckKey(asset.key, READ_BACK_GATE)
    condemned = dg.AssetCheckEvaluation(asset_key=asset.key, check_name=key.name, passed=False, partition=RED)
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        instance.report_runless_asset_event(condemned)
        assert latest_verdict(instance, key, RED) is False
        with pytest.raises(IntegrityError, match="UNIQUE constraint failed"):
            instance.report_runless_asset_event(condemned)
        run_range(instance, asset, RED, RED)
        assert latest_verdict(instance, key, RED) is True


@pytest.mark.parametrize("annotated", [True, False])
def test_f10_an_asset_without_a_return_annotation_fails_in_a_range_run(tmp_path: Path, *, annotated: bool) -> None:
    """It is stored as one value of many partitions, which the filesystem IO manager refuses."""

    def compute():
        return None

    if annotated:
        compute.__annotations__["return"] = None
    asset = dg.asset(partitions_def=DAYS, name="lines")(compute)
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        result = dg.materialize([asset], instance=instance, tags=RANGE, raise_on_error=False)
    assert result.success is annotated
    if not annotated:
        assert "IO manager" in result.failure_data_for_node("lines").error.to_string()  # type: ignore[union-attr]


def test_f11_the_loader_ignores_assets_in_a_dict_without_a_word() -> None:
    """A factory that keeps its assets in a dict would be missing from the UI, and nothing would say so."""
    module = ModuleType("toys")
    module.in_a_list = [toy_asset("listed", LedgerTarget().open)]  # type: ignore[attr-defined]
    module.in_a_dict = {"kept": toy_asset("kept", LedgerTarget().open)}  # type: ignore[attr-defined]
    module.in_a_tuple = (toy_asset("paired", LedgerTarget().open),)  # type: ignore[attr-defined]
    assert dg.load_definitions_from_module(module).resolve_asset_graph().get_all_asset_keys() == {
        dg.AssetKey(["toy", "listed"])
    }


def test_excluded_days_are_no_partitions_in_keys_ranges_and_offsets() -> None:
    """Off-season days as partitions would be holes for ever, or gates about nothing."""
    season = dg.DailyPartitionsDefinition(
        start_date="2024-06-28",
        end_date="2024-10-04",
        exclusions=["0 0 * 7-9 *", datetime(2024, 10, 2, tzinfo=UTC)],
    )
    assert season.get_partition_keys() == ["2024-06-28", "2024-06-29", "2024-06-30", "2024-10-01", "2024-10-03"]
    assert season.get_partition_keys_in_range(dg.PartitionKeyRange("2024-06-30", "2024-10-03")) == [
        "2024-06-30",
        "2024-10-01",
        "2024-10-03",
    ]


def test_a_lookback_steps_over_excluded_days() -> None:
    """The game day before the 1st of October is in June; an offset by calendar would look into the void."""
    season = dg.DailyPartitionsDefinition(start_date="2024-06-28", end_date="2024-10-04", exclusions=["0 0 * 7-9 *"])
    mapping = dg.TimeWindowPartitionMapping(start_offset=-2, end_offset=-1)
    subset = season.subset_with_partition_keys(["2024-10-01"])
    upstream = mapping.get_upstream_mapped_partitions_result_for_partitions(subset, season, season)
    assert set(upstream.partitions_subset.get_partition_keys()) == {"2024-06-29", "2024-06-30"}


def test_a_range_run_covers_the_partitions_between_its_ends_and_no_excluded_day(instance: dg.DagsterInstance) -> None:
    """Chunks of a backfill and gap runs are launched by their two ends."""
    season = dg.DailyPartitionsDefinition(
        start_date="2024-06-28", end_date="2024-10-04", exclusions=["0 0 * 7-9 *", datetime(2024, 10, 2, tzinfo=UTC)]
    )
    target = LedgerTarget()
    assert run_range(
        instance, toy_asset("lines", target.open, partitions_def=season), "2024-06-30", "2024-10-03"
    ).success
    assert target.computed == [["2024-06-30", "2024-10-01", "2024-10-03"]]


def test_an_asset_that_yields_nothing_skips_its_child_in_the_same_run(instance: dg.DagsterInstance) -> None:
    """Why the result is yielded when all partitions pass: logged materialisations alone would end the chain there."""
    seen: list[str] = []

    def parent(*, yields: bool) -> dg.AssetsDefinition:
        @dg.multi_asset(specs=[dg.AssetSpec("parent", skippable=True)], can_subset=True, partitions_def=DAYS)
        def _parent(context: dg.AssetExecutionContext):
            context.log_event(dg.AssetMaterialization("parent", partition=context.partition_key))
            if yields:
                yield dg.MaterializeResult(asset_key="parent")

        return _parent

    @dg.asset(deps=["parent"], partitions_def=DAYS)
    def child(context: dg.AssetExecutionContext) -> None:
        seen.append(context.partition_key)

    assert dg.materialize([parent(yields=False), child], partition_key=RED, instance=instance).success
    assert seen == []
    assert dg.materialize([parent(yields=True), child], partition_key=RED, instance=instance).success
    assert seen == [RED]


def test_a_green_range_goes_on_to_its_child_in_the_same_run(instance: dg.DagsterInstance) -> None:
    """``materialize parent and child`` in the UI is one run; the child must see the verdicts given within it."""
    lines, boxes = LedgerTarget(), LedgerTarget()
    parent = toy_asset("lines", lines.open)
    child = toy_asset("boxes", boxes.open, parent)
    assert run_range(instance, [parent, child], "2024-01-01", "2024-01-04").success
    assert boxes.computed == [days(1, 4)]


def test_gated_assets_are_defined_and_run_without_a_warning(instance: dg.DagsterInstance) -> None:
    """A season has hundreds of gates: one warning for each buries the one that matters."""
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        parent = toy_asset("lines", LedgerTarget(red={POINTS.name: {RED}}).open)
        child = toy_asset("boxes", LedgerTarget().open, parent)
        for asset in (parent, child):
            run_range(instance, asset, "2024-01-01", "2024-01-04")
    assert [str(warning.message) for warning in seen] == []


def test_partitioned_check_specs_are_a_preview_and_nothing_else_is() -> None:
    """The one warning that the kernel silences; when it is gone, so may be the silencer."""
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        dg.AssetCheckSpec("gate", asset="lines", blocking=True, partitions_def=DAYS)
        dg.AssetSpec("lines", skippable=True, partitions_def=DAYS)
        dg.BackfillPolicy.multi_run(7)
    assert [warning.category for warning in seen] == [dg.PreviewWarning]
    assert "partitions_def on an AssetCheckSpec" in str(seen[0].message)
