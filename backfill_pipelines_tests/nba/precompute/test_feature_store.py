"""The feature store: 25 numbers, native where phase 4 has them, else phase 3, else a default; and how good that is."""

from decimal import Decimal
from typing import Any

import pytest

from backfill_pipelines.backfill.contracts import TableContract
from backfill_pipelines.nba.tables_analytics import TEAM_OFFENSE
from backfill_pipelines.nba.tables_context import PLAYER_CONTEXT, TEAM_CONTEXT
from backfill_pipelines.nba.tables_precompute import (
    COMPOSITE_FACTORS,
    DAILY_CACHE,
    FEATURE_STORE,
    PLAYER_ZONES,
    TEAM_ZONES,
)
from backfill_pipelines_tests.nba.analytics.builders import AWAY, HOME, Row
from backfill_pipelines_tests.nba.analytics.tables import Tables
from backfill_pipelines_tests.nba.precompute import season
from backfill_pipelines_tests.nba.precompute.season import BEST, days_before, publish_games, slate, summary

DEFAULTS = [10, 10, 10, 5, 3, 50, 0, 0, 0, 0, 0, 0, 0, 112, 100, 0, 0, 0, 0.3, 0.2, 0.35, 0.15, 100, 112, 0.5]
UNKNOWN: Row = {
    **dict.fromkeys(["days_rest", "opponent_days_rest", "points_avg_last_5", "points_avg_last_10"]),
    **dict.fromkeys(["l5_games_used", "l10_games_used", "actual_games_count", "games_in_last_7_days"], 0),
}
TATUM = [25.8, 28.4, 25.6, 7.95, 3, 92, 1.2, 0.1, -0.7, 1, 0, -2, 0, 107.27, 99.5, 0, 0, 0, 0.4143, 0.181, 0.4048]
TATUM += [0.2077, 100.39, 112.65, 0.5]


def stored(blank: Tables, points: list[int], rows: dict[TableContract, list[Row]], **context: Any) -> Row:
    """The player's row of the default game, after games with these points and with these rows of the date."""
    if points:
        days = days_before(len(points))
        games = [summary(BEST, day, points=p, ft_makes=3) for day, p in zip(days, points, strict=True)]
        publish_games(blank, games)
        blank.on(*days).publish({TEAM_OFFENSE: [season.offence(AWAY, day) for day in days]})
    known = {PLAYER_CONTEXT: [season.player_context(BEST, **context)]}
    blank.publish(slate(BEST) | known | rows)
    (found,) = blank.staged(FEATURE_STORE).values()
    return found


def everything(**changes: Row) -> dict[TableContract, list[Row]]:
    """All phase 4 rows of the date that the features read."""
    return {
        DAILY_CACHE: [season.cache(BEST, **changes.get("cache", {}))],
        COMPOSITE_FACTORS: [season.factors(BEST, **changes.get("factors", {}))],
        PLAYER_ZONES: [season.player_zones(BEST, **changes.get("zones", {}))],
        TEAM_ZONES: [season.team_zones(HOME, **changes.get("defence", {}))],
    }


def test_v11_features_of_tatum_on_2021_12_25(blank: Tables) -> None:
    """Newest two 17.5, the three before 31.33; 59 free throws of 284 points; no injury report."""
    cache = {"points_avg_last_5": "25.8", "points_avg_last_10": "28.4", "points_avg_season": "25.6"}
    cache |= {"points_std_last_10": "7.95", "team_pace_last_10": "100.39", "team_off_rating_last_10": "112.65"}
    cache |= {"minutes_avg_last_10": "36.5", "minutes_avg_season": "36.6"}
    scores = {"fatigue_score": 92, "shot_zone_mismatch_score": "1.2", "pace_score": "0.1", "usage_spike_score": "-0.7"}
    rates = {"paint_rate_last_10": "41.43", "mid_range_rate_last_10": "18.10", "three_pt_rate_last_10": "40.48"}
    defence = {"defensive_rating_last_15": "107.27", "opponent_pace": "99.50"}
    points, throws = [31, 31, 31, 31, 31, 31, 31, 32, 18, 17], [6, 6, 6, 6, 6, 6, 6, 6, 6, 5]
    days = days_before(10)
    games = [summary(BEST, d, points=p, ft_makes=f) for d, p, f in zip(days, points, throws, strict=True)]
    publish_games(blank, games)
    rows = everything(cache=cache, factors=scores, zones=rates, defence=defence)
    found = stored(blank, [], rows, days_rest=3, opponent_days_rest=2)
    assert found["features"] == TATUM
    assert (found["feature_quality_score"], found["data_source"]) == (Decimal("97.60"), "phase4")
    assert [i for i, source in enumerate(found["feature_sources"]) if source != "native"] == [10]
    assert found["is_production_ready"]


