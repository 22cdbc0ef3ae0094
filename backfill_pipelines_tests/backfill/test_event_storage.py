"""The batching SQLite storage: faster than Dagster's own, and not different from it in anything it stores."""

import json
import math
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import pytest
import yaml
from dagster._core.events import DagsterEventType
from dagster._core.utils import make_new_run_id
from dagster._serdes import serialize_value
from dagster_shared.record import copy
from sqlalchemy.exc import IntegrityError

from backfill_pipelines.backfill.event_storage import BatchingSqliteEventLogStorage, enable_event_batches
from backfill_pipelines.backfill.event_text import event_text
from backfill_pipelines_tests.backfill.storage_support import (
    FIRST,
    SCENARIOS,
    Scenario,
    asset_rows,
    opened,
    stored,
    two_runs_at_a_time,
)
from backfill_pipelines_tests.backfill.toy import SOURCE, LedgerTarget, run_range, toy_asset


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda s: s.__name__.replace("_", " "))
def test_it_stores_what_dagsters_own_storage_stores(
    tmp_path: Path, empty_home: Path, monkeypatch: pytest.MonkeyPatch, scenario: Scenario
) -> None:
    """A storage that is faster and slightly different would show wrong dates in the UI, and nobody would look here."""
    variants = {"Dagster's own": "0", "batches": "2000"}
    if scenario is two_runs_at_a_time:
        variants |= {"short batches": "7", "switched off": "0"}
    found = {}
    for name, batch in variants.items():
        monkeypatch.setenv("DAGSTER_EVENT_BATCH_SIZE", batch)
        target = LedgerTarget()
        asset = toy_asset("lines", target.open)
        with opened(empty_home, tmp_path / name, batching=name != "Dagster's own") as instance:
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
def recorded(tmp_path_factory: pytest.TempPathFactory, empty_home: Path) -> Log:
    """Everything that a run with a red verdict logged; one that does not block, so that every date is tagged."""
    target = LedgerTarget(red={SOURCE.name: {"2024-01-02"}})
    with opened(empty_home, tmp_path_factory.mktemp("recorded") / "home", batching=False) as instance:
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
    "materialisations, planned and done": lambda log: (
        [],
        [e for e in log if e.dagster_event_type is DagsterEventType.ASSET_MATERIALIZATION_PLANNED]
        + materializations(log),
    ),
    "materialisations and verdicts in turns": lambda log: (
        planned(log),
        [entry for pair in zip(materializations(log), evaluations(log), strict=False) for entry in pair],
    ),
    "verdicts of two runs": lambda log: (
        [],
        [*evaluations(log)[:5], *(entry._replace(run_id=OTHER_RUN) for entry in evaluations(log)[5:10])],
    ),
    "a verdict twice": lambda log: (planned(log), [*evaluations(log), *evaluations(log)[:2]]),
    "a verdict without a partition": lambda log: ([], [*evaluations(log)[:3], unpartitioned(evaluations(log)[3])]),
}


@pytest.mark.parametrize("split", BATCHES.values(), ids=BATCHES)
def test_any_batch_is_stored_as_its_events_one_by_one_would_be(
    tmp_path: Path, empty_home: Path, recorded: Log, split: Callable[[Log], tuple[Log, Log]]
) -> None:
    """The bulk path is for verdicts of one run; whatever else Dagster hands over must not be bent to fit it."""
    before, batch = split(recorded)
    found = []
    for name, batching in (("one by one", False), ("batch", True)):
        with replaying(empty_home, tmp_path / name, before, batch, batching=batching) as instance:
            if batching:
                instance.event_log_storage.store_event_batch(batch)
            else:
                for entry in batch:
                    instance.event_log_storage.store_event(entry)
            found.append((stored(instance, toy_asset("lines", LedgerTarget().open)), asset_rows(instance)))
    assert found[1] == found[0]


