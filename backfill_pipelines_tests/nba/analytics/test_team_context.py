"""What a team brings into a game: rest, form, travel, and what of the schedule counts for it."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from backfill_pipelines.nba.tables_analytics import TEAM_OFFENSE
from backfill_pipelines.nba.tables_context import TEAM_CONTEXT
from backfill_pipelines.nba.tables_raw import GAME_LINES, INJURIES, STARTING_LINEUPS
from backfill_pipelines_tests.nba.analytics.builders import lineup
from backfill_pipelines_tests.nba.analytics.histories import History, game_id, trouble
from backfill_pipelines_tests.nba.analytics.optional_feeds import game_line, injury

#: A Monday; the default game of the optional feeds, Boston at New York, is on it.
D = date(2022, 1, 3)
GAME = game_id(D, "BOS", "NYK")


def before(days: int) -> date:
    return D - timedelta(days=days)


def after(days: int) -> date:
    return D + timedelta(days=days)


def rests_of(found: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(found[name] for name in ("team_days_rest", "games_in_last_7_days", "games_in_last_14_days"))


def test_the_first_game_of_a_season_has_no_rest_and_no_form(history: History) -> None:
    history.game(D, "BOS", "NYK")
    found = history.team(D, "BOS")
    unknown = ["team_days_rest", "days_since_last_game", "last_game_margin", "last_game_result", "win_pct_entering"]
    assert [found[name] for name in unknown] == [None] * 5
    zero = ["travel_miles", "time_zone_changes", "miles_traveled_last_14_days", "team_win_streak_entering"]
    assert [found[name] for name in zero] == [0] * 4
    assert (found["game_number_in_season"], found["team_back_to_back"], found["consecutive_road_games"]) == (
        1,
        False,
        1,
    )
    assert (found["expected_games_count"], found["completeness_percentage"]) == (0, None)
    assert found["window_is_full"]
    assert found["is_production_ready"]


def test_windows_reach_back_exactly_their_days(history: History) -> None:
    for days in (15, 14, 8, 7, 1):
        history.game(before(days), "BOS", "MIA")
    history.game(D, "BOS", "NYK")
    assert rests_of(history.team(D, "BOS")) == (1, 2, 4)


def test_a_back_to_back_counts_when_both_games_lie_in_the_window(history: History) -> None:
    for days in (15, 14, 13, 8, 6, 5):
        history.game(before(days), "BOS", "MIA")
    history.game(D, "BOS", "NYK")
    found = history.team(D, "BOS")
    assert found["back_to_backs_last_14_days"] == 2, "15/14 is half outside"
    assert (found["team_back_to_back"], found["is_back_to_back"]) == (False, False)


def test_games_of_the_season_before_count_nowhere(history: History) -> None:
    history.game(before(3), "BOS", "MIA", season=2020)
    history.game(D, "BOS", "NYK")
    found = history.team(D, "BOS")
    assert rests_of(found) == (None, 0, 0)
    assert (found["game_number_in_season"], found["travel_miles"]) == (1, 0)


@pytest.mark.parametrize(
    "changes",
    [
        {"is_postponed": True},
        {"is_postponed": True, "game_status": 1},
        {"game_type": "all_star"},
        {"game_type": "cup_final"},
    ],
    ids=["postponed", "postponed-unplayed", "all-star", "cup-final"],
)
def test_a_row_of_the_schedule_that_is_no_game_of_the_season_counts_nowhere(
    history: History, changes: dict[str, Any]
) -> None:
    """A postponed game keeps its league id: the id is on two dates, the game was played on one."""
    history.game(before(6), "BOS", "MIA")
    history.scheduled(before(2), "BOS", "NYK", **changes)
    history.game(D, "BOS", "NYK")
    history.scheduled(after(2), "BOS", "NYK", **changes)
    found = history.team(D, "BOS")
    assert rests_of(found) == (6, 1, 1)
    assert (found["next_game_days_rest"], found["games_in_next_7_days"]) == (None, None)


def test_streaks_and_form_are_the_teams_own(history: History) -> None:
    for days, margin in ((9, -8), (7, 3), (5, -4), (3, -12)):
        history.game(before(days), "BOS", "NYK", margin)
    history.game(D, "BOS", "NYK")
    names = ["team_win_streak_entering", "team_loss_streak_entering", "last_game_margin", "last_game_result"]
    boston, york = history.team(D, "BOS"), history.team(D, "NYK")
    assert [boston[name] for name in names] == [2, 0, 12, "W"]
    assert [york[name] for name in names] == [0, 2, -12, "L"]
    assert (boston["win_pct_entering"], york["win_pct_entering"]) == (Decimal("0.750"), Decimal("0.250"))


def test_travel_goes_from_arena_to_arena_and_home_again(history: History) -> None:
    history.game(before(8), "MIL", "LAL")
    history.game(before(6), "MIL", "DAL")
    history.game(before(3), "BOS", "MIL")
    history.game(D, "BOS", "MIL")
    miles = [history.team(day, "MIL")["travel_miles"] for day in (before(8), before(6), before(3), D)]
    assert miles == [0, 1238, 857, 0], "the way home from Dallas counts"
    found = history.team(D, "MIL")
    assert (found["miles_traveled_last_14_days"], found["consecutive_road_games"]) == (1238 + 857, 0)
    assert history.team(before(6), "MIL")["time_zone_changes"] == 2
    assert history.team(before(6), "MIL")["consecutive_road_games"] == 2


@pytest.mark.parametrize(("day", "hours", "tip_off"), [(date(2021, 11, 5), 1, "17:30"), (D, 0, "17:30")])
def test_arizona_keeps_its_clock_in_summer(history: History, day: date, hours: int, tip_off: str) -> None:
    history.game(day - timedelta(days=2), "PHX", "DEN")
    history.game(day, "DEN", "PHX")
    found = history.team(day, "DEN")
    assert (found["time_zone_changes"], found["game_start_time_local"]) == (hours, tip_off)


def test_a_tip_off_at_noon_is_told_in_the_home_teams_time(history: History) -> None:
    history.scheduled(D, "BOS", "LAL", game_time_utc=datetime(2022, 1, 3, 20, 5, tzinfo=UTC))
    assert history.team(D, "BOS")["game_start_time_local"] == "12:05"


def test_the_week_ahead_is_read_from_the_schedule_played_or_not(history: History) -> None:
    history.game(D, "BOS", "NYK")
    history.scheduled(after(3), "BOS", "MIA", game_status=1)
    history.scheduled(after(7), "BOS", "ORL")
    history.scheduled(after(8), "NYK", "ORL")
    names = ("next_game_days_rest", "games_in_next_7_days")
    assert [history.team(D, "BOS")[name] for name in names] == [3, 2]
    assert [history.team(D, "NYK")[name] for name in names] == [None, None]


@pytest.mark.parametrize(
    ("day", "game_type", "phase"),
    [
        (date(2021, 10, 19), "regular_season", "early"),
        (date(2021, 11, 30), "regular_season", "early"),
        (date(2021, 12, 1), "regular_season", "mid"),
        (date(2022, 2, 28), "regular_season", "mid"),
        (date(2022, 3, 1), "regular_season", "late"),
        (date(2022, 4, 12), "play_in", "play_in"),
        (date(2022, 4, 16), "playoff", "playoffs"),
    ],
)
def test_the_phase_of_the_season_knows_playoffs(history: History, day: date, game_type: str, phase: str) -> None:
    """By the month alone, play-in and playoffs of April were regular games in the original."""
    history.scheduled(day, "BOS", "NYK", game_type=game_type)
    assert history.team(day, "BOS")["season_phase"] == phase


def test_a_game_without_result_is_missed_and_the_row_not_ready(history: History) -> None:
    history.game(before(4), "BOS", "NYK", -4)
    history.scheduled(before(2), "BOS", "NYK")
    history.game(D, "BOS", "NYK")
    found = history.team(D, "BOS")
    names = ("expected_games_count", "actual_games_count", "missing_games_count", "completeness_percentage")
    assert [found[name] for name in names] == [2, 1, 1, 50.0]
    assert not found["window_is_full"]
    assert not found["is_production_ready"]
    assert trouble(found) == ["historical_gap"]
    assert (found["team_days_rest"], found["last_game_result"], found["team_win_streak_entering"]) == (2, None, 0)


def test_a_result_that_is_not_ready_makes_the_row_not_ready(history: History) -> None:
    history.game(before(2), "BOS", "NYK", is_production_ready=False)
    history.game(D, "BOS", "NYK")
    found = history.team(D, "BOS")
    assert not found["is_production_ready"]
    assert trouble(found) == ["upstream_incomplete"]


def test_a_gap_that_the_admission_has_seen_as_well_is_named_once(history: History) -> None:
    history.scheduled(before(2), "BOS", "NYK")
    history.game(D, "BOS", "NYK")
    history.game(D, "LAL", "MIL")
    history.publish()
    found = history.tables.on(D).staged(TEAM_CONTEXT, {"historical_gap": [str(D)]})
    assert {team: (trouble(row), row["is_production_ready"]) for (_, team), row in found.items()} == {
        team: (["historical_gap"], False) for team in ("BOS", "NYK", "LAL", "MIL")
    }


def test_lines_are_one_bookmakers_and_each_team_has_its_own_spread(history: History) -> None:
    history.game(D, "BOS", "NYK")
    lines = [
        game_line("spreads", "BOS", 3.5, hours_before=20),
        game_line("spreads", "BOS", 5.5),
        game_line("spreads", "BOS", 9.5, hours_before=-1),
        game_line("spreads", "NYK", -3.5, hours_before=20),
        game_line("spreads", "NYK", -5.5),
        game_line("totals", "Over", 219.5, hours_before=20),
        game_line("totals", "Over", 221.0, hours_before=2),
        game_line("totals", "Under", 230.0),
        game_line("spreads", "BOS", 1.0, bookmaker="betmgm"),
    ]
    history.add(GAME_LINES, *lines)
    names = ("game_spread", "spread_movement", "game_total", "total_movement", "game_spread_source")
    boston, york = history.team(D, "BOS"), history.team(D, "NYK")
    assert [boston[name] for name in names] == [*map(Decimal, ("5.50", "2.00", "221.0", "1.5")), "draftkings"]
    assert [york[name] for name in names[:2]] == [Decimal("-5.50"), Decimal("-2.00")]
    assert boston["betting_lines_updated_at"].replace(tzinfo=UTC) == lines[1]["snapshot_timestamp"]
    assert boston["data_quality_issues"] == ["missing_injury_report"]
    assert (boston["quality_tier"], boston["quality_score"]) == ("gold", Decimal("97.50"))


def test_without_odds_and_report_their_columns_are_null_and_named(history: History) -> None:
    history.game(D, "BOS", "NYK")
    found = history.team(D, "BOS")
    names = ["game_spread", "game_total", "spread_movement", "total_movement", "game_spread_source"]
    names += ["betting_lines_updated_at", "starters_out_count", "questionable_players_count"]
    assert [found[name] for name in names] == [None] * 8
    assert found["data_quality_issues"] == ["missing_game_lines", "missing_injury_report"]
    assert (found["quality_tier"], found["quality_score"]) == ("silver", Decimal("92.50"))


def test_only_starters_of_the_last_five_games_are_missed(history: History) -> None:
    games = [history.game(before(2 * number), "BOS", "NYK") for number in range(6, 0, -1)]
    history.game(D, "BOS", "NYK")
    history.add(STARTING_LINEUPS, lineup("BOS", 1, games[0]), lineup("BOS", 2, games[1]), lineup("BOS", 3, games[5]))
    history.add(STARTING_LINEUPS, lineup("BOS", 4, games[5], is_starter=False), lineup("BOS", 5, games[5]))
    statuses = ("out", "out", "out", "out", "doubtful", "questionable", "probable")
    history.add(INJURIES, *(injury("BOS", number, status) for number, status in enumerate(statuses, 1)))
    boston, york = history.team(D, "BOS"), history.team(D, "NYK")
    assert (boston["starters_out_count"], boston["questionable_players_count"]) == (2, 2)
    assert (york["starters_out_count"], york["questionable_players_count"]) == (0, 0), "the report names nobody of it"


def test_the_latest_report_before_tip_off_counts_where_it_is_sure(history: History) -> None:
    history.game(D, "BOS", "NYK")
    history.add(
        INJURIES,
        injury("BOS", 1, "questionable", report_date=before(1), report_hour=22),
        injury("BOS", 1, "questionable", report_hour=9),
        injury("BOS", 2, "questionable", report_hour=17),
        injury("BOS", 3, "questionable", report_hour=17),
        injury("BOS", 4, "questionable", report_hour=17, confidence_score=0.79),
        injury("BOS", 5, "questionable", report_hour=20),
    )
    assert history.team(D, "BOS")["questionable_players_count"] == 2, "tip-off was at 19:30"


def test_statistics_of_the_date_and_later_change_nothing(history: History) -> None:
    for days in (6, 3, 0, -1):
        history.game(before(days), "BOS", "NYK")
    history.add(STARTING_LINEUPS, lineup("BOS", 1, game_id(before(3), "BOS", "NYK")))
    history.add(INJURIES, injury("BOS", 1))
    rows = history.teams(D)
    late = [one for one in history.rows[TEAM_OFFENSE] if one["game_date"] >= D]
    for one in late:
        one |= {"win_flag": not one["win_flag"], "margin_of_victory": 77, "is_production_ready": False, "pace": 50}
    history.add(STARTING_LINEUPS, lineup("BOS", 2, GAME), lineup("BOS", 9, game_id(after(1), "BOS", "NYK")))
    assert len(late) == 4
    assert without_stamp(history.teams(D)) == without_stamp(rows)
    assert history.team(D, "BOS")["starters_out_count"] == 1


def without_stamp(rows: dict[Any, dict[str, Any]]) -> dict[Any, dict[str, Any]]:
    return {key: {name: value for name, value in row.items() if name != "processed_at"} for key, row in rows.items()}
