"""The state of all partitions of an asset check, from one record a partition: what the UI's check pages ask for.

The same answer as Dagster's own, which a test compares, in one set operation for each status instead of one for each
partition. Reading the records is the storage's business.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from dagster import AssetCheckKey, DagsterRunStatus, PartitionsDefinition
from dagster._core.asset_graph_view.serializable_entity_subset import SerializableEntitySubset
from dagster._core.storage.asset_check_execution_record import (
    AssetCheckExecutionRecordStatus,
    AssetCheckExecutionResolvedStatus,
    AssetCheckPartitionInfo,
)
from dagster._core.storage.asset_check_state import AssetCheckState

Status = AssetCheckExecutionResolvedStatus


def is_planned(info: AssetCheckPartitionInfo) -> bool:
    """The latest evaluation was announced and has not come, or never will."""
    return info.latest_execution_status == AssetCheckExecutionRecordStatus.PLANNED


def check_state(
    key: AssetCheckKey,
    partitions_def: PartitionsDefinition[Any] | None,
    infos: Sequence[AssetCheckPartitionInfo],
    ended: Mapping[str, DagsterRunStatus],
) -> AssetCheckState:
    """State of a check; ``ended`` has the final status of runs that planned an evaluation and are over."""
    if partitions_def is None:
        return AssetCheckState.empty().with_updates(key, None, infos, ended)
    valid = set(partitions_def.get_partition_keys())
    members: dict[Status, list[str]] = {status: [] for status in Status}
    in_progress: dict[str, list[str]] = {}
    for info in infos:
        if info.partition_key not in valid:
            continue
        status = _status(info, ended)
        if status is not None:
            members[status].append(str(info.partition_key))
        if status is Status.IN_PROGRESS:
            in_progress.setdefault(info.latest_planned_run_id, []).append(str(info.partition_key))
    newest = max(
        (max(i.latest_check_event_storage_id, i.latest_materialization_storage_id or 0) for i in infos), default=0
    )
    return AssetCheckState(
        latest_storage_id=newest,
        subsets={status: _subset(key, partitions_def, keys) for status, keys in members.items()},
        in_progress_runs={run: _subset(key, partitions_def, keys) for run, keys in in_progress.items()},
    )


def _status(info: AssetCheckPartitionInfo, ended: Mapping[str, DagsterRunStatus]) -> Status | None:
    """Status of one partition; None when it was materialised again since."""
    if is_planned(info):
        over = ended.get(info.latest_planned_run_id)
        if over is None:
            return Status.IN_PROGRESS
        return Status.EXECUTION_FAILED if over == DagsterRunStatus.FAILURE else Status.SKIPPED
    if not info.is_current:
        return None
    passed = info.latest_execution_status == AssetCheckExecutionRecordStatus.SUCCEEDED
    return Status.SUCCEEDED if passed else Status.FAILED


def _subset(
    key: AssetCheckKey, partitions_def: PartitionsDefinition[Any], keys: Sequence[str]
) -> SerializableEntitySubset[AssetCheckKey]:
    if not keys:
        return SerializableEntitySubset[AssetCheckKey].empty(key, partitions_def)
    return SerializableEntitySubset(key, partitions_def.subset_with_partition_keys(keys))
