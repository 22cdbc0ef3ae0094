"""The progress check: tells somebody when a run has made no progress for ten minutes, and when something is paused.

One sensor for all systems. It starts nothing, so it runs without being asked to; each case is told once. And it ends
the runs of commands that were killed, which would hold the queue for ever.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol

import dagster as dg

from backfill_pipelines.backfill.busy import ASSET_TAG, end_dead_runs
from backfill_pipelines.backfill.pausing import pauses

#: A run under way without an event for longer than this is worth a look.
QUIET = timedelta(minutes=10)
_NOTIFIER = "notifier"


class Tells(Protocol):
    """Somebody who takes a message to a person."""

    def send(self, title: str, text: str) -> None:
        """Deliver one message."""
        ...


def build_progress_sensor(clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> dg.SensorDefinition:
    """The sensor; it needs the resource ``notifier``."""

    @dg.sensor(  # pyright: ignore[reportUnknownMemberType]
        name="backfill_progress_check",
        description=f"Tells somebody, once, of a run without an event for {QUIET.seconds // 60} minutes and of a "
        "pause; marks runs of commands whose process was killed as failed. Starts nothing.",
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.RUNNING,
        required_resource_keys={_NOTIFIER},
    )
    def _sensor(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        notifier: Tells = getattr(context.resources, _NOTIFIER)
        ended = end_dead_runs(context.instance)
        told = set[str](json.loads(context.cursor)) if context.cursor else set[str]()
        cases = {**_quiet_runs(context.instance, clock()), **_pauses(context.instance)}
        for case in cases.keys() - told:
            notifier.send(*cases[case])
        context.update_cursor(json.dumps(sorted(cases)))
        seen = [f"run {run_id} was killed and is marked as failed" for run_id in ended]
        seen += [title for title, _ in cases.values()]
        return dg.SkipReason("; ".join(seen) or "every run under way makes progress")

    return _sensor


def _quiet_runs(instance: dg.DagsterInstance, now: datetime) -> dict[str, tuple[str, str]]:
    """Title and text for each run under way whose last event is too old, by run and event."""
    found: dict[str, tuple[str, str]] = {}
    for run in instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED])):
        last = _last_event(instance, run)
        if last is not None and now - last[0] > QUIET:
            found[f"{run.run_id} {last[0].isoformat()}"] = _message(run, last[0], last[1], now)
    return found


def _last_event(instance: dg.DagsterInstance, run: dg.DagsterRun) -> tuple[datetime, str] | None:
    records = instance.event_log_storage.get_records_for_run(run.run_id, limit=1, ascending=False).records
    if not records:
        return None
    entry = records[0].event_log_entry
    return datetime.fromtimestamp(entry.timestamp, UTC), entry.user_message or entry.message


def _message(run: dg.DagsterRun, at: datetime, said: str, now: datetime) -> tuple[str, str]:
    keys = sorted(key.to_user_string() for key in run.asset_selection or ())
    name = run.tags.get(ASSET_TAG) or ", ".join(keys) or run.job_name
    minutes = int((now - at).total_seconds() // 60)
    text = (
        f"Run {run.run_id}, last event at {at:%Y-%m-%d %H:%M} UTC: {said}\n"
        "Repair: look at the run in the UI under Runs. If its process is gone or hangs, terminate it, then re-execute "
        "from failure: published partitions stay."
    )
    return f"CHECK: {name} has made no progress for {minutes} minutes", text


def _pauses(instance: dg.DagsterInstance) -> dict[str, tuple[str, str]]:
    return {
        f"pause {one.scope} {one.since}": (f"PAUSE: {one.scope or 'everything'}", one.text) for one in pauses(instance)
    }
