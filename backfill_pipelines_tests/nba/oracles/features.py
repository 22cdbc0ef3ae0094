"""ml_feature_store_v2 a second time."""

from collections.abc import Iterable
from datetime import date
from fractions import Fraction
from typing import Any

import pandas as pd

from backfill_pipelines_tests.nba.oracles.factors import Inputs, is_ready
from backfill_pipelines_tests.nba.oracles.judgement import (
    MINIMUM,
    PLAYER_WINDOW,
    player_completeness,
    quality,
    upstream_issues,
)
from backfill_pipelines_tests.nba.oracles.stored import (
    Row,
    Stored,
    before,
    clamped,
    frame,
    mean,
    on_day,
    ratio,
    total,
)

DEFAULTS: dict[str, Fraction | int] = {
    "points_avg_last_5": 10,
    "points_avg_last_10": 10,
    "points_avg_season": 10,
    "points_std_last_10": 5,
    "games_in_last_7_days": 3,
    "fatigue_score": 50,
    "shot_zone_mismatch_score": 0,
    "pace_score": 0,
    "usage_spike_score": 0,
    "rest_advantage": 0,
    "injury_risk": 0,
    "recent_trend": 0,
    "minutes_change": 0,
    "opponent_def_rating": 112,
    "opponent_pace": 100,
    "home_away": 0,
    "back_to_back": 0,
    "playoff_game": 0,
    "pct_paint": Fraction(30, 100),
    "pct_mid_range": Fraction(20, 100),
    "pct_three": Fraction(35, 100),
    "pct_free_throw": Fraction(15, 100),
    "team_pace": 100,
    "team_off_rating": 112,
    "team_win_pct": Fraction(1, 2),
}
NAMES = list(DEFAULTS)
OF_PHASE_4 = [NAMES[index] for index in (*range(9), 13, 14, 18, 19, 20, 22, 23)]
WEIGHTS = {"native": 100, "phase3": 75, "default": 40}
RISK = {"available": 0, "probable": 1, "questionable": 2, "doubtful": 3, "out": 3}

Values = dict[str, Any]


def features(stored: Stored, days: Iterable[date]) -> pd.DataFrame:
    """One row for each player context of the days."""
    return frame(
        _row(stored, context, inputs)
        for day in stored.analysis_days(days)
        for inputs in [Inputs(stored, day)]
        for context in on_day(stored.player_contexts, day)
    )


def _row(stored: Stored, context: Row, inputs: Inputs) -> Row:
    player, day = context["player_lookup"], context["game_date"]
    games = before(stored.counted_of_player, player, day)
    cache, scores = inputs.caches.get(player), inputs.factors.get(player)
    defence = inputs.team_zones.get(context["opponent_team_abbr"])
    native = _native(context, games, inputs)
    fallback = _fallback(stored, context, games)
    sources, values = _chosen(native, fallback)
    score = Fraction(sum(WEIGHTS[source] for source in sources), len(sources))
    copied = ["player_lookup", "universal_player_id", "game_date", "game_id", "opponent_team_abbr", "days_rest"]
    columns: dict[str, Any] = {
        **{name: context[name] for name in copied},
        "analysis_date": day,
        "features": values,
        "feature_names": NAMES,
        "feature_sources": sources,
        "feature_count": len(NAMES),
        "feature_version": "v1_baseline_25",
        "feature_quality_score": score,
        "data_source": _data_source(dict(zip(NAMES, sources, strict=True))),
        "is_home": context["home_game"],
        "early_season_flag": len(games) < PLAYER_WINDOW,
        **player_completeness(stored, player, day),
    }
    needed = all(is_ready(row) for row in (cache, scores, defence))
    issues = ["early_season"] * columns["early_season_flag"] + upstream_issues(columns, ready=needed)
    used = {
        "upcoming_player_game_context": context,
        "player_daily_cache": cache,
        "player_composite_factors": scores,
        "team_defense_zone_analysis": defence,
        "player_shot_zone_analysis": inputs.player_zones.get(player),
        "upcoming_team_game_context": inputs.teams.get(context["team_abbr"]),
        "player_game_summary": games,
        "team_offense_game_summary": sources[NAMES.index("team_pace")] == "phase3",
    }
    return quality(score, columns, issues, [n for n, row in used.items() if row], ready=needed and score >= 70)


def _chosen(native: Values, fallback: Values) -> tuple[list[str], list[Any]]:
    sources, values = [], []
    for name, default in DEFAULTS.items():
        tried = {"native": native.get(name), "phase3": fallback.get(name), "default": default}
        source = next(source for source, value in tried.items() if value is not None)
        sources.append(source)
        values.append(tried[source])
    return sources, values


