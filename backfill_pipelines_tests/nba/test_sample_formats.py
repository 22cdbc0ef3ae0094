"""The sample feeds have the formats of the scrapers' files, so one loader reads both."""

import csv
import re
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import orjson
import pytest

from backfill_pipelines.nba.sample import write_feeds

BOX = "FGM FGA FG_PCT FG3M FG3A FG3_PCT FTM FTA FT_PCT OREB DREB REB AST STL BLK TO PF PTS"
LOG = BOX.replace("TO ", "TOV ")
WHO = "GAME_ID TEAM_ID TEAM_NAME TEAM_ABBREVIATION TEAM_CITY"
HEADERS = {
    "PlayerStats": "GAME_ID TEAM_ID TEAM_ABBREVIATION TEAM_CITY PLAYER_ID PLAYER_NAME NICKNAME "
    f"START_POSITION COMMENT MIN {BOX} PLUS_MINUS",
    "TeamStats": f"{WHO} MIN {BOX} PLUS_MINUS",
    "TeamStarterBenchStats": f"{WHO} STARTERS_BENCH MIN {BOX}",
    "LeagueGameLog": "SEASON_ID PLAYER_ID PLAYER_NAME TEAM_ID TEAM_ABBREVIATION TEAM_NAME GAME_ID "
    f"GAME_DATE MATCHUP WL MIN {LOG} PLUS_MINUS FANTASY_PTS VIDEO_AVAILABLE",
}
CSV_HEADER = (
    "game_id,data_set,date,a1,a2,a3,a4,a5,h1,h2,h3,h4,h5,period,away_score,home_score,"
    "remaining_time,elapsed,play_length,play_id,team,event_type,assist,away,home,block,entered,"
    "left,num,opponent,outof,player,points,possession,reason,result,steal,type,shot_distance,"
    "original_x,original_y,converted_x,converted_y,description"
)
SCHEDULE_KEYS = (
    "gameId gameCode gameStatus gameStatusText gameSequence gameDateEst gameTimeEst "
    "gameDateTimeEst gameDateUTC gameTimeUTC gameDateTimeUTC awayTeamTime homeTeamTime day "
    "monthNum weekNumber weekName ifNecessary seriesGameNumber gameLabel gameSubLabel seriesText "
    "arenaName arenaState arenaCity postponedStatus branchLink gameSubtype isNeutral broadcasters "
    "homeTeam awayTeam pointsLeaders"
)
SCHEDULE_TEAM_KEYS = "teamId teamName teamCity teamTricode teamSlug wins losses score seed"
GAMEBOOK_KEYS = (
    "game_code date matchup away_team home_team pdf_version pdf_url arena city state location "
    "officials game_duration attendance timestamp active_players dnp_players inactive_players "
    "total_players active_count dnp_count inactive_count source debug_info"
)
GAMEBOOK_STATS = (
    "minutes field_goals_made field_goals_attempted three_pointers_made three_pointers_attempted "
    "free_throws_made free_throws_attempted offensive_rebounds defensive_rebounds total_rebounds "
    "assists personal_fouls steals turnovers blocks plus_minus points field_goal_percentage "
    "three_point_percentage free_throw_percentage"
)
BDL_KEYS = (
    "id min fgm fga fg_pct fg3m fg3a fg3_pct ftm fta ft_pct oreb dreb reb ast stl blk turnover pf pts player team game"
)
BDL_GAME_KEYS = (
    "id date season status period time postseason home_team_score visitor_team_score home_team_id "
    "visitor_team_id datetime"
)
BDL_PLAYER_KEYS = (
    "id first_name last_name position height weight jersey_number college country draft_year "
    "draft_round draft_number team_id"
)
BDL_TEAM_KEYS = "id conference division city name full_name abbreviation"

