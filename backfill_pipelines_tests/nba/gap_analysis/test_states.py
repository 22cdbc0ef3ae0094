"""What is complete, partial, missing, rightly empty, set aside or given up: by data, for every table and day."""

from datetime import date

import pytest

from backfill_pipelines.nba.catalog import CATALOG
from backfill_pipelines.nba.catalog_views import catalog_tables
from backfill_pipelines.nba.tables_analytics import PLAYER_SUMMARY
from backfill_pipelines.nba.tables_raw import PLAYER_LINES, TEAM_BOXSCORE
from backfill_pipelines.nba.tables_reference import ACCEPTED_GAPS, ROW_QUARANTINE, STALE_PARTITIONS
from backfill_pipelines.stores.warehouse import Work
from backfill_pipelines_tests.nba.gap_analysis.conftest import (
    CLOSING,
    EXHIBITION,
    GAME,
    LATE_GAME,
    MONDAY,
    OPENING,
    SECOND_GAME,
    TUESDAY,
    WEDNESDAY,
)
from backfill_pipelines_tests.nba.gap_analysis.world import SMALL_CATALOG, World, bare


@pytest.mark.parametrize(
    ("table", "day", "state", "reason"),
    [
        ("nbac_team_boxscore", MONDAY, "complete", None),
        ("player_game_summary", MONDAY, "partial", None),
        ("player_game_summary", WEDNESDAY, "missing", None),
        ("player_game_summary", TUESDAY, "expected_empty", "no_games"),
        ("player_game_summary", EXHIBITION, "expected_empty", "exhibition_only"),
        ("nbac_schedule", EXHIBITION, "complete", None),
        ("player_game_summary", OPENING, "complete", None),
        ("player_composite_factors", OPENING, "expected_empty", "bootstrap"),
        ("player_composite_factors", MONDAY, "complete", None),
    ],
)
def test_a_day_of_a_table_has_one_state(week: World, table: str, day: date, state: str, reason: str | None) -> None:
    found = week.states(day, day)[table, str(day)]
    assert (found.state, found.reason) == (state, reason)


def test_every_table_has_every_day_of_a_loaded_season_and_none_of_the_others(week: World) -> None:
    days = week.states(date(2021, 1, 1), date(2030, 1, 1)).values()
    assert len(days) == len(SMALL_CATALOG) * ((CLOSING - OPENING).days + 1)
    assert {day.season for day in days} == {"2021-22"}


def test_only_what_the_next_phase_reads_is_required(week: World) -> None:
    days = week.states(MONDAY, MONDAY).values()
    assert {day.table for day in days if not day.is_required} == {"nba_raw.bigdataball_play_by_play"}


def test_a_hole_that_is_accepted_is_unrecoverable_in_every_table_that_must_read_it(world: World) -> None:
    gap = bare(ACCEPTED_GAPS, table_name=PLAYER_LINES.full_name, game_date=WEDNESDAY, game_id=LATE_GAME)
    world.write(ACCEPTED_GAPS, [gap])
    found = world.states(WEDNESDAY, WEDNESDAY)
    states = {table: day.state for (table, _), day in found.items()}
    assert states["nbac_team_boxscore"] == "missing"
    assert {states[name] for name in ("player_lines", "player_game_summary", "player_composite_factors")} == {
        "unrecoverable"
    }


def test_an_accepted_hole_explains_no_other_hole_of_the_same_date(world: World) -> None:
    gap = bare(ACCEPTED_GAPS, table_name=PLAYER_SUMMARY.full_name, game_date=MONDAY, game_id=GAME)
    world.write(ACCEPTED_GAPS, [gap])
    assert world.states(MONDAY, MONDAY)["player_game_summary", str(MONDAY)].state == "partial"


def test_rows_set_aside_are_shown_until_a_later_load_takes_them(world: World) -> None:
    row = bare(ROW_QUARANTINE, table_name=TEAM_BOXSCORE.full_name, game_date=MONDAY)
    world.write(ROW_QUARANTINE, [row])
    assert world.states(MONDAY, MONDAY)["nbac_team_boxscore", str(MONDAY)].state == "quarantined"
    world.write(ROW_QUARANTINE, [row | {"resolved_at": row["first_seen_at"]}])
    assert world.states(MONDAY, MONDAY)["nbac_team_boxscore", str(MONDAY)].state == "complete"


def test_a_complete_day_of_an_open_repair_is_stale_and_not_accounted_for(world: World) -> None:
    """A phase gate must not pass over numbers that are known to be old."""
    row = bare(STALE_PARTITIONS, table_name=TEAM_BOXSCORE.full_name, partition_date=MONDAY)
    world.write(STALE_PARTITIONS, [row])
    found = world.states(MONDAY, MONDAY)["nbac_team_boxscore", str(MONDAY)]
    assert (found.state, found.is_accounted) == ("stale", False)
    world.write(STALE_PARTITIONS, [row | {"resolved_at": row["marked_at"]}])
    assert world.states(MONDAY, MONDAY)["nbac_team_boxscore", str(MONDAY)].state == "complete"
    world.write(STALE_PARTITIONS, [row])
    assert world.report("q13", MONDAY, MONDAY)[0]["unexplained"] == 1


def test_a_day_whose_schedule_failed_to_load_is_a_gap_and_no_day_off(world: World) -> None:
    world.ran("NbacScheduleProcessor", TUESDAY, hours=1, error="no readable schedule file", phase="phase_2_raw")
    found = world.states(TUESDAY, TUESDAY)
    assert {(day.state, day.reason) for day in found.values()} == {("missing", "schedule_not_loaded")}
    (gate, _) = world.report("q13", TUESDAY, TUESDAY)
    assert (gate["unexplained"], gate["gate_status"]) == (1, "PHASE 2 INCOMPLETE - CANNOT START")


def test_rows_of_games_that_nobody_expects_complete_nothing(world: World) -> None:
    world.fill([PLAYER_SUMMARY], "20220105_MIA_PHI", "20220104_MIA_PHI", SECOND_GAME.replace("MIA", "ATL"))
    found = world.states(MONDAY, WEDNESDAY)
    states = [found["player_game_summary", str(day)].state for day in (MONDAY, TUESDAY, WEDNESDAY)]
    assert states == ["partial", "expected_empty", "missing"]


def test_every_table_of_the_real_catalog_is_in_the_reports_in_the_order_of_the_work(week: World) -> None:
    with week.warehouse.session(Work("test", "test")) as session:
        rows = session.query(f"SELECT * FROM ({catalog_tables(CATALOG)}) ORDER BY position").to_pylist()
        expected = session.query("SELECT DISTINCT table_name FROM nba_reference.expected_partitions").to_pylist()
    assert [row["table_name"] for row in rows] == [entry.contract.full_name for entry in CATALOG]
    assert {row["table_name"] for row in rows} <= {row["table_name"] for row in expected}
    required = {row["table_name"] for row in rows if row["is_required"] and row["phase"] == "phase_2_raw"}
    assert required == {"nba_raw.nbac_schedule", "nba_raw.nbac_team_boxscore", "nba_raw.player_lines"}
