"""team_defense_zone_analysis and player_shot_zone_analysis a second time."""

from collections.abc import Iterable
from datetime import date
from fractions import Fraction
from typing import Any

import pandas as pd

from backfill_pipelines_tests.nba.oracles.judgement import (
    MINIMUM,
    PLAYER_WINDOW,
    TEAM_WINDOW,
    completeness,
    player_completeness,
    quality,
    score_of_window,
    upstream_issues,
)
from backfill_pipelines_tests.nba.oracles.reports import on_roster
from backfill_pipelines_tests.nba.oracles.stored import Row, Stored, before, frame, mean, ratio, rounded, total

#: Prefix of a zone's columns in phase 4 -> its name as a zone.
ZONES = {"paint": "paint", "mid_range": "mid_range", "three_pt": "perimeter"}
#: Prefix of a zone's columns in phase 4 -> attempts and makes in the summaries.
TRIES = {
    "paint": ("paint_attempts", "paint_makes"),
    "mid_range": ("mid_range_attempts", "mid_range_makes"),
    "three_pt": ("three_attempts_pbp", "three_makes_pbp"),
}
USUAL = {"paint": Fraction(580, 1000), "mid_range": Fraction(410, 1000), "three_pt": Fraction(355, 1000)}
FEWEST_TEAMS, LONG_WINDOW, LEAST_OF_LONG = 10, 20, 15


def team_zones(stored: Stored, days: Iterable[date]) -> pd.DataFrame:
    """One row for each team with five earlier games, on each of the days."""
    return frame(row for day in stored.analysis_days(days) for row in _against_the_league(_defences(stored, day)))


def player_zones(stored: Stored, days: Iterable[date]) -> pd.DataFrame:
    """One row for each player with five earlier counted games, on each of the days."""
    return frame(
        _shots(stored, player, day, games)
        for day in stored.analysis_days(days)
        for player in stored.counted_of_player
        if len(games := before(stored.counted_of_player, player, day)) >= MINIMUM
    )


def _defences(stored: Stored, day: date) -> list[dict[str, Any]]:
    found = []
    for team in stored.defense_of_team:
        games = before(stored.defense_of_team, team, day)
        if len(games) >= MINIMUM:
            found.append(_defence(stored, team, day, games[-TEAM_WINDOW:]))
    return found


def _defence(stored: Stored, team: str, day: date, games: list[Row]) -> dict[str, Any]:
    zoned = [game for game in games if game["opp_paint_attempts"] is not None]
    columns: dict[str, Any] = {
        "team_abbr": team,
        "analysis_date": day,
        "games_in_sample": len(games),
        "paint_points_allowed_per_game": ratio(total(zoned, "points_in_paint_allowed"), len(zoned)),
        "opponent_points_per_game": mean(games, "points_allowed"),
        "defensive_rating_last_15": mean(games, "defensive_rating"),
        "opponent_pace": mean(games, "opponent_pace"),
        "calculation_notes": None,
    }
    for zone, (attempts, makes) in TRIES.items():
        tried, made = total(zoned, f"opp_{attempts}"), total(zoned, f"opp_{makes}")
        columns[f"{zone}_pct_allowed_last_15"] = ratio(made, tried)
        columns[f"{zone}_attempts_allowed_per_game"] = ratio(tried, len(zoned))
        columns[f"{zone}_blocks_per_game"] = ratio(total(zoned, f"blocks_{zone}"), len(zoned))
    expected = min(TEAM_WINDOW, len(before(stored.games_of_team, team, day)))
    columns |= completeness(expected, len(games), TEAM_WINDOW)
    issues = [f"thin_sample:{len(games)}/{TEAM_WINDOW}"] * (len(games) < TEAM_WINDOW)
    ready = all(game["is_production_ready"] for game in games)
    issues += upstream_issues(columns, ready=ready)
    score = score_of_window(len(games), TEAM_WINDOW)
    return quality(score, columns, issues, ["team_defense_game_summary", "nbac_schedule"], ready=ready)


