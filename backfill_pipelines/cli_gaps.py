"""``backfill gaps``: the gap reports on the command line, as a list, as tables, as CSV. Shows; writes nothing."""

import csv
import sys
from collections.abc import Sequence
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from backfill_pipelines.backfill.failures import BackfillError
from backfill_pipelines.cli_console import console, day_of, reported
from backfill_pipelines.nba.gap_analysis import Reading, read_reports, report_named, shown
from backfill_pipelines.nba.gap_reports import FIRST_DAY, LAST_DAY, REPORTS
from backfill_pipelines.nba.warehouse_setup import set_up
from backfill_pipelines.settings import read_settings
from backfill_pipelines.stores.resources import build_warehouse

gaps_app = typer.Typer(no_args_is_help=True, help="What is missing, what failed, how fast the work goes.")

#: Rows of a report on the screen; the CSV has all.
SHOWN = 40


@gaps_app.callback()
def gaps() -> None:
    """What is missing, what failed, how fast the work goes."""


@gaps_app.command()
@reported
def nba(
    report: Annotated[str, typer.Option("--report", help="One report: q02_missing_phase3, or q02.")] = "",
    first: Annotated[str, typer.Option("--from", help="First date; default: of the first season.")] = "",
    last: Annotated[str, typer.Option("--to", help="Last date; default: of the last season.")] = "",
    *,
    as_csv: Annotated[bool, typer.Option("--csv", help="Write the report as CSV; needs --report.")] = False,
) -> None:
    """List the twenty gap reports with their headline, or show one. Over schedule dates of the loaded seasons."""
    if as_csv and not report:
        raise BackfillError("CSV is written for one report. Repair: add --report q02_missing_phase3")
    chosen = [report_named(report)] if report else REPORTS
    bounds = (day_of(first) if first else FIRST_DAY, day_of(last) if last else LAST_DAY)
    if bounds[0] > bounds[1]:
        raise BackfillError(f"{bounds[0]} is after {bounds[1]}. Repair: swap --from and --to")
    warehouse = build_warehouse(read_settings())
    set_up(warehouse)
    readings = read_reports(warehouse, chosen, *bounds)
    if as_csv:
        _write_csv(readings[0])
    elif report:
        _show_report(readings[0])
    else:
        _show_list(readings)


def _show_list(readings: Sequence[Reading]) -> None:
    table = Table(title="gap reports; show one with: backfill gaps nba --report NAME")
    table.add_column("report", no_wrap=True)
    table.add_column("rows", justify="right")
    table.add_column("worst, or first")
    table.add_column("question")
    for reading in readings:
        rows = f"{reading.table.num_rows:,}"
        table.add_row(reading.report.name, rows, escape(reading.headline), reading.report.question)
    console.print(table)


def _show_report(reading: Reading) -> None:
    rows = reading.rows
    table = Table(title=f"{reading.report.name}: {reading.report.question}")
    for field in reading.table.schema:
        table.add_column(field.name, justify="right" if rows and _is_number(rows[0][field.name]) else "left")
    for row in rows[:SHOWN]:
        table.add_row(*(escape(shown(value)) for value in row.values()))
    console.print(table)
    hidden = len(rows) - SHOWN
    console.print(f"{hidden} more rows; --csv writes all" if hidden > 0 else f"{len(rows)} rows", highlight=False)


def _write_csv(reading: Reading) -> None:
    """All rows, lists joined by a blank; to stdout, so that it can be piped."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(reading.table.schema.names)
    for row in reading.rows:
        writer.writerow(" ".join(value) if isinstance(value, list) else value for value in row.values())


def _is_number(value: object) -> bool:
    return not isinstance(value, str | list | bool) and hasattr(value, "__abs__")
