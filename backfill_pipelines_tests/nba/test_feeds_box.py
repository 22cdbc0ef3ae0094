"""Box-score lines, whichever feed they come from: a bad one is set aside with its reason, the others load."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from backfill_pipelines.nba.feeds import box
from backfill_pipelines_tests.nba.feeds_support import (
    DAY,
    FEED_OF_TABLE,
    FeedFolder,
    Row,
    edited,
    only_rejected,
    result_set,
    set_aside,
)

TEAM, GAMEBOOK, BDL, LOG = (
    "nbac_team_boxscore",
    "nbac_gamebook_player_stats",
    "bdl_player_boxscores",
    "nbac_player_boxscores",
)
NAMES = {TEAM: box.NBA_COM, BDL: box.BALL_DONT_LIE, LOG: box.NBA_COM_LOG}
RESULT_SETS = {TEAM: "TeamStats", LOG: "LeagueGameLog"}
TEAM_FIELD = {TEAM: "TEAM_ABBREVIATION", LOG: "TEAM_ABBREVIATION", GAMEBOOK: "team"}
MINUTES = {TEAM: "MIN", LOG: "MIN", BDL: "min", GAMEBOOK: "minutes"}
ALL = pytest.mark.parametrize("table", [TEAM, GAMEBOOK, BDL, LOG])
PLAYERS = pytest.mark.parametrize("table", [GAMEBOOK, BDL, LOG])

GOOD = {
    "points": 10,
    "field_goals_made": 4,
    "field_goals_attempted": 8,
    "three_pointers_made": 1,
    "three_pointers_attempted": 2,
    "free_throws_made": 1,
    "free_throws_attempted": 2,
    "offensive_rebounds": 1,
    "defensive_rebounds": 2,
    "total_rebounds": 3,
    "assists": 2,
    "steals": 1,
    "blocks": 0,
    "turnovers": 1,
    "personal_fouls": 2,
}
Change = Callable[[Row], None]


def change(feeds: FeedFolder, table: str, how: Change, *, twin: bool = False) -> Row:
    """Change the first line of the first game in its file, or add a changed copy of it."""
    with edited(feeds.file(FEED_OF_TABLE[table])) as document:
        if table in RESULT_SETS:
            found = result_set(document, RESULT_SETS[table])
            line = dict(zip(found["headers"], found["rowSet"][0], strict=True))
            how(line)
            found["headers"] = list(line)
            cells = list(line.values())
            rows = [[*row, *[None] * (len(cells) - len(row))] for row in found["rowSet"]]
            found["rowSet"] = [cells, *rows] if twin else [cells, *rows[1:]]
            return line
        lines = document["active_players"] if table == GAMEBOOK else document["data"]
        line = deepcopy(lines[0])
        how(line)
        document["active_players" if table == GAMEBOOK else "data"] = [line, *lines] if twin else [line, *lines[1:]]
        return line


def with_counts(table: str, **counts: Any) -> Change:
    names = NAMES.get(table)
    changes = {names[name] if names else name: value for name, value in counts.items()}

    def how(line: Row) -> None:
        (line["stats"] if table == GAMEBOOK else line).update(changes)

    return how


def with_minutes(table: str, value: Any) -> Change:
    def how(line: Row) -> None:
        (line["stats"] if table == GAMEBOOK else line)[MINUTES[table]] = value

    return how


def who(table: str, line: Row) -> str:
    """What the line's key ends in."""
    if table == BDL:
        return f"{line['player']['first_name']} {line['player']['last_name']}"
    return line[{TEAM: "TEAM_ABBREVIATION", LOG: "PLAYER_NAME", GAMEBOOK: "name"}[table]]


def assert_rejected(feeds: FeedFolder, table: str, line: Row, code: str, detail: str, before: int) -> None:
    loaded = feeds.load(table)
    row = only_rejected(loaded)
    game_id, _, name = row.key.partition("/")
    assert game_id in {game.game_id for game in feeds.games(DAY)}
    assert (row.day, row.code, name) == (DAY, code, who(table, line))
    assert detail in row.detail
    assert row.payload == line
    assert loaded.table.num_rows == before - 1


