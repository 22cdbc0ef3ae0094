"""What a player brings into a game: rest, workload, form, line, and who is missing beside him."""

from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from backfill_pipelines.nba.tables_analytics import PLAYER_SUMMARY, TEAM_DEFENSE, TEAM_OFFENSE
from backfill_pipelines.nba.tables_context import PLAYER_CONTEXT, TEAM_CONTEXT
from backfill_pipelines.nba.tables_raw import GAME_LINES, INJURIES, PLAYER_LINES, PROPS, ROSTERS
from backfill_pipelines_tests.nba.analytics.builders import player_of, prop
from backfill_pipelines_tests.nba.analytics.histories import History, trouble
from backfill_pipelines_tests.nba.analytics.optional_feeds import game_line, injury, roster

#: A Monday; the optional feeds' default game, Boston at New York, is on it.
D = date(2022, 1, 3)
HE = player_of("BOS", 1)


def before(days: int) -> date:
    return D - timedelta(days=days)


def career(history: History, days: Iterable[int], points: Iterable[int] = (), **numbers: Any) -> None:
    """Games of Boston in New York so many days ago, the last of them usually on D, in each of which he plays."""
    scored = iter(points)
    for ago in days:
        history.played(HE, "BOS", history.game(before(ago), "BOS", "NYK"), next(scored, 10), **numbers)


def values(row: dict[str, Any], names: str) -> list[Any]:
    return [row[name] for name in names.split()]


def exact(*texts: str) -> list[Decimal]:
    return [Decimal(text) for text in texts]


WORKLOAD = (
    "days_rest games_in_last_7_days games_in_last_14_days minutes_in_last_7_days minutes_in_last_14_days "
    "back_to_backs_last_14_days"
)


def test_v6_a_player_with_a_back_to_back_two_days_rest_and_ten_games(history: History) -> None:
    """The dates, sums and means of vector V6, Tatum; single games are made up to give them."""
    christmas = date(2021, 12, 25)
    days = ["11-28", "12-01", "12-04", "12-07", "12-10", "12-13", "12-17", "12-18", "12-20", "12-22"]
    points = [31, 31, 31, 32, 30, 42, 10, 25, 27, 25]
    minutes = [30, 30, 30, 30, 35, 38, 42, 37.3, 37.35, 37.25]
    usage = [20, 20, 20, 33.1, 33.1, 33.1, 33.1, 29.2, 29.3, 29.25]
    for day, scored, played, share in zip(days, points, minutes, usage, strict=True):
        game = history.game(date.fromisoformat(f"2021-{day}"), "BOS", "NYK")
        history.played("tatum", "BOS", game, scored, played, usage_rate=share)
    history.played("tatum", "BOS", history.game(christmas, "BOS", "MIL"), 99, 48)
    row = history.player(christmas, "tatum")
    assert values(row, WORKLOAD) == [3, 3, 5, 112, 192, 1]
    assert values(row, "avg_minutes_per_game_last_7 points_avg_last_5 points_avg_last_10") == exact(
        "37.3", "25.8", "28.4"
    )
    assert row["projected_usage_rate"] == Decimal("29.25")
    assert row["avg_usage_rate_last_7_games"] == Decimal("31.45")
    assert values(row, "days_rest_before_last_game days_since_2_plus_days_rest l5_games_used") == [2, 3, 5]


def test_v6_a_back_to_back_that_lies_half_outside_does_not_count(history: History) -> None:
    """The dates of vector V6, James: the pair of 9 and 10 December is older than 14 days."""
    christmas = date(2021, 12, 25)
    for day in (9, 10, 12, 15, 17, 19, 21, 23):
        history.played("james", "LAL", history.game(date(2021, 12, day), "LAL", "PHX"), 28, 36)
    history.played("james", "LAL", history.game(christmas, "BKN", "LAL"))
    assert values(history.player(christmas, "james"), WORKLOAD) == [2, 3, 6, 108, 216, 0]


