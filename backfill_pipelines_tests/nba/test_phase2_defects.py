"""A month with every kind of known damage, each on a date of its own, through the real assets of phase 2."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import pytest

from backfill_pipelines.nba.names import player_lookup, team_code
from backfill_pipelines.nba.sample import write_feeds
from backfill_pipelines_tests.nba.feeds_defects import KINDS, Planted, plant
from backfill_pipelines_tests.nba.feeds_runs import PHASE_2, Pipeline, Row, days_between, pipeline, state_of
from backfill_pipelines_tests.nba.feeds_support import FeedFolder

FIRST, LAST = date(2022, 12, 1), date(2022, 12, 31)
DAYS = days_between(FIRST, LAST)
BOX, LINEUPS, BOOKS, BDL, PLAYS, LINES = (
    "nbac_team_boxscore",
    "nbac_starting_lineups",
    "nbac_gamebook_player_stats",
    "bdl_player_boxscores",
    "bigdataball_play_by_play",
    "player_lines",
)
#: The tables that a kind leaves red on its date; every other (table, date) is green.
RED = {
    "team_boxscore_missing_game": {BOX, LINES},
    "truncated_json": {BOX, LINES},
    "player_sources_missing_date": {LINES},
}


@dataclass(frozen=True)
class Month:
    """The damaged month after its run, and an undamaged one."""

    stored: Pipeline
    sound: Pipeline
    planted: dict[str, Planted]

    def day(self, kind: str) -> date:
        return self.planted[kind].day

    def player(self, table: str, kind: str) -> list[Row]:
        """Rows of the player whom a damage is about, in its game."""
        damage = self.planted[kind]
        lookup = player_lookup(damage.values["player"])
        rows = self.stored.rows(table, damage.day)
        return [r for r in rows if (r["game_id"], r["player_lookup"]) == (damage.game_id, lookup)]

    def unchanged(self, kind: str) -> bool:
        """The players' lines of the date are those of the undamaged month."""
        chosen = "game_id, team_abbr, player_lookup, minutes_decimal, points, field_goals_attempted, total_rebounds"
        found = [
            run.query(
                f"SELECT {chosen} FROM nba_raw.player_lines WHERE game_date = @day ORDER BY game_id, player_lookup",
                day=self.day(kind),
            )
            for run in (self.stored, self.sound)
        ]
        return found[0] == found[1] != []


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Month]:
    root = tmp_path_factory.mktemp("month")
    for name in ("sound", "damaged"):
        write_feeds(root / name, seed=7, first=FIRST, last=LAST)
    planted = plant(FeedFolder(root / "damaged"), DAYS)
    with (
        pipeline(root / "run_sound", root / "sound") as sound,
        pipeline(root / "run_damaged", root / "damaged") as stored,
    ):
        assert all(sound.run_all(PHASE_2, FIRST, LAST).values())
        stored.run_all(PHASE_2, FIRST, LAST)
        yield Month(stored, sound, planted)


def test_every_kind_of_damage_is_planted(month: Month) -> None:
    assert month.planted.keys() == KINDS.keys()
    assert len({damage.day for damage in month.planted.values()}) == len(KINDS) == 15


def test_exactly_the_damaged_dates_are_red_and_no_good_date_is_lost(month: Month) -> None:
    """One bad file must cost its own date and table, never its neighbours."""
    expected = {table: {month.day(kind) for kind, tables in RED.items() if table in tables} for table in PHASE_2}
    assert {table: set(month.stored.red(table, DAYS)) for table in PHASE_2} == expected
    good = set(DAYS) - {damage.day for damage in month.planted.values()}
    damaged, sound = month.stored.digests(sorted(good)), month.sound.digests(sorted(good))
    contents = [key for key in sound if key[0] not in (PLAYS, "nbac_schedule")]
    assert all(damaged[key].rows == sound[key].rows for key in sound if key[0] in PHASE_2 and key[0] != "nbac_schedule")
    assert {key for key in contents if damaged[key] != sound[key]} == set()


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in RED])
def test_a_damage_that_can_be_handled_leaves_all_tables_of_its_date_published(month: Month, kind: str) -> None:
    statuses = month.stored.statuses([month.day(kind)])
    assert all(statuses[table].is_green for table in PHASE_2)
    states = {table: state_of(statuses[table]) for table in PHASE_2}
    odd = {
        "gamebooks_missing_date": {BOOKS: "missing"},
        "bigdataball_missing_game": {PLAYS: "partial"},
        "empty_file": {BDL: "missing"},
        "absurd_points": {BOOKS: "quarantined"},
    }.get(kind, {})
    assert {table: states[table] for table in PHASE_2 if states[table] != "complete"} == odd


