"""A rollback for people: the same lines in the metadata of the job and at the command line."""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from backfill_pipelines.backfill.gaps import consecutive
from backfill_pipelines.receipts.keys import BUCKETS
from backfill_pipelines.receipts.rollback_run import Report, Request

#: Records that are named one by one.
_SHOWN = 50


def count_lines(report: Report) -> list[tuple[str, str]]:
    """Every count with its name."""
    preview, applied = report.preview, report.applied
    lines = [("run", preview.scope.run_id), ("scope", preview.scope.name), ("plan", preview.plan_id)]
    lines += [(f"in the ledger: {kind}", f"{number:,}") for kind, number in preview.kinds.items()]
    verb = "" if applied else "would be "
    lines += [(f"{verb}{state}" if number else str(state), f"{number:,}") for state, number in report.states.items()]
    lines += [("done before", f"{len(preview.done):,}"), ("left by the limit", f"{preview.left:,}")]
    lines += [("stream messages sent before", f"{preview.events_sent:,}")]
    if applied:
        lines += [
            ("stream messages sent", f"{applied.events(preview):,}"),
            ("write units", f"{applied.write_units:,.0f}"),
            ("seconds", f"{applied.seconds:,.1f}"),
        ]
    else:
        lines += [("stream messages to come", f"{preview.events_to_come:,}")]
        lines += [("marked, and unknown to the ledger", f"{len(preview.unknown_to_ledger):,}")]
        lines += [("in the ledger, and without the mark", f"{len(preview.unmarked):,}")]
    return lines


def detail_lines(report: Report) -> list[str]:
    """What is to be looked at one by one: skipped records with their differences, unknown ones, gates."""
    preview = report.preview
    skipped = preview.skipped[:_SHOWN]
    lines = [line for one in skipped for line in (f"changed since, kept: {one.key.name}", *one.lines[1:])]
    lines += _more(len(preview.skipped))
    unknown = preview.unknown_to_ledger[:_SHOWN]
    lines += [f"marked, and unknown to the ledger, never touched: {key.name}" for key in unknown]
    lines += _more(len(preview.unknown_to_ledger))
    return [*lines, *(line for gate in report.gates for line in gate.lines)]


def next_line(report: Report, request: Request) -> str:
    """The command to type next."""
    preview = report.preview
    if report.applied is None:
        if not preview.steps:
            return "nothing is left to take back"
        return f"dry run; next: {request.command} --apply --accept-stream-events {preview.events_to_come}"
    if preview.left:
        return f"{preview.left:,} records are left; next: {request.command}"
    touched = sorted({key.bucket for key in (*preview.steps, *preview.done)})
    if not touched:
        return "nothing was left to take back"
    ranges = consecutive(touched, BUCKETS, len(BUCKETS))
    named = ",".join(one[0] if len(one) == 1 else f"{one[0]}-{one[-1]}" for one in ranges)
    return (
        "the buckets are rolled back; their records are taken up again by: "
        f"backfill receipts run --buckets {named} --apply --fetch"
    )


def report_metadata(report: Report, request: Request) -> Mapping[str, Any]:
    """The report as metadata of a run."""
    table = "\n".join(["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in count_lines(report))])
    shown: dict[str, Any] = {
        "receipts/rollback": dg.MetadataValue.md(table),
        "receipts/next": next_line(report, request),
    }
    if details := detail_lines(report):
        shown["receipts/details"] = dg.MetadataValue.md("```\n" + "\n".join(details) + "\n```")
    if report.applied:
        shown["receipts/states"] = dg.MetadataValue.json(dict(report.states))
        shown["receipts/stream_messages"] = report.applied.events(report.preview)
    else:
        shown["receipts/stream_messages_to_come"] = report.preview.events_to_come
    return shown


def _more(number: int) -> list[str]:
    return [f"... and {number - _SHOWN:,} more"] if number > _SHOWN else []
