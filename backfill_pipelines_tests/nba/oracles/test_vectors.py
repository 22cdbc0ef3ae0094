"""The oracles against the numbers that the specification names: they are checked before they check anything."""

from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pandas as pd
import pytest

from backfill_pipelines_tests.nba.oracles.agreement import ORACLES
from backfill_pipelines_tests.nba.oracles.arenas import hours_between, miles_between
from backfill_pipelines_tests.nba.oracles.factors import fatigue, mismatch
from backfill_pipelines_tests.nba.oracles.features import minutes_change, recent_trend
from backfill_pipelines_tests.nba.oracles.stored import Row, Stored, clamped, rounded

CHRISTMAS = date(2021, 12, 25)
DIGITS = {"win_pct_entering": 3, "paint_pct_allowed_last_15": 3}
TENTHS = ["points_avg_last_5", "points_avg_last_10", "avg_minutes_per_game_last_7", "shot_zone_mismatch_score"]
DIGITS |= dict.fromkeys([*TENTHS, "pace_score", "usage_spike_score"], 1)


@pytest.fixture(scope="module")
def exact(stored: Stored) -> dict[str, pd.DataFrame]:
    """What the oracles say about Christmas 2021."""
    return {table: oracle(stored, [CHRISTMAS]) for table, (_, oracle) in ORACLES.items()}


def said(exact: dict[str, pd.DataFrame], table: str, who: str) -> Row:
    """The only row of a player or team."""
    column = "player_lookup" if "player_lookup" in exact[table] else "team_abbr"
    (row,) = exact[table][exact[table][column] == who].to_dict("records")
    return row


VECTORS: list[tuple[str, str, dict[str, Any]]] = [
    (
        "player_contexts",
        "jaysontatum",
        {
            "days_rest": 3,
            "games_in_last_7_days": 3,
            "games_in_last_14_days": 5,
            "minutes_in_last_7_days": 112,
            "minutes_in_last_14_days": 192,
            "avg_minutes_per_game_last_7": 37.3,
            "back_to_backs_last_14_days": 1,
            "points_avg_last_5": 25.8,
            "points_avg_last_10": 28.4,
            "projected_usage_rate": 29.25,
            "avg_usage_rate_last_7_games": 31.45,
        },
    ),
    (
        "player_contexts",
        "lebronjames",
        {
            "days_rest": 2,
            "games_in_last_7_days": 3,
            "games_in_last_14_days": 6,
            "minutes_in_last_7_days": 108,
            "minutes_in_last_14_days": 224,
            "avg_minutes_per_game_last_7": 36.0,
            "back_to_backs_last_14_days": 0,
            "points_avg_last_5": 28.6,
            "points_avg_last_10": 27.9,
        },
    ),
    (
        "team_contexts",
        "BOS",
        {
            "team_days_rest": 3,
            "game_number_in_season": 33,
            "games_in_last_7_days": 3,
            "games_in_last_14_days": 5,
            "team_win_streak_entering": 1,
            "last_game_result": "W",
            "last_game_margin": 10,
            "travel_miles": 856,
            "win_pct_entering": 0.5,
        },
    ),
    (
        "team_contexts",
        "MIL",
        {"team_days_rest": 2, "game_number_in_season": 35, "win_pct_entering": 0.618, "travel_miles": 857},
    ),
    (
        "team_contexts",
        "BKN",
        {"team_days_rest": 7, "games_in_last_7_days": 1, "games_in_last_14_days": 4, "travel_miles": 2449},
    ),
    ("team_contexts", "LAL", {"travel_miles": 0}),
    (
        "team_zones",
        "MIL",
        {
            "games_in_sample": 15,
            "paint_pct_allowed_last_15": 0.596,
            # The specification has 1.46 and 1.02 (and 1.79 for BOS), which these shots do not give.
            "paint_defense_vs_league_avg": 1.47,
            "mid_range_defense_vs_league_avg": 1.03,
            "three_pt_defense_vs_league_avg": 0.43,
            "defensive_rating_last_15": 107.27,
            "opponent_pace": 99.5,
            "strongest_zone": "perimeter",
            "weakest_zone": "paint",
        },
    ),
    (
        "team_zones",
        "BOS",
        {
            "paint_pct_allowed_last_15": 0.569,
            "paint_defense_vs_league_avg": -1.3,
            "mid_range_defense_vs_league_avg": 1.8,
            "three_pt_defense_vs_league_avg": -0.97,
            "defensive_rating_last_15": 107.11,
            "opponent_pace": 100.74,
            "strongest_zone": "paint",
            "weakest_zone": "mid_range",
        },
    ),
    (
        "player_zones",
        "jaysontatum",
        {
            "total_shots_last_10": 210,
            "paint_rate_last_10": 41.43,
            "mid_range_rate_last_10": 18.1,
            "three_pt_rate_last_10": 40.48,
            "assisted_rate_last_10": 42.86,
            "primary_scoring_zone": "paint",
        },
    ),
    (
        "player_zones",
        "graysonallen",
        {
            "paint_rate_last_10": 20.2,
            "mid_range_rate_last_10": 14.14,
            "three_pt_rate_last_10": 65.66,
            "primary_scoring_zone": "perimeter",
        },
    ),
    (
        "factors",
        "jaysontatum",
        {
            "fatigue_score": 92,
            "shot_zone_mismatch_score": 1.2,
            "pace_score": 0.1,
            "usage_spike_score": -0.7,
            "total_composite_adjustment": 0.2,
        },
    ),
    (
        "factors",
        "lebronjames",
        {
            "fatigue_score": 92,
            "shot_zone_mismatch_score": 1.0,
            "pace_score": 0.0,
            "usage_spike_score": 0.8,
            "total_composite_adjustment": 1.4,
        },
    ),
    (
        "factors",
        "graysonallen",
        {
            "fatigue_score": 95,
            "shot_zone_mismatch_score": -1.0,
            "pace_score": -0.1,
            "usage_spike_score": 1.1,
            "total_composite_adjustment": -0.25,
        },
    ),
    ("features", "jaysontatum", {"feature_quality_score": 97.6, "data_source": "phase4"}),
]


