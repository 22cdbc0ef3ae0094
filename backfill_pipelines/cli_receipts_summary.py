"""What ``backfill receipts run`` prints at its end, and the exit code that it means."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from rich.table import Table

from backfill_pipelines.backfill.gates import READ_BACK_GATE, UPSTREAM_GATE
from backfill_pipelines.cli_console import BROKEN, PARKED, RED, STOPPED, console
from backfill_pipelines.receipts.bucket_gates import CALL_EQUATIONS, SETTLED_GATE
from backfill_pipelines.receipts.items import canonical_json
from backfill_pipelines.receipts.outcomes import Outcome
from backfill_pipelines.receipts.run_reports import RunReport, summed
from backfill_pipelines.runner import ChunkResult

#: A ratio is judged, so it is red; all other stops come from outside.
_RATIO = "ratio"
#: Red gates that follow from records that are not settled.
_FOLLOW = {SETTLED_GATE.name, "every_id_is_settled", READ_BACK_GATE}
_PLACES = "receipts/receipt_places"
_SAMPLES = 3


def exit_code(reports: Sequence[RunReport], failures: Sequence[ChunkResult]) -> int:
    """0 green, 1 red, 2 refused, 3 parked, 4 stopped; of several the one that has to be looked at first."""
    stops = {report.stop for report in reports} - {""}
    if stops - {_RATIO}:
        return STOPPED
    red = {gate for report in reports for gate in report.red}
    places = summed([report.tally for report in reports if report.asset == _PLACES])
    count = {str(outcome): sum(places.get(str(outcome), {}).values()) for outcome in Outcome}
    if (
        any(report.ratio for report in reports)
        or _RATIO in stops
        or count[Outcome.FAILED]
        or red - _FOLLOW - {UPSTREAM_GATE}
    ):
        return RED
    if UPSTREAM_GATE in red:
        return BROKEN
    if count[Outcome.PARKED]:
        return PARKED
    return RED if failures else 0


def show_summary(reports: Sequence[RunReport], failures: Sequence[ChunkResult]) -> None:
    """Outcomes by reason, calls, money, write units, equations, and what went wrong."""
    places = [report for report in reports if report.asset == _PLACES]
    _show_tally(summed([report.tally for report in places]), is_dry=any(report.dry_run for report in places))
    for sample in [shown for report in places for shown in report.shown][:_SAMPLES]:
        console.print(f"{sample['kind']} {sample['record']}, {sample['size']:,} bytes", highlight=False)
        console.print(canonical_json(sample["item"]), highlight=False, markup=False, soft_wrap=True)
        for line in sample["diff"]:
            console.print(f"  {line}", highlight=False, markup=False)
    calls = _added([report.calls for report in reports])
    spent = sum((Decimal(report.spent_usd) for report in reports), Decimal(0))
    units, seconds = sum(r.write_units for r in reports), sum(r.seconds for r in reports)
    attempts = calls.get("http_attempts", 0)
    taken_up = sum(report.attempted for report in places)
    console.print(
        f"records taken up {taken_up:,}   calls {attempts:,}   spent $ {spent:,.2f}   write units {units:,.0f}   "
        f"time {seconds:,.1f} s"
    )
    for quota in [report.daily_quota for report in reports if report.daily_quota][-1:]:
        console.print(f"quota of the day: {quota}", highlight=False)
    for line in equations(places, calls):
        console.print(line, highlight=False)
    ratios = list(dict.fromkeys(report.ratio for report in reports if report.ratio))
    for name, texts in (
        ("stopped", _stops(reports)),
        ("ratio", ratios),
        ("failed", [chunk.failure for chunk in failures]),
    ):
        for text in texts:
            console.print(f"{name}: {text}", style="red", highlight=False, markup=False)


def equations(places: Sequence[RunReport], calls: Mapping[str, int]) -> list[str]:
    """The equations of the run with their numbers; one that does not hold says so."""
    found: list[str] = []
    for equation in CALL_EQUATIONS if calls else ():
        expected = sum(calls[name] for name in equation.plus)
        sides = f"{calls[equation.total]:,} = {' + '.join(f'{calls[name]:,}' for name in equation.plus)}"
        found.append(f"{_mark(calls[equation.total] == expected)} {equation}: {sides}")
    written = [report for report in places if not report.dry_run]
    if written:
        tally, eligible = summed([report.tally for report in written]), sum(report.eligible for report in written)
        numbers = {str(outcome): sum(tally.get(str(outcome), {}).values()) for outcome in Outcome}
        sides = f"{eligible:,} = {' + '.join(f'{number:,}' for number in numbers.values())}"
        names = " + ".join(numbers)
        found.append(f"{_mark(eligible == sum(numbers.values()))} eligible = {names}: {sides}")
    return found


def _mark(is_right: bool) -> str:  # noqa: FBT001
    return "ok   " if is_right else "WRONG"


def _show_tally(tally: Mapping[str, Mapping[str, int]], *, is_dry: bool) -> None:
    table = Table(title="dry run: nothing was written" if is_dry else "records", title_justify="left")
    table.add_column("outcome")
    table.add_column("reason")
    table.add_column("records", justify="right")
    for outcome, reasons in tally.items():
        for reason, number in reasons.items():
            table.add_row(outcome, reason, f"{number:,}")
    console.print(table)


def _added(parts: Sequence[Mapping[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for part in parts:
        for name, number in part.items():
            total[name] = total.get(name, 0) + number
    return total


def _stops(reports: Sequence[RunReport]) -> list[str]:
    return list(dict.fromkeys(f"{report.stop}: {report.stop_detail}" for report in reports if report.stop))
