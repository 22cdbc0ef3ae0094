"""The sample feeds are deterministic, and consistent between files and within a season.

Their formats are tested in test_sample_formats.
"""

import csv
import os
import re
import shutil
import subprocess
import sys
import unicodedata
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import orjson
import pytest

from backfill_pipelines.nba.sample import FeedCounts, write_feeds
from backfill_pipelines.nba.sample.calendar import WINDOWS, Fixture
from backfill_pipelines.nba.sample.rosters import rosters
from backfill_pipelines.nba.sample.season import build_season

SEED = 7
FEBRUARY = date(2023, 2, 1)
PLAY_IN, LAST_FINAL = "2023-04-11", "2023-06-12"
EXHIBITIONS = {
    "2021-22": {date(2022, 2, 18), date(2022, 2, 20)},
    "2022-23": {date(2023, 2, 17), date(2023, 2, 19)},
    "2023-24": {date(2024, 2, 16), date(2024, 2, 18)},
}
SUMMED = ("FGM", "FGA", "FG3M", "FG3A", "FTM", "FTA", "OREB", "DREB", "REB", "AST", "PF", "PTS")
SUMMED += ("STL", "BLK")

Row = dict[str, Any]


@pytest.fixture(scope="module")
def spring(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, FeedCounts]]:
    """February to the last final: some 550 games of every kind."""
    out = tmp_path_factory.mktemp("spring")
    yield out, write_feeds(out, seed=SEED, first=FEBRUARY, processes=2)
    shutil.rmtree(out)


@pytest.fixture(scope="module")
def boxes(spring: tuple[Path, FeedCounts]) -> dict[str, Row]:
    """Team box score file of every game, by game id."""
    paths = (spring[0] / "nba-com/team-boxscore").glob("*/*/*.json")
    return {path.parent.name: orjson.loads(path.read_bytes()) for path in paths}


def contents(root: Path, part: str) -> dict[str, bytes]:
    """Path and bytes of every file with `part` in its path."""
    files = (path for path in root.rglob("*") if part in str(path) and path.is_file())
    return {str(path.relative_to(root)): path.read_bytes() for path in files}


def document(root: Path, pattern: str) -> Row:
    return orjson.loads(min(root.glob(pattern)).read_bytes())


def rows(source: Row, name: str) -> list[Row]:
    table = next(table for table in source["resultSets"] if table["name"] == name)
    return [dict(zip(table["headers"], cells, strict=True)) for cells in table["rowSet"]]


def shots_by_game(out: Path, days: str) -> Iterator[tuple[str, list[Row]]]:
    for path in (out / "big-data-ball/2022-23").glob(f"{days}/*/*.csv"):
        with path.open(newline="", encoding="utf-8") as file:
            events = list(csv.DictReader(file))
        yield path.parent.name[5:], [event for event in events if event["event_type"] == "shot"]


def is_three(shot: Row) -> bool:
    return shot["type"].startswith("3pt")


def fixtures(season: str) -> list[Fixture]:
    return [game for games in build_season(season, SEED).by_day.values() for game in games]


def seconds(text: str) -> int:
    minutes, rest = text.split(":")
    return int(minutes) * 60 + int(rest)


def lookup(name: str) -> str:
    """player_lookup of the spec, as far as these names need it."""
    letters = unicodedata.normalize("NFKD", name.translate(str.maketrans("ıøđłØĐŁ", "iodlodl")))
    return re.sub("[^a-z0-9]", "", letters.casefold())


def test_another_interpreter_writes_the_same_bytes(tmp_path: Path) -> None:
    """Hash seeds and process state must not leak in: digests are compared between machines."""
    code = (
        "import sys; from datetime import date; from pathlib import Path;"
        "from backfill_pipelines.nba.sample import write_feeds; day = date(2022, 12, 7);"
        "write_feeds(Path(sys.argv[1]), seed=7, first=day, last=day)"
    )
    root = str(Path(__file__).parents[2])
    environment = {**os.environ, "PYTHONHASHSEED": "1", "PYTHONPATH": root}
    command = [sys.executable, "-c", code, str(tmp_path / "other")]
    subprocess.run(command, check=True, env=environment)
    day = date(2022, 12, 7)
    write_feeds(tmp_path / "here", seed=SEED, first=day, last=day)
    assert contents(tmp_path / "here", ".") == contents(tmp_path / "other", ".")


def test_another_seed_plays_another_season() -> None:
    assert build_season("2022-23", 1).scores != build_season("2022-23", 2).scores


@pytest.mark.parametrize("day", ["2023-02-01", "2023-02-24", PLAY_IN, LAST_FINAL])
def test_a_date_has_the_same_files_in_any_slice(spring: tuple[Path, FeedCounts], tmp_path: Path, day: str) -> None:
    parsed = date.fromisoformat(day)
    write_feeds(tmp_path, seed=SEED, first=parsed, last=parsed)
    found = contents(tmp_path, f"/{day}/")
    assert found == contents(spring[0], f"/{day}/")
    assert any("big-data-ball" in path for path in found) == (day != PLAY_IN)