def test_before_his_first_game_nothing_is_known_of_a_player(history: History) -> None:
    career(history, [0])
    row = history.player(D, HE)
    unknown = "days_rest days_rest_before_last_game days_since_2_plus_days_rest avg_minutes_per_game_last_7 "
    unknown += "points_avg_last_5 points_avg_last_10 projected_usage_rate shooting_pct_decline_last_5 "
    unknown += "pace_differential opponent_pace_last_10 opponent_days_rest completeness_percentage player_age"
    assert set(values(row, unknown)) == {None}
    assert values(row, "games_in_last_14_days minutes_in_last_14_days l10_games_used expected_games_count") == [0] * 4
    assert (row["quality_tier"], row["quality_score"], row["back_to_back"]) == ("bronze", 50, False)
    assert row["data_quality_issues"][0] == "thin_sample:0/10"
    assert row["is_production_ready"]


@pytest.mark.parametrize(("games", "tier", "score"), [(4, "bronze", 50), (5, "silver", 75), (10, "gold", 95)])
def test_the_tier_is_the_size_of_the_sample(history: History, games: int, tier: str, score: int) -> None:
    career(history, range(games, -1, -1))
    row = history.player(D, HE)
    assert (row["quality_tier"], row["quality_score"]) == (tier, score)
    assert (f"thin_sample:{games}/10" in row["data_quality_issues"]) is (games < 10)
    assert row["window_is_full"] is (games == 10)


def test_a_game_without_minutes_and_attempts_is_no_game_of_his(history: History) -> None:
    career(history, [9, 6])
    history.played(HE, "BOS", history.game(before(3), "BOS", "NYK"), points=0, minutes=0)
    career(history, [0])
    row = history.player(D, HE)
    assert values(row, WORKLOAD)[:3] == [6, 1, 2]
    assert values(row, "l5_games_used expected_games_count actual_games_count") == [2, 2, 2]
    assert row["points_avg_last_5"] == 10


def test_a_trade_takes_his_games_along(history: History) -> None:
    career(history, [8, 5], [20, 30])
    history.game(before(1), "MIA", "NYK")
    history.played(HE, "MIA", history.game(D, "MIA", "NYK"))
    row = history.player(D, HE)
    assert values(row, "team_abbr days_rest games_in_last_14_days points_avg_last_5") == ["MIA", 5, 2, Decimal("25.0")]
    assert row["pace_differential"] == 0, "paces are those of the team he is with"


def test_overtime_minutes_are_minutes(history: History) -> None:
    career(history, [4, 2], minutes=53.25)
    career(history, [0])
    row = history.player(D, HE)
    assert (row["minutes_in_last_7_days"], row["avg_minutes_per_game_last_7"]) == (107, Decimal("53.3"))


def test_games_of_the_season_before_count_nowhere(history: History) -> None:
    game = history.game(before(5), "BOS", "NYK", season=2020, pace=120)
    history.played(HE, "BOS", game, 40, season_year=2020)
    career(history, [0])
    row = history.player(D, HE)
    assert values(row, "days_rest games_in_last_7_days l10_games_used opponent_pace_last_10") == [None, 0, 0, None]
    assert row["expected_games_count"] == 0


def test_a_postponed_game_whose_id_is_played_later_gives_no_rest(history: History) -> None:
    career(history, [4])
    history.scheduled(before(1), "BOS", "NYK", is_postponed=True)
    career(history, [0])
    assert values(history.player(D, HE), "days_rest back_to_back") == [4, False]


def test_shooting_worse_of_late_is_positive(history: History) -> None:
    career(history, [20], fg_makes=10, fg_attempts=10)
    career(history, range(10, 5, -1), fg_makes=4, fg_attempts=10)
    career(history, [0])
    assert history.player(D, HE)["shooting_pct_decline_last_5"] == Decimal("0.100")


def test_the_opponents_last_ten_games_are_its_own(history: History) -> None:
    history.game(before(40), "NYK", "MIA", pace=200, opp_ft_attempts=99)
    for ago in range(30, 20, -1):
        history.game(before(ago), "NYK", "MIA", pace=98, defensive_rating=105, opponent_pace=96, opp_ft_attempts=24)
    history.game(before(9), "BOS", "ORL", pace=101)
    career(history, [0])
    row = history.player(D, HE)
    names = "opponent_pace_last_10 opponent_def_rating_last_10 opponent_ft_rate_allowed pace_differential"
    assert values(row, names) == exact("98.0", "105.00", "0.250", "3.00")
    assert row["opponent_days_rest"] == 21


