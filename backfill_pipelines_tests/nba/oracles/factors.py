"""player_composite_factors a second time."""

from collections.abc import Iterable, Mapping
from datetime import date
from fractions import Fraction
from typing import Any

import pandas as pd

from backfill_pipelines_tests.nba.oracles.judgement import player_completeness, quality, upstream_issues
from backfill_pipelines_tests.nba.oracles.stored import Row, Stored, clamped, frame, on_day, rounded

DEFERRED = ["referee_favorability_score", "look_ahead_pressure_score", "travel_impact_score"]
DEFERRED += ["opponent_strength_score"]
SCORES = ["shot_zone_mismatch_score", "pace_score", "usage_spike_score"]
#: Zone of a player -> prefix of its columns.
PREFIX = {"paint": "paint", "balanced": "paint", "perimeter": "three_pt", "mid_range": "mid_range"}
STARS = {0: Fraction(1), 1: Fraction(115, 100)}
TWO_STARS = Fraction(130, 100)


def factors(stored: Stored, days: Iterable[date]) -> pd.DataFrame:
    """One row for each player context of the days. Sums are over the row's own scores as they are stored."""
    scored = {(row["game_id"], row["player_lookup"]): row for row in stored.factors}
    return frame(
        _row(stored, context, inputs, scored.get((context["game_id"], context["player_lookup"])))
        for day in stored.analysis_days(days)
        for inputs in [Inputs(stored, day)]
        for context in on_day(stored.player_contexts, day)
    )


class Inputs:
    """The rows of a day that scores are made of, by player or by team."""

    def __init__(self, stored: Stored, day: date) -> None:
        self.player_zones = {r["player_lookup"]: r for r in on_day(stored.player_zones, day, "analysis_date")}
        self.team_zones = {row["team_abbr"]: row for row in on_day(stored.team_zones, day, "analysis_date")}
        self.teams = {row["team_abbr"]: row for row in on_day(stored.team_contexts, day)}
        self.factors = {row["player_lookup"]: row for row in on_day(stored.factors, day, "analysis_date")}
        self.caches = {row["player_lookup"]: row for row in on_day(stored.caches, day, "analysis_date")}


def is_ready(row: Row | None) -> bool:
    """The row is there and may be used."""
    return row is not None and row["is_production_ready"]


def fatigue(context: Row) -> int:
    """0 exhausted ... 100 fresh."""
    rest, age = context["days_rest"], context["player_age"] or 0
    pairs = context["back_to_backs_last_14_days"] or 0
    score = 100
    score += -15 if context["back_to_back"] else 5 if (rest or 0) >= 3 else 0
    score -= 10 * ((context["games_in_last_7_days"] or 0) >= 4)
    score -= 10 * ((context["minutes_in_last_7_days"] or 0) > 240)
    score -= 8 * ((context["avg_minutes_per_game_last_7"] or 0) > 35)
    score -= 12 if pairs >= 2 else 5 if pairs == 1 else 0
    score -= 10 if age >= 35 else 5 if age >= 30 else 0
    return max(0, min(100, score))


def mismatch(shots: Row | None, defence: Row | None) -> Fraction:
    """How well the player's zone meets what the opponent allows there."""
    if shots is None or shots["primary_scoring_zone"] is None or defence is None:
        return Fraction(0)
    zone = PREFIX[shots["primary_scoring_zone"]]
    rate, distance = shots[f"{zone}_rate_last_10"], defence[f"{zone}_defense_vs_league_avg"]
    if rate is None or distance is None:
        return Fraction(0)
    value = Fraction(distance) * min(Fraction(rate) / 50, 1)
    return clamped(value * Fraction(12, 10) if abs(value) > 5 else value, 10)


def _pace(context: Row) -> Fraction:
    return clamped(Fraction(context["pace_differential"] or 0) / 2, 3)


def _usage(context: Row) -> Fraction:
    projected, usual = context["projected_usage_rate"], context["avg_usage_rate_last_7_games"]
    if projected is None or not usual:
        return Fraction(0)
    spike = (Fraction(projected) - Fraction(usual)) * Fraction(3, 10)
    if spike > 0:
        spike *= STARS.get(context["star_teammates_out"] or 0, TWO_STARS)
    return clamped(spike, 3)


def _row(stored: Stored, context: Row, inputs: Inputs, own: Row | None) -> Row:
    player, day = context["player_lookup"], context["game_date"]
    shots = inputs.player_zones.get(player)
    defence = inputs.team_zones.get(context["opponent_team_abbr"])
    tired = fatigue(context)
    scores = {
        "shot_zone_mismatch_score": mismatch(shots, defence),
        "pace_score": _pace(context),
        "usage_spike_score": _usage(context),
    }
    copied = ["player_lookup", "universal_player_id", "game_date", "game_id", "team_abbr", "opponent_team_abbr"]
    columns: dict[str, Any] = {
        **{name: context[name] for name in copied},
        "analysis_date": day,
        "fatigue_score": tired,
        "fatigue_adjustment": Fraction(tired - 100, 20),
        **scores,
        **dict.fromkeys(DEFERRED, 0),
        "calculation_version": "v1_4factors",
        **_completeness(context, shots, defence),
        **player_completeness(stored, player, day),
    }
    kept = {name: Fraction(own[name]) if own else rounded(scores[name], 1) for name in SCORES}
    columns["total_composite_adjustment"] = columns["fatigue_adjustment"] + sum(kept.values())
    columns |= _warnings(columns, kept)
    columns |= _upstreams(context, shots, defence, inputs.teams.get(context["team_abbr"]))
    ready, score = columns["all_upstreams_ready"], columns["data_completeness_pct"]
    issues = upstream_issues(columns, ready=ready)
    used = {"upcoming_player_game_context": context, "player_shot_zone_analysis": shots}
    used |= {"team_defense_zone_analysis": defence}
    used |= {"upcoming_team_game_context": inputs.teams.get(context["team_abbr"])}
    return quality(score, columns, issues, [name for name, row in used.items() if row], ready=ready)


def _completeness(context: Row, shots: Row | None, defence: Row | None) -> dict[str, Any]:
    fields = {name: context[name] for name in ("days_rest", "projected_usage_rate", "pace_differential")}
    fields |= {"player_shot_zone_analysis": shots, "team_defense_zone_analysis": defence}
    missing = [name for name, value in fields.items() if value is None]
    return {"data_completeness_pct": 20 * (len(fields) - len(missing)), "missing_data_fields": missing}


def _warnings(columns: Mapping[str, Any], kept: Mapping[str, Fraction]) -> dict[str, Any]:
    found = {
        "EXTREME_FATIGUE": columns["fatigue_score"] < 50,
        "EXTREME_MATCHUP": abs(kept["shot_zone_mismatch_score"]) > 8,
        "EXTREME_ADJUSTMENT": abs(columns["total_composite_adjustment"]) > 12,
    }
    named = [name for name, flag in found.items() if flag]
    return {"has_warnings": bool(named), "warning_details": ", ".join(named) or None}


def _upstreams(context: Row, shots: Row | None, defence: Row | None, team: Row | None) -> dict[str, bool]:
    ready = {
        "upstream_player_shot_ready": is_ready(shots),
        "upstream_team_defense_ready": is_ready(defence),
        "upstream_player_context_ready": is_ready(context),
        "upstream_team_context_ready": is_ready(team),
    }
    return ready | {"all_upstreams_ready": all(ready.values())}
