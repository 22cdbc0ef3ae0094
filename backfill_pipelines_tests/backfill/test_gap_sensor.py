"""The gap sensor, ticked on an instance: what it asks for, what it leaves to rest, and what it says of it."""

from datetime import timedelta

import dagster as dg
import pytest

from backfill_pipelines.backfill.admission import LAST_PARTITION, PhaseGate
from backfill_pipelines.backfill.gap_sensor import RANGE_TAG, SENSOR_TAG, SIZE_TAG, GapAsset, asset_state
from backfill_pipelines.backfill.gaps import GapPolicy
from backfill_pipelines_tests.backfill.gap_toy import LAST, Toy, asked_before, wanted
from backfill_pipelines_tests.backfill.toy import DAYS, POINTS, Killed, LedgerTarget, days, run_range, toy_asset


@pytest.fixture
def toy(instance: dg.DagsterInstance) -> Toy:
    return Toy(instance)


def test_it_is_stopped_until_somebody_starts_it(toy: Toy) -> None:
    """A sensor that starts by itself on a fresh deployment would launch years of history."""
    assert toy.sensor.default_status is dg.DefaultSensorStatus.STOPPED


def test_an_empty_store_is_filled_upstream_first(toy: Toy) -> None:
    """The child's runs would all be refused; they come as soon as there is something to read."""
    assert toy.ranges() == [("lines", "2024-01-01", LAST)]
    run_range(toy.instance, toy.lines, "2024-01-01", "2024-01-05")
    assert toy.ranges() == [("lines", "2024-01-06", LAST), ("boxes", "2024-01-01", "2024-01-05")]
    toy.run()
    assert str(toy.tick()).startswith("Nothing to run. toy/lines: 8 expected, 8 complete")


def test_holes_in_the_middle_are_filled_and_nothing_else(toy: Toy) -> None:
    """A range over a hole and its good neighbours would compute them again every minute."""
    toy.run("2024-01-01", "2024-01-02")
    toy.run("2024-01-05", "2024-01-06")
    assert toy.ranges() == [("lines", "2024-01-03", "2024-01-04"), ("lines", "2024-01-07", LAST)]


def test_what_it_asks_for_is_what_fills_the_hole(toy: Toy) -> None:
    """The request must start a range run of the right asset: its tags are all that the daemon passes on."""
    (request,) = toy.requests()
    result = dg.materialize(
        [toy.lines, toy.boxes], selection=list(request.asset_selection or []), tags=request.tags, instance=toy.instance
    )
    assert result.success
    assert toy.targets[0].computed == [days(1, 8)]
    assert toy.ranges() == [("boxes", "2024-01-01", LAST)]


def test_a_failed_partition_rests_longer_after_each_attempt(toy: Toy) -> None:
    """A source that is down must not be asked every minute of the night."""
    toy.targets[0].red = {POINTS.name: {"2024-01-03"}}
    toy.run()
    red = [("lines", "2024-01-03", "2024-01-03")]
    for wait in (10, 20, 40):
        toy.later = timedelta(minutes=wait - 5)
        assert "toy/lines: 8 expected, 7 complete, 1 failed and resting" in str(toy.tick())
        toy.later = timedelta(minutes=wait, seconds=30)
        # The child was refused as often as its parent failed: it waits for the parent, whatever its own rest.
        assert toy.ranges() == red
        toy.run("2024-01-03", "2024-01-03")


def test_a_partition_is_given_up_in_the_end_and_said_to_be(toy: Toy) -> None:
    """Five failures are a case for a person, who finds it in the reason of every tick."""
    toy.run()
    toy.targets[0].red = {POINTS.name: {"2024-01-03"}}
    for _ in range(5):
        toy.run("2024-01-03", "2024-01-03")
    toy.later = timedelta(days=99)
    assert "toy/lines: 8 expected, 7 complete, 0 failed and resting, 1 given up after 5 attempts" in str(toy.tick())


def test_attempts_are_counted_from_the_last_success(toy: Toy) -> None:
    """Failures of last year, long mended, must not use up the attempts of today."""
    for red in ({"2024-01-03"}, {"2024-01-03"}, set[str](), {"2024-01-03"}):
        toy.targets[0].red = {POINTS.name: red}
        toy.run()
    toy.later = timedelta(minutes=11)
    assert toy.ranges() == [("lines", "2024-01-03", "2024-01-03")], "one failure, ten minutes"


def test_a_run_that_died_counts_as_an_attempt(toy: Toy) -> None:
    """A date that kills its worker leaves no verdict; without the count it would be launched for ever."""
    toy.targets[0].crash_after, toy.targets[0].crash = "stage", Killed
    toy.run()
    assert "toy/lines: 8 expected, 0 complete, 8 failed and resting" in str(toy.tick())
    toy.later = timedelta(minutes=11)
    assert toy.ranges() == [("lines", "2024-01-01", LAST)]