Document = dict[str, Any]


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two weeks around the All-Star weekend."""
    root = tmp_path_factory.mktemp("formats")
    write_feeds(root, first=date(2023, 2, 10), last=date(2023, 2, 24))
    return root


def documents(root: Path, pattern: str) -> list[Document]:
    return [orjson.loads(path.read_bytes()) for path in sorted(root.glob(pattern))]


def keys(text: str) -> set[str]:
    return set(text.split())


def test_schedule(out: Path) -> None:
    path = out / "nba-com/schedule-cdn/2022-23/20230225_060000.json"
    assert path.read_bytes().startswith(b'{\n  "meta": {\n    "version": 1,')
    schedule = orjson.loads(path.read_bytes())["leagueSchedule"]
    assert schedule.keys() == keys("seasonYear leagueId gameDates weeks broadcasterList")
    games = [game for entry in schedule["gameDates"] for game in entry["games"]]
    for game in games:
        assert game.keys() == keys(SCHEDULE_KEYS)
        assert len(game["broadcasters"]) == 12
        assert game["awayTeam"].keys() == game["homeTeam"].keys() == keys(SCHEDULE_TEAM_KEYS)
        assert (game["gameStatus"], game["gameStatusText"][:5]) == (3, "Final")
        assert re.fullmatch(r"\d{8}/[A-Z]{6}", game["gameCode"])
        assert game["gameCode"][:8] == game["gameDateTimeEst"][:10].replace("-", "")
    exhibitions = [game for game in games if game["gameId"].startswith("003")]
    assert len(exhibitions) == 4
    assert {(game["weekName"], game["homeTeam"]["teamId"]) for game in exhibitions} == {("All-Star", 0)}


def test_a_winter_evening_in_new_york_is_after_midnight_in_utc(out: Path) -> None:
    (schedule,) = documents(out, "nba-com/schedule-cdn/2022-23/*.json")
    games = [g for entry in schedule["leagueSchedule"]["gameDates"] for g in entry["games"]]
    evening = next(game for game in games if game["gameTimeEst"] == "1900-01-01T19:00:00Z")
    day = date.fromisoformat(evening["gameDateEst"][:10])
    assert evening["gameDateUTC"] == f"{day}T05:00:00Z"
    assert evening["gameDateTimeUTC"] == f"{date.fromordinal(day.toordinal() + 1)}T00:00:00Z"


def test_exhibition_days_have_no_other_file(out: Path) -> None:
    assert not [path for path in out.rglob("*") if path.name in ("2023-02-17", "2023-02-19")]


def test_result_sets_have_the_documented_headers(out: Path) -> None:
    boxes = documents(out, "nba-com/team-boxscore/*/*/*.json")
    logs = documents(out, "nba-com/player-boxscores/*/*.json")
    for tables in (box["resultSets"] + logs[0]["resultSets"] for box in boxes):
        assert {t["name"]: t["headers"] for t in tables} == {name: headers.split() for name, headers in HEADERS.items()}
        for table in tables:
            assert {len(cells) for cells in table["rowSet"]} == {len(table["headers"])}
    assert logs[0]["parameters"]["SeasonType"] == "Regular Season"
    compact = next(out.glob("nba-com/team-boxscore/*/*/*.json")).read_bytes()
    assert compact.startswith(b'{"resource":"boxscore","parameters":{"GameID":"00222')


def test_gamebooks_list_who_played_and_who_did_not(out: Path) -> None:
    paths = sorted(out.glob("nba-com/gamebooks-data/*/*/*.json"))
    for path in paths:
        book = orjson.loads(path.read_bytes())
        assert book.keys() == keys(GAMEBOOK_KEYS)
        assert path.parent.name == book["game_code"].replace("/", "-")
        assert re.fullmatch(r"\d{8}_060000\.json", path.name)
        for row in book["active_players"]:
            assert row.keys() == keys("name team status stats")
            assert row["stats"].keys() == keys(GAMEBOOK_STATS)
            assert re.fullmatch(r"\d\d:[0-5]\d", row["stats"]["minutes"])
        for row in book["dnp_players"]:
            assert row.keys() == keys("name team status dnp_reason category")
            assert row["dnp_reason"].startswith(f"{row['category']} - ")
        for row in book["inactive_players"]:
            assert row.keys() == keys("name team status reason category")
            assert (row["status"], row["reason"]) == ("inactive", "Player Suspended")
        lists = ("active", "dnp", "inactive")
        assert [book[f"{name}_count"] for name in lists] == [len(book[f"{name}_players"]) for name in lists]
    assert any(orjson.loads(path.read_bytes())["inactive_players"] for path in paths)


def test_ball_dont_lie(out: Path) -> None:
    for document in documents(out, "ball-dont-lie/boxscores/*/*.json"):
        assert document["meta"] == {"per_page": 100}
        for row in document["data"]:
            assert row.keys() == keys(BDL_KEYS)
            assert row["game"].keys() == keys(BDL_GAME_KEYS)
            assert row["player"].keys() == keys(BDL_PLAYER_KEYS)
            assert row["team"].keys() == keys(BDL_TEAM_KEYS)
            assert re.fullmatch(r"\d\d", row["min"])
        ids = [row["id"] for row in document["data"]]
        assert len(set(ids)) == len(ids)
        assert any(row["min"] == "00" and not row["pts"] for row in document["data"])


def test_plays_have_the_documented_columns_in_the_order_of_the_clock(out: Path) -> None:
    paths = sorted(out.glob("big-data-ball/2022-23/*/*/*.csv"))
    assert paths
    for path in paths:
        named = re.fullmatch(r"\[(.{10})\]-(\d{10})-(\w{3})@(\w{3})\.csv", path.name)
        assert named
        day, game_id, *teams = named.groups()
        assert (path.parent.parent.name, path.parent.name) == (day, f"game_{game_id}")
        header, *lines, end = path.read_bytes().decode().split("\r\n")
        assert (header, end) == (CSV_HEADER, "")
        events = list(csv.DictReader([header, *lines]))
        assert [int(event["play_id"]) for event in events] == list(range(1, len(events) + 1))
        clock = [(int(event["period"]), event["elapsed"]) for event in events]
        assert clock == sorted(clock)
        kinds = Counter(event["event_type"] for event in events)
        assert kinds["start of period"] == kinds["end of period"] == clock[-1][0]
        assert {event["team"] for event in events} == {"", *teams}


def test_rosters_are_those_of_the_teams_that_play(out: Path) -> None:
    codes = set[tuple[str, str]]()
    for path in sorted(out.glob("espn/rosters/*/*/*.json")):
        team = orjson.loads(path.read_bytes())["team"]
        assert team.keys() == keys("abbreviation displayName athletes")
        assert len({athlete["id"] for athlete in team["athletes"]}) == 15
        for athlete in team["athletes"]:
            assert athlete.keys() == keys("id fullName displayName age dateOfBirth jersey position injuries")
            assert 19 <= athlete["age"] <= 38
            assert athlete["fullName"].isascii()
        codes.add((path.parent.name, team["abbreviation"]))
    assert ("team_GSW", "GS") in codes


def test_injury_reports_have_the_records_of_the_league(out: Path) -> None:
    statuses = set[str]()
    for path in sorted(out.glob("nba-com/injury-report-data/*/13/*.json")):
        report = orjson.loads(path.read_bytes())
        day = path.parents[1].name
        assert report["metadata"]["gamedate"] == day.replace("-", "")
        for record in report["records"]:
            assert record.keys() == keys("date gametime matchup team player status reason confidence")
            assert record["date"] == f"{day[5:7]}/{day[8:]}/{day[:4]}"
            assert re.fullmatch(r"\S.*, \S+", record["player"])
            assert re.fullmatch(r"[A-Z]{3}@[A-Z]{3}", record["matchup"])
            statuses.add(record["status"])
    assert statuses == {"Out", "Doubtful", "Questionable", "Probable", "Available"}


@pytest.mark.parametrize(
    ("folder", "markets"), [("game-lines-history", {"spreads", "totals"}), ("player-props-history", {"player_points"})]
)
def test_odds_stood_before_tip_off(out: Path, folder: str, markets: set[str]) -> None:
    for path in sorted(out.glob(f"odds-api/{folder}/*/*/*.json")):
        file = orjson.loads(path.read_bytes())
        event = file["data"]
        assert file.keys() == keys("timestamp previous_timestamp next_timestamp data")
        assert event.keys() == keys("id sport_key sport_title commence_time home_team away_team bookmakers")
        assert file["previous_timestamp"] < file["timestamp"] < file["next_timestamp"] <= event["commence_time"]
        assert re.fullmatch(r"[0-9a-f]{32}-[A-Z]{6}", path.parent.name)
        assert path.parent.name.startswith(event["id"])
        assert re.fullmatch(rf"\d{{8}}_060000-snap-{file['timestamp'][11:16].replace(':', '')}\.json", path.name)
        assert [book["key"] for book in event["bookmakers"]] == ["draftkings", "fanduel"]
        for book in event["bookmakers"]:
            assert {market["key"] for market in book["markets"]} == markets
            outcomes = [outcome for market in book["markets"] for outcome in market["outcomes"]]
            assert all(outcome["point"] % 1 == 0.5 and 1 < outcome["price"] < 3 for outcome in outcomes)
