"""Whole backfills, iteration by iteration as the daemon runs them, without its clock and its processes."""

import logging
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.remote_origin import InProcessCodeLocationOrigin
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import InProcessWorkspaceLoadTarget
from dagster._daemon.backfill import execute_backfill_iteration
from dagster_graphql.schema import create_schema

from backfill_pipelines_tests.backfill import backfill_defs, queries
from backfill_pipelines_tests.backfill.backfill_defs import FOLDER, GAME_DAYS, read, set_red
from backfill_pipelines_tests.backfill.conftest import batching_storage

#: Two chunks of the parent: seven dates and two.
ALL = GAME_DAYS.get_partition_keys()[:9]
RED = ["2024-01-03", "2024-01-10"]
GREEN = [day for day in ALL if day not in RED]
SCHEMA = create_schema()
LOGGER = logging.getLogger("daemon")
# Dagster's own GraphQL server calls its own deprecated function; in a deployment that is another process.
pytestmark = pytest.mark.filterwarnings("ignore:Function `AssetSelection.sources` is deprecated:DeprecationWarning")


@dataclass
class Daemon:
    """The backfill daemon and the run queue, their instance and the folder of the toy assets."""

    folder: Path
    context: WorkspaceProcessContext

    def ask(self, query: str, variables: Mapping[str, Any]) -> Mapping[str, Any]:
        result = SCHEMA.execute(query, variables=dict(variables), context_value=self.context.create_request_context())
        assert not result.errors, result.errors
        return result.data

    def tick(self) -> None:
        """One iteration, and the runs that it queued from beginning to end."""
        self.iterate()
        for run in self.queued():
            self.execute(run)

    def iterate(self) -> None:
        errors = [error for error in execute_backfill_iteration(self.context, LOGGER) if error]
        assert not errors, errors

    def queued(self) -> list[dg.DagsterRun]:
        """Queued runs, oldest first."""
        runs = self.context.instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.QUEUED]))
        return list(reversed(runs))

    def execute(self, run: dg.DagsterRun) -> None:
        self.context.instance.launch_run(run.run_id, self.context.create_request_context())

    def finish(self, backfill_id: str) -> queries.Backfill:
        """Ticks until a backfill is over."""
        for _ in range(10):
            found = queries.backfill(self.ask, backfill_id)
            if found.is_over:
                return found
            self.tick()
        raise AssertionError(f"backfill {backfill_id} is still under way")

    def read(self, asset: str) -> dict[str, Any]:
        return read(self.folder, asset)


@pytest.fixture
def daemon(
    request: pytest.FixtureRequest, tmp_path: Path, empty_home: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Daemon]:
    """A daemon for ``defs``, or for the definitions that the test names as its parameter."""
    monkeypatch.setenv(FOLDER, str(tmp_path))
    monkeypatch.setenv("DAGSTER_EVENT_BATCH_SIZE", "2000")
    shutil.copytree(empty_home, tmp_path, dirs_exist_ok=True)
    set_red(tmp_path)
    launcher = "dagster._core.launcher.sync_in_memory_run_launcher"
    overrides = {
        "storage": batching_storage(tmp_path),
        "run_launcher": {"module": launcher, "class": "SyncInMemoryRunLauncher"},
        "telemetry": {"enabled": False},
    }
    attribute = getattr(request, "param", "defs")
    origin = InProcessCodeLocationOrigin(LoadableTargetOrigin(module_name=backfill_defs.__name__, attribute=attribute))
    with (
        dg.DagsterInstance.local_temp(str(tmp_path), overrides=overrides) as instance,
        WorkspaceProcessContext(instance, InProcessWorkspaceLoadTarget(origin)) as context,
    ):
        yield Daemon(tmp_path, context)


