"""Gamebooks: who played, who did not, and which team and player a short entry means."""

from typing import Any

import orjson
import pytest

from backfill_pipelines.nba.names import player_lookup, team_code
from backfill_pipelines_tests.nba.feeds_support import (
    DAY,
    FeedFolder,
    Row,
    edited,
    game_ids,
    only_rejected,
    result_set,
    set_aside,
)

TABLE = "nbac_gamebook_player_stats"
COUNTS = ("points", "assists", "plus_minus", "minutes_decimal", "minutes")


def book_of(feeds: FeedFolder) -> Row:
    return orjson.loads(feeds.file("gamebook").read_bytes())


def row_of(feeds: FeedFolder, name: str) -> Row:
    """The stored row of a name in the first game."""
    game = feeds.games(DAY)[0]
    rows = feeds.load(TABLE).table.to_pylist()
    (found,) = (r for r in rows if r["game_id"] == game.game_id and r["player_name_original"] == name)
    return found


def add_inactive(feeds: FeedFolder, name: str, team: str | None) -> None:
    with edited(feeds.file("gamebook")) as book:
        entry = {"name": name, "team": team, "status": "inactive", "reason": "Suspension", "category": "inactive"}
        book["inactive_players"].append(entry)


def rename_in_lineup(feeds: FeedFolder, *names: str) -> list[str]:
    """Give the first players of the first team other names in the team box score; the team they are of."""
    with edited(feeds.file("team_boxscore")) as document:
        table = result_set(document, "PlayerStats")
        place, team = table["headers"].index("PLAYER_NAME"), table["headers"].index("TEAM_ABBREVIATION")
        for cells, name in zip(table["rowSet"], names, strict=False):
            cells[place] = name
        return [cells[team] for cells in table["rowSet"][: len(names)]]


def test_an_active_player_has_his_line(feeds: FeedFolder) -> None:
    entry, game = book_of(feeds)["active_players"][0], feeds.games(DAY)[0]
    row = row_of(feeds, entry["name"])
    expected = {
        "game_date": DAY,
        "season_year": 2022,
        "game_code": f"20230423/{game.away}{game.home}",
        "home_team_abbr": game.home,
        "away_team_abbr": game.away,
        "team_abbr": team_code(entry["team"]),
        "player_lookup": player_lookup(entry["name"]),
        "player_status": "active",
        "dnp_category": None,
        "dnp_reason": None,
        "name_resolution_status": "full_name",
        "minutes": entry["stats"]["minutes"],
        "points": entry["stats"]["points"],
        "plus_minus": entry["stats"]["plus_minus"],
    }
    assert {name: row[name] for name in expected} == expected
    clock = entry["stats"]["minutes"].split(":")
    assert row["minutes_decimal"] == pytest.approx(int(clock[0]) + int(clock[1]) / 60)


def test_an_absent_player_has_a_reason_and_no_numbers(feeds: FeedFolder) -> None:
    entry = book_of(feeds)["dnp_players"][0]
    row = row_of(feeds, entry["name"])
    assert (row["player_status"], row["dnp_category"], row["dnp_reason"]) == (
        "dnp",
        entry["category"],
        entry["dnp_reason"],
    )
    assert [row[name] for name in COUNTS] == [None] * len(COUNTS)


def test_an_active_player_with_no_time_stays_active_with_zeros(feeds: FeedFolder) -> None:
    """He was sent in and nothing was counted; NULL minutes would make him look absent."""
    with edited(feeds.file("gamebook")) as book:
        entry = book["dnp_players"].pop()
        zeros = dict.fromkeys(book["active_players"][0]["stats"], 0) | {"minutes": "0:00"}
        book["active_players"].append(
            {"name": entry["name"], "team": entry["team"], "status": "active", "stats": zeros}
        )
    row = row_of(feeds, entry["name"])
    assert row["player_status"] == "active"
    assert [row[name] for name in COUNTS] == [0, 0, 0, 0.0, "0:00"]