def _data_source(sources: dict[str, str]) -> str:
    native, phase3 = (
        Fraction(sum(sources[name] == kind for name in OF_PHASE_4), len(OF_PHASE_4)) for kind in ("native", "phase3")
    )
    if native >= Fraction(9, 10):
        return "phase4"
    if native >= Fraction(1, 2):
        return "phase4_partial"
    return "phase3" if phase3 >= Fraction(1, 2) else "mixed"


def _native(context: Row, games: list[Row], inputs: Inputs) -> Values:
    player = context["player_lookup"]
    cache, scores = inputs.caches.get(player) or {}, inputs.factors.get(player) or {}
    defence = inputs.team_zones.get(context["opponent_team_abbr"]) or {}
    shots = inputs.player_zones.get(player) or {}
    return {
        **{name: cache.get(name) for name in NAMES[:5]},
        **{name: scores.get(name) for name in NAMES[5:9]},
        "rest_advantage": _rest_advantage(context),
        "injury_risk": _injury_risk(context),
        "recent_trend": recent_trend([game["points"] for game in games]),
        "minutes_change": minutes_change(cache.get("minutes_avg_last_10"), cache.get("minutes_avg_season")),
        "opponent_def_rating": defence.get("defensive_rating_last_15"),
        "opponent_pace": defence.get("opponent_pace"),
        "home_away": int(context["home_game"]),
        "back_to_back": int(context["back_to_back"]),
        "playoff_game": int(context["season_phase"] in {"playoffs", "play_in"}),
        "pct_paint": _hundredth(shots.get("paint_rate_last_10")),
        "pct_mid_range": _hundredth(shots.get("mid_range_rate_last_10")),
        "pct_three": _hundredth(shots.get("three_pt_rate_last_10")),
        "pct_free_throw": _free_throws(games),
        "team_pace": cache.get("team_pace_last_10"),
        "team_off_rating": cache.get("team_off_rating_last_10"),
        "team_win_pct": _win_pct(inputs.teams.get(context["team_abbr"])),
    }


def _fallback(stored: Stored, context: Row, games: list[Row]) -> Values:
    team = before(stored.offense_of_team, context["team_abbr"], context["game_date"])[-10:]
    return {
        "points_avg_last_5": context["points_avg_last_5"] if context["l5_games_used"] else None,
        "points_avg_last_10": context["points_avg_last_10"] if context["l10_games_used"] else None,
        "points_avg_season": mean(games, "points"),
        "games_in_last_7_days": context["games_in_last_7_days"],
        "team_pace": mean(team, "pace"),
        "team_off_rating": mean(team, "offensive_rating"),
    }


def _rest_advantage(context: Row) -> Fraction | None:
    own, theirs = context["days_rest"], context["opponent_days_rest"]
    return None if own is None or theirs is None else clamped(Fraction(own - theirs), 2)


def _injury_risk(context: Row) -> int | None:
    """Who is not in the report is fit; without a report nothing is known."""
    if context["questionable_teammates"] is None:
        return None
    return RISK[context["player_status"] or "available"]


def recent_trend(points: list[int]) -> int | None:
    """How much more the newest two games brought than the three before."""
    if len(points) < MINIMUM:
        return None
    return _step(Fraction(sum(points[-2:]), 2) - Fraction(sum(points[-5:-2]), 3), 2, 5)


def minutes_change(lately: Any, season: Any) -> int | None:
    """How far the minutes moved from the season's."""
    if lately is None or not season:
        return None
    change = (Fraction(lately) - Fraction(season)) / Fraction(season)
    return _step(change, Fraction(1, 10), Fraction(2, 10))


def _step(value: Fraction, small: Fraction | int, large: Fraction | int) -> int:
    size = 2 if abs(value) >= large else 1 if abs(value) >= small else 0
    return size if value > 0 else -size


def _hundredth(rate: Any) -> Fraction | None:
    return None if rate is None else Fraction(rate) / 100


def _free_throws(games: list[Row]) -> Fraction | None:
    if len(games) < MINIMUM:
        return None
    window = games[-PLAYER_WINDOW:]
    share = ratio(total(window, "ft_makes"), total(window, "points"))
    return None if share is None else max(Fraction(0), min(Fraction(1, 2), share))


def _win_pct(team: Row | None) -> Any:
    return team["win_pct_entering"] if team and team["game_number_in_season"] > MINIMUM else None
