"""One NBA season, side by side in one run: our phase 2 and phase 3 against the plain ways of doing the same.

    python -m benchmarks.nba_season [--feeds DIR] [--season 2021-22]

* phase 2: our gated load; the plain loop (json module, one insert a file); DuckDB's own glob readers, untyped.
* phase 3: our gated range runs; the same statements bare in DuckDB; one Dagster run for each date (a sample of
  dates, scaled to the season).
* phases 3 and 4, compute alone: each statement staged with hash and run, against the same statement bare.
* Dagster: what a range run adds to a partition and asset, beyond staging, gates and publishing.
* memory: the peak of this process.
"""

import argparse
import csv
import json
import resource
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
from rich.console import Console
from rich.table import Table

from backfill_pipelines.backfill.event_storage import enable_event_batches
from backfill_pipelines.nba import tables_raw as raw
from backfill_pipelines.nba.assets import build_assets
from backfill_pipelines.nba.catalog import ANALYTICS_PHASE, CATALOG, RAW_PHASE, Entry
from backfill_pipelines.nba.feeds import captures
from backfill_pipelines.nba.phase_gates.assets import build_phase_gates
from backfill_pipelines.nba.sample import write_feeds
from backfill_pipelines.nba.seasons import BY_NAME, days_of
from backfill_pipelines.nba.statements import statement_of
from backfill_pipelines.nba.warehouse_setup import set_up
from backfill_pipelines.runner import failure_text, open_instance, run_asset, run_unpartitioned
from backfill_pipelines.settings import Settings
from backfill_pipelines.stores import sql
from backfill_pipelines.stores.duckdb import DuckDBWarehouse
from backfill_pipelines.stores.objects import ObjectStore
from backfill_pipelines.stores.resources import build_resources
from backfill_pipelines.stores.warehouse import Work

#: Dates that are run one by one and scaled to the season.
SINGLE_DATES = 10


