"""The quarantine is resolved by a good load of the same entity and by nothing else: an entry that disappears early is a
bad file that nobody captures again."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from backfill_pipelines.nba.catalog import BY_TABLE, Entry
from backfill_pipelines.nba.feeds.captures import Capture
from backfill_pipelines.nba.feeds.loading import Loaded, SetAsideFile
from backfill_pipelines.nba.ledger import RunInfo, quarantine, utc_now
from backfill_pipelines.nba.warehouse_setup import set_up
from backfill_pipelines.stores.duckdb import DuckDBWarehouse
from backfill_pipelines.stores.warehouse import Work, arrow_schema

MONDAY, TUESDAY, WEDNESDAY = (date(2022, 11, day) for day in (7, 8, 9))
TEAM_BOX, SCHEDULE = BY_TABLE["nba_raw.nbac_team_boxscore"], BY_TABLE["nba_raw.nbac_schedule"]
TAKEN = datetime(2022, 11, 10, 6, tzinfo=UTC)
BAD_BOX = Capture("team_boxscore", "nba-com/team-boxscore/x.json", "nba-com/team-boxscore", TAKEN, 9, TUESDAY, "1")
BAD_SEASON = Capture("schedule", "nba-com/schedule-cdn/2022-23/x.json", "2022-23", TAKEN, 9, None, None)


@pytest.fixture
def warehouse(tmp_path: Path) -> DuckDBWarehouse:
    made = DuckDBWarehouse(path=str(tmp_path / "w.duckdb"))
    set_up(made)
    return made


def load(warehouse: DuckDBWarehouse, entry: Entry, days: list[date], *bad: Capture) -> list[dict]:
    """A load of the days that set aside ``bad``; what is open afterwards."""
    loaded = Loaded(arrow_schema(entry.contract).empty_table())
    loaded.set_aside = [SetAsideFile(capture, "corrupt_file", "no JSON", capture.nba_game_id) for capture in bad]
    with warehouse.session(Work("run", entry.contract.full_name, tuple(days))) as session:
        quarantine(session, entry, RunInfo("run", "manual", utc_now()), loaded, days)
        return session.query(
            "SELECT object_key, feed, game_date FROM nba_reference.file_quarantine WHERE resolved_at IS NULL"
        ).to_pylist()


def test_a_bad_file_stays_listed_while_only_its_neighbours_are_loaded_again(warehouse: DuckDBWarehouse) -> None:
    entry = {"object_key": BAD_BOX.object_key, "feed": "team_boxscore", "game_date": TUESDAY}
    assert load(warehouse, TEAM_BOX, [MONDAY, TUESDAY, WEDNESDAY], BAD_BOX) == [entry]
    assert load(warehouse, TEAM_BOX, [MONDAY, WEDNESDAY]) == [entry]
    assert load(warehouse, TEAM_BOX, [TUESDAY]) == []


def test_a_bad_season_file_is_resolved_by_a_good_load_of_any_day_of_its_season(warehouse: DuckDBWarehouse) -> None:
    (entry,) = load(warehouse, SCHEDULE, [TUESDAY], BAD_SEASON)
    assert entry["feed"] == "schedule"
    assert load(warehouse, SCHEDULE, [date(2022, 3, 1)]) == [entry]
    assert load(warehouse, SCHEDULE, [WEDNESDAY]) == []
