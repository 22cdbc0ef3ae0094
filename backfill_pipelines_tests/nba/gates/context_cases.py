"""Good and bad rows for every gate of the context tables, on the first game of a season: nothing lies before it.

``test_context_gates`` has the cases that need games before the date.
"""

from backfill_pipelines.nba.tables_context import PLAYER_CONTEXT, TEAM_CONTEXT
from backfill_pipelines.nba.tables_raw import PLAYER_LINES
from backfill_pipelines_tests.nba.analytics.builders import AWAY, GAME, SECOND_GAME, lines, player_of, without
from backfill_pipelines_tests.nba.gates.measuring import Case, add, drop, every, first, nothing, same
from backfill_pipelines_tests.nba.gates.raw_cases import ANOTHER_GAME, CONTRACT, TEAMS

BEST = player_of(AWAY, 1)
REST, BLIND, MATCH, KEYS = (
    "rest_agrees_with_schedule",
    "nothing_looks_ahead",
    "players_match_the_lines",
    "keys_are_unique",
)

BAD = [
    Case(TEAM_CONTEXT, TEAMS, lambda rows: rows[1:], f"{GAME}/BOS is missing"),
    Case(TEAM_CONTEXT, TEAMS, add(team_abbr="LAL"), f"{GAME}/LAL is not expected"),
    Case(TEAM_CONTEXT, TEAMS, same(), f"{SECOND_GAME}/MIA is missing", ANOTHER_GAME),
    Case(TEAM_CONTEXT, REST, first(team_days_rest=1), f"{GAME}/BOS rest 1, the schedule says NULL"),
    Case(TEAM_CONTEXT, REST, first(team_days_rest=0), f"{GAME}/BOS rest 0, the schedule says NULL"),
    Case(TEAM_CONTEXT, BLIND, first(game_number_in_season=2), f"{GAME}/BOS game 2 after 0 finals"),
    Case(TEAM_CONTEXT, BLIND, first(games_in_last_14_days=1), "BOS game 1 after 0 finals, 1 in 14 days after 0"),
    Case(TEAM_CONTEXT, BLIND, first(team_days_rest=0), "last on 2022-01-03"),
    Case(TEAM_CONTEXT, BLIND, first(actual_games_count=1), f"{GAME}/BOS game 1 after 0 finals"),
    Case(TEAM_CONTEXT, BLIND, first(season_year=1999), f"{GAME}/BOS game 1"),
    Case(TEAM_CONTEXT, KEYS, add(), f"{GAME}/BOS has 2 rows"),
    Case(TEAM_CONTEXT, CONTRACT, every(travel_miles=None), "travel_miles is NULL in 2 rows"),
    Case(PLAYER_CONTEXT, MATCH, drop(BEST), f"{GAME}/{BEST} is missing"),
    Case(PLAYER_CONTEXT, MATCH, add(player_lookup="stranger"), f"{GAME}/stranger has no line"),
    Case(PLAYER_CONTEXT, MATCH, nothing(), f"{GAME}/{BEST} is missing"),
    Case(PLAYER_CONTEXT, MATCH, same(), f"{GAME}/{BEST} has no line", {PLAYER_LINES: without(lines(), BEST)}),
    Case(PLAYER_CONTEXT, REST, first(days_rest=0), f"{GAME}/{BEST} rest 0, his team NULL, last played for nobody"),
    Case(PLAYER_CONTEXT, REST, first(days_rest=3), f"{GAME}/{BEST} rest 3, his team NULL, last played for nobody"),
    Case(PLAYER_CONTEXT, BLIND, first(l10_games_used=1), f"{GAME}/{BEST} games 1 of 0 before the date"),
    Case(PLAYER_CONTEXT, BLIND, first(games_in_last_14_days=1), "in 14 days 1 of 0"),
    Case(PLAYER_CONTEXT, BLIND, first(minutes_in_last_14_days=48), "minutes 48 of 0"),
    Case(PLAYER_CONTEXT, BLIND, first(points_avg_last_10=20), "mean points 20.0 of NULL"),
    Case(PLAYER_CONTEXT, BLIND, first(days_rest=1), "rest 1 of NULL"),
    Case(PLAYER_CONTEXT, BLIND, first(season_year=1999), f"{GAME}/{BEST} games 0 of 0"),
    Case(PLAYER_CONTEXT, KEYS, add(), f"{GAME}/{BEST} has 2 rows"),
    Case(PLAYER_CONTEXT, CONTRACT, first(season_phase=None), "season_phase is NULL in 1 rows"),
]

GOOD: list[Case] = []
