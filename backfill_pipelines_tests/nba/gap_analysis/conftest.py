"""The week of the gap reports, in the season 2021-22.

Monday 3 January: two games, of which the player summary lacks one. Tuesday: no game. Wednesday: a game that only
the schedule knows. 19 October, opening night: complete, and a bootstrap day of phase 4. 18 February: an exhibition.
"""

import shutil
from datetime import date
from pathlib import Path

import pytest

from backfill_pipelines.nba.tables_analytics import PLAYER_SUMMARY, TEAM_OFFENSE
from backfill_pipelines.nba.tables_raw import PLAYER_LINES, TEAM_BOXSCORE
from backfill_pipelines_tests.nba.gap_analysis.world import COMPOSITE_FACTORS, World, days_between

OPENING, MONDAY, TUESDAY, WEDNESDAY = date(2021, 10, 19), date(2022, 1, 3), date(2022, 1, 4), date(2022, 1, 5)
EXHIBITION, CLOSING = date(2022, 2, 18), date(2022, 6, 16)
FIRST_GAME, GAME, SECOND_GAME, LATE_GAME = (
    "20211019_BOS_NYK",
    "20220103_BOS_NYK",
    "20220103_MIA_PHI",
    "20220105_BOS_NYK",
)


@pytest.fixture(scope="session")
def week(tmp_path_factory: pytest.TempPathFactory) -> World:
    """The week without a run history but the schedule's; read only."""
    made = World(tmp_path_factory.mktemp("week") / "nba.duckdb")
    made.create()
    made.schedule(FIRST_GAME, GAME, SECOND_GAME, LATE_GAME)
    made.schedule("20220218_ATL_BKN", game_type="all_star")
    made.ran("NbacScheduleProcessor", *days_between(OPENING, CLOSING), hours=-48, phase="phase_2_raw")
    made.fill([TEAM_BOXSCORE, PLAYER_LINES, TEAM_OFFENSE], FIRST_GAME, GAME, SECOND_GAME)
    made.fill([PLAYER_SUMMARY], FIRST_GAME, GAME)
    made.fill([COMPOSITE_FACTORS], GAME, SECOND_GAME)
    return made


@pytest.fixture
def world(week: World, tmp_path: Path) -> World:
    """The week, to be changed."""
    return World(Path(shutil.copy(week.warehouse.path, tmp_path / "nba.duckdb")))


@pytest.fixture(scope="session")
def history(week: World, tmp_path_factory: pytest.TempPathFactory) -> World:
    """The week with a history: cured and open failures, a run for nothing, processors that never ran; read only."""
    made = World(Path(shutil.copy(week.warehouse.path, tmp_path_factory.mktemp("history") / "nba.duckdb")))
    raw = {"phase": "phase_2_raw"}
    for processor in ("NbacTeamBoxscoreProcessor", "PlayerLinesProcessor"):
        made.ran(processor, OPENING, MONDAY, hours=-24, **raw)
    made.ran("Offense", OPENING, MONDAY, hours=1, error="two_rows_per_expected_game: 4 vs 2")
    made.ran("Offense", OPENING, MONDAY, hours=2)
    made.ran("Offense", TUESDAY, hours=2, status="skipped", skip_reason="expected_empty:no_games")
    made.ran("Players", OPENING, MONDAY, hours=3, processing_time_seconds=4.0)
    made.ran("Players", MONDAY, hours=4, error="players_match_the_lines: 20 vs 10")
    made.ran("Players", MONDAY, hours=5, error="crashed")
    return made
