"""A rollback of a promotion for people: the same lines in the metadata of the job and at the command line."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import dagster as dg

from backfill_pipelines.receipts.promotion.image_undoing import tally
from backfill_pipelines.receipts.promotion.rollback_ledger import KEPT, ROLLED_BACK
from backfill_pipelines.receipts.promotion.rollback_rules import State
from backfill_pipelines.receipts.promotion.rollback_run import Report, Request

#: Images that are named one by one.
_SHOWN = 50


def count_lines(report: Report) -> list[tuple[str, str]]:
    """Every count with its name."""
    preview, undone = report.preview, report.undone
    lines = [("run", preview.scope.run_id), ("table", preview.table), ("scope", preview.scope.name)]
    kinds = Counter(one.kind for one in preview.images.values())
    lines += [(f"images {kind} by the run", f"{number:,}") for kind, number in sorted(kinds.items())]
    if undone is None:
        lines += [("images to take back", f"{len(preview.to_write):,}")]
        lines += [("images that would be kept", f"{len(preview.images) - len(preview.to_write):,}")]
        states = preview.states
    else:
        outcomes = Counter(one.outcome for one in undone.values())
        lines += [("images rolled back", f"{outcomes[ROLLED_BACK]:,}"), ("images kept", f"{outcomes[KEPT]:,}")]
        states = tally(undone)
    verb = "" if undone is not None else "would be "
    lines += [(f"items {verb if states[state] else ''}{state}", f"{states[state]:,}") for state in State]
    left = sum((Counter(dict(one.left)) for one in preview.images.values()), Counter[str]())
    lines += [(f"items not of this run, left: {name}", f"{number:,}") for name, number in sorted(left.items())]
    lines += [("images done before", f"{len(preview.done):,}"), ("images left by the limit", f"{preview.left:,}")]
    events = ", ".join(f"{number:,} {kind}" for kind, number in sorted(preview.predicted.events.items()))
    lines += [("stream events", events or "none"), ("stream messages", preview.predicted.text)]
    lines += [("stream messages sent before", f"{preview.sent:,}")]
    if undone is not None:
        lines += [("write units", f"{sum(one.write_units for one in undone.values()):,.0f}")]
        lines += [("seconds", f"{report.seconds:,.1f}")]
    return lines


def detail_lines(report: Report) -> list[str]:
    """What is to be looked at one by one: kept images with their reasons and differences, gates."""
    reasons = {name: one.reason for name, one in report.preview.images.items() if one.is_kept}
    for name, one in (report.undone or {}).items():
        reasons |= {name: one.reason} if one.outcome == KEPT else {}
    lines: list[str] = []
    for name, reason in sorted(reasons.items())[:_SHOWN]:
        lines.append(f"kept: {name}: {reason}")
        lines += [f"  {text}" for text in report.preview.images[name].skipped]
    lines += [f"... and {len(reasons) - _SHOWN:,} more"] if len(reasons) > _SHOWN else []
    return [*lines, *(line for gate in report.gates for line in gate.lines)]


def next_line(report: Report, request: Request) -> str:
    """The command to type next."""
    preview = report.preview
    if report.undone is None:
        if preview.to_write:
            return f"dry run; next: {request.command} --apply --accept-stream-events {preview.messages}"
        embedded = sum(one.states.get(State.EMBEDDED_SINCE, 0) for one in preview.images.values())
        if embedded and not request.include_embedded:
            command = f"{request.command} --include-embedded"
            return f"{embedded:,} lines and words were embedded since; to take them back: {command}"
        return "nothing is left to take back"
    if preview.left:
        return f"{preview.left:,} images are left; next: {request.command}"
    return "the buckets are rolled back; their images are taken up again by: backfill promote plan, then run --apply"


def report_metadata(report: Report, request: Request) -> Mapping[str, Any]:
    """The report as metadata of a run."""
    table = "\n".join(["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in count_lines(report))])
    shown: dict[str, Any] = {
        "promotion/rollback": dg.MetadataValue.md(table),
        "promotion/next": next_line(report, request),
        "promotion/stream_messages": report.preview.messages,
    }
    if details := detail_lines(report):
        shown["promotion/details"] = dg.MetadataValue.md("```\n" + "\n".join(details) + "\n```")
    if report.undone is not None:
        outcomes = Counter(str(one.outcome) for one in report.undone.values())
        shown["promotion/outcomes"] = dg.MetadataValue.json(dict(outcomes))
    return shown
