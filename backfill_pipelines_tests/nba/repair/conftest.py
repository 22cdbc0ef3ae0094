"""A week of a season from opening night, built once; copies of it in which a file may be corrected."""

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from backfill_pipelines.backfill.repair import Mark, Partition
from backfill_pipelines.cli import app
from backfill_pipelines.nba.catalog import CATALOG
from backfill_pipelines.nba.sample import write_feeds
from backfill_pipelines.settings import read_settings
from backfill_pipelines.stores.resources import build_warehouse
from backfill_pipelines.stores.warehouse import Work
from backfill_pipelines_tests.nba.feeds_runs import days_between

FIRST, LAST = date(2022, 10, 18), date(2022, 10, 24)
DAYS = days_between(FIRST, LAST)
#: The corrected date.
DAY = date(2022, 10, 20)

Row = dict[str, Any]


@dataclass(frozen=True)
class Site:
    """A state folder and its feeds, and the command over them."""

    folder: Path
    days: Sequence[date] = tuple(DAYS)

    def __call__(self, *arguments: str) -> Result:
        return CliRunner().invoke(app, list(arguments), catch_exceptions=False)

    def repair(self, what: str, table: str = "", *more: str, day: date = DAY) -> Result:
        chosen = ["--table", table, "--dates", str(day)] if table else []
        return self("repair", what, "nba", *chosen, *more)

    def status(self) -> Result:
        return self("status", "--from", str(FIRST), "--to", str(LAST))

    def correct(self, feed: str, change: Callable[[Row], None], day: date = DAY) -> None:
        """Change the first file of a feed and date."""
        path = sorted((self.folder / "feeds" / "nba-com" / feed / str(day)).rglob("*.json"))[0]
        document = json.loads(path.read_bytes())
        change(document)
        path.write_text(json.dumps(document, indent=1))

    def query(self, statement: str, **parameters: Any) -> list[Row]:
        with build_warehouse(read_settings()).session(Work("test", "test", tuple(self.days))) as session:
            return session.query(statement, parameters).to_pylist()

    def digests(self) -> dict[Partition, str]:
        """Content of every partition as published."""
        with build_warehouse(read_settings()).session(Work("test", "test", tuple(self.days))) as session:
            return {
                Partition(entry.contract.full_name, day): digest.value
                for entry in CATALOG
                for day, digest in session.published(entry.contract).items()
            }

    def runs(self) -> list[Row]:
        """The run history without the time of writing: one row for every partition that any run has computed."""
        return self.query("SELECT output_table, data_date, run_id FROM nba_reference.processor_run_history")

    def ledger(self) -> dict[Partition, Mark]:
        """Where the partitions of all repairs stand; a repair of the same partition counts once, the latest."""
        rows = self.query("SELECT * FROM nba_reference.stale_partitions ORDER BY repair_id")
        return {
            Partition(row["table_name"], row["partition_date"]): Mark(row["resolution"] or Mark.STALE) for row in rows
        }


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The week after the main job; never changed."""
    folder = tmp_path_factory.mktemp("repair")
    write_feeds(folder / "feeds", seasons=("2022-23",), first=FIRST, last=LAST)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("BACKFILL_STATE_DIR", str(folder / "state"))
        environment.setenv("BACKFILL_FEEDS_URL", str(folder / "feeds"))
        done = CliRunner().invoke(app, ["demo", "--from", str(FIRST), "--to", str(LAST)], catch_exceptions=False)
        assert done.exit_code == 0, done.output
    return folder


@pytest.fixture
def site(built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A copy of one's own."""
    folder = tmp_path / "site"
    shutil.copytree(built, folder)
    monkeypatch.setenv("BACKFILL_STATE_DIR", str(folder / "state"))
    monkeypatch.setenv("BACKFILL_FEEDS_URL", str(folder / "feeds"))
    yield Site(folder)
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def untouched(built: Path) -> Iterator[Site]:
    """The built week itself, for tests that change nothing."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("BACKFILL_STATE_DIR", str(built / "state"))
        environment.setenv("BACKFILL_FEEDS_URL", str(built / "feeds"))
        yield Site(built)
