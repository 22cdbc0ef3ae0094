"""The season schedule: the source of truth of every expected set."""

from copy import deepcopy
from datetime import UTC, date, datetime
from typing import Any

import orjson
import pytest

from backfill_pipelines.nba.feeds.schedule_book import ScheduleBook
from backfill_pipelines_tests.nba.feeds_support import (
    DAY,
    DAYS,
    NEXT_DAY,
    FeedFolder,
    Row,
    edited,
    keys_of,
    only_rejected,
    set_aside,
)

TABLE = "nbac_schedule"
KEY = ("nba_game_id", "game_date")


def entries(document: Row) -> list[Row]:
    return [game for day in document["leagueSchedule"]["gameDates"] for game in day["games"]]


def add(document: Row, **changes: Any) -> Row:
    """Another game on the first date, a copy of its first one but for the changes."""
    games = document["leagueSchedule"]["gameDates"][0]["games"]
    games.append(deepcopy(games[0]) | changes)
    return games[-1]


def test_a_final_has_its_scores_winner_and_canonical_id(feeds: FeedFolder) -> None:
    with edited(feeds.file("schedule")) as document:
        entry = entries(document)[0]
        entry["gameStatusText"] = "Final/OT2"
        entry["homeTeam"] |= {"teamTricode": "NYK", "score": 138}
        entry["awayTeam"] |= {"teamTricode": "BOS", "score": 134}
    rows = {row["nba_game_id"]: row for row in feeds.load(TABLE).table.to_pylist()}
    row = rows[entry["gameId"]]
    expected = {
        "game_id": "20230423_BOS_NYK",
        "season": "2022-23",
        "season_year": 2022,
        "game_date": DAY,
        "game_status": 3,
        "is_postponed": False,
        "game_type": "playoff",
        "home_team_tricode": "NYK",
        "away_team_tricode": "BOS",
        "home_team_score": 138,
        "away_team_score": 134,
        "winning_team_tricode": "NYK",
        "overtime_periods": 2,
        "game_time_utc": datetime.fromisoformat(entry["gameDateTimeUTC"]).astimezone(UTC),
        "series_game_number": int(entry["seriesGameNumber"].removeprefix("Game ")),
        "playoff_round": entry["gameLabel"],
    }
    assert {name: row[name] for name in expected} == expected


@pytest.mark.parametrize(("text", "periods"), [("Final", 0), ("Final/OT", 1), ("Final/OT3", 3)])
def test_overtimes_are_read_from_the_status(feeds: FeedFolder, text: str, periods: int) -> None:
    with edited(feeds.file("schedule")) as document:
        for entry in entries(document):
            entry["gameStatusText"] = text
    assert set(feeds.load(TABLE).table["overtime_periods"].to_pylist()) == {periods}


def test_a_game_to_come_has_no_result(feeds: FeedFolder) -> None:
    with edited(feeds.file("schedule")) as document:
        entry = entries(document)[0]
        entry |= {"gameStatus": 1, "gameStatusText": "7:30 pm ET"}
        entry["homeTeam"]["score"] = entry["awayTeam"]["score"] = None
    row = feeds.load(TABLE).table.to_pylist()[0]
    assert row["game_status"] == 1
    assert [row[name] for name in ("winning_team_tricode", "overtime_periods", "home_team_score")] == [None] * 3


@pytest.mark.parametrize(
    ("prefix", "kind"),
    [("002", "regular_season"), ("003", "all_star"), ("004", "playoff"), ("005", "play_in"), ("006", "cup_final")],
)
def test_the_prefix_of_the_id_says_what_counts_whatever_the_label(feeds: FeedFolder, prefix: str, kind: str) -> None:
    """Labels vary from season to season; the prefix does not."""
    with edited(feeds.file("schedule")) as document:
        entry = entries(document)[0]
        entry |= {"gameId": f"{prefix}{entry['gameId'][3:]}", "gameLabel": "Preseason"}
    row = feeds.load(TABLE).table.to_pylist()[0]
    assert row["game_type"] == kind
    assert row["playoff_round"] == ("Preseason" if kind == "playoff" else None)


def test_preseason_games_are_dropped_and_counted(feeds: FeedFolder) -> None:
    with edited(feeds.file("schedule")) as document:
        for number in range(3):
            add(document, gameId=f"001220000{number}", gameDateEst="2022-10-02T00:00:00Z")
        add(document, gameId="0992200001")
    loaded = feeds.load(TABLE)
    assert loaded.table.num_rows == 5
    assert (loaded.rejected, loaded.set_aside) == ([], [])
    assert loaded.warnings == {day: ["3 preseason games dropped", "1 unknown games dropped"] for day in DAYS}


