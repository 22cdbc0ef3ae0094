"""The gates of the phase 3 tables: what must be true of each, and what to do when it is not."""

from backfill_pipelines.backfill.gates import Gate
from backfill_pipelines.nba import tables_analytics as analytics
from backfill_pipelines.nba.gates_common import (
    KEYS_ARE_UNIQUE,
    ROWS_MEET_THE_CONTRACT,
    UPSTREAM,
    gate,
    two_rows,
)

ANALYTICS_GATES: dict[str, tuple[Gate, ...]] = {
    analytics.TEAM_OFFENSE.full_name: (
        two_rows("team_abbr", UPSTREAM),
        gate(
            "offence_is_plausible",
            "Points 50-200, possessions 70-150, pace 70-130, rating 60-165 for every team.",
            UPSTREAM,
        ),
        KEYS_ARE_UNIQUE,
        ROWS_MEET_THE_CONTRACT,
    ),
    analytics.PLAYER_SUMMARY.full_name: (
        gate("players_match_the_lines", "The players are exactly those of player_lines.", UPSTREAM),
        gate(
            "usage_adds_up",
            "Usage weighted by minutes lies in 18.5 to 20.5 for every team: five players share the plays.",
            UPSTREAM,
        ),
        gate(
            "zones_add_up",
            "Where there is play-by-play, zones of at least 99 % of the players equal their box score, none is off "
            "by more than 2 attempts.",
            "Capture the play-by-play file of the named game again.",
        ),
        gate(
            "required_values_present",
            "No rate-bearing value is missing: points and team never, minutes in at most 1 %, usage in at most 2 %.",
            UPSTREAM,
        ),
        gate(
            "players_are_plausible",
            "Points 0-110, minutes at most 70, usage 0-100; exactly one team of each game won.",
            UPSTREAM,
        ),
        KEYS_ARE_UNIQUE,
        ROWS_MEET_THE_CONTRACT,
    ),
    analytics.TEAM_DEFENSE.full_name: (
        two_rows("defending_team_abbr", UPSTREAM),
        gate(
            "allowed_equals_opponents_offence",
            "Points allowed are what the opponent scored, in total and zone by zone.",
            UPSTREAM,
        ),
        KEYS_ARE_UNIQUE,
        ROWS_MEET_THE_CONTRACT,
    ),
}
