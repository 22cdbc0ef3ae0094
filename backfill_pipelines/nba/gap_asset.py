"""The asset ``nba/gap_analysis``: every gap report and the calendar of all tables, shown in its metadata.

It stores nothing: the reports are views. It is there so that the state of the whole pipeline is one page of the UI.
"""

import base64
from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg

from backfill_pipelines.nba.assets import OWNER, POOL
from backfill_pipelines.nba.catalog import CATALOG
from backfill_pipelines.nba.gap_analysis import Reading, read_reports, shown
from backfill_pipelines.nba.table_days import TableDay, read_table_days

KEY = dg.AssetKey(["nba", "gap_analysis"])

#: Rows of a report and items of a list that its metadata show; the number of rows is always exact.
ROWS_SHOWN, ITEMS_SHOWN = 20, 12

_DESCRIPTION = """The twenty gap reports over all loaded seasons: what is missing, what failed, how fast the work goes.

States are judged by data: a date is complete when every expected key is there. Each report is also a view,
`gap_analysis.qNN_name`, and a command, `backfill gaps nba --report qNN`."""


def build_gap_analysis(engine: str = "duckdb") -> dg.AssetsDefinition:
    """The asset; ``engine`` is the kind that the UI shows."""

    @dg.asset(
        key=KEY,
        deps=[dg.AssetKey(entry.contract.asset_key) for entry in CATALOG],
        group_name="nba_operations",
        kinds={engine, "python"},
        owners=[OWNER],
        description=_DESCRIPTION,
        required_resource_keys={"warehouse"},
        pool=POOL,
    )
    def gap_analysis(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        warehouse = context.resources.warehouse
        return dg.MaterializeResult(metadata=report_metadata(read_reports(warehouse), read_table_days(warehouse)))

    return gap_analysis


def report_metadata(readings: Sequence[Reading], days: Sequence[TableDay]) -> Mapping[str, Any]:
    """The calendar, what is open, and each report as a table."""
    from backfill_pipelines.nba.calendar_picture import draw_calendar  # loads matplotlib

    open_days = [day for day in days if not day.is_accounted]
    return {
        "backfill/calendar": picture(draw_calendar(days, "NBA tables, day by day")),
        "backfill/open_required": sum(day.is_required for day in open_days),
        "backfill/open_optional": sum(not day.is_required for day in open_days),
        **{reading.report.name: markdown(reading) for reading in readings},
    }


def picture(png: bytes) -> dg.MarkdownMetadataValue:
    """A PNG inside markdown: the event log is all that the UI needs."""
    return dg.MetadataValue.md(f"![calendar](data:image/png;base64,{base64.b64encode(png).decode()})")


def markdown(reading: Reading) -> dg.MarkdownMetadataValue:
    """A report as a markdown table, with its question and the exact number of rows."""
    rows, names = reading.rows, reading.table.schema.names
    count = f"{len(rows):,} rows" + (f", the first {ROWS_SHOWN} shown" if len(rows) > ROWS_SHOWN else "")
    lines = [f"**{reading.report.question}** {count}", ""]
    if rows:
        lines += [f"| {' | '.join(names)} |", f"|{'---|' * len(names)}"]
        lines += [f"| {' | '.join(_cell(value) for value in row.values())} |" for row in rows[:ROWS_SHOWN]]
    return dg.MetadataValue.md("\n".join(lines))


def _cell(value: Any) -> str:
    return " ".join(shown(value, ITEMS_SHOWN).split()).replace("|", "\\|")