def test_a_missing_team_box_score_makes_its_date_partial(month: Month) -> None:
    damage = month.planted["team_boxscore_missing_game"]
    states = month.stored.states(damage.day)
    assert (states[BOX], states[LINEUPS], states[LINES]) == ("partial", "partial", "missing")
    why = month.stored.red(BOX, [damage.day])[damage.day]
    assert f"{damage.game_id}/{damage.place.game.home} is missing" in why
    assert month.stored.failed_gates(BOX, damage.day) == {"two_rows_per_expected_game"}
    assert month.stored.failed_gates(LINEUPS, damage.day, blocking=False) == {"five_starters_a_team"}
    assert month.stored.rows(BOX, damage.day) == []
    assert month.stored.history(LINES, damage.day)["error_category"] == "DEFENSIVE_BLOCK"
    assert "two_rows_per_expected_game" in month.stored.red(LINES, [damage.day])[damage.day]


def test_without_gamebooks_every_line_comes_from_the_other_source(month: Month) -> None:
    day = month.day("gamebooks_missing_date")
    rows = month.stored.rows(LINES, day)
    assert {row["source"] for row in rows} == {"bdl_boxscores"}
    assert {row["plus_minus"] for row in rows} == {None}
    assert len(rows) == len(month.sound.rows(LINES, day))
    assert month.stored.failed_gates(LINES, day, blocking=False) == {"primary_source_was_used"}
    assert month.stored.failed_gates(BOOKS, day, blocking=False) == {"every_expected_game_is_covered"}


def test_without_any_player_source_the_date_is_missing_not_empty(month: Month) -> None:
    """Never a success with zero rows."""
    day = month.day("player_sources_missing_date")
    states = month.stored.states(day)
    assert (states[BOOKS], states[BDL], states[LINES]) == ("missing", "missing", "missing")
    assert month.stored.failed_gates(LINES, day) >= {"every_team_has_its_players", "player_points_equal_team_points"}
    history = month.stored.history(LINES, day)
    assert (history["status"], history["success"], history["rows_processed"]) == ("failed", False, 0)
    assert history["error_category"] == "DATA_AVAILABILITY"


def test_a_missing_play_by_play_file_is_named_and_blocks_nothing(month: Month) -> None:
    damage = month.planted["bigdataball_missing_game"]
    games = {row["game_id"] for row in month.stored.rows(PLAYS, damage.day)}
    assert damage.game_id not in games
    assert games == {game.game_id for game in damage.place.games[1:]}
    assert month.stored.failed_gates(PLAYS, damage.day, blocking=False) == {"every_expected_game_is_covered"}
    assert month.unchanged("bigdataball_missing_game")


def test_a_truncated_file_leaves_no_half_of_itself(month: Month) -> None:
    damage = month.planted["truncated_json"]
    files = month.stored.quarantine("file", damage.day)
    assert [(f["object_key"], f["table_name"], f["reason_code"]) for f in files] == [
        (damage.values["key"], f"nba_raw.{table}", "corrupt_file") for table in (LINEUPS, BOX)
    ]
    assert {f["nba_game_id"] for f in files} == {damage.place.game.nba_game_id}
    assert all("capture it again" in f["detail"] for f in files)
    assert month.stored.states(damage.day)[BOX] == "partial"
    assert damage.game_id not in {row["game_id"] for row in month.stored.rows(LINEUPS, damage.day)}


def test_an_empty_file_is_a_failed_file_and_not_a_date_without_games(month: Month) -> None:
    damage = month.planted["empty_file"]
    (entry,) = month.stored.quarantine("file", damage.day)
    assert (entry["object_key"], entry["reason_code"], entry["bytes"]) == (damage.values["key"], "empty_file", 0)
    assert month.unchanged("empty_file")
    assert {row["source"] for row in month.stored.rows(LINES, damage.day)} == {"nbac_gamebook"}


def test_a_corrected_capture_replaces_the_older_one(month: Month) -> None:
    values = month.planted["newer_capture_corrected"].values
    for table in (BOOKS, LINES):
        (row,) = month.player(table, "newer_capture_corrected")
        assert (row["assists"], row["source_file_path"]) == (values["assists"], values["key"])


def test_a_reversed_game_code_keeps_the_canonical_id_and_sides(month: Month) -> None:
    damage = month.planted["reversed_game_code"]
    game = damage.place.game
    rows = [row for row in month.stored.rows(BOOKS, damage.day) if row["game_code"] == damage.values["game_code"]]
    assert {(r["game_id"], r["home_team_abbr"], r["away_team_abbr"]) for r in rows} == {
        (f"{damage.day:%Y%m%d}_{game.away}_{game.home}", game.home, game.away)
    }
    assert month.unchanged("reversed_game_code")


def test_a_postponed_twin_is_on_the_schedule_twice_and_expected_once(month: Month) -> None:
    damage = month.planted["postponed_id_reused"]
    earlier = damage.values["earlier"]
    rows = month.stored.query(
        "SELECT game_date, is_postponed FROM nba_raw.nbac_schedule WHERE nba_game_id = @id ORDER BY game_date",
        id=damage.place.game.nba_game_id,
    )
    assert [(r["game_date"], r["is_postponed"]) for r in rows] == [(earlier, True), (damage.day, False)]
    expected = month.stored.query(
        "SELECT partition_date FROM nba_reference.expected_games WHERE nba_game_id = @id",
        id=damage.place.game.nba_game_id,
    )
    assert [r["partition_date"] for r in expected] == [damage.day]
    assert month.stored.states(earlier)[BOX] in ("complete", "partial")
    assert month.unchanged("postponed_id_reused")