@pytest.mark.parametrize("how", [{"postponedStatus": "Y"}, {"gameStatusText": "PPD"}], ids=["flag", "text"])
def test_a_postponed_twin_keeps_the_id_and_is_no_game_of_its_date(feeds: FeedFolder, how: Row) -> None:
    """Two rows of one league id, told apart by the date; only the played one is looked for in other feeds."""
    with edited(feeds.file("schedule")) as document:
        played = entries(document)[-1]
        twin = deepcopy(played) | {"gameStatus": 1, "gameDateEst": f"{DAY}T00:00:00Z"} | how
        document["leagueSchedule"]["gameDates"][0]["games"].append(twin)
    loaded = feeds.load(TABLE)
    rows = [row for row in loaded.table.to_pylist() if row["nba_game_id"] == played["gameId"]]
    assert [(row["game_date"], row["is_postponed"]) for row in rows] == [(DAY, True), (NEXT_DAY, False)]
    assert [row["winning_team_tricode"] is None for row in rows] == [True, False]
    book = ScheduleBook.from_rows(rows)
    assert book.find(DAY, played["gameId"]) is None
    found = book.find(NEXT_DAY, played["gameId"])
    assert found is not None
    assert found.day == NEXT_DAY
    assert feeds.load("nbac_team_boxscore").set_aside == []


def test_identical_duplicates_become_one_row(feeds: FeedFolder) -> None:
    """A game that the file lists under two headings is still one game."""
    with edited(feeds.file("schedule")) as document:
        add(document)
    loaded = feeds.load(TABLE)
    assert loaded.table.num_rows == len(keys_of(loaded, *KEY)) == 5
    assert loaded.rejected == []


def test_conflicting_duplicates_are_all_set_aside(feeds: FeedFolder) -> None:
    """Which of two scores is right nobody can say, so neither is used."""
    with edited(feeds.file("schedule")) as document:
        entry = add(document, arenaName="Another Arena")
    loaded = feeds.load(TABLE)
    assert [(row.key, row.code, row.day) for _, row in loaded.rejected] == [
        (f"{entry['gameId']}/{DAY}", "conflicting_duplicate", DAY)
    ] * 2
    assert "2 rows of one key differ" in loaded.rejected[0][1].detail
    assert loaded.table.num_rows == 4


@pytest.mark.parametrize(
    ("changes", "code", "detail"),
    [
        ({"gameId": "0042100111"}, "out_of_range", "game id 0042100111 is of another season than 2022-23"),
        ({"homeTeam": {"teamTricode": "SEA"}}, "unknown_team", "are not both teams of the league"),
        ({"homeTeam": {"score": "a lot"}}, "unparsable_value", "count 'a lot'"),
        ({"awayTeam": {"score": 99.5}}, "unparsable_value", "count 99.5"),
    ],
    ids=["other season", "stranger", "score in words", "half a point"],
)
def test_a_bad_game_is_set_aside_alone(feeds: FeedFolder, changes: Row, code: str, detail: str) -> None:
    with edited(feeds.file("schedule")) as document:
        entry = entries(document)[0]
        for name, value in changes.items():
            entry[name] = entry[name] | value if isinstance(value, dict) else value
    loaded = feeds.load(TABLE)
    row = only_rejected(loaded)
    assert (row.day, row.key, row.code) == (DAY, f"{entry['gameId']}/{DAY}", code)
    assert detail in row.detail
    assert row.payload["gameId"] == entry["gameId"]
    assert loaded.table.num_rows == 4


def test_teams_of_an_exhibition_need_not_be_of_the_league(feeds: FeedFolder) -> None:
    with edited(feeds.file("schedule")) as document:
        entry = entries(document)[0]
        entry["gameId"] = "0032200001"
        entry["homeTeam"]["teamTricode"], entry["awayTeam"]["teamTricode"] = "LBN", "GNS"
    assert "20230423_GNS_LBN" in feeds.load(TABLE).table["game_id"].to_pylist()


def test_a_game_outside_its_season_is_set_aside_on_the_date_it_names(feeds: FeedFolder) -> None:
    """The last days of one season and the first of the next must not take games from each other."""
    stray = date(2022, 6, 10)
    with edited(feeds.file("schedule")) as document:
        entry = add(document, gameDateEst=f"{stray}T00:00:00Z")
    row = only_rejected(feeds.load(TABLE, [stray, DAY]))
    assert (row.day, row.code) == (stray, "out_of_range")
    assert row.key == f"{entry['gameId']}/{stray}"
    assert row.detail == f"{stray} lies outside 2022-23 (2022-10-18 to 2023-06-12)"
    assert feeds.load(TABLE).rejected == []


