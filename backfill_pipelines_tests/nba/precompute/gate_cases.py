"""Good and bad rows for every gate of the phase 4 tables."""

from datetime import timedelta
from decimal import Decimal

from backfill_pipelines.nba.tables_context import PLAYER_CONTEXT
from backfill_pipelines.nba.tables_precompute import (
    COMPOSITE_FACTORS,
    DAILY_CACHE,
    FEATURE_STORE,
    PLAYER_ZONES,
    TEAM_ZONES,
)
from backfill_pipelines_tests.nba.analytics.builders import DAY, GAME, Row
from backfill_pipelines_tests.nba.gates.measuring import Case, Change, add, every, first, nothing, same
from backfill_pipelines_tests.nba.precompute.season import BEST, player_context, player_zones, team_zones

TEAMS, PLAUSIBLE = "every_team_has_a_row", "defence_is_plausible"
PLAYERS, RATES = "every_player_with_five_games_has_a_row", "rates_sum_to_100"
SLATE, RANGE = "every_player_of_the_slate_has_a_row", "scores_in_range"
CONTAMINATED, CACHED = "no_score_is_zero_by_contamination", "every_player_with_five_games_is_cached"
FEATURES, BLIND = "features_are_25_numbers", "nothing_looks_ahead"
KEYS, CONTRACT = "keys_are_unique", "rows_meet_the_contract"

STRANGER = {"player_lookup": "stranger"}
NO_RATES = dict.fromkeys(["paint_rate_last_10", "mid_range_rate_last_10", "three_pt_rate_last_10"])
NO_SHARES = dict.fromkeys(
    ["paint_pct_allowed_last_15", "mid_range_pct_allowed_last_15", "three_pt_pct_allowed_last_15"]
)


def league(paint: str) -> Change:
    """Ten teams, each with this difference to the league."""
    difference = {"paint_defense_vs_league_avg": Decimal(paint)} | dict.fromkeys(
        ["mid_range_defense_vs_league_avg", "three_pt_defense_vs_league_avg"], Decimal(0)
    )
    return lambda rows: [rows[0] | difference | {"team_abbr": f"T{number}"} for number in range(10)]


def features(*, place: int = 0, value: float | None = None, count: int = 25) -> Change:
    """The first row with another value at a place, or with fewer features."""

    def change(rows: list[Row]) -> list[Row]:
        found = list(rows[0]["features"])
        found[place] = found[place] if value is None else value
        return [rows[0] | {"features": found[:count]}, *rows[1:]]

    return change


def names_swapped(rows: list[Row]) -> list[Row]:
    """The first two names in the other order."""
    name, other, *rest = rows[0]["feature_names"]
    return [rows[0] | {"feature_names": [other, name, *rest]}, *rows[1:]]


WEAK_DEFENCE = {
    PLAYER_ZONES: [player_zones(BEST)],
    TEAM_ZONES: [team_zones("NYK", paint_defense_vs_league_avg=2)],
}