@ALL
def test_the_counts_of_a_good_line_are_stored(feeds: FeedFolder, table: str) -> None:
    before = feeds.load(table).table.num_rows
    change(feeds, table, with_counts(table, **GOOD))
    loaded = feeds.load(table)
    short = {"field_goals": "fg", "three_pointers": "three_pt", "free_throws": "ft"}
    names = {name: name for name in GOOD}
    if table == TEAM:
        for long, other in short.items():
            names |= {name: name.replace(long, other) for name in GOOD if name.startswith(long)}
    stored = [{name: row[names[name]] for name in GOOD} for row in loaded.table.to_pylist()]
    assert GOOD in stored
    assert (loaded.table.num_rows, loaded.rejected) == (before, [])


@ALL
@pytest.mark.parametrize(
    ("changes", "code", "detail"),
    [
        ({"assists": -1}, "out_of_range", "assists is negative (-1)"),
        ({"points": 400}, "contradictory_stats", "points are what the made shots give (points 400)"),
        ({"total_rebounds": 4}, "contradictory_stats", "rebounds are offensive plus defensive"),
        ({"field_goals_attempted": 3}, "contradictory_stats", "3PM <= FGM <= FGA"),
        ({"three_pointers_made": 5, "points": 14}, "contradictory_stats", "3PM <= FGM <= FGA"),
        ({"three_pointers_attempted": 0}, "contradictory_stats", "3PM <= 3PA <= FGA"),
        ({"three_pointers_attempted": 9}, "contradictory_stats", "3PM <= 3PA <= FGA"),
        ({"free_throws_attempted": 0}, "contradictory_stats", "FTM <= FTA"),
        ({"steals": "two"}, "unparsable_value", "steals: count 'two'"),
        ({"steals": 1.5}, "unparsable_value", "steals: count 1.5"),
        ({"steals": None}, "unparsable_value", "steals is absent"),
        ({"steals": [1]}, "unparsable_value", "steals: count [1]"),
        ({"steals": True}, "unparsable_value", "steals: count True"),
    ],
)
def test_a_line_that_cannot_be_is_set_aside_alone(
    feeds: FeedFolder, table: str, changes: Row, code: str, detail: str
) -> None:
    """A misread line would go into averages for weeks."""
    before = feeds.load(table).table.num_rows
    line = change(feeds, table, with_counts(table, **GOOD | changes))
    assert_rejected(feeds, table, line, code, detail, before)


@PLAYERS
@pytest.mark.parametrize("name", ["", " ", "--", "123"])
def test_a_line_of_nobody_is_set_aside_alone(feeds: FeedFolder, table: str, name: str) -> None:
    """Beside the line that the other feed has of the player it would count his points twice."""
    before = feeds.load(table).table.num_rows

    def how(line: Row) -> None:
        if table == BDL:
            line["player"] |= {"first_name": name, "last_name": ""}
        else:
            line[{LOG: "PLAYER_NAME", GAMEBOOK: "name"}[table]] = name

    change(feeds, table, how)
    loaded = feeds.load(table)
    [(_, row)] = loaded.rejected
    assert (row.code, row.detail.endswith("has no name")) == ("unparsable_value", True)
    assert loaded.table.num_rows == before - 1


@PLAYERS
def test_more_points_than_anybody_scored_are_refused(feeds: FeedFolder, table: str) -> None:
    before = feeds.load(table).table.num_rows
    line = change(
        feeds,
        table,
        with_counts(table, **GOOD | {"points": 111, "free_throws_made": 102, "free_throws_attempted": 102}),
    )
    assert_rejected(feeds, table, line, "out_of_range", "111 points, more than 110", before)


@PLAYERS
@pytest.mark.parametrize(
    ("value", "code", "detail"),
    [
        ("12:75", "unparsable_value", "minutes '12:75'"),
        ("DNP", "unparsable_value", "minutes 'DNP'"),
        ("70:01", "out_of_range", "70.0167 minutes, more than 70"),
        (71, "out_of_range", "71 minutes, more than 70"),
        (-5, "out_of_range", "minutes are negative"),
    ],
)
def test_minutes_that_cannot_be_are_refused(feeds: FeedFolder, table: str, value: Any, code: str, detail: str) -> None:
    before = feeds.load(table).table.num_rows
    line = change(feeds, table, with_minutes(table, value))
    assert_rejected(feeds, table, line, code, detail, before)


@PLAYERS
@pytest.mark.parametrize(
    ("value", "expected"), [("0:00", 0.0), ("00", 0.0), (0, 0.0), ("-", None), ("", None), (None, None)]
)
def test_zero_minutes_are_zero_and_no_minutes_are_null(
    feeds: FeedFolder, table: str, value: Any, expected: float | None
) -> None:
    before = feeds.load(table).table["minutes_decimal"].to_pylist()
    change(feeds, table, with_minutes(table, value))
    loaded = feeds.load(table)
    found = loaded.table["minutes_decimal"].to_pylist()
    assert loaded.rejected == []
    assert found.count(expected) == before.count(expected) + 1


