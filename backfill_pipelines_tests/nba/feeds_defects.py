"""One function for each kind of damage that feeds are known to have; it damages the files of a date.

The kinds are those of the reference tool's --defects. Each returns what a test needs to find the traces again.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from backfill_pipelines.nba.feeds.schedule_book import Game
from backfill_pipelines_tests.nba.feeds_support import FeedFolder, edited, edited_csv

Row = dict[str, Any]


@dataclass
class Place:
    """A date to damage: its files, and the game that the damage is about."""

    feeds: FeedFolder
    day: date
    game: Game
    games: list[Game]
    #: Contents before the damage; None for files that were not there.
    before: dict[Path, bytes | None] = field(default_factory=dict)

    def file(self, feed: str, game: Game | None = None) -> Path:
        return self.remember(self.feeds.file(feed, self.day, game or self.game))

    def remember(self, path: Path) -> Path:
        self.before.setdefault(path, path.read_bytes() if path.exists() else None)
        return path

    def drop(self, feed: str, game: Game | None = None) -> None:
        self.file(feed, game).unlink()

    @contextmanager
    def scorer(self) -> Iterator[Row]:
        """The gamebook's entry of the first player with points."""
        with edited(self.file("gamebook")) as book:
            yield next(entry for entry in book["active_players"] if entry["stats"]["points"] > 4)

    def repair(self) -> None:
        for path, content in self.before.items():
            if content is None:
                path.unlink()
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)


def team_boxscore_missing_game(place: Place) -> Row:
    place.drop("team_boxscore")
    return {}


def gamebooks_missing_date(place: Place) -> Row:
    for game in place.games:
        place.drop("gamebook", game)
    return {}


def player_sources_missing_date(place: Place) -> Row:
    place.drop("bdl_boxscores")
    return gamebooks_missing_date(place)


def bigdataball_missing_game(place: Place) -> Row:
    place.drop("bigdataball")
    return {}


def truncated_json(place: Place) -> Row:
    path = place.file("team_boxscore")
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 3 // 5])
    return {"key": place.feeds.key(path)}


def empty_file(place: Place) -> Row:
    path = place.file("bdl_boxscores")
    path.write_bytes(b"")
    return {"key": place.feeds.key(path)}


def newer_capture_corrected(place: Place) -> Row:
    stamp = f"{place.day + timedelta(days=1):%Y%m%d}_180000"
    path = place.remember(place.file("gamebook").with_name(f"{stamp}.json"))
    place.feeds.again(place.file("gamebook"), stamp)
    with edited(path) as book:
        book["active_players"][0]["stats"]["assists"] += 1
        entry = book["active_players"][0]
    return {"player": entry["name"], "assists": entry["stats"]["assists"], "key": place.feeds.key(path)}


def reversed_game_code(place: Place) -> Row:
    game, old = place.game, place.file("gamebook")
    code = f"{game.home}{game.away}"
    new = place.remember(old.parent.with_name(f"{place.day:%Y%m%d}-{code}") / old.name)
    with edited(old) as book:
        book |= {
            "game_code": f"{place.day:%Y%m%d}/{code}",
            "matchup": f"{game.home}@{game.away}",
            "away_team": game.home,
            "home_team": game.away,
        }
    new.parent.mkdir()
    old.rename(new)
    return {"game_code": f"{place.day:%Y%m%d}/{code}"}


def postponed_id_reused(place: Place) -> Row:
    """An unplayed row of the game's id on the day before."""
    earlier = place.day - timedelta(days=1)
    with edited(place.file("schedule")) as document:
        dates = {entry["gameDate"][:10]: entry["games"] for entry in document["leagueSchedule"]["gameDates"]}
        played = next(g for g in dates[f"{place.day:%m/%d/%Y}"] if g["gameId"] == place.game.nba_game_id)
        twin = deepcopy(played) | {"gameStatus": 1, "gameStatusText": "PPD", "postponedStatus": "Y"}
        twin["gameDateEst"] = f"{earlier}T00:00:00Z"
        twin["homeTeam"]["score"] = twin["awayTeam"]["score"] = 0
        dates[f"{earlier:%m/%d/%Y}"].append(twin)
    return {"earlier": earlier}


def dnp_null_team(place: Place) -> Row:
    with edited(place.file("gamebook")) as book:
        entry = book["dnp_players"][0]
        team, entry["team"] = entry["team"], None
    return {"player": entry["name"], "team": team}


def zero_minutes(place: Place) -> Row:
    with edited(place.file("gamebook")) as book:
        entry = book["dnp_players"].pop()
        zeros = dict.fromkeys(book["active_players"][0]["stats"], 0) | {"minutes": "0:00"}
        book["active_players"].append(
            {"name": entry["name"], "team": entry["team"], "status": "active", "stats": zeros}
        )
    return {"player": entry["name"]}


def csv_unknown_columns(place: Place) -> Row:
    with edited_csv(place.file("bigdataball")) as lines:
        for number, line in enumerate(lines):
            line.insert(0, "2" if number else "feed_version")
            line.append("" if number else "shot_clock")
    return {"columns": ["feed_version", "shot_clock"]}


def player_listed_twice(place: Place) -> Row:
    with edited(place.file("gamebook")) as book:
        book["active_players"].append(book["active_players"][0])
        return {"player": book["active_players"][0]["name"]}


def absurd_points(place: Place) -> Row:
    with place.scorer() as entry:
        was, entry["stats"]["points"] = entry["stats"]["points"], 400
    return {"player": entry["name"], "was": was}


def uppercase_team_name(place: Place) -> Row:
    with edited(place.file("gamebook")) as book:
        entries = [*book["active_players"], *book["dnp_players"], *book["inactive_players"]]
        home = entries[-1]["team"]
        for entry in entries:
            entry["team"] = entry["team"].upper() if entry["team"] == home else entry["team"]
    return {"team": home}


KINDS: dict[str, Callable[[Place], Row]] = {
    kind.__name__: kind
    for kind in (
        team_boxscore_missing_game,
        gamebooks_missing_date,
        player_sources_missing_date,
        bigdataball_missing_game,
        truncated_json,
        empty_file,
        newer_capture_corrected,
        reversed_game_code,
        postponed_id_reused,
        dnp_null_team,
        zero_minutes,
        csv_unknown_columns,
        player_listed_twice,
        absurd_points,
        uppercase_team_name,
    )
}


@dataclass(frozen=True)
class Planted:
    """A damage and where it is."""

    kind: str
    place: Place
    values: Row

    @property
    def day(self) -> date:
        return self.place.day

    @property
    def game_id(self) -> str:
        return self.place.game.game_id


def plant(feeds: FeedFolder, days: list[date]) -> dict[str, Planted]:
    """Every kind on a date of its own, in the order of the dates."""
    games: dict[date, list[Game]] = {}
    for game in feeds.games(*days):
        games.setdefault(game.day, []).append(game)
    fit = [day for day in days if len(games.get(day, ())) > 2]
    assert len(fit) >= len(KINDS), "not enough dates with three games"
    planted = {}
    for (kind, damage), day in zip(KINDS.items(), fit, strict=False):
        place = Place(feeds, day, games[day][0], games[day])
        planted[kind] = Planted(kind, place, damage(place))
    return planted
