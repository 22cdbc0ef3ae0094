"""Files that cannot be used, whichever feed they are of: set aside with a reason, and everything else loads."""

from dataclasses import replace
from datetime import date

import orjson
import pytest

from backfill_pipelines.nba.feeds.loading import Loaded
from backfill_pipelines_tests.nba.feeds_support import (
    DAY,
    FEED_OF_TABLE,
    NEXT_DAY,
    FeedFolder,
    edited,
    edited_csv,
    game_ids,
    keys_of,
    set_aside,
)

TABLES = pytest.mark.parametrize("table", FEED_OF_TABLE)
JSON_TABLES = pytest.mark.parametrize("table", [t for t, feed in FEED_OF_TABLE.items() if feed != "bigdataball"])
GAME_TABLES = pytest.mark.parametrize(
    "table", [t for t, feed in FEED_OF_TABLE.items() if feed in ("team_boxscore", "gamebook", "bigdataball")]
)
ROSTERS = "espn_team_rosters"
ODDS = ("odds_api_game_lines", "odds_api_player_points_props")
#: Tables whose rows are of games.
TABLES_OF_GAMES = pytest.mark.parametrize("table", [table for table in FEED_OF_TABLE if table != ROSTERS])
DATE_TABLES = pytest.mark.parametrize("table", ["bdl_player_boxscores", "nbac_player_boxscores"])


def neighbours(feeds: FeedFolder, table: str) -> set[str]:
    """What does not stand in the damaged file: games, or teams of a date."""
    today, tomorrow = feeds.games(DAY), feeds.games(NEXT_DAY)
    if table == ROSTERS:
        teams = {f"{game.day}/{team}" for game in [*today, *tomorrow] for team in (game.home, game.away)}
        return teams - {f"{DAY}/{today[0].home}"}
    if table in ODDS:  # the other snapshot of the game is another file
        return {game.game_id for game in [*today, *tomorrow]}
    is_of_a_date = table in ("bdl_player_boxscores", "nbac_player_boxscores", "nbac_injury_report")
    return {game.game_id for game in [*([] if is_of_a_date else today[1:]), *tomorrow]}


def found(loaded: Loaded, table: str) -> set[str]:
    """The games, or teams of a date, that have rows."""
    if table == ROSTERS:
        return {f"{day}/{team}" for day, team in keys_of(loaded, "roster_date", "team_abbr")}
    return game_ids(loaded)


@TABLES
def test_the_sample_loads_whole(sample_feeds: FeedFolder, table: str) -> None:
    loaded = sample_feeds.load(table)
    assert found(loaded, table) >= neighbours(sample_feeds, table)
    if table != ROSTERS:
        assert game_ids(loaded) == {game.game_id for game in sample_feeds.games(DAY, NEXT_DAY)}
    assert (loaded.set_aside, loaded.rejected, loaded.warnings) == ([], [], {})
    assert loaded.table["capture_ts"].null_count == 0


@TABLES
@pytest.mark.parametrize("content", [b"", b" \r\n"], ids=["no bytes", "white space"])
def test_an_empty_file_is_set_aside_alone(feeds: FeedFolder, table: str, content: bytes) -> None:
    """Recorded as a failed file: nothing else could tell it from a date without games."""
    path = feeds.file(FEED_OF_TABLE[table])
    path.write_bytes(content)
    loaded = feeds.load(table)
    assert set_aside(loaded) == [("empty_file", feeds.key(path))]
    assert loaded.set_aside[0].detail == "zero bytes; capture it again"
    assert loaded.set_aside[0].capture.day == DAY
    assert loaded.warnings == {DAY: [f"empty_file: {feeds.key(path)}"]}
    assert found(loaded, table) == neighbours(feeds, table)


@TABLES
def test_a_file_that_is_listed_and_cannot_be_read_is_set_aside_alone(feeds: FeedFolder, table: str) -> None:
    """A link whose target is gone: the files of every other game and date are read all the same."""
    path = feeds.file(FEED_OF_TABLE[table])
    path.unlink()
    path.symlink_to(path.with_name("gone"))
    loaded = feeds.load(table)
    assert set_aside(loaded) == [("corrupt_file", feeds.key(path))]
    detail = loaded.set_aside[0].detail
    assert detail == "cannot be read: No such file or directory; mend its rights, or capture it again"
    assert found(loaded, table) == neighbours(feeds, table)


