"""The gates of the phase 4 tables: complete by key, plausible, and blind to the date itself."""

from backfill_pipelines.backfill.gates import Gate
from backfill_pipelines.nba import tables_precompute as precompute
from backfill_pipelines.nba.catalog import CACHED_PLAYERS, ZONE_PLAYERS, ZONE_TEAMS, Coverage
from backfill_pipelines.nba.gates_common import KEYS_ARE_UNIQUE, ROWS_MEET_THE_CONTRACT, UPSTREAM, gate

SEASON_SO_FAR = (
    "A date before this one changed, or was not complete, when the rows were built: complete the season so far of the "
    "named teams and players in phase 3, then run the date again."
)
SAME_DATE = "Run the same date of the contexts and of the phase 4 tables that are read here, then this one again."
BLIND = "nothing_looks_ahead"


def _expected(name: str, description: str, repair: str, coverage: Coverage) -> Gate:
    """Exactly the keys that a view expects."""
    return Gate(
        name,
        description,
        repair,
        "keys_are_the_expected",
        {"expected": coverage.view, "key": coverage.column},
    )


def _blind(what: str, repair: str, source: str) -> Gate:
    """The newest contributing game lies before the date and in the season; ``source`` recomputes the windows."""
    said = f"{what} those of the games before the date: nothing of the date or later, nothing of another season."
    return Gate(BLIND, said, repair, source)


EVERY_PLAYER_OF_THE_SLATE = gate(
    "every_player_of_the_slate_has_a_row",
    "The players are exactly those of upcoming_player_game_context; none in the bootstrap days.",
    SAME_DATE,
)

PRECOMPUTE_GATES: dict[str, tuple[Gate, ...]] = {
    precompute.TEAM_ZONES.full_name: (
        _expected(
            "every_team_has_a_row",
            "The teams are exactly those with five finals of the season before the date.",
            SEASON_SO_FAR,
            ZONE_TEAMS,
        ),
        gate(
            "defence_is_plausible",
            "Shares allowed .40-.75 in the paint, .20-.65 from mid-range, .20-.50 from three, rating 85-140; over ten "
            "teams or more the differences to the league add up to 0 within .5.",
            UPSTREAM,
        ),
        _blind("Games and points of every team's window are", SEASON_SO_FAR, "zone_teams_look_back_only"),
        KEYS_ARE_UNIQUE,
        ROWS_MEET_THE_CONTRACT,
    ),
    precompute.PLAYER_ZONES.full_name: (
        _expected(
            "every_player_with_five_games_has_a_row",
            "The players are exactly those with five counted games of the season before the date, by player_lines.",
            SEASON_SO_FAR,
            ZONE_PLAYERS,
        ),
        gate(
            "rates_sum_to_100",
            "The three shot rates of every player with shots add up to 100 within 2.",
            UPSTREAM,
        ),
        _blind("Games and shots of every player's windows are", SEASON_SO_FAR, "zone_players_look_back_only"),
        KEYS_ARE_UNIQUE,
        ROWS_MEET_THE_CONTRACT,
    ),
    precompute.COMPOSITE_FACTORS.full_name: (
        EVERY_PLAYER_OF_THE_SLATE,
        gate(
            "scores_in_range",
            "Fatigue 0-100, mismatch within 10, pace and usage within 3, total -21 to 16.",
            SAME_DATE,
        ),
        gate(
            "no_score_is_zero_by_contamination",
            "No mismatch is 0 while the player's zone and the opponent's defence give another one.",
            SAME_DATE,
        ),
        _blind("Games and zones behind every score are", SAME_DATE, "factors_look_back_only"),
        KEYS_ARE_UNIQUE,
        ROWS_MEET_THE_CONTRACT,
    ),
    precompute.DAILY_CACHE.full_name: (
        _expected(
            "every_player_with_five_games_is_cached",
            "The players are exactly those of the date's games with five counted games of the season before it.",
            SEASON_SO_FAR,
            CACHED_PLAYERS,
        ),
        _blind("Games and points of every player are", SEASON_SO_FAR, "cache_looks_back_only"),
        KEYS_ARE_UNIQUE,
        ROWS_MEET_THE_CONTRACT,
    ),
    precompute.FEATURE_STORE.full_name: (
        EVERY_PLAYER_OF_THE_SLATE,
        gate(
            "features_are_25_numbers",
            "Every row has 25 finite numbers, under their names in their order, and a quality of 40 to 100.",
            SAME_DATE,
        ),
        _blind("Rest, games and points of every player are", SAME_DATE, "features_look_back_only"),
        KEYS_ARE_UNIQUE,
        ROWS_MEET_THE_CONTRACT,
    ),
}
