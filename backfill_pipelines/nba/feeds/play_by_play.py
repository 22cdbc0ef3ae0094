"""BigDataBall file of a game -> rows of bigdataball_play_by_play. Columns are read by name, in any order."""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, partial
from typing import Any

import pyarrow as pa
from pyarrow import csv

from backfill_pipelines.nba.feeds.captures import Capture
from backfill_pipelines.nba.feeds.parsed import (
    BadFileError,
    Parsed,
    RejectedRow,
    deduplicate,
    required_game,
    same_date,
)
from backfill_pipelines.nba.feeds.schedule_book import Game, ScheduleBook
from backfill_pipelines.nba.names import UnparsableValueError, player_lookup, team_code

_NEEDED = (
    *(
        "game_id",
        "date",
        "period",
        "remaining_time",
        "elapsed",
        "play_id",
        "team",
        "event_type",
        "assist",
        "block",
    ),
    *("player", "points", "result", "type", "shot_distance", "original_x", "original_y", "description"),
)
_IGNORED = (
    *("data_set", "a1", "a2", "a3", "a4", "a5", "h1", "h2", "h3", "h4", "h5", "away_score", "home_score"),
    *("play_length", "away", "home", "entered", "left", "num", "opponent", "outof", "possession", "reason"),
    *("steal", "converted_x", "converted_y"),
)
_ATTEMPTS = {"shot", "miss"}
_ONE_THREAD = csv.ReadOptions(use_threads=False)
AS_TEXT = csv.ConvertOptions(
    include_columns=list(_NEEDED),
    column_types=dict.fromkeys(_NEEDED, pa.string()),
    null_values=[""],
    strings_can_be_null=True,
)

Columns = Mapping[str, Sequence[str | None]]


def parse(capture: Capture, content: bytes, book: ScheduleBook) -> Parsed:
    """Rows of one game."""
    if capture.day is None:
        raise BadFileError("unknown_shape", "no date in the path")
    parsed = Parsed()
    events = _events(content, parsed)
    if not events["play_id"]:
        raise BadFileError("corrupt_file", "a header and no event")
    for day in dict.fromkeys(events["date"]):
        same_date(day, capture.day)
    for number in dict.fromkeys(events["game_id"]):
        inside = f"{_whole('game_id', number):010d}"
        if inside != capture.nba_game_id:
            raise BadFileError("wrong_date", f"the path says game {capture.nba_game_id}, the content says {inside}")
    game = required_game(book, capture.day, capture.nba_game_id, ())
    try:
        parsed.columns = _columns(game, events)
    except UnparsableValueError:
        _add_one_by_one(parsed, game, events)
    else:
        if len(set(parsed.columns["event_sequence"])) < parsed.size:
            parsed.columns = None
            _add_one_by_one(parsed, game, events)
    return parsed


def _add_one_by_one(parsed: Parsed, game: Game, events: Columns) -> None:
    """The rows of a file in which some cannot be read or are there twice."""
    for values in zip(*events.values(), strict=True):
        event = dict(zip(events, values, strict=True))
        try:
            columns = _columns(game, {name: [value] for name, value in event.items()})
        except UnparsableValueError as error:
            key = f"{game.game_id}/{event['play_id']}"
            parsed.rejected.append(RejectedRow(game.day, key, "unparsable_value", str(error), event))
        else:
            parsed.rows.append({name: value for name, (value,) in columns.items()})
    deduplicate(parsed, lambda row: (row["game_id"], row["event_sequence"]))


def _events(content: bytes, parsed: Parsed) -> Columns:
    """Cells as text by column name; empty ones are None."""
    header = _header(content.split(b"\n", 1)[0])
    missing = [name for name in _NEEDED if name not in header]
    if missing:
        raise BadFileError("unknown_shape", f"the file lacks the columns {', '.join(missing)}")
    parsed.drift |= set(header) - {*_NEEDED, *_IGNORED}
    table = csv.read_csv(pa.BufferReader(content), _ONE_THREAD, convert_options=AS_TEXT)
    return {name: table[name].to_pylist() for name in _NEEDED}


def _header(line: bytes) -> list[str]:
    return line.decode("utf-8-sig").strip().split(",")


def is_known_header(line: bytes) -> bool:
    """Whether the columns of a header are those that we know, with all that are needed."""
    header = _header(line)
    return set(_NEEDED) <= set(header) <= {*_NEEDED, *_IGNORED} and len(set(header)) == len(header)