@TABLES
def test_a_newer_capture_that_cannot_be_read_gives_way_to_the_older_one(feeds: FeedFolder, table: str) -> None:
    good = feeds.load(table)
    path = feeds.file(FEED_OF_TABLE[table])
    newer = path.with_name(f"29990101_000000{path.suffix}")
    newer.mkdir()
    link = path.with_name(f"29990101_000001{path.suffix}")
    link.symlink_to(newer, target_is_directory=True)
    loaded = feeds.load(table)
    assert ("corrupt_file", feeds.key(link)) in set_aside(loaded)
    assert found(loaded, table) == found(good, table)


@JSON_TABLES
@pytest.mark.parametrize("keep", [0.02, 0.6, 0.999])
def test_a_truncated_file_is_set_aside_alone(feeds: FeedFolder, table: str, keep: float) -> None:
    """No half-loaded rows: a file loads whole or not at all."""
    path = feeds.file(FEED_OF_TABLE[table])
    content = path.read_bytes().rstrip()
    path.write_bytes(content[: int(len(content) * keep)])
    loaded = feeds.load(table)
    assert set_aside(loaded) == [("corrupt_file", feeds.key(path))]
    assert loaded.set_aside[0].detail.startswith("no JSON: ")
    assert loaded.set_aside[0].detail.endswith("; capture it again")
    assert loaded.set_aside[0].capture.size == path.stat().st_size
    assert found(loaded, table) == neighbours(feeds, table)


@JSON_TABLES
@pytest.mark.parametrize(
    "content",
    [
        b"null",
        b"[]",
        b"7",
        b'"busy"',
        b"{}",
        b'{"message": "too many requests"}',
        b'{"data": 7, "resultSets": 7, "date": 7}',
    ],
)
def test_json_of_another_shape_is_set_aside_alone(feeds: FeedFolder, table: str, content: bytes) -> None:
    """What a server answers when it is busy is no day without players."""
    path = feeds.file(FEED_OF_TABLE[table])
    path.write_bytes(content)
    loaded = feeds.load(table)
    assert set_aside(loaded) == [("unknown_shape", feeds.key(path))]
    assert found(loaded, table) == neighbours(feeds, table)


@JSON_TABLES
@pytest.mark.parametrize("content", [b"<html>502</html>", b"\xff\xfe{}", b'{"a": NaN}', b"[" * 5000])
def test_what_is_no_json_is_set_aside_alone(feeds: FeedFolder, table: str, content: bytes) -> None:
    path = feeds.file(FEED_OF_TABLE[table])
    path.write_bytes(content)
    loaded = feeds.load(table)
    assert set_aside(loaded) == [("corrupt_file", feeds.key(path))]
    assert found(loaded, table) == neighbours(feeds, table)


@GAME_TABLES
def test_a_file_of_a_game_that_is_not_on_the_schedule_is_set_aside(feeds: FeedFolder, table: str) -> None:
    path = feeds.file(FEED_OF_TABLE[table])
    loaded = feeds.load(table, games=feeds.games(DAY, NEXT_DAY)[1:])
    assert set_aside(loaded) == [("unknown_game", feeds.key(path))]
    detail = loaded.set_aside[0].detail
    assert detail.startswith(f"no schedule row on {DAY} for game ")
    assert detail.endswith(f"Load nbac_schedule of {DAY} first, or move the file to its own date")
    assert found(loaded, table) == neighbours(feeds, table)


@DATE_TABLES
def test_a_game_of_a_file_that_is_not_on_the_schedule_is_set_aside_alone(feeds: FeedFolder, table: str) -> None:
    """A file of a whole date: the other games of it load."""
    first, *others = feeds.games(DAY, NEXT_DAY)
    loaded = feeds.load(table, games=others)
    ((code, key),) = set_aside(loaded)
    assert (code, key) == ("unknown_game", feeds.key(feeds.file(FEED_OF_TABLE[table])))
    assert loaded.set_aside[0].nba_game_id == first.nba_game_id
    assert f"for game {first.nba_game_id}" in loaded.set_aside[0].detail
    assert game_ids(loaded) == {game.game_id for game in others}
    assert loaded.warnings == {DAY: [f"unknown_game: {first.nba_game_id} in {key}"]}


