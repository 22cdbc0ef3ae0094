"""The gates of the raw tables: what must be true of each, and what to do when it is not."""

from backfill_pipelines.backfill.gates import Gate
from backfill_pipelines.nba import tables_raw as raw
from backfill_pipelines.nba.gates_common import (
    FILES_PARSED,
    GAMES_COVERED,
    KEYS_ARE_UNIQUE,
    RECAPTURE,
    ROWS_MEET_THE_CONTRACT,
    gate,
    two_rows,
)

SCHEDULE_GATES = (
    Gate(
        "every_season_day_is_known",
        "The day lies in a season whose schedule file was loaded, and every game has one row.",
        "Capture the season's schedule file, then run the date again.",
        "keys",
        may_be_empty=True,
    ),
    gate(
        "no_past_game_is_unfinished",
        "Every game of a past date is final or postponed.",
        "The schedule file is older than the game: capture it again, then run the date again.",
        may_be_empty=True,
    ),
    gate(
        "finals_have_two_teams_and_a_winner",
        "Every final that is no exhibition has two teams, two different scores above zero and a winner.",
        "Correct or recapture the schedule file, then run the date again.",
        may_be_empty=True,
    ),
    ROWS_MEET_THE_CONTRACT,
)

_OPTIONAL_FEED_GATES = (FILES_PARSED, GAMES_COVERED, ROWS_MEET_THE_CONTRACT)
_ROSTERS_COVERED = Gate(
    GAMES_COVERED.name,
    "Both teams of every game that the schedule expects on the date have a roster of the date. Advisory: the newest "
    "earlier roster is used instead.",
    RECAPTURE,
    "every_expected_game_has_its_rosters",
    blocking=False,
    may_be_empty=True,
)

RAW_GATES: dict[str, tuple[Gate, ...]] = {
    raw.SCHEDULE.full_name: SCHEDULE_GATES,
    raw.TEAM_BOXSCORE.full_name: (
        two_rows("team_abbr", RECAPTURE),
        gate(
            "team_scores_equal_the_schedule",
            "The points of every team are the score that the schedule has.",
            "Schedule and box score disagree: capture both again, then run the date again.",
            may_be_empty=True,
        ),
        gate(
            "team_lines_add_up",
            "Every team line obeys the consistency rules; minutes are 240 and 25 for each overtime.",
            RECAPTURE,
            may_be_empty=True,
        ),
        ROWS_MEET_THE_CONTRACT,
    ),
    raw.STARTING_LINEUPS.full_name: (
        FILES_PARSED,
        gate(
            "five_starters_a_team",
            "Five players of each expected team started. Advisory: starters are estimated where it is red.",
            RECAPTURE,
            blocking=False,
        ),
        ROWS_MEET_THE_CONTRACT,
    ),
    raw.GAMEBOOK.full_name: _OPTIONAL_FEED_GATES,
    raw.BDL_BOXSCORES.full_name: _OPTIONAL_FEED_GATES,
    raw.PLAYER_BOXSCORES.full_name: _OPTIONAL_FEED_GATES,
    raw.PLAY_BY_PLAY.full_name: _OPTIONAL_FEED_GATES,
    raw.ROSTERS.full_name: (FILES_PARSED, _ROSTERS_COVERED, ROWS_MEET_THE_CONTRACT),
    raw.INJURIES.full_name: _OPTIONAL_FEED_GATES,
    raw.GAME_LINES.full_name: _OPTIONAL_FEED_GATES,
    raw.PROPS.full_name: _OPTIONAL_FEED_GATES,
    raw.PLAYER_LINES.full_name: (
        gate(
            "player_points_equal_team_points",
            "Points, attempts and rebounds of the players add up to the team's, for every team of the date.",
            "A player is missing, doubled or wrong in both player feeds: capture gamebook and ball-dont-lie again.",
            may_be_empty=True,
        ),
        gate(
            "every_team_has_its_players",
            "Each expected team has 5 to 20 players, whose minutes add up to the team's.",
            "Neither gamebook nor ball-dont-lie has the team's players: capture either, then run the date again.",
        ),
        gate(
            "primary_source_was_used",
            "At most 5 % of the lines come from the fallback source. Advisory.",
            "Capture the gamebooks of the date again.",
            blocking=False,
            may_be_empty=True,
        ),
        KEYS_ARE_UNIQUE,
        ROWS_MEET_THE_CONTRACT,
    ),
}
