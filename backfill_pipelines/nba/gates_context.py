"""The gates of the context tables of phase 3: complete, as the schedule has it, and blind to the date itself."""

from backfill_pipelines.backfill.gates import Gate
from backfill_pipelines.nba import tables_context as context
from backfill_pipelines.nba.gates_common import (
    KEYS_ARE_UNIQUE,
    ROWS_MEET_THE_CONTRACT,
    UPSTREAM,
    gate,
    two_rows,
)

EARLIER_DATES = (
    "A date before this one changed, or was not complete, when the rows were built: look at the named game's season "
    "so far upstream, then run the date again."
)
REST, BLIND = "rest_agrees_with_schedule", "nothing_looks_ahead"

CONTEXT_GATES: dict[str, tuple[Gate, ...]] = {
    context.TEAM_CONTEXT.full_name: (
        two_rows("team_abbr", UPSTREAM),
        Gate(
            REST,
            "The rest of every team is the days since its last final of the season, by the schedule; at least 1.",
            EARLIER_DATES,
            "team_rest_agrees_with_schedule",
        ),
        Gate(
            BLIND,
            "Game number, recent games, wins and last game of every team are those of its finals before the date: "
            "nothing of the date or later, nothing of another season.",
            EARLIER_DATES,
            "team_context_looks_back_only",
        ),
        KEYS_ARE_UNIQUE,
        ROWS_MEET_THE_CONTRACT,
    ),
    context.PLAYER_CONTEXT.full_name: (
        gate("players_match_the_lines", "The players are exactly those of player_lines.", UPSTREAM),
        Gate(
            REST,
            "Every player's rest is at least 1, leads to a game of his, and is no shorter than his team's unless he "
            "changed team since.",
            EARLIER_DATES,
            "player_rest_agrees_with_schedule",
        ),
        Gate(
            BLIND,
            "Games, minutes, points and last game of every player are those of his counted games before the date: "
            "nothing of the date or later, nothing of another season.",
            EARLIER_DATES,
            "player_context_looks_back_only",
        ),
        KEYS_ARE_UNIQUE,
        ROWS_MEET_THE_CONTRACT,
    ),
}