def _columns(game: Game, events: Columns) -> dict[str, Sequence[Any]]:
    """Columns of the table from columns of text.

    Raises:
        UnparsableValueError: a cell cannot be read.
    """
    size = len(events["play_id"])
    of_game = {"game_id": game.game_id, "game_date": game.day, "season_year": game.season_year}
    columns: dict[str, Sequence[Any]] = {name: [value] * size for name, value in of_game.items()}
    return columns | {name: list(map(READ[name], *(events[c] for c in cells))) for name, cells in CELLS.items()}


def _shot_made(kind: str | None, result: str | None) -> bool | None:
    return (kind == "shot" and result == "made") if kind in _ATTEMPTS else None


def _shot_type(kind: str | None, subtype: str | None, points: str | None) -> str | None:
    scored = _POINTS(points)
    if kind == "free throw":
        return "FT"
    if kind not in _ATTEMPTS:
        return None
    return "3PT" if (subtype or "").startswith("3pt") or scored == 3 else "2PT"  # a three


def _whole(name: str, text: str | None) -> int:
    try:
        return int(text or "")
    except ValueError as error:
        raise UnparsableValueError(f"{name} {text!r}") from error


def _optional_whole(name: str, text: str | None) -> int | None:
    return None if text is None else _whole(name, text)


def _number(name: str, text: str | None) -> float | None:
    if text is None:
        return None
    try:
        return float(text)
    except ValueError as error:
        raise UnparsableValueError(f"{name} {text!r}") from error


def _seconds(clock: str | None) -> int | None:
    """Seconds of ``H:MM:SS``."""
    if clock is None:
        return None
    try:
        hours, minutes, seconds = clock.split(":")
        return 3600 * int(hours) + 60 * int(minutes) + int(seconds)
    except ValueError as error:
        raise UnparsableValueError(f"clock {clock!r}") from error


def _lookup(name: str | None) -> str | None:
    return player_lookup(name) if name else None


#: Most cells repeat: each form is read once. Clocks, players and places on the court are a few thousand.
_cached = lru_cache(maxsize=20_000)
_POINTS = _cached(partial(_optional_whole, "points"))
_GAME, _PLAY, _PERIOD = (_cached(partial(_whole, name)) for name in ("game_id", "play_id", "period"))
_DISTANCE, _X, _Y = (_cached(partial(_number, name)) for name in ("shot_distance", "original_x", "original_y"))
_CLOCK, _TEAM, _PLAYER = _cached(_seconds), _cached(team_code), _cached(_lookup)


def _as_it_is(text: str | None) -> str | None:
    return text


#: The cells of the file that a column is read from, and how.
CELLS: dict[str, tuple[str, ...]] = {
    "bdb_game_id": ("game_id",),
    "event_sequence": ("play_id",),
    "period": ("period",),
    "remaining_seconds": ("remaining_time",),
    "elapsed_seconds": ("elapsed",),
    "event_type": ("event_type",),
    "event_subtype": ("type",),
    "event_description": ("description",),
    "team_abbr": ("team",),
    "player_name": ("player",),
    "player_lookup": ("player",),
    "assist_player_lookup": ("assist",),
    "block_player_lookup": ("block",),
    "shot_made": ("event_type", "result"),
    "shot_type": ("event_type", "type", "points"),
    "shot_distance": ("shot_distance",),
    "points_scored": ("points",),
    "original_x": ("original_x",),
    "original_y": ("original_y",),
}
READ: dict[str, Callable[..., Any]] = {
    "bdb_game_id": _GAME,
    "event_sequence": _PLAY,
    "period": _PERIOD,
    "remaining_seconds": _CLOCK,
    "elapsed_seconds": _CLOCK,
    "event_type": lambda kind: kind or "unknown",
    "event_subtype": _as_it_is,
    "event_description": _as_it_is,
    "team_abbr": _TEAM,
    "player_name": _as_it_is,
    "player_lookup": _PLAYER,
    "assist_player_lookup": _PLAYER,
    "block_player_lookup": _PLAYER,
    "shot_made": _cached(_shot_made),
    "shot_type": _cached(_shot_type),
    "shot_distance": _DISTANCE,
    "points_scored": _POINTS,
    "original_x": _X,
    "original_y": _Y,
}
