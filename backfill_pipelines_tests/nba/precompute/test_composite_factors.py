"""Composite factors: fatigue, mismatch, pace, usage from stored rows of the date; what is not known gives no term."""

import json
from typing import Any

import pytest

from backfill_pipelines.nba.tables_context import PLAYER_CONTEXT, TEAM_CONTEXT
from backfill_pipelines.nba.tables_precompute import COMPOSITE_FACTORS, PLAYER_ZONES, TEAM_ZONES
from backfill_pipelines.nba.tables_raw import SCHEDULE
from backfill_pipelines_tests.nba.analytics.builders import AWAY, HOME, Row, schedule
from backfill_pipelines_tests.nba.analytics.tables import Tables
from backfill_pipelines_tests.nba.precompute.season import (
    BEST,
    player_context,
    player_zones,
    team_context,
    team_zones,
)

DEFENCE = {zone: f"{zone}_defense_vs_league_avg" for zone in ("paint", "mid_range", "three_pt")}
SCORES = ("fatigue_score", "shot_zone_mismatch_score", "pace_score", "usage_spike_score", "total_composite_adjustment")


def scored(blank: Tables, context: Row, zones: Row | None, against: Row | None, team: Row | None = None) -> Row:
    """The row of a player of the default game."""
    blank.publish(
        {
            SCHEDULE: [schedule()],
            PLAYER_CONTEXT: [player_context(BEST, **context)],
            TEAM_CONTEXT: [team_context(AWAY) if team is None else team],
            PLAYER_ZONES: [] if zones is None else [player_zones(BEST, **zones)],
            TEAM_ZONES: [] if against is None else [team_zones(HOME, **against)],
        }
    )
    (found,) = blank.staged(COMPOSITE_FACTORS).values()
    return found


def scores(found: Row) -> list[str]:
    return [str(found[name]) for name in SCORES]


V10: dict[str, tuple[Row, Row, Row, list[str]]] = {
    "Tatum": (
        {
            "days_rest": 3,
            "games_in_last_7_days": 3,
            "minutes_in_last_7_days": 112,
            "avg_minutes_per_game_last_7": "37.3",
            "back_to_backs_last_14_days": 1,
            "projected_usage_rate": "29.25",
            "avg_usage_rate_last_7_games": "31.45",
            "pace_differential": "0.18",
        },
        {"paint_rate_last_10": "41.43", "primary_scoring_zone": "paint"},
        {DEFENCE["paint"]: "1.46"},
        ["92", "1.2", "0.1", "-0.7", "0.20"],
    ),
    "James": (
        {
            "avg_minutes_per_game_last_7": "36.0",
            "projected_usage_rate": "31.00",
            "avg_usage_rate_last_7_games": "28.46",
            "pace_differential": "0.05",
        },
        {"paint_rate_last_10": "48.72", "primary_scoring_zone": "paint"},
        {DEFENCE["paint"]: "1.01"},
        ["92", "1.0", "0.0", "0.8", "1.40"],
    ),
    "Allen": (
        {
            "back_to_backs_last_14_days": 1,
            "projected_usage_rate": "16.64",
            "avg_usage_rate_last_7_games": "13.00",
            "pace_differential": "-0.18",
        },
        {"three_pt_rate_last_10": "65.66", "primary_scoring_zone": "perimeter"},
        {DEFENCE["three_pt"]: "-0.97", DEFENCE["paint"]: "9"},
        ["95", "-1.0", "-0.1", "1.1", "-0.25"],
    ),
}


@pytest.mark.parametrize("who", V10)
def test_v10_scores_of_2021_12_25(blank: Tables, who: str) -> None:
    context, zones, against, expected = V10[who]
    assert scores(scored(blank, context, zones, against)) == expected


