"""What the gates of several NBA tables share: the statements, the repairs, and short forms of ``Gate``.

The gates of each table are in ``gates_raw``, ``gates_analytics`` and ``gates_precompute``; ``gates`` has them all.
"""

from backfill_pipelines.backfill.gates import Gate

RECAPTURE = "Capture the named files again into the feed folder, then run the date again."
UPSTREAM = "Look at the same date upstream: the raw rows it was built from are shown on their assets."

KEYS_ARE_UNIQUE = Gate("keys_are_unique", "Every key has exactly one row.", UPSTREAM, "keys", may_be_empty=True)
ROWS_MEET_THE_CONTRACT = Gate(
    "rows_meet_the_contract",
    "No required column is NULL in any row.",
    "See which column is NULL and which feed it comes from; " + RECAPTURE,
    "columns",
    may_be_empty=True,
)
FILES_PARSED = Gate(
    "files_parsed_and_keys_unique",
    "The files that count were parsed, every key has exactly one row, and no key was lost to contradicting rows.",
    RECAPTURE,
    "keys",
    may_be_empty=True,
)
GAMES_COVERED = Gate(
    "every_expected_game_is_covered",
    "Every game that the schedule expects on the date has rows. Advisory: the table is optional or has a substitute.",
    RECAPTURE,
    "every_expected_game_is_covered",
    blocking=False,
)


def two_rows(team: str, repair: str) -> Gate:
    """Both teams of each expected game; ``team`` is the column of the tricode."""
    return Gate(
        "two_rows_per_expected_game",
        "Each expected game has a row for both of its teams, and nothing else has.",
        repair,
        "two_rows_per_expected_game",
        {"team": team},
    )


def gate(name: str, description: str, repair: str, *, blocking: bool = True, may_be_empty: bool = False) -> Gate:
    """A gate whose statement file has its name."""
    return Gate(name, description, repair, name, blocking=blocking, may_be_empty=may_be_empty)
