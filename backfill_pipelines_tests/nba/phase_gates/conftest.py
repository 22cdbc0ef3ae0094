"""The opening of a generated season, loaded and computed once; each test damages a copy of its warehouse."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from backfill_pipelines.nba.catalog import CATALOG
from backfill_pipelines.nba.sample import write_feeds
from backfill_pipelines_tests.nba.feeds_runs import pipeline
from backfill_pipelines_tests.nba.phase_gates.bench import DAYS, Bench


@pytest.fixture(scope="session")
def opening(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with feeds and a warehouse in which every table of the opening days is complete."""
    folder = tmp_path_factory.mktemp("opening")
    write_feeds(folder / "feeds", seasons=("2022-23",), first=DAYS[0], last=DAYS[-1])
    with pipeline(folder, folder / "feeds", in_memory=True) as loaded:
        done = loaded.run_all([entry.contract.name for entry in CATALOG], DAYS[0], DAYS[-1])
    assert all(done.values()), [name for name, good in done.items() if not good]
    return folder


@pytest.fixture
def bench(opening: Path, tmp_path: Path) -> Iterator[Bench]:
    """The opening with a warehouse and an instance of one's own."""
    shutil.copy(opening / "warehouse.duckdb", tmp_path / "warehouse.duckdb")
    with dg.DagsterInstance.ephemeral() as instance:
        yield Bench(tmp_path / "warehouse.duckdb", opening / "feeds", instance)
