"""Reading the gap reports through a warehouse: one, or all of them with a headline. Shows nothing, writes nothing."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa

from backfill_pipelines.backfill.failures import BackfillError
from backfill_pipelines.nba.gap_reports import FIRST_DAY, LAST_DAY, REPORTS, Report
from backfill_pipelines.stores.warehouse import Warehouse, WarehouseSession, Work

Row = Mapping[str, Any]

#: Columns of a headline, and items of a list that are written out in it.
_HEADLINE_COLUMNS, _HEADLINE_ITEMS = 3, 2


@dataclass(frozen=True)
class Reading:
    """A report as it was read."""

    report: Report
    table: pa.Table

    @property
    def rows(self) -> list[Row]:
        """The rows, in the order of the report."""
        return self.table.to_pylist()

    @property
    def headline(self) -> str:
        """The worst row in a few words."""
        return headline(self.report, self.rows)


def report_named(name: str) -> Report:
    """A report by its name, or by its number alone: q02.

    Raises:
        BackfillError: there is none.
    """
    found = [report for report in REPORTS if name in (report.name, report.name.split("_")[0])]
    if not found:
        raise BackfillError(f"no report {name}. Repair: use one of\n  " + "\n  ".join(r.name for r in REPORTS))
    return found[0]


def read_reports(
    warehouse: Warehouse, reports: Iterable[Report] = REPORTS, first: date = FIRST_DAY, last: date = LAST_DAY
) -> list[Reading]:
    """The reports over the dates from ``first`` to ``last``, both included."""
    with warehouse.session(Work("gap-analysis", "nba/gap_analysis")) as session:
        return [Reading(report, _read(session, report.statement, first, last)) for report in reports]


def _read(session: WarehouseSession, statement: str, first: date, last: date) -> pa.Table:
    return with_whole_numbers(session.query(statement, {"start_date": first, "end_date": last}))


def with_whole_numbers(found: pa.Table) -> pa.Table:
    """A result in which DuckDB's sums of whole numbers, decimals without digits, are whole numbers again."""
    whole = [f.with_type(pa.int64()) if pa.types.is_decimal(f.type) and f.type.scale == 0 else f for f in found.schema]
    return found.cast(pa.schema(whole))


def headline(report: Report, rows: Sequence[Row]) -> str:
    """The row with the lowest value of the column that matters, or the first row."""
    if not rows:
        return "none"
    measured = [row for row in rows if report.worst and row[report.worst] is not None]
    if not report.worst or not measured:
        first, *others = list(rows[0].items())[:_HEADLINE_COLUMNS]
        return f"{shown(first[1])}: " + ", ".join(f"{name} {shown(value, _HEADLINE_ITEMS)}" for name, value in others)
    column = report.worst
    worst = min(measured, key=lambda row: row[column])
    return f"{shown(next(iter(worst.values())))}: {report.worst} {shown(worst[report.worst])}"


def shown(value: Any, items: int | None = None) -> str:
    """A value for people: two decimals, more below one, minutes of a time, lists in one line."""
    if value is None:
        return ""
    if isinstance(value, Decimal | float):
        return f"{value:.4f}" if 0 < abs(value) < 1 else f"{value:.2f}"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, list):
        named = ", ".join(shown(item) for item in value[:items])
        return named if items is None or len(value) <= items else f"{named} and {len(value) - items} more"
    return str(value)
