"""The batching SQLite storage: faster than Dagster's own, and not different from it in anything it stores."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml
from dagster._core.events import DagsterEventType
from dagster._core.storage.event_log.base import PartitionKeyFilter
from dagster._core.utils import make_new_run_id
from dagster_shared.record import copy
from sqlalchemy.exc import IntegrityError

from backfill_pipelines.backfill.event_storage import BatchingSqliteEventLogStorage, enable_event_batches
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


def _history(instance: dg.DagsterInstance, key: dg.AssetCheckKey, day: str, runs: Mapping[str, str]) -> list[Any]:
    records = instance.event_log_storage.get_asset_check_execution_history(
        key, limit=50, partition_filter=PartitionKeyFilter(key=day)
    )
    return [
        (r.id, runs[r.run_id], r.status, r.partition, r.event.dagster_event_type if r.event else None) for r in records
    ]


@contextmanager
def opened(folder: Path, storage: Mapping[str, Any] | None) -> Iterator[dg.DagsterInstance]:
    overrides = {"telemetry": {"enabled": False}, **({"storage": storage} if storage else {})}
    folder.mkdir()
    with dg.DagsterInstance.local_temp(str(folder), overrides=overrides) as instance:
        yield instance


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda s: s.__name__.replace("_", " "))
def test_it_stores_what_dagsters_own_storage_stores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scenario: Scenario
) -> None:
    """A storage that is faster and slightly different would show wrong dates in the UI, and nobody would look here."""
    variants = {"Dagster's own": (None, "0"), "batches": (batching_storage(tmp_path / "a"), "2000")}
    if scenario is green_red_and_repaired:
        variants |= {
            "short batches": (batching_storage(tmp_path / "b"), "7"),
            "switched off": (batching_storage(tmp_path / "c"), "0"),
        }
    found = {}
    for name, (storage, batch) in variants.items():
        monkeypatch.setenv("DAGSTER_EVENT_BATCH_SIZE", batch)
        target = LedgerTarget()
        asset = toy_asset("lines", target.open)
        with opened(tmp_path / name, storage) as instance:
            scenario(instance, target, asset)
            found[name] = stored(instance, asset)
    expected = found.pop("Dagster's own")
    assert expected["materializations"], "there is something to compare"
    for name, actual in found.items():
        for part, value in expected.items():
            assert actual[part] == value, f"{part} of {name}"


Log = list[dg.EventLogEntry]
RECORDED_RUN, OTHER_RUN = make_new_run_id(), make_new_run_id()


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Log:
    """Everything that a run with a red partition logged."""
    target = LedgerTarget(red={POINTS.name: {"2024-01-02"}})
    with opened(tmp_path_factory.mktemp("recorded") / "home", None) as instance:
        result = run_range(instance, toy_asset("lines", target.open), FIRST, "2024-01-03")
        records = instance.event_log_storage.get_records_for_run(result.run_id).records
        return [record.event_log_entry._replace(run_id=RECORDED_RUN) for record in records]


def evaluations(log: Log) -> Log:
    return [entry for entry in log if entry.dagster_event_type is DagsterEventType.ASSET_CHECK_EVALUATION]


def planned(log: Log) -> Log:
    return [entry for entry in log if entry.dagster_event_type is DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED]


def materializations(log: Log) -> Log:
    return [entry for entry in log if entry.dagster_event_type is DagsterEventType.ASSET_MATERIALIZATION]


def unpartitioned(entry: dg.EventLogEntry) -> dg.EventLogEntry:
    """An evaluation as a plain asset check leaves it."""
    event = entry.get_dagster_event()
    evaluation = copy(event.asset_check_evaluation_data, partition=None)
    return entry._replace(dagster_event=event._replace(event_specific_data=evaluation))


#: What was stored before, one by one, and then comes as one batch.
BATCHES: dict[str, Callable[[Log], tuple[Log, Log]]] = {
    "verdicts that were planned": lambda log: (planned(log), evaluations(log)),
    "verdicts that nobody planned": lambda log: ([], evaluations(log)),
    "verdicts of which some were planned": lambda log: (planned(log)[:2], evaluations(log)),
    "a whole run of mixed events": lambda log: ([], log),
    "materialisations": lambda log: ([], materializations(log)),
    "materialisations and verdicts in turns": lambda log: (
        planned(log),
        [entry for pair in zip(materializations(log), evaluations(log), strict=False) for entry in pair],
    ),
    "verdicts of two runs": lambda log: (
        [],
        [*evaluations(log)[:5], *(entry._replace(run_id=OTHER_RUN) for entry in evaluations(log)[:5])],
    ),
    "a verdict twice": lambda log: (planned(log), [*evaluations(log), *evaluations(log)[:2]]),
    "a verdict without a partition": lambda log: ([], [*evaluations(log)[:3], unpartitioned(evaluations(log)[3])]),
}


@pytest.mark.parametrize("split", BATCHES.values(), ids=BATCHES)
def test_any_batch_is_stored_as_its_events_one_by_one_would_be(
    tmp_path: Path, recorded: Log, split: Callable[[Log], tuple[Log, Log]]
) -> None:
    """The bulk path is for verdicts of one run; whatever else Dagster hands over must not be bent to fit it."""
    before, batch = split(recorded)
    found = []
    for name, storage in (("one by one", None), ("batch", batching_storage(tmp_path))):
        with replaying(tmp_path / name, storage, before) as instance:
            if storage:
                instance.event_log_storage.store_event_batch(batch)
            else:
                for entry in batch:
                    instance.event_log_storage.store_event(entry)
            found.append(stored(instance, toy_asset("lines", LedgerTarget().open)))
    assert found[1] == found[0]


def test_a_batch_that_cannot_be_stored_leaves_nothing_behind(tmp_path: Path, recorded: Log) -> None:
    """Dagster then stores the events one by one: whatever half of the batch had stayed would be there twice."""
    asset = toy_asset("lines", LedgerTarget().open)
    with replaying(tmp_path / "home", batching_storage(tmp_path), planned(recorded)) as instance:
        before = stored(instance, asset)
        with pytest.raises(IntegrityError, match="UNIQUE constraint failed"):
            instance.event_log_storage.store_event_batch([*evaluations(recorded), *planned(recorded)])
        assert stored(instance, asset) == before


def test_batches_of_runs_at_a_time_are_not_mixed_up(tmp_path: Path, recorded: Log) -> None:
    """A verdict is tied to its event by a number that is computed: shifted by one, each date shows another's."""
    runs = [make_new_run_id() for _ in range(6)]
    batches = [[entry._replace(run_id=run) for entry in evaluations(recorded)] for run in runs]
    with opened(tmp_path / "home", batching_storage(tmp_path)) as instance:
        log = instance.event_log_storage
        with ThreadPoolExecutor(3) as pool:
            list(pool.map(log.store_event_batch, batches))
        with log.index_connection() as connection:  # type: ignore[attr-defined]
            pairs = connection.exec_driver_sql(
                "SELECT c.evaluation_event = e.event, c.run_id FROM asset_check_executions c "
                "JOIN event_logs e ON e.id = c.evaluation_event_storage_id"
            ).fetchall()
        assert sorted(pairs) == sorted((1, run) for run, batch in zip(runs, batches, strict=True) for _ in batch)
        assert all(len(log.get_records_for_run(run).records) == len(batches[0]) for run in runs)


