"""player_daily_cache a second time."""

from collections.abc import Iterable
from datetime import date
from fractions import Fraction
from math import sqrt
from typing import Any

import pandas as pd

from backfill_pipelines_tests.nba.oracles.factors import Inputs, is_ready
from backfill_pipelines_tests.nba.oracles.judgement import (
    MINIMUM,
    PLAYER_WINDOW,
    player_completeness,
    quality,
    score_of_window,
    upstream_issues,
)
from backfill_pipelines_tests.nba.oracles.stored import Row, Stored, before, frame, mean, on_day, ratio, total

FROM_CONTEXT = ["player_lookup", "universal_player_id", "game_id", "team_abbr", "games_in_last_7_days"]
FROM_CONTEXT += ["games_in_last_14_days", "minutes_in_last_7_days", "minutes_in_last_14_days"]
FROM_CONTEXT += ["back_to_backs_last_14_days", "avg_minutes_per_game_last_7", "player_age"]
FROM_ZONES = ["primary_scoring_zone", "paint_rate_last_10", "three_pt_rate_last_10", "assisted_rate_last_10"]


def caches(stored: Stored, days: Iterable[date]) -> pd.DataFrame:
    """One row for each player context of the days with five earlier counted games."""
    return frame(
        _row(stored, context, games, inputs.player_zones.get(context["player_lookup"]))
        for day in stored.analysis_days(days)
        for inputs in [Inputs(stored, day)]
        for context in on_day(stored.player_contexts, day)
        if len(games := before(stored.counted_of_player, context["player_lookup"], day)) >= MINIMUM
    )


def _row(stored: Stored, context: Row, games: list[Row], shots: Row | None) -> Row:
    player, day, window = context["player_lookup"], context["game_date"], games[-PLAYER_WINDOW:]
    team = before(stored.offense_of_team, context["team_abbr"], day)[-10:]
    is_early, count = len(games) < PLAYER_WINDOW, len(games)
    columns: dict[str, Any] = {
        **{name: context[name] for name in FROM_CONTEXT},
        "analysis_date": day,
        "cache_date": day,
        **_averages(games, window),
        "games_played_season": count,
        "team_pace_last_10": mean(team, "pace"),
        "team_off_rating_last_10": mean(team, "offensive_rating"),
        **{name: shots[name] if shots else None for name in FROM_ZONES},
        "fourth_quarter_minutes_last_7": None,
        "early_season_flag": is_early,
        "insufficient_data_reason": f"Only {count} games played, need 10 minimum" if is_early else None,
        "cache_version": "v1",
        **player_completeness(stored, player, day),
    }
    ready = is_ready(context) and is_ready(shots)
    issues = ["early_season"] * is_early + upstream_issues(columns, ready=ready)
    sources = ["player_game_summary", "team_offense_game_summary", "upcoming_player_game_context"]
    sources += ["player_shot_zone_analysis"] * (shots is not None)
    return quality(score_of_window(count, PLAYER_WINDOW), columns, issues, sources, ready=ready)


def _averages(games: list[Row], window: list[Row]) -> dict[str, Any]:
    tried = total(window, "fg_attempts") + Fraction(44, 100) * total(window, "ft_attempts")
    return {
        "points_avg_last_5": mean(games[-5:], "points"),
        "points_avg_last_10": mean(window, "points"),
        "points_avg_season": mean(games, "points"),
        "points_std_last_10": deviation([row["points"] for row in window]),
        "minutes_avg_last_10": mean(window, "minutes_played"),
        "minutes_avg_season": mean(games, "minutes_played"),
        "usage_rate_last_10": mean(window, "usage_rate"),
        "player_usage_rate_season": mean(games, "usage_rate"),
        "ts_pct_last_10": ratio(total(window, "points"), 2 * tried),
    }


def deviation(values: list[int]) -> float:
    """Standard deviation of a sample."""
    middle = Fraction(sum(values), len(values))
    return sqrt(sum((value - middle) ** 2 for value in values) / (len(values) - 1))