def test_nothing_known_gives_the_defaults(blank: Tables) -> None:
    """Home, rest and phase of the season are always known: features 15 to 17, and 4 of the context."""
    found = stored(blank, [], {TEAM_CONTEXT: [season.team_context(AWAY, game_number_in_season=5)]}, **UNKNOWN)
    expected = [float(value) for value in DEFAULTS]
    expected[4] = 0.0
    assert found["features"] == expected
    known = {4: "phase3", 15: "native", 16: "native", 17: "native"}
    assert found["feature_sources"] == [known.get(i, "default") for i in range(25)]
    assert found["feature_quality_score"] == Decimal("48.60")
    assert (found["data_source"], found["quality_tier"], found["is_production_ready"]) == ("mixed", "poor", False)
    assert found["early_season_flag"]


def test_phase_3_stands_in_for_the_cache(blank: Tables) -> None:
    rows = everything()
    del rows[DAILY_CACHE]
    found = stored(blank, [21, 20, 20, 20], rows, points_avg_last_5="20.3", actual_games_count=4)
    places = (0, 1, 2, 3, 4, 22, 23)
    assert [found["features"][i] for i in places] == [20.3, 20.0, 20.25, 5.0, 3.0, 98.0, 108.0]
    assert [found["feature_sources"][i] for i in places] == ["default" if i == 3 else "phase3" for i in places]
    assert found["data_source"] == "phase4_partial"
    assert not found["is_production_ready"]


NEEDED = {"cache": 7, "factors": 4, "zones": 3, "defence": 2}
TABLE_OF = {"cache": DAILY_CACHE, "factors": COMPOSITE_FACTORS, "zones": PLAYER_ZONES, "defence": TEAM_ZONES}


@pytest.mark.parametrize(
    ("absent", "source"),
    [
        ([], "phase4"),
        (["defence"], "phase4_partial"),
        (["zones", "defence"], "phase4_partial"),
        (["cache"], "phase4_partial"),
        (["factors", "zones"], "phase4_partial"),
        (["cache", "defence"], "mixed"),
        (["cache", "factors"], "mixed"),
        (["cache", "factors", "zones", "defence"], "mixed"),
    ],
)
def test_the_source_is_judged_by_sixteen_features(blank: Tables, absent: list[str], source: str) -> None:
    """15 of 16 are phase4, 8 are partial; the six that phase 3 can stand in for never reach half."""
    rows = {table: found for table, found in everything().items() if table not in [TABLE_OF[one] for one in absent]}
    found = stored(blank, [20] * 10, rows)
    native = [i for i in (*range(9), 13, 14, 18, 19, 20, 22, 23) if found["feature_sources"][i] == "native"]
    assert len(native) == 16 - sum(NEEDED[one] for one in absent)
    assert found["data_source"] == source


def test_one_of_sixteen_may_be_missing(blank: Tables) -> None:
    found = stored(blank, [20] * 10, everything(defence={"opponent_pace": None}))
    assert (found["feature_sources"][14], found["data_source"]) == ("default", "phase4")


@pytest.mark.parametrize(
    ("context", "value", "source"),
    [
        ({"days_rest": 9}, 2.0, "native"),
        ({"opponent_days_rest": 9}, -2.0, "native"),
        ({"days_rest": 3}, 1.0, "native"),
        ({"days_rest": None}, 0.0, "default"),
        ({"opponent_days_rest": None}, 0.0, "default"),
    ],
)
def test_rest_advantage_is_within_two_days(blank: Tables, context: Row, value: float, source: str) -> None:
    found = stored(blank, [20] * 10, everything(), **context)
    assert (found["features"][9], found["feature_sources"][9]) == (value, source)


