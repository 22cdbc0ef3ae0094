"""BigDataBall play-by-play: one CSV of each game, columns read by name."""

from collections.abc import Callable
from dataclasses import dataclass

import pyarrow as pa
import pytest

from backfill_pipelines.nba.names import player_lookup
from backfill_pipelines_tests.nba.feeds_support import (
    DAY,
    FeedFolder,
    Row,
    edited_csv,
    game_ids,
    only_rejected,
    set_aside,
)

TABLE = "bigdataball_play_by_play"


@dataclass
class Events:
    """The cells of a file by column name."""

    lines: list[list[str]]

    def place(self, column: str) -> int:
        return self.lines[0].index(column)

    def set(self, row: int, **cells: str) -> None:
        for column, value in cells.items():
            self.lines[row][self.place(column.removesuffix("_"))] = value

    def get(self, row: int, column: str) -> str:
        return self.lines[row][self.place(column)]


def change(feeds: FeedFolder, how: Callable[[Events], None]) -> Events:
    with edited_csv(feeds.file("bigdataball")) as lines:
        events = Events(lines)
        how(events)
    return events


def contents(feeds: FeedFolder) -> pa.Table:
    """All rows, without the time of the capture, which is that of the file's last change."""
    return feeds.load(TABLE).table.drop_columns(["capture_ts"])


def row_of(feeds: FeedFolder, number: int) -> Row:
    """The stored event of the first game with a number."""
    game_id = feeds.games(DAY)[0].game_id
    rows = feeds.load(TABLE).table.to_pylist()
    (found,) = (r for r in rows if (r["game_id"], r["event_sequence"]) == (game_id, number))
    return found


SHOT = {
    "event_type": "shot",
    "team": "utah",
    "player": "Walker Kessler",
    "assist": "Lauri Markkanen",
    "block": "",
    "points": "2",
    "result": "made",
    "type": "layup",
    "shot_distance": "1",
    "original_x": "-11",
    "original_y": "8.5",
    "remaining_time": "0:01:35",
    "elapsed": "0:10:25",
    "period": "2",
}


