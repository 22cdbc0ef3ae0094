"""The league's injury report: one file for each day and hour."""

from typing import Any

import orjson
import pytest

from backfill_pipelines.nba.feeds.injury_report import STATUSES
from backfill_pipelines_tests.nba.feeds_support import (
    DAY,
    DAYS,
    NEXT_DAY,
    FeedFolder,
    edited,
    game_ids,
    keys_of,
    only_rejected,
    set_aside,
)

TABLE, FEED = "nbac_injury_report", "injury_report"


def hour_of(feeds: FeedFolder, hour: str, document: Any) -> str:
    """Write the report of another hour; its key."""
    path = feeds.file(FEED).parents[1] / hour / "20230423_200000.json"
    path.parent.mkdir()
    path.write_bytes(orjson.dumps(document))
    return feeds.key(path)


def test_a_listed_player_has_his_row(feeds: FeedFolder) -> None:
    game = feeds.games(DAY)[0]
    with edited(feeds.file(FEED)) as document:
        document["records"][0] |= {"player": "Oubre Jr., Kelly", "status": "Questionable", "confidence": 0.9}
        document["records"][0]["reason"] = "Injury/Illness - Left Ankle; Sprain"
        source = document["records"][0]
    loaded = feeds.load(TABLE)
    (row,) = (r for r in loaded.table.to_pylist() if r["player_lookup"] == "kellyoubrejr")
    expected = {
        "report_date": DAY,
        "report_hour": 13,
        "game_date": DAY,
        "matchup": source["matchup"],
        "player_name_original": "Oubre Jr., Kelly",
        "injury_status": "questionable",
        "reason": "Injury/Illness - Left Ankle; Sprain",
        "confidence_score": 0.9,
    }
    assert {name: row[name] for name in expected} == expected
    assert row["game_id"] in {g.game_id for g in feeds.games(DAY)}
    assert row["team_abbr"] in row["game_id"]
    assert loaded.warnings == {}
    assert game.game_id in game_ids(loaded)


def test_every_game_has_listed_players(sample_feeds: FeedFolder) -> None:
    loaded = sample_feeds.load(TABLE)
    assert game_ids(loaded) == {game.game_id for game in sample_feeds.games(*DAYS)}
    assert keys_of(loaded, "injury_status") <= {(status,) for status in STATUSES}


@pytest.mark.parametrize("form", ["%m/%d/%Y", "%m/%d/%y", "%Y-%m-%d"])
@pytest.mark.parametrize("shape", ["records", "list"])
def test_older_forms_of_the_report_are_read_too(feeds: FeedFolder, form: str, shape: str) -> None:
    """The first version of the reader wrote a bare list, two-digit years, nicknames and no confidence."""
    before, path = feeds.load(TABLE).table.to_pylist(), feeds.file(FEED)
    document = orjson.loads(path.read_bytes())
    for record in document["records"]:
        record["date"] = DAY.strftime(form)
        record["team"] = record["team"].upper() if shape == "records" else record["team"].rsplit(" ", 1)[1]
        if shape == "list":
            del record["confidence"]
    path.write_bytes(orjson.dumps(document["records"] if shape == "list" else document))
    sure = [row | {"confidence_score": 1.0} if row["game_date"] == DAY else row for row in before]
    assert feeds.load(TABLE).table.to_pylist() == (sure if shape == "list" else before)


def test_every_hour_is_a_report_of_its_own(feeds: FeedFolder) -> None:
    document = orjson.loads(feeds.file(FEED).read_bytes())
    document["metadata"]["hour24"] = "9"
    hour_of(feeds, "9", document)
    loaded = feeds.load(TABLE, [DAY])
    assert loaded.table.num_rows == 2 * len(document["records"])
    assert keys_of(loaded, "report_hour") == {(9,), (13,)}


def test_two_folders_of_one_hour_are_one_report_the_newest(feeds: FeedFolder) -> None:
    document = orjson.loads(feeds.file(FEED).read_bytes())
    with edited(feeds.file(FEED)) as first:
        first["metadata"]["hour24"] = "13"
    hour_of(feeds, "013", document | {"records": document["records"][:2]})
    loaded = feeds.load(TABLE, [DAY])
    # The sample's own capture is of the morning after, so it is the newer one.
    assert loaded.table.num_rows == len(document["records"])
    assert keys_of(loaded, "source_file_path") == {(feeds.key(feeds.file(FEED)),)}


def test_rows_of_another_game_date_are_left_out_and_counted(feeds: FeedFolder) -> None:
    """Tomorrow's games belong to tomorrow's folder: a date must not depend on how the range is cut."""
    before = feeds.load(TABLE).table
    tomorrow = orjson.loads(feeds.file(FEED, NEXT_DAY).read_bytes())["records"]
    with edited(feeds.file(FEED)) as document:
        document["records"] += tomorrow
    loaded = feeds.load(TABLE)
    assert loaded.table == before
    note = f"other_game_date: {len(tomorrow)} rows of {NEXT_DAY} in the report of {DAY} 13h are left out"
    assert loaded.warnings == {DAY: [note]}
    assert (loaded.set_aside, loaded.rejected) == ([], [])


def test_a_game_that_is_not_on_the_schedule_is_set_aside_alone(feeds: FeedFolder) -> None:
    games = feeds.games(*DAYS)
    loaded = feeds.load(TABLE, games=games[1:])
    assert {code for code, _ in set_aside(loaded)} == {"unknown_game"}
    assert loaded.set_aside[0].detail.startswith(f"{games[0].away}@{games[0].home}: no schedule row")
    assert game_ids(loaded) == {game.game_id for game in games[1:]}