@pytest.mark.parametrize(
    ("status", "report", "value", "source"),
    [
        (None, None, 0.0, "default"),
        (None, 0, 0.0, "native"),
        ("available", 0, 0.0, "native"),
        ("probable", 0, 1.0, "native"),
        ("questionable", 0, 2.0, "native"),
        ("doubtful", 0, 3.0, "native"),
        ("out", 0, 3.0, "native"),
    ],
)
def test_injury_risk_needs_a_report(
    blank: Tables, status: str | None, report: int | None, value: float, source: str
) -> None:
    found = stored(blank, [20] * 10, everything(), player_status=status, questionable_teammates=report)
    assert (found["features"][10], found["feature_sources"][10]) == (value, source)


@pytest.mark.parametrize(
    ("points", "trend"),
    [
        ([20, 20, 20, 25, 25], 2),
        ([20, 20, 20, 22, 22], 1),
        ([20, 20, 20, 21, 22], 0),
        ([20, 20, 20, 18, 18], -1),
        ([20, 20, 20, 15, 15], -2),
        ([90, 20, 20, 20, 25, 24], 1),
        ([20, 20, 25, 25], 0),
    ],
)
def test_the_trend_compares_two_games_with_the_three_before(blank: Tables, points: list[int], trend: int) -> None:
    found = stored(blank, points, everything())
    assert found["features"][11] == trend
    assert found["feature_sources"][11] == ("native" if len(points) >= 5 else "default")


@pytest.mark.parametrize(
    ("last_10", "mean", "change"),
    [(36, 30, 2), (33, 30, 1), ("32.9", 30, 0), (27, 30, -1), (24, 30, -2), (30, 0, 0), (None, 30, 0)],
)
def test_minutes_change_by_tenths(blank: Tables, last_10: Any, mean: int, change: int) -> None:
    cache = {"minutes_avg_last_10": last_10, "minutes_avg_season": mean}
    found = stored(blank, [20] * 10, everything(cache=cache))
    assert found["features"][12] == change
    assert found["feature_sources"][12] == ("default" if last_10 is None or not mean else "native")


@pytest.mark.parametrize(
    ("points", "share", "source"),
    [([20] * 10, 0.15, "native"), ([12] * 10, 0.25, "native"), ([3] * 10, 0.5, "native"), ([12] * 4, 0.15, "default")],
)
def test_free_throws_are_at_most_half_of_the_points(
    blank: Tables, points: list[int], share: float, source: str
) -> None:
    found = stored(blank, points, everything())
    assert (found["features"][21], found["feature_sources"][21]) == (share, source)


@pytest.mark.parametrize(("phase", "value"), [("mid", 0.0), ("late", 0.0), ("play_in", 1.0), ("playoffs", 1.0)])
def test_home_back_to_back_and_playoffs_are_flags(blank: Tables, phase: str, value: float) -> None:
    found = stored(blank, [20] * 10, everything(), home_game=True, back_to_back=True, season_phase=phase)
    assert found["features"][15:18] == [1.0, 1.0, value]
    assert found["is_home"]


@pytest.mark.parametrize(("number", "value", "source"), [(5, 0.5, "default"), (6, 0.75, "native")])
def test_the_share_of_wins_needs_five_games(blank: Tables, number: int, value: float, source: str) -> None:
    team = season.team_context(AWAY, game_number_in_season=number, win_pct_entering="0.75")
    found = stored(blank, [20] * 10, everything() | {TEAM_CONTEXT: [team]})
    assert (found["features"][24], found["feature_sources"][24]) == (value, source)


@pytest.mark.parametrize("culprit", ["cache", "factors", "defence"])
def test_a_row_is_ready_when_cache_factors_and_defence_are(blank: Tables, culprit: str) -> None:
    found = stored(blank, [20] * 10, everything(**{culprit: {"is_production_ready": False}}))
    assert (found["is_production_ready"], found["data_quality_issues"]) == (False, ["upstream_incomplete"])