def test_the_rest_is_counted_from_the_failure_and_not_from_the_queue(toy: Toy) -> None:
    """A run that waited or worked for an hour would otherwise be repeated in the minute after it failed."""
    toy.targets[0].red = {POINTS.name: {"2024-01-03"}}
    toy.run()
    storage = toy.instance.event_log_storage
    with storage.index_connection() as connection:  # type: ignore[attr-defined]
        connection.exec_driver_sql("UPDATE asset_check_executions SET create_timestamp = datetime('now', '-3 hours')")
    assert "1 failed and resting" in str(toy.tick())


def test_a_partition_behind_a_red_upstream_waits_and_is_counted(toy: Toy) -> None:
    """Launching it would only add refused runs to the failures of the day."""
    toy.targets[0].red = {POINTS.name: {"2024-01-03"}}
    run_range(toy.instance, toy.lines, "2024-01-01", LAST)
    assert toy.ranges() == [("boxes", "2024-01-01", "2024-01-02"), ("boxes", "2024-01-04", LAST)]
    run_range(toy.instance, toy.boxes, "2024-01-01", "2024-01-02")
    run_range(toy.instance, toy.boxes, "2024-01-04", LAST)
    assert "toy/boxes: 8 expected, 7 complete, 0 failed and resting, 0 given up after 5 attempts, 1 waiting" in (
        str(toy.tick())
    )


def test_the_run_key_counts_the_attempts_of_a_range(toy: Toy) -> None:
    """Dagster drops a run key that it has seen before, for ever: a second attempt would never start."""
    keys = []
    for _ in range(3):
        (request,) = toy.requests()
        keys.append(request.run_key)
        asked_before(toy, request, status=dg.DagsterRunStatus.FAILURE)
    assert keys == [f"toy_gap_sensor:toy/lines:2024-01-01:{LAST}:attempt-{n}" for n in (1, 2, 3)]
    assert request.tags[SENSOR_TAG] == "toy_gap_sensor"
    assert request.tags[RANGE_TAG] == f"toy/lines:2024-01-01:{LAST}"
    assert request.tags[SIZE_TAG] == "8"


def test_two_ticks_without_a_run_in_between_ask_with_the_same_key(toy: Toy) -> None:
    """A daemon that dies between tick and launch asks again; the key is what keeps it to one run."""
    assert [request.run_key for request in toy.requests()] == [request.run_key for request in toy.requests()]


def test_the_daily_cap_counts_what_was_asked_for_since_midnight(instance: dg.DagsterInstance) -> None:
    """A rule gone wrong costs at most one day's budget, and the reason says that there is more."""
    toy = Toy(instance, GapPolicy(partitions_per_run=3, partitions_per_day=5))
    toy.stop_the_clock()
    requests = toy.requests()
    assert [wanted(r) for r in requests] == [("lines", *days(1, 3)[::2]), ("lines", *days(4, 5))]
    for request in requests:
        asked_before(toy, request)
    assert "0 requested, 8 over the cap" in str(toy.tick())
    # Not the next one: what was asked for just now may have been stored after midnight.
    toy.later = timedelta(days=2)
    assert len(toy.ranges()) == 2, "a new day, a new budget"


class History:
    """A table that reads every earlier day of its month in ``lines``, behind a phase gate for all but live days."""

    GATE = dg.AssetKey(["toy_gates", "phase_is_complete"])

    def __init__(self, instance: dg.DagsterInstance, live: str = "2024-12-31") -> None:
        self.instance, self.target = instance, LedgerTarget()
        self.lines = toy_asset("lines", self.target.open)
        self.asset = GapAsset(
            dg.AssetKey(["toy", "totals"]),
            DAYS,
            history=[self.lines.key],
            group_of=lambda day: day[:7],
            phase_gate=PhaseGate(self.GATE, lambda _: "complete", "backfill gate toy"),
            is_live=lambda day: day >= live,
        )

    def report_gate(self, last: str) -> None:
        evaluation = dg.AssetCheckEvaluation(
            asset_key=self.GATE, check_name="complete", passed=True, metadata={LAST_PARTITION: last}
        )
        self.instance.report_runless_asset_event(evaluation)

    def blocked(self) -> list[str]:
        expected = ["2024-01-29", "2024-01-30", "2024-01-31", "2024-02-01", "2024-02-02"]
        return sorted(asset_state(self.instance, self.asset, expected).blocked)


def test_history_waits_for_the_first_hole_of_its_season_and_no_longer(instance: dg.DagsterInstance) -> None:
    """A season-to-date sum over a missing day is wrong on every later day, and right again next season."""
    history = History(instance, live="2024-01-01")
    history.target.red = {POINTS.name: {"2024-01-30"}}
    run_range(instance, history.lines, "2024-01-29", "2024-02-02")
    assert history.blocked() == ["2024-01-31"], "the 30th itself reads earlier days only"


def test_the_past_waits_for_its_phase_gate_and_the_live_days_do_not(instance: dg.DagsterInstance) -> None:
    history = History(instance, live="2024-02-02")
    run_range(instance, history.lines, "2024-01-29", "2024-02-02")
    assert history.blocked() == ["2024-01-29", "2024-01-30", "2024-01-31", "2024-02-01"]
    history.report_gate("2024-01-31")
    assert history.blocked() == ["2024-02-01"]
