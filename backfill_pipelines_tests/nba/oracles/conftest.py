"""The rows of the real season, read once."""

from pathlib import Path

import duckdb
import pytest

from backfill_pipelines_tests.nba.oracles.stored import Stored, read


@pytest.fixture(scope="session")
def stored(real_season: Path) -> Stored:
    """Every table of the real season."""
    with duckdb.connect(str(real_season), read_only=True) as connection:
        return read(connection)
