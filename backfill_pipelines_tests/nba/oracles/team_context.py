"""upcoming_team_game_context a second time."""

from collections.abc import Iterable
from datetime import date, timedelta
from fractions import Fraction
from itertools import pairwise, takewhile
from typing import Any

import pandas as pd

from backfill_pipelines_tests.nba.oracles.arenas import hours_between, miles_between, zone_of
from backfill_pipelines_tests.nba.oracles.judgement import completeness, quality, upstream_issues
from backfill_pipelines_tests.nba.oracles.reports import report_before, team_lines
from backfill_pipelines_tests.nba.oracles.stored import Row, Stored, before, frame, in_utc, on_day, ratio

PHASES = {10: "early", 11: "early", 12: "mid", 1: "mid", 2: "mid", 3: "late", 4: "late"}


def team_contexts(stored: Stored, days: Iterable[date]) -> pd.DataFrame:
    """Two rows for each final game of the days."""
    return frame(
        _row(stored, game, home=home) for day in days for game in on_day(stored.finals, day) for home in (True, False)
    )


def phase_of(game: Row) -> str:
    """Part of the season that a game belongs to."""
    named = {"playoff": "playoffs", "play_in": "play_in"}
    return named.get(game["game_type"]) or PHASES[game["game_date"].month]


def last_days(games: Iterable[Row], day: date, days: int) -> list[Row]:
    """Games of the last ``days`` days."""
    return [game for game in games if day - timedelta(days) <= game["game_date"] < day]


def next_games(stored: Stored, team: str, day: date) -> list[Row]:
    """Games of the seven days after the day, soonest first."""
    return [g for g in stored.plans_of_team.get(team, []) if day < g["game_date"] <= day + timedelta(7)]


def back_to_backs(games: Iterable[Row]) -> int:
    """Pairs of games on neighbouring days."""
    return sum(later["game_date"] - earlier["game_date"] == timedelta(1) for earlier, later in pairwise(games))


def _row(stored: Stored, game: Row, *, home: bool) -> Row:
    sides = game["home_team_tricode"], game["away_team_tricode"]
    team, opponent = sides if home else sides[::-1]
    day = game["game_date"]
    earlier = before(stored.games_of_team, team, day)
    by_game = {row["game_id"]: row for row in before(stored.offense_of_team, team, day)}
    results = [by_game.get(one["game_id"]) for one in earlier]
    known = [row for row in results if row is not None]
    tip_off = in_utc(game["game_time_utc"]).astimezone(zone_of(game["home_team_tricode"]))
    columns = {
        "team_abbr": team,
        "game_id": game["game_id"],
        "game_date": day,
        "season_year": game["season_year"],
        "opponent_team_abbr": opponent,
        "home_game": home,
        "season_phase": phase_of(game),
        "game_start_time_local": f"{tip_off:%H:%M}",
        **_rest(stored, team, day, earlier),
        **_form(results),
        **_travel(team, game, earlier),
        **team_lines(stored, game, team),
        **_injured(stored, game, team, earlier),
        **completeness(len(earlier), len(known), len(earlier)),
    }
    no_lines = columns["game_spread"] is None or columns["game_total"] is None
    no_report = columns["questionable_players_count"] is None
    ready = all(row["is_production_ready"] for row in known)
    issues = ["missing_game_lines"] * no_lines + ["missing_injury_report"] * no_report
    issues += upstream_issues(columns, ready=ready)
    sources = ["nbac_schedule"] + ["team_offense_game_summary"] * bool(known)
    sources += ["odds_api_game_lines"] * (columns["game_spread_source"] is not None)
    sources += ["nbac_injury_report", "nbac_starting_lineups"] * (not no_report)
    score = 100 - 5 * no_lines - Fraction(5, 2) * no_report
    return quality(score, columns, issues, sources, ready=ready)


def _rest(stored: Stored, team: str, day: date, earlier: list[Row]) -> dict[str, Any]:
    rest = (day - earlier[-1]["game_date"]).days if earlier else None
    coming = next_games(stored, team, day)
    fortnight = last_days(earlier, day, 14)
    return {
        "team_days_rest": rest,
        "days_since_last_game": rest,
        "team_back_to_back": rest == 1,
        "is_back_to_back": rest == 1,
        "game_number_in_season": len(earlier) + 1,
        "games_in_last_7_days": len(last_days(earlier, day, 7)),
        "games_in_last_14_days": len(fortnight),
        "back_to_backs_last_14_days": back_to_backs(fortnight),
        "next_game_days_rest": (coming[0]["game_date"] - day).days if coming else None,
        "games_in_next_7_days": len(coming) or None,
    }


def _form(results: list[Row | None]) -> dict[str, Any]:
    """A game whose result is lost ends both streaks, and says nothing as the last game."""
    newest_first = [row["win_flag"] if row else None for row in reversed(results)]
    known = [won for won in newest_first if won is not None]
    last = results[-1] if results else None
    return {
        "team_win_streak_entering": len(list(takewhile(lambda won: won is True, newest_first))),
        "team_loss_streak_entering": len(list(takewhile(lambda won: won is False, newest_first))),
        "last_game_margin": last["margin_of_victory"] if last else None,
        "last_game_result": ("W" if last["win_flag"] else "L") if last else None,
        "win_pct_entering": ratio(sum(known), len(known)),
    }


def _travel(team: str, game: Row, earlier: list[Row]) -> dict[str, Any]:
    day, here = game["game_date"], game["home_team_tricode"]
    last = earlier[-1]["home_team_tricode"] if earlier else here
    trips = [(later["game_date"], _miles(sooner, later)) for sooner, later in pairwise(earlier)]
    away = takewhile(lambda one: one["home_team_tricode"] != team, [game, *reversed(earlier)])
    return {
        "travel_miles": miles_between(last, here),
        "time_zone_changes": hours_between(last, here, day),
        "consecutive_road_games": len(list(away)),
        "miles_traveled_last_14_days": sum(miles for then, miles in trips if then >= day - timedelta(14)),
    }


def _miles(sooner: Row, later: Row) -> int:
    return miles_between(sooner["home_team_tricode"], later["home_team_tricode"])


def _injured(stored: Stored, game: Row, team: str, earlier: list[Row]) -> dict[str, Any]:
    report = report_before(stored, game)
    if report is None:
        return {"starters_out_count": None, "questionable_players_count": None}
    recent = {one["game_id"] for one in earlier[-5:]}
    own = [row for row in report.values() if row["team_abbr"] == team]
    starters = {
        row["player_lookup"]
        for row in stored.lineups
        if row["game_id"] in recent and row["team_abbr"] == team and row["is_starter"]
    }
    return {
        "starters_out_count": sum(r["injury_status"] == "out" and r["player_lookup"] in starters for r in own),
        "questionable_players_count": sum(r["injury_status"] in {"questionable", "doubtful"} for r in own),
    }
