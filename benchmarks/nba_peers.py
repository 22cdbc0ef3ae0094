"""Three NBA tables, one season, side by side in one run: ours, a SQLMesh project and a dbt-duckdb microbatch project.

    python -m benchmarks.nba_peers [--feeds DIR] [--season 2021-22] [--runs 1]

The tables are team_offense_game_summary, player_game_summary and team_defense_game_summary; every tool runs the same
statements, made from ours, on its own copy of one DuckDB file with the raw tables, and must end with the same rows.

* Measured: the whole command, from the start of its process to its end, and the memory of its largest process.
* Ours: every gate with its verdicts, run history, read-back, Dagster's runs and events; below it, the part of it that
  is spent in the warehouse session, without Dagster and without starting up.
* SQLMesh: 30 days a batch, its interval ledger; once with audits; on DuckDB 1.5, as it allows no 2.x.
* dbt: one day a batch, 4 threads; once with tests; on our DuckDB.
* Audits and tests are of unique keys and required columns; our other gates have no counterpart there.
* Not measured: phase 2, installing the peers (``.state/peers``; one that cannot be installed is skipped), copying.

Our window is the table's own backfill policy, theirs the batch that each tool is made for.
"""

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from rich.console import Console
from rich.table import Table

from backfill_pipelines.backfill.event_storage import enable_event_batches
from backfill_pipelines.nba.catalog import RAW_PHASE
from backfill_pipelines.nba.sample import write_feeds
from backfill_pipelines.nba.seasons import BY_NAME, days_of
from backfill_pipelines.nba.warehouse_setup import set_up
from backfill_pipelines.settings import PROJECT_ROOT, Settings
from backfill_pipelines.stores.duckdb import DuckDBWarehouse
from benchmarks.nba_season import entries_of, feed_files, ours
from benchmarks.peers import child
from benchmarks.peers.environments import PeerMissingError, installed
from benchmarks.peers.projects import BATCH_DAYS, TABLES, THREADS, WRITERS, Job
from benchmarks.peers.rows import Rows, rows_of, write_raw_tables

OURS = "ours"
INCLUDED = {
    ("sqlmesh", False): f"{BATCH_DAYS} days a batch, interval ledger",
    ("sqlmesh", True): f"{BATCH_DAYS} days a batch, interval ledger, audits",
    ("dbt", False): f"one day a batch, {THREADS} threads",
    ("dbt", True): f"one day a batch, {THREADS} threads, data tests",
}


@dataclass
class Line:
    """A line of the report: one tool with what it includes, and what its runs took."""

    tool: str
    included: str
    seconds: list[float] = field(default_factory=list)
    peak_mb: list[float] = field(default_factory=list)


