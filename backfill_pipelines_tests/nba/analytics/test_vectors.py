"""Test vectors V3, V4, V5, V7 and V14 of the specification: single games of 2021-22, digit by digit."""

import shutil
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from backfill_pipelines.backfill.contracts import TableContract
from backfill_pipelines.nba.tables_analytics import PLAYER_SUMMARY, TEAM_DEFENSE, TEAM_OFFENSE
from backfill_pipelines.nba.tables_context import TEAM_CONTEXT
from backfill_pipelines.nba.tables_raw import SCHEDULE
from backfill_pipelines_tests.nba.analytics.builders import schedule
from backfill_pipelines_tests.nba.analytics.oracle import SHOOTING, ZONES
from backfill_pipelines_tests.nba.analytics.tables import Tables

GAME = "20211020_BOS_NYK"


def row_of(path: Path, contract: TableContract, who: str) -> Mapping[str, Any]:
    """The row of a team or player in the double overtime of 2021-10-20."""
    statement = f"SELECT * FROM {contract.full_name} WHERE game_id = ? AND {contract.key[1]} = ?"
    with duckdb.connect(str(path), read_only=True) as connection:
        cursor = connection.execute(statement, [GAME, who])
        (found,) = cursor.fetchall()
        return dict(zip([column[0] for column in cursor.description], found, strict=True))


def assert_holds(row: Mapping[str, Any], expected: Mapping[str, Any]) -> None:
    assert {name: row[name] for name in expected} == expected


def numbers(names: list[str], values: str) -> dict[str, int]:
    return dict(zip(names, map(int, values.split()), strict=True))


@pytest.mark.parametrize(
    ("team", "shooting", "expected"),
    [
        (
            "BOS",
            "48 117 21 57 17 23",
            {
                "points_scored": 134,
                "offensive_rebounds": 15,
                "turnovers": 18,
                "possessions": Decimal("130.12"),
                "pace": Decimal("107.69"),
                "offensive_rating": Decimal("102.98"),
                "ts_pct": Decimal("0.527"),
                "margin_of_victory": -4,
                "win_flag": False,
            },
        ),
        (
            "NYK",
            "51 105 17 45 19 27",
            {
                "points_scored": 138,
                "offensive_rebounds": 7,
                "turnovers": 19,
                "possessions": Decimal("128.88"),
                "pace": Decimal("106.66"),
                "offensive_rating": Decimal("107.08"),
                "ts_pct": Decimal("0.590"),
                "margin_of_victory": 4,
                "win_flag": True,
            },
        ),
    ],
)
def test_v3_team_offence_of_a_double_overtime(real: Path, team: str, shooting: str, expected: dict[str, Any]) -> None:
    long_game = {"minutes_total": 290, "overtime_periods": 2, "home_game": team == "NYK"}
    assert_holds(row_of(real, TEAM_OFFENSE, team), expected | numbers(SHOOTING, shooting) | long_game)


@pytest.mark.parametrize(
    ("player", "line", "rates", "zones"),
    [
        ("jaylenbrown", "16 30 8 14 6 8", "45.97 32.62 0.686 0.667", "9 6 7 2 14 8"),
        ("jaysontatum", "7 30 2 15 4 5", "44.62 31.53 0.311 0.267", "9 3 6 2 15 2"),
        ("robertwilliamsiii", "5 5 0 0 6 8", "44.82 7.60 0.939 1.000", "5 5 0 0 0 0"),
    ],
)
def test_v4_players_of_a_double_overtime(real: Path, player: str, line: str, rates: str, zones: str) -> None:
    row = row_of(real, PLAYER_SUMMARY, player)
    names = ("minutes_played", "usage_rate", "ts_pct", "efg_pct")
    expected = dict(zip(names, map(Decimal, rates.split()), strict=True))
    assert_holds(row, expected | numbers(SHOOTING, line) | numbers(ZONES, zones))


@pytest.mark.parametrize(
    ("player", "expected"),
    [
        ("jaylenbrown", {"points": 46, "turnovers": 4, "assisted_fg_makes": 8}),
        ("jaysontatum", {"points": 20, "turnovers": 3}),
        ("robertwilliamsiii", {"points": 16, "turnovers": 0, "paint_makes": 5, "paint_blocks": 3, "blocks": 5}),
    ],
)
def test_v4_points_and_creation(real: Path, player: str, expected: dict[str, int]) -> None:
    assert_holds(row_of(real, PLAYER_SUMMARY, player), expected)


def test_v5_team_defence_of_a_double_overtime(real: Path) -> None:
    row = row_of(real, TEAM_DEFENSE, "NYK")
    zones = numbers([f"opp_{name}" for name in ZONES], "36 20 24 7 57 21")
    points = {"points_in_paint_allowed": 40, "mid_range_points_allowed": 14, "three_pt_points_allowed": 63}
    rates = {"defensive_rating": Decimal("102.98"), "opponent_pace": Decimal("107.69")}
    assert_holds(row, zones | points | rates | {"points_allowed": 134, "opp_ft_makes": 17, "turnovers_forced": 18})
    assert sum(points.values()) + 17 == 134
    assert row_of(real, TEAM_DEFENSE, "BOS")["blocks_paint"] == 5


