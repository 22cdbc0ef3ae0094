"""Warehouses of the phase 3 tests: one with a hand-made game, and two that the real assets filled."""

import shutil
from pathlib import Path

import pytest

from backfill_pipelines.nba.warehouse_setup import set_up
from backfill_pipelines.stores.duckdb import DuckDBWarehouse
from backfill_pipelines_tests.nba.analytics import support
from backfill_pipelines_tests.nba.analytics.builders import raw_rows
from backfill_pipelines_tests.nba.analytics.histories import History
from backfill_pipelines_tests.nba.analytics.tables import Tables


@pytest.fixture(scope="session")
def default_game(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse file with the raw rows of the default game; to be copied."""
    path = tmp_path_factory.mktemp("default") / "nba.duckdb"
    set_up(DuckDBWarehouse(path=str(path)))
    Tables(path).publish(raw_rows())
    return path


@pytest.fixture(scope="session")
def no_game(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse file with tables, views and what is known beforehand; to be copied."""
    path = tmp_path_factory.mktemp("empty") / "nba.duckdb"
    set_up(DuckDBWarehouse(path=str(path)))
    return path


@pytest.fixture
def history(no_game: Path, tmp_path: Path) -> History:
    """A season without games in a warehouse of its own."""
    return History(Tables(Path(shutil.copy(no_game, tmp_path / "nba.duckdb"))))


@pytest.fixture
def tables(default_game: Path, tmp_path: Path) -> Tables:
    """A warehouse of one's own with the raw rows of the default game."""
    return Tables(Path(shutil.copy(default_game, tmp_path / "nba.duckdb")))


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A generated week with damaged feeds, loaded by the assets."""
    return support.load_sample(tmp_path_factory.mktemp("sample"))


@pytest.fixture(scope="session")
def real(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Slices of the real season 2021-22, loaded by the assets."""
    if not support.REAL_DATA.is_dir():
        pytest.skip(f"the real seasons are not at {support.REAL_DATA}")
    return support.load_real(tmp_path_factory.mktemp("real"))
