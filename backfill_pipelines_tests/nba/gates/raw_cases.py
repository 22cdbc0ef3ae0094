"""Good and bad rows for every gate of the raw tables."""

from backfill_pipelines.nba.tables_raw import (
    BDL_BOXSCORES,
    GAME_LINES,
    GAMEBOOK,
    INJURIES,
    PLAY_BY_PLAY,
    PLAYER_BOXSCORES,
    PLAYER_LINES,
    PROPS,
    ROSTERS,
    SCHEDULE,
    STARTING_LINEUPS,
    TEAM_BOXSCORE,
)
from backfill_pipelines.nba.tables_reference import ACCEPTED_GAPS
from backfill_pipelines_tests.nba.analytics.builders import (
    AWAY,
    GAME,
    HOME,
    SECOND_GAME,
    Row,
    accepted,
    player_of,
    schedule,
    team_box,
)
from backfill_pipelines_tests.nba.gates.measuring import Case, add, drop, every, first, first_few, nothing, same

BEST = player_of(AWAY, 1)
ANOTHER_GAME = {SCHEDULE: [schedule(), schedule(SECOND_GAME)]}
FINAL = "finals_have_two_teams_and_a_winner"
LINES, TEAMS = "team_lines_add_up", "two_rows_per_expected_game"
SUMS, TEAM_SIZE = "player_points_equal_team_points", "every_team_has_its_players"
COVERED, PARSED, CONTRACT = "every_expected_game_is_covered", "files_parsed_and_keys_unique", "rows_meet_the_contract"

#: Each breaks one rule of a team line.
BROKEN_LINES: tuple[Row, ...] = (
    {"points": 101},
    {"three_pt_made": 41, "points": 131},
    {"fg_made": 81, "points": 182},
    {"three_pt_attempted": 9},
    {"three_pt_attempted": 81},
    {"ft_made": 21, "points": 111},
    {"total_rebounds": 41},
    {"steals": -1},
    {"minutes_total": 250},
    {"minutes_total": 215},
)


def everybody_plays(minutes: float, source: str) -> dict[str, object]:
    return {"minutes_decimal": minutes, "source": source}


def crowd(rows: list[Row]) -> list[Row]:
    """Sixteen players more for the away team, who do not play."""
    idle = rows[0] | {"minutes_decimal": 0.0}
    return [*rows, *(idle | {"player_lookup": f"idle{number}"} for number in range(16))]


