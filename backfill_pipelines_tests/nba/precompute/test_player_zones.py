"""Shot zones of players: counted games only, the season only, zones only where there is play-by-play."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from backfill_pipelines.nba.tables_analytics import PLAYER_SUMMARY
from backfill_pipelines.nba.tables_precompute import PLAYER_ZONES
from backfill_pipelines.nba.tables_raw import ROSTERS, SCHEDULE
from backfill_pipelines_tests.nba.analytics.builders import DAY, Row, row, schedule
from backfill_pipelines_tests.nba.analytics.tables import Tables
from backfill_pipelines_tests.nba.precompute.season import (
    BEST,
    days_before,
    game_on,
    publish_games,
    season_of,
    summary,
)

_ATTEMPTS = ("paint_attempts", "mid_range_attempts", "three_attempts_pbp")
_ZONES = (*_ATTEMPTS, "paint_makes", "mid_range_makes", "three_makes_pbp")
_MAKES = ("fg_attempts", "fg_makes", "assisted_fg_makes", "unassisted_fg_makes")
NO_SHOTS = dict.fromkeys([*_ZONES, *_MAKES], 0)
NOT_CHARTED = dict.fromkeys([name for name in NO_SHOTS if not name.startswith("fg")])
RATES = ("paint_rate_last_10", "mid_range_rate_last_10", "three_pt_rate_last_10")


def standing(blank: Tables, games: list[Row], day: date = DAY) -> dict[str, Row]:
    """Rows of a date by player, after these games."""
    publish_games(blank, games)
    today = blank.on(day)
    today.publish({SCHEDULE: [schedule(game_on(day), season_year=season_of(day))]})
    return {player: found for (_, player), found in today.staged(PLAYER_ZONES).items()}


def games(count: int, player: str = BEST, **changes: Any) -> list[Row]:
    return [summary(player, day, **changes) for day in days_before(count)]


def numbers(found: Row, *names: str) -> list[str | None]:
    return [None if found[name] is None else str(found[name]) for name in names]


@pytest.mark.parametrize(
    ("shots", "assisted", "expected"),
    [
        ((87, 38, 85), (42, 98), ["41.43", "18.10", "40.48", "paint", "42.86"]),
        ((20, 14, 65), (30, 39), ["20.20", "14.14", "65.66", "perimeter", "76.92"]),
    ],
    ids=["Tatum: paint is tested first", "Allen"],
)
def test_v9_rates_of_the_last_ten_games(
    blank: Tables, shots: tuple[int, int, int], assisted: tuple[int, int], expected: list[str]
) -> None:
    """All shots of the ten games are in the first of them."""
    kinds = dict(zip(_ATTEMPTS, shots, strict=True))
    makes = {
        "assisted_fg_makes": assisted[0],
        "unassisted_fg_makes": assisted[1] - assisted[0],
        "fg_makes": assisted[1],
    }
    first, *rest = days_before(10)
    played = [summary(BEST, first, **kinds, **makes), *(summary(BEST, day, **NO_SHOTS) for day in rest)]
    found = standing(blank, played)[BEST]
    assert numbers(found, *RATES, "primary_scoring_zone", "assisted_rate_last_10") == expected
    assert found["total_shots_last_10"] == sum(shots)


@pytest.mark.parametrize(
    ("shots", "zone"),
    [
        ((40, 20, 40), "paint"),
        ((39, 20, 41), "perimeter"),
        ((39, 35, 26), "mid_range"),
        ((39, 34, 27), "balanced"),
        ((1999, 1300, 1699), "paint"),
    ],
    ids=["paint at 40", "perimeter", "mid-range at 35", "balanced", "40.00 after rounding"],
)
def test_the_scoring_zone_is_the_first_that_reaches_its_share(
    blank: Tables, shots: tuple[int, int, int], zone: str
) -> None:
    kinds = dict(zip(_ATTEMPTS, shots, strict=True))
    first, *rest = days_before(5)
    played = [summary(BEST, first, **kinds), *(summary(BEST, day, **NO_SHOTS) for day in rest)]
    assert standing(blank, played)[BEST]["primary_scoring_zone"] == zone


@pytest.mark.parametrize(
    ("count", "tier", "rows"), [(4, None, 0), (5, "bronze", 1), (6, "bronze", 1), (7, "silver", 1), (10, "gold", 1)]
)
def test_five_games_make_a_row_and_ten_a_full_window(blank: Tables, count: int, tier: str | None, rows: int) -> None:
    found = standing(blank, games(count))
    assert len(found) == rows
    for one in found.values():
        assert (one["quality_tier"], one["window_is_full"]) == (tier, count == 10)
        assert one["data_quality_issues"] == ([] if count == 10 else [f"thin_sample:{count}/10"])


def test_a_game_of_no_minutes_and_no_shot_does_not_count(blank: Tables) -> None:
    idle = {"minutes_played": 0, "points": 0, "ft_attempts": 0} | NO_SHOTS
    days = days_before(6)
    played = [summary(BEST, day, **(idle if day == days[5] else {})) for day in days]
    assert standing(blank, played)[BEST]["games_in_sample_10"] == 5


def test_a_game_without_recorded_minutes_counts_if_he_scored(blank: Tables) -> None:
    assert standing(blank, games(5, minutes_played=None, usage_rate=None))[BEST]["games_in_sample_10"] == 5


def test_zones_are_those_of_the_games_that_have_them(blank: Tables) -> None:
    days = days_before(10)
    played = [summary(BEST, day, **(NOT_CHARTED | {"fg_makes": 8} if day in days[:4] else {})) for day in days]
    found = standing(blank, played)[BEST]
    assert (found["games_in_sample_10"], found["games_with_zones_10"], found["total_shots_last_10"]) == (10, 6, 96)
    assert numbers(found, "paint_attempts_per_game", "assisted_rate_last_10") == ["8.0", "75.00"]


@pytest.mark.parametrize("nothing", [NO_SHOTS, NOT_CHARTED | {"fg_makes": 8}], ids=["no shot", "no play-by-play"])
def test_without_shots_there_are_no_rates_and_an_issue(blank: Tables, nothing: Row) -> None:
    found = standing(blank, games(5, **nothing))[BEST]
    names = [*RATES, "paint_pct_last_10", "assisted_rate_last_10", "primary_scoring_zone"]
    assert numbers(found, *names) == [None] * 6
    assert "no_shots_in_sample" in found["data_quality_issues"]
    assert found["total_shots_last_10"] == 0


@pytest.mark.parametrize(("count", "rate"), [(14, None), (15, "50.00"), (25, "50.00")])
def test_the_long_window_needs_fifteen_games(blank: Tables, count: int, rate: str | None) -> None:
    found = standing(blank, games(count))[BEST]
    assert numbers(found, "paint_rate_last_20") == [rate]
    assert found["games_in_sample_20"] == min(count, 20)


def test_a_traded_player_keeps_his_games(blank: Tables) -> None:
    days = days_before(6)
    played = [summary(BEST, day, team_abbr="LAL" if day in days[:3] else "BOS") for day in days]
    assert standing(blank, played)[BEST]["games_in_sample_10"] == 6


def test_the_games_of_another_season_do_not_count(blank: Tables) -> None:
    day = date(2022, 11, 10)
    spring = [summary(BEST, date(2022, 5, 1) + timedelta(days=n)) for n in range(10)]
    autumn = [summary(BEST, one) for one in days_before(5, day)]
    assert standing(blank, spring + autumn[1:], day) == {}
    assert standing(blank, autumn, day)[BEST]["games_in_sample_20"] == 5


def test_an_injured_player_keeps_his_last_games(blank: Tables) -> None:
    played = [summary(BEST, day - timedelta(days=50)) for day in days_before(5)]
    assert standing(blank, played)[BEST]["games_in_sample_10"] == 5


def test_a_game_that_phase_3_lacks_is_missing(blank: Tables) -> None:
    publish_games(blank, games(7))
    lost = days_before(7)[2]
    blank.on(lost).publish({PLAYER_SUMMARY: []})
    blank.publish({SCHEDULE: [schedule()]})
    (found,) = blank.staged(PLAYER_ZONES).values()
    assert (found["expected_games_count"], found["actual_games_count"], found["missing_games_count"]) == (7, 6, 1)
    assert "historical_gap" in found["data_quality_issues"]
    assert not found["is_production_ready"]


@pytest.mark.parametrize(
    ("rosters", "position"),
    [({-9: "G", -2: "F"}, "F"), ({0: "C"}, "C"), ({1: "C"}, None), ({}, None)],
    ids=["newest", "of the date", "of tomorrow", "none"],
)
def test_the_position_is_that_of_the_newest_roster(
    blank: Tables, rosters: dict[int, str], position: str | None
) -> None:
    for offset, letter in rosters.items():
        day = DAY + timedelta(days=offset)
        values = {"roster_date": day, "season_year": 2021, "team_abbr": "BOS", "player_lookup": BEST}
        blank.on(day).publish({ROSTERS: [row(ROSTERS, values, espn_player_id="1", position=letter)]})
    found = standing(blank, games(5))[BEST]
    assert found["player_position"] == position
    assert ("espn_team_rosters" in found["data_sources"]) is (position is not None)
    assert found["paint_pct_last_10"] == Decimal("0.500")
