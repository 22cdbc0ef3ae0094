"""upcoming_player_game_context a second time."""

from collections.abc import Iterable
from datetime import date, timedelta
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pandas as pd

from backfill_pipelines_tests.nba.oracles.judgement import PLAYER_WINDOW, player_completeness, quality, upstream_issues
from backfill_pipelines_tests.nba.oracles.reports import on_roster, points_line, report_before
from backfill_pipelines_tests.nba.oracles.stored import Row, Stored, before, frame, mean, on_day, ratio, rounded, total
from backfill_pipelines_tests.nba.oracles.team_context import back_to_backs, last_days, next_games, phase_of

COPIED = ["travel_miles", "time_zone_changes", "consecutive_road_games", "miles_traveled_last_14_days"]
COPIED += ["game_spread", "spread_movement", "game_total", "total_movement", "game_spread_source"]
COPIED += ["next_game_days_rest", "games_in_next_7_days"]
OF_OPPONENT = {
    "opponent_days_rest": "team_days_rest",
    "opponent_games_in_next_7_days": "games_in_next_7_days",
    "opponent_next_game_days_rest": "next_game_days_rest",
}
IN_NO_FEED = ["universal_player_id", "fourth_quarter_minutes_last_7", "clutch_minutes_last_7_games"]
IN_NO_FEED += ["fourth_quarter_production_last_7", "spread_public_betting_pct", "total_public_betting_pct"]


def player_contexts(stored: Stored, days: Iterable[date]) -> pd.DataFrame:
    """One row for each player line of the days."""
    return frame(_row(stored, line) for day in days for line in on_day(stored.lines, day))


def _row(stored: Stored, line: Row) -> Row:
    player, day = line["player_lookup"], line["game_date"]
    games = before(stored.counted_of_player, player, day)
    game = next(game for game in on_day(stored.schedule, day) if game["game_id"] == line["game_id"])
    contexts = {row["team_abbr"]: row for row in on_day(stored.team_contexts, day) if row["game_id"] == line["game_id"]}
    own, theirs = contexts.get(line["team_abbr"]), contexts.get(line["opponent_team_abbr"])
    on_the_roster = on_roster(stored, player, day)
    identity = ["player_lookup", "game_id", "game_date", "season_year", "team_abbr", "opponent_team_abbr"]
    columns = {
        **{name: line[name] for name in identity},
        "home_game": line["is_home"],
        "season_phase": phase_of(game),
        **dict.fromkeys(IN_NO_FEED),
        **_rest(games, day),
        **_form(games),
        **_opponent(stored, line),
        **{name: own[name] if own else None for name in COPIED},
        **{name: theirs[of_theirs] if theirs else None for name, of_theirs in OF_OPPONENT.items()},
        **_props(stored, player, day, games),
        **_injuries(stored, game, line),
        "player_age": on_the_roster["age"] if on_the_roster else None,
        **player_completeness(stored, player, day),
    }
    ready = all(row is not None and row["is_production_ready"] for row in (own, theirs, *games))
    return _judged(columns, len(games), ready=ready)


def _rest(games: list[Row], day: date) -> dict[str, Any]:
    dates = [game["game_date"] for game in games]
    rested = [later for sooner, later in pairwise(dates) if later - sooner >= timedelta(2)]
    rest = (day - dates[-1]).days if dates else None
    week, fortnight = last_days(games, day, 7), last_days(games, day, 14)
    return {
        "days_rest": rest,
        "back_to_back": rest == 1,
        "days_rest_before_last_game": (dates[-1] - dates[-2]).days if len(dates) > 1 else None,
        "days_since_2_plus_days_rest": (day - rested[-1]).days if rested else None,
        "games_in_last_7_days": len(week),
        "games_in_last_14_days": len(fortnight),
        "minutes_in_last_7_days": rounded(total(week, "minutes_played")),
        "minutes_in_last_14_days": rounded(total(fortnight, "minutes_played")),
        "back_to_backs_last_14_days": back_to_backs(fortnight),
        "avg_minutes_per_game_last_7": ratio(total(week, "minutes_played"), len(week)),
    }


def _form(games: list[Row]) -> dict[str, Any]:
    season, lately = (ratio(total(some, "fg_makes"), total(some, "fg_attempts")) for some in (games, games[-5:]))
    return {
        "points_avg_last_5": mean(games[-5:], "points"),
        "points_avg_last_10": mean(games[-10:], "points"),
        "l5_games_used": len(games[-5:]),
        "l10_games_used": len(games[-10:]),
        "projected_usage_rate": mean(games[-3:], "usage_rate"),
        "avg_usage_rate_last_7_games": mean(games[-7:], "usage_rate"),
        "shooting_pct_decline_last_5": None if season is None or lately is None else season - lately,
    }