def _against_the_league(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows with each zone's distance from the mean of all teams, and the zones that stand out."""
    for zone in ZONES:
        column = f"{zone}_pct_allowed_last_15"
        league = mean(rows, column) if len(rows) >= FEWEST_TEAMS else USUAL[zone]
        for row in rows:
            known = league is not None and row[column] is not None
            row[f"{zone}_defense_vs_league_avg"] = 100 * (row[column] - league) if known else None
    for row in rows:
        marks = {name: row[f"{zone}_defense_vs_league_avg"] for zone, name in ZONES.items()}
        marks = {name: mark for name, mark in marks.items() if mark is not None}
        row["strongest_zone"] = min(marks, key=marks.__getitem__, default=None)
        row["weakest_zone"] = max(marks, key=marks.__getitem__, default=None)
    return rows


def _shots(stored: Stored, player: str, day: date, games: list[Row]) -> Row:
    window, longer = games[-PLAYER_WINDOW:], games[-LONG_WINDOW:]
    zoned = [game for game in window if game["paint_attempts"] is not None]
    tried = {zone: total(zoned, attempts) for zone, (attempts, _) in TRIES.items()}
    shots, makes = sum(tried.values()), total(zoned, "fg_makes")
    on_the_roster = on_roster(stored, player, day)
    columns: dict[str, Any] = {
        "player_lookup": player,
        "universal_player_id": None,
        "analysis_date": day,
        "games_in_sample_10": len(window),
        "games_in_sample_20": len(longer),
        "games_with_zones_10": len(zoned),
        "total_shots_last_10": shots,
        "assisted_rate_last_10": ratio(100 * total(zoned, "assisted_fg_makes"), makes) if shots else None,
        "unassisted_rate_last_10": ratio(100 * total(zoned, "unassisted_fg_makes"), makes) if shots else None,
        "player_position": on_the_roster["position"] if on_the_roster else None,
    }
    for zone, (_, made) in TRIES.items():
        columns[f"{zone}_rate_last_10"] = ratio(100 * tried[zone], shots)
        columns[f"{zone}_pct_last_10"] = ratio(total(zoned, made), tried[zone])
        columns[f"{zone}_attempts_per_game"] = ratio(tried[zone], len(zoned))
    columns |= _last_twenty(longer)
    columns["primary_scoring_zone"] = _primary_zone(columns)
    columns |= player_completeness(stored, player, day)
    issues = ["no_shots_in_sample"] * (not shots)
    issues += [f"thin_sample:{len(window)}/{PLAYER_WINDOW}"] * (len(window) < PLAYER_WINDOW)
    ready = all(game["is_production_ready"] for game in window)
    issues += upstream_issues(columns, ready=ready)
    score = score_of_window(len(window), PLAYER_WINDOW)
    sources = ["player_game_summary", "player_lines"] + ["espn_team_rosters"] * (columns["player_position"] is not None)
    return quality(score, columns, issues, sources, ready=ready)


def _last_twenty(games: list[Row]) -> dict[str, Any]:
    if len(games) < LEAST_OF_LONG:
        return {"paint_rate_last_20": None, "paint_pct_last_20": None}
    shots = sum(total(games, attempts) for attempts, _ in TRIES.values())
    paint, made = (total(games, name) for name in TRIES["paint"])
    return {"paint_rate_last_20": ratio(100 * paint, shots), "paint_pct_last_20": ratio(made, paint)}


def _primary_zone(columns: dict[str, Any]) -> str | None:
    """Paint is asked first, on the rates as they are stored."""
    rates = {zone: rounded(columns[f"{zone}_rate_last_10"], 2) for zone in ZONES}
    if rates["paint"] is None:
        return None
    least = {"paint": 40, "three_pt": 40, "mid_range": 35}
    return next((ZONES[zone] for zone, enough in least.items() if rates[zone] >= enough), "balanced")
