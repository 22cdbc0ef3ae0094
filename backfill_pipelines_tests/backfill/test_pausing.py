"""Pause and resume: where a run stops, what it leaves, what it says, and who else keeps still meanwhile."""

from collections.abc import Mapping, Sequence
from contextlib import contextmanager

import dagster as dg
import pytest

from backfill_pipelines.backfill import gated_assets
from backfill_pipelines.backfill.failures import BackfillError, SettingsError
from backfill_pipelines.backfill.gates import Gate, Measurement
from backfill_pipelines.backfill.pausing import Pause, pause, pause_of, pauses, resume
from backfill_pipelines.runner import run_asset
from backfill_pipelines_tests.backfill.gap_toy import LAST, Toy
from backfill_pipelines_tests.backfill.toy import LedgerTarget, days, failure_text, materialized, run_range, toy_asset

WHY = {"reason": "the feed is being repaired", "by": "ops"}


class PausedMeanwhile(LedgerTarget):
    """Somebody pauses while its gates are measured."""

    @contextmanager
    def open(self, context, admission):  # noqa: ARG002
        self.instance = context.instance
        yield self

    def measure(self, gate: Gate, partitions: Sequence[str]) -> Mapping[str, Measurement]:
        if not self.computed[1:]:
            pause(self.instance, "toy", **WHY)
        return super().measure(gate, partitions)


class Slow(LedgerTarget):
    """A store that never answers."""

    def stage(self, partitions):
        raise TimeoutError(f"no answer for {len(partitions)} partitions after 60 s")


@pytest.mark.parametrize("scope", ["", "toy", "toy/lines"])
def test_a_run_under_a_pause_computes_nothing_and_says_how_to_resume(
    any_instance: dg.DagsterInstance, target: LedgerTarget, scope: str
) -> None:
    asset = toy_asset("lines", target.open)
    found = pause(any_instance, scope, **WHY)
    text = failure_text(run_range(any_instance, asset, "2024-01-01", "2024-01-03"), asset)
    assert text.startswith("PAUSED toy/lines, before it was computed; nothing of this run was published.")
    resumed = f"backfill resume {scope}".strip()
    assert f"{scope or 'everything'} is paused since {found.since} by ops: {WHY['reason']}. Resume: {resumed}" in text
    assert (target.computed, target.history) == ([], [])
    assert resume(any_instance, scope) == [found]
    assert run_range(any_instance, asset, "2024-01-01", "2024-01-03").success
    assert materialized(any_instance, asset) == days(1, 3)


@pytest.mark.parametrize("scope", ["to", "toy/line", "other"])
def test_a_pause_of_something_else_stops_nothing(
    instance: dg.DagsterInstance, target: LedgerTarget, scope: str
) -> None:
    pause(instance, scope, **WHY)
    assert run_range(instance, toy_asset("lines", target.open), "2024-01-01", "2024-01-03").success


def test_a_run_under_way_stops_before_it_publishes_and_is_no_failure_of_its_dates(
    any_instance: dg.DagsterInstance,
) -> None:
    target = PausedMeanwhile()
    asset = toy_asset("lines", target.open)
    text = failure_text(run_range(any_instance, asset, "2024-01-01", "2024-01-03"), asset)
    assert text.startswith("PAUSED toy/lines, between its gates and publishing;")
    assert (target.published, target.history) == ({}, [])
    resume(any_instance, "toy")
    assert run_range(any_instance, asset, "2024-01-01", "2024-01-03").success
    assert list(target.published) == days(1, 3)


def test_the_command_line_stops_before_the_next_chunk(instance: dg.DagsterInstance, target: LedgerTarget) -> None:
    asset = toy_asset("lines", target.open, per_run=2)
    chunks = run_asset(asset, days(1, 4), instance=instance, resources={})
    assert next(chunks).last == "2024-01-02"
    pause(instance, "toy/lines", **WHY)
    with pytest.raises(BackfillError, match="stopped before toy/lines 2024-01-03 to 2024-01-04: toy/lines is paused"):
        next(chunks)
    assert list(target.published) == days(1, 2)


def test_the_gap_sensor_is_silent_while_any_of_its_assets_is_paused(instance: dg.DagsterInstance) -> None:
    toy = Toy(instance)
    pause(instance, "toy/boxes", **WHY)
    assert str(toy.tick()).startswith("Silent: toy/boxes is paused since ")
    resume(instance, "")
    assert toy.ranges() == [("lines", "2024-01-01", LAST)]


@pytest.mark.parametrize(("last", "paused"), [("2024-01-03", False), ("2024-01-04", True)])
def test_more_than_three_dates_in_a_row_without_an_answer_pause_their_asset(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch, last: str, *, paused: bool
) -> None:
    """The retry of the run comes first: this is the last one."""
    monkeypatch.setattr(gated_assets, "_RETRIES", 0)
    asset = toy_asset("lines", Slow().open)
    result = run_range(instance, asset, "2024-01-01", last)
    assert "no answer for" in failure_text(result, asset)
    found = pause_of(instance, asset.key)
    assert (found is not None) is paused
    if found:
        assert found == Pause("toy/lines", found.reason, f"run {result.run_id}", found.since)
        assert found.reason == "4 partitions in a row ran out of time: no answer for 4 partitions after 60 s"


def test_a_scope_has_one_pause_and_resuming_everything_ends_all(instance: dg.DagsterInstance) -> None:
    for scope in ("toy", "other", "toy"):
        pause(instance, scope, **WHY)
    assert [one.scope for one in pauses(instance)] == ["other", "toy"]
    assert resume(instance, "toy/lines") == []
    assert len(resume(instance, "")) == 2
    assert pauses(instance) == []


def test_a_pause_without_a_reason_is_refused(instance: dg.DagsterInstance) -> None:
    with pytest.raises(SettingsError, match="a pause needs a reason"):
        pause(instance, "toy", reason=" ", by="ops")
