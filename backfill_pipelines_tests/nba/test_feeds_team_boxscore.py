"""NBA.com box scores: the two team lines, and who started."""

from typing import Any

import orjson
import pytest

from backfill_pipelines_tests.nba.feeds_support import (
    DAY,
    FeedFolder,
    edited,
    game_ids,
    keys_of,
    only_rejected,
    rename_column,
    result_set,
    set_aside,
    set_cell,
)

TEAMS, PLAYERS = "nbac_team_boxscore", "nbac_starting_lineups"


def test_both_teams_of_a_game_have_a_line(feeds: FeedFolder) -> None:
    game, loaded = feeds.games(DAY)[0], feeds.load(TEAMS)
    rows = {r["team_abbr"]: r for r in loaded.table.to_pylist() if r["game_id"] == game.game_id}
    assert rows.keys() == {game.home, game.away}
    home, away = rows[game.home], rows[game.away]
    assert (home["is_home"], away["is_home"]) == (True, False)
    assert (home["opponent_team_abbr"], away["opponent_team_abbr"]) == (game.away, game.home)
    assert home["plus_minus"] == -away["plus_minus"] == home["points"] - away["points"]
    assert (home["nba_game_id"], home["season_year"], home["game_date"]) == (game.nba_game_id, 2022, DAY)


@pytest.mark.parametrize(("text", "total"), [("240:00", 240), ("265:00", 265), ("290", 290), (240, 240)])
def test_minutes_of_a_team_are_a_whole_number(feeds: FeedFolder, text: Any, total: int) -> None:
    with edited(feeds.file("team_boxscore")) as document:
        set_cell(result_set(document, "TeamStats"), 0, "MIN", text)
    assert (str(text), total) in keys_of(feeds.load(TEAMS), "minutes", "minutes_total")


@pytest.mark.parametrize(
    ("column", "value", "detail"),
    [
        ("MIN", None, "minutes of a team are absent"),
        ("MIN", "full", "minutes 'full'"),
        ("PLUS_MINUS", "even", "count 'even'"),
        ("TEAM_ID", "Hawks", "count 'Hawks'"),
    ],
)
def test_an_unparsable_value_sets_the_line_of_one_team_aside(
    feeds: FeedFolder, column: str, value: Any, detail: str
) -> None:
    with edited(feeds.file("team_boxscore")) as document:
        set_cell(result_set(document, "TeamStats"), 1, column, value)
    loaded = feeds.load(TEAMS)
    row = only_rejected(loaded)
    assert (row.code, row.detail, row.payload[column]) == ("unparsable_value", detail, value)
    assert loaded.table.num_rows == 9
    assert feeds.load(PLAYERS).rejected == []


def test_five_of_a_team_start_and_absent_players_are_listed(feeds: FeedFolder) -> None:
    rows = feeds.load(PLAYERS).table.to_pylist()
    for game in feeds.games(DAY):
        for team in (game.home, game.away):
            listed = [r for r in rows if (r["game_id"], r["team_abbr"]) == (game.game_id, team)]
            starters = [r for r in listed if r["is_starter"]]
            assert [r["start_position"] for r in starters] == list("FFCGG")
            assert {r["start_position"] for r in listed if not r["is_starter"]} == {None}
            assert any(r["comment"] for r in listed)
            assert all(r["player_lookup"] for r in listed)


@pytest.mark.parametrize(("cell", "is_starter"), [("G", True), (" ", False), ("", False), (None, False)])
def test_a_starter_is_who_has_a_position(feeds: FeedFolder, cell: str | None, *, is_starter: bool) -> None:
    with edited(feeds.file("team_boxscore")) as document:
        table = result_set(document, "PlayerStats")
        set_cell(table, 0, "START_POSITION", cell)
        name = table["rowSet"][0][table["headers"].index("PLAYER_NAME")]
    assert (name, is_starter, "G" if is_starter else None) in keys_of(
        feeds.load(PLAYERS), "player_name", "is_starter", "start_position"
    )


def test_a_damaged_set_of_one_table_does_not_keep_the_other_from_loading(feeds: FeedFolder) -> None:
    """Two tables read the same file; each needs its own half only."""
    path = feeds.file("team_boxscore")
    with edited(path) as document:
        result_set(document, "TeamStats")["name"] = "Teams"
    loaded = feeds.load(TEAMS)
    assert set_aside(loaded) == [("unknown_shape", feeds.key(path))]
    assert loaded.set_aside[0].detail == "no result set TeamStats"
    assert len(game_ids(loaded)) == 4
    assert len(game_ids(feeds.load(PLAYERS))) == 5