def test_an_absent_player_without_a_team_gets_it_from_the_box_score(month: Month) -> None:
    (row,) = month.player(BOOKS, "dnp_null_team")
    assert row["team_abbr"] == team_code(month.planted["dnp_null_team"].values["team"])
    assert (row["player_status"], row["name_resolution_status"]) == ("dnp", "full_name")


def test_an_active_player_with_no_time_has_zeros(month: Month) -> None:
    (row,) = month.player(BOOKS, "zero_minutes")
    assert (row["player_status"], row["minutes_decimal"], row["points"]) == ("active", 0.0, 0)
    (line,) = month.player(LINES, "zero_minutes")
    assert (line["minutes_decimal"], line["source"]) == (0.0, "nbac_gamebook")


def test_unknown_columns_are_a_warning_of_their_date(month: Month) -> None:
    day = month.day("csv_unknown_columns")
    (warning,) = json.loads(month.stored.history(PLAYS, day)["warnings"])
    assert warning.startswith("schema_drift: feed_version, shot_clock in big-data-ball/")
    counts = [len(run.rows(PLAYS, day)) for run in (month.stored, month.sound)]
    assert counts[0] == counts[1]


def test_a_player_listed_twice_is_one_row(month: Month) -> None:
    assert len(month.player(BOOKS, "player_listed_twice")) == 1
    assert month.unchanged("player_listed_twice")


def test_absurd_points_are_set_aside_and_filled_from_the_other_source(month: Month) -> None:
    damage = month.planted["absurd_points"]
    (entry,) = month.stored.quarantine("row", damage.day)
    assert entry["reason_code"] == "contradictory_stats"
    assert "points 400" in entry["detail"]
    assert entry["key"] == f"{damage.game_id}/{damage.values['player']}"
    assert json.loads(entry["payload"])["stats"]["points"] == 400
    assert month.player(BOOKS, "absurd_points") == []
    (line,) = month.player(LINES, "absurd_points")
    assert (line["points"], line["source"]) == (damage.values["was"], "bdl_boxscores")
    assert month.stored.history(BOOKS, damage.day)["rows_quarantined"] == 1


def test_a_team_in_capitals_is_the_same_team(month: Month) -> None:
    assert month.unchanged("uppercase_team_name")


def test_only_the_damages_are_in_quarantine(month: Month) -> None:
    found = month.stored.query("SELECT game_date, reason_code FROM nba_reference.file_quarantine")
    assert {(r["game_date"], r["reason_code"]) for r in found} == {
        (month.day("truncated_json"), "corrupt_file"),
        (month.day("empty_file"), "empty_file"),
    }
    rows = month.stored.query("SELECT game_date, reason_code FROM nba_reference.row_quarantine")
    assert [(r["game_date"], r["reason_code"]) for r in rows] == [(month.day("absurd_points"), "contradictory_stats")]


def test_the_failed_dates_are_the_retry_list(month: Month) -> None:
    rows = month.stored.query("SELECT * FROM nba_reference.nba_stage1_failures")
    expected = {(f"nba_raw.{table}", month.day(kind)) for kind, tables in RED.items() for table in tables}
    assert {(r["table_name"], r["data_date"]) for r in rows} == expected
    files = {r["files"] for r in rows if r["data_date"] == month.day("truncated_json")}
    assert files == {month.planted["truncated_json"].values["key"], None}


#: What runs again once the files are mended: the red tables, and those with an open entry in quarantine.
AGAIN = {
    "team_boxscore_missing_game": (BOX, LINEUPS, LINES),
    "truncated_json": (BOX, LINEUPS, LINES),
    "player_sources_missing_date": (BOOKS, BDL, LINES),
    "empty_file": (BDL,),
    "absurd_points": (BOOKS, LINES),
}


def test_repaired_files_make_the_red_dates_green_and_close_the_quarantine(month: Month) -> None:
    """Last in this file: it mends what the others look at. Only the damaged dates run again."""
    for kind, tables in AGAIN.items():
        damage = month.planted[kind]
        damage.place.repair()
        assert all(month.stored.run_all(tables, damage.day).values())
        states = month.stored.states(damage.day)
        assert {states[table] for table in PHASE_2} == {"complete"}
        assert month.unchanged(kind)
        assert month.stored.quarantine("file", damage.day) == month.stored.quarantine("row", damage.day) == []
    closed = month.stored.quarantine("file", month.day("truncated_json"), resolved=True)
    assert len(closed) == 2
    assert all(entry["resolved_at"] > entry["first_seen_at"] for entry in closed)
    assert len(month.stored.quarantine("file", month.day("empty_file"), resolved=True)) == 1
    assert len(month.stored.quarantine("row", month.day("absurd_points"), resolved=True)) == 1
    assert all(not month.stored.red(table, DAYS) for table in PHASE_2)
    assert month.stored.query("SELECT * FROM nba_reference.nba_stage1_failures") == []
