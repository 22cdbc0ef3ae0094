"""Each report on a week that is known by heart, with the answers that the original queries got wrong."""

from datetime import timedelta
from decimal import Decimal

import pytest

from backfill_pipelines.backfill.failures import BackfillError
from backfill_pipelines.nba.gap_analysis import headline, report_named, shown
from backfill_pipelines.nba.gap_reports import REPORTS
from backfill_pipelines.stores.warehouse import Work
from backfill_pipelines_tests.nba.gap_analysis.conftest import (
    CLOSING,
    MONDAY,
    OPENING,
    TUESDAY,
    WEDNESDAY,
)
from backfill_pipelines_tests.nba.gap_analysis.world import NOON, World

SUMMARY, OFFENSE = "nba_analytics.player_game_summary", "nba_analytics.team_offense_game_summary"
COLUMNS = {
    "q01": "year total_dates phase2_expected phase2_complete phase2_missing phase2_empty phase2_pct phase3_expected "
    "phase3_complete phase3_missing phase3_empty phase3_pct phase4_expected phase4_complete phase4_missing "
    "phase4_empty phase4_pct",
    "q02": "game_date tables_missing states",
    "q03": "game_date tables_missing states",
    "q04": "month phase expected complete missing completeness_pct",
    "q05": "phase total_dates accounted complete remaining pct_complete status",
    "q06": "phase processor_name dates_processed earliest_date latest_date successful failed success_rate",
    "q07": "hour dates_completed cumulative_completed rolling_avg_3h eta_hours",
    "q08": "data_date processor_name success rows_processed processing_time_seconds created_at",
    "q09": "data_date processor_name error_category error_message processing_decision created_at hours_ago",
    "q10": "error_category error_type occurrences affected_dates affected_processors first_seen last_seen",
    "q11": "data_date phase total successful failed never_run status",
    "q12": "data_date processors",
    "q13": "season total_dates accounted unexplained completeness_pct gate_status",
    "q14": "season total_dates accounted unexplained completeness_pct gate_status",
    "q15": "season total_dates accounted unexplained completeness_pct gate_status",
    "q16": "table_name expected_dates complete partial missing empty completeness_pct",
    "q17": "data_date processors_run avg_seconds max_seconds rows_processed",
    "q18": "processor_name runs avg_seconds min_seconds max_seconds stddev_seconds",
    "q19": "data_date phase succeeded to_run",
    "q20": "data_date processor_name failure_count last_error last_attempt",
}


def tuples(world: World, number: str, *names: str, first=MONDAY, last=WEDNESDAY) -> list[tuple]:
    return [tuple(row[name] for name in names) for row in world.report(number, first, last)]


@pytest.mark.parametrize("report", REPORTS, ids=lambda report: report.name)
def test_a_report_is_a_view_with_the_promised_columns_and_the_same_rows(history: World, report) -> None:
    reading = history.reading(report.name, OPENING, CLOSING)
    assert reading.table.schema.names == COLUMNS[report.name[:3]].split()
    assert report.question.endswith("?")
    with history.warehouse.session(Work("test", "test")) as session:
        view = session.query(f"SELECT * FROM {report.view}").to_pylist()
    assert len(view) == len(reading.rows)


def test_q01_counts_dates_of_the_schedule_by_phase_and_year(week: World) -> None:
    names = ("year", "total_dates", "phase3_expected", "phase3_complete", "phase3_missing", "phase3_empty")
    names += ("phase3_pct", "phase4_expected", "phase4_complete", "phase4_empty", "phase4_pct")
    assert tuples(week, "q01", *names, first=OPENING, last=CLOSING) == [
        (2021, 1, 1, 1, 0, 0, 100, 0, 0, 1, None),
        (2022, 3, 2, 0, 2, 1, 0, 2, 1, 1, 50),
    ]


def test_q02_names_each_date_once_with_its_tables_and_no_day_off(week: World) -> None:
    assert week.report("q02", OPENING, CLOSING) == [
        {"game_date": MONDAY, "tables_missing": [SUMMARY], "states": ["partial"]},
        {"game_date": WEDNESDAY, "tables_missing": [OFFENSE, SUMMARY], "states": ["missing", "missing"]},
    ]


def test_q03_leaves_bootstrap_days_out(week: World) -> None:
    assert [row["game_date"] for row in week.report("q03", OPENING, CLOSING)] == [WEDNESDAY]


