"""The state of every table on every day, as ``nba_reference.partition_states`` says it: rows for a picture."""

from dataclasses import dataclass
from datetime import date

from backfill_pipelines.nba.gap_reports import FIRST_DAY, LAST_DAY, PACKAGE
from backfill_pipelines.stores import sql
from backfill_pipelines.stores.warehouse import Warehouse, Work


@dataclass(frozen=True)
class TableDay:
    """One table on one day."""

    table: str
    day: date
    season: str
    state: str
    reason: str | None = None
    is_required: bool = True

    @property
    def shown_as(self) -> str:
        """The entry of the legend."""
        if self.reason == "schedule_not_loaded":
            return "schedule not loaded"
        if self.state == "expected_empty":
            return "no games" if self.reason == "no_games" else "expected empty"
        return self.state

    @property
    def is_accounted(self) -> bool:
        """Nothing is left to do."""
        return self.shown_as not in ("stale", "partial", "missing", "schedule not loaded")


def read_table_days(warehouse: Warehouse, first: date = FIRST_DAY, last: date = LAST_DAY) -> list[TableDay]:
    """Every table on every day of the loaded seasons between two dates, tables in the order of the work."""
    statement = sql.load(PACKAGE, "status/table_days")
    with warehouse.session(Work("table-days", "nba_reference.partition_states")) as session:
        rows = session.query(statement, {"start_date": first, "end_date": last}).to_pylist()
    return [
        TableDay(
            table=row["table_name"],
            day=row["partition_date"],
            season=row["season"],
            state=row["state"],
            reason=row["reason"],
            is_required=row["is_required"],
        )
        for row in rows
    ]