def test_the_next_opponents_share_of_wins_is_that_before_the_date(history: History) -> None:
    for ago, margin in ((9, 5), (7, 5), (5, -5)):
        history.game(before(ago), "MIA", "ORL", margin)
    career(history, [0])
    history.game(before(-2), "ORL", "MIL", margin=-5)
    history.scheduled(before(-4), "BOS", "ORL", game_status=1)
    row = history.player(D, HE)
    assert values(row, "next_game_days_rest next_opponent_win_pct") == [4, Decimal("0.667")]
    assert row["opponent_next_game_days_rest"] is None


def test_what_the_team_brings_is_taken_over(history: History) -> None:
    history.game(before(2), "BOS", "LAL")
    career(history, [0])
    history.add(GAME_LINES, game_line("spreads", "BOS", 4.5), game_line("totals", "Over", 220.5))
    row = history.player(D, HE)
    team = history.tables.on(D).rows(TEAM_CONTEXT)[row["game_id"], "BOS"]
    names = "season_phase travel_miles time_zone_changes consecutive_road_games miles_traveled_last_14_days "
    names += "game_spread spread_movement game_total total_movement game_spread_source games_in_next_7_days"
    assert values(row, names) == values(team, names)
    assert row["travel_miles"] > 2000
    assert "missing_game_lines" not in row["data_quality_issues"]


@pytest.mark.parametrize(
    ("points", "over", "under"),
    [
        ([10, 25, 20, 22, 20], 2, 0),
        ([25, 10, 20, 12], 0, 2),
        ([20, 20], 0, 0),
        ([], 0, 0),
        ([25, 25, 25, 25, 25, 25, 25, 25, 25, 25, 25, 25], 12, 0),
        ([25, 10, 25], 1, 0),
    ],
)
def test_a_push_neither_counts_nor_breaks_a_streak(history: History, points: list[int], over: int, under: int) -> None:
    career(history, range(len(points), 0, -1), points)
    career(history, [0], [50])
    history.add(PROPS, prop(HE, 18.5, hours_before=9), prop(HE, 20), prop(HE, 24, bookmaker="betmgm"))
    row = history.player(D, HE)
    assert values(row, "prop_over_streak prop_under_streak has_prop_line") == [over, under, True]
    names = "current_points_line opening_points_line line_movement"
    assert values(row, names) == exact("20", "18.5", "1.5")
    assert row["current_points_line_source"] == "draftkings"


def test_without_props_there_is_no_line_and_no_streak(history: History) -> None:
    career(history, [2, 0])
    row = history.player(D, HE)
    assert not row["has_prop_line"]
    names = "current_points_line opening_points_line line_movement current_points_line_source "
    assert set(values(row, names + "prop_over_streak prop_under_streak")) == {None}
    assert row["data_quality_issues"][1:] == ["missing_game_lines", "missing_injury_report", "missing_prop_line"]


def test_without_a_report_the_injury_columns_are_null(history: History) -> None:
    career(history, [0])
    row = history.player(D, HE)
    names = "player_status injury_report questionable_teammates probable_teammates star_teammates_out"
    assert set(values(row, names)) == {None}


def test_absent_teammates_are_counted_without_him_and_stars_by_their_games(history: History) -> None:
    star, worker, rookie, bench = (player_of("BOS", number) for number in (2, 3, 4, 5))
    for ago in range(10, 0, -1):
        game = history.game(before(ago), "BOS", "NYK")
        history.played(star, "BOS", game, 18, 20)
        history.played(worker, "BOS", game, 12, 28)
        history.played(bench, "BOS", game, 17, 27.9)
        if ago < 5:
            history.played(rookie, "BOS", game, 40, 40)
    career(history, [0])
    statuses = ("questionable", "out", "doubtful", "out", "out", "questionable", "probable", "available")
    history.add(INJURIES, *(injury("BOS", number, status) for number, status in enumerate(statuses, 1)))
    history.add(INJURIES, injury("NYK", 1, "questionable"), injury("BOS", 1, "out", report_hour=21))
    row = history.player(D, HE)
    assert values(row, "questionable_teammates probable_teammates star_teammates_out") == [1, 1, 2]
    assert row["player_status"] == "questionable"
    assert "missing_injury_report" not in row["data_quality_issues"]


