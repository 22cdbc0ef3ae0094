"""What the tests of the NBA feeds share: a folder of sample files that can be damaged, and loading a feed from it.

Not here: running the assets (`feeds_runs`) and the catalogue of damages (`feeds_defects`).
"""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any

import orjson

from backfill_pipelines.backfill.contracts import TableContract
from backfill_pipelines.nba import tables_raw as raw
from backfill_pipelines.nba.feeds import (
    ball_dont_lie,
    captures,
    game_lines,
    gamebook,
    injury_report,
    loading,
    play_by_play,
    player_boxscore,
    player_props,
    rosters,
    schedule,
    team_boxscore,
)
from backfill_pipelines.nba.feeds.captures import Feed
from backfill_pipelines.nba.feeds.loading import Loaded
from backfill_pipelines.nba.feeds.parsed import Parsed, RejectedRow
from backfill_pipelines.nba.feeds.play_by_play_batches import parse_together
from backfill_pipelines.nba.feeds.schedule_book import Game, ScheduleBook
from backfill_pipelines.nba.raw import SAME_IN_SEVERAL_FILES
from backfill_pipelines.stores.objects import ObjectStore

#: Two dates of the sample's playoffs, with three and with two games.
DAY, NEXT_DAY = date(2023, 4, 23), date(2023, 4, 24)
DAYS = (DAY, NEXT_DAY)

#: One file of a feed, a game's or a date's, as a glob below the root.
PATTERNS = {
    "schedule": "nba-com/schedule-cdn/2022-23/*.json",
    "team_boxscore": "nba-com/team-boxscore/{day}/{game.nba_game_id}/*.json",
    "gamebook": "nba-com/gamebooks-data/{day}/*-{game.away}{game.home}/*.json",
    "bdl_boxscores": "ball-dont-lie/boxscores/{day}/*.json",
    "player_boxscore": "nba-com/player-boxscores/{day}/*.json",
    "bigdataball": "big-data-ball/2022-23/{day}/game_{game.nba_game_id}/*.csv",
    "espn_rosters": "espn/rosters/{day}/team_{game.home}/*.json",
    "injury_report": "nba-com/injury-report-data/{day}/13/*.json",
    "game_lines": "odds-api/game-lines-history/{day}/*-{game.away}{game.home}/*-snap-*.json",
    "player_props": "odds-api/player-props-history/{day}/*-{game.away}{game.home}/*-snap-*.json",
}

_FEEDS: dict[str, tuple[Feed, TableContract, Callable[..., Parsed]]] = {
    "nbac_schedule": (captures.SCHEDULE, raw.SCHEDULE, schedule.parse),
    "nbac_team_boxscore": (captures.TEAM_BOXSCORE, raw.TEAM_BOXSCORE, team_boxscore.parse_teams),
    "nbac_starting_lineups": (captures.TEAM_BOXSCORE, raw.STARTING_LINEUPS, team_boxscore.parse_players),
    "nbac_gamebook_player_stats": (captures.GAMEBOOK, raw.GAMEBOOK, gamebook.parse),
    "bdl_player_boxscores": (captures.BALL_DONT_LIE, raw.BDL_BOXSCORES, ball_dont_lie.parse),
    "nbac_player_boxscores": (captures.PLAYER_BOXSCORE, raw.PLAYER_BOXSCORES, player_boxscore.parse),
    "bigdataball_play_by_play": (captures.PLAY_BY_PLAY, raw.PLAY_BY_PLAY, play_by_play.parse),
    "espn_team_rosters": (captures.ROSTERS, raw.ROSTERS, rosters.parse),
    "nbac_injury_report": (captures.INJURIES, raw.INJURIES, injury_report.parse),
    "odds_api_game_lines": (captures.GAME_LINES, raw.GAME_LINES, game_lines.parse),
    "odds_api_player_points_props": (captures.PROPS, raw.PROPS, player_props.parse),
}
FEED_OF_TABLE = {
    "nbac_team_boxscore": "team_boxscore",
    "nbac_starting_lineups": "team_boxscore",
    "nbac_gamebook_player_stats": "gamebook",
    "bdl_player_boxscores": "bdl_boxscores",
    "nbac_player_boxscores": "player_boxscore",
    "bigdataball_play_by_play": "bigdataball",
    "espn_team_rosters": "espn_rosters",
    "nbac_injury_report": "injury_report",
    "odds_api_game_lines": "game_lines",
    "odds_api_player_points_props": "player_props",
}

#: Feeds that have two files of each game.
SNAPSHOTS = ("game_lines", "player_props")

Row = dict[str, Any]


def _snapshot(path: Path) -> str:
    """When the odds of a file stood; an evening in New York is after midnight in UTC."""
    return orjson.loads(path.read_bytes())["timestamp"] if "odds-api" in path.parts else ""


