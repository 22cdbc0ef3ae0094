"""The twenty gap reports as a list: their statements, and the views that they are in the warehouse.

A view takes no parameters. So each statement is written once, with @start_date and @end_date: bound by the reader
for any range of dates, and written out in the view as the bounds of all seasons, of which only the loaded ones have
rows. In the BigQuery console: ``SELECT * FROM gap_analysis.q02_missing_phase3``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from backfill_pipelines.nba.seasons import SEASONS
from backfill_pipelines.stores import sql

PACKAGE = "backfill_pipelines.nba"
DATASET = "gap_analysis"

#: Bounds of a report that is not asked for other dates.
FIRST_DAY, LAST_DAY = SEASONS[0].opening, SEASONS[-1].closing


@dataclass(frozen=True)
class Report:
    """One report. ``worst`` names the column whose lowest value is the headline; without it, the first row is."""

    name: str
    worst: str | None = None

    @property
    def statement(self) -> str:
        """GoogleSQL with @start_date and @end_date."""
        return sql.load(PACKAGE, f"gap_analysis/{self.name}")

    @property
    def question(self) -> str:
        """What the report answers: the first line of its statement."""
        return self.statement.splitlines()[0].removeprefix("-- ")

    @property
    def view(self) -> str:
        """``dataset.view``."""
        return f"{DATASET}.{self.name}"


REPORTS: tuple[Report, ...] = (
    Report("q01_coverage_by_year", "phase3_pct"),
    Report("q02_missing_phase3"),
    Report("q03_missing_phase4"),
    Report("q04_monthly_gaps", "completeness_pct"),
    Report("q05_progress", "pct_complete"),
    Report("q06_processor_progress", "success_rate"),
    Report("q07_hourly_rate", "rolling_avg_3h"),
    Report("q08_recent_completions"),
    Report("q09_unresolved_failures"),
    Report("q10_error_patterns"),
    Report("q11_partial_dates"),
    Report("q12_retry_dates"),
    Report("q13_gate0", "completeness_pct"),
    Report("q14_gate1", "completeness_pct"),
    Report("q15_gate2", "completeness_pct"),
    Report("q16_phase3_tables", "completeness_pct"),
    Report("q17_slow_dates"),
    Report("q18_processor_times"),
    Report("q19_rerun_dates"),
    Report("q20_retry_pairs"),
)


def report_views() -> Mapping[str, str]:
    """GoogleSQL of the views by name."""
    return {report.view: _over_all_seasons(report.statement) for report in REPORTS}


def _over_all_seasons(statement: str) -> str:
    return statement.replace("@start_date", _constant(FIRST_DAY)).replace("@end_date", _constant(LAST_DAY))


def _constant(day: date) -> str:
    return f"DATE '{day}'"
