"""The rows of the real season that the chosen days need; and those of a season with trouble."""

import shutil
from pathlib import Path

import duckdb
import pytest

from backfill_pipelines.nba.catalog import BY_TABLE
from backfill_pipelines.stores.duckdb import DuckDBWarehouse
from backfill_pipelines_tests.nba import season_loading
from backfill_pipelines_tests.nba.oracles import trouble
from backfill_pipelines_tests.nba.oracles.agreement import DAYS, ORACLES
from backfill_pipelines_tests.nba.oracles.stored import Stored, read


@pytest.fixture(scope="session")
def stored(real_season: Path) -> Stored:
    """The real season, as far as the chosen days need it."""
    return _read(real_season)


@pytest.fixture(scope="session")
def troubled(real_season: Path, tmp_path_factory: pytest.TempPathFactory) -> Stored:
    """The season with trouble; the contexts and phase 4 are computed anew on the chosen days."""
    path = Path(shutil.copy(real_season, tmp_path_factory.mktemp("trouble") / "season.duckdb"))
    days = list(DAYS.values())
    trouble.make(path, days)
    entries = [BY_TABLE[contract.full_name] for contract, _ in ORACLES.values()]
    season_loading.fill(DuckDBWarehouse(path=str(path)), entries, days)
    return _read(path)


def _read(path: Path) -> Stored:
    with duckdb.connect(str(path), read_only=True) as connection:
        return read(connection, DAYS.values())