def test_q04_counts_by_month(week: World) -> None:
    found = tuples(
        week, "q04", "month", "expected", "complete", "missing", "completeness_pct", first=OPENING, last=CLOSING
    )
    assert found[:2] == [("2021-10", 1, 1, 0, 100), ("2021-10", 1, 1, 0, 100)]
    assert ("2022-01", 2, 1, 1, 50) in found


def test_q05_says_how_far_each_phase_is(week: World) -> None:
    names = ("total_dates", "accounted", "complete", "remaining", "pct_complete", "status")
    assert tuples(week, "q05", *names, first=OPENING, last=CLOSING) == [
        (4, 3, 3, 1, 75, "75%+"),
        (4, 2, 1, 2, 50, "50%+"),
        (4, 3, 1, 1, 75, "75%+"),
    ]


def test_q06_counts_the_latest_run_of_each_date_and_no_day_without_games(history: World) -> None:
    names = ("processor_name", "dates_processed", "successful", "failed", "success_rate")
    found = tuples(history, "q06", *names, first=OPENING, last=CLOSING)
    assert ("Offense", 2, 2, 0, 100) in found
    assert ("Players", 2, 1, 1, 50) in found


def test_q07_averages_over_hours_of_the_clock_in_the_phase_that_is_worked_on(world: World) -> None:
    for processor in ("NbacTeamBoxscoreProcessor", "PlayerLinesProcessor"):
        world.ran(processor, OPENING, phase="phase_2_raw")
        world.ran(processor, MONDAY, hours=3, phase="phase_2_raw")
    names = ("hour", "cumulative_completed", "rolling_avg_3h", "eta_hours")
    found = tuples(world, "q07", *names, first=OPENING, last=WEDNESDAY)
    hours = [NOON.replace(tzinfo=None), NOON.replace(tzinfo=None) + timedelta(hours=3)]
    third = Decimal("0.33")
    assert found == [(hours[0], 1, 1, 2), (hours[1], 2, third, 3)]


def test_q08_shows_ten_runs_that_did_something(history: World) -> None:
    found = history.report("q08", OPENING, CLOSING)
    assert len(found) == 10
    assert (found[0]["processor_name"], found[0]["success"]) == ("Players", False)


def test_q09_keeps_a_failure_although_another_processor_succeeded_that_day(history: World) -> None:
    """The original compared a column with itself: any success hid every failure."""
    found = tuples(history, "q09", "data_date", "processor_name", "error_message", first=OPENING)
    assert found == [(MONDAY, "Players", "crashed")]
    assert history.report("q09", MONDAY, MONDAY)[0]["hours_ago"] is not None


def test_q10_groups_by_the_text_before_the_colon(history: World) -> None:
    names = ("error_type", "occurrences", "affected_dates", "affected_processors")
    assert tuples(history, "q10", *names, first=OPENING) == [
        ("two_rows_per_expected_game", 2, 2, 1),
        ("crashed", 1, 1, 1),
        ("players_match_the_lines", 1, 1, 1),
    ]


def test_q11_counts_the_latest_status_of_each_processor(history: World) -> None:
    names = ("data_date", "phase", "total", "successful", "failed", "never_run", "status")
    assert tuples(history, "q11", *names, first=OPENING) == [
        (MONDAY, "phase_3_analytics", 2, 1, 1, 0, "PARTIAL"),
        (WEDNESDAY, "phase_2_raw", 3, 1, 0, 2, "PARTIAL"),
    ]


def test_q12_names_the_dates_with_an_open_failure(history: World) -> None:
    assert tuples(history, "q12", "data_date", "processors", first=OPENING) == [(MONDAY, ["Players"])]


@pytest.mark.parametrize(
    ("number", "accounted", "status"),
    [
        ("q13", 3, "PHASE 2 INCOMPLETE - CANNOT START"),
        ("q14", 2, "STAGE 1 INCOMPLETE"),
        ("q15", 3, "STAGE 2 INCOMPLETE"),
    ],
)
def test_q13_to_q15_are_red_with_one_unexplained_date(week: World, number: str, accounted: int, status: str) -> None:
    names = ("season", "total_dates", "accounted", "gate_status")
    assert tuples(week, number, *names, first=OPENING, last=CLOSING) == [
        ("2021-22", 4, accounted, status),
        ("all loaded seasons", 4, accounted, status),
    ]


