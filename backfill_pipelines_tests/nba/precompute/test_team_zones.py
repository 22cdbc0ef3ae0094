"""Team defence by zone: the last 15 games, the league of the date, thin samples, ties."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from backfill_pipelines.nba.tables_analytics import TEAM_DEFENSE
from backfill_pipelines.nba.tables_precompute import TEAM_ZONES
from backfill_pipelines.nba.tables_raw import SCHEDULE
from backfill_pipelines_tests.nba.analytics.builders import AWAY, DAY, HOME, Row, schedule
from backfill_pipelines_tests.nba.analytics.tables import Tables
from backfill_pipelines_tests.nba.precompute.season import days_before, defence, game_on, season_of

_SHOTS = [f"opp_{zone}_{what}" for zone in ("paint", "mid_range") for what in ("attempts", "makes")]
_BLOCKS = ("blocks_paint", "blocks_mid_range", "blocks_three_pt")
NO_ZONES = dict.fromkeys(
    [*_SHOTS, *_BLOCKS, "opp_three_attempts_pbp", "opp_three_makes_pbp", "points_in_paint_allowed"]
)
ZONES = ("paint", "mid_range", "three_pt")


def zones(paint: tuple[int, int], mid_range: tuple[int, int], three: tuple[int, int]) -> Row:
    """Makes and attempts of the opponents by zone."""
    found: Row = {"opp_paint_makes": paint[0], "opp_paint_attempts": paint[1]}
    found |= {"opp_mid_range_makes": mid_range[0], "opp_mid_range_attempts": mid_range[1]}
    return found | {"opp_three_makes_pbp": three[0], "opp_three_attempts_pbp": three[1]}


def standing(blank: Tables, games: list[Row], day: date = DAY) -> dict[str, Row]:
    """Rows of a date by team, after these games."""
    played = sorted({one["game_date"] for one in games})
    finals = [schedule(game_on(one), season_year=season_of(one)) for one in played]
    blank.on(*played).publish({SCHEDULE: finals, TEAM_DEFENSE: games})
    today = blank.on(day)
    today.publish({SCHEDULE: [schedule(game_on(day), season_year=season_of(day))]})
    return {team: found for (_, team), found in today.staged(TEAM_ZONES).items()}


def numbers(found: Row, *names: str) -> list[str | None]:
    return [None if found[name] is None else str(found[name]) for name in names]


def test_v8_milwaukee_and_boston_before_2021_12_25(blank: Tables) -> None:
    """Sums of 15 games, held against a league whose other teams bring it to the mean of the vector."""
    league, others = (0.581813, 0.419148, 0.351836), [f"T{number}" for number in range(8)]
    sums = {"MIL": ((266, 446), (79, 184), (239, 671)), "BOS": ((277, 487), (125, 286), (182, 532))}
    exact = {
        "MIL": {"defensive_rating": "107.27", "opponent_pace": "99.50"},
        "BOS": {"defensive_rating": "107.11", "opponent_pace": "100.74"},
    }
    days = days_before(15)
    nothing = zones((0, 0), (0, 0), (0, 0))
    games = [
        defence(team, day, **exact[team], **(zones(*sums[team]) if day == days[0] else nothing))
        for team in sums
        for day in days
    ]
    total = 15 * 9_000
    rest = [
        round(total * (10 * mean - sum(sums[team][zone][0] / sums[team][zone][1] for team in sums)) / 8)
        for zone, mean in enumerate(league)
    ]
    games += [
        defence(team, day, **zones(*((made // 15 + (made % 15 if day == days[0] else 0), 9_000) for made in rest)))
        for team in others
        for day in days
    ]
    found = standing(blank, games)
    shares = [f"{zone}_pct_allowed_last_15" for zone in ZONES]
    differences = [f"{zone}_defense_vs_league_avg" for zone in ZONES]
    names = [*shares, *differences, "defensive_rating_last_15", "opponent_pace", "strongest_zone", "weakest_zone"]
    milwaukee = "0.596 0.429 0.356 1.46 1.02 0.43 107.27 99.50 perimeter paint"
    boston = "0.569 0.437 0.342 -1.30 1.79 -0.97 107.11 100.74 paint mid_range"
    assert numbers(found["MIL"], *names) == milwaukee.split()
    assert numbers(found["BOS"], *names) == boston.split()


def test_only_the_last_fifteen_games_count(blank: Tables) -> None:
    days = days_before(16)
    games = [defence(AWAY, days[0], points_allowed=900, opp_paint_makes=0), *(defence(AWAY, day) for day in days[1:])]
    found = standing(blank, games)[AWAY]
    assert numbers(found, "opponent_points_per_game", "paint_pct_allowed_last_15") == ["105.0", "0.600"]
    assert (found["games_in_sample"], found["window_is_full"], found["quality_tier"]) == (15, True, "gold")


@pytest.mark.parametrize(
    ("games", "tier", "issues"),
    [(5, "bronze", ["thin_sample:5/15"]), (7, "silver", ["thin_sample:7/15"]), (14, "silver", ["thin_sample:14/15"])],
)
def test_a_thin_sample_has_a_row_and_says_so(blank: Tables, games: int, tier: str, issues: list[str]) -> None:
    found = standing(blank, [defence(AWAY, day) for day in days_before(games)])[AWAY]
    assert (found["games_in_sample"], found["window_is_full"]) == (games, False)
    assert (found["quality_tier"], found["data_quality_issues"], found["is_production_ready"]) == (tier, issues, True)


def test_four_games_are_too_few(blank: Tables) -> None:
    assert standing(blank, [defence(AWAY, day) for day in days_before(4)]) == {}


def test_games_without_play_by_play_count_for_points_and_not_for_zones(blank: Tables) -> None:
    days = days_before(10)
    games = [defence(AWAY, day, **(NO_ZONES if day in days[:5] else {})) for day in days]
    found = standing(blank, games)[AWAY]
    assert numbers(found, "paint_attempts_allowed_per_game", "paint_blocks_per_game") == ["50.0", "3.0"]
    assert found["games_in_sample"] == 10
    assert found["calculation_notes"].startswith("5 games with zones. ")


def test_a_team_without_any_zones_has_no_strongest_zone(blank: Tables) -> None:
    found = standing(blank, [defence(AWAY, day, **NO_ZONES) for day in days_before(5)])[AWAY]
    assert [found[name] for name in ("paint_pct_allowed_last_15", "strongest_zone", "weakest_zone")] == [None] * 3
    assert found["opponent_points_per_game"] == Decimal("105.0")


def test_below_ten_teams_the_league_is_assumed(blank: Tables) -> None:
    found = standing(blank, [defence(AWAY, day) for day in days_before(5)])[AWAY]
    assert numbers(found, *(f"{zone}_defense_vs_league_avg" for zone in ZONES)) == ["2.00", "-1.00", "4.50"]
    assert found["calculation_notes"] == "League average assumed: fewer than 10 teams."


@pytest.mark.parametrize(
    ("made", "strongest", "weakest"),
    [((58, 41, 355), "paint", "paint"), ((59, 42, 355), "perimeter", "paint"), ((58, 41, 365), "paint", "perimeter")],
)
def test_ties_go_to_paint_then_mid_range(
    blank: Tables, made: tuple[int, int, int], strongest: str, weakest: str
) -> None:
    shot = zones((made[0], 100), (made[1], 100), (made[2], 1000))
    found = standing(blank, [defence(AWAY, day, **shot) for day in days_before(5)])[AWAY]
    assert (found["strongest_zone"], found["weakest_zone"]) == (strongest, weakest)


def test_the_window_does_not_reach_into_the_season_before(blank: Tables) -> None:
    """Five games in October, after a whole spring."""
    day = date(2022, 11, 10)
    spring = [defence(AWAY, date(2022, 5, 1) + timedelta(days=n), points_allowed=900) for n in range(10)]
    autumn = [defence(AWAY, one) for one in days_before(5, day)]
    found = standing(blank, spring + autumn, day)[AWAY]
    assert (found["games_in_sample"], numbers(found, "opponent_points_per_game")) == (5, ["105.0"])


def test_a_team_out_of_play_keeps_its_last_games(blank: Tables) -> None:
    games = [defence(AWAY, day) for day in days_before(5, DAY - timedelta(days=60))]
    assert standing(blank, games)[AWAY]["games_in_sample"] == 5


@pytest.mark.parametrize(("day", "rows"), [(date(2021, 11, 1), 0), (date(2021, 11, 2), 2)])
def test_the_bootstrap_days_are_empty(blank: Tables, day: date, rows: int) -> None:
    """Opening night is 2021-10-19: the fifteenth day is the first."""
    games = [defence(team, date(2021, 10, 19) + timedelta(days=n)) for team in (AWAY, HOME) for n in range(6)]
    assert len(standing(blank, games, day)) == rows


def test_a_final_that_is_not_in_phase_3_is_missing(blank: Tables) -> None:
    days = days_before(7)
    games = [defence(team, day) for team in (AWAY, HOME) for day in days if (team, day) != (AWAY, days[3])]
    found = standing(blank, games)[AWAY]
    counts = [found[name] for name in ("expected_games_count", "actual_games_count", "missing_games_count")]
    assert (counts, found["completeness_percentage"]) == ([7, 6, 1], 85.7)
    assert "historical_gap" in found["data_quality_issues"]
    assert not found["is_production_ready"]


def test_a_game_that_is_not_ready_makes_the_row_not_ready(blank: Tables) -> None:
    days = days_before(5)
    games = [defence(AWAY, day, is_production_ready=day != days[2]) for day in days]
    found = standing(blank, games)[AWAY]
    assert not found["is_production_ready"]
    assert "upstream_incomplete" in found["data_quality_issues"]
