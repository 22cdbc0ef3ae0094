"""The closure on the NBA tables: the specified figures on the real calendar, and the edges of the catalog."""

import time
from collections import Counter
from datetime import date
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from backfill_pipelines.backfill.repair import Closure, Partition, Reads, closure
from backfill_pipelines.nba.catalog import BY_TABLE, CATALOG
from backfill_pipelines.nba.repair import Calendar, is_computed, reads_graph, stale_candidates
from backfill_pipelines.nba.seasons import season_of
from backfill_pipelines.nba.tables_raw import SCHEDULE

SCHEDULE_FILE = Path(__file__).parents[4] / "shared/data/nba/schedule.parquet"
real = pytest.mark.skipif(not SCHEDULE_FILE.exists(), reason=f"no real schedule at {SCHEDULE_FILE}")

BOX = "nba_raw.nbac_team_boxscore"
TOGS, PGS, TDGS, UTGC, UPGC = (
    f"nba_analytics.{name}"
    for name in (
        "team_offense_game_summary",
        "player_game_summary",
        "team_defense_game_summary",
        "upcoming_team_game_context",
        "upcoming_player_game_context",
    )
)
TDZA, PSZA, PCF, PDC, MLFS = (
    f"nba_precompute.{name}"
    for name in (
        "team_defense_zone_analysis",
        "player_shot_zone_analysis",
        "player_composite_factors",
        "player_daily_cache",
        "ml_feature_store_v2",
    )
)
SUMMARIES, CONTEXTS, ZONES, FACTORS = (TOGS, PGS, TDGS), (UTGC, UPGC), (TDZA, PSZA), (PCF, PDC, MLFS)
#: Dates of the first season's repairs: summaries, contexts, zone tables, factors with cache and store; and the total.
FIGURES = {
    date(2021, 12, 25): ((1, 148, 147, 148), 1037),
    date(2022, 6, 10): ((1, 3, 2, 3), 22),
    date(2022, 6, 16): ((1, 1, 0, 1), 8),
    date(2021, 11, 1): ((1, 200, 199, 199), 1398),
}


@pytest.fixture(scope="module")
def calendar() -> Calendar:
    """The real dates of two seasons, counted from the schedule without any of the project's SQL."""
    rows = pq.read_table(SCHEDULE_FILE, columns=["game_date", "season_type"]).to_pylist()
    days = frozenset(row["game_date"] for row in rows if row["season_type"] != "cup_final")
    bootstrap = frozenset(day for day in days if (day - season_of(day).opening).days < 14)
    expected = {name: days - bootstrap if name.startswith("nba_precompute.") else days for name in BY_TABLE}
    return Calendar(expected, bootstrap=bootstrap)


def stale_when(calendar: Calendar, table: str, *days: date) -> Closure:
    roots = [Partition(table, day) for day in days]
    return closure(reads_graph(), stale_candidates(calendar, roots), roots)


def dates(found: Closure, table: str) -> list[date]:
    return list(found.by_table.get(table, ()))


@real
@pytest.mark.parametrize("day", FIGURES, ids=str)
def test_a_corrected_team_box_makes_stale_what_the_specification_counts(calendar: Calendar, day: date) -> None:
    """Only the ten computed tables count; the raw tables of the date itself are the input of the repair."""
    per_table, total = FIGURES[day]
    found = stale_when(calendar, BOX, day)
    for tables, count in zip((SUMMARIES, CONTEXTS, ZONES, FACTORS), per_table, strict=True):
        assert {table: len(dates(found, table)) for table in tables} == dict.fromkeys(tables, count)
    assert sum(is_computed(partition.table) for partition in found.partitions) == total
    assert Counter(p.table for p in found.partitions if not is_computed(p.table)) == {
        BOX: 1,
        "nba_raw.player_lines": 1,
    }


@real
def test_nothing_before_the_date_or_after_the_season_is_stale(calendar: Calendar) -> None:
    day = date(2021, 12, 25)
    found = stale_when(calendar, BOX, day)
    assert {partition.day for partition in found.partitions} <= {
        other for other in calendar.expected[UTGC] if day <= other <= season_of(day).closing
    }


