"""The opening weeks of a season after a backfill and one live date, built once; copies of it for each test."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import dagster as dg
import pytest

from backfill_pipelines.nba import automation
from backfill_pipelines.nba.catalog import CATALOG
from backfill_pipelines.nba.sample import write_feeds
from backfill_pipelines.nba.seasons import BY_NAME
from backfill_pipelines.settings import read_settings
from backfill_pipelines_tests.nba.feeds_runs import days_between
from backfill_pipelines_tests.nba.live.going_live import FIRST, LIVE_DAY, TODAY, backfill, go_live
from backfill_pipelines_tests.nba.phase_gates.bench import Bench
from backfill_pipelines_tests.nba.repair.conftest import Site

SEASON = "2022-23"


@pytest.fixture(scope="session")
def live(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with feeds and state, whose newest date was filled by the sensors; never changed."""
    folder = tmp_path_factory.mktemp("live")
    write_feeds(folder / "feeds", seasons=(SEASON,), first=FIRST, last=LIVE_DAY)
    with pytest.MonkeyPatch.context() as world:
        world.setenv("BACKFILL_STATE_DIR", str(folder / "state"))
        world.setenv("BACKFILL_FEEDS_URL", str(folder / "feeds"))
        backfill()
        world.setattr(automation, "today", lambda: TODAY)
        done = go_live(read_settings())
        assert sorted(done) == sorted("/".join(entry.contract.asset_key) for entry in CATALOG)
    return folder


@pytest.fixture
def bench(live: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """A copy of its warehouse, in a season that is not over."""
    monkeypatch.setitem(BY_NAME, SEASON, replace(BY_NAME[SEASON], is_open=True))
    shutil.copy(next((live / "state").rglob("*.duckdb")), tmp_path / "warehouse.duckdb")
    with dg.DagsterInstance.ephemeral() as instance:
        yield Bench(tmp_path / "warehouse.duckdb", live / "feeds", instance)


@pytest.fixture
def site(live: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A copy of all of it."""
    folder = Path(shutil.copytree(live, tmp_path / "site"))
    monkeypatch.setenv("BACKFILL_STATE_DIR", str(folder / "state"))
    monkeypatch.setenv("BACKFILL_FEEDS_URL", str(folder / "feeds"))
    yield Site(folder, tuple(days_between(FIRST, LIVE_DAY)))
    shutil.rmtree(folder)
