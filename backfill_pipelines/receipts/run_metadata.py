"""What the UI shows of a run of the migration as a whole."""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from backfill_pipelines.receipts.run_reports import RunReport


def run_metadata(report: RunReport) -> dict[str, Any]:
    """Outcomes by reason, calls, write units, progress."""
    samples = {"receipts/samples": dg.MetadataValue.json([dict(one) for one in report.shown])} if report.shown else {}
    quota = {"receipts/daily_quota": report.daily_quota} if report.daily_quota else {}
    return (
        samples
        | quota
        | {
            "receipts/run_id": report.run_id,
            "receipts/tally": dg.MetadataValue.md(tally_table(report.tally)),
            "receipts/calls": dg.MetadataValue.json(dict(report.calls)),
            "receipts/spent_usd": report.spent_usd,
            "receipts/run_write_units": report.write_units,
            "receipts/seconds": report.seconds,
            "receipts/progress": "\n".join(report.samples) or "none",
        }
    )


def tally_table(tally: Mapping[str, Mapping[str, int]]) -> str:
    """Outcomes and reasons as a markdown table."""
    lines = ["| outcome | reason | records |", "|---|---|---:|"]
    for outcome, reasons in tally.items():
        lines += [f"| {outcome} | {reason} | {number:,} |" for reason, number in reasons.items()]
    return "\n".join(lines)