@pytest.mark.parametrize(
    ("context", "fatigue"),
    [
        (
            {
                "back_to_back": True,
                "days_rest": 1,
                "games_in_last_7_days": 4,
                "minutes_in_last_7_days": 250,
                "avg_minutes_per_game_last_7": 36,
                "back_to_backs_last_14_days": 2,
                "player_age": 35,
            },
            35,
        ),
        ({}, 100),
        ({"days_rest": 3, "player_age": 30}, 100),
        ({"days_rest": 3}, 100),
        ({"player_age": 29}, 100),
        ({"player_age": 34}, 95),
        ({"back_to_back": True, "days_rest": 1}, 85),
        ({"games_in_last_7_days": 4}, 90),
        ({"minutes_in_last_7_days": 240}, 100),
        ({"minutes_in_last_7_days": 241}, 90),
        ({"avg_minutes_per_game_last_7": 35}, 100),
        ({"avg_minutes_per_game_last_7": "35.1"}, 92),
        ({"back_to_backs_last_14_days": 3}, 88),
        ({"days_rest": None, "avg_minutes_per_game_last_7": None, "player_age": None}, 100),
    ],
)
def test_fatigue_adds_its_terms_and_is_clamped_at_the_end(blank: Tables, context: Row, fatigue: int) -> None:
    found = scored(blank, context, {}, {})
    assert found["fatigue_score"] == fatigue
    assert float(found["fatigue_adjustment"]) == (fatigue - 100) / 20


@pytest.mark.parametrize(
    ("difference", "rate", "mismatch"),
    [(8, 60, "9.6"), (-12, 50, "-10.0"), (5, 50, "5.0"), ("5.01", 50, "6.0"), (4, 25, "2.0"), ("8.4", 50, "10.0")],
)
def test_mismatch_is_weighted_amplified_and_clamped(
    blank: Tables, difference: float | str, rate: int, mismatch: str
) -> None:
    found = scored(blank, {}, {"paint_rate_last_10": rate}, {DEFENCE["paint"]: difference})
    assert str(found["shot_zone_mismatch_score"]) == mismatch


@pytest.mark.parametrize(
    ("zone", "mismatch"), [("paint", "1.0"), ("mid_range", "2.0"), ("perimeter", "3.0"), ("balanced", "1.0")]
)
def test_the_zone_of_the_player_decides_the_defence(blank: Tables, zone: str, mismatch: str) -> None:
    against = {DEFENCE["paint"]: 1, DEFENCE["mid_range"]: 2, DEFENCE["three_pt"]: 3}
    rates = dict.fromkeys(["paint_rate_last_10", "mid_range_rate_last_10", "three_pt_rate_last_10"], 50)
    assert (
        str(scored(blank, {}, rates | {"primary_scoring_zone": zone}, against)["shot_zone_mismatch_score"]) == mismatch
    )


NO_RATES = dict.fromkeys(
    ["paint_rate_last_10", "mid_range_rate_last_10", "three_pt_rate_last_10", "primary_scoring_zone"]
)


@pytest.mark.parametrize(
    ("zones", "against", "missing"),
    [
        (None, {DEFENCE["paint"]: 4}, ["player_shot_zone_analysis"]),
        ({}, None, ["team_defense_zone_analysis"]),
        (NO_RATES, {DEFENCE["paint"]: 4}, []),
        ({}, {DEFENCE["paint"]: None}, []),
    ],
    ids=["no zones", "no defence", "zones without rates", "defence without zones"],
)
def test_mismatch_is_zero_without_its_inputs(
    blank: Tables, zones: Row | None, against: Row | None, missing: list[str]
) -> None:
    found = scored(blank, {}, zones, against)
    assert str(found["shot_zone_mismatch_score"]) == "0.0"
    assert found["missing_data_fields"] == missing
    assert found["quality_score"] == 100 - 20 * len(missing)


@pytest.mark.parametrize(("differential", "pace"), [("9", "3.0"), ("-9", "-3.0"), ("2.5", "1.3"), (None, "0.0")])
def test_pace_is_half_the_difference_within_three(blank: Tables, differential: str | None, pace: str) -> None:
    assert str(scored(blank, {"pace_differential": differential}, {}, {})["pace_score"]) == pace