def test_a_slice_cuts_the_schedule_but_not_the_records(tmp_path: Path) -> None:
    counts = write_feeds(tmp_path, seed=SEED, first=date(2023, 1, 9), last=date(2023, 1, 10))
    cut = document(tmp_path, "nba-com/schedule-cdn/2022-23/20230111_060000.json")
    dates = cut["leagueSchedule"]["gameDates"]
    assert [entry["gameDate"][:10] for entry in dates] == ["01/09/2023", "01/10/2023"]
    assert counts.dates == [date(2023, 1, 9), date(2023, 1, 10)]
    team = dates[0]["games"][0]["homeTeam"]
    assert team["wins"] + team["losses"] > 30


def test_counts_are_those_of_the_disk(spring: tuple[Path, FeedCounts]) -> None:
    sizes = [path.stat().st_size for path in spring[0].rglob("*") if path.is_file()]
    assert spring[1].files.total() == len(sizes)
    assert spring[1].sizes.total() == sum(sizes)
    days = build_season("2022-23", SEED).by_day
    assert spring[1].dates == [day for day in days if day >= FEBRUARY]


def test_an_unknown_season_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="2019-20"):
        write_feeds(tmp_path, seasons=("2019-20",))


@pytest.mark.parametrize("season", EXHIBITIONS)
def test_a_season_has_its_games_in_its_window(season: str) -> None:
    games, window, exhibitions = fixtures(season), WINDOWS[season], EXHIBITIONS[season]
    kinds = Counter(game.kind for game in games)
    assert (kinds["002"], kinds["003"], kinds["005"]) == (1230, 4, 6)
    wins = Counter(game.game_id[:-1] for game in games if game.kind == "004")
    assert len(wins) == 15
    assert set(wins.values()) <= {4, 5, 6, 7}
    days = sorted({game.day for game in games})
    assert (days[0], days[-1]) == (window.opening, window.closing)
    assert {game.day for game in games if game.kind == "003"} == exhibitions
    all_star_break = {min(exhibitions) + timedelta(days=number) for number in range(6)}
    assert all_star_break.intersection(days) == exhibitions
    assert all(window.opening + timedelta(days=number) in days for number in range(14))


@pytest.mark.parametrize("season", EXHIBITIONS)
def test_every_team_plays_82_games_and_never_three_days_in_a_row(season: str) -> None:
    games = fixtures(season)
    home = Counter(game.home for game in games if game.kind == "002")
    away = Counter(game.away for game in games if game.kind == "002")
    assert home == away == dict.fromkeys(rosters(SEED), 41)
    for team in home:
        days = [game.day for game in games if team in (game.away, game.home)]
        gaps = [(later - day).days for day, later in pairwise(days)]
        assert min(gaps) == 1
        assert (1, 1) not in set(pairwise(gaps))


def test_names_are_distinct_and_some_are_not_ascii() -> None:
    names = [player.name for players in rosters(SEED).values() for player in players]
    assert len({lookup(name) for name in names}) == len(names) == 450
    assert sum(not name.isascii() for name in names) > 20
    assert {name.rpartition(" ")[2] for name in names} >= {"Jr.", "III"}


def test_players_add_up_to_their_team(boxes: dict[str, Row]) -> None:
    minutes: Counter[str] = Counter()
    for box in boxes.values():
        for team in rows(box, "TeamStats"):
            listed = [r for r in rows(box, "PlayerStats") if r["TEAM_ID"] == team["TEAM_ID"]]
            lines = [row for row in listed if row["MIN"]]
            assert 9 <= len(lines) <= 13
            assert 1 <= len(listed) - len(lines) <= 4
            positions = [row["START_POSITION"] for row in listed]
            assert positions == [*"FFCGG", *[""] * (len(listed) - 5)]
            assert all(team[column] == sum(r[column] for r in lines) for column in SUMMED)
            assert 0 <= team["TO"] - sum(row["TO"] for row in lines) <= 3
            assert seconds(team["MIN"]) == sum(seconds(row["MIN"]) for row in lines)
            assert 5 * team["PLUS_MINUS"] == sum(row["PLUS_MINUS"] for row in lines)
            for row in (team, *lines):
                assert row["PTS"] == 2 * row["FGM"] + row["FG3M"] + row["FTM"]
                assert row["REB"] == row["OREB"] + row["DREB"]
            minutes[team["MIN"]] += 1
    assert set(minutes) == {"240:00", "265:00", "290:00"}