def test_a_date_in_the_files_of_two_seasons_takes_the_games_of_its_own(feeds: FeedFolder) -> None:
    """The other season's file lists the same date; its game stays out and is named."""
    document = orjson.loads(feeds.file("schedule").read_bytes())
    document["leagueSchedule"]["seasonYear"] = "2021-22"
    other = feeds.root / "nba-com/schedule-cdn/2021-22/20220620_060000.json"
    other.parent.mkdir()
    other.write_bytes(orjson.dumps(document))
    loaded = feeds.load(TABLE, [date(2022, 6, 16), DAY])
    assert loaded.entities == {"2021-22", "2022-23"}
    assert set(loaded.table["season"].to_pylist()) == {"2022-23"}
    assert loaded.table.num_rows == 3
    assert [(row.day, row.code) for _, row in loaded.rejected] == [(DAY, "out_of_range")] * 3


def test_a_file_in_the_folder_of_another_season_is_set_aside(feeds: FeedFolder) -> None:
    path = feeds.file("schedule")
    with edited(path) as document:
        document["leagueSchedule"]["seasonYear"] = "2021-22"
    loaded = feeds.load(TABLE)
    assert set_aside(loaded) == [("unknown_shape", feeds.key(path))]
    assert loaded.set_aside[0].detail == "season 2021-22 in the folder of 2022-23"
    assert loaded.entities == set()


@pytest.mark.parametrize("field", ["gameId", "gameDateEst", "gameStatus", "homeTeam", "seriesGameNumber"])
def test_a_missing_field_sets_the_whole_file_aside(feeds: FeedFolder, field: str) -> None:
    """Half a season's schedule would turn the other half into days without games."""
    path = feeds.file("schedule")
    with edited(path) as document:
        del entries(document)[2][field]
    loaded = feeds.load(TABLE)
    assert set_aside(loaded) == [("unknown_shape", feeds.key(path))]
    assert loaded.set_aside[0].detail.startswith(f"the field '{field}' is missing; ")
    assert loaded.table.num_rows == 0


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("gameStatus", "3"),
        ("gameStatus", [3]),
        ("arenaName", 12),
        ("gameDateEst", "yesterday"),
        ("gameId", 42200111),
        ("gameId", "42200111"),
        ("gameCode", {}),
    ],
)
def test_a_field_of_another_type_sets_the_whole_file_aside(feeds: FeedFolder, field: str, value: Any) -> None:
    path = feeds.file("schedule")
    with edited(path) as document:
        entries(document)[1][field] = value
    loaded = feeds.load(TABLE)
    assert set_aside(loaded) == [("unknown_shape", feeds.key(path))]
    assert loaded.table.num_rows == 0


@pytest.mark.parametrize("only", [None, "001"], ids=["empty", "preseason only"])
def test_a_file_without_a_game_of_the_season_is_set_aside(feeds: FeedFolder, only: str | None) -> None:
    """Loaded, it would turn every date of the season into one without games, all of them green."""
    path = feeds.file("schedule")
    with edited(path) as document:
        for day in document["leagueSchedule"]["gameDates"]:
            day["games"] = [g | {"gameId": f"{only}{g['gameId'][3:]}"} for g in day["games"] if only]
    loaded = feeds.load(TABLE)
    assert set_aside(loaded) == [("unknown_shape", feeds.key(path))]
    assert loaded.set_aside[0].detail == "no game of 2022-23 in it"
    assert loaded.entities == set()


def test_games_of_other_dates_are_left_out(feeds: FeedFolder) -> None:
    assert set(feeds.load(TABLE, [NEXT_DAY]).table["game_date"].to_pylist()) == {NEXT_DAY}


def test_games_are_found_by_pair_in_any_order_and_on_their_date_only(sample_feeds: FeedFolder) -> None:
    game = sample_feeds.games(DAY)[0]
    book = ScheduleBook([game])
    assert book.find(DAY, None, [game.home, game.away]) == book.find(DAY, None, [game.away, game.home]) == game
    assert book.find(DAY, "0000000000", [game.away, None, game.home]) == game
    assert book.find(NEXT_DAY, game.nba_game_id, [game.away, game.home]) is None
    assert book.find(DAY, None, [game.home]) is None
    assert (game.opponent(game.home), game.opponent(game.away)) == (game.away, game.home)
