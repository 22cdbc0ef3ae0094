"""Creates the NBA tables and views in a warehouse, and writes the season windows. Safe to repeat."""

import pyarrow as pa

from backfill_pipelines.nba.catalog import all_contracts
from backfill_pipelines.nba.seasons import SEASONS
from backfill_pipelines.nba.statements import views
from backfill_pipelines.nba.tables_reference import SEASON_WINDOWS
from backfill_pipelines.stores.warehouse import Warehouse, Work, arrow_schema


def set_up(warehouse: Warehouse) -> None:
    """Create what is missing."""
    warehouse.ensure(all_contracts().values(), views())
    rows = [
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
    with warehouse.session(Work("setup", "nba_reference.seasons")) as session:
        session.merge(SEASON_WINDOWS, pa.Table.from_pylist(rows, arrow_schema(SEASON_WINDOWS)))
