"""The gap sensor keeps its hands off assets that somebody else is working on, and off those only."""

from datetime import UTC, datetime

import dagster as dg
import pytest
from dagster._core.definitions.assets.graph.asset_graph_subset import AssetGraphSubset
from dagster._core.definitions.events import AssetKeyPartitionKey
from dagster._core.execution.backfill import BulkActionStatus, PartitionBackfill

from backfill_pipelines_tests.backfill.gap_toy import LAST, Toy, asked_before
from backfill_pipelines_tests.backfill.toy import LedgerTarget, toy_asset


@pytest.fixture
def toy(instance: dg.DagsterInstance) -> Toy:
    return Toy(instance)


@pytest.mark.parametrize("status", [BulkActionStatus.REQUESTED, BulkActionStatus.CANCELING])
def test_it_keeps_silent_while_a_backfill_of_its_assets_is_under_way(toy: Toy, status: BulkActionStatus) -> None:
    """Two writers of the same dates; and what the backfill is about to do would look like a hole."""
    mine = running_backfill(toy.instance, toy.lines, status)
    assert toy.tick() == f"Silent: backfill {mine.backfill_id} of the same assets is {status.value.lower()}"
    toy.instance.update_backfill(mine.with_status(BulkActionStatus.COMPLETED_SUCCESS))
    assert toy.ranges() == [("lines", "2024-01-01", LAST)]


def test_a_backfill_of_other_assets_does_not_silence_it(toy: Toy) -> None:
    """One long backfill of another domain must not leave holes everywhere else for a week."""
    other = toy_asset("other", LedgerTarget().open)
    running_backfill(toy.instance, other, BulkActionStatus.REQUESTED)
    assert toy.ranges() == [("lines", "2024-01-01", LAST)]


def running_backfill(
    instance: dg.DagsterInstance, asset: dg.AssetsDefinition, status: BulkActionStatus
) -> PartitionBackfill:
    """A backfill as the UI records it when it is launched."""
    graph = dg.Definitions([asset]).resolve_asset_graph()
    backfill = PartitionBackfill.from_asset_graph_subset(
        backfill_id=f"of_{asset.key.path[-1]}",
        backfill_timestamp=datetime.now(UTC).timestamp(),
        tags={},
        dynamic_partitions_store=instance,
        asset_graph_subset=AssetGraphSubset.from_asset_partition_set(
            {AssetKeyPartitionKey(asset.key, "2024-01-01")}, graph
        ),
        title=None,
        description=None,
        run_config=None,
    ).with_status(status)
    instance.add_backfill(backfill)
    return backfill


@pytest.mark.parametrize(
    "status", [dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]
)
def test_it_keeps_silent_while_a_run_of_its_assets_is_under_way(toy: Toy, status: dg.DagsterRunStatus) -> None:
    """Every minute it would ask again for the dates that the first run has not reached yet."""
    run = asked_before(toy, toy.requests()[0], status=status)
    assert toy.tick() == f"Silent: run {run.run_id} of the same assets is {status.value.lower()}"


def test_a_run_of_other_assets_does_not_silence_it(toy: Toy) -> None:
    """Busy is the table, not the instance."""
    asked_before(
        toy, toy.requests()[0], status=dg.DagsterRunStatus.STARTED, asset_selection=frozenset({dg.AssetKey("other")})
    )
    assert not isinstance(toy.tick(), str)