@contextmanager
def replaying(folder: Path, storage: Mapping[str, Any] | None, before: Log) -> Iterator[dg.DagsterInstance]:
    """An instance that knows the recorded run and has stored the first of its events."""
    with opened(folder, storage) as instance:
        for run_id in (RECORDED_RUN, OTHER_RUN):
            instance.add_run(dg.DagsterRun(job_name="recorded", run_id=run_id))
        for entry in before:
            instance.event_log_storage.store_event(entry)
        yield instance


def test_dagster_yaml_loads_it_and_passes_it_on_to_run_workers(tmp_path: Path) -> None:
    """A worker that silently fell back to another storage would write its events where nobody reads."""
    project = yaml.safe_load((Path(__file__).parents[2] / "dagster.yaml").read_text())["storage"]
    project["custom"]["config"]["base_dir"] = str(tmp_path / "storage")
    (tmp_path / "dagster.yaml").write_text(yaml.safe_dump({"storage": project, "telemetry": {"enabled": False}}))
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        run_range(instance, toy_asset("lines", LedgerTarget().open), FIRST, FIRST)
        with dg.DagsterInstance.from_ref(instance.get_ref()) as worker:
            assert isinstance(instance.event_log_storage, BatchingSqliteEventLogStorage)
            assert isinstance(worker.event_log_storage, BatchingSqliteEventLogStorage)
            assert worker.get_materialized_partitions(dg.AssetKey(["toy", "lines"])) == {FIRST}
    assert (tmp_path / "storage" / "history" / "runs" / "index.db").exists()


def test_batches_are_asked_for_unless_the_operator_said_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the variable Dagster never hands over a batch; with the operator's own, that one counts."""
    monkeypatch.setenv("DAGSTER_EVENT_BATCH_SIZE", "50")
    enable_event_batches()
    assert os.environ["DAGSTER_EVENT_BATCH_SIZE"] == "50"
    monkeypatch.delenv("DAGSTER_EVENT_BATCH_SIZE")
    enable_event_batches()
    assert os.environ["DAGSTER_EVENT_BATCH_SIZE"] == "2000"