def test_a_backfill_fails_exactly_the_red_dates_and_launches_nothing_below_them(daemon: Daemon) -> None:
    """Of a season, two dates are bad: the other 227 must arrive, in every table, in the same night."""
    set_red(daemon.folder, *RED)
    found = daemon.finish(queries.launch(daemon.ask, ["lines", "boxes"], ALL))
    assert found.status == "COMPLETED_FAILED"
    assert found.counts == {"lines": (9, 0, 7, 2), "boxes": (9, 0, 7, 2)}
    assert list(daemon.read("lines")["published"]) == GREEN
    assert list(daemon.read("boxes")["published"]) == GREEN
    computed = [day for run in daemon.read("boxes")["computed"] for day in run]
    assert computed == GREEN, "the child of a red date was not even tried"


def test_a_chunk_that_had_a_red_date_failed_as_a_run_and_still_delivered(daemon: Daemon) -> None:
    """The run is red so that somebody looks; its good dates are not held hostage."""
    set_red(daemon.folder, RED[0])
    found = daemon.finish(queries.launch(daemon.ask, ["lines"], ALL))
    assert found.runs == [
        (ALL[0], ALL[6], "FAILURE"),
        (ALL[7], ALL[8], "SUCCESS"),
    ]
    assert found.counts == {"lines": (9, 0, 8, 1)}


def test_re_execution_from_failure_cannot_get_past_a_red_gate(daemon: Daemon) -> None:
    """Pressing the button until it is green is what people do; with plain asset checks it works."""
    set_red(daemon.folder, *RED)
    first = queries.launch(daemon.ask, ["lines", "boxes"], ALL)
    daemon.finish(first)
    found = daemon.finish(queries.reexecute_from_failure(daemon.ask, first))
    assert found.status == "COMPLETED_FAILED"
    assert found.counts == {"lines": (2, 0, 0, 2), "boxes": (2, 0, 0, 2)}
    assert [run[:2] for run in found.runs] == [(day, day) for day in RED]
    assert list(daemon.read("boxes")["published"]) == GREEN


def test_re_execution_after_the_repair_runs_the_failed_dates_and_what_hangs_on_them(daemon: Daemon) -> None:
    """Repairing two dates must not compute a season again."""
    set_red(daemon.folder, *RED)
    first = queries.launch(daemon.ask, ["lines", "boxes"], ALL)
    daemon.finish(first)
    before = {name: daemon.read(name)["computed"] for name in ("lines", "boxes")}
    set_red(daemon.folder)
    found = daemon.finish(queries.reexecute_from_failure(daemon.ask, first))
    assert found.status == "COMPLETED_SUCCESS"
    assert found.counts == {"lines": (2, 0, 2, 0), "boxes": (2, 0, 2, 0)}
    for name in ("lines", "boxes"):
        assert daemon.read(name)["computed"] == [*before[name], *[[day] for day in RED]]
        assert sorted(daemon.read(name)["published"]) == ALL


def test_assets_of_unequal_backfill_policy_run_one_after_the_other(daemon: Daemon) -> None:
    """The child's chunks are cut from the dates that came out green, which nobody knows before."""
    queries.launch(daemon.ask, ["lines", "boxes"], ALL)
    daemon.tick()
    runs = daemon.context.instance.get_runs()
    assert {frozenset(run.asset_selection or ()) for run in runs} == {frozenset({dg.AssetKey(["toy", "lines"])})}
    assert len(runs) == 2


@pytest.mark.parametrize("daemon", ["equal_policies"], indirect=True)
def test_assets_of_equal_backfill_policy_share_a_run_and_one_red_date_skips_the_child_in_it(daemon: Daemon) -> None:
    """Why neighbours must differ: the step of the child is skipped for a whole chunk, because of one date."""
    set_red(daemon.folder, RED[0])
    queries.launch(daemon.ask, ["lines", "boxes"], ALL)
    daemon.tick()
    both = frozenset(dg.AssetKey(["toy", name]) for name in ("lines", "boxes"))
    assert {frozenset(run.asset_selection or ()) for run in daemon.context.instance.get_runs()} == {both}
    assert list(daemon.read("lines")["published"]) == [day for day in ALL if day != RED[0]]
    assert list(daemon.read("boxes")["published"]) == ALL[7:], "the first chunk is missing, for one red date"