def test_a_shot_has_its_shooter_place_and_clock(feeds: FeedFolder) -> None:
    events = change(feeds, lambda e: e.set(3, **SHOT))
    row = row_of(feeds, int(events.get(3, "play_id")))
    expected = {
        "bdb_game_id": int(feeds.games(DAY)[0].nba_game_id),
        "game_date": DAY,
        "season_year": 2022,
        "period": 2,
        "remaining_seconds": 95,
        "elapsed_seconds": 625,
        "event_type": "shot",
        "event_subtype": "layup",
        "team_abbr": "UTA",
        "player_name": "Walker Kessler",
        "player_lookup": "walkerkessler",
        "assist_player_lookup": "laurimarkkanen",
        "block_player_lookup": None,
        "shot_made": True,
        "shot_type": "2PT",
        "shot_distance": 1.0,
        "points_scored": 2,
        "original_x": -11.0,
        "original_y": 8.5,
    }
    assert {name: row[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("cells", "made", "shot_type"),
    [
        ({}, True, "2PT"),
        ({"result": "missed", "points": "0"}, False, "2PT"),
        ({"event_type": "miss", "result": "missed", "points": "0"}, False, "2PT"),
        ({"event_type": "miss", "result": "made"}, False, "2PT"),
        ({"type_": "3pt jump shot", "points": "3"}, True, "3PT"),
        ({"type_": "3pt jump shot", "result": "missed", "points": "0"}, False, "3PT"),
        ({"type_": "jump shot", "points": "3"}, True, "3PT"),
        ({"event_type": "free throw", "points": "1"}, None, "FT"),
        ({"event_type": "rebound", "points": ""}, None, None),
        ({"event_type": "end of period", "points": "", "player": "", "team": ""}, None, None),
    ],
)
def test_what_is_an_attempt_and_what_it_was_worth(
    feeds: FeedFolder, cells: dict[str, str], made: bool | None, shot_type: str | None
) -> None:
    """Zones are counted from these two columns; a free throw among them would be a two from nowhere."""
    events = change(feeds, lambda e: e.set(3, **SHOT | cells))
    row = row_of(feeds, int(events.get(3, "play_id")))
    assert (row["shot_made"], row["shot_type"]) == (made, shot_type)


def test_empty_cells_are_null(feeds: FeedFolder) -> None:
    names = ("player", "assist", "team", "points", "shot_distance", "original_x", "remaining_time", "type")
    events = change(feeds, lambda e: e.set(3, **dict.fromkeys(names, "")))
    row = row_of(feeds, int(events.get(3, "play_id")))
    stored = ("player_name", "player_lookup", "assist_player_lookup", "team_abbr", "points_scored", "shot_distance")
    assert [row[name] for name in (*stored, "original_x", "remaining_seconds", "event_subtype")] == [None] * 9


def test_shooters_have_the_join_key_of_the_other_feeds(sample_feeds: FeedFolder) -> None:
    lineups = set(sample_feeds.load("nbac_starting_lineups").table["player_lookup"].to_pylist())
    found = set(sample_feeds.load(TABLE).table["player_lookup"].to_pylist()) - {None}
    assert found
    assert found <= lineups


def test_unknown_columns_are_ignored_and_reported(feeds: FeedFolder) -> None:
    before = contents(feeds)

    def how(events: Events) -> None:
        for number, line in enumerate(events.lines):
            line.insert(0, "2" if number else "feed_version")
            line.append("" if number else "shot_clock")

    change(feeds, how)
    loaded = feeds.load(TABLE)
    key = feeds.key(feeds.file("bigdataball"))
    assert contents(feeds).equals(before)
    assert loaded.warnings == {DAY: [f"schema_drift: feed_version, shot_clock in {key}"]}


def test_columns_may_stand_in_any_order(feeds: FeedFolder) -> None:
    before = contents(feeds)
    change(feeds, lambda e: [line.reverse() for line in e.lines] and None)
    assert contents(feeds).equals(before)


@pytest.mark.parametrize("ending", [b"\n", b"\r\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "byte order mark"])
def test_line_ends_and_a_byte_order_mark_do_not_matter(feeds: FeedFolder, ending: bytes, mark: bytes) -> None:
    before, path = contents(feeds), feeds.file("bigdataball")
    path.write_bytes(mark + path.read_bytes().replace(b"\r\n", ending))
    assert contents(feeds).equals(before)


def test_a_comma_within_quotes_belongs_to_the_cell(feeds: FeedFolder) -> None:
    events = change(feeds, lambda e: e.set(3, **SHOT | {"player": '"Barlow, Dominick"'}))
    assert row_of(feeds, int(events.get(3, "play_id")))["player_lookup"] == player_lookup("Dominick Barlow")


@pytest.mark.parametrize("column", ["play_id", "shot_distance", "event_type", "original_x"])
def test_a_missing_column_sets_the_file_aside(feeds: FeedFolder, column: str) -> None:
    path = feeds.file("bigdataball")
    change(feeds, lambda e: e.set(0, **{f"{column}_": "renamed"}))
    loaded = feeds.load(TABLE)
    assert set_aside(loaded) == [("unknown_shape", feeds.key(path))]
    assert loaded.set_aside[0].detail == f"the file lacks the columns {column}"
    assert len(game_ids(loaded)) == 4


def test_a_file_cut_off_within_a_row_is_set_aside(feeds: FeedFolder) -> None:
    path = feeds.file("bigdataball")
    content = path.read_bytes()
    path.write_bytes(content[: content.rindex(b",,,", 0, len(content) * 3 // 5)])
    loaded = feeds.load(TABLE)
    ((code, key),) = set_aside(loaded)
    assert (code, key) == ("unknown_shape", feeds.key(path))
    assert "columns" in loaded.set_aside[0].detail
    assert len(game_ids(loaded)) == 4


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"busy, try again", "unknown_shape"),
        (b"\xff\xfe\x00", "unknown_shape"),
        (b"<html>\n<body>\n", "unknown_shape"),
        (None, "corrupt_file"),
    ],
    ids=["text", "no text", "page", "header only"],
)
def test_what_is_no_play_by_play_is_set_aside_alone(feeds: FeedFolder, content: bytes | None, code: str) -> None:
    path = feeds.file("bigdataball")
    header = path.read_bytes().split(b"\r\n")[0] + b"\r\n"
    path.write_bytes(header if content is None else content)
    loaded = feeds.load(TABLE)
    assert set_aside(loaded) == [(code, feeds.key(path))]
    assert len(game_ids(loaded)) == 4


@pytest.mark.parametrize(
    ("column", "value", "detail"),
    [
        ("points", "two", "points 'two'"),
        ("points", "1.5", "points '1.5'"),
        ("shot_distance", "far", "shot_distance 'far'"),
        ("original_y", "?", "original_y '?'"),
        ("period", "", "period None"),
        ("period", "OT", "period 'OT'"),
        ("remaining_time", "11:58", "clock '11:58'"),
        ("elapsed", "0:aa:00", "clock '0:aa:00'"),
    ],
)
def test_an_event_with_an_unparsable_cell_is_set_aside_alone(
    feeds: FeedFolder, column: str, value: str, detail: str
) -> None:
    before = feeds.load(TABLE).table.num_rows
    events = change(feeds, lambda e: e.set(3, **{f"{column}_": value}))
    loaded = feeds.load(TABLE)
    row = only_rejected(loaded)
    assert (row.code, row.detail, row.day) == ("unparsable_value", detail, DAY)
    assert row.key == f"{feeds.games(DAY)[0].game_id}/{events.get(3, 'play_id')}"
    assert row.payload["player"] == (events.get(3, "player") or None)
    assert loaded.table.num_rows == before - 1


def test_an_event_twice_is_one_row_and_contradicting_ones_are_none(feeds: FeedFolder) -> None:
    before = feeds.load(TABLE).table.num_rows
    change(feeds, lambda e: e.lines.append(list(e.lines[4])))
    assert feeds.load(TABLE).table.num_rows == before
    change(feeds, lambda e: e.set(4, shot_distance="94"))
    loaded = feeds.load(TABLE)
    assert [row.code for _, row in loaded.rejected] == ["conflicting_duplicate"] * 2
    assert loaded.table.num_rows == before - 1


def test_a_file_read_row_by_row_has_the_rows_of_the_same_file_read_by_column(feeds: FeedFolder) -> None:
    """One repeated line is enough to send a file down the slow way."""
    before = contents(feeds)
    change(feeds, lambda e: e.lines.append(list(e.lines[3])))
    assert contents(feeds).equals(before)


@pytest.mark.parametrize(("column", "value"), [("date", "2023-04-22"), ("game_id", "42200999")])
def test_a_file_that_goes_on_with_another_game_is_set_aside(feeds: FeedFolder, column: str, value: str) -> None:
    """Two files joined into one: the second game's shots would go to the first one's players."""
    path = feeds.file("bigdataball")
    change(feeds, lambda e: e.set(-1, **{f"{column}_": value}))
    loaded = feeds.load(TABLE)
    assert set_aside(loaded) == [("wrong_date", feeds.key(path))]
    assert len(game_ids(loaded)) == 4


def test_files_read_together_give_what_each_gives_by_itself(feeds: FeedFolder) -> None:
    assert feeds.load(TABLE).table.num_rows > 0
    assert feeds.load(TABLE) == feeds.load(TABLE, one_by_one=True)


def test_a_quote_left_open_takes_no_line_of_the_next_file(feeds: FeedFolder) -> None:
    """Its neighbour closes it, in the same column, so that every line has its number of cells."""
    second = feeds.games(DAY)[1]
    change(feeds, lambda e: e.set(-1, description='"left open'))
    opened = feeds.file("bigdataball")
    opened.write_bytes(opened.read_bytes().rstrip(b"\r\n"))
    with edited_csv(feeds.file("bigdataball", game=second)) as lines:
        events = Events(lines)
        events.set(5, description='closed"')
        whole = len(lines) - 1
    loaded = feeds.load(TABLE)
    assert loaded == feeds.load(TABLE, one_by_one=True)
    assert loaded.table["game_id"].to_pylist().count(second.game_id) == whole
