"""A warehouse in which every table of the default game is published, and an exhibition day."""

import shutil
from datetime import date
from pathlib import Path

import pytest

from backfill_pipelines.nba.tables_analytics import PLAYER_SUMMARY, TEAM_DEFENSE, TEAM_OFFENSE
from backfill_pipelines.nba.tables_context import PLAYER_CONTEXT, TEAM_CONTEXT
from backfill_pipelines.nba.tables_raw import PLAYER_LINES, SCHEDULE
from backfill_pipelines.nba.warehouse_setup import set_up
from backfill_pipelines.stores.duckdb import DuckDBWarehouse
from backfill_pipelines_tests.nba.analytics.builders import raw_rows, schedule
from backfill_pipelines_tests.nba.analytics.optional_feeds import optional_rows
from backfill_pipelines_tests.nba.analytics.tables import Tables

EXHIBITION_DAY = date(2022, 2, 18)


@pytest.fixture(scope="session")
def published_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file; to be copied, or only staged into."""
    path = tmp_path_factory.mktemp("published") / "nba.duckdb"
    set_up(DuckDBWarehouse(path=str(path)))
    tables = Tables(path)
    tables.publish(raw_rows())
    tables.build(PLAYER_LINES, TEAM_OFFENSE, PLAYER_SUMMARY, TEAM_DEFENSE)
    tables.publish(optional_rows())
    tables.build(TEAM_CONTEXT, PLAYER_CONTEXT)
    tables.on(EXHIBITION_DAY).publish({SCHEDULE: [schedule("20220218_ATL_BKN", game_type="all_star")]})
    return path


@pytest.fixture(scope="session")
def published(published_path: Path) -> Tables:
    """The default game; tests stage rows here and publish none."""
    return Tables(published_path)


@pytest.fixture
def tables(published_path: Path, tmp_path: Path) -> Tables:
    """A copy of one's own, to publish other rows in."""
    return Tables(Path(shutil.copy(published_path, tmp_path / "nba.duckdb")))
