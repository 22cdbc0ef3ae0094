"""Warehouses of the phase 4 tests: one without games, one with twelve games behind the default game."""

import shutil
from pathlib import Path

import pytest

from backfill_pipelines.nba.warehouse_setup import set_up
from backfill_pipelines.stores.duckdb import DuckDBWarehouse
from backfill_pipelines_tests.nba.analytics.tables import Tables
from backfill_pipelines_tests.nba.precompute.season import (
    BEST,
    OTHER,
    PHASE_4,
    days_before,
    publish_history,
    slate,
)


@pytest.fixture(scope="session")
def no_games(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tables and season windows, no row; to be copied."""
    path = tmp_path_factory.mktemp("precompute") / "nba.duckdb"
    set_up(DuckDBWarehouse(path=str(path)))
    return path


@pytest.fixture(scope="session")
def published_path(no_games: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve games, the slate of the default game, and phase 4 of it; to be copied, or only staged into."""
    path = Path(shutil.copy(no_games, tmp_path_factory.mktemp("published") / "nba.duckdb"))
    tables = Tables(path)
    publish_history(tables, days_before(12))
    tables.publish(slate(BEST, OTHER))
    tables.build(*PHASE_4)
    return path


@pytest.fixture(scope="session")
def published(published_path: Path) -> Tables:
    """The default game; tests stage rows here and publish none."""
    return Tables(published_path)


@pytest.fixture
def tables(published_path: Path, tmp_path: Path) -> Tables:
    """A copy of one's own of the default game, to publish other rows in."""
    return Tables(Path(shutil.copy(published_path, tmp_path / "nba.duckdb")))


@pytest.fixture
def blank(no_games: Path, tmp_path: Path) -> Tables:
    """A warehouse of one's own without games."""
    return Tables(Path(shutil.copy(no_games, tmp_path / "nba.duckdb")))