@pytest.mark.parametrize("daemon", ["lookback"], indirect=True)
def test_a_lookback_is_launched_as_soon_as_its_window_is_complete(daemon: Daemon) -> None:
    """Waiting for the whole parent takes a night; launched too early, a rolling average is wrong."""
    queries.launch(daemon.ask, ["lines", "rolling"], ALL)
    daemon.iterate()
    first, *others = daemon.queued()
    daemon.execute(first)
    assert daemon.read("lines")["computed"] == [ALL[:7]]
    daemon.iterate()
    (rolling,) = [run for run in daemon.queued() if run.run_id not in {other.run_id for other in others}]
    assert (rolling.tags[ASSET_PARTITION_RANGE_START_TAG], rolling.tags[ASSET_PARTITION_RANGE_END_TAG]) == (
        ALL[1],
        ALL[7],
    )


@pytest.mark.parametrize("daemon", ["lookback"], indirect=True)
def test_a_red_date_holds_back_every_date_that_looks_back_at_it(daemon: Daemon) -> None:
    """A rolling average over a missing day is wrong on each of the days that follow it."""
    set_red(daemon.folder, RED[0])
    found = daemon.finish(queries.launch(daemon.ask, ["lines", "rolling"], ALL))
    position = ALL.index(RED[0])
    held = ALL[position + 1 : position + 3]
    assert found.counts == {"lines": (9, 0, 8, 1), "rolling": (10, 0, 8, 2)}
    rolling = daemon.context.instance.get_materialized_partitions(dg.AssetKey(["toy", "rolling"]))
    assert sorted(rolling) == [day for day in GAME_DAYS.get_partition_keys()[1:11] if day not in held]


@pytest.mark.parametrize("daemon", ["lookback"], indirect=True)
def test_a_backfill_of_a_chain_targets_what_hangs_on_the_dates_of_its_root(daemon: Daemon) -> None:
    """With a lookback these are later dates, and never the first one: launched together, it would stay a hole."""
    found = daemon.finish(queries.launch(daemon.ask, ["lines", "rolling"], ALL[:3]))
    assert found.counts == {"lines": (3, 0, 3, 0), "rolling": (4, 0, 4, 0)}
    key = dg.AssetKey(["toy", "rolling"])
    assert daemon.context.instance.get_materialized_partitions(key) == set(ALL[1:5])
    assert daemon.finish(queries.launch(daemon.ask, ["rolling"], ALL[:1])).status == "COMPLETED_SUCCESS"
    assert daemon.context.instance.get_materialized_partitions(key) == set(ALL[:5])


@pytest.mark.parametrize("daemon", ["history"], indirect=True)
def test_a_table_that_reads_history_is_launched_in_order_and_only_for_the_dates_asked_for(daemon: Daemon) -> None:
    found = daemon.finish(queries.launch(daemon.ask, ["lines", "totals"], ALL))
    assert found.counts == {"lines": (9, 0, 9, 0), "totals": (9, 0, 9, 0)}
    assert daemon.read("totals")["computed"] == [ALL[:8], ALL[8:]]


@pytest.mark.parametrize("daemon", ["history"], indirect=True)
def test_a_red_date_holds_back_every_later_date_of_a_table_that_reads_history(daemon: Daemon) -> None:
    """Each of them would be built on the hole; once it is mended, running the failed dates is enough."""
    set_red(daemon.folder, RED[0])
    backfill_id = queries.launch(daemon.ask, ["lines", "totals"], ALL)
    assert daemon.finish(backfill_id).counts == {"lines": (9, 0, 8, 1), "totals": (9, 0, 2, 7)}
    assert list(daemon.read("totals")["published"]) == ALL[:2]
    set_red(daemon.folder)
    repaired = daemon.finish(queries.reexecute_from_failure(daemon.ask, backfill_id))
    assert repaired.counts == {"lines": (1, 0, 1, 0), "totals": (7, 0, 7, 0)}
    assert list(daemon.read("totals")["published"]) == ALL
