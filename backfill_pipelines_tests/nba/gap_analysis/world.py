"""A small catalog and a warehouse of hand-made rows for the gap reports: bare rows with keys, and a run history.

What the days hold is said where the tests are; the real catalog may grow without changing an answer here.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa

from backfill_pipelines.backfill.contracts import TableContract
from backfill_pipelines.nba.catalog import (
    ANALYTICS_PHASE,
    BY_TABLE,
    PRECOMPUTE_GAMES,
    PRECOMPUTE_PHASE,
    Entry,
)
from backfill_pipelines.nba.catalog_views import catalog_tables, partition_keys
from backfill_pipelines.nba.gap_analysis import Reading, read_reports, report_named
from backfill_pipelines.nba.table_days import TableDay, read_table_days
from backfill_pipelines.nba.tables_analytics import PLAYER_SUMMARY, TEAM_OFFENSE
from backfill_pipelines.nba.tables_precompute import COMPOSITE_FACTORS
from backfill_pipelines.nba.tables_raw import PLAY_BY_PLAY, PLAYER_LINES, SCHEDULE, TEAM_BOXSCORE
from backfill_pipelines.nba.tables_reference import RUN_HISTORY
from backfill_pipelines.nba.warehouse_setup import set_up
from backfill_pipelines.stores.duckdb import DuckDBWarehouse
from backfill_pipelines.stores.warehouse import Work, arrow_schema
from backfill_pipelines_tests.nba.analytics.builders import Row, schedule

SMALL_CATALOG = (
    *(BY_TABLE[contract.full_name] for contract in (SCHEDULE, TEAM_BOXSCORE, PLAY_BY_PLAY, PLAYER_LINES)),
    Entry(TEAM_OFFENSE, ANALYTICS_PHASE, "Offense", (SCHEDULE, TEAM_BOXSCORE, PLAYER_LINES), (PLAY_BY_PLAY,)),
    Entry(PLAYER_SUMMARY, ANALYTICS_PHASE, "Players", (PLAYER_LINES, TEAM_OFFENSE)),
    Entry(COMPOSITE_FACTORS, PRECOMPUTE_PHASE, "Factors", (PLAYER_SUMMARY,), coverage=PRECOMPUTE_GAMES),
)
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
_BLANKS: Row = {"STRING": "x", "INT64": 0, "FLOAT64": 0.0, "BOOL": False, "NUMERIC": Decimal(0), "ARRAY<STRING>": []}
_BLANKS |= {"TIMESTAMP": NOON, "DATE": NOON.date(), "JSON": "{}"}


class World:
    """The warehouse: put rows in, read reports."""

    def __init__(self, path: Path) -> None:
        self.warehouse = DuckDBWarehouse(path=str(path))

    def create(self) -> None:
        """All tables and views; those that follow from the catalog, from the small one."""
        set_up(self.warehouse)
        texts = {"catalog_tables": catalog_tables(SMALL_CATALOG), "partition_keys": partition_keys(SMALL_CATALOG)}
        self.warehouse.ensure([], {f"nba_reference.{name}": text for name, text in texts.items()})

    def schedule(self, *games: str, **changes: Any) -> None:
        """Games on the schedule."""
        self.write(SCHEDULE, [schedule(game, **changes) for game in games])

    def fill(self, contracts: Iterable[TableContract], *games: str) -> None:
        """One bare row for each game in each table."""
        for contract in contracts:
            rows = [bare(contract, game_id=game, **{contract.partition_column: day_of(game)}) for game in games]
            self.write(contract, rows)

    def write(self, contract: TableContract, rows: Sequence[Row]) -> None:
        """Rows as they are; a row with the same key is replaced."""
        stamped = [{"data_hash": "h", "run_id": "r", "processed_at": NOON} | row for row in rows]
        known = [{name: value for name, value in row.items() if name in contract.by_name} for row in stamped]
        with self.warehouse.session(Work("test", "test")) as session:
            session.merge(contract, pa.Table.from_pylist(known, arrow_schema(contract, business_only=False)))

    def ran(self, processor: str, *days: date, hours: float = 0, error: str | None = None, **changes: Any) -> None:
        """A run of a processor over some days, ``hours`` after noon; with an error, a failed one."""
        at = NOON + timedelta(hours=hours)
        row = bare(RUN_HISTORY, processor_name=processor, run_id=f"{processor} {hours}", phase=ANALYTICS_PHASE)
        row |= {"status": "failed" if error else "success", "success": error is None, "error_message": error}
        row |= {"error_category": "PROCESSING_ERROR" if error else None, "rows_processed": 10}
        row |= {"processing_decision": "held" if error else "processed", "processing_time_seconds": 2.0}
        row |= {"started_at": at, "processed_at": at, "created_at": at} | changes
        self.write(RUN_HISTORY, [row | {"data_date": day} for day in days])

    def report(self, number: str, first: date, last: date) -> list[Row]:
        """Rows of a report."""
        return [dict(row) for row in self.reading(number, first, last).rows]

    def reading(self, number: str, first: date, last: date) -> Reading:
        """A report as it was read."""
        return read_reports(self.warehouse, [report_named(number)], first, last)[0]

    def states(self, first: date, last: date) -> dict[tuple[str, str], TableDay]:
        """States by table and day."""
        return {(d.table.split(".")[1], str(d.day)): d for d in read_table_days(self.warehouse, first, last)}


def bare(contract: TableContract, **values: Any) -> Row:
    """A row with blanks in the required columns."""
    return {c.name: _BLANKS[c.base_type] if c.required else None for c in contract.columns} | values


def day_of(game: str) -> date:
    """The date in a game id."""
    return datetime.strptime(game[:8], "%Y%m%d").replace(tzinfo=UTC).date()


def days_between(first: date, last: date) -> list[date]:
    """Every day, both ends included."""
    return [first + timedelta(days=offset) for offset in range((last - first).days + 1)]
