"""The UI's check pages: our set-based state of all partitions is Dagster's own. A difference would show an operator
red dates as green, or the other way round."""

from collections.abc import Mapping

import dagster as dg
import pytest
from dagster._core.storage.asset_check_execution_record import (
    AssetCheckExecutionRecordStatus as Record,
)
from dagster._core.storage.asset_check_execution_record import AssetCheckPartitionInfo
from dagster._core.storage.asset_check_state import AssetCheckState

from backfill_pipelines.backfill.check_states import check_state

KEY = dg.AssetCheckKey(dg.AssetKey("games"), "gate")
DAYS = dg.DailyPartitionsDefinition("2022-01-01", end_date="2022-01-20")
KEYS = DAYS.get_partition_keys()


def info(day: str, status: Record, run: str = "run", target: int | None = 5, latest: int | None = 5):
    return AssetCheckPartitionInfo(
        check_key=KEY,
        partition_key=day,
        latest_execution_status=status,
        latest_planned_run_id=run,
        latest_check_event_storage_id=9,
        latest_materialization_storage_id=latest,
        latest_target_materialization_storage_id=target,
    )


INFOS = [
    *(info(day, Record.SUCCEEDED) for day in KEYS[:5]),
    *(info(day, Record.FAILED) for day in KEYS[5:7]),
    *(info(day, Record.FAILED, target=None, latest=None) for day in KEYS[7:8]),
    *(info(day, Record.SUCCEEDED, target=3) for day in KEYS[8:10]),
    *(info(day, Record.PLANNED, run="going") for day in KEYS[10:12]),
    *(info(day, Record.PLANNED, run="failed") for day in KEYS[12:14]),
    *(info(day, Record.PLANNED, run="done") for day in KEYS[14:15]),
    info("2030-01-01", Record.SUCCEEDED),
]
ENDED = {"failed": dg.DagsterRunStatus.FAILURE, "done": dg.DagsterRunStatus.SUCCESS}


def keys_of(state: AssetCheckState) -> Mapping[str, list[str]]:
    return {status.value: sorted(subset.subset_value.get_partition_keys()) for status, subset in state.subsets.items()}


def test_every_partition_has_the_status_that_dagster_gives_it() -> None:
    theirs = AssetCheckState.empty().with_updates(KEY, DAYS, INFOS, ENDED)
    ours = check_state(KEY, DAYS, INFOS, ENDED)
    assert keys_of(ours) == keys_of(theirs)
    assert keys_of(ours)["SUCCEEDED"] == list(KEYS[:5])
    assert set(ours.in_progress_runs) == set(theirs.in_progress_runs) == {"going"}
    assert ours.latest_storage_id == theirs.latest_storage_id


@pytest.mark.parametrize("infos", [[], INFOS[:1]], ids=["nothing", "one"])
def test_few_records_are_no_special_case(infos: list[AssetCheckPartitionInfo]) -> None:
    theirs = AssetCheckState.empty().with_updates(KEY, DAYS, infos, {})
    assert keys_of(check_state(KEY, DAYS, infos, {})) == keys_of(theirs)
