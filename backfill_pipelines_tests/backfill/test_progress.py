"""The progress check: a run without an event for ten minutes and a pause are told to somebody, each once."""

import json
import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from backfill_pipelines.backfill.busy import ASSET_TAG, PROCESS_TAG, this_process
from backfill_pipelines.backfill.pausing import pause, resume
from backfill_pipelines.backfill.progress import build_progress_sensor
from backfill_pipelines.stores.notifications import Notifier


class Watch:
    """The sensor, ticked with the cursor of its last tick and so many minutes from now."""

    def __init__(self, instance: dg.DagsterInstance, notifications: Path) -> None:
        self.instance, self.notifications = instance, notifications
        self.cursor, self.later = None, timedelta(0)
        self.sensor = build_progress_sensor(clock=lambda: datetime.now(UTC) + self.later)

    def tick(self, minutes: float = 0) -> str:
        """What the tick says."""
        self.later = timedelta(minutes=minutes)
        notifier = Notifier(file=str(self.notifications))
        context = dg.build_sensor_context(self.instance, cursor=self.cursor, resources={"notifier": notifier})
        found = self.sensor.evaluate_tick(context)
        self.cursor = found.cursor
        assert not found.run_requests
        return str(found.skip_message)

    @property
    def told(self) -> list[tuple[str, str]]:
        """Title and text of every message that was sent."""
        if not self.notifications.exists():
            return []
        lines = map(json.loads, self.notifications.read_text("utf-8").splitlines())
        return [(line["title"], line["text"]) for line in lines]

    def run(self, **tags: str) -> dg.DagsterRun:
        """A run under way, whose newest event is its start."""
        run = dg.DagsterRun("job", status=dg.DagsterRunStatus.STARTING, tags=tags)
        self.instance.add_run(run)
        self.report(run, "the run began", dg.DagsterEventType.RUN_START)
        return run

    def report(self, run: dg.DagsterRun, message: str, kind: dg.DagsterEventType) -> None:
        event = dg.DagsterEvent(kind.value, run.job_name, message=message)
        self.instance.report_dagster_event(event, run.run_id)


@pytest.fixture
def watch(instance: dg.DagsterInstance, tmp_path: Path) -> Watch:
    return Watch(instance, tmp_path / "notifications.jsonl")


def test_a_run_of_a_command_that_was_killed_is_ended_and_holds_no_queue(watch: Watch) -> None:
    """Dagster looks after no worker of it: where one run goes at a time, none of the UI would ever start again."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    killed = watch.run(**{PROCESS_TAG: f"{socket.gethostname()}:{process.pid}"})
    own = watch.run(**{PROCESS_TAG: this_process()})
    elsewhere = watch.run(**{PROCESS_TAG: f"another-host:{process.pid}"})
    worker = watch.run()
    assert watch.tick() == f"run {killed.run_id} was killed and is marked as failed"
    statuses = [watch.instance.get_run_by_id(run.run_id).status for run in (killed, own, elsewhere, worker)]  # type: ignore[union-attr]
    assert statuses == [dg.DagsterRunStatus.FAILURE, *[dg.DagsterRunStatus.STARTED] * 3]
    assert watch.tick() == "every run under way makes progress"


def test_it_starts_nothing_and_so_runs_by_itself(watch: Watch) -> None:
    assert watch.sensor.default_status is dg.DefaultSensorStatus.RUNNING
    assert watch.tick() == "every run under way makes progress"


def test_a_run_without_an_event_for_ten_minutes_is_told_once(watch: Watch) -> None:
    run = watch.run(**{ASSET_TAG: "toy/lines"})
    assert watch.tick(5) == "every run under way makes progress"
    assert watch.tick(11.05) == "CHECK: toy/lines has made no progress for 11 minutes"
    ((title, text),) = watch.told
    assert title == "CHECK: toy/lines has made no progress for 11 minutes"
    assert f"Run {run.run_id}, last event at " in text
    assert "the run began" in text
    assert "Repair: " in text
    assert watch.tick(12.05) == "CHECK: toy/lines has made no progress for 12 minutes"
    assert len(watch.told) == 1


def test_an_event_is_progress_and_the_next_silence_is_told_again(watch: Watch) -> None:
    run = watch.run()
    watch.tick(11)
    watch.report(run, "half of it is done", dg.DagsterEventType.STEP_START)
    assert watch.tick(5) == "every run under way makes progress"
    watch.tick(11)
    assert len(watch.told) == 2
    assert "half of it is done" in watch.told[1][1]


def test_a_run_that_is_over_is_no_case(watch: Watch) -> None:
    run = watch.run()
    watch.report(run, "done", dg.DagsterEventType.RUN_SUCCESS)
    assert watch.tick(99) == "every run under way makes progress"
    assert watch.told == []


def test_a_pause_is_told_once_with_the_command_that_ends_it(watch: Watch) -> None:
    found = pause(watch.instance, "toy/lines", reason="4 partitions in a row ran out of time", by="run 1")
    for _ in range(2):
        assert watch.tick() == "PAUSE: toy/lines"
    assert watch.told == [("PAUSE: toy/lines", found.text)]
    resume(watch.instance, "")
    assert watch.tick() == "every run under way makes progress"
