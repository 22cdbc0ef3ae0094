"""Warehouses that were filled by the real assets: from a generated sample, and from slices of the real seasons."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from datetime import date
from pathlib import Path

import dagster as dg
import orjson

from backfill_pipelines.nba.assets import build_assets
from backfill_pipelines.nba.sample import write_feeds
from backfill_pipelines.nba.tables_raw import SCHEDULE
from backfill_pipelines.nba.warehouse_setup import set_up
from backfill_pipelines.stores.duckdb import DuckDBWarehouse
from backfill_pipelines.stores.notifications import Notifier
from backfill_pipelines.stores.objects import ObjectStore

Slice = tuple[date, date]

SHARED = Path(__file__).parents[4] / "shared"
REAL_DATA = SHARED / "data" / "nba"
_FEEDS_TOOL = SHARED / "tools" / "nba_feeds.py"
_SCHEDULE, _OTHER_FEEDS = ["schedule"], ["team_boxscore", "gamebook", "bigdataball", "bdl_boxscores", "player_boxscore"]

REAL_SEASON: Slice = (date(2021, 10, 19), date(2022, 6, 16))
#: Slices of 2021-22: opening nights with a double overtime, the play-in, the last final.
REAL_SLICES: tuple[Slice, ...] = (
    (date(2021, 10, 19), date(2021, 10, 22)),
    (date(2022, 4, 12), date(2022, 4, 15)),
    (date(2022, 6, 16), date(2022, 6, 16)),
)
#: The end of a regular season and the play-in after it.
SAMPLE_SLICE: Slice = (date(2023, 4, 6), date(2023, 4, 16))
WITHOUT_GAMEBOOKS = date(2023, 4, 8)


def load(feeds: Path, path: Path, scheduled: Slice, slices: Iterable[Slice]) -> None:
    """Materialise the schedule over ``scheduled`` and every other asset over the slices, in the order of the work.

    A red advisory gate does not fail a run; anything else that fails does.
    """
    warehouse = DuckDBWarehouse(path=str(path))
    set_up(warehouse)
    notifier = Notifier(file=str(path.with_suffix(".notifications")))
    resources = {"warehouse": warehouse, "feeds": ObjectStore(url=str(feeds)), "notifier": notifier}
    assets = build_assets()
    with dg.DagsterInstance.ephemeral() as instance:
        for asset in assets:
            for first, last in [scheduled] if asset.key.path == SCHEDULE.asset_key else slices:
                bounds = {"start": str(first), "end": str(last)}
                tags = {f"dagster/asset_partition_range_{side}": day for side, day in bounds.items()}
                dg.materialize(assets, selection=[asset.key], instance=instance, resources=resources, tags=tags)


def load_real(folder: Path) -> Path:
    """A warehouse with the slices of the real season."""
    feeds, path = folder / "feeds", folder / "real.duckdb"
    _run_feeds_tool(feeds, _SCHEDULE)
    for first, last in REAL_SLICES:
        _run_feeds_tool(feeds, _OTHER_FEEDS, "--from", str(first), "--to", str(last))
    load(feeds, path, REAL_SEASON, REAL_SLICES)
    return path


def load_sample(folder: Path) -> Path:
    """A warehouse with generated games, of which some lack a feed or a part of one."""
    feeds, path = folder / "feeds", folder / "sample.duckdb"
    first, last = SAMPLE_SLICE
    write_feeds(feeds, seasons=("2022-23",), first=first, last=last)
    shutil.rmtree(feeds / "nba-com/gamebooks-data" / str(WITHOUT_GAMEBOOKS))
    _first_file(feeds / "big-data-ball/2022-23" / str(first)).unlink()
    _edit(_first_file(feeds / "nba-com/team-boxscore" / str(first)), _drop_lineup)
    _edit(_first_file(feeds / "nba-com/gamebooks-data" / str(last)), _drop_a_player)
    load(feeds, path, SAMPLE_SLICE, [SAMPLE_SLICE])
    return path


def _run_feeds_tool(out: Path, feeds: list[str], *arguments: str) -> None:
    command = [sys.executable, str(_FEEDS_TOOL), "--data", str(REAL_DATA), "--out", str(out), "--seasons", "2021-22"]
    subprocess.run([*command, "--feeds", *feeds, *arguments], check=True, capture_output=True)


def _first_file(folder: Path) -> Path:
    return min(path for path in folder.rglob("*") if path.is_file())


def _edit(path: Path, change: Callable[[dict], None]) -> None:
    document = orjson.loads(path.read_bytes())
    change(document)
    path.write_bytes(orjson.dumps(document))


def _drop_lineup(document: dict) -> None:
    players = next(result for result in document["resultSets"] if result["name"] == "PlayerStats")
    players["rowSet"] = []


def _drop_a_player(document: dict) -> None:
    scorer = max(document["active_players"], key=lambda player: player["stats"]["points"])
    document["active_players"].remove(scorer)