@pytest.mark.parametrize(("table", "who", "wanted"), VECTORS, ids=[f"{table}-{who}" for table, who, _ in VECTORS])
def test_the_oracle_says_what_the_specification_says(
    exact: dict[str, pd.DataFrame], table: str, who: str, wanted: dict[str, Any]
) -> None:
    row = said(exact, table, who)
    found = {name: _shown(row[name], DIGITS.get(name, 2)) for name in wanted}
    assert found == wanted


def test_the_features_are_those_of_the_specification(exact: dict[str, pd.DataFrame]) -> None:
    row = said(exact, "features", "jaysontatum")
    wanted = [25.8, 28.4, 25.6, 7.95, 3, 92, 1.2, 0.1, -0.7, 1, 0, -2, 0, 107.27, 99.5, 0, 0, 0]
    wanted += [0.4143, 0.181, 0.4048, 0.2077, 100.39, 112.65, 0.5]
    assert [_shown(value, 4) for value in row["features"]] == wanted


def test_the_worst_case_of_fatigue() -> None:
    tired = {"days_rest": 1, "back_to_back": True, "games_in_last_7_days": 4, "minutes_in_last_7_days": 250}
    tired |= {"avg_minutes_per_game_last_7": Decimal(36), "back_to_backs_last_14_days": 2, "player_age": 35}
    assert fatigue(tired) == 35


@pytest.mark.parametrize(("distance", "rate", "score"), [(8, 60, Fraction(96, 10)), (-12, 50, -10), (4, 25, 2)])
def test_a_mismatch_grows_beyond_five_and_ends_at_ten(distance: int, rate: int, score: Fraction) -> None:
    shots = {"primary_scoring_zone": "perimeter", "three_pt_rate_last_10": Decimal(rate)}
    assert mismatch(shots, {"three_pt_defense_vs_league_avg": Decimal(distance)}) == score


def test_trends_step_at_their_thresholds() -> None:
    assert recent_trend([1, 2, 3, 4]) is None
    assert [recent_trend([10, 10, 10, new, new]) for new in (4, 5, 8, 9, 11, 12, 15)] == [-2, -2, -1, 0, 0, 1, 2]
    assert minutes_change(Decimal("24.2"), Decimal("22.0")) == 1, "a tenth more, exactly"
    assert minutes_change(Decimal("17.6"), Decimal("22.0")) == -2


def test_arenas_are_apart_as_the_map_says() -> None:
    assert miles_between("LAL", "LAC") == 0
    assert miles_between("BOS", "MIL") == 856
    assert [hours_between("PHX", "LAL", day) for day in (date(2021, 11, 1), date(2021, 12, 25))] == [0, 1]


def test_rounding_goes_away_from_zero() -> None:
    assert [rounded(Fraction(half, 2)) for half in (-3, -1, 1, 3)] == [-2, -1, 1, 2]
    assert clamped(Fraction(-7, 2), 3) == -3


def _shown(value: Any, digits: int) -> Any:
    return value if isinstance(value, str | bool) else float(rounded(Fraction(value), digits) or 0)
