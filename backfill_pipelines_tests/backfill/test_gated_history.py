"""Tables that read earlier dates: history is checked before anything is computed; a backfill has a gate before."""

from collections.abc import Sequence

import dagster as dg
import pytest

from backfill_pipelines.backfill.admission import LAST_PARTITION, HistoryReport, PhaseGate
from backfill_pipelines.backfill.gates import HISTORY_GATE, UPSTREAM_GATE, Measurement
from backfill_pipelines.backfill.run_mode import RunMode
from backfill_pipelines.backfill.verdicts import latest_verdict
from backfill_pipelines_tests.backfill.toy import LedgerTarget, check, days, failure_text, run_range, toy_asset

FIRST, LAST, HOLE = "2024-01-01", "2024-01-06", "2024-01-03"
GATE = dg.AssetKey(["toy_gates", "phase_is_complete"])


class History:
    """Says that the history of the named dates has a hole; remembers the modes it was asked in."""

    def __init__(self, *holes: str) -> None:
        self.holes, self.modes = set(holes), list[RunMode]()

    def __call__(self, _: dg.AssetExecutionContext, partitions: Sequence[str], mode: RunMode) -> HistoryReport:
        self.modes.append(mode)
        holes = {p: Measurement(3, 2, 1, (f"toy/lines lacks a day before {p}",)) for p in self.holes}
        measured = {p: holes.get(p, Measurement(3, 3, 0)) for p in partitions}
        return HistoryReport(measured, {"historical_gap": sorted(self.holes)})


def rolling(target: LedgerTarget, history: History) -> dg.AssetsDefinition:
    parent = toy_asset("lines", LedgerTarget().open)
    return toy_asset("rolling", target.open, parent, per_run=101, history=history)


def prepared(instance: dg.DagsterInstance) -> None:
    run_range(instance, toy_asset("lines", LedgerTarget().open), FIRST, LAST)


def test_a_date_with_a_hole_in_its_history_is_refused_and_everything_else_computed(
    instance: dg.DagsterInstance,
) -> None:
    """A window over a missing day gives a number that looks right."""
    prepared(instance)
    target = LedgerTarget()
    asset = rolling(target, History(HOLE))
    result = run_range(instance, asset, FIRST, LAST)
    assert target.computed == [[day for day in days(1, 6) if day != HOLE]]
    assert f"{HOLE}: history_is_complete: 3 expected vs 2, e.g. toy/lines lacks a day before {HOLE}" in (
        failure_text(result, asset)
    )
    assert latest_verdict(instance, check(asset, HISTORY_GATE), HOLE) is False


def test_with_strict_mode_off_the_hole_is_shown_and_its_rows_are_marked(instance: dg.DagsterInstance) -> None:
    prepared(instance)
    target = LedgerTarget()
    asset = rolling(target, History(HOLE))
    result = run_range(instance, asset, FIRST, LAST, strict_mode=False, reason="the feed of that day is lost")
    assert result.success
    assert target.computed == [days(1, 6)]
    assert target.admissions[0].issues == {"historical_gap": [HOLE]}
    assert latest_verdict(instance, check(asset, HISTORY_GATE), HOLE) is False


def test_in_backfill_mode_a_hole_blocks_even_with_strict_mode_off(instance: dg.DagsterInstance) -> None:
    prepared(instance)
    target = LedgerTarget()
    config = {"strict_mode": False, "reason": "in a hurry", "backfill_mode": True}
    run_range(instance, rolling(target, History(HOLE)), FIRST, LAST, **config)
    assert HOLE not in target.computed[0]


def test_a_date_whose_same_date_upstream_is_missing_is_not_asked_about_its_history(
    instance: dg.DagsterInstance,
) -> None:
    prepared(instance)
    history = History()
    asset = rolling(LedgerTarget(), history)
    result = run_range(instance, asset, "2024-01-06", "2024-01-07")
    assert len(history.modes) == 1
    assert "2024-01-07: upstream_is_complete" in failure_text(result, asset)


def test_a_check_that_breaks_blocks(instance: dg.DagsterInstance) -> None:
    """The original let a date through when its check could not be made."""

    def broken(*_: object) -> HistoryReport:
        raise dg.Failure("the warehouse is away", allow_retries=False)

    prepared(instance)
    target = LedgerTarget()
    asset = toy_asset("rolling", target.open, toy_asset("lines", LedgerTarget().open), per_run=101, history=broken)
    assert "the warehouse is away" in failure_text(run_range(instance, asset, FIRST, LAST), asset)
    assert target.computed == []


@pytest.fixture
def behind() -> tuple[LedgerTarget, dg.AssetsDefinition]:
    target = LedgerTarget()
    gate = PhaseGate(GATE, lambda partition: f"complete_{partition[:4]}", "backfill gate toy")
    parent = toy_asset("lines", LedgerTarget().open)
    return target, toy_asset("next_phase", target.open, parent, per_run=101, phase_gate=gate)


def report_gate(instance: dg.DagsterInstance, last: str, *, passed: bool) -> None:
    instance.report_runless_asset_event(
        dg.AssetCheckEvaluation(
            asset_key=GATE, check_name="complete_2024", passed=passed, metadata={LAST_PARTITION: last}
        )
    )


@pytest.mark.parametrize(
    ("passed", "last", "said"),
    [
        (None, "", "has not been measured"),
        (False, LAST, "is red"),
        (True, "2024-01-05", "was measured up to 2024-01-05 only"),
    ],
)
def test_a_backfill_does_not_pass_a_phase_gate_that_is_not_green(
    instance: dg.DagsterInstance, behind: tuple[LedgerTarget, dg.AssetsDefinition], passed, last: str, said: str
) -> None:
    prepared(instance)
    target, asset = behind
    if passed is not None:
        report_gate(instance, last, passed=passed)
    result = run_range(instance, asset, LAST, LAST, backfill_mode=True)
    text = f"toy_gates/phase_is_complete complete_2024 {said}. Repair: backfill gate toy"
    assert text in failure_text(result, asset)
    assert target.computed == []
    assert latest_verdict(instance, check(asset, UPSTREAM_GATE), LAST) is False


def test_behind_a_green_gate_a_backfill_goes_on_and_live_runs_need_none(
    instance: dg.DagsterInstance, behind: tuple[LedgerTarget, dg.AssetsDefinition]
) -> None:
    prepared(instance)
    target, asset = behind
    assert run_range(instance, asset, FIRST, FIRST).success
    report_gate(instance, LAST, passed=True)
    assert run_range(instance, asset, FIRST, LAST, backfill_mode=True).success
    assert target.computed == [[FIRST], days(1, 6)]
