"""The stored tables of phase 3 against their second computation, on generated and on real games."""

import shutil
from pathlib import Path

import duckdb
import pytest

from backfill_pipelines_tests.nba.analytics import support
from backfill_pipelines_tests.nba.analytics.comparison import differences

TABLES = {
    "nba_raw.player_lines": "player_lookup",
    "nba_analytics.team_offense_game_summary": "team_abbr",
    "nba_analytics.player_game_summary": "player_lookup",
    "nba_analytics.team_defense_game_summary": "defending_team_abbr",
}


def counts(path: Path, statement: str) -> tuple[int, ...]:
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(statement).fetchall()[0]


def test_generated_games_agree_with_the_oracle(sample: Path) -> None:
    assert differences(sample) == {table: [] for table in TABLES}


def test_real_games_agree_with_the_oracle(real: Path) -> None:
    assert differences(real) == {table: [] for table in TABLES}


def test_the_generated_games_hold_every_fallback(sample: Path) -> None:
    """An agreement says nothing about paths that no row took."""
    games, without_zones, without_lineup, backup, alone = counts(
        sample,
        f"""
        SELECT COUNT(DISTINCT game_id),
          COUNT(DISTINCT game_id) FILTER (WHERE paint_attempts IS NULL),
          COUNT(DISTINCT game_id) FILTER (WHERE list_contains(data_quality_issues, 'starter_estimated')),
          COUNT(*) FILTER (WHERE primary_source_used = 'bdl_boxscores'
            AND game_date = DATE '{support.WITHOUT_GAMEBOOKS}'),
          COUNT(*) FILTER (WHERE primary_source_used = 'bdl_boxscores'
            AND game_date != DATE '{support.WITHOUT_GAMEBOOKS}')
        FROM nba_analytics.player_game_summary""",
    )
    assert games > 40
    assert without_zones == 1 + 6, "the deleted file and the play-in"
    assert (without_lineup, alone) == (1, 1)
    assert backup > 100


def test_the_real_games_are_all_there(real: Path) -> None:
    """2021-10-19 to -22, the play-in and the last final of 2021-22."""
    found = counts(
        real,
        """
        SELECT COUNT(DISTINCT game_date), COUNT(DISTINCT game_id), COUNT(*),
          COUNT(*) FILTER (WHERE paint_attempts IS NULL)
        FROM nba_analytics.player_game_summary""",
    )
    assert found == (8, 33, 730, 119)


@pytest.mark.parametrize(
    ("table", "damage", "named"),
    [
        ("nba_raw.player_lines", "SET points = points + 1", "points of"),
        ("nba_analytics.team_offense_game_summary", "SET pace = pace + 0.01", "pace of"),
        ("nba_analytics.player_game_summary", "SET usage_rate = NULL", "usage_rate of"),
        ("nba_analytics.player_game_summary", "SET data_quality_issues = ['reconstructed']", "data_quality_issues of"),
        ("nba_analytics.team_defense_game_summary", "SET blocks_paint = 0", "blocks_paint of"),
    ],
)
def test_one_wrong_value_is_found(sample: Path, tmp_path: Path, table: str, damage: str, named: str) -> None:
    """A comparison that cannot fail proves nothing."""
    path = Path(shutil.copy(sample, tmp_path / "damaged.duckdb"))
    chosen = (
        f"SELECT MAX((game_id, {TABLES[table]})) FROM {table} WHERE blocks_paint > 0"
        if "blocks" in damage
        else (f"SELECT MAX((game_id, {TABLES[table]})) FROM {table}")
    )
    with duckdb.connect(str(path)) as connection:
        connection.execute(f"UPDATE {table} {damage} WHERE (game_id, {TABLES[table]}) = ({chosen})")
    found = differences(path)[table]
    assert len(found) == 1
    assert found[0].startswith(named)


@pytest.mark.parametrize("table", TABLES)
def test_one_lost_and_one_doubled_row_are_found(sample: Path, tmp_path: Path, table: str) -> None:
    path = Path(shutil.copy(sample, tmp_path / "damaged.duckdb"))
    key = f"(game_id, {TABLES[table]})"
    with duckdb.connect(str(path)) as connection:
        connection.execute(f"DELETE FROM {table} WHERE {key} = (SELECT MAX({key}) FROM {table})")
        connection.execute(f"INSERT INTO {table} SELECT * FROM {table} WHERE {key} = (SELECT MIN({key}) FROM {table})")
    assert [text.split(":")[0] for text in differences(path)[table]] == ["not stored", "twice"]