BAD = [
    Case(TEAM_ZONES, TEAMS, lambda rows: rows[1:], "BOS is missing"),
    Case(TEAM_ZONES, TEAMS, add(team_abbr="LAL"), "LAL is not expected"),
    Case(TEAM_ZONES, TEAMS, nothing(), "BOS is missing"),
    Case(TEAM_ZONES, PLAUSIBLE, first(paint_pct_allowed_last_15=Decimal("0.399")), "BOS paint 0.399, mid-range 0.400"),
    Case(TEAM_ZONES, PLAUSIBLE, first(mid_range_pct_allowed_last_15=Decimal("0.651")), "mid-range 0.651"),
    Case(TEAM_ZONES, PLAUSIBLE, first(three_pt_pct_allowed_last_15=Decimal("0.501")), "three 0.501"),
    Case(TEAM_ZONES, PLAUSIBLE, first(defensive_rating_last_15=Decimal("84.99")), "rating 84.99"),
    Case(TEAM_ZONES, PLAUSIBLE, first(defensive_rating_last_15=None), "rating NULL"),
    Case(TEAM_ZONES, PLAUSIBLE, league("0.06"), "paint differences of 10 teams add up to 0.60"),
    Case(
        TEAM_ZONES, BLIND, first(games_in_sample=13), "BOS has 13 games and 105.0 points, of 12 games before the date"
    ),
    Case(TEAM_ZONES, BLIND, first(opponent_points_per_game=Decimal("106.0")), "the window gives 105.00"),
    Case(TEAM_ZONES, BLIND, add(team_abbr="LAL"), "LAL has 12 games and 105.0 points, of 0 games"),
    Case(TEAM_ZONES, KEYS, add(), "BOS has 2 rows"),
    Case(TEAM_ZONES, CONTRACT, first(window_is_full=None), "window_is_full is NULL in 1 rows"),
    Case(PLAYER_ZONES, PLAYERS, lambda rows: rows[1:], f"{BEST} is missing"),
    Case(PLAYER_ZONES, PLAYERS, add(**STRANGER), "stranger is not expected"),
    Case(PLAYER_ZONES, RATES, first(paint_rate_last_10=Decimal("52.01")), f"{BEST} 52.01 + 25.00 + 25.00 of 160 shots"),
    Case(PLAYER_ZONES, RATES, first(**NO_RATES), f"{BEST} NULL + NULL + NULL of 160 shots"),
    Case(PLAYER_ZONES, RATES, first(total_shots_last_10=0), f"{BEST} 50.00 + 25.00 + 25.00 of 0 shots"),
    Case(PLAYER_ZONES, BLIND, first(total_shots_last_10=161), "160"),
    Case(PLAYER_ZONES, BLIND, first(games_in_sample_20=13), f"{BEST} has 10 and 13 games and 160 shots, of 12 games"),
    Case(PLAYER_ZONES, KEYS, add(), f"{BEST} has 2 rows"),
    Case(PLAYER_ZONES, CONTRACT, first(total_shots_last_10=None), "total_shots_last_10 is NULL in 1 rows"),
    Case(COMPOSITE_FACTORS, SLATE, lambda rows: rows[1:], f"{GAME}/{BEST} is missing"),
    Case(COMPOSITE_FACTORS, SLATE, add(**STRANGER), f"{GAME}/stranger is not of the slate"),
    Case(COMPOSITE_FACTORS, SLATE, first(game_id="20220103_MIA_PHI"), f"{GAME}/{BEST} is missing"),
    Case(COMPOSITE_FACTORS, RANGE, first(fatigue_score=101), f"{GAME}/{BEST} fatigue 101, mismatch 2.0"),
    Case(COMPOSITE_FACTORS, RANGE, first(shot_zone_mismatch_score=Decimal("-10.1")), "mismatch -10.1"),
    Case(COMPOSITE_FACTORS, RANGE, first(pace_score=Decimal("3.1")), "pace 3.1"),
    Case(COMPOSITE_FACTORS, RANGE, first(usage_spike_score=Decimal("-3.1")), "usage -3.1"),
    Case(COMPOSITE_FACTORS, RANGE, first(total_composite_adjustment=Decimal("16.01")), "total 16.01"),
    Case(COMPOSITE_FACTORS, RANGE, first(fatigue_score=None), "fatigue NULL"),
    Case(
        COMPOSITE_FACTORS,
        CONTAMINATED,
        first(shot_zone_mismatch_score=Decimal(0)),
        f"{GAME}/{BEST} mismatch 0.0, his zone and the defence against it give 2.00",
        WEAK_DEFENCE,
    ),
    Case(COMPOSITE_FACTORS, BLIND, first(actual_games_count=9), f"{GAME}/{BEST} has 9 games, with zones, of 12 games"),
    Case(COMPOSITE_FACTORS, BLIND, first(missing_data_fields=["player_shot_zone_analysis"]), "has 10 games, no zones"),
    Case(COMPOSITE_FACTORS, BLIND, first(game_date=DAY + timedelta(days=1)), f"{GAME}/{BEST} has 10 games"),
    Case(COMPOSITE_FACTORS, KEYS, add(), f"{GAME}/{BEST} has 2 rows"),
    Case(COMPOSITE_FACTORS, CONTRACT, every(has_warnings=None), "has_warnings is NULL in 2 rows"),
    Case(DAILY_CACHE, CACHED, lambda rows: rows[1:], f"{BEST} is missing"),
    Case(DAILY_CACHE, CACHED, add(**STRANGER), "stranger is not expected"),
    Case(DAILY_CACHE, BLIND, first(games_played_season=13), f"{BEST} has 13 games, season 20.0, last 10 20.0, of 12"),
    Case(DAILY_CACHE, BLIND, first(points_avg_season=Decimal("20.1")), "season 20.1"),
    Case(DAILY_CACHE, BLIND, first(points_avg_last_10=Decimal("20.1")), "last 10 20.1"),
    Case(DAILY_CACHE, KEYS, add(), f"{BEST} has 2 rows"),
    Case(DAILY_CACHE, CONTRACT, first(points_avg_season=None), "points_avg_season is NULL in 1 rows"),
    Case(FEATURE_STORE, SLATE, lambda rows: rows[1:], f"{GAME}/{BEST} is missing"),
    Case(FEATURE_STORE, SLATE, add(**STRANGER), f"{GAME}/stranger is not of the slate"),
    Case(FEATURE_STORE, FEATURES, features(count=24), f"{GAME}/{BEST} has 24 features, 0 unusable"),
    Case(FEATURE_STORE, FEATURES, features(place=7, value=float("nan")), "has 25 features, 1 unusable"),
    Case(FEATURE_STORE, FEATURES, features(place=7, value=float("-inf")), "has 25 features, 1 unusable"),
    Case(FEATURE_STORE, FEATURES, names_swapped, "names points_avg_last_10,points_avg_last_5,"),
    Case(FEATURE_STORE, FEATURES, first(feature_sources=["native"] * 24), "24 sources"),
    Case(FEATURE_STORE, FEATURES, first(feature_quality_score=Decimal("39.99")), "quality 39.99"),
    Case(FEATURE_STORE, FEATURES, first(features=[]), "has 0 features"),
    Case(
        FEATURE_STORE, BLIND, first(days_rest=0), f"{GAME}/{BEST} has 10 games, rest 0, mean points 20.00, of 12 games"
    ),
    Case(FEATURE_STORE, BLIND, first(days_rest=None), "rest NULL"),
    Case(FEATURE_STORE, BLIND, features(place=2, value=21.0), "mean points 21.00"),
    Case(FEATURE_STORE, BLIND, first(early_season_flag=True), "the newest on 2022-01-01"),
    Case(FEATURE_STORE, KEYS, add(), f"{GAME}/{BEST} has 2 rows"),
    Case(FEATURE_STORE, CONTRACT, first(is_home=None), "is_home is NULL in 1 rows"),
]