def test_his_age_is_that_of_the_newest_roster_up_to_the_date(history: History) -> None:
    career(history, [0])
    for ago, age in ((40, 24), (3, 25), (-1, 26)):
        history.add(ROSTERS, roster("BOS", 1, roster_date=before(ago), age=age))
    assert history.player(D, HE)["player_age"] == 25


def test_a_line_without_a_summary_is_missed_and_the_row_not_ready(history: History) -> None:
    career(history, [4, 2, 0])
    history.rows[PLAYER_SUMMARY] = [one for one in history.rows[PLAYER_SUMMARY] if one["game_date"] != before(2)]
    row = history.player(D, HE)
    names = "expected_games_count actual_games_count missing_games_count completeness_percentage"
    assert values(row, names) == [2, 1, 1, 50.0]
    assert not row["is_production_ready"]
    assert trouble(row) == ["historical_gap"]


def test_a_summary_or_a_team_context_that_is_not_ready_is_named_in_the_row(history: History) -> None:
    career(history, [4, 2, 0])
    assert trouble(history.player(D, HE)) == []
    summaries = [one for one in history.rows[PLAYER_SUMMARY] if one["game_date"] == before(2)]
    for one in summaries:
        one["is_production_ready"] = False
    row = history.player(D, HE)
    assert (row["is_production_ready"], trouble(row)) == (False, ["upstream_incomplete"])
    for one in summaries:
        one["is_production_ready"] = True
    history.rows[TEAM_OFFENSE][0]["is_production_ready"] = False
    row = history.player(D, HE)
    assert (row["is_production_ready"], trouble(row)) == (False, ["upstream_incomplete"])


def whole_history(history: History) -> None:
    """Games before D, on it and after, with every optional feed."""
    for ago, points in ((12, 25), (9, 15), (6, 30), (2, 8), (0, 41), (-2, 60)):
        game = history.game(before(ago), "BOS", "NYK", margin=ago - 5)
        history.played(HE, "BOS", game, points, usage_rate=20, fg_makes=5, fg_attempts=10)
        history.played(player_of("BOS", 2), "BOS", game, 20)
    history.add(PROPS, prop(HE, 20.5)).add(INJURIES, injury("BOS", 2)).add(ROSTERS, roster("BOS", 1))


def test_statistics_of_the_date_and_later_change_nothing(history: History) -> None:
    whole_history(history)
    rows = history.players(D)
    numbers = {"points": 0, "minutes_played": 1, "usage_rate": 99, "fg_makes": 0, "fg_attempts": 40, "pace": 60}
    numbers |= {"defensive_rating": 150, "opp_ft_attempts": 60, "win_flag": False, "is_production_ready": False}
    changed = 0
    for contract in (PLAYER_SUMMARY, TEAM_OFFENSE, TEAM_DEFENSE, PLAYER_LINES):
        for one in history.rows[contract]:
            if one["game_date"] >= D:
                one |= {name: value for name, value in numbers.items() if name in one}
                changed += 1
    assert changed == 16
    assert hashes(history.players(D).values()) == hashes(rows.values())


def test_a_date_has_the_same_rows_alone_and_in_any_range(history: History) -> None:
    whole_history(history)
    days = [D + timedelta(days=offset) for offset in range(-14, 4)]
    history.publish().on(*days).build(TEAM_CONTEXT)
    together = history.tables.on(*days).staged(PLAYER_CONTEXT)
    assert len(together) == 12
    for day in days:
        for key, row in history.tables.on(day).staged(PLAYER_CONTEXT).items():
            assert row["data_hash"] == together[key]["data_hash"]


def hashes(rows: Iterable[dict[str, Any]]) -> list[str]:
    return sorted(row["data_hash"] for row in rows)