@pytest.mark.parametrize("section", ["dnp_players", "active_players"])
def test_a_missing_team_is_taken_from_the_box_score_of_the_game(feeds: FeedFolder, section: str) -> None:
    with edited(feeds.file("gamebook")) as book:
        entry = book[section][0]
        team, entry["team"] = entry["team"], None
    row = row_of(feeds, entry["name"])
    assert (row["team_abbr"], row["name_resolution_status"]) == (team_code(team), "full_name")
    assert feeds.load(TABLE).warnings == {}


def test_a_player_whose_team_nobody_knows_is_kept_and_flagged(feeds: FeedFolder) -> None:
    """Never dropped: the original lost a tenth of its absent players here."""
    with edited(feeds.file("gamebook")) as book:
        book["dnp_players"][0] |= {"team": None, "name": "Nobody Knowshim"}
    row, loaded = row_of(feeds, "Nobody Knowshim"), feeds.load(TABLE)
    assert (row["team_abbr"], row["player_lookup"]) == (None, "nobodyknowshim")
    assert row["name_resolution_status"] == "team_unknown"
    assert loaded.warnings == {DAY: [f"team_unknown: {row['game_id']}/Nobody Knowshim"]}
    assert loaded.rejected == []


def test_without_a_box_score_a_missing_team_stays_missing(feeds: FeedFolder) -> None:
    feeds.file("team_boxscore").unlink()
    with edited(feeds.file("gamebook")) as book:
        book["dnp_players"][0]["team"] = None
        name = book["dnp_players"][0]["name"]
    assert row_of(feeds, name)["name_resolution_status"] == "team_unknown"
    assert len(game_ids(feeds.load(TABLE))) == 5


@pytest.mark.parametrize(
    ("lineup", "listed", "lookup", "status"),
    [
        (["Pat Longjohn"], "Longjohn", "patlongjohn", "resolved_last_name"),
        (["Pat Longjohn Jr."], "Longjohn Jr.", "patlongjohnjr", "resolved_last_name"),
        (["Pat Longjohn"], "LONGJOHN", "patlongjohn", "resolved_last_name"),
        (["Pat Longjohn"], "Pat Longjohn", "patlongjohn", "resolved_last_name"),
        (["Pat Longjohn", "Sam Longjohn"], "Longjohn", None, "ambiguous_last_name"),
        (["Pat Longjohn Jr."], "Longjohn", None, "ambiguous_last_name"),
        (["Pat Longjohn"], "Shortjohn", None, "ambiguous_last_name"),
    ],
    ids=["unique", "suffix", "capitals", "full name", "two of them", "suffix missing", "not listed"],
)
def test_inactive_players_are_resolved_by_a_unique_last_name(
    feeds: FeedFolder, lineup: list[str], listed: str, lookup: str | None, status: str
) -> None:
    """Inactive lists give last names; a guess between two brothers would be wrong half of the time."""
    team = rename_in_lineup(feeds, *lineup)[0]
    add_inactive(feeds, listed, team)
    row = row_of(feeds, listed)
    assert (row["player_lookup"], row["name_resolution_status"], row["player_status"]) == (lookup, status, "inactive")
    assert row["dnp_reason"] == "Suspension"


def test_a_last_name_of_the_other_team_is_not_taken(feeds: FeedFolder) -> None:
    game, team = feeds.games(DAY)[0], rename_in_lineup(feeds, "Pat Longjohn")[0]
    add_inactive(feeds, "Longjohn", game.opponent(team))
    assert row_of(feeds, "Longjohn")["player_lookup"] is None


def test_an_inactive_player_without_a_team_has_no_key_made_of_his_last_name(feeds: FeedFolder) -> None:
    """A last name alone is nobody's join key."""
    rename_in_lineup(feeds, "Pat Longjohn")
    add_inactive(feeds, "Longjohn", None)
    row = row_of(feeds, "Longjohn")
    assert (row["team_abbr"], row["player_lookup"]) == (None, None)
    assert row["name_resolution_status"] == "team_unknown"