def test_numbers_are_plausible(boxes: dict[str, Row]) -> None:
    for box in boxes.values():
        teams = {row["TEAM_ID"]: row for row in rows(box, "TeamStats")}
        for team in teams.values():
            shooting = team["FGA"] + 0.44 * team["FTA"]
            possessions = shooting + team["TO"] - team["OREB"]
            regulations = seconds(team["MIN"]) / (240 * 60)
            assert 85 <= team["PTS"] / regulations <= 140
            assert 90 <= possessions / regulations <= 110
            assert 85 <= 100 * team["PTS"] / possessions <= 140
            assert 0.45 <= team["PTS"] / (2 * shooting) <= 0.68
        for row in (row for row in rows(box, "PlayerStats") if row["MIN"]):
            team = teams[row["TEAM_ID"]]
            events = [r["FGA"] + 0.44 * r["FTA"] + r["TO"] for r in (row, team)]
            share = 5 * seconds(row["MIN"]) / seconds(team["MIN"])
            assert share <= 1
            assert events[0] / events[1] / share < 1
            assert row["PTS"] <= 60


def test_the_schedule_has_the_scores_of_the_box_scores(spring: tuple[Path, FeedCounts], boxes: dict[str, Row]) -> None:
    schedule = document(spring[0], "nba-com/schedule-cdn/2022-23/20230613_060000.json")
    games = [game for entry in schedule["leagueSchedule"]["gameDates"] for game in entry["games"]]
    assert {game["gameId"] for game in games if game["gameId"][:3] != "003"} == boxes.keys()
    for game in (game for game in games if game["gameId"] in boxes):
        sides = game["homeTeam"], game["awayTeam"]
        totals = {row["TEAM_ID"]: row for row in rows(boxes[game["gameId"]], "TeamStats")}
        assert {side["teamId"]: side["score"] for side in sides} == {
            number: row["PTS"] for number, row in totals.items()
        }
        assert sides[0]["score"] != sides[1]["score"]
        assert ("OT" in game["gameStatusText"]) == (totals[sides[0]["teamId"]]["MIN"] != "240:00")


@pytest.mark.parametrize("day", ["2023-02-07", "2023-03-13", LAST_FINAL])
def test_shots_agree_with_the_box_score(spring: tuple[Path, FeedCounts], boxes: dict[str, Row], day: str) -> None:
    for game_id, shots in shots_by_game(spring[0], day):
        makes = [shot for shot in shots if shot["result"] == "made"]
        selections = {
            "FGA": ("player", shots),
            "FGM": ("player", makes),
            "FG3A": ("player", filter(is_three, shots)),
            "FG3M": ("player", filter(is_three, makes)),
            "AST": ("assist", makes),
            "BLK": ("block", [shot for shot in shots if shot not in makes]),
        }
        for column, (field, chosen) in selections.items():
            counts = Counter(lookup(shot[field]) for shot in chosen if shot[field])
            lines = rows(boxes[game_id], "PlayerStats")
            assert counts == Counter({lookup(r["PLAYER_NAME"]): r[column] or 0 for r in lines})
        assert all(int(shot["points"]) == 2 + is_three(shot) for shot in makes)
        for shot in shots:
            assert int(shot["shot_distance"]) in (range(22, 31) if is_three(shot) else range(23))


def test_zones_are_shot_as_in_the_league(spring: tuple[Path, FeedCounts]) -> None:
    tried: Counter[str] = Counter()
    made: Counter[str] = Counter()
    for _, shots in shots_by_game(spring[0], "2023-03-*"):
        for shot in shots:
            two = "paint" if int(shot["shot_distance"]) <= 8 else "mid_range"
            zone = "three" if is_three(shot) else two
            tried[zone] += 1
            made[zone] += shot["result"] == "made"
    expected = {"paint": (0.45, 0.58), "mid_range": (0.20, 0.42), "three": (0.35, 0.36)}
    for zone, (share, rate) in expected.items():
        assert tried[zone] / tried.total() == pytest.approx(share, abs=0.02)
        assert made[zone] / tried[zone] == pytest.approx(rate, abs=0.02)


def test_ball_dont_lie_rounds_minutes_and_drops_diacritics(
    spring: tuple[Path, FeedCounts], boxes: dict[str, Row]
) -> None:
    whole_minutes: Counter[tuple[str, int]] = Counter()
    names: dict[str, set[str]] = {}
    for path in (spring[0] / "ball-dont-lie/boxscores").glob("*/*.json"):
        for row in orjson.loads(path.read_bytes())["data"]:
            name = f"{row['player']['first_name']} {row['player']['last_name']}"
            assert name.isascii()
            game_id = f"{row['game']['id']:010d}"
            names.setdefault(game_id, set()).add(lookup(name))
            whole_minutes[game_id, row["team"]["abbreviation"]] += int(row["min"])
    for game_id, box in boxes.items():
        assert names[game_id] == {lookup(r["PLAYER_NAME"]) for r in rows(box, "PlayerStats")}
        for team in rows(box, "TeamStats"):
            total = whole_minutes[game_id, team["TEAM_ABBREVIATION"]]
            assert abs(total - int(team["MIN"][:3])) <= 4
