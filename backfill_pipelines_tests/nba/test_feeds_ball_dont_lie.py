"""ball-dont-lie: one file of all games of a date, with the feed's own ids and whole minutes."""

from typing import Any

import orjson
import pytest

from backfill_pipelines_tests.nba.feeds_support import (
    DAY,
    FeedFolder,
    Row,
    edited,
    game_ids,
    keys_of,
    set_aside,
)

TABLE = "bdl_player_boxscores"


def stats_of_first_game(document: Row) -> list[Row]:
    first = document["data"][0]["game"]["id"]
    return [stat for stat in document["data"] if stat["game"]["id"] == first]


def test_a_player_has_his_line(feeds: FeedFolder) -> None:
    stat = orjson.loads(feeds.file("bdl_boxscores").read_bytes())["data"][0]
    name = f"{stat['player']['first_name']} {stat['player']['last_name']}"
    (row,) = (r for r in feeds.load(TABLE).table.to_pylist() if r["player_full_name"] == name)
    game = next(g for g in feeds.games(DAY) if stat["team"]["abbreviation"] in (g.home, g.away))
    expected = {
        "game_id": game.game_id,
        "game_date": DAY,
        "season_year": 2022,
        "is_postseason": True,
        "period": stat["game"]["period"],
        "home_team_abbr": game.home,
        "away_team_abbr": game.away,
        "team_abbr": stat["team"]["abbreviation"],
        "bdl_player_id": stat["player"]["id"],
        "minutes": stat["min"],
        "minutes_decimal": float(stat["min"]),
        "points": stat["pts"],
        "turnovers": stat["turnover"],
    }
    assert {name: row[name] for name in expected} == expected


def test_names_without_diacritics_have_the_join_key_of_the_other_feeds(sample_feeds: FeedFolder) -> None:
    """The fallback works player by player: the keys of both sources must be the same."""
    lineups = keys_of(sample_feeds.load("nbac_starting_lineups"), "game_id", "player_lookup")
    assert keys_of(sample_feeds.load(TABLE), "game_id", "player_lookup") == lineups


def test_games_with_ids_of_the_feed_itself_are_found_by_their_teams(feeds: FeedFolder) -> None:
    before = feeds.load(TABLE).table
    with edited(feeds.file("bdl_boxscores")) as document:
        for stat in document["data"]:
            stat["game"]["id"] = stat["game"]["id"] % 1000 + 800_000
    assert feeds.load(TABLE).table.equals(before)


def test_the_schedule_says_who_is_at_home(feeds: FeedFolder) -> None:
    before = feeds.load(TABLE).table
    with edited(feeds.file("bdl_boxscores")) as document:
        for stat in document["data"]:
            game = stat["game"]
            game["home_team_id"], game["visitor_team_id"] = game["visitor_team_id"], game["home_team_id"]
    assert feeds.load(TABLE).table.equals(before)


def test_an_absent_player_is_stored_with_zero_minutes(feeds: FeedFolder) -> None:
    """The feed lists him with zeros; player_lines is what leaves him out."""
    rows = feeds.load(TABLE).table.to_pylist()
    absent = [row for row in rows if row["minutes"] == "00"]
    assert absent
    assert {(row["minutes_decimal"], row["points"]) for row in absent} == {(0.0, 0)}


def test_a_time_of_day_in_the_date_is_ignored(feeds: FeedFolder) -> None:
    before = feeds.load(TABLE).table
    with edited(feeds.file("bdl_boxscores")) as document:
        for stat in document["data"]:
            stat["game"]["date"] = f"{DAY}T00:00:00.000Z"
    assert feeds.load(TABLE).table.equals(before)


@pytest.mark.parametrize(
    ("part", "field"),
    [("game", "id"), ("game", "date"), ("game", "period"), ("player", "last_name"), ("team", "abbreviation")],
)
def test_a_missing_part_sets_the_file_aside(feeds: FeedFolder, part: str, field: str) -> None:
    path = feeds.file("bdl_boxscores")
    with edited(path) as document:
        del document["data"][-1][part][field]
    loaded = feeds.load(TABLE)
    assert set_aside(loaded) == [("unknown_shape", feeds.key(path))]
    assert loaded.set_aside[0].detail.startswith(f"the field '{field}' is missing; ")
    assert len(game_ids(loaded)) == 2


@pytest.mark.parametrize(
    ("part", "field", "value"),
    [
        ("game", "id", None),
        ("game", "id", "first"),
        ("game", "date", 20230423),
        ("player", "id", "many"),
        ("player", None, 7),
    ],
)
def test_a_value_of_another_type_sets_the_file_aside(
    feeds: FeedFolder, part: str, field: str | None, value: Any
) -> None:
    path = feeds.file("bdl_boxscores")
    with edited(path) as document:
        if field is None:
            document["data"][0][part] = value
        else:
            document["data"][0][part][field] = value
    loaded = feeds.load(TABLE)
    assert set_aside(loaded) == [("unknown_shape", feeds.key(path))]
    assert len(game_ids(loaded)) == 2


def test_a_game_between_strangers_is_set_aside_alone(feeds: FeedFolder) -> None:
    """A summer league game of two other teams: the rest of the date loads."""
    with edited(feeds.file("bdl_boxscores")) as document:
        strangers = stats_of_first_game(document)
        for stat in strangers:
            stat["game"]["id"], stat["team"] = 424242, stat["team"] | {"abbreviation": "WAS"}
    loaded = feeds.load(TABLE)
    assert [(item.code, item.nba_game_id) for item in loaded.set_aside] == [("unknown_game", "0000424242")]
    assert "for game 0000424242 ['WAS']" in loaded.set_aside[0].detail
    assert len(game_ids(loaded)) == 4


def test_a_file_without_lines_gives_no_rows_and_no_fault_of_its_own(feeds: FeedFolder) -> None:
    """Whether lines had to be there is what the gates ask the schedule."""
    feeds.file("bdl_boxscores").write_bytes(b'{"data": [], "meta": {}}')
    loaded = feeds.load(TABLE)
    assert len(game_ids(loaded)) == 2
    assert (loaded.set_aside, loaded.rejected) == ([], [])