@dataclass(frozen=True)
class FeedFolder:
    """Feed files below a root; loading reads them from `other` where that is given."""

    root: Path
    other: ObjectStore | None = None

    @property
    def store(self) -> ObjectStore:
        return self.other or ObjectStore(url=str(self.root))

    def file(self, feed: str, day: date = DAY, game: Game | None = None) -> Path:
        """The file of a feed for a date, or for a game where each has its own; of odds the later snapshot."""
        pattern = PATTERNS[feed]
        if game is None and "{game" in pattern:
            game = self.games(day)[0]
        found = sorted(self.root.glob(pattern.format(day=day, game=game)), key=_snapshot)
        assert len(found) == (2 if feed in SNAPSHOTS else 1)
        return found[-1]

    def key(self, path: Path) -> str:
        return str(path.relative_to(self.root))

    def games(self, *days: date) -> list[Game]:
        """Games of the dates as the schedule file has them, by league id."""
        rows = self.load("nbac_schedule", days).table.to_pylist()
        book = [ScheduleBook.from_rows([row]).find(row["game_date"], row["nba_game_id"]) for row in rows]
        return sorted((game for game in book if game), key=lambda game: game.nba_game_id)

    def load(
        self,
        table: str,
        days: Iterable[date] = DAYS,
        games: Iterable[Game] | None = None,
        *,
        one_by_one: bool = False,
    ) -> Loaded:
        """The files of the dates as a table's asset reads them; `games` replaces what the schedule file says."""
        feed, contract, parse = _FEEDS[table]
        context: tuple[Any, ...] = ()
        if feed not in (captures.SCHEDULE, captures.ROSTERS):
            context = (ScheduleBook(self.games(*days) if games is None else games),)
        if feed is captures.GAMEBOOK:
            lineups = self.load("nbac_starting_lineups", days, games).table.to_pylist()
            context += (gamebook.roster_of(lineups),)
        checked = loading.checked(lambda capture, document: parse(capture, document, *context))
        is_batched = feed is captures.PLAY_BY_PLAY and not one_by_one
        together = partial(parse_together, book=context[0]) if is_batched else None
        loaded = loading.load(feed, contract, self.store, list(days), checked, together)
        loaded.table = loading.newest_of_each(loaded.table, SAME_IN_SEVERAL_FILES.get(contract.full_name, ()))
        return loaded

    def again(self, path: Path, stamp: str, content: bytes | None = None) -> Path:
        """Another capture of the same entity, taken at `stamp`; as good as the first unless `content` is given."""
        other = path.with_name(f"{stamp}{path.suffix}")
        other.write_bytes(path.read_bytes() if content is None else content)
        return other


@contextmanager
def edited(path: Path) -> Iterator[Any]:
    """The content of a JSON file, saved after the changes."""
    document = orjson.loads(path.read_bytes())
    yield document
    path.write_bytes(orjson.dumps(document))


@contextmanager
def edited_csv(path: Path) -> Iterator[list[list[str]]]:
    """The cells of a play-by-play file, header first, saved after the changes."""
    lines = [line.split(",") for line in path.read_bytes().decode().split("\r\n")[:-1]]
    yield lines
    path.write_bytes("".join(",".join(line) + "\r\n" for line in lines).encode())


def result_set(document: Any, name: str) -> Row:
    """Headers and rows of a stats.nba.com result set."""
    (found,) = (item for item in document["resultSets"] if item["name"] == name)
    return found


def set_cell(table: Row, row: int, column: str, value: Any) -> None:
    """Change one cell of a result set."""
    table["rowSet"][row][table["headers"].index(column)] = value


def rename_column(table: Row, old: str, new: str) -> None:
    table["headers"][table["headers"].index(old)] = new


def touch(path: Path, moment: datetime) -> None:
    """Set the modification time of a file."""
    os.utime(path, (moment.timestamp(),) * 2)


def at(text: str) -> datetime:
    return datetime.strptime(text, "%Y%m%d_%H%M%S").replace(tzinfo=UTC)


def keys_of(loaded: Loaded, *columns: str) -> set[tuple[Any, ...]]:
    return {tuple(row[column] for column in columns) for row in loaded.table.to_pylist()}


def game_ids(loaded: Loaded) -> set[str]:
    return set(loaded.table["game_id"].to_pylist())


def only_rejected(loaded: Loaded) -> RejectedRow:
    """The one row that was set aside; no file was."""
    assert loaded.set_aside == []
    ((_, row),) = loaded.rejected
    return row


def set_aside(loaded: Loaded) -> list[tuple[str, str]]:
    """Reason code and key of the files that were set aside."""
    return [(item.code, item.capture.object_key) for item in loaded.set_aside]