def _opponent(stored: Stored, line: Row) -> dict[str, Any]:
    day, team, opponent = line["game_date"], line["team_abbr"], line["opponent_team_abbr"]
    own, theirs = (mean(before(stored.offense_of_team, one, day)[-10:], "pace") for one in (team, opponent))
    allowed = before(stored.defense_of_team, opponent, day)[-10:]
    throws = [{"rate": ratio(row["opp_ft_attempts"], Fraction(row["opponent_pace"]))} for row in allowed]
    coming = next_games(stored, team, day)
    sides = {coming[0]["home_team_tricode"], coming[0]["away_team_tricode"]} - {team} if coming else set()
    results = [row for other in sides for row in before(stored.offense_of_team, other, day)]
    return {
        "pace_differential": None if own is None or theirs is None else own - theirs,
        "opponent_pace_last_10": theirs,
        "opponent_def_rating_last_10": mean(allowed, "defensive_rating"),
        "opponent_ft_rate_allowed": mean(throws, "rate"),
        "next_opponent_win_pct": mean(results, "win_flag"),
    }


def _props(stored: Stored, player: str, day: date, games: list[Row]) -> dict[str, Any]:
    columns = points_line(stored, player, day)
    line = columns["current_points_line"]
    known = line is not None
    distances = [game["points"] - line for game in reversed(games)] if known else []
    return columns | {
        "prop_over_streak": _streak(distances) if known else None,
        "prop_under_streak": _streak([-distance for distance in distances]) if known else None,
    }


def _streak(distances: list[float]) -> int:
    """How many in a row are above zero; a zero neither counts nor breaks."""
    length = 0
    for distance in distances:
        if distance < 0:
            break
        length += distance > 0
    return length


def _injuries(stored: Stored, game: Row, line: Row) -> dict[str, Any]:
    report = report_before(stored, game)
    names = ["player_status", "injury_report", "questionable_teammates", "probable_teammates", "star_teammates_out"]
    if report is None:
        return dict.fromkeys(names)
    own = report.get(line["player_lookup"])
    mates = [row for row in report.values() if row["team_abbr"] == line["team_abbr"] and row is not own]
    absent = [row for row in mates if row["injury_status"] in {"out", "doubtful"}]
    return {
        "player_status": own["injury_status"] if own else None,
        "injury_report": own["reason"] if own else None,
        "questionable_teammates": sum(row["injury_status"] == "questionable" for row in mates),
        "probable_teammates": sum(row["injury_status"] == "probable" for row in mates),
        "star_teammates_out": sum(_is_star(stored, row["player_lookup"], line["game_date"]) for row in absent),
    }


def _is_star(stored: Stored, player: str, day: date) -> bool:
    games = before(stored.counted_of_player, player, day)[-10:]
    points, minutes = mean(games, "points") or 0, mean(games, "minutes_played") or 0
    return len(games) >= 5 and (points >= 18 or (minutes >= 28 and points >= 12))


def _judged(columns: dict[str, Any], games: int, *, ready: bool) -> Row:
    missing = {
        f"thin_sample:{games}/{PLAYER_WINDOW}": games < PLAYER_WINDOW,
        "missing_game_lines": columns["game_spread"] is None or columns["game_total"] is None,
        "missing_injury_report": columns["questionable_teammates"] is None,
        "missing_prop_line": not columns["has_prop_line"],
    }
    used = {
        "player_lines": True,
        "player_game_summary": games > 0,
        "team_offense_game_summary": columns["opponent_pace_last_10"] is not None,
        "team_defense_game_summary": columns["opponent_def_rating_last_10"] is not None,
        "upcoming_team_game_context": True,
        "nbac_injury_report": not missing["missing_injury_report"],
        "odds_api_player_points_props": columns["has_prop_line"],
        "espn_team_rosters": columns["player_age"] is not None,
    }
    score = 95 if games >= PLAYER_WINDOW else 75 if games >= 5 else 50
    issues = [*_set(missing), *upstream_issues(columns, ready=ready)]
    return quality(score, columns, issues, _set(used), ready=ready)


def _set(flags: dict[str, bool]) -> list[str]:
    return [name for name, flag in flags.items() if flag]
