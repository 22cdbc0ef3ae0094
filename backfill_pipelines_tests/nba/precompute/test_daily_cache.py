"""Daily cache: averages of counted games of the season before the date, and what is copied from the date's rows."""

from typing import Any

import pytest

from backfill_pipelines.nba.tables_analytics import TEAM_OFFENSE
from backfill_pipelines.nba.tables_context import PLAYER_CONTEXT
from backfill_pipelines.nba.tables_precompute import DAILY_CACHE, PLAYER_ZONES
from backfill_pipelines_tests.nba.analytics.builders import AWAY, HOME, Row
from backfill_pipelines_tests.nba.analytics.tables import Tables
from backfill_pipelines_tests.nba.precompute.season import (
    BEST,
    days_before,
    offence,
    player_context,
    player_zones,
    publish_games,
    slate,
    summary,
)


def cached(blank: Tables, games: list[Row], teams: list[Row] | None = None, **context: Any) -> Row | None:
    """The player's row of the default game, after these games."""
    publish_games(blank, games)
    days = sorted({one["game_date"] for one in games})
    offences = [offence(team, day) for team in (AWAY, HOME) for day in days] if teams is None else teams
    blank.on(*days).publish({TEAM_OFFENSE: offences})
    blank.publish(slate(BEST) | {PLAYER_CONTEXT: [player_context(BEST, **context)], PLAYER_ZONES: [player_zones(BEST)]})
    found = list(blank.staged(DAILY_CACHE).values())
    return found[0] if found else None


def games_of(points: list[int], **changes: Any) -> list[Row]:
    """Games with these points, oldest first."""
    days = days_before(len(points))
    return [summary(BEST, day, points=scored, **changes) for day, scored in zip(days, points, strict=True)]


def numbers(found: Row | None, *names: str) -> list[str | None]:
    assert found is not None
    return [None if found[name] is None else str(found[name]) for name in names]


def test_averages_of_five_ten_and_all_games(blank: Tables) -> None:
    found = cached(blank, games_of([100, 100, 10, 20, 10, 20, 10, 30, 30, 30, 30, 30]))
    names = ["points_avg_last_5", "points_avg_last_10", "points_avg_season", "points_std_last_10"]
    assert numbers(found, *names) == ["30.0", "22.0", "35.0", "9.19"]
    assert numbers(found, "games_played_season", "early_season_flag", "insufficient_data_reason") == [
        "12",
        "False",
        None,
    ]


def test_minutes_and_usage_pass_over_games_that_have_none(blank: Tables) -> None:
    days = days_before(6)
    games = [summary(BEST, day, usage_rate=26, minutes_played="33.35") for day in days[:5]]
    found = cached(blank, [*games, summary(BEST, days[5], minutes_played=None, usage_rate=None)])
    names = ["minutes_avg_last_10", "minutes_avg_season", "usage_rate_last_10", "player_usage_rate_season"]
    assert numbers(found, *names) == ["33.4", "33.4", "26.00", "26.00"]


def test_true_shooting_is_a_ratio_of_sums(blank: Tables) -> None:
    """100 points on 2 * (80 + .44 * 20)."""
    assert numbers(cached(blank, games_of([20] * 5)), "ts_pct_last_10") == ["0.563"]


def test_free_of_shots_there_is_no_true_shooting(blank: Tables) -> None:
    assert numbers(cached(blank, games_of([0] * 5, fg_attempts=0, ft_attempts=0)), "ts_pct_last_10") == [None]


@pytest.mark.parametrize(
    ("count", "tier", "flag", "issues"),
    [(5, "bronze", True, ["early_season"]), (9, "silver", True, ["early_season"]), (10, "gold", False, [])],
)
def test_a_short_season_says_so(blank: Tables, count: int, tier: str, *, flag: bool, issues: list[str]) -> None:
    found = cached(blank, games_of([20] * count))
    assert found is not None
    assert (found["quality_tier"], found["early_season_flag"], found["data_quality_issues"]) == (tier, flag, issues)
    assert found["insufficient_data_reason"] == (f"Only {count} games played, need 10 minimum" if flag else None)


def test_four_games_are_too_few(blank: Tables) -> None:
    assert cached(blank, games_of([20] * 4)) is None


def test_the_team_is_that_of_the_date(blank: Tables) -> None:
    """A traded player: his own games of another team, the pace of the new one's last ten."""
    days = days_before(12)
    teams = [offence(AWAY, day, pace=90 if day in days[:2] else 100) for day in days]
    teams += [offence("LAL", day, pace=80) for day in days]
    found = cached(blank, games_of([20] * 12, team_abbr="LAL"), teams)
    assert numbers(found, "team_abbr", "team_pace_last_10", "games_played_season") == [AWAY, "100.00", "12"]


def test_workload_and_age_are_copied_from_the_context(blank: Tables) -> None:
    context: Row = {"minutes_in_last_7_days": 99, "back_to_backs_last_14_days": 2, "player_age": 31}
    found = cached(blank, games_of([20] * 5), **context, avg_minutes_per_game_last_7="33.0")
    assert found is not None
    assert {name: found[name] for name in context} == context
    assert numbers(found, "avg_minutes_per_game_last_7", "primary_scoring_zone") == ["33.0", "paint"]
    assert numbers(found, "paint_rate_last_10", "three_pt_rate_last_10") == ["50.00", "25.00"]


@pytest.mark.parametrize(
    ("context", "issue"),
    [({"is_production_ready": False}, "upstream_incomplete"), ({"missing_games_count": 1}, "historical_gap")],
)
def test_what_is_not_ready_or_missing_makes_the_row_not_ready(blank: Tables, context: Row, issue: str) -> None:
    found = cached(blank, games_of([20] * 10), **context)
    assert found is not None
    assert (found["is_production_ready"], found["data_quality_issues"]) == (False, [issue])
