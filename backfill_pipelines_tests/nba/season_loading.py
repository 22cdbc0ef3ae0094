"""A whole real season in a warehouse, through the project's own loaders and statements, without Dagster and gates.

One range for each table. The first days of the next season come with it, so that the boundary between two is there.
"""

import subprocess
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace

from backfill_pipelines.nba.assets import compute_of
from backfill_pipelines.nba.catalog import CATALOG, Entry
from backfill_pipelines.nba.seasons import BY_NAME, days_of
from backfill_pipelines.nba.tables_raw import PLAYER_BOXSCORES
from backfill_pipelines.nba.warehouse_setup import set_up
from backfill_pipelines.stores.duckdb import DuckDBWarehouse
from backfill_pipelines.stores.objects import ObjectStore
from backfill_pipelines.stores.warehouse import Warehouse, Work

SHARED = Path(__file__).parents[3] / "shared"
DATA = SHARED / "data" / "nba"
_TOOL = SHARED / "tools" / "nba_feeds.py"

SEASON, NEXT_SEASON = BY_NAME["2021-22"], BY_NAME["2022-23"]
NEXT_DAYS = [NEXT_SEASON.opening + timedelta(days=offset) for offset in range(16)]
DAYS: list[date] = days_of([SEASON]) + NEXT_DAYS
#: Feeds that no later table reads are left out.
_FEEDS = ["team_boxscore", "gamebook", "bigdataball", "bdl_boxscores"]
_UNREAD = {PLAYER_BOXSCORES}


def load(folder: Path) -> Path:
    """A warehouse with every table that the real feeds fill, phase 2 to 4."""
    path, feeds = folder / "season.duckdb", folder / "feeds"
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda arguments: _write_feeds(feeds, *arguments), _selections()))
    warehouse = DuckDBWarehouse(path=str(path))
    set_up(warehouse)
    fill(warehouse, [entry for entry in CATALOG if entry.contract not in _UNREAD], DAYS, ObjectStore(url=str(feeds)))
    return path


def fill(
    warehouse: Warehouse, entries: Iterable[Entry], days: Sequence[date], feeds: ObjectStore | None = None
) -> None:
    """Stage and publish the days of each table as one range, in the order given; only raw tables need the feeds."""
    for entry in entries:
        with warehouse.session(Work("real-season", entry.contract.full_name, tuple(days))) as session:
            compute_of(entry, SimpleNamespace(feeds=feeds))(session, days)
            session.replace_partitions(entry.contract, days)


def _selections() -> list[list[str]]:
    """Arguments of the feeds tool; the schedule is written whole, for the days ahead are read from it."""
    last = str(NEXT_DAYS[-1])
    return [
        ["--seasons", SEASON.name, NEXT_SEASON.name, "--feeds", "schedule"],
        ["--seasons", SEASON.name, NEXT_SEASON.name, "--to", last, "--feeds", *_FEEDS],
    ]


def _write_feeds(out: Path, *arguments: str) -> None:
    command = [sys.executable, str(_TOOL), "--data", str(DATA), "--out", str(out), *arguments]
    subprocess.run(command, check=True, capture_output=True)