@ALL
@pytest.mark.parametrize("stranger", ["SEA", "WAS"], ids=["not in the league", "not in the game"])
def test_a_line_of_a_team_that_does_not_play_is_set_aside(feeds: FeedFolder, table: str, stranger: str) -> None:
    """Another team's line in the file of a game: a feed's mistake that would shift points between teams."""
    before = feeds.load(table).table.num_rows

    def how(line: Row) -> None:
        if table == BDL:
            line["team"]["abbreviation"] = stranger
        else:
            line[TEAM_FIELD[table]] = stranger

    line = change(feeds, table, how)
    assert_rejected(feeds, table, line, "unknown_team", "does not play in 20230423_", before)


@ALL
def test_identical_lines_become_one_row(feeds: FeedFolder, table: str) -> None:
    before = feeds.load(table).table
    change(feeds, table, lambda _: None, twin=True)
    loaded = feeds.load(table)
    assert loaded.table.num_rows == before.num_rows
    assert loaded.rejected == []


@ALL
def test_lines_that_contradict_each_other_are_all_set_aside(feeds: FeedFolder, table: str) -> None:
    """Which one is right nobody can say; one of them at random would change from run to run."""
    before = feeds.load(table).table.num_rows
    change(feeds, table, with_counts(table, **GOOD | {"assists": 99}), twin=True)
    loaded = feeds.load(table)
    assert loaded.table.num_rows == before - 1
    codes = [(row.day, row.code, row.detail) for _, row in loaded.rejected]
    assert (
        codes == [(DAY, "conflicting_duplicate", "2 rows of one key differ; correct the feed or capture it again")] * 2
    )
    assert len({row.key for _, row in loaded.rejected}) == 1
    assert 99 in [row.payload["assists"] for _, row in loaded.rejected]


@ALL
@pytest.mark.parametrize("missing", ["steals", "minutes"])
def test_a_missing_field_sets_the_file_aside(feeds: FeedFolder, table: str, missing: str) -> None:
    """Its name has changed: every line of the file would lack the value."""
    field = MINUTES[table] if missing == "minutes" else NAMES.get(table, {}).get(missing, missing)
    path = feeds.file(FEED_OF_TABLE[table])
    with edited(path) as document:
        if table in RESULT_SETS:
            found = result_set(document, RESULT_SETS[table])
            place = found["headers"].index(field)
            for cells in (found["headers"], *found["rowSet"]):
                del cells[place]
        else:
            lines = [line["stats"] for line in document["active_players"]] if table == GAMEBOOK else document["data"]
            for line in lines:
                del line[field]
    loaded = feeds.load(table)
    assert set_aside(loaded) == [("unknown_shape", feeds.key(path))]
    assert field in loaded.set_aside[0].detail
    assert loaded.rejected == []
    assert feeds.key(path) not in loaded.table["source_file_path"].to_pylist()
    assert loaded.table.num_rows > 0


@ALL
def test_an_unknown_field_is_ignored_and_reported(feeds: FeedFolder, table: str) -> None:
    before = feeds.load(table).table.num_rows
    change(feeds, table, with_unknown(table))
    loaded = feeds.load(table)
    key = feeds.key(feeds.file(FEED_OF_TABLE[table]))
    assert (loaded.table.num_rows, loaded.set_aside, loaded.rejected) == (before, [], [])
    assert loaded.warnings == {DAY: [f"schema_drift: HUSTLE in {key}"]}


def with_unknown(table: str) -> Change:
    def how(line: Row) -> None:
        (line["stats"] if table == GAMEBOOK else line)["HUSTLE"] = 3

    return how


@ALL
def test_team_names_resolve_in_any_case(feeds: FeedFolder, table: str) -> None:
    before = feeds.load(table).table

    def how(line: Row) -> None:
        if table == BDL:
            line["team"]["abbreviation"] = line["team"]["abbreviation"].lower()
        else:
            line[TEAM_FIELD[table]] = line[TEAM_FIELD[table]].upper()

    change(feeds, table, how)
    loaded = feeds.load(table)
    assert loaded.rejected == []
    assert loaded.table["team_abbr"].to_pylist() == before["team_abbr"].to_pylist()