@pytest.mark.parametrize(
    ("table", "found", "column"), [(TEAMS, "TeamStats", "OREB"), (PLAYERS, "PlayerStats", "START_POSITION")]
)
def test_a_renamed_column_is_missing_not_empty(feeds: FeedFolder, table: str, found: str, column: str) -> None:
    path = feeds.file("team_boxscore")
    with edited(path) as document:
        rename_column(result_set(document, found), column, "NEW_NAME")
    loaded = feeds.load(table)
    assert set_aside(loaded) == [("unknown_shape", feeds.key(path))]
    assert loaded.set_aside[0].detail == f"result set {found} lacks {column}"
    assert len(game_ids(loaded)) == 4


def test_columns_are_read_by_name_in_any_order(feeds: FeedFolder) -> None:
    before = feeds.load(TEAMS).table
    with edited(feeds.file("team_boxscore")) as document:
        table = result_set(document, "TeamStats")
        table["headers"].reverse()
        for row in table["rowSet"]:
            row.reverse()
    assert feeds.load(TEAMS).table.equals(before)


def test_an_unknown_column_is_reported(feeds: FeedFolder) -> None:
    path = feeds.file("team_boxscore")
    with edited(path) as document:
        table = result_set(document, "PlayerStats")
        table["headers"].insert(0, "HUSTLE")
        for row in table["rowSet"]:
            row.insert(0, 1)
    loaded = feeds.load(PLAYERS)
    assert loaded.warnings == {DAY: [f"schema_drift: HUSTLE in {feeds.key(path)}"]}
    assert len(game_ids(loaded)) == 5


@pytest.mark.parametrize("table", [TEAMS, PLAYERS])
def test_a_row_of_another_length_sets_the_file_aside(feeds: FeedFolder, table: str) -> None:
    """Cells have slipped: every value would stand under the wrong header."""
    path = feeds.file("team_boxscore")
    with edited(path) as document:
        for found in document["resultSets"]:
            del found["rowSet"][-1][5]
    loaded = feeds.load(table)
    assert set_aside(loaded) == [("unknown_shape", feeds.key(path))]
    assert len(game_ids(loaded)) == 4


@pytest.mark.parametrize(
    ("column", "value"), [("PLAYER_ID", "many"), ("PLAYER_ID", 10**30), ("PLAYER_NAME", None), ("COMMENT", 7)]
)
def test_a_cell_of_another_type_sets_the_file_aside_alone(feeds: FeedFolder, column: str, value: Any) -> None:
    """A type that the table cannot take must not end the run of the whole range."""
    path = feeds.file("team_boxscore")
    document = orjson.loads(path.read_bytes())
    set_cell(result_set(document, "PlayerStats"), 3, column, "MARK")
    path.write_bytes(
        orjson.dumps(document).replace(b'"MARK"', b"null" if value is None else repr(value).replace("'", '"').encode())
    )
    loaded = feeds.load(PLAYERS)
    assert set_aside(loaded) == [("unknown_shape", feeds.key(path))]
    assert len(game_ids(loaded)) == 4
    assert len(game_ids(feeds.load(TEAMS))) == 5


def test_a_player_of_a_strange_team_is_set_aside(feeds: FeedFolder) -> None:
    with edited(feeds.file("team_boxscore")) as document:
        set_cell(result_set(document, "PlayerStats"), 2, "TEAM_ABBREVIATION", "SEA")
    row = only_rejected(feeds.load(PLAYERS))
    assert (row.code, row.day) == ("unknown_team", DAY)
    assert feeds.load(TEAMS).rejected == []


def test_a_player_twice_is_one_row_and_contradicting_ones_are_none(feeds: FeedFolder) -> None:
    before = feeds.load(PLAYERS).table.num_rows
    with edited(feeds.file("team_boxscore")) as document:
        rows = result_set(document, "PlayerStats")["rowSet"]
        rows.append(list(rows[0]))
    assert feeds.load(PLAYERS).table.num_rows == before
    with edited(feeds.file("team_boxscore")) as document:
        set_cell(result_set(document, "PlayerStats"), 0, "START_POSITION", "")
    loaded = feeds.load(PLAYERS)
    assert [row.code for _, row in loaded.rejected] == ["conflicting_duplicate"] * 2
    assert loaded.table.num_rows == before - 1