@pytest.mark.parametrize(
    ("projected", "usual", "stars", "spike"),
    [
        (24, 20, None, "1.2"),
        (24, 20, 0, "1.2"),
        (24, 20, 1, "1.4"),
        (24, 20, 2, "1.6"),
        (16, 20, 2, "-1.2"),
        (40, 20, 2, "3.0"),
        (24, 0, 2, "0.0"),
        (None, 20, 2, "0.0"),
        (24, None, 2, "0.0"),
    ],
)
def test_usage_spikes_more_without_stars(
    blank: Tables, projected: int | None, usual: int | None, stars: int | None, spike: str
) -> None:
    context = {"projected_usage_rate": projected, "avg_usage_rate_last_7_games": usual, "star_teammates_out": stars}
    assert str(scored(blank, context, {}, {})["usage_spike_score"]) == spike


def test_a_newcomer_has_a_row_that_says_what_is_missing(blank: Tables) -> None:
    names = ["days_rest", "projected_usage_rate", "pace_differential"]
    found = scored(blank, dict.fromkeys(names), None, None)
    fields = [*names, "player_shot_zone_analysis", "team_defense_zone_analysis"]
    assert found["missing_data_fields"] == fields
    assert (found["quality_tier"], found["quality_score"], found["is_production_ready"]) == ("unusable", 0, False)
    assert scores(found) == ["100", "0.0", "0.0", "0.0", "0.00"]


@pytest.mark.parametrize(
    ("context", "against", "warnings"),
    [
        ({}, {}, None),
        ({"back_to_back": True, "games_in_last_7_days": 4, "minutes_in_last_7_days": 250, "player_age": 36,
          "avg_minutes_per_game_last_7": 36}, {}, "EXTREME_FATIGUE"),
        ({}, {DEFENCE["paint"]: 7}, "EXTREME_MATCHUP"),
        ({"pace_differential": 9, "projected_usage_rate": 40}, {DEFENCE["paint"]: 9},
         "EXTREME_MATCHUP, EXTREME_ADJUSTMENT"),
    ],
)  # fmt: skip
def test_extreme_scores_are_warned_of(blank: Tables, context: Row, against: Row, warnings: str | None) -> None:
    found = scored(blank, context, {}, against)
    assert (found["warning_details"], found["has_warnings"]) == (warnings, warnings is not None)


@pytest.mark.parametrize("culprit", ["zones", "defence", "context", "team"])
def test_a_row_is_ready_when_all_that_it_reads_is(blank: Tables, culprit: str) -> None:
    parts: dict[str, Row] = {name: {} for name in ("zones", "defence", "context", "team")}
    ready = scored(blank, parts["context"], parts["zones"], parts["defence"], team_context(AWAY))
    assert (ready["all_upstreams_ready"], ready["is_production_ready"], ready["data_quality_issues"]) == (
        True,
        True,
        [],
    )
    parts[culprit] = {"is_production_ready": False}
    team = team_context(AWAY, **parts["team"])
    found = scored(blank, parts["context"], parts["zones"], parts["defence"], team)
    flags = ["player_shot", "team_defense", "player_context", "team_context"]
    unready = [flag for flag in flags if not found[f"upstream_{flag}_ready"]]
    assert unready == [flags[["zones", "defence", "context", "team"].index(culprit)]]
    assert (found["all_upstreams_ready"], found["is_production_ready"]) == (False, False)
    assert found["data_quality_issues"] == ["upstream_incomplete"]


def test_the_contexts_are_json_with_inputs_and_terms(blank: Tables) -> None:
    context, zones, against, _ = V10["Tatum"]
    found = scored(blank, context, zones, against)
    fatigue: dict[str, Any] = json.loads(found["fatigue_context_json"])
    assert (fatigue["days_rest"], fatigue["player_age"], fatigue["avg_minutes_per_game_last_7"]) == (3, None, 37.3)
    assert 100 + sum(fatigue["terms"].values()) == found["fatigue_score"]
    zone = json.loads(found["shot_zone_context_json"])
    assert zone == {
        "primary_scoring_zone": "paint", "zone_rate": 41.43, "defense_vs_league_avg": 1.46, "weighted": 1.2098
    }  # fmt: skip
    assert json.loads(found["pace_context_json"]) == {"pace_differential": 0.18, "halved": 0.09}
    assert json.loads(found["usage_context_json"])["base"] == -0.66
