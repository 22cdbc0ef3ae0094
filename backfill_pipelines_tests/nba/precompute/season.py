"""Hand-made rows of what phase 4 reads: some weeks of Boston against New York before the default game, and its slate.

Every player has the same line in every game: 20 points in 30 minutes, 16 shots of which half are from the paint.
"""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from backfill_pipelines.backfill.contracts import TableContract
from backfill_pipelines.nba.tables_analytics import PLAYER_SUMMARY, TEAM_DEFENSE, TEAM_OFFENSE
from backfill_pipelines.nba.tables_context import PLAYER_CONTEXT, TEAM_CONTEXT
from backfill_pipelines.nba.tables_precompute import (
    COMPOSITE_FACTORS,
    DAILY_CACHE,
    FEATURE_STORE,
    PLAYER_ZONES,
    TEAM_ZONES,
)
from backfill_pipelines.nba.tables_raw import PLAYER_LINES, SCHEDULE
from backfill_pipelines_tests.nba.analytics.builders import AWAY, DAY, GAME, HOME, Row, row, schedule
from backfill_pipelines_tests.nba.analytics.tables import Tables

PHASE_4 = (TEAM_ZONES, PLAYER_ZONES, COMPOSITE_FACTORS, DAILY_CACHE, FEATURE_STORE)
BEST, OTHER = "bosplayer", "nykplayer"
TEAM_OF = {BEST: AWAY, OTHER: HOME}
READY = {"quality_tier": "gold", "quality_score": 100, "is_production_ready": True}
FULL = {"expected_games_count": 10, "actual_games_count": 10, "completeness_percentage": 100.0, "window_is_full": True}

Rows = dict[TableContract, list[Row]]


def days_before(count: int, last: date = DAY) -> list[date]:
    """Every second day before a day, oldest first."""
    return [last - timedelta(days=2 * back) for back in range(count, 0, -1)]


def game_on(day: date, away: str = AWAY, home: str = HOME) -> str:
    """Canonical id of a game."""
    return f"{day:%Y%m%d}_{away}_{home}"


def season_of(day: date) -> int:
    """Start year of the season of a day."""
    return day.year if day.month > 7 else day.year - 1


def summary(player: str, day: date, **changes: Any) -> Row:
    """A player's game: 20 points, 8 of 16, half of it from the paint and a quarter from three."""
    team = TEAM_OF.get(player, AWAY)
    values = {
        "player_lookup": player,
        "player_full_name": player,
        "game_id": game_on(day),
        "game_date": day,
        "season_year": season_of(day),
        "team_abbr": team,
        "opponent_team_abbr": HOME if team == AWAY else AWAY,
        "points": 20,
        "minutes_played": 30,
        "usage_rate": 20,
        "fg_makes": 8,
        "fg_attempts": 16,
        "ft_makes": 2,
        "ft_attempts": 4,
        "paint_attempts": 8,
        "paint_makes": 4,
        "mid_range_attempts": 4,
        "mid_range_makes": 2,
        "three_attempts_pbp": 4,
        "three_makes_pbp": 2,
        "assisted_fg_makes": 6,
        "unassisted_fg_makes": 2,
    }
    return row(PLAYER_SUMMARY, values | READY, **changes)


def line_of(played: Row) -> Row:
    """The raw line behind a player's game."""
    same = {name: played[name] for name in ("player_lookup", "game_id", "game_date", "season_year", "points")}
    same |= {"field_goals_attempted": played["fg_attempts"], "free_throws_attempted": played["ft_attempts"]}
    same |= {"minutes_decimal": None if played["minutes_played"] is None else float(played["minutes_played"])}
    return row(PLAYER_LINES, same, source="nbac_gamebook")


def defence(team: str, day: date, **changes: Any) -> Row:
    """What a team allowed: 105 points, 30 of 50 from the paint, 8 of 20 from mid-range, 12 of 30 threes."""
    values = {
        "game_id": game_on(day),
        "game_date": day,
        "season_year": season_of(day),
        "defending_team_abbr": team,
        "points_allowed": 105,
        "opp_paint_attempts": 50,
        "opp_paint_makes": 30,
        "opp_mid_range_attempts": 20,
        "opp_mid_range_makes": 8,
        "opp_three_attempts_pbp": 30,
        "opp_three_makes_pbp": 12,
        "points_in_paint_allowed": 60,
        "blocks_paint": 3,
        "blocks_mid_range": 1,
        "blocks_three_pt": 0,
        "defensive_rating": 110,
        "opponent_pace": 99,
    }
    return row(TEAM_DEFENSE, values | READY, **changes)


def offence(team: str, day: date, **changes: Any) -> Row:
    """What a team's offence did: pace 98, rating 108."""
    values = {"game_id": game_on(day), "game_date": day, "season_year": season_of(day), "team_abbr": team}
    return row(TEAM_OFFENSE, values | READY | {"pace": 98, "offensive_rating": 108, "possessions": 98}, **changes)