@pytest.fixture(scope="module")
def christmas(real: Path, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Mapping[str, Any]]:
    """Team contexts of 2021-12-25 by team: the real schedule, whose scores are also the results."""
    path = Path(shutil.copy(real, tmp_path_factory.mktemp("christmas") / "real.duckdb"))
    with duckdb.connect(str(path)) as connection:
        connection.execute(RESULTS_BY_SCHEDULE)
    return {team: row for (_, team), row in Tables(path, [date(2021, 12, 25)]).staged(TEAM_CONTEXT).items()}


#: What the team context reads of the offence: who won, by how much.
RESULTS_BY_SCHEDULE = """
    CREATE OR REPLACE TABLE nba_analytics.team_offense_game_summary AS
    SELECT game_id, partition_date AS game_date, team AS team_abbr, margin > 0 AS win_flag,
      margin AS margin_of_victory, TRUE AS is_production_ready
    FROM (
      SELECT game_id, partition_date, home_team_tricode AS team, home_team_score - away_team_score AS margin
      FROM nba_reference.expected_games
      UNION ALL
      SELECT game_id, partition_date, away_team_tricode, away_team_score - home_team_score
      FROM nba_reference.expected_games
    )
"""


@pytest.mark.parametrize(
    ("team", "expected"),
    [
        (
            "BOS",
            {
                "team_days_rest": 3,
                "game_number_in_season": 33,
                "games_in_last_7_days": 3,
                "games_in_last_14_days": 5,
                "team_win_streak_entering": 1,
                "last_game_result": "W",
                "last_game_margin": 10,
                "travel_miles": 856,
                "win_pct_entering": Decimal("0.500"),
            },
        ),
        (
            "MIL",
            {
                "team_days_rest": 2,
                "game_number_in_season": 35,
                "games_in_last_7_days": 3,
                "games_in_last_14_days": 7,
                "travel_miles": 857,
                "win_pct_entering": Decimal("0.618"),
            },
        ),
        ("BKN", {"team_days_rest": 7, "games_in_last_7_days": 1, "games_in_last_14_days": 4, "travel_miles": 2449}),
        ("LAL", {"travel_miles": 0}),
    ],
)
def test_v7_what_teams_bring_into_christmas(
    christmas: Mapping[str, Mapping[str, Any]], team: str, expected: dict[str, Any]
) -> None:
    assert_holds(christmas[team], expected)


def states(path: Path, day: str) -> set[tuple[str, str | None]]:
    """States and reasons of the phase 3 tables on a day."""
    statement = (
        "SELECT DISTINCT state_expected, reason FROM nba_reference.expected_partitions "
        "WHERE partition_date = CAST(? AS DATE) AND table_name LIKE 'nba_analytics.%'"
    )
    with duckdb.connect(str(path), read_only=True) as connection:
        return set(connection.execute(statement, [day]).fetchall())


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        ("2021-10-19", ("expected", None)),
        ("2021-11-01", ("expected", None)),
        ("2021-11-02", ("expected", None)),
        ("2021-12-24", ("expected_empty", "no_games")),
        ("2022-02-18", ("expected_empty", "exhibition_only")),
        ("2022-02-20", ("expected_empty", "exhibition_only")),
        ("2022-04-12", ("expected", None)),
    ],
)
def test_v14_what_the_calendar_expects_of_phase_3(real: Path, day: str, expected: tuple[str, str | None]) -> None:
    """Bootstrap touches phase 4 only: phase 3 is complete from opening night."""
    assert states(real, day) == {expected}


def test_the_real_season_has_the_dates_and_games_of_the_calendar(real: Path) -> None:
    statement = (
        "SELECT COUNT(*), COUNT(*) FILTER (WHERE expected_games + exhibitions > 0), "
        "COUNT(*) FILTER (WHERE expected_games > 0), CAST(SUM(expected_games) AS BIGINT) "
        "FROM nba_reference.calendar_days WHERE season = '2021-22'"
    )
    with duckdb.connect(str(real), read_only=True) as connection:
        assert connection.execute(statement).fetchall() == [(241, 215, 213, 1323)]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [({"game_type": "cup_final"}, "excluded_competition"), ({"is_postponed": True}, "no_games")],
)
def test_v14_dates_of_2023_24_by_their_schedule(tables: Tables, changes: dict[str, Any], reason: str) -> None:
    """2023-12-09 has the cup final only, 2023-11-07 nothing at all."""
    day = date(2023, 12, 9)
    season = tables.on(day)
    season.publish({SCHEDULE: [schedule("20231209_IND_LAL", season="2023-24", season_year=2023, **changes)]})
    with season.warehouse.session(season.work) as session:
        found = session.query(
            "SELECT partition_date, empty_reason FROM nba_reference.calendar_days "
            "WHERE partition_date IN (DATE '2023-11-07', DATE '2023-12-09')"
        ).to_pylist()
    assert {row["partition_date"]: row["empty_reason"] for row in found} == {date(2023, 11, 7): "no_games", day: reason}
