"""Creates the NBA tables and views in a warehouse, and writes what is known beforehand. Safe to repeat.

Known beforehand: the season windows, where the teams play, and the clocks there.
"""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from backfill_pipelines.backfill.contracts import TableContract
from backfill_pipelines.nba.catalog import all_contracts
from backfill_pipelines.nba.seasons import SEASONS
from backfill_pipelines.nba.statements import views
from backfill_pipelines.nba.tables_reference import SEASON_WINDOWS, TEAM_LOCATIONS, TIMEZONE_OFFSETS
from backfill_pipelines.nba.team_locations import location_rows, offset_rows
from backfill_pipelines.stores.warehouse import Warehouse, Work, arrow_schema

Rows = Sequence[dict[str, Any]]


def set_up(warehouse: Warehouse) -> None:
    """Create what is missing."""
    warehouse.ensure(all_contracts().values(), views())
    known: dict[TableContract, Rows] = {
        SEASON_WINDOWS: _season_rows(),
        TEAM_LOCATIONS: location_rows(),
        TIMEZONE_OFFSETS: offset_rows(),
    }
    with warehouse.session(Work("setup", "nba_reference")) as session:
        for contract, rows in known.items():
            session.merge(contract, pa.Table.from_pylist(rows, arrow_schema(contract)))


def _season_rows() -> Rows:
    return [
        {
            "season": season.name,
            "season_year": season.year,
            "opening": season.opening,
            "closing": season.closing,
            "is_open": season.is_open,
            "confirmed": season.confirmed,
        }
        for season in SEASONS
    ]