GOOD = [
    Case(TEAM_ZONES, PLAUSIBLE, every(**NO_SHARES)),
    Case(TEAM_ZONES, PLAUSIBLE, first(paint_pct_allowed_last_15=Decimal("0.400"))),
    Case(TEAM_ZONES, PLAUSIBLE, first(defensive_rating_last_15=Decimal(140))),
    Case(TEAM_ZONES, PLAUSIBLE, league("0.05")),
    Case(PLAYER_ZONES, RATES, first(paint_rate_last_10=Decimal("52.00"))),
    Case(PLAYER_ZONES, RATES, first(total_shots_last_10=0, **NO_RATES)),
    Case(COMPOSITE_FACTORS, RANGE, first(fatigue_score=0, total_composite_adjustment=Decimal(-21))),
    Case(
        COMPOSITE_FACTORS,
        CONTAMINATED,
        every(shot_zone_mismatch_score=Decimal(0)),
        published={PLAYER_ZONES: [], TEAM_ZONES: []},
    ),
    Case(
        COMPOSITE_FACTORS,
        CONTAMINATED,
        every(shot_zone_mismatch_score=Decimal(0)),
        published={PLAYER_ZONES: [player_zones(BEST, **NO_RATES)]},
    ),
    Case(COMPOSITE_FACTORS, SLATE, add(**STRANGER), published={PLAYER_CONTEXT: [
        player_context(BEST), player_context("nykplayer"), player_context("stranger")]}),
    Case(FEATURE_STORE, FEATURES, first(feature_quality_score=Decimal("40.00"))),
    Case(FEATURE_STORE, FEATURES, same()),
]  # fmt: skip
