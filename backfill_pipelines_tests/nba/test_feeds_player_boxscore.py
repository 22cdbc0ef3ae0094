"""The league's game log: one file of all games of a date."""

from typing import Any

import orjson
import pytest

from backfill_pipelines_tests.nba.feeds_support import (
    DAY,
    FeedFolder,
    edited,
    game_ids,
    keys_of,
    rename_column,
    result_set,
    set_aside,
    set_cell,
)

TABLE = "nbac_player_boxscores"


def test_a_player_has_his_line(feeds: FeedFolder) -> None:
    document = orjson.loads(feeds.file("player_boxscore").read_bytes())
    table = result_set(document, "LeagueGameLog")
    source = dict(zip(table["headers"], table["rowSet"][0], strict=True))
    (row,) = (r for r in feeds.load(TABLE).table.to_pylist() if r["nba_player_id"] == source["PLAYER_ID"])
    game = next(g for g in feeds.games(DAY) if g.nba_game_id == source["GAME_ID"])
    expected = {
        "game_id": game.game_id,
        "nba_game_id": game.nba_game_id,
        "game_date": DAY,
        "season_year": 2022,
        "season_type": "Playoffs",
        "team_id": source["TEAM_ID"],
        "team_abbr": source["TEAM_ABBREVIATION"],
        "player_full_name": source["PLAYER_NAME"],
        "is_home": " vs. " in source["MATCHUP"],
        "is_win": source["WL"] == "W",
        "minutes_decimal": float(source["MIN"]),
        "points": source["PTS"],
        "turnovers": source["TOV"],
        "plus_minus": source["PLUS_MINUS"],
    }
    assert {name: row[name] for name in expected} == expected


def test_players_of_one_team_won_and_of_the_other_lost(sample_feeds: FeedFolder) -> None:
    assert len(keys_of(sample_feeds.load(TABLE), "game_id", "team_abbr", "is_home", "is_win")) == 10
    assert len(keys_of(sample_feeds.load(TABLE), "game_id", "is_win")) == 10


@pytest.mark.parametrize("column", ["PLAYER_ID", "TOV", "WL", "GAME_DATE"])
def test_a_renamed_column_is_missing_not_empty(feeds: FeedFolder, column: str) -> None:
    path = feeds.file("player_boxscore")
    with edited(path) as document:
        rename_column(result_set(document, "LeagueGameLog"), column, "NEW_NAME")
    loaded = feeds.load(TABLE)
    assert set_aside(loaded) == [("unknown_shape", feeds.key(path))]
    assert loaded.set_aside[0].detail == f"result set LeagueGameLog lacks {column}"
    assert len(game_ids(loaded)) == 2


@pytest.mark.parametrize(
    ("column", "value"), [("PLAYER_ID", "many"), ("TEAM_ID", [1]), ("PLAYER_NAME", None), ("GAME_DATE", 20230423)]
)
def test_a_cell_of_another_type_sets_the_file_aside_alone(feeds: FeedFolder, column: str, value: Any) -> None:
    path = feeds.file("player_boxscore")
    with edited(path) as document:
        set_cell(result_set(document, "LeagueGameLog"), 4, column, value)
    loaded = feeds.load(TABLE)
    assert set_aside(loaded) == [("unknown_shape", feeds.key(path))]
    assert len(game_ids(loaded)) == 2


def test_another_report_under_the_name_is_set_aside(feeds: FeedFolder) -> None:
    path = feeds.file("player_boxscore")
    with edited(path) as document:
        document["resultSets"][0]["name"] = "LeagueLeaders"
    loaded = feeds.load(TABLE)
    assert set_aside(loaded) == [("unknown_shape", feeds.key(path))]
    assert loaded.set_aside[0].detail == "no result set LeagueGameLog"


def test_a_wrong_id_of_one_game_sets_that_game_aside_alone(feeds: FeedFolder) -> None:
    """There is no pair of teams to fall back on line by line; the rest of the date loads."""
    first = feeds.games(DAY)[0]
    with edited(feeds.file("player_boxscore")) as document:
        table = result_set(document, "LeagueGameLog")
        place = table["headers"].index("GAME_ID")
        for row in table["rowSet"]:
            row[place] = "0042299999" if row[place] == first.nba_game_id else row[place]
    loaded = feeds.load(TABLE)
    assert [(item.code, item.nba_game_id) for item in loaded.set_aside] == [("unknown_game", "0042299999")]
    assert len(game_ids(loaded)) == 4
