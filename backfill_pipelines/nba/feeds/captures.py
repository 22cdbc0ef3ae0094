"""Where each feed keeps its files, what entity a file describes, and which of its captures comes first."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from backfill_pipelines.nba.seasons import season_of
from backfill_pipelines.stores.objects import ObjectInfo, ObjectStore

_STAMP = re.compile(r"(\d{8}_\d{6})(?:-snap-\d{4})?\.\w+$")
_DAY = re.compile(r"/(\d{4}-\d{2}-\d{2})/")
_GAME_ID = re.compile(r"/(?:game_)?(\d{10})/")


@dataclass(frozen=True)
class Feed:
    """One feed: folders of a date, and the depth of the path that names an entity.

    ``entity_depth`` counts path parts from the left: captures of one entity share them.
    """

    name: str
    folders: Callable[[date], Sequence[str]]
    entity_depth: int
    suffix: str = ".json"


@dataclass(frozen=True)
class Capture:
    """One captured response: a file, the entity it describes, and when it was taken (UTC)."""

    feed: str
    object_key: str
    entity: str
    taken_at: datetime
    size: int
    day: date | None
    nba_game_id: str | None


def _season_folders(day: date) -> Sequence[str]:
    season = season_of(day)
    return [f"nba-com/{folder}/{season.name}" for folder in ("schedule-cdn", "schedule")] if season else []


def _season_name(day: date) -> str:
    season = season_of(day)
    return season.name if season else "off-season"


SCHEDULE = Feed("schedule", _season_folders, 3)
TEAM_BOXSCORE = Feed("team_boxscore", lambda day: [f"nba-com/team-boxscore/{day}"], 4)
GAMEBOOK = Feed("gamebook", lambda day: [f"nba-com/gamebooks-data/{day}"], 4)
BALL_DONT_LIE = Feed("bdl_boxscores", lambda day: [f"ball-dont-lie/boxscores/{day}"], 3)
PLAYER_BOXSCORE = Feed("player_boxscore", lambda day: [f"nba-com/player-boxscores/{day}"], 3)
PLAY_BY_PLAY = Feed("bigdataball", lambda day: [f"big-data-ball/{_season_name(day)}/{day}"], 4, ".csv")
ROSTERS = Feed("espn_rosters", lambda day: [f"espn/rosters/{day}"], 4)
INJURIES = Feed("injury_report", lambda day: [f"nba-com/injury-report-data/{day}"], 4)
# A file of odds is an entity of its own: every snapshot counts, and no name says which snapshot the feed gave.
GAME_LINES = Feed("game_lines", lambda day: [f"odds-api/game-lines-history/{day}"], 5)
PROPS = Feed("player_props", lambda day: [f"odds-api/player-props-history/{day}"], 5)


def captures(feed: Feed, store: ObjectStore, days: Iterable[date]) -> dict[str, list[Capture]]:
    """Captures of every entity of the days, best first: newest stamp, then greatest key."""
    folders = sorted({folder for day in days for folder in feed.folders(day)})
    found: dict[str, list[Capture]] = {}
    for info in store.find(folders):
        if info.key.endswith(feed.suffix):
            capture = _capture(feed, info)
            found.setdefault(capture.entity, []).append(capture)
    for versions in found.values():
        versions.sort(key=lambda capture: (capture.taken_at, capture.object_key), reverse=True)
    return found


def _capture(feed: Feed, info: ObjectInfo) -> Capture:
    day, game = _DAY.search(info.key), _GAME_ID.search(info.key)
    entity = "/".join(info.key.split("/")[: feed.entity_depth])
    if feed is SCHEDULE:
        # Both schedule folders hold captures of the same entity, the season.
        entity = info.key.split("/")[2]
    return Capture(
        feed=feed.name,
        object_key=info.key,
        entity=entity,
        taken_at=_taken_at(info),
        size=info.size,
        day=date.fromisoformat(day[1]) if day else None,
        nba_game_id=game[1] if game else None,
    )


def _taken_at(info: ObjectInfo) -> datetime:
    """The stamp in the name; without a possible one, the time of the last change."""
    stamp = _STAMP.search(info.key)
    try:
        return datetime.strptime(stamp[1], "%Y%m%d_%H%M%S").replace(tzinfo=UTC) if stamp else info.modified
    except ValueError:
        return info.modified
