"""What the storages of a test are compared by: scenarios that fill them, and everything that can be read back."""

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.events import DagsterEventType
from dagster._core.storage.event_log.base import PartitionKeyFilter

from backfill_pipelines.backfill.event_storage import BatchingSqliteEventLogStorage
from backfill_pipelines_tests.backfill.conftest import batching_storage
from backfill_pipelines_tests.backfill.toy import (
    DAYS,
    POINTS,
    Killed,
    LedgerTarget,
    days,
    materialized,
    run_range,
    toy_asset,
)

FIRST, LAST = "2024-01-01", "2024-01-04"
Scenario = Callable[[dg.DagsterInstance, LedgerTarget, dg.AssetsDefinition], None]


def green_red_and_repaired(instance: dg.DagsterInstance, target: LedgerTarget, asset: dg.AssetsDefinition) -> None:
    run_range(instance, asset, FIRST, LAST)
    target.red = {POINTS.name: {"2024-01-02"}}
    run_range(instance, asset, FIRST, LAST)
    target.red = {}
    run_range(instance, asset, "2024-01-02", "2024-01-03")


def a_run_that_died(instance: dg.DagsterInstance, target: LedgerTarget, asset: dg.AssetsDefinition) -> None:
    run_range(instance, asset, FIRST, "2024-01-03")
    target.crash_after, target.crash = "publish", Killed
    run_range(instance, asset, "2024-01-02", LAST)


@dataclass
class SecondRunInside(LedgerTarget):
    """While this one stages, another run of some of its partitions begins and ends."""

    inner: Callable[[], Any] | None = None

    def stage(self, partitions: Sequence[str]) -> Mapping[str, Any]:
        inner, self.inner = self.inner, None
        if inner is not None:
            inner()
        return super().stage(partitions)


def two_runs_at_a_time(instance: dg.DagsterInstance, target: LedgerTarget, asset: dg.AssetsDefinition) -> None:  # noqa: ARG001
    slow = SecondRunInside()
    both = toy_asset("lines", slow.open)
    slow.inner = lambda: run_range(instance, both, "2024-01-02", "2024-01-03")
    slow.red = {POINTS.name: {"2024-01-04"}}
    run_range(instance, both, FIRST, LAST)


SCENARIOS: list[Scenario] = [green_red_and_repaired, a_run_that_died, two_runs_at_a_time]


def stored(instance: dg.DagsterInstance, asset: dg.AssetsDefinition) -> dict[str, Any]:
    """Everything that Dagster can read back of an asset's runs, with the run ids replaced by their order."""
    runs = {record.dagster_run.run_id: f"run {n}" for n, record in enumerate(instance.get_run_records(ascending=True))}
    log = instance.event_log_storage
    keys = [spec.key for spec in asset.check_specs]
    return {
        "events": {name: [_event(r) for r in log.get_records_for_run(run).records] for run, name in runs.items()},
        "checks": sorted(
            (
                info.check_key.name,
                info.partition_key,
                info.latest_execution_status,
                runs[info.latest_planned_run_id],
                info.latest_check_event_storage_id,
                info.latest_materialization_storage_id,
                info.is_current,
            )
            for info in log.get_asset_check_partition_info(keys)
        ),
        "states": {
            key.name: {status: sorted(part.subset_value.get_partition_keys()) for status, part in state.subsets.items()}
            for key, state in log.get_asset_check_state([(key, DAYS) for key in keys]).items()
        },
        "asset": _asset(instance, asset.key, runs),
        "tags": log.get_event_tags_for_asset(asset.key),
        "statuses": instance.get_status_by_partition(asset.key, days(1, 4), DAYS),
        "materialized": sorted(instance.get_materialized_partitions(asset.key)),
        "materializations": materialized(instance, asset),
        "history": {(key.name, day): _history(instance, key, day, runs) for key in keys for day in days(1, 4)},
        "runs": [run.status for run in instance.get_runs()],
    }


def _event(record: dg.EventLogRecord) -> tuple[Any, ...]:
    event = record.event_log_entry.dagster_event
    if event is None or event.event_type in (DagsterEventType.ENGINE_EVENT, DagsterEventType.STEP_FAILURE):
        return ("message",)
    if event.event_type is DagsterEventType.ASSET_CHECK_EVALUATION:
        found = event.asset_check_evaluation_data
        return (record.storage_id, found.check_name, found.partition, found.passed, found.metadata, event.message)
    return (record.storage_id, event.event_type, event.partition)


def _asset(instance: dg.DagsterInstance, key: dg.AssetKey, runs: Mapping[str, str]) -> list[Any]:
    """What the asset's own row says."""
    return [
        (
            entry.last_materialization_storage_id,
            entry.last_materialization.asset_materialization if entry.last_materialization else None,
            entry.last_planned_materialization_storage_id,
            runs.get(entry.last_run_id or ""),
        )
        for entry in (record.asset_entry for record in instance.get_asset_records([key]))
    ]


def asset_rows(instance: dg.DagsterInstance) -> list[Any]:
    """The rows of the assets as they are in the file."""
    with instance.event_log_storage.index_connection() as connection:  # type: ignore[attr-defined]
        return connection.exec_driver_sql(
            "SELECT asset_key, last_materialization, last_materialization_timestamp, last_run_id, tags FROM asset_keys"
        ).fetchall()


def _history(instance: dg.DagsterInstance, key: dg.AssetCheckKey, day: str, runs: Mapping[str, str]) -> list[Any]:
    records = instance.event_log_storage.get_asset_check_execution_history(
        key, limit=50, partition_filter=PartitionKeyFilter(key=day)
    )
    return [
        (r.id, runs[r.run_id], r.status, r.partition, r.event.dagster_event_type if r.event else None) for r in records
    ]


@contextmanager
def opened(empty_home: Path, folder: Path, *, batching: bool) -> Iterator[dg.DagsterInstance]:
    """An instance with the batching storage, or Dagster's own, over files that start out the same."""
    shutil.copytree(empty_home, folder)
    own = {"sqlite": {"base_dir": str(folder / "storage")}}
    overrides = {"telemetry": {"enabled": False}, "storage": batching_storage(folder) if batching else own}
    with dg.DagsterInstance.local_temp(str(folder), overrides=overrides) as instance:
        assert isinstance(instance.event_log_storage, BatchingSqliteEventLogStorage) is batching
        yield instance