@TABLES_OF_GAMES
@pytest.mark.parametrize("kind", ["all_star", "cup_final"])
def test_a_game_of_a_competition_that_does_not_count_is_set_aside(feeds: FeedFolder, table: str, kind: str) -> None:
    """Its statistics belong to no season; the league leaves them out as well."""
    first, *others = feeds.games(DAY, NEXT_DAY)
    loaded = feeds.load(table, games=[replace(first, game_type=kind), *others])
    assert [code for code, _ in set_aside(loaded)] == ["unsupported_competition"] * (2 if table in ODDS else 1)
    assert loaded.set_aside[0].detail.endswith(f"{first.game_id} is a {kind} game")
    assert game_ids(loaded) == {game.game_id for game in others}


def wrong_date(feeds: FeedFolder, table: str) -> None:
    """Make the damaged file say that it is of the day before."""
    feed, before = FEED_OF_TABLE[table], "2023-04-22"
    if feed == "bigdataball":
        with edited_csv(feeds.file(feed)) as lines:
            for line in lines[1:]:
                line[2] = before
        return
    with edited(feeds.file(feed)) as document:
        if feed == "gamebook":
            document["date"] = before
        elif feed == "bdl_boxscores":
            document["data"][-1]["game"]["date"] = before
        elif feed == "injury_report":
            document["metadata"]["gamedate"] = before.replace("-", "")
        elif table in ODDS:
            document["data"]["commence_time"] = f"{before}T23:00:00Z"
        else:
            document["resultSets"][0]["rowSet"][-1][7] = before


@pytest.mark.parametrize(
    "table", [t for t, feed in FEED_OF_TABLE.items() if feed not in ("team_boxscore", "espn_rosters")]
)
def test_a_file_in_the_folder_of_another_date_is_set_aside(feeds: FeedFolder, table: str) -> None:
    """Rows under the wrong date would count for games that were not played then."""
    path = feeds.file(FEED_OF_TABLE[table])
    wrong_date(feeds, table)
    loaded = feeds.load(table)
    assert set_aside(loaded) == [("wrong_date", feeds.key(path))]
    assert loaded.set_aside[0].detail == f"the path says {DAY}, the content says 2023-04-22"
    assert found(loaded, table) == neighbours(feeds, table)


@pytest.mark.parametrize("table", [t for t, feed in FEED_OF_TABLE.items() if feed in ("team_boxscore", "bigdataball")])
def test_a_file_in_the_folder_of_another_game_is_set_aside(feeds: FeedFolder, table: str) -> None:
    path, (first, second) = feeds.file(FEED_OF_TABLE[table]), feeds.games(DAY)[:2]
    path.write_bytes(feeds.file(FEED_OF_TABLE[table], DAY, second).read_bytes())
    loaded = feeds.load(table)
    assert set_aside(loaded) == [("wrong_date", feeds.key(path))]
    assert loaded.set_aside[0].detail == (
        f"the path says game {first.nba_game_id}, the content says {second.nba_game_id}"
    )
    assert found(loaded, table) == neighbours(feeds, table)


def test_a_game_moved_to_another_date_is_found_on_neither(feeds: FeedFolder) -> None:
    """The league id alone is not enough: postponed games keep theirs."""
    games = feeds.games(DAY, NEXT_DAY)
    moved = replace(games[0], day=date(2023, 4, 22))
    loaded = feeds.load("nbac_team_boxscore", games=[moved, *games[1:]])
    assert [code for code, _ in set_aside(loaded)] == ["unknown_game"]


def test_a_folder_without_files_gives_no_rows(feeds: FeedFolder) -> None:
    for path in feeds.root.glob("nba-com/gamebooks-data/*/*/*.json"):
        path.unlink()
    loaded = feeds.load("nbac_gamebook_player_stats")
    assert (loaded.table.num_rows, loaded.files_read, loaded.warnings) == (0, 0, {})
    assert "player_lookup" in loaded.table.column_names


def test_an_unchanged_file_gives_the_same_rows_again(sample_feeds: FeedFolder) -> None:
    assert all(sample_feeds.load(table).table.equals(sample_feeds.load(table).table) for table in FEED_OF_TABLE)


def test_orjson_writes_what_it_read(feeds: FeedFolder) -> None:
    """The damaging helper itself changes nothing but what a test changes."""
    path = feeds.file("gamebook")
    before = orjson.loads(path.read_bytes())
    with edited(path):
        pass
    assert orjson.loads(path.read_bytes()) == before