class Bench:
    """A season whose raw tables are loaded, and the tools to run over it."""

    def __init__(self, folder: Path, root: Path, season: str) -> None:
        self._folder = folder
        self._root = root
        self._season = season
        self._days: list[date] = days_of([BY_NAME[season]])
        self._raw = folder / "raw.duckdb"
        self._expected: Rows = {}

    @property
    def partitions(self) -> int:
        """Dates times tables."""
        return len(self._days) * len(TABLES)

    def load(self) -> None:
        """Phase 2: everything that the statements read."""
        settings = Settings(state_dir=self._folder / "base", feeds_url=str(self._root))  # pyright: ignore[reportCallIssue]
        warehouse = DuckDBWarehouse(path=str(settings.duckdb_file))
        set_up(warehouse)
        ours(
            settings,
            entries_of(RAW_PHASE, feed_files(self._root, self._days)),
            [str(day) for day in self._days],
            warehouse,
            len(self._days),
        )
        write_raw_tables(settings.duckdb_file, self._raw)

    def run_ours(self, whole: Line, gate: Line, session: Line) -> None:
        """Our command on a copy of the loaded state; its rows are what the others must have."""
        state = self._folder / OURS
        shutil.copytree(self._folder / "base", state)
        command = [sys.executable, "-m", "benchmarks.peers.ours", str(state), str(self._root), self._season]
        printed = self._timed(command, whole, PROJECT_ROOT)
        for line, seconds in zip((gate, session), printed.splitlines()[-1].split(), strict=True):
            line.seconds.append(float(seconds))
        self._expected = rows_of(state / "warehouse.duckdb")
        shutil.rmtree(state)

    def run_peer(self, peer: str, programs: Path, line: Line, *, checked: bool) -> None:
        """A peer's command on a copy of the raw tables.

        Raises:
            SystemExit: it failed, or its rows are not ours.
        """
        place = self._folder / peer
        database = place / "data" / "warehouse.duckdb"
        database.parent.mkdir(parents=True)
        shutil.copy(self._raw, database)
        job = Job(place / "project", database, self._days[0], self._days[-1], checked)
        self._timed(WRITERS[peer](job, programs), line, job.folder)
        found = rows_of(database)
        if found != self._expected:
            wrong = [
                f"{name} {found[name]}, not {rows}" for name, rows in self._expected.items() if found[name] != rows
            ]
            raise SystemExit(f"{peer} has other rows than we have: " + "; ".join(wrong))
        shutil.rmtree(place)

    def _timed(self, command: Sequence[str], line: Line, cwd: Path) -> str:
        result = self._folder / "result.json"
        launcher = [sys.executable, str(child.__file__), str(result), *command]
        done = subprocess.run(launcher, cwd=cwd, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
        if done.returncode:
            raise SystemExit(f"{line.tool} failed:\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}")
        measured = json.loads(result.read_text("utf-8"))
        line.seconds.append(measured["seconds"])
        line.peak_mb.append(measured["peak_mb"])
        return done.stdout


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--feeds", type=Path, help="folder of raw feeds; default: the sample generator")
    parser.add_argument("--season", default="2021-22", choices=sorted(BY_NAME))
    parser.add_argument("--runs", type=int, default=1, help="runs of every tool, in turn; medians are shown")
    arguments = parser.parse_args()
    enable_event_batches()
    console = Console(width=120)
    programs = _programs(console)
    with tempfile.TemporaryDirectory(prefix="nba-peers-") as folder:
        root = (arguments.feeds or Path(folder) / "feeds").resolve()
        if arguments.feeds is None:
            write_feeds(root, seasons=(arguments.season,))
        bench = Bench(Path(folder), root, arguments.season)
        bench.load()
        _report(console, bench.partitions, _measure(bench, programs, arguments.runs))


def _programs(console: Console) -> dict[str, Path]:
    """The programs of the peers that can be had."""
    found = {}
    for peer in WRITERS:
        try:
            found[peer] = installed(peer, PROJECT_ROOT / ".state" / "peers")
        except PeerMissingError as error:
            console.print(f"{peer} is skipped, pip cannot install it: {error}", markup=False)
    return found


def _measure(bench: Bench, programs: dict[str, Path], runs: int) -> list[Line]:
    """Every tool in turn, ``runs`` times."""
    whole = Line(OURS, "all gates, verdicts, run history, Dagster events")
    gate = Line(OURS, "of it gate 0 over the raw tables, which the others lack")
    session = Line(OURS, "of it in the warehouse session, without Dagster")
    steps: list[tuple[Line, Callable[[Line], None]]] = [(whole, lambda line: bench.run_ours(line, gate, session))]
    for peer, place in programs.items():
        for checked in (False, True):
            line = Line(peer, INCLUDED[peer, checked])

            def work(line: Line, peer: str = peer, place: Path = place, *, checked: bool = checked) -> None:
                bench.run_peer(peer, place, line, checked=checked)

            steps.append((line, work))
    for _ in range(runs):
        for line, step in steps:
            step(line)
    return [whole, gate, session, *(line for line, _ in steps[1:])]


def _report(console: Console, partitions: int, lines: Sequence[Line]) -> None:
    table = Table("tool", "included", "seconds", "ratio to ours", "peak MB", "partitions", title="one season, 3 tables")
    base = statistics.median(lines[0].seconds)
    for line in lines:
        seconds = statistics.median(line.seconds)
        peak = f"{max(line.peak_mb):.0f}" if line.peak_mb else ""
        table.add_row(line.tool, line.included, f"{seconds:.2f}", f"{seconds / base:.2f}", peak, str(partitions))
    console.print(table)
    console.print("every tool ended with the same rows as ours")


if __name__ == "__main__":
    main()
