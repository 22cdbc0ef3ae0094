"""Words and evidence of a phase gate: one verdict for each season and one over all, tables as markdown, a calendar."""

from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg

from backfill_pipelines.backfill.phase_gates import Finding, PhaseReport, PhaseVerdict
from backfill_pipelines.nba.gap_analysis import shown
from backfill_pipelines.nba.phase_gates.completeness import ALMOST_READY_PERCENT, Judgement
from backfill_pipelines.nba.phase_gates.names import GATE_3, GateName
from backfill_pipelines.nba.phase_gates.scope import Scope, only

#: Rows of a table of evidence; the number of rows is always exact.
ROWS_SHOWN = 60


def report(gate: GateName, scope: Scope, judged: Judgement, failing: str = "") -> PhaseReport:
    """The verdicts. ``failing`` is the first asset that fails, which gate 3 names in its words."""
    parts = [_part(gate, scope, judged, season, failing) for season in _seasons(gate, scope)]
    evidence = {
        "backfill/scope": scope.text,
        "rules": markdown([_rule_row(finding) for finding in judged.findings]),
        **{title: markdown(rows) for title, rows in judged.evidence.items()},
    }
    return PhaseReport(parts, _verdict(gate, gate.name, scope, judged, judged.findings, failing), evidence)


def _seasons(gate: GateName, scope: Scope) -> list[str]:
    """Seasons that get a verdict of their own: those in scope; of gate 3, which is about today, the open ones."""
    judged = [span.season.name for span in scope.spans if gate is not GATE_3 or span.season.is_open]
    return [*judged, *scope.not_loaded]


def _part(gate: GateName, scope: Scope, judged: Judgement, season: str, failing: str) -> PhaseVerdict:
    findings = [finding for finding in judged.findings if finding.scope in ("", season)]
    return _verdict(gate, gate.check_of(season), only(scope, season), judged, findings, failing)


def _verdict(
    gate: GateName, check: str, scope: Scope, judged: Judgement, findings: Sequence[Finding], failing: str
) -> PhaseVerdict:
    first = min((str(span.first) for span in scope.spans), default="")
    last = max((str(span.last) for span in scope.spans), default="")
    red = list(dict.fromkeys(finding.rule for finding in findings if finding.is_red))
    words = _words(gate, scope, judged, red, failing)
    return PhaseVerdict(check, words, findings, first, last, {"backfill/scope": scope.text})


def _words(gate: GateName, scope: Scope, judged: Judgement, red: Sequence[str], failing: str) -> str:
    total = scope.schedule_dates
    open_dates = sum(judged.open_dates.get(span.season.name, 0) for span in scope.spans)
    if not red:
        counted = "" if gate is GATE_3 else f": {total} of {total} schedule dates accounted for, 0 unexplained"
        return f"{gate.green}{counted}"
    if gate is GATE_3:
        return f"{gate.red} {failing}; red: {', '.join(red)}"
    text = f"{gate.red}: {open_dates} of {total} unexplained; red: {', '.join(red)}"
    percent = 100 * (total - open_dates) / total if total else 0.0
    almost = f". Almost ready ({percent:.2f} % accounted for), which is not ready"
    return text + almost if percent >= ALMOST_READY_PERCENT else text


def _rule_row(finding: Finding) -> dict[str, Any]:
    seen = finding.measured
    return {
        "rule": finding.rule,
        "season": finding.scope or "all",
        "verdict": "red" if finding.is_red else "green",
        "measured": seen.expected,
        "violations": seen.violations,
        "note": seen.note,
    }


def markdown(rows: Sequence[Mapping[str, Any]]) -> dg.MarkdownMetadataValue:
    """Rows as a markdown table; the exact number is said when not all are shown."""
    if not rows:
        return dg.MetadataValue.md("none")
    names = list(dict.fromkeys(name for row in rows for name in row))
    lines = [f"| {' | '.join(names)} |", f"|{'---|' * len(names)}"]
    lines += [f"| {' | '.join(_cell(row.get(name)) for name in names)} |" for row in rows[:ROWS_SHOWN]]
    if len(rows) > ROWS_SHOWN:
        lines += ["", f"{len(rows):,} rows, the first {ROWS_SHOWN} shown"]
    return dg.MetadataValue.md("\n".join(lines))


def _cell(value: Any) -> str:
    return " ".join(shown(value).split()).replace("|", "\\|")[:300]
