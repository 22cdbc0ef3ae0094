"""The rules that the gates of phases 2, 3 and 4 share: every date accounted for, every run good, no key twice."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from backfill_pipelines.backfill.gates import Measurement
from backfill_pipelines.backfill.phase_gates import NAMED_IN_TEXT, Finding
from backfill_pipelines.nba.phase_gates.names import GateName
from backfill_pipelines.nba.phase_gates.scope import Scope, Span
from backfill_pipelines.stores.warehouse import WarehouseSession

ACCOUNTED = "every_date_is_accounted_for"
SUCCESSFUL = "success_rate_is_at_least_99_percent"
NO_FAILURE = "no_failure_is_unresolved"
NO_DUPLICATES = "keys_are_unique"

#: Percent of a table's schedule dates whose latest run succeeded: the user's criterion for each stage.
LEAST_SUCCESS_RATE = 99.0
#: From here on a red gate says that little is missing; it stays red: the user wants 100 percent.
ALMOST_READY_PERCENT = 95.0
#: More dates in a row than this whose run ran out of time are no accident: the backfill pauses.
MOST_TIMEOUTS_IN_A_ROW = 3

Rows = list[dict[str, Any]]


@dataclass
class Judgement:
    """Findings so far, and the tables of evidence behind them by title."""

    findings: list[Finding] = field(default_factory=list[Finding])
    evidence: dict[str, Rows] = field(default_factory=dict[str, Rows])
    #: Distinct dates that are not accounted for, by season.
    open_dates: dict[str, int] = field(default_factory=dict[str, int])

    def add(self, rule: str, measured: Measurement, repair: str, span: Span | None = None) -> None:
        """One more finding."""
        self.findings.append(Finding(rule, measured, repair, span.season.name if span else ""))

    def show(self, title: str, rows: Sequence[Mapping[str, Any]], span: Span | None = None) -> None:
        """One more table of evidence; rows of several seasons stand under each other."""
        named = {"season": span.season.name} if span else {}
        self.evidence.setdefault(title, []).extend({**named, **row} for row in rows)


def judge_phase(session: WarehouseSession, gate: GateName, scope: Scope) -> Judgement:
    """The shared rules over every span; without anything to judge they are red."""
    found = Judgement()
    if not scope.spans:
        nothing = Measurement(1, 0, 1, ("no season with a loaded schedule lies in the scope",))
        found.add(ACCOUNTED, nothing, "backfill run nba_raw/nbac_schedule --from YYYY-MM-DD --to YYYY-MM-DD")
    for name in scope.not_loaded:
        missing = Measurement(1, 0, 1, (f"{name} was asked for and its schedule is not loaded",))
        found.findings.append(Finding(ACCOUNTED, missing, "load nba_raw/nbac_schedule of the season", name))
    for span in scope.spans:
        _accounted(session, gate, span, found)
        _successful(session, gate, span, found)
        _unresolved(session, gate, span, found)
        _duplicates(session, gate, span, found)
    return found


def measurement(total: int, culprits: Sequence[str], violations: int | None = None, note: str = "") -> Measurement:
    """A measurement with as many culprits as a red text names."""
    wrong = len(culprits) if violations is None else violations
    return Measurement(total, total - wrong, wrong, tuple(culprits[:NAMED_IN_TEXT]), note)


def asset_of(table: str) -> str:
    """``dataset/table``."""
    return table.replace(".", "/")


def _accounted(session: WarehouseSession, gate: GateName, span: Span, found: Judgement) -> None:
    matrix = span.rows(session, "matrix", phase=gate.phase)
    found.show("coverage", _matrix(matrix), span)
    required = sum(row["dates"] for row in matrix if row["is_required"])
    if not required:
        nothing = measurement(1, [f"no schedule date of {gate.phase} in {span.first} to {span.last}"])
        found.open_dates[span.season.name] = span.schedule_dates
        found.add(ACCOUNTED, nothing, "load the schedule of these days, or judge others", span)
        return
    rows = span.rows(session, "unexplained", phase=gate.phase)
    found.open_dates[span.season.name] = len({row["partition_date"] for row in rows})
    found.show("unexplained", rows, span)
    found.add(
        ACCOUNTED,
        measurement(required, [_unexplained(row) for row in rows]),
        "run the named dates, upstream tables first; or `backfill accept-gap` for a game that cannot be had",
        span,
    )


def _unexplained(row: Mapping[str, Any]) -> str:
    asset, day = asset_of(row["table_name"]), row["partition_date"]
    keys = f" ({row['keys_found']} of {row['keys_expected']} keys)" if row["state"] == "partial" else ""
    reason = f", {row['reason']}" if row["reason"] else ""
    # What an open repair is to build anew stays stale when it is run before what it reads.
    command = "backfill repair run nba" if row["state"] == "stale" else f"backfill run {asset} --date {day}"
    return f"{asset} {day}: {row['state']}{keys}{reason}. {command}"


def _matrix(rows: Sequence[Mapping[str, Any]]) -> Rows:
    """One row for each table, a column for each state that occurs."""
    tables: dict[str, dict[str, Any]] = {}
    states = sorted({row["state"] for row in rows})
    for row in rows:
        name = row["table_name"]
        line = tables.setdefault(name, {"table": name, "required": row["is_required"], **dict.fromkeys(states, 0)})
        line[row["state"]] = row["dates"]
    return list(tables.values())


def _successful(session: WarehouseSession, gate: GateName, span: Span, found: Judgement) -> None:
    rows = span.rows(session, "runs", phase=gate.phase)
    for row in rows:
        row["success_rate"] = round(100 * (row["successful"] or 0) / row["dates"], 2)
    found.show("latest runs", rows, span)
    low = [
        f"{row['processor_name']} {row['success_rate']:.2f} %: {row['failed']} failed, {row['never_run']} never ran"
        for row in rows
        if row["success_rate"] < LEAST_SUCCESS_RATE
    ]
    found.add(SUCCESSFUL, measurement(len(rows), low), "backfill gaps nba --report q20_retry_pairs", span)


def _unresolved(session: WarehouseSession, gate: GateName, span: Span, found: Judgement) -> None:
    rows = span.rows(session, "failures", phase=gate.phase)
    found.show("unresolved failures", rows, span)
    culprits = [*_pauses(rows), *(_failure(row) for row in rows)]
    measured = measurement(max(span.schedule_dates, len(rows)), culprits, len(rows))
    found.add(NO_FAILURE, measured, "mend the cause, then run the date of the asset again", span)


def _failure(row: Mapping[str, Any]) -> str:
    """An error of our own stops the backfill: no later date is likely to fare better."""
    stop = "STOP " if row["error_category"] == "PROCESSING_ERROR" else ""
    message = str(row["error_message"] or "no message").splitlines()[0]
    return f"{stop}{row['error_category']} {asset_of(row['table_name'])} {row['data_date']}: {message}"


def _pauses(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Tables that ran out of time on more than three failed dates in a row."""
    longest: dict[str, tuple[int, date]] = {}
    running: dict[str, int] = {}
    for row in rows:
        table = row["table_name"]
        running[table] = running.get(table, 0) + 1 if _is_timeout(row) else 0
        if running[table] > max(MOST_TIMEOUTS_IN_A_ROW, longest.get(table, (0, row["data_date"]))[0]):
            longest[table] = running[table], row["data_date"]
    return [
        f"PAUSE {asset_of(table)}: {number} dates in a row ran out of time, the last {day}"
        for table, (number, day) in longest.items()
    ]


def _is_timeout(row: Mapping[str, Any]) -> bool:
    text = str(row["error_message"] or "").lower()
    return row["error_category"] in ("INFRASTRUCTURE", "RESOURCE_EXHAUSTION") and (
        "timeout" in text or "timed out" in text
    )


def _duplicates(session: WarehouseSession, gate: GateName, span: Span, found: Judgement) -> None:
    rows = span.rows(session, "duplicates", phase=gate.phase)
    found.show("duplicates", rows, span)
    culprits = [
        f"{asset_of(row['table_name'])} {row['partition_date']}: {row['key']} has {row['row_count']} rows"
        for row in rows
    ]
    measured = measurement(max(span.schedule_dates, len(rows)), culprits)
    found.add(NO_DUPLICATES, measured, "find the other writer of the table, then run the date again with --force", span)
