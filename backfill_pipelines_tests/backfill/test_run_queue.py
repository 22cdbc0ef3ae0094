"""Priority and pools: live runs come before backfills, and one store has one writer."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import dagster as dg
import pytest
import yaml
from dagster._core.remote_origin import RegisteredCodeLocationOrigin, RemoteJobOrigin, RemoteRepositoryOrigin
from dagster._core.run_coordinator import SubmitRunContext
from dagster._core.storage.tags import BACKFILL_ID_TAG, PRIORITY_TAG

from backfill_pipelines.backfill.gap_sensor import GapAsset, build_gap_sensor
from backfill_pipelines.backfill.gaps import GapPolicy
from backfill_pipelines.backfill.run_queue import BackfillsLast
from backfill_pipelines.runner import prepare_home
from backfill_pipelines.settings import PROJECT_ROOT, Settings
from backfill_pipelines_tests.backfill.gap_toy import Toy
from backfill_pipelines_tests.backfill.toy import DAYS, days


@pytest.fixture
def deployed(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """The instance of a deployment, from the project's own dagster.yaml."""
    home = prepare_home(Settings(state_dir=tmp_path / "state"))
    with dg.DagsterInstance.from_config(home) as instance:
        yield instance


def queued(instance: dg.DagsterInstance, **tags: str) -> str | None:
    """The priority of a run that was put into the queue with these tags."""
    repository = RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("here"), "__repository__")
    run = dg.DagsterRun("job", tags=tags, remote_job_origin=RemoteJobOrigin(repository, "job"))
    instance.add_run(run)
    submitted = instance.run_coordinator.submit_run(SubmitRunContext(run, workspace=None))  # type: ignore[arg-type]
    assert submitted.status is dg.DagsterRunStatus.QUEUED
    return submitted.tags.get(PRIORITY_TAG)


def test_a_backfills_run_waits_for_live_ones_unless_its_launcher_says_otherwise(deployed: dg.DagsterInstance) -> None:
    assert isinstance(deployed.run_coordinator, BackfillsLast)
    assert queued(deployed, **{BACKFILL_ID_TAG: "b"}) == "-10"
    assert queued(deployed, **{BACKFILL_ID_TAG: "b", PRIORITY_TAG: "5"}) == "5"
    assert queued(deployed) is None


def test_a_deployment_has_one_run_at_a_time_in_each_pool_and_counts_by_run(deployed: dg.DagsterInstance) -> None:
    """By step, a run that was killed would leave a slot taken that nobody gives back."""
    config = deployed.get_concurrency_config()
    assert (config.pool_config.default_pool_limit, config.pool_config.pool_granularity) == (
        1,
        dg._core.instance.config.PoolGranularity.RUN,
    )
    assert config.run_queue_config.max_concurrent_runs == 1
    assert yaml.safe_load((PROJECT_ROOT / "dagster.yaml").read_text("utf-8"))["run_monitoring"]["enabled"]


def test_the_gap_sensor_gives_history_a_low_priority_and_the_newest_dates_none(instance: dg.DagsterInstance) -> None:
    toy = Toy(instance)
    assert [request.tags[PRIORITY_TAG] for request in toy.requests()] == ["-10"]
    live = replace(GapAsset(toy.lines.key, DAYS), is_live=lambda partition: partition >= "2024-01-07")
    sensor = build_gap_sensor(
        name="live_gap_sensor",
        description="Keeps the newest dates whole.",
        assets=[live],
        expected=lambda _: days(7, 8),
        policy=GapPolicy(),
    )
    found = sensor(dg.build_sensor_context(instance))
    assert isinstance(found, dg.SensorResult)
    assert [PRIORITY_TAG in request.tags for request in found.run_requests or ()] == [False]
