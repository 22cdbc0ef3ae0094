"""Odds of an event at a moment: game lines and player props share their file, their rules and most of these tests."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from backfill_pipelines_tests.nba.feeds_support import (
    DAY,
    DAYS,
    FeedFolder,
    edited,
    game_ids,
    keys_of,
    only_rejected,
    set_aside,
)

LINES, PROPS = "odds_api_game_lines", "odds_api_player_points_props"
FEEDS = {LINES: "game_lines", PROPS: "player_props"}
BOTH = pytest.mark.parametrize("table", FEEDS)


def file_of(feeds: FeedFolder, table: str) -> Path:
    """The later snapshot of the first game."""
    return feeds.file(FEEDS[table])


def market_of(document: Any) -> Any:
    return document["data"]["bookmakers"][0]["markets"][0]


def rows_of(feeds: FeedFolder, table: str, path: Path) -> list[dict[str, Any]]:
    return [row for row in feeds.load(table).table.to_pylist() if row["source_file_path"] == feeds.key(path)]


@BOTH
def test_every_snapshot_of_every_game_is_kept(sample_feeds: FeedFolder, table: str) -> None:
    loaded, games = sample_feeds.load(table), sample_feeds.games(*DAYS)
    assert game_ids(loaded) == {game.game_id for game in games}
    assert len(keys_of(loaded, "game_id", "snapshot_timestamp")) == 2 * len(games)
    assert (loaded.warnings, loaded.set_aside, loaded.rejected) == ({}, [], [])


def test_a_spread_and_a_total_have_their_rows(sample_feeds: FeedFolder) -> None:
    path, game = file_of(sample_feeds, LINES), sample_feeds.games(DAY)[0]
    document = orjson.loads(path.read_bytes())
    rows = [row for row in rows_of(sample_feeds, LINES, path) if row["bookmaker_key"] == "draftkings"]
    expected = {
        "game_id": game.game_id,
        "game_date": DAY,
        "odds_api_event_id": document["data"]["id"],
        "snapshot_timestamp": datetime.fromisoformat(document["timestamp"]),
        "commence_time": datetime.fromisoformat(document["data"]["commence_time"]),
        "home_team_abbr": game.home,
        "away_team_abbr": game.away,
    }
    assert all({name: row[name] for name in expected} == expected for row in rows)
    assert {(row["market_key"], row["outcome_name"]) for row in rows} == {
        ("spreads", game.away),
        ("spreads", game.home),
        ("totals", "Over"),
        ("totals", "Under"),
    }
    spreads = [row["outcome_point"] for row in rows if row["market_key"] == "spreads"]
    assert sum(spreads) == 0
    assert {row["outcome_price"] for row in rows} <= {1.83, 1.87, 1.91, 1.95}


def test_a_points_line_has_both_its_prices(sample_feeds: FeedFolder) -> None:
    path = file_of(sample_feeds, PROPS)
    over, under = market_of(orjson.loads(path.read_bytes()))["outcomes"][:2]
    rows = rows_of(sample_feeds, PROPS, path)
    (row,) = (r for r in rows if (r["bookmaker"], r["player_name"]) == ("draftkings", over["description"]))
    assert (row["points_line"], row["over_price"], row["under_price"]) == (over["point"], over["price"], under["price"])


def test_one_side_alone_leaves_the_other_price_empty(feeds: FeedFolder) -> None:
    path = file_of(feeds, PROPS)
    with edited(path) as document:
        outcomes = market_of(document)["outcomes"]
        outcomes[:] = [outcomes[0] | {"name": "Under"}]
        price = outcomes[0]["price"]
    (row,) = (r for r in rows_of(feeds, PROPS, path) if r["bookmaker"] == "draftkings")
    assert (row["over_price"], row["under_price"]) == (None, price)


@BOTH
@pytest.mark.parametrize("minutes", [0, 1, 30])
def test_a_snapshot_at_or_after_tip_off_gives_no_row(feeds: FeedFolder, table: str, minutes: int) -> None:
    """Odds in play know what no forecast may know."""
    before, path = feeds.load(table).table, file_of(feeds, table)
    with edited(path) as document:
        tip_off = datetime.fromisoformat(document["data"]["commence_time"])
        document["timestamp"] = (tip_off + timedelta(minutes=minutes)).isoformat()
    loaded = feeds.load(table)
    (note,) = loaded.warnings[DAY]
    assert note.startswith(f"in_play: {feeds.games(DAY)[0].game_id} began {tip_off:%H:%M} UTC")
    assert loaded.set_aside == []
    other = [row for row in before.to_pylist() if row["source_file_path"] != feeds.key(path)]
    assert loaded.table.to_pylist() == other


@BOTH
def test_a_late_game_belongs_to_its_eastern_date(sample_feeds: FeedFolder, table: str) -> None:
    rows = sample_feeds.load(table).table.to_pylist()
    assert all(row["game_date"] == (row["commence_time"] - timedelta(hours=4)).date() for row in rows)
    assert any(row["commence_time"].astimezone(UTC).date() > row["game_date"] for row in rows)


@BOTH
def test_a_game_that_was_moved_to_another_date_is_set_aside(feeds: FeedFolder, table: str) -> None:
    path = file_of(feeds, table)
    with edited(path) as document:
        document["data"]["commence_time"] = "2023-04-25T00:00:00Z"
    loaded = feeds.load(table)
    assert set_aside(loaded) == [("wrong_date", feeds.key(path))]
    assert loaded.set_aside[0].detail == "the path says 2023-04-23, the content says 2023-04-24"


@BOTH
def test_home_and_away_come_from_the_schedule(feeds: FeedFolder, table: str) -> None:
    before, path = feeds.load(table).table, file_of(feeds, table)
    with edited(path) as document:
        event = document["data"]
        event["home_team"], event["away_team"] = event["away_team"], event["home_team"].upper()
    assert feeds.load(table).table == before


@BOTH
@pytest.mark.parametrize("team", ["Springfield Atoms", None])
def test_a_game_that_is_not_on_the_schedule_is_set_aside(feeds: FeedFolder, table: str, team: str | None) -> None:
    path = file_of(feeds, table)
    with edited(path) as document:
        document["data"]["home_team"] = team
    assert set_aside(feeds.load(table)) == [("unknown_game", feeds.key(path))]


@BOTH
@pytest.mark.parametrize(
    ("damage", "detail"),
    [
        (lambda file: file.pop("timestamp"), "the field 'timestamp' is missing"),
        (lambda file: file.update(timestamp="2023-04-23T20:00:00"), "does not say its time zone"),
        (lambda file: file.update(timestamp="now"), "ValueError"),
        (lambda file: file.update(data=None), "AttributeError"),
        (lambda file: file["data"].pop("bookmakers"), "the field 'bookmakers' is missing"),
        (lambda file: file["data"].update(id=[1]), "a value of another type"),
        (lambda file: market_of(file)["outcomes"][0].pop("price"), "the field 'price' is missing"),
        (lambda file: market_of(file)["outcomes"][0].pop("name"), "the field 'name' is missing"),
        (lambda file: market_of(file).pop("outcomes"), "the field 'outcomes' is missing"),
    ],
)
def test_a_file_of_another_shape_is_set_aside_alone(feeds: FeedFolder, table: str, damage: Any, detail: str) -> None:
    path = file_of(feeds, table)
    with edited(path) as document:
        damage(document)
    loaded = feeds.load(table)
    assert set_aside(loaded) == [("unknown_shape", feeds.key(path))]
    assert detail in loaded.set_aside[0].detail
    assert len(keys_of(loaded, "game_id", "snapshot_timestamp")) == 9


@pytest.mark.parametrize(
    ("table", "changes", "code", "detail"),
    [
        (LINES, {"name": "Springfield Atoms"}, "unknown_team", "team 'Springfield Atoms' does not play"),
        (LINES, {"point": 150}, "out_of_range", "point 150 of spreads"),
        (LINES, {"point": "many"}, "unparsable_value", "number 'many'"),
        (LINES, {"price": True}, "unparsable_value", "number True"),
        (LINES, {"price": 0}, "unparsable_value", "price 0"),
        (PROPS, {"name": "Yes"}, "unparsable_value", "outcome 'Yes' of a points line"),
        (PROPS, {"description": ""}, "unparsable_value", "player ''"),
        (PROPS, {"point": None}, "unparsable_value", "no points line of"),
        (PROPS, {"point": 400}, "out_of_range", "points line 400 of"),
        (PROPS, {"price": "even"}, "unparsable_value", "number 'even'"),
    ],
)
def test_a_bad_outcome_is_set_aside_and_the_others_load(
    feeds: FeedFolder, table: str, changes: dict[str, Any], code: str, detail: str
) -> None:
    with edited(file_of(feeds, table)) as document:
        market_of(document)["outcomes"][0] |= changes
    loaded = feeds.load(table)
    row = only_rejected(loaded)
    assert (row.day, row.code) == (DAY, code)
    assert row.detail.startswith(detail)
    assert len(keys_of(loaded, "game_id", "snapshot_timestamp")) == 10


def test_a_total_has_an_over_and_an_under_and_nothing_else(feeds: FeedFolder) -> None:
    with edited(file_of(feeds, LINES)) as document:
        totals = document["data"]["bookmakers"][0]["markets"][1]["outcomes"]
        totals[0]["name"], totals[1]["point"] = "Exactly", 900
    assert [(row.code, row.detail) for _, row in feeds.load(LINES).rejected] == [
        ("unparsable_value", "outcome 'Exactly' of a total"),
        ("out_of_range", "point 900 of totals"),
    ]


@BOTH
def test_a_price_may_be_absent(feeds: FeedFolder, table: str) -> None:
    with edited(file_of(feeds, table)) as document:
        market_of(document)["outcomes"][0]["price"] = None
    assert feeds.load(table).rejected == []


@BOTH
def test_other_markets_are_passed_over(feeds: FeedFolder, table: str) -> None:
    before = feeds.load(table).table
    with edited(file_of(feeds, table)) as document:
        markets = document["data"]["bookmakers"][0]["markets"]
        markets += [{"key": key, "outcomes": [{"name": "Yes", "price": 2.0}]} for key in ("h2h", "player_rebounds")]
    loaded = feeds.load(table)
    assert (loaded.table, loaded.warnings) == (before, {})


@BOTH
def test_a_conflict_within_a_file_is_set_aside_and_a_repetition_is_not(feeds: FeedFolder, table: str) -> None:
    with edited(file_of(feeds, table)) as document:
        outcomes = market_of(document)["outcomes"]
        outcomes += [outcomes[0], outcomes[1] | {"price": 5.0}]
    assert [row.code for _, row in feeds.load(table).rejected] == ["conflicting_duplicate"] * 2


@BOTH
def test_two_captures_of_one_snapshot_count_once_the_newer(feeds: FeedFolder, table: str) -> None:
    """The feed answers a question for any moment with the snapshot before it, so files often say the same."""
    before, path = feeds.load(table).table, file_of(feeds, table)
    again = path.with_name("20230425_060000-snap-0001.json")
    again.write_bytes(path.read_bytes())
    with edited(again) as document:
        market_of(document)["outcomes"][0]["price"] = 1.5
    loaded = feeds.load(table)
    assert loaded.table.num_rows == before.num_rows
    assert len(rows_of(feeds, table, again)) > 0
    assert rows_of(feeds, table, path) == []


@BOTH
def test_a_corrupt_snapshot_costs_itself_alone(feeds: FeedFolder, table: str) -> None:
    path = file_of(feeds, table)
    path.write_bytes(path.read_bytes()[:200])
    loaded = feeds.load(table)
    assert set_aside(loaded) == [("corrupt_file", feeds.key(path))]
    assert len(keys_of(loaded, "game_id", "snapshot_timestamp")) == 9


@BOTH
def test_an_unknown_field_is_drift(feeds: FeedFolder, table: str) -> None:
    path = file_of(feeds, table)
    with edited(path) as document:
        market_of(document)["outcomes"][0]["mood"] = "good"
    assert feeds.load(table).warnings == {DAY: [f"schema_drift: mood in {feeds.key(path)}"]}


@BOTH
def test_a_feed_without_a_folder_has_no_row_and_no_complaint(feeds: FeedFolder, table: str) -> None:
    games = feeds.games(*DAYS)
    loaded = FeedFolder(feeds.root).load(table, [date(2023, 4, 22)], games)
    assert (loaded.table.num_rows, loaded.warnings, loaded.set_aside) == (0, {}, [])
