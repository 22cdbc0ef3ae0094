"""ESPN rosters: one file for each team and day, as the site answers or as the scraper keeps it."""

from typing import Any

import orjson
import pytest

from backfill_pipelines_tests.nba.feeds_support import (
    DAY,
    DAYS,
    FeedFolder,
    edited,
    keys_of,
    only_rejected,
    set_aside,
)

TABLE, FEED = "espn_team_rosters", "espn_rosters"


def as_scraped(feeds: FeedFolder, **team: Any) -> None:
    """Rewrite the roster of the home team of the first game in the scraper's own shape."""
    path = feeds.file(FEED)
    athletes = orjson.loads(path.read_bytes())["team"]["athletes"]
    players = [
        {"playerId": one["id"], "fullName": one["fullName"], "jersey": one["jersey"], "injuries": []}
        | {"position": one["position"]["displayName"], "heightIn": 78, "weightLb": 223.0}
        for one in athletes
    ]
    path.write_bytes(orjson.dumps(team | {"timestamp": "2023-04-23T10:00:00+00:00", "players": players}))


def team_of(feeds: FeedFolder) -> str:
    return feeds.games(DAY)[0].home


def test_a_player_has_his_row(sample_feeds: FeedFolder) -> None:
    source = orjson.loads(sample_feeds.file(FEED).read_bytes())["team"]["athletes"][0]
    loaded = sample_feeds.load(TABLE)
    (row,) = (r for r in loaded.table.to_pylist() if r["espn_player_id"] == source["id"] and r["roster_date"] == DAY)
    expected = {
        "roster_date": DAY,
        "season_year": 2022,
        "team_abbr": team_of(sample_feeds),
        "player_full_name": source["fullName"],
        "jersey_number": source["jersey"],
        "position": source["position"]["displayName"],
        "age": source["age"],
    }
    assert {name: row[name] for name in expected} == expected
    assert loaded.warnings == {}


def test_every_team_that_plays_has_fifteen_players(sample_feeds: FeedFolder) -> None:
    """ESPN's own codes (GS, NY, UTAH) are those of the league here."""
    loaded = sample_feeds.load(TABLE)
    teams = {(game.day, team) for game in sample_feeds.games(*DAYS) for team in (game.home, game.away)}
    assert keys_of(loaded, "roster_date", "team_abbr") == teams
    assert loaded.table.num_rows == 15 * len(teams)


@pytest.mark.parametrize("team", [{"team_abbr": None}, {"teamName": None}])
def test_what_the_scraper_keeps_is_read_too(feeds: FeedFolder, team: dict[str, Any]) -> None:
    """Nearly all captures of the original have this shape; they know no ages."""
    before = feeds.load(TABLE).table.to_pylist()
    as_scraped(feeds, **dict.fromkeys(team, team_of(feeds)))
    loaded = feeds.load(TABLE)
    own = (DAY, team_of(feeds))
    without_age = [row | {"age": None} if (row["roster_date"], row["team_abbr"]) == own else row for row in before]
    assert loaded.table.to_pylist() == without_age
    assert (loaded.warnings, loaded.set_aside) == ({}, [])


def test_athletes_beside_the_team_are_read_too(feeds: FeedFolder) -> None:
    before = feeds.load(TABLE).table
    with edited(feeds.file(FEED)) as document:
        document["athletes"] = document["team"].pop("athletes")
    assert feeds.load(TABLE).table == before


def test_a_position_may_be_missing_and_a_jersey_a_number(feeds: FeedFolder) -> None:
    with edited(feeds.file(FEED)) as document:
        athlete = document["team"]["athletes"][0] | {"position": None, "jersey": 0}
        document["team"]["athletes"][0] = athlete
    rows = {row["espn_player_id"]: row for row in feeds.load(TABLE, [DAY]).table.to_pylist()}
    assert (rows[athlete["id"]]["position"], rows[athlete["id"]]["jersey_number"]) == (None, "0")


def test_the_roster_of_another_team_is_set_aside(feeds: FeedFolder) -> None:
    path = feeds.file(FEED)
    with edited(path) as document:
        document["team"]["abbreviation"] = feeds.games(DAY)[0].away
    loaded = feeds.load(TABLE)
    assert set_aside(loaded) == [("wrong_date", feeds.key(path))]
    assert f"the path says team {team_of(feeds)}" in loaded.set_aside[0].detail


@pytest.mark.parametrize(
    ("damage", "detail"),
    [
        (lambda team: team.update(abbreviation="XYZ"), "'XYZ' is no team of the league"),
        (lambda team: team.pop("athletes"), "the field 'athletes' is missing"),
        (lambda team: team["athletes"][0].pop("id"), "the field 'id' is missing"),
        (lambda team: team["athletes"][0].pop("fullName"), "the field 'fullName' is missing"),
        (lambda team: team["athletes"].append("Somebody"), "TypeError"),
        (lambda team: team["athletes"][0].update(fullName=7), "AttributeError"),
    ],
)
def test_a_file_of_another_shape_is_set_aside_alone(feeds: FeedFolder, damage: Any, detail: str) -> None:
    path = feeds.file(FEED)
    with edited(path) as document:
        damage(document["team"])
    loaded = feeds.load(TABLE)
    assert set_aside(loaded) == [("unknown_shape", feeds.key(path))]
    assert detail in loaded.set_aside[0].detail
    assert len(keys_of(loaded, "roster_date", "team_abbr")) == 9


@pytest.mark.parametrize(
    ("changes", "code", "detail"),
    [
        ({"age": 15}, "out_of_range", "age 15 is not between 16 and 60"),
        ({"age": "old"}, "unparsable_value", "count 'old'"),
        ({"id": ""}, "unparsable_value", "player ''"),
        ({"fullName": " "}, "unparsable_value", "' '"),
    ],
)
def test_a_bad_player_is_set_aside_and_the_others_load(
    feeds: FeedFolder, changes: dict[str, Any], code: str, detail: str
) -> None:
    with edited(feeds.file(FEED)) as document:
        document["team"]["athletes"][3] |= changes
    loaded = feeds.load(TABLE)
    row = only_rejected(loaded)
    assert (row.day, row.code) == (DAY, code)
    assert detail in row.detail
    assert loaded.table.num_rows == 15 * 10 - 1


def test_a_player_listed_twice_is_one_row_and_two_that_differ_are_none(feeds: FeedFolder) -> None:
    with edited(feeds.file(FEED)) as document:
        athletes = document["team"]["athletes"]
        athletes += [athletes[0], athletes[1] | {"jersey": "99"}]
    loaded = feeds.load(TABLE)
    assert [(row.code, row.day) for _, row in loaded.rejected] == [("conflicting_duplicate", DAY)] * 2
    assert loaded.table.num_rows == 15 * 10 - 1


def test_two_folders_of_one_team_are_one_roster_the_newest(feeds: FeedFolder) -> None:
    """A scraper that changes its spelling must not make every player a double key."""
    path = feeds.file(FEED)
    nickname = orjson.loads(path.read_bytes())["team"]["displayName"].rsplit(" ", 1)[1]
    other = path.parents[1] / f"team_{nickname}"
    other.mkdir()
    document = orjson.loads(path.read_bytes())
    document["team"]["athletes"] = document["team"]["athletes"][:12]
    (other / "20230424_120000.json").write_bytes(orjson.dumps(document))
    rows = [row for row in feeds.load(TABLE, [DAY]).table.to_pylist() if row["team_abbr"] == team_of(feeds)]
    assert len(rows) == 12
    assert {row["source_file_path"] for row in rows} == {feeds.key(other / "20230424_120000.json")}