def test_a_reversed_game_code_keeps_the_sides_of_the_schedule(feeds: FeedFolder) -> None:
    """Some gamebooks name the home team first; with their sides every home game of the day would be away."""
    game, path = feeds.games(DAY)[0], feeds.file("gamebook")
    before = feeds.load(TABLE).table
    with edited(path) as book:
        book |= {"game_code": f"20230423/{game.home}{game.away}", "away_team": game.home, "home_team": game.away}
    path.parent.rename(path.parent.with_name(f"20230423-{game.home}{game.away}"))
    loaded = feeds.load(TABLE)
    rows = [row for row in loaded.table.to_pylist() if row["game_id"] == game.game_id]
    assert {(r["home_team_abbr"], r["away_team_abbr"]) for r in rows} == {(game.home, game.away)}
    assert {r["game_code"] for r in rows} == {f"20230423/{game.home}{game.away}"}
    assert loaded.table.num_rows == before.num_rows
    assert loaded.set_aside == []


@pytest.mark.parametrize("section", ["active_players", "dnp_players", "inactive_players", "game_code", "date"])
def test_a_missing_section_sets_the_file_aside(feeds: FeedFolder, section: str) -> None:
    path = feeds.file("gamebook")
    with edited(path) as book:
        del book[section]
    loaded = feeds.load(TABLE)
    assert set_aside(loaded) == [("unknown_shape", feeds.key(path))]
    assert loaded.set_aside[0].detail.startswith(f"the field '{section}' is missing; ")
    assert len(game_ids(loaded)) == 4


@pytest.mark.parametrize(("field", "value"), [("name", None), ("name", 7), ("team", 7), ("stats", None)])
def test_an_entry_of_another_type_sets_the_file_aside(feeds: FeedFolder, field: str, value: Any) -> None:
    path = feeds.file("gamebook")
    with edited(path) as book:
        book["active_players"][0][field] = value
    loaded = feeds.load(TABLE)
    assert set_aside(loaded) == [("unknown_shape", feeds.key(path))]
    assert len(game_ids(loaded)) == 4


def test_an_unparsable_plus_minus_sets_the_row_aside(feeds: FeedFolder) -> None:
    with edited(feeds.file("gamebook")) as book:
        book["active_players"][0]["stats"]["plus_minus"] = "even"
    row = only_rejected(feeds.load(TABLE))
    assert (row.code, row.detail) == ("unparsable_value", "count 'even'")


def test_a_player_listed_as_active_and_as_absent_is_set_aside(feeds: FeedFolder) -> None:
    with edited(feeds.file("gamebook")) as book:
        entry = book["active_players"][0]
        book["dnp_players"].append({"name": entry["name"], "team": entry["team"], "category": "DNP"})
    loaded = feeds.load(TABLE)
    assert [row.code for _, row in loaded.rejected] == ["conflicting_duplicate"] * 2


def test_one_man_under_two_spellings_is_set_aside(feeds: FeedFolder) -> None:
    """Active rows are unique by player as well: his points would count twice."""
    with edited(feeds.file("gamebook")) as book:
        entry = book["active_players"][0]
        book["active_players"].append(entry | {"name": entry["name"].upper()})
    loaded = feeds.load(TABLE)
    assert [row.code for _, row in loaded.rejected] == ["conflicting_duplicate"] * 2
    assert {row.key.rpartition("/")[2] for _, row in loaded.rejected} == {player_lookup(entry["name"])}
    assert len(game_ids(loaded)) == 5


def test_an_unknown_field_of_a_player_is_reported(feeds: FeedFolder) -> None:
    with edited(feeds.file("gamebook")) as book:
        book["dnp_players"][0]["jersey"] = 7
    key = feeds.key(feeds.file("gamebook"))
    assert feeds.load(TABLE).warnings == {DAY: [f"schema_drift: jersey in {key}"]}
