"""A month of real results through all assets, whole and with the defects of the reference tool.

The feeds are written by the tool in ``../shared``; without it and its data these tests are skipped.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from backfill_pipelines.nba.names import player_lookup, team_code
from backfill_pipelines_tests.nba.feeds_runs import ENTRIES, PHASE_2, PHASE_3, Pipeline, Row, days_between, pipeline

SHARED = Path(__file__).parents[3] / "shared"
TOOL, DATA = SHARED / "tools/nba_feeds.py", SHARED / "data/nba"
pytestmark = pytest.mark.skipif(
    not (TOOL.exists() and DATA.exists()), reason=f"no real results in {DATA} or no tool {TOOL}"
)

FIRST, LAST, NO_GAMES = date(2021, 12, 1), date(2021, 12, 31), date(2021, 12, 24)
DAYS = days_between(FIRST, LAST)
BOX, BOOKS, PLAYS, LINES, PGS = (
    "nbac_team_boxscore",
    "nbac_gamebook_player_stats",
    "bigdataball_play_by_play",
    "player_lines",
    "player_game_summary",
)
#: Optional feeds that nobody has for the real seasons.
IN_NO_REAL_FEED = {
    *("espn_team_rosters", "nbac_injury_report"),
    *("odds_api_game_lines", "odds_api_player_points_props"),
}
#: The phase 2 tables that a kind leaves red on its date; phase 3 is red with them.
RED = {
    "team_boxscore_missing_game": {BOX, LINES},
    "truncated_json": {BOX, LINES},
    "player_sources_missing_date": {LINES},
}
#: What a kind may change in player_lines of its date; all others change nothing there.
CHANGES_LINES = {
    *RED,
    "gamebooks_missing_date",
    "newer_capture_corrected",
    "reversed_game_code",
    "zero_minutes",
    "absurd_points",
}
KINDS = [
    *("team_boxscore_missing_game", "gamebooks_missing_date", "player_sources_missing_date"),
    *("bigdataball_missing_game", "truncated_json", "empty_file", "newer_capture_corrected", "reversed_game_code"),
    *("postponed_id_reused", "dnp_null_team", "zero_minutes", "csv_unknown_columns", "player_listed_twice"),
    *("absurd_points", "uppercase_team_name"),
]


def written(out: Path, *options: str) -> Path:
    command = [sys.executable, TOOL, "--data", DATA, "--out", out, "--from", FIRST, "--to", LAST, *options]
    subprocess.run([str(part) for part in command], check=True, capture_output=True)
    return out


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    root = tmp_path_factory.mktemp("real_clean")
    with pipeline(root / "run", written(root / "feeds")) as run:
        run.run_all((*PHASE_2, *PHASE_3), FIRST, LAST)
        yield run


@dataclass(frozen=True)
class Damaged:
    """The month with the defects, and the list of them."""

    run: Pipeline
    defects: dict[str, Row]

    def day(self, kind: str) -> date:
        return date.fromisoformat(self.defects[kind]["game_date"])

    def game_id(self, kind: str) -> str:
        rows = self.run.rows("nbac_schedule", self.day(kind))
        return next(row["game_id"] for row in rows if row["nba_game_id"] == self.defects[kind]["game_id"])

    def rows(self, table: str, kind: str) -> list[Row]:
        """Rows of the game that the defect is about."""
        game_id = self.game_id(kind)
        return [row for row in self.run.rows(table, self.day(kind)) if row["game_id"] == game_id]

    def player(self, table: str, kind: str) -> list[Row]:
        lookup = player_lookup(self.defects[kind]["values"]["player"])
        return [row for row in self.rows(table, kind) if row["player_lookup"] == lookup]


@pytest.fixture(scope="module")
def damaged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Damaged]:
    root = tmp_path_factory.mktemp("real_damaged")
    feeds = written(root / "feeds", "--defects", "7")
    defects = {defect["kind"]: defect for defect in json.loads((feeds / "defects.json").read_bytes())}
    with pipeline(root / "run", feeds) as run:
        run.run_all((*PHASE_2, *PHASE_3), FIRST, LAST)
        yield Damaged(run, defects)


def test_a_clean_month_is_green_everywhere(clean: Pipeline) -> None:
    for table, status in clean.statuses(DAYS).items():
        assert (table, status.is_green, status.gates_failed) == (table, True, 0)
        assert {state: number for state, number in status.states.items() if number} == {
            "missing" if table in IN_NO_REAL_FEED else "complete": 30,
            "expected_empty": 1,
        }
    assert clean.history(LINES, NO_GAMES)["skip_reason"] == "expected_empty:no_games"
    for what in ("file", "row"):
        assert clean.query(f"SELECT * FROM nba_reference.{what}_quarantine") == []


def test_players_of_a_clean_month_add_up_to_their_teams(clean: Pipeline) -> None:
    sums = clean.query(
        """
        SELECT t.game_id, t.team_abbr,
          t.points = SUM(l.points) AND t.fg_attempted = SUM(l.field_goals_attempted)
            AND t.total_rebounds = SUM(l.total_rebounds) AND t.assists = SUM(l.assists)
            AND t.ft_made = SUM(l.free_throws_made) AS is_equal
        FROM nba_raw.nbac_team_boxscore AS t JOIN nba_raw.player_lines AS l
          ON l.game_id = t.game_id AND l.team_abbr = t.team_abbr
        GROUP BY t.game_id, t.team_abbr, t.points, t.fg_attempted, t.total_rebounds, t.assists, t.ft_made
        """
    )
    assert (len(sums), {row["is_equal"] for row in sums}) == (2 * 209, {True})
    counts = {
        table: clean.query(f"SELECT COUNT(*) AS n FROM {ENTRIES[table].contract.full_name}")[0]["n"]
        for table in (LINES, PGS, "team_offense_game_summary", "team_defense_game_summary")
    }
    assert counts[LINES] == counts[PGS] > 4000
    assert counts["team_offense_game_summary"] == counts["team_defense_game_summary"] == 2 * 209


def test_the_rows_of_known_dates_are_as_many_as_were_played(clean: Pipeline) -> None:
    """Section 13.1 of the specification."""
    assert len(clean.rows(PGS, date(2021, 12, 25))) == 98


def test_every_defect_was_planted(damaged: Damaged) -> None:
    assert sorted(damaged.defects) == sorted(KINDS)


def test_exactly_the_dates_that_cannot_be_saved_are_red(damaged: Damaged) -> None:
    statuses = damaged.run.statuses(DAYS)
    for table in (*PHASE_2, *PHASE_3):
        kinds = [kind for kind, tables in RED.items() if table in tables or table in PHASE_3]
        expected = {damaged.day(kind) for kind in kinds}
        assert (table, {day for day, _ in statuses[table].unexplained}) == (table, expected)


def test_no_good_date_is_lost_or_changed(clean: Pipeline, damaged: Damaged) -> None:
    """The damage of one date is not seen on any other, in no table."""
    days = sorted(set(DAYS) - {damaged.day(kind) for kind in KINDS})
    here, there = damaged.run.digests(days), clean.digests(days)
    # The schedule has one row more; play-by-play files have no stamp, so their rows carry the time of writing.
    same = [key for key in there if key[0] not in ("nbac_schedule", PLAYS)]
    assert len(same) == 13 * len(days) > 100
    assert {key for key in same if here[key] != there[key]} == set()
    assert all(here[key].rows == there[key].rows for key in there if key[0] == PLAYS)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in CHANGES_LINES])
def test_the_players_lines_are_those_of_the_clean_month(clean: Pipeline, damaged: Damaged, kind: str) -> None:
    key = (LINES, damaged.day(kind))
    assert damaged.run.digests([damaged.day(kind)])[key] == clean.digests([damaged.day(kind)])[key]


def test_a_missing_team_box_score_is_partial(damaged: Damaged) -> None:
    kind = "team_boxscore_missing_game"
    assert damaged.run.states(damaged.day(kind))[BOX] == "partial"
    assert damaged.game_id(kind) in damaged.run.red(BOX, [damaged.day(kind)])[damaged.day(kind)]
    assert damaged.run.history(PGS, damaged.day(kind))["error_category"] == "DEFENSIVE_BLOCK"


def test_without_gamebooks_every_row_is_marked_as_fallback(damaged: Damaged) -> None:
    day = damaged.day("gamebooks_missing_date")
    assert {row["source"] for row in damaged.run.rows(LINES, day)} == {"bdl_boxscores"}
    assert {(r["primary_source_used"], r["quality_tier"]) for r in damaged.run.rows(PGS, day)} == {
        ("bdl_boxscores", "silver")
    }


def test_without_player_sources_the_date_is_missing(damaged: Damaged) -> None:
    day = damaged.day("player_sources_missing_date")
    states = damaged.run.states(day)
    assert (states[LINES], states[PGS], damaged.run.rows(PGS, day)) == ("missing", "missing", [])
    assert not damaged.run.history(LINES, day)["success"]


def test_without_play_by_play_zones_are_null_and_the_rest_is_unaffected(clean: Pipeline, damaged: Damaged) -> None:
    kind = "bigdataball_missing_game"
    rows, game_id = damaged.rows(PGS, kind), damaged.game_id(kind)
    assert {(r["paint_attempts"], r["mid_range_makes"], r["three_attempts_pbp"]) for r in rows} == {(None,) * 3}
    before = [row for row in clean.rows(PGS, damaged.day(kind)) if row["game_id"] == game_id]
    same = ("player_lookup", "points", "fg_attempts", "minutes_played", "usage_rate", "plus_minus")
    assert [[row[name] for name in same] for row in rows] == [[row[name] for name in same] for row in before]


@pytest.mark.parametrize(("kind", "code"), [("truncated_json", "corrupt_file"), ("empty_file", "empty_file")])
def test_unreadable_files_are_recorded(damaged: Damaged, kind: str, code: str) -> None:
    found = damaged.run.quarantine("file", damaged.day(kind))
    assert {(entry["object_key"], entry["reason_code"]) for entry in found} == {
        (damaged.defects[kind]["paths"][0], code)
    }


def test_a_corrected_capture_counts(damaged: Damaged) -> None:
    for table in (LINES, PGS):
        (row,) = damaged.player(table, "newer_capture_corrected")
        assert row["assists"] == damaged.defects["newer_capture_corrected"]["values"]["now"]


def test_a_reversed_code_changes_no_id_and_no_side(clean: Pipeline, damaged: Damaged) -> None:
    day = damaged.day("reversed_game_code")
    same = ("game_id", "player_lookup", "team_abbr", "home_game", "points", "minutes_played")
    found = [[[row[name] for name in same] for row in run.rows(PGS, day)] for run in (damaged.run, clean)]
    assert found[0] == found[1]


def test_a_postponed_twin_is_expected_once(damaged: Damaged) -> None:
    defect = damaged.defects["postponed_id_reused"]
    rows = damaged.run.query(
        "SELECT game_date FROM nba_raw.nbac_schedule WHERE nba_game_id = @id ORDER BY game_date", id=defect["game_id"]
    )
    assert [str(row["game_date"]) for row in rows] == [defect["values"]["postponed_date"], defect["game_date"]]
    assert len(damaged.rows(BOX, "postponed_id_reused")) == 2


def test_an_absent_player_gets_his_team(damaged: Damaged) -> None:
    (row,) = damaged.player(BOOKS, "dnp_null_team")
    assert row["team_abbr"] == team_code(damaged.defects["dnp_null_team"]["values"]["team"])


def test_no_time_is_zero_minutes_and_no_absence(damaged: Damaged) -> None:
    (row,) = damaged.player(BOOKS, "zero_minutes")
    assert (row["player_status"], row["minutes_decimal"]) == ("active", 0.0)
    (row,) = damaged.player(PGS, "zero_minutes")
    assert (row["minutes_played"], row["is_dnp"], row["points"]) == (0, False, 0)


def test_unknown_columns_are_reported(damaged: Damaged) -> None:
    (warning,) = json.loads(damaged.run.history(PLAYS, damaged.day("csv_unknown_columns"))["warnings"])
    assert warning.startswith("schema_drift: feed_version, shot_clock in ")


def test_a_player_listed_twice_is_one_row(damaged: Damaged) -> None:
    assert [len(damaged.player(table, "player_listed_twice")) for table in (BOOKS, LINES, PGS)] == [1, 1, 1]


def test_absurd_points_are_set_aside_and_filled(damaged: Damaged) -> None:
    (entry,) = damaged.run.quarantine("row", damaged.day("absurd_points"))
    assert entry["reason_code"] == "contradictory_stats"
    (row,) = damaged.player(PGS, "absurd_points")
    was = damaged.defects["absurd_points"]["values"]["was"]
    assert (row["points"], row["primary_source_used"]) == (was, "bdl_boxscores")


def test_capitals_change_nothing_in_the_gamebook(clean: Pipeline, damaged: Damaged) -> None:
    key = (BOOKS, damaged.day("uppercase_team_name"))
    assert damaged.run.digests([key[1]])[key] == clean.digests([key[1]])[key]