BAD = [
    Case(SCHEDULE, "every_season_day_is_known", add(), f"{schedule()['nba_game_id']}/2022-01-03 has 2 rows"),
    Case(
        SCHEDULE,
        "no_past_game_is_unfinished",
        first(game_status=2, game_status_text="Q3 4:02"),
        f"{GAME} has status 2 (Q3 4:02)",
    ),
    Case(SCHEDULE, "no_past_game_is_unfinished", first(game_status=1, game_status_text=None), "has status 1 ()"),
    Case(SCHEDULE, FINAL, first(away_team_score=105), f"{GAME} ended 105-105"),
    Case(SCHEDULE, FINAL, first(away_team_score=0), f"{GAME} ended 0-105"),
    Case(SCHEDULE, FINAL, first(home_team_score=None), f"{GAME} ended 100-?"),
    Case(SCHEDULE, FINAL, first(away_team_tricode=HOME), f"{GAME} ended 100-105"),
    Case(SCHEDULE, FINAL, first(away_team_tricode=None), f"{GAME} ended 100-105"),
    Case(SCHEDULE, FINAL, first(winning_team_tricode=None), f"{GAME} ended 100-105"),
    Case(SCHEDULE, CONTRACT, first(season=None), "season is NULL in 1 rows"),
    Case(TEAM_BOXSCORE, TEAMS, drop("Nyk"), f"{GAME}/NYK is missing"),
    Case(TEAM_BOXSCORE, TEAMS, add(team_abbr="LAL"), f"{GAME}/LAL is not expected"),
    Case(TEAM_BOXSCORE, TEAMS, add(game_id=SECOND_GAME, team_abbr="MIA"), f"{SECOND_GAME}/MIA is not expected"),
    Case(TEAM_BOXSCORE, TEAMS, same(), f"{SECOND_GAME}/PHI is missing", ANOTHER_GAME),
    Case(TEAM_BOXSCORE, TEAMS, drop("Nyk"), f"{GAME}/NYK is missing", {ACCEPTED_GAPS: [accepted(TEAM_BOXSCORE)]}),
    Case(TEAM_BOXSCORE, TEAMS, nothing(), f"{GAME}/BOS is missing", {ACCEPTED_GAPS: [accepted(PLAYER_LINES)]}),
    Case(
        TEAM_BOXSCORE,
        "team_scores_equal_the_schedule",
        first(points=101),
        f"{GAME}/BOS has 101 points, the schedule 100",
    ),
    Case(
        TEAM_BOXSCORE,
        "team_scores_equal_the_schedule",
        first(game_id=SECOND_GAME),
        f"{SECOND_GAME}/BOS has 100 points, the schedule no score",
    ),
    *(Case(TEAM_BOXSCORE, LINES, first(**line), f"{GAME}/BOS, minutes") for line in BROKEN_LINES),
    Case(TEAM_BOXSCORE, CONTRACT, every(points=None), "points is NULL in 2 rows"),
    Case(STARTING_LINEUPS, PARSED, add(), f"{GAME}/{BEST} has 2 rows"),
    Case(STARTING_LINEUPS, "five_starters_a_team", first(is_starter=False), f"{GAME}/BOS has 4 starters"),
    Case(STARTING_LINEUPS, "five_starters_a_team", add(player_lookup="sixth"), f"{GAME}/BOS has 6 starters"),
    Case(STARTING_LINEUPS, "five_starters_a_team", nothing(), f"{GAME}/NYK has 0 starters"),
    Case(STARTING_LINEUPS, CONTRACT, first(player_name=None), "player_name is NULL in 1 rows"),
    Case(GAMEBOOK, PARSED, add(), f"{GAME}/BOS/BOS Player 1 has 2 rows"),
    Case(GAMEBOOK, PARSED, lambda rows: [row | {"team_abbr": None} for row in rows[:1] * 2], f"{GAME}/NULL/BOS"),
    Case(BDL_BOXSCORES, PARSED, add(), f"{GAME}/{BEST} has 2 rows"),
    Case(PLAYER_BOXSCORES, PARSED, add(), f"{GAME}/{BEST} has 2 rows"),
    Case(PLAY_BY_PLAY, PARSED, add(), f"{GAME}/0 has 2 rows"),
    *(
        case
        for contract in (GAMEBOOK, BDL_BOXSCORES, PLAYER_BOXSCORES, PLAY_BY_PLAY)
        for case in (
            Case(contract, COVERED, nothing(), f"{GAME} has no rows"),
            Case(contract, COVERED, same(), f"{SECOND_GAME} has no rows", ANOTHER_GAME),
            Case(contract, CONTRACT, first(season_year=None), "season_year is NULL in 1 rows"),
        )
    ),
    Case(ROSTERS, PARSED, add(), "2022-01-03/BOS/BOS1 has 2 rows"),
    Case(ROSTERS, COVERED, drop("NYK"), f"{GAME} has 1 of 2 rosters"),
    Case(ROSTERS, COVERED, nothing(), f"{GAME} has 0 of 2 rosters"),
    Case(ROSTERS, COVERED, same(), f"{SECOND_GAME} has 0 of 2 rosters", ANOTHER_GAME),
    Case(ROSTERS, CONTRACT, first(player_full_name=None), "player_full_name is NULL in 1 rows"),
    Case(INJURIES, PARSED, add(injury_status="doubtful"), "2022-01-03/13/bosplayer9 has 2 rows"),
    Case(GAME_LINES, PARSED, add(outcome_price=1.5), f"{GAME}/draftkings/spreads/BOS/"),
    Case(PROPS, PARSED, add(), f"{GAME}/draftkings/{BEST}/19.5/"),
    *(
        case
        for contract, column in ((INJURIES, "injury_status"), (GAME_LINES, "market_key"), (PROPS, "player_name"))
        for case in (
            Case(contract, COVERED, nothing(), f"{GAME} has no rows"),
            Case(contract, COVERED, same(), f"{SECOND_GAME} has no rows", ANOTHER_GAME),
            Case(contract, CONTRACT, first(**{column: None}), f"{column} is NULL in 1 rows"),
        )
    ),
    Case(
        PLAYER_LINES,
        SUMS,
        first(points=21),
        f"{GAME}/BOS players 101 points 80 FGA 40 rebounds, team 100 80 40",
    ),
    Case(PLAYER_LINES, SUMS, first(field_goals_attempted=17), f"{GAME}/BOS players 100 points 81 FGA 40 rebounds"),
    Case(PLAYER_LINES, SUMS, first(total_rebounds=7), f"{GAME}/BOS players 100 points 80 FGA 39 rebounds"),
    Case(PLAYER_LINES, SUMS, nothing(), f"{GAME}/BOS players 0 points 0 FGA 0 rebounds, team 100 80 40"),
    Case(
        PLAYER_LINES,
        SUMS,
        first(points=21),
        f"{GAME}/BOS players 101 points",
        {ACCEPTED_GAPS: [accepted(PLAYER_LINES)]},
    ),
    Case(PLAYER_LINES, TEAM_SIZE, drop(BEST), f"{GAME}/BOS has 4 players, "),
    Case(PLAYER_LINES, TEAM_SIZE, crowd, f"{GAME}/BOS has 21 players, "),
    Case(PLAYER_LINES, TEAM_SIZE, nothing(), f"{GAME}/NYK has 0 players, "),
    Case(PLAYER_LINES, TEAM_SIZE, first(minutes_decimal=49.1), f"{GAME}/BOS has 5 players, 241.1 of 240 minutes"),
    Case(PLAYER_LINES, TEAM_SIZE, first(**everybody_plays(54.5, "bdl_boxscores")), f"{GAME}/BOS has 5 players, 246.5"),
    Case(
        PLAYER_LINES,
        "primary_source_was_used",
        first(source="bdl_boxscores"),
        "1 of 10 lines from ball-dont-lie",
    ),
    Case(PLAYER_LINES, "keys_are_unique", add(), f"{GAME}/{BEST} has 2 rows"),
    Case(PLAYER_LINES, CONTRACT, first_few(3, assists=None), "assists is NULL in 3 rows"),
]