def test_an_unsuccessful_capture_is_an_empty_file_and_the_older_one_counts(feeds: FeedFolder) -> None:
    """The scraper writes an empty report when the league refuses it; players would all look healthy."""
    before, path = feeds.load(TABLE).table, feeds.file(FEED)
    empty = {"metadata": {"gamedate": "20230423", "no_data_reason": "pdf_unavailable"}, "records": []}
    newer = feeds.again(path, "20230425_060000", orjson.dumps(empty))
    loaded = feeds.load(TABLE)
    order = [("game_date", "ascending"), ("report_hour", "ascending"), ("player_lookup", "ascending")]
    assert loaded.table.sort_by(order) == before.sort_by(order)
    assert set_aside(loaded) == [("empty_file", feeds.key(newer))]
    assert loaded.set_aside[0].detail == "no report was captured: pdf_unavailable"


@pytest.mark.parametrize(
    ("metadata", "detail"),
    [
        ({"gamedate": "20230422"}, "the path says 2023-04-23, the content says 2023-04-22"),
        ({"hour24": "17"}, "the path says hour 13, the content says 17"),
    ],
)
def test_the_report_of_another_day_or_hour_is_set_aside(
    feeds: FeedFolder, metadata: dict[str, str], detail: str
) -> None:
    path = feeds.file(FEED)
    with edited(path) as document:
        document["metadata"] |= metadata
    loaded = feeds.load(TABLE)
    assert set_aside(loaded) == [("wrong_date", feeds.key(path))]
    assert loaded.set_aside[0].detail == detail


@pytest.mark.parametrize("hour", ["noon", "24"])
def test_a_folder_that_is_no_hour_is_set_aside(feeds: FeedFolder, hour: str) -> None:
    document = orjson.loads(feeds.file(FEED).read_bytes())
    key = hour_of(feeds, hour, document)
    loaded = feeds.load(TABLE)
    assert set_aside(loaded) == [("unknown_shape", key)]
    assert loaded.set_aside[0].detail == f"the folder {hour!r} is no hour of the day"


@pytest.mark.parametrize("field", ["date", "matchup", "team", "player", "status"])
def test_a_renamed_field_is_missing_not_empty(feeds: FeedFolder, field: str) -> None:
    path = feeds.file(FEED)
    with edited(path) as document:
        record = document["records"][0]
        record[f"{field}_new"] = record.pop(field)
    loaded = feeds.load(TABLE)
    assert set_aside(loaded) == [("unknown_shape", feeds.key(path))]
    assert loaded.set_aside[0].detail.startswith(f"the field '{field}' is missing; ")
    assert keys_of(loaded, "game_date") == {(NEXT_DAY,)}


def test_a_date_that_is_none_sets_the_file_aside(feeds: FeedFolder) -> None:
    path = feeds.file(FEED)
    with edited(path) as document:
        document["records"][0]["date"] = "tomorrow"
    assert set_aside(feeds.load(TABLE)) == [("unknown_shape", feeds.key(path))]


@pytest.mark.parametrize(
    ("changes", "code", "detail"),
    [
        ({"status": "Sick"}, "unparsable_value", "status 'Sick'"),
        ({"status": None}, "unparsable_value", "status None"),
        ({"player": ""}, "unparsable_value", "player ''"),
        ({"team": "Nowhere Nobodies"}, "unknown_team", "team 'Nowhere Nobodies' does not play in"),
        ({"confidence": 1.5}, "out_of_range", "confidence 1.5 is not between 0 and 1"),
        ({"confidence": "high"}, "unparsable_value", "number 'high'"),
    ],
)
def test_a_bad_record_is_set_aside_and_the_others_load(
    feeds: FeedFolder, changes: dict[str, Any], code: str, detail: str
) -> None:
    rows = feeds.load(TABLE).table.num_rows
    with edited(feeds.file(FEED)) as document:
        document["records"][0] |= changes
    loaded = feeds.load(TABLE)
    row = only_rejected(loaded)
    assert (row.day, row.code) == (DAY, code)
    assert row.detail.startswith(detail)
    assert loaded.table.num_rows == rows - 1


def test_a_team_that_the_reader_lost_is_null(feeds: FeedFolder) -> None:
    with edited(feeds.file(FEED)) as document:
        document["records"][0]["team"] = ""
    loaded = feeds.load(TABLE)
    assert loaded.rejected == []
    assert [row["game_date"] for row in loaded.table.to_pylist() if row["team_abbr"] is None] == [DAY]


def test_two_statuses_of_one_player_are_set_aside(feeds: FeedFolder) -> None:
    with edited(feeds.file(FEED)) as document:
        first = document["records"][0]
        document["records"] += [first, first | {"status": "Probable" if first["status"] == "Out" else "Out"}]
    loaded = feeds.load(TABLE)
    assert [row.code for _, row in loaded.rejected] == ["conflicting_duplicate"] * 2


def test_an_unknown_field_is_drift(feeds: FeedFolder) -> None:
    with edited(feeds.file(FEED)) as document:
        document["records"][0]["body_part"] = "ankle"
    loaded = feeds.load(TABLE)
    assert loaded.warnings[DAY] == [f"schema_drift: body_part in {feeds.key(feeds.file(FEED))}"]
