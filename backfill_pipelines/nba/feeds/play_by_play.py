"""BigDataBall file of a game -> rows of bigdataball_play_by_play. Columns are read by name, in any order."""

from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from typing import Any

import pyarrow as pa
import pyarrow.compute
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
_ONE_THREAD = csv.ReadOptions(use_threads=False)
_AS_TEXT = csv.ConvertOptions(
    include_columns=list(_NEEDED),
    column_types=dict.fromkeys(_NEEDED, pa.string()),
    null_values=[""],
    strings_can_be_null=True,
)

#: pyarrow makes its functions when it is imported: no type checker sees them.
pc: Any = pyarrow.compute
_FALSE = pa.scalar(value=False)

#: Columns of text, empty cells null.
Columns = Mapping[str, pa.Array]


def parse(capture: Capture, content: bytes, book: ScheduleBook) -> Parsed:
    """Rows of one game."""
    if capture.day is None:
        raise BadFileError("unknown_shape", "no date in the path")
    parsed = Parsed()
    events = _events(content, parsed)
    if not len(events["play_id"]):
        raise BadFileError("corrupt_file", "a header and no event")
    for day in events["date"].unique().to_pylist():
        same_date(day, capture.day)
    for number in events["game_id"].unique().to_pylist():
        inside = f"{_whole('game_id', number):010d}"
        if inside != capture.nba_game_id:
            raise BadFileError("wrong_date", f"the path says game {capture.nba_game_id}, the content says {inside}")
    game = required_game(book, capture.day, capture.nba_game_id, ())
    try:
        parsed.columns = _columns(game, events)
    except UnparsableValueError:
        _add_one_by_one(parsed, game, events)
    else:
        if len(parsed.columns["event_sequence"].unique()) < parsed.size:
            parsed.columns = None
            _add_one_by_one(parsed, game, events)
    return parsed


def _add_one_by_one(parsed: Parsed, game: Game, events: Columns) -> None:
    """The rows of a file in which some cannot be read or are there twice."""
    for number in range(len(events["play_id"])):
        event = {name: column.slice(number, 1) for name, column in events.items()}
        try:
            columns = _columns(game, event)
        except UnparsableValueError as error:
            found = {name: column[0].as_py() for name, column in event.items()}
            key = f"{game.game_id}/{found['play_id']}"
            parsed.rejected.append(RejectedRow(game.day, key, "unparsable_value", str(error), found))
        else:
            parsed.rows.append({name: column[0].as_py() for name, column in columns.items()})
    deduplicate(parsed, lambda row: (row["game_id"], row["event_sequence"]))


def _events(content: bytes, parsed: Parsed) -> Columns:
    """Cells as text by column name."""
    header = content.split(b"\n", 1)[0].decode("utf-8-sig").strip().split(",")
    missing = [name for name in _NEEDED if name not in header]
    if missing:
        raise BadFileError("unknown_shape", f"the file lacks the columns {', '.join(missing)}")
    parsed.drift |= set(header) - {*_NEEDED, *_IGNORED}
    table = csv.read_csv(pa.BufferReader(content), _ONE_THREAD, convert_options=_AS_TEXT)
    return {name: table[name].combine_chunks() for name in _NEEDED}


def _columns(game: Game, events: Columns) -> dict[str, pa.Array]:
    """Columns of the table from columns of text.

    Raises:
        UnparsableValueError: a cell cannot be read.
    """
    size = len(events["play_id"])
    kinds, subtypes = events["event_type"], events["type"]
    points = _each(_POINTS, events["points"], pa.int64())
    return {
        "game_id": pa.repeat(game.game_id, size),
        "bdb_game_id": _each(_GAME, events["game_id"], pa.int64()),
        "game_date": pa.repeat(game.day, size),
        "season_year": pa.repeat(game.season_year, size),
        "event_sequence": _each(_PLAY, events["play_id"], pa.int64()),
        "period": _each(_PERIOD, events["period"], pa.int64()),
        "remaining_seconds": _each(_CLOCK, events["remaining_time"], pa.int64()),
        "elapsed_seconds": _each(_CLOCK, events["elapsed"], pa.int64()),
        "event_type": kinds.fill_null("unknown"),
        "event_subtype": subtypes,
        "event_description": events["description"],
        "team_abbr": _each(_TEAM, events["team"], pa.string()),
        "player_name": events["player"],
        "player_lookup": _each(_PLAYER, events["player"], pa.string()),
        "assist_player_lookup": _each(_PLAYER, events["assist"], pa.string()),
        "block_player_lookup": _each(_PLAYER, events["block"], pa.string()),
        "shot_made": _shot_made(kinds, events["result"]),
        "shot_type": _shot_type(kinds, subtypes, points),
        "shot_distance": _each(_DISTANCE, events["shot_distance"], pa.float64()),
        "points_scored": points,
        "original_x": _each(_X, events["original_x"], pa.float64()),
        "original_y": _each(_Y, events["original_y"], pa.float64()),
    }


def _each(read: Callable[[str | None], Any], column: pa.Array, kind: pa.DataType) -> pa.Array:
    """What every cell reads as; each distinct text is read once."""
    if column.null_count:
        read(None)  # None again, or no value that may be missing
    cells = column.dictionary_encode()
    return pa.array([read(text) for text in cells.dictionary.to_pylist()], kind).take(cells.indices)


def _is_attempt(kinds: pa.Array) -> pa.Array:
    return pc.is_in(kinds, pa.array(["shot", "miss"]))


def _shot_made(kinds: pa.Array, results: pa.Array) -> pa.Array:
    made = pc.and_(pc.equal(kinds, "shot"), pc.equal(results, "made").fill_null(_FALSE))
    return pc.if_else(_is_attempt(kinds), made, pa.scalar(None, pa.bool_()))


def _shot_type(kinds: pa.Array, subtypes: pa.Array, points: pa.Array) -> pa.Array:
    is_three = pc.or_(pc.starts_with(subtypes, "3pt").fill_null(_FALSE), pc.equal(points, 3).fill_null(_FALSE))
    of_attempt = pc.if_else(is_three, "3PT", "2PT")
    of_other = pc.if_else(pc.equal(kinds, "free throw"), "FT", pa.scalar(None, pa.string()))
    return pc.if_else(_is_attempt(kinds), of_attempt, of_other)


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