def player_context(player: str, **changes: Any) -> Row:
    """A rested player of the default game with a full window and nothing else known of him."""
    team = TEAM_OF.get(player, AWAY)
    values = {
        "player_lookup": player,
        "game_id": GAME,
        "game_date": DAY,
        "season_year": 2021,
        "team_abbr": team,
        "opponent_team_abbr": HOME if team == AWAY else AWAY,
        "home_game": team == HOME,
        "season_phase": "mid",
        "days_rest": 2,
        "opponent_days_rest": 2,
        "games_in_last_7_days": 3,
        "games_in_last_14_days": 7,
        "minutes_in_last_7_days": 90,
        "minutes_in_last_14_days": 210,
        "avg_minutes_per_game_last_7": 30,
        "points_avg_last_5": 20,
        "points_avg_last_10": 20,
        "l5_games_used": 5,
        "l10_games_used": 10,
        "projected_usage_rate": 20,
        "avg_usage_rate_last_7_games": 20,
        "pace_differential": 0,
    }
    return row(PLAYER_CONTEXT, values | READY | FULL, **changes)


def team_context(team: str, **changes: Any) -> Row:
    """A team that has won half of its 12 games."""
    values = {"team_abbr": team, "game_id": GAME, "game_date": DAY, "season_year": 2021, "season_phase": "mid"}
    values |= {"opponent_team_abbr": HOME if team == AWAY else AWAY, "home_game": team == HOME}
    values |= {"game_number_in_season": 13, "win_pct_entering": 0.5, "team_days_rest": 2}
    return row(TEAM_CONTEXT, values | READY | FULL, **changes)


def player_zones(player: str, **changes: Any) -> Row:
    """The zones of a player with the default line."""
    values = {"player_lookup": player, "analysis_date": DAY, "games_in_sample_10": 10, "games_in_sample_20": 12}
    values |= {"games_with_zones_10": 10, "total_shots_last_10": 160, "primary_scoring_zone": "paint"}
    values |= {"paint_rate_last_10": 50, "mid_range_rate_last_10": 25, "three_pt_rate_last_10": 25}
    return row(PLAYER_ZONES, values | READY | FULL, **changes)


def team_zones(team: str, **changes: Any) -> Row:
    """The defence of a team that is as good as the league."""
    values = {"team_abbr": team, "analysis_date": DAY, "games_in_sample": 15, "defensive_rating_last_15": 110}
    values |= {"opponent_pace": 99, "opponent_points_per_game": 105}
    values |= dict.fromkeys([f"{zone}_defense_vs_league_avg" for zone in ("paint", "mid_range", "three_pt")], 0)
    return row(TEAM_ZONES, values | READY | FULL, **changes)


def factors(player: str, **changes: Any) -> Row:
    """Neutral scores."""
    values = {"player_lookup": player, "game_date": DAY, "analysis_date": DAY, "game_id": GAME, "fatigue_score": 100}
    scores = [column.name for column in COMPOSITE_FACTORS.columns if column.base_type == "NUMERIC"]
    values |= dict.fromkeys(scores, 0) | READY | FULL
    return row(COMPOSITE_FACTORS, values, **changes)


def cache(player: str, **changes: Any) -> Row:
    """The averages of a player with the default line."""
    values = {"player_lookup": player, "analysis_date": DAY, "cache_date": DAY, "game_id": GAME, "team_abbr": AWAY}
    values |= dict.fromkeys(["points_avg_last_5", "points_avg_last_10", "points_avg_season"], 20)
    values |= {"points_std_last_10": 4, "minutes_avg_last_10": 30, "minutes_avg_season": 30, "games_played_season": 12}
    values |= {"team_pace_last_10": 98, "team_off_rating_last_10": 108, "games_in_last_7_days": 3}
    return row(DAILY_CACHE, values | READY | FULL, **changes)


def slate(*players: str) -> Rows:
    """The default game as its date sees it, before phase 4."""
    return {
        SCHEDULE: [schedule()],
        PLAYER_CONTEXT: [player_context(player) for player in players],
        TEAM_CONTEXT: [team_context(AWAY), team_context(HOME)],
    }


def publish_history(tables: Tables, days: Iterable[date], **changes: Any) -> None:
    """Games of Boston at New York on the days, in every table that phase 4 looks back into."""
    days = list(days)
    played = [summary(player, day, **changes) for player in (BEST, OTHER) for day in days]
    publish_games(tables, played)
    tables.on(*days).publish(
        {
            SCHEDULE: [schedule(game_on(day), season_year=season_of(day)) for day in days],
            TEAM_DEFENSE: [defence(team, day) for team in (AWAY, HOME) for day in days],
            TEAM_OFFENSE: [offence(team, day) for team in (AWAY, HOME) for day in days],
        }
    )


def publish_games(tables: Tables, played: list[Row]) -> None:
    """Replace the players' games of the days of the rows, and the raw lines behind them."""
    days = sorted({one["game_date"] for one in played})
    tables.on(*days).publish({PLAYER_SUMMARY: played, PLAYER_LINES: [line_of(one) for one in played]})
