"""The gates of every NBA table: names, what they say when green, what to do when red, and the statement that measures.

A statement gives one item for each thing measured: (partition_date, ok, culprit). ``target`` runs them.
"""

from collections.abc import Callable

from backfill_pipelines.backfill.contracts import TableContract
from backfill_pipelines.backfill.gates import Gate
from backfill_pipelines.nba import tables_analytics as analytics
from backfill_pipelines.nba import tables_raw as raw
from backfill_pipelines.stores import sql

#: Items that are generated from the contract instead of read from a statement file.
GENERATED: dict[str, Callable[[TableContract], str]] = {"keys": sql.key_items, "columns": sql.required_items}

_RECAPTURE = "Capture the named files again into the feed folder, then run the date again."
_UPSTREAM = "Look at the same date upstream: the raw rows it was built from are shown on their assets."

KEYS_ARE_UNIQUE = Gate("keys_are_unique", "Every key has exactly one row.", _UPSTREAM, "keys", may_be_empty=True)
ROWS_MEET_THE_CONTRACT = Gate(
    "rows_meet_the_contract",
    "No required column is NULL in any row.",
    "See which column is NULL and which feed it comes from; " + _RECAPTURE,
    "columns",
    may_be_empty=True,
)
FILES_PARSED = Gate(
    "files_parsed_and_keys_unique",
    "The files that count were parsed, every key has exactly one row, and no key was lost to contradicting rows.",
    _RECAPTURE,
    "keys",
    may_be_empty=True,
)
GAMES_COVERED = Gate(
    "every_expected_game_is_covered",
    "Every game that the schedule expects on the date has rows. Advisory: the table is optional or has a substitute.",
    _RECAPTURE,
    "every_expected_game_is_covered",
    blocking=False,
)


def _two_rows(team: str, repair: str) -> Gate:
    return Gate(
        "two_rows_per_expected_game",
        "Each expected game has a row for both of its teams, and nothing else has.",
        repair,
        "two_rows_per_expected_game",
        {"team": team},
    )


def _gate(name: str, description: str, repair: str, *, blocking: bool = True, may_be_empty: bool = False) -> Gate:
    return Gate(name, description, repair, name, blocking=blocking, may_be_empty=may_be_empty)


SCHEDULE_GATES = (
    Gate(
        "every_season_day_is_known",
        "The day lies in a season whose schedule file was loaded, and every game has one row.",
        "Capture the season's schedule file, then run the date again.",
        "keys",
        may_be_empty=True,
    ),
    _gate(
        "no_past_game_is_unfinished",
        "Every game of a past date is final or postponed.",
        "The schedule file is older than the game: capture it again, then run the date again.",
        may_be_empty=True,
    ),
    _gate(
        "finals_have_two_teams_and_a_winner",
        "Every final that is no exhibition has two teams, two different scores above zero and a winner.",
        "Correct or recapture the schedule file, then run the date again.",
        may_be_empty=True,
    ),
    ROWS_MEET_THE_CONTRACT,
)

_OPTIONAL_FEED_GATES = (FILES_PARSED, GAMES_COVERED, ROWS_MEET_THE_CONTRACT)

TABLE_GATES: dict[str, tuple[Gate, ...]] = {
    raw.SCHEDULE.full_name: SCHEDULE_GATES,
    raw.TEAM_BOXSCORE.full_name: (
        _two_rows("team_abbr", _RECAPTURE),
        _gate(
            "team_scores_equal_the_schedule",
            "The points of every team are the score that the schedule has.",
            "Schedule and box score disagree: capture both again, then run the date again.",
            may_be_empty=True,
        ),
        _gate(
            "team_lines_add_up",
            "Every team line obeys the consistency rules; minutes are 240 and 25 for each overtime.",
            _RECAPTURE,
            may_be_empty=True,
        ),
        ROWS_MEET_THE_CONTRACT,
    ),
    raw.STARTING_LINEUPS.full_name: (
        FILES_PARSED,
        _gate(
            "five_starters_a_team",
            "Five players of each expected team started. Advisory: starters are estimated where it is red.",
            _RECAPTURE,
            blocking=False,
        ),
        ROWS_MEET_THE_CONTRACT,
    ),
    raw.GAMEBOOK.full_name: _OPTIONAL_FEED_GATES,
    raw.BDL_BOXSCORES.full_name: _OPTIONAL_FEED_GATES,
    raw.PLAYER_BOXSCORES.full_name: _OPTIONAL_FEED_GATES,
    raw.PLAY_BY_PLAY.full_name: _OPTIONAL_FEED_GATES,
    raw.PLAYER_LINES.full_name: (
        _gate(
            "player_points_equal_team_points",
            "Points, attempts and rebounds of the players add up to the team's, for every team of the date.",
            "A player is missing, doubled or wrong in both player feeds: capture gamebook and ball-dont-lie again.",
            may_be_empty=True,
        ),
        _gate(
            "every_team_has_its_players",
            "Each expected team has 5 to 20 players, whose minutes add up to the team's.",
            "Neither gamebook nor ball-dont-lie has the team's players: capture either, then run the date again.",
        ),
        _gate(
            "primary_source_was_used",
            "At most 5 % of the lines come from the fallback source. Advisory.",
            "Capture the gamebooks of the date again.",
            blocking=False,
            may_be_empty=True,
        ),
        KEYS_ARE_UNIQUE,
        ROWS_MEET_THE_CONTRACT,
    ),
    analytics.TEAM_OFFENSE.full_name: (
        _two_rows("team_abbr", _UPSTREAM),
        _gate(
            "offence_is_plausible",
            "Points 50-200, possessions 70-150, pace 70-130, rating 60-165 for every team.",
            _UPSTREAM,
        ),
        KEYS_ARE_UNIQUE,
        ROWS_MEET_THE_CONTRACT,
    ),
    analytics.PLAYER_SUMMARY.full_name: (
        _gate("players_match_the_lines", "The players are exactly those of player_lines.", _UPSTREAM),
        _gate(
            "usage_adds_up",
            "Usage weighted by minutes lies in 18.5 to 20.5 for every team: five players share the plays.",
            _UPSTREAM,
        ),
        _gate(
            "zones_add_up",
            "Where there is play-by-play, zones of at least 99 % of the players equal their box score, none is off "
            "by more than 2 attempts.",
            "Capture the play-by-play file of the named game again.",
        ),
        _gate(
            "required_values_present",
            "No rate-bearing value is missing: points and team never, minutes in at most 1 %, usage in at most 2 %.",
            _UPSTREAM,
        ),
        _gate(
            "players_are_plausible",
            "Points 0-110, minutes at most 70, usage 0-100; exactly one team of each game won.",
            _UPSTREAM,
        ),
        KEYS_ARE_UNIQUE,
        ROWS_MEET_THE_CONTRACT,
    ),
    analytics.TEAM_DEFENSE.full_name: (
        _two_rows("defending_team_abbr", _UPSTREAM),
        _gate(
            "allowed_equals_opponents_offence",
            "Points allowed are what the opponent scored, in total and zone by zone.",
            _UPSTREAM,
        ),
        KEYS_ARE_UNIQUE,
        ROWS_MEET_THE_CONTRACT,
    ),
}


def items_sql(gate: Gate, contract: TableContract) -> str:
    """GoogleSQL of a gate's items for a table."""
    if gate.source in GENERATED:
        return GENERATED[gate.source](contract)
    text = sql.load("backfill_pipelines.nba", f"gates/{gate.source}")
    return sql.render(text, staged=contract.staging_name, table=contract.full_name, **gate.identifiers)