@real
def test_a_corrected_schedule_reaches_the_week_before_its_date_through_the_next_game_columns(
    calendar: Calendar,
) -> None:
    day = date(2021, 12, 25)
    week = sorted(other for other in calendar.expected[UTGC] if 0 < (day - other).days <= 7)
    found = stale_when(calendar, SCHEDULE.full_name, day)
    assert {p.table for p in found.partitions if p.day < day} == {*CONTEXTS, *FACTORS}
    for table in (*CONTEXTS, *FACTORS):
        assert dates(found, table)[: len(week) + 1] == [*week, day]


@real
def test_a_game_moved_to_another_date_is_both_dates(calendar: Calendar) -> None:
    """The date it moved to may have had no games until now, and the one it left may have none any more."""
    left, empty = date(2022, 2, 17), date(2022, 2, 21)
    assert empty not in calendar.expected[UTGC]
    found = stale_when(calendar, SCHEDULE.full_name, left, empty)
    for table in BY_TABLE:
        assert {left, empty} <= set(dates(found, table)), table


@real
def test_a_moved_game_makes_no_bootstrap_date_one_of_phase_4(calendar: Calendar) -> None:
    day = date(2021, 10, 25)
    found = stale_when(calendar, SCHEDULE.full_name, day)
    assert not [p for p in found.partitions if p.table.startswith("nba_precompute.") and p.day in calendar.bootstrap]


@real
@pytest.mark.parametrize(
    ("table", "first"),
    [
        ("nba_raw.nbac_injury_report", {UTGC, UPGC}),
        ("nba_raw.odds_api_game_lines", {UTGC, UPGC}),
        ("nba_raw.odds_api_player_points_props", {PGS, UPGC}),
        ("nba_raw.bigdataball_play_by_play", {TOGS, PGS}),
    ],
)
def test_an_optional_feed_starts_where_it_is_read(calendar: Calendar, table: str, first: set[str]) -> None:
    day = date(2021, 12, 25)
    found = stale_when(calendar, table, day)
    direct = {p.table for p in found.partitions if len(found.chain(p)) == 2}
    assert direct == first
    assert all(day in dates(found, name) for name in (UTGC, UPGC, PCF, MLFS) if name in found.by_table)


@real
def test_a_computed_table_may_be_where_a_repair_starts(calendar: Calendar) -> None:
    """After a change of its statement; what it reads itself is not stale."""
    day = date(2022, 6, 10)
    found = stale_when(calendar, PSZA, day)
    assert [str(partition) for partition in found.partitions] == [f"{table} {day}" for table in (PSZA, *FACTORS)]


@real
def test_a_reason_chain_names_each_hop(calendar: Calendar) -> None:
    found = stale_when(calendar, BOX, date(2021, 12, 25))
    chain = found.chain(Partition(MLFS, date(2021, 12, 27)))
    assert [str(link) for link in chain] == [
        f"{MLFS} 2021-12-27",
        f"{TOGS} 2021-12-25",
        f"{BOX} 2021-12-25",
    ]


@real
def test_two_seasons_from_their_opening_nights_take_well_under_a_second(calendar: Calendar) -> None:
    started = time.process_time()
    found = stale_when(calendar, SCHEDULE.full_name, date(2021, 10, 19), date(2022, 10, 18))
    assert time.process_time() - started < 0.5
    assert len(found.partitions) > 2 * 1398


def test_the_graph_has_an_edge_for_everything_an_entry_reads() -> None:
    """Whatever the catalog declares orders the work and carries staleness; nothing else does."""
    declared = Counter()
    for entry in CATALOG:
        name = entry.contract.full_name
        declared.update((read.full_name, name, Reads.SAME) for read in (*entry.reads, *entry.may_read))
        declared.update((read.full_name, name, Reads.BEFORE) for read in entry.reads_before)
        declared.update([(SCHEDULE.full_name, name, Reads.AHEAD)] if entry.reads_ahead_days else [])
    assert Counter((e.upstream, e.downstream, e.kind) for e in reads_graph().edges) == declared