@pytest.mark.parametrize(
    ("number", "status"),
    [("q13", "READY TO START"), ("q14", "READY FOR STAGE 2"), ("q15", "READY FOR STAGE 3")],
)
def test_q13_to_q15_are_green_when_every_date_is_explained(week: World, number: str, status: str) -> None:
    assert tuples(week, number, "gate_status", first=OPENING, last=OPENING) == [(status,), (status,)]


def test_q13_is_red_without_any_date(week: World) -> None:
    found = tuples(week, "q13", "season", "gate_status", first=TUESDAY, last=TUESDAY)
    assert found == [("all loaded seasons", "PHASE 2 INCOMPLETE - CANNOT START: no date is loaded")]


def test_q16_holds_each_table_against_its_own_expected_dates(week: World) -> None:
    names = ("table_name", "expected_dates", "complete", "partial", "missing", "empty", "completeness_pct")
    assert tuples(week, "q16", *names, first=OPENING, last=CLOSING) == [
        (OFFENSE, 3, 2, 0, 1, 1, Decimal("66.67")),
        (SUMMARY, 3, 1, 1, 1, 1, Decimal("33.33")),
        ("nba_precompute.player_composite_factors", 2, 1, 0, 1, 2, 50),
    ]


def test_q17_counts_a_rerun_once_and_no_skipped_date(history: World) -> None:
    found = {row["data_date"]: row for row in history.report("q17", OPENING, WEDNESDAY)}
    assert (found[OPENING]["processors_run"], found[OPENING]["max_seconds"]) == (5, 4)
    assert (found[OPENING]["avg_seconds"], found[OPENING]["rows_processed"]) == (Decimal("2.4"), 50)


def test_q18_measures_runs_that_did_something(history: World) -> None:
    found = {row["processor_name"]: row for row in history.report("q18", OPENING, WEDNESDAY)}
    assert found["Offense"]["runs"] == 4
    players = found["Players"]
    assert (players["runs"], players["min_seconds"], players["max_seconds"], players["avg_seconds"]) == (4, 2, 4, 3)
    assert players["stddev_seconds"] == Decimal("1.155")


def test_q19_lists_dates_that_failed_or_never_ran(history: World) -> None:
    assert tuples(history, "q19", "data_date", "phase", "succeeded", "to_run") == [
        (MONDAY, "phase_3_analytics", 1, ["Players"]),
        (MONDAY, "phase_4_precompute", 0, ["Factors"]),
        (WEDNESDAY, "phase_2_raw", 1, ["NbacTeamBoxscoreProcessor", "PlayerLinesProcessor"]),
        (WEDNESDAY, "phase_3_analytics", 0, ["Offense", "Players"]),
        (WEDNESDAY, "phase_4_precompute", 0, ["Factors"]),
    ]


def test_q20_leaves_out_what_a_later_run_cured_and_counts_failures_since_the_last_success(history: World) -> None:
    names = ("data_date", "processor_name", "failure_count", "last_error")
    assert tuples(history, "q20", *names, first=OPENING) == [(MONDAY, "Players", 2, "crashed")]


@pytest.mark.parametrize("name", ["q02", "q02_missing_phase3"])
def test_a_report_is_found_by_name_and_by_number(name: str) -> None:
    assert report_named(name).name == "q02_missing_phase3"


def test_an_unknown_report_is_answered_with_the_list() -> None:
    with pytest.raises(BackfillError, match="q20_retry_pairs"):
        report_named("q21")


def test_a_headline_is_the_worst_row() -> None:
    rows = [{"phase": "a", "total_dates": 4, "pct_complete": Decimal(90)}, {"phase": "b", "pct_complete": Decimal(5)}]
    assert headline(report_named("q05"), rows) == "b: pct_complete 5.00"
    assert headline(report_named("q02"), [{"game_date": MONDAY, "tables_missing": ["a", "b", "c"]}]) == (
        "2022-01-03: tables_missing a, b and 1 more"
    )
    assert headline(report_named("q02"), []) == "none"


def test_values_are_shown_for_people() -> None:
    values = [None, Decimal("99.5"), 0.0016, NOON, ["a", "b"], 7]
    assert [shown(value) for value in values] == ["", "99.50", "0.0016", "2026-03-01 12:00", "a, b", "7"]