def test_a_batch_that_cannot_be_stored_leaves_nothing_behind(tmp_path: Path, empty_home: Path, recorded: Log) -> None:
    """Dagster then stores the events one by one: whatever half of the batch had stayed would be there twice."""
    asset = toy_asset("lines", LedgerTarget().open)
    with replaying(empty_home, tmp_path / "home", planned(recorded), [], batching=True) as instance:
        before = stored(instance, asset)
        with pytest.raises(IntegrityError, match="UNIQUE constraint failed"):
            instance.event_log_storage.store_event_batch([*evaluations(recorded), *planned(recorded)])
        assert stored(instance, asset) == before


def test_batches_of_runs_at_a_time_are_not_mixed_up(tmp_path: Path, empty_home: Path, recorded: Log) -> None:
    """A verdict is tied to its event by a number that is computed: shifted by one, each date shows another's."""
    runs = [make_new_run_id() for _ in range(6)]
    batches = [[entry._replace(run_id=run) for entry in evaluations(recorded)] for run in runs]
    with opened(empty_home, tmp_path / "home", batching=True) as instance:
        log = instance.event_log_storage
        with ThreadPoolExecutor(3) as pool:
            list(pool.map(log.store_event_batch, batches))
        with log.index_connection() as connection:  # type: ignore[attr-defined]
            rows = connection.exec_driver_sql(
                "SELECT c.evaluation_event, e.event, c.run_id FROM asset_check_executions c "
                "JOIN event_logs e ON e.id = c.evaluation_event_storage_id"
            ).fetchall()
        pairs = [(json.loads(verdict) == json.loads(event), run) for verdict, event, run in rows]
        assert sorted(pairs) == sorted((True, run) for run, batch in zip(runs, batches, strict=True) for _ in batch)
        assert all(len(log.get_records_for_run(run).records) == len(batches[0]) for run in runs)


@contextmanager
def replaying(
    empty_home: Path, folder: Path, before: Log, batch: Log, *, batching: bool
) -> Iterator[dg.DagsterInstance]:
    """An instance that knows the recorded runs and has stored the first of their events."""
    with opened(empty_home, folder, batching=batching) as instance:
        for run_id in dict.fromkeys([RECORDED_RUN, *(entry.run_id for entry in batch)]):
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


def test_a_run_begins_with_an_empty_log_whoever_made_the_first_one(
    tmp_path: Path, empty_home: Path, recorded: Log
) -> None:
    """Its database is a copy of one that was empty: an event of another run in it would show in the UI as its own."""
    runs = [make_new_run_id() for _ in range(3)]
    with opened(empty_home, tmp_path / "home", batching=True) as instance:
        for run in runs:
            instance.event_log_storage.store_event_batch(
                [entry._replace(run_id=run) for entry in evaluations(recorded)]
            )
        found = [{entry.run_id for entry in instance.all_logs(run)} for run in runs]
    assert found == [{run} for run in runs]


@pytest.mark.parametrize(
    "value",
    [
        dg.FloatMetadataValue(math.nan),
        dg.FloatMetadataValue(1.5),
        dg.JsonMetadataValue({"a": math.inf}),
        dg.IntMetadataValue(10**30),
        dg.TextMetadataValue("\udc80"),
        dg.TextMetadataValue("Zażółć"),
    ],
    ids=("not a number", "a float", "infinity in JSON", "beyond 64 bits", "a lone surrogate", "letters"),
)
def test_the_text_of_an_event_is_the_json_value_that_dagster_writes(recorded: Log, value: dg.MetadataValue) -> None:
    first = evaluations(recorded)[0]
    verdict = copy(first.get_dagster_event().asset_check_evaluation_data, metadata={"value": value})
    event = first._replace(dagster_event=first.get_dagster_event()._replace(event_specific_data=verdict))
    ours, dagsters = (
        json.dumps(json.loads(text), sort_keys=True) for text in (event_text(event), serialize_value(event))
    )
    assert ours == dagsters
