"""Which of several captures of one entity counts: the newest that parses."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest

from backfill_pipelines.nba.feeds import captures
from backfill_pipelines_tests.nba.feeds_support import (
    DAY,
    DAYS,
    FEED_OF_TABLE,
    FeedFolder,
    at,
    edited,
    edited_csv,
    game_ids,
    set_aside,
    touch,
)
from backfill_pipelines_tests.stores.test_objects_contract import bucket, emulator

FIRST, NEWER, NEWEST = "20230424_060000", "20230424_180000", "20230425_060000"
GAMEBOOK = "nbac_gamebook_player_stats"


def with_assists(path: Path, assists: int) -> bytes:
    """A gamebook whose first player has a number of assists that tells captures apart."""
    book = orjson.loads(path.read_bytes())
    book["active_players"][0]["stats"]["assists"] = assists
    return orjson.dumps(book)


def assists_of_first_player(feeds: FeedFolder, path: Path) -> tuple[int, str]:
    """His assists and the file they were read from."""
    name = orjson.loads(path.read_bytes())["active_players"][0]["name"]
    rows = feeds.load(GAMEBOOK).table.to_pylist()
    ((found, key),) = [(r["assists"], r["source_file_path"]) for r in rows if r["player_name_original"] == name]
    return found, key


def test_the_newest_capture_wins_even_if_an_older_one_is_fuller(feeds: FeedFolder) -> None:
    """A correction replaces what was captured before: one row, the corrected value."""
    path = feeds.file("gamebook")
    before = feeds.load(GAMEBOOK).table.num_rows
    book = orjson.loads(with_assists(path, 77))
    del book["active_players"][-1]
    newer = feeds.again(path, NEWER, orjson.dumps(book))
    assert assists_of_first_player(feeds, path) == (77, feeds.key(newer))
    loaded = feeds.load(GAMEBOOK)
    assert loaded.table.num_rows == before - 1
    assert loaded.warnings == {}


def test_rows_carry_the_capture_they_were_read_from(feeds: FeedFolder) -> None:
    path = feeds.file("gamebook")
    newer = feeds.again(path, NEWER)
    rows = feeds.load(GAMEBOOK).table.to_pylist()
    stamps = {(row["source_file_path"], row["capture_ts"]) for row in rows}
    assert (feeds.key(newer), at(NEWER)) in stamps
    assert feeds.key(path) not in {key for key, _ in stamps}


def test_no_stamp_in_the_name_means_the_time_of_the_last_change(feeds: FeedFolder) -> None:
    path = feeds.file("gamebook")
    unnamed = path.with_name("latest.json")
    unnamed.write_bytes(with_assists(path, 66))
    touch(unnamed, datetime(2023, 4, 24, 5, 59, 59, tzinfo=UTC))
    assert assists_of_first_player(feeds, path)[1] == feeds.key(path)
    touch(unnamed, datetime(2023, 4, 24, 6, 0, 1, tzinfo=UTC))
    assert assists_of_first_player(feeds, path) == (66, feeds.key(unnamed))


def test_a_tie_goes_to_the_greatest_key(feeds: FeedFolder) -> None:
    path = feeds.file("gamebook")
    twin = path.with_name("zz.json")
    twin.write_bytes(with_assists(path, 55))
    touch(twin, at(FIRST))
    assert assists_of_first_player(feeds, path) == (55, feeds.key(twin))
    twin.rename(path.with_name("00.json"))
    assert assists_of_first_player(feeds, path)[1] == feeds.key(path)


def test_an_impossible_stamp_is_no_stamp(feeds: FeedFolder) -> None:
    """One odd file name must not end the run of the whole range."""
    path = feeds.file("gamebook")
    odd = feeds.again(path, "20231399_250000", with_assists(path, 44))
    touch(odd, at(NEWER))
    assert assists_of_first_player(feeds, path) == (44, feeds.key(odd))


@pytest.mark.parametrize(
    ("damage", "code"), [(b'{"date": "2023', "corrupt_file"), (b"", "empty_file"), (b'{"pages": []}', "unknown_shape")]
)
def test_a_newer_damaged_capture_is_set_aside_and_the_older_one_used(
    feeds: FeedFolder, damage: bytes, code: str
) -> None:
    path = feeds.file("gamebook")
    newer = feeds.again(path, NEWER, damage)
    complete = feeds.load(GAMEBOOK)
    assert set_aside(complete) == [(code, feeds.key(newer))]
    assert feeds.key(path) in set(complete.table["source_file_path"].to_pylist())
    assert len(game_ids(complete)) == 5
    assert complete.warnings == {DAY: [f"{code}: {feeds.key(newer)}", f"newer_capture_corrupt: {feeds.key(newer)}"]}


def test_damaged_captures_are_passed_over_until_one_parses(feeds: FeedFolder) -> None:
    path = feeds.file("gamebook")
    broken = [feeds.again(path, stamp, b"{") for stamp in (NEWER, NEWEST)]
    loaded = feeds.load(GAMEBOOK)
    assert set_aside(loaded) == [("corrupt_file", feeds.key(other)) for other in reversed(broken)]
    assert len(game_ids(loaded)) == 5


def test_when_no_capture_parses_each_is_set_aside_and_only_this_game_is_missing(feeds: FeedFolder) -> None:
    path = feeds.file("gamebook")
    feeds.again(path, NEWER, b"")
    path.write_bytes(b"[")
    loaded = feeds.load(GAMEBOOK)
    assert sorted(code for code, _ in set_aside(loaded)) == ["corrupt_file", "empty_file"]
    assert len(game_ids(loaded)) == 4


def test_the_two_schedule_folders_hold_one_entity(feeds: FeedFolder) -> None:
    """A season captured in either folder: the newest counts, and no game is there twice."""
    path = feeds.file("schedule")
    other = feeds.root / "nba-com/schedule/2022-23/20230426_060000.json"
    other.parent.mkdir(parents=True)
    other.write_bytes(path.read_bytes())
    loaded = feeds.load("nbac_schedule")
    assert loaded.files_read == 1
    assert set(loaded.table["source_file_path"].to_pylist()) == {feeds.key(other)}
    assert loaded.table.num_rows == 5
    other.rename(other.with_name("20230401_060000.json"))
    assert set(feeds.load("nbac_schedule").table["source_file_path"].to_pylist()) == {feeds.key(path)}


def test_a_damaged_newer_schedule_leaves_the_older_one_of_the_other_folder(feeds: FeedFolder) -> None:
    path = feeds.file("schedule")
    other = feeds.root / "nba-com/schedule/2022-23/20230426_060000.json"
    other.parent.mkdir(parents=True)
    other.write_bytes(path.read_bytes()[:500])
    loaded = feeds.load("nbac_schedule")
    assert set_aside(loaded) == [("corrupt_file", feeds.key(other))]
    assert loaded.table.num_rows == 5
    for day in DAYS:
        assert f"newer_capture_corrupt: {feeds.key(other)}" in loaded.warnings[day]


def test_file_names_with_square_brackets_are_read_as_they_are(feeds: FeedFolder) -> None:
    """A glob would read `[2023-04-23]` as a set of characters and find nothing."""
    path = feeds.file("bigdataball")
    assert path.name.startswith(f"[{DAY}]-")
    assert feeds.key(path) in set(feeds.load("bigdataball_play_by_play").table["source_file_path"].to_pylist())


def test_a_play_by_play_file_has_no_stamp_so_the_last_written_counts(feeds: FeedFolder) -> None:
    path = feeds.file("bigdataball")
    other = path.with_name("[copy].csv")
    other.write_bytes(path.read_bytes())
    with edited_csv(other) as lines:
        del lines[-1]
    touch(path, at(NEWER))
    touch(other, at(NEWEST))
    sources = feeds.load("bigdataball_play_by_play").table["source_file_path"].to_pylist()
    assert feeds.key(other) in sources
    assert feeds.key(path) not in sources


def test_files_of_another_kind_are_not_read(feeds: FeedFolder) -> None:
    """Leftovers of an upload, checksums, notes."""
    path = feeds.file("gamebook")
    for name in ("20230425_060000.json.part", "notes.txt", "20230425_060000.csv"):
        path.with_name(name).write_bytes(b"{")
    loaded = feeds.load(GAMEBOOK)
    assert loaded.files_read == 5
    assert loaded.set_aside == []


def test_neighbouring_dates_and_seasons_are_not_read(feeds: FeedFolder) -> None:
    found = captures.captures(captures.GAMEBOOK, feeds.store, [DAY])
    assert {version.day for versions in found.values() for version in versions} == {DAY}
    path = feeds.file("schedule")
    stranger = feeds.root / "nba-com/schedule-cdn/2022-23-preseason" / path.name
    stranger.parent.mkdir()
    stranger.write_bytes(b"{")
    assert feeds.load("nbac_schedule").set_aside == []


def test_a_capture_of_a_snapshot_is_stamped_with_its_own_time(feeds: FeedFolder) -> None:
    """Odds files end in `-snap-HHMM`; the time before that is when the capture was taken."""
    path = feeds.file("gamebook")
    path.rename(path.with_name("20230424_070000-snap-1855.json"))
    found = captures.captures(captures.GAMEBOOK, feeds.store, [DAY])
    stamps = {version.taken_at for versions in found.values() for version in versions}
    assert at("20230424_070000") in stamps


def test_what_a_file_says_of_itself_does_not_change_its_stamp(feeds: FeedFolder) -> None:
    path = feeds.file("gamebook")
    with edited(path) as book:
        book["timestamp"] = "2030-01-01T00:00:00+00:00"
    newer = feeds.again(path, NEWER, with_assists(path, 33))
    assert assists_of_first_player(feeds, path) == (33, feeds.key(newer))


def test_the_same_captures_count_on_a_bucket(feeds: FeedFolder) -> None:
    """Names with brackets, damaged and newer captures: a bucket gives the rows of a folder."""
    path = feeds.file("gamebook")
    feeds.again(path, NEWER, with_assists(path, 22))
    feeds.again(path, NEWEST, b"{")
    feeds.file("bdl_boxscores").write_bytes(b"")
    with emulator() as endpoint:
        place = bucket(endpoint, "nba")
        for file in feeds.root.rglob("*.*"):
            place.write(feeds.key(file), file.read_bytes())
        mirrored = replace(feeds, other=place.store)
        for table in ("nbac_schedule", *FEED_OF_TABLE):
            here, there = feeds.load(table), mirrored.load(table)
            assert here.table.num_rows > 0
            assert there.table.drop_columns(["capture_ts"]).equals(here.table.drop_columns(["capture_ts"]))
            assert (set_aside(there), there.warnings) == (set_aside(here), here.warnings)