@contextmanager
def timed(seconds: dict[str, float], name: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    seconds[name] = seconds.get(name, 0.0) + time.perf_counter() - start


class TimedWarehouse(DuckDBWarehouse):
    """The DuckDB warehouse, adding up the time in which a session is open: staging, gates, publishing, ledger."""

    @contextmanager
    def session(self, work: Any) -> Iterator[Any]:
        """As the parent's, timed."""
        start = time.perf_counter()
        with super().session(work) as session:
            yield session
        SESSION_SECONDS[0] += time.perf_counter() - start


SESSION_SECONDS = [0.0]


def feed_files(root: Path, days: Sequence[date]) -> dict[str, list[Path]]:
    """The files of the season by feed."""
    feeds = (
        captures.SCHEDULE,
        captures.TEAM_BOXSCORE,
        captures.GAMEBOOK,
        captures.BALL_DONT_LIE,
        captures.PLAYER_BOXSCORE,
        captures.PLAY_BY_PLAY,
        captures.ROSTERS,
        captures.INJURIES,
        captures.GAME_LINES,
        captures.PROPS,
    )
    store = ObjectStore(url=str(root))
    found = {}
    for feed in feeds:
        folders = sorted({folder for day in days for folder in feed.folders(day)})
        found[feed.name] = [root / info.key for info in store.find(folders)]
    return {name: paths for name, paths in found.items() if paths}


def plain_loop(files: dict[str, list[Path]], database: Path) -> None:
    """Read one file with the standard library, insert its rows, take the next."""
    connection = duckdb.connect(str(database))
    for feed, paths in files.items():
        created = False
        for path in paths:
            rows = _csv_rows(path) if path.suffix == ".csv" else _json_rows(feed, json.loads(path.read_text("utf-8")))
            if not rows:
                continue
            width = len(rows[0])
            if not created:
                columns = ", ".join(f"c{i} VARCHAR" for i in range(width))
                connection.execute(f"CREATE TABLE {feed} ({columns})")
                created = True
            marks = ", ".join([f"({', '.join('?' * width)})"] * len(rows))
            connection.execute(f"INSERT INTO {feed} VALUES {marks}", [value for row in rows for value in row])
    connection.close()


def _csv_rows(path: Path) -> list[list[Any]]:
    with path.open(newline="", encoding="utf-8") as handle:
        return list(csv.reader(handle))[1:]


def _json_rows(feed: str, document: Any) -> list[list[Any]]:
    if feed == "schedule":
        games = [game for day in document["leagueSchedule"]["gameDates"] for game in day["games"]]
        return [[str(value) for value in game.values()] for game in games]
    if feed == "gamebook":
        return [[row["name"], row["team"], *map(str, row["stats"].values())] for row in document["active_players"]]
    if feed == "bdl_boxscores":
        return [[str(value) for value in row.values()] for row in document["data"]]
    if feed == "espn_rosters":
        return [[str(athlete[name]) for name in ("id", "fullName", "age")] for athlete in document["team"]["athletes"]]
    if feed == "injury_report":
        return [[str(value) for value in row.values()] for row in document["records"]]
    if feed in ("game_lines", "player_props"):
        markets = [(book["key"], market) for book in document["data"]["bookmakers"] for market in book["markets"]]
        return [[book, *map(str, outcome.values())] for book, market in markets for outcome in market["outcomes"]]
    return [[str(value) for value in row] for row in document["resultSets"][0]["rowSet"]]


def glob_readers(files: dict[str, list[Path]], database: Path) -> None:
    """DuckDB reads each feed in one statement into an untyped table, and checks nothing."""
    connection = duckdb.connect(str(database))
    for feed, paths in files.items():
        names = [str(path) for path in paths]
        reader = (
            "read_csv($names, all_varchar = true, header = true)"
            if paths[0].suffix == ".csv"
            else "read_json($names, maximum_object_size = 200000000)"
        )
        connection.execute(f"CREATE TABLE {feed} AS SELECT * FROM {reader}", {"names": names})
    connection.close()


def bare_statements(source: Path, database: Path, days: Sequence[date]) -> None:
    """The phase 3 statements over the whole season as CREATE TABLE AS, nothing around them."""
    connection = duckdb.connect(str(database))
    connection.execute(f"ATTACH '{source}' AS w (READ_ONLY)")
    connection.execute("USE w")
    for entry in CATALOG:
        statement = statement_of(entry)
        if entry.phase == ANALYTICS_PHASE and statement:
            text = sql.to_duckdb(statement)
            bound = {"start_date": days[0], "end_date": days[-1]}
            connection.execute(f"CREATE TEMP TABLE {entry.contract.name} AS {text}", bound)
    connection.close()


#: Feeds that a set of files may lack: nobody reads them then, neither we nor the others.
OPTIONAL = {
    raw.ROSTERS: captures.ROSTERS,
    raw.INJURIES: captures.INJURIES,
    raw.GAME_LINES: captures.GAME_LINES,
    raw.PROPS: captures.PROPS,
}


def entries_of(phase: str, feeds: Iterable[str]) -> list[Entry]:
    """Tables of a phase, without those whose optional feed has no file."""
    absent = [contract for contract, feed in OPTIONAL.items() if feed.name not in feeds]
    return [entry for entry in CATALOG if entry.phase == phase and entry.contract not in absent]


def compute(warehouse: DuckDBWarehouse, days: Sequence[date]) -> tuple[float, float]:
    """Seconds of all statements of phases 3 and 4, bare and staged, in turns; published in between, off the clock."""
    seconds = dict[str, float]()
    for entry in [e for e in CATALOG if e.phase != RAW_PHASE]:
        statement = statement_of(entry) or ""
        with duckdb.connect(warehouse.path) as connection, timed(seconds, "bare"):
            text = sql.to_duckdb(statement)
            bounds = {"start_date": days[0], "end_date": days[-1]}
            bound = {name: day for name, day in bounds.items() if f"${name}" in text}
            connection.execute(f"CREATE TEMP TABLE bare AS {text}", bound)
        with warehouse.session(Work("benchmark", entry.contract.full_name, tuple(days))) as session:
            with timed(seconds, "staged"):
                session.stage(entry.contract, statement)
            session.replace_partitions(entry.contract, days)
    return seconds["bare"], seconds["staged"]


def ours(
    settings: Settings, entries: Sequence[Entry], days: Sequence[str], warehouse: DuckDBWarehouse, step: int
) -> None:
    """Our assets over the days, in range runs of their own policy, or ``step`` partitions at a time."""
    resources = build_resources(settings) | {"warehouse": warehouse}
    phase = entries[0].phase
    chosen = [asset for asset, entry in zip(build_assets(), CATALOG, strict=True) if entry in entries]
    with open_instance(settings) as instance:
        if phase == ANALYTICS_PHASE:
            # A backfill of phase 3 waits for gate 0, so its time is part of ours.
            measure_first_gate(instance, resources, days)
        for chunk in [days[i : i + step] for i in range(0, len(days), step)]:
            for asset in chosen:
                _run(asset, chunk, instance, resources)


def measure_first_gate(instance: dg.DagsterInstance, resources: dict[str, Any], days: Sequence[str]) -> None:
    """Gate 0 over the days, which phase 3 waits for."""
    stores = {name: resources[name] for name in ("warehouse", "feeds")}
    scope = {"first_date": days[0], "last_date": days[-1]}
    gate = run_unpartitioned(build_phase_gates()[0], instance=instance, resources=stores, config=scope)
    if not gate.success:
        raise SystemExit(failure_text(gate))


def _run(
    asset: dg.AssetsDefinition, days: Sequence[str], instance: dg.DagsterInstance, resources: dict[str, Any]
) -> None:
    for result in run_asset(asset, days, instance=instance, resources=resources, config={"force": True}):
        if result.failure:
            raise SystemExit(result.failure)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--feeds", type=Path, help="folder of raw feeds; default: the sample generator")
    parser.add_argument("--season", default="2021-22")
    arguments = parser.parse_args()
    enable_event_batches()
    with tempfile.TemporaryDirectory(prefix="nba-season-") as folder:
        _measure(Path(folder), arguments.feeds, arguments.season)


def _measure(folder: Path, feeds: Path | None, season: str) -> None:
    root = (feeds or folder / "feeds").resolve()
    if feeds is None:
        write_feeds(root, seasons=(season,))
    settings = Settings(state_dir=folder / "state", feeds_url=str(root))  # pyright: ignore[reportCallIssue]
    warehouse = TimedWarehouse(path=str(settings.duckdb_file))
    set_up(warehouse)
    days = days_of([BY_NAME[season]])
    keys, files, seconds = [str(day) for day in days], feed_files(root, days), dict[str, float]()

    raw_entries, analytics = entries_of(RAW_PHASE, files), entries_of(ANALYTICS_PHASE, files)
    steps: list[tuple[str, Callable[[], None]]] = [
        ("ours 2", lambda: ours(settings, raw_entries, keys, warehouse, len(keys))),
        ("ours 3", lambda: ours(settings, analytics, keys, warehouse, len(keys))),
        ("glob", lambda: glob_readers(files, folder / "glob.duckdb")),
        ("loop", lambda: plain_loop(files, folder / "loop.duckdb")),
        ("bare", lambda: bare_statements(settings.duckdb_file, folder / "bare.duckdb", days)),
        ("single", lambda: ours(settings, analytics, keys[60 : 60 + SINGLE_DATES], warehouse, 1)),
    ]
    inside, peak_mb = dict[str, float](), 0.0
    for name, work in steps:
        SESSION_SECONDS[0] = 0.0
        with timed(seconds, name):
            work()
        inside[name] = SESSION_SECONDS[0]
        if name == "ours 3":
            # Later steps are not ours: DuckDB's readers take what they find.
            peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    counts = {RAW_PHASE: len(raw_entries), ANALYTICS_PHASE: len(analytics)}
    _report(seconds, inside, len(keys), sum(map(len, files.values())), counts)
    bare, staged = compute(warehouse, days)
    print(f"phases 3 and 4, compute alone: bare {bare:.2f} s, staged with hash {staged:.2f} s, {staged / bare:.2f}x")
    print(f"peak memory of our phases {peak_mb:.0f} MB")


def _report(seconds: dict[str, float], inside: dict[str, float], days: int, files: int, assets: dict[str, int]) -> None:
    one_by_one = seconds["single"] / SINGLE_DATES * days
    table = Table("what", "seconds", "ratio to ours", title=f"one season: {days} days, {files} files")
    two, three = seconds["ours 2"], seconds["ours 3"]
    lines = [
        (f"phase 2, ours, {assets[RAW_PHASE]} gated tables", two, 1.0),
        (
            "phase 2, inside the warehouse session (read, parse, gates, publish)",
            inside["ours 2"],
            inside["ours 2"] / two,
        ),
        ("phase 2, plain loop", seconds["loop"], seconds["loop"] / two),
        ("phase 2, DuckDB glob readers, untyped", seconds["glob"], seconds["glob"] / two),
        (f"phase 3, ours, {assets[ANALYTICS_PHASE]} gated tables", three, 1.0),
        ("phase 3, inside the warehouse session", inside["ours 3"], inside["ours 3"] / three),
        ("phase 3, bare statements", seconds["bare"], seconds["bare"] / three),
        (f"phase 3, one run a date ({SINGLE_DATES} dates, scaled)", one_by_one, one_by_one / three),
    ]
    for name, value, ratio in lines:
        table.add_row(name, f"{value:.2f}", f"{ratio:.2f}")
    console = Console(width=120)
    console.print(table)
    for name, phase in (("ours 2", RAW_PHASE), ("ours 3", ANALYTICS_PHASE)):
        added = (seconds[name] - inside[name]) / days / assets[phase] * 1000
        console.print(f"Dagster adds {added:.1f} ms to a partition and asset of {phase}")


if __name__ == "__main__":
    main()