GOOD = [
    Case(SCHEDULE, "no_past_game_is_unfinished", first(game_status=1, is_postponed=True)),
    Case(SCHEDULE, FINAL, lambda rows: [*rows, schedule(SECOND_GAME, game_type="all_star", home_team_score=100)]),
    Case(SCHEDULE, FINAL, lambda rows: [*rows, schedule(SECOND_GAME, is_postponed=True, home_team_score=0)]),
    Case(TEAM_BOXSCORE, TEAMS, nothing(), published={ACCEPTED_GAPS: [accepted(TEAM_BOXSCORE)]}),
    Case(TEAM_BOXSCORE, TEAMS, same(), published={ACCEPTED_GAPS: [accepted(TEAM_BOXSCORE)]}),
    Case(TEAM_BOXSCORE, LINES, every(minutes_total=340)),
    Case(TEAM_BOXSCORE, LINES, lambda _: [team_box(AWAY, steals=0, blocks=0)]),
    Case(PLAYER_LINES, SUMS, nothing(), published={ACCEPTED_GAPS: [accepted(PLAYER_LINES)]}),
    Case(PLAYER_LINES, TEAM_SIZE, nothing(), published={ACCEPTED_GAPS: [accepted(PLAYER_LINES)]}),
    Case(PLAYER_LINES, TEAM_SIZE, same(), published={TEAM_BOXSCORE: []}),
    Case(PLAYER_LINES, TEAM_SIZE, lambda rows: crowd(rows)[:-1]),
    Case(PLAYER_LINES, TEAM_SIZE, first(minutes_decimal=49.0)),
    Case(PLAYER_LINES, TEAM_SIZE, first(**everybody_plays(54.0, "bdl_boxscores"))),
    Case(
        PLAYER_LINES,
        "primary_source_was_used",
        lambda rows: [row | {"source": "bdl_boxscores"} for row in rows[:1]] + rows[1:] * 3,
    ),
]
