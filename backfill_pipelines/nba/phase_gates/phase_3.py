"""What gate 1 asks for on top of whole tables: values that a season has, no NULLs, every kind of game."""

from collections.abc import Mapping
from typing import Any

from backfill_pipelines.backfill.gates import Measurement
from backfill_pipelines.nba.phase_gates.completeness import Judgement, measurement
from backfill_pipelines.nba.phase_gates.scope import Scope, Span
from backfill_pipelines.stores.warehouse import WarehouseSession

POINTS_PLAUSIBLE = "mean_points_of_a_year_are_plausible"
PLAYERS_PLAUSIBLE = "players_of_a_year_are_plausible"
NULLS_RARE = "nulls_are_rare"
VALUES_IN_RANGE = "values_are_in_range"
GAME_TYPES_COVERED = "every_game_type_is_covered"

#: Mean points of a player's game: 10.05, 10.66, 10.92 and 10.55 in 2021 to 2024.
MEAN_POINTS = (8.0, 12.0)
#: Players of a year: 568, 644, 617 and 551 in 2021 to 2024; half of them missing is no season.
LEAST_PLAYERS = 300
#: The rules of a year need a month of games: in a week of the season most teams have played three times only, and
#: the play-offs alone have eight teams. Autumn 2021 has 72 dates and is judged.
LEAST_DATES_OF_A_YEAR = 30
#: Percent of rows in which a value may be NULL: the thresholds of the gates of each date. Minutes are NULL for
#: players of a source without them, usage for those with none.
MOST_NULLS: Mapping[str, float] = {"points": 0.0, "team_abbr": 0.0, "minutes_played": 1.0, "usage_rate": 2.0}
#: A few NULLs are no rate: the gates of each date allow two.
NULLS_ALLOWED = 2
#: The plausible ranges of the gates of each date, measured again on what is published.
RANGES: Mapping[str, tuple[float, float]] = {
    "player_game_summary.points": (0, 110),
    "player_game_summary.minutes_played": (0, 70),
    "player_game_summary.usage_rate": (0, 100),
    "team_offense_game_summary.points_scored": (50, 200),
    "team_offense_game_summary.pace": (70, 130),
    "team_offense_game_summary.possessions": (70, 150),
    "team_offense_game_summary.offensive_rating": (60, 165),
    "team_defense_game_summary.defensive_rating": (60, 165),
}
#: A whole season has them all; a season file that lost its play-offs expects none.
TYPES_OF_A_SEASON = ("regular_season", "play_in", "playoff")

_LOOK = "look at the rows of the named season: backfill status, and the checks of player_game_summary"


def judge_analytics(session: WarehouseSession, scope: Scope, found: Judgement) -> None:
    """The rules over every span."""
    for span in scope.spans:
        _years(session, span, found)
        _nulls(session, span, found)
        _ranges(session, span, found)
        _game_types(session, span, found)


def _years(session: WarehouseSession, span: Span, found: Judgement) -> None:
    """Both rules of a year, on the part of each calendar year that belongs to the season."""
    rows = span.rows(session, "players_by_year")
    for row in rows:
        row["judged"] = _is_judged(row, span)
    found.show("players by calendar year", rows, span)
    judged = [row for row in rows if row["judged"] == "yes"]
    note = "; ".join(f"{row['year']} not judged: {row['judged']}" for row in rows if row not in judged)
    low, high = MEAN_POINTS
    points = [
        f"{row['year']}: {row['mean_points']} points on average, expected {low:g} to {high:g}"
        for row in judged
        if row["mean_points"] is None or not low <= row["mean_points"] <= high
    ]
    players = [
        f"{row['year']}: {row['players']} players, expected more than {LEAST_PLAYERS}"
        for row in judged
        if row["players"] <= LEAST_PLAYERS
    ]
    found.add(POINTS_PLAUSIBLE, measurement(len(judged), points, note=note), _LOOK, span)
    found.add(PLAYERS_PLAUSIBLE, measurement(len(judged), players, note=note), _LOOK, span)


def _is_judged(row: Mapping[str, Any], span: Span) -> str:
    if row["expected_dates"] >= LEAST_DATES_OF_A_YEAR:
        return "yes"
    return f"{row['expected_dates']} expected dates in {span.first} to {span.last}, {LEAST_DATES_OF_A_YEAR} needed"


def _nulls(session: WarehouseSession, span: Span, found: Judgement) -> None:
    rows = span.rows(session, "null_rates")
    for row in rows:
        row["percent"] = round(100 * row["nulls"] / row["row_count"], 3) if row["row_count"] else None
    found.show("NULLs of player_game_summary", rows, span)
    culprits = [
        f"{row['column_name']} is NULL in {row['nulls']} of {row['row_count']} rows"
        for row in rows
        if row["nulls"] > _nulls_allowed(row)
    ]
    found.add(NULLS_RARE, measurement(len(rows), culprits), _LOOK, span)


def _nulls_allowed(row: Mapping[str, Any]) -> float:
    percent = MOST_NULLS[row["column_name"]]
    return max(NULLS_ALLOWED, percent * row["row_count"] / 100) if percent else 0


def _ranges(session: WarehouseSession, span: Span, found: Judgement) -> None:
    rows = span.rows(session, "ranges")
    for row in rows:
        row["least_allowed"], row["most_allowed"] = RANGES[row["column_name"]]
    found.show("ranges of phase 3", rows, span)
    culprits = [
        f"{row['column_name']} goes from {row['lowest']:g} to {row['highest']:g}"
        for row in rows
        if row["row_count"] and not row["least_allowed"] <= row["lowest"] <= row["highest"] <= row["most_allowed"]
    ]
    found.add(VALUES_IN_RANGE, measurement(len(rows), culprits), _LOOK, span)


def _game_types(session: WarehouseSession, span: Span, found: Judgement) -> None:
    rows = span.rows(session, "game_types")
    found.show("games by type", rows, span)
    found.add(GAME_TYPES_COVERED, _types_covered(rows, span), "load the schedule and the games of the named type", span)


def _types_covered(rows: list[dict[str, Any]], span: Span) -> Measurement:
    missing = [
        f"{row['game_type']}: {row['games'] - row['complete']} of {row['games']} games are not in every table"
        for row in rows
        if row["complete"] < row["games"]
    ]
    if not span.is_whole:
        return measurement(max(1, len(rows)), missing, note="part of a season: which types there are is not judged")
    types = {row["game_type"] for row in rows}
    absent = [f"{kind}: no final game in a whole season" for kind in TYPES_OF_A_SEASON if kind not in types]
    return measurement(len(types | set(TYPES_OF_A_SEASON)), [*missing, *absent])
