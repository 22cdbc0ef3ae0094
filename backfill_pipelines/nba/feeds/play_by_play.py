"""BigDataBall file of a game -> rows of bigdataball_play_by_play. Columns are read by name, in any order."""

import io
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
from pyarrow import csv

from backfill_pipelines.nba.feeds.captures import Capture
from backfill_pipelines.nba.feeds.parsed import (
    BadFileError,
    Parsed,
    RejectedRow,
    Row,
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


def parse(capture: Capture, content: bytes, book: ScheduleBook) -> Parsed:
    """Rows of one game."""
    if capture.day is None:
        raise BadFileError("unknown_shape", "no date in the path")
    parsed = Parsed()
    events = list(_events(content, parsed))
    if not events:
        raise BadFileError("corrupt_file", "a header and no event")
    for day in dict.fromkeys(event["date"] for event in events):
        same_date(day, capture.day)
    for number in dict.fromkeys(event["game_id"] for event in events):
        inside = f"{_whole(number, 'game_id'):010d}"
        if inside != capture.nba_game_id:
            raise BadFileError("wrong_date", f"the path says game {capture.nba_game_id}, the content says {inside}")
    game = required_game(book, capture.day, capture.nba_game_id, ())
    for event in events:
        try:
            parsed.rows.append(_row(game, event))
        except UnparsableValueError as error:
            key = f"{game.game_id}/{event['play_id']}"
            parsed.rejected.append(RejectedRow(game.day, key, "unparsable_value", str(error), event))
    deduplicate(parsed, lambda row: (row["game_id"], row["event_sequence"]))
    return parsed


def _events(content: bytes, parsed: Parsed) -> Iterator[dict[str, str | None]]:
    """Rows as text by column name; empty cells are None."""
    header = content.split(b"\n", 1)[0].decode("utf-8-sig").strip().split(",")
    missing = [name for name in _NEEDED if name not in header]
    if missing:
        raise BadFileError("unknown_shape", f"the file lacks the columns {', '.join(missing)}")
    parsed.drift |= set(header) - {*_NEEDED, *_IGNORED}
    table = csv.read_csv(
        io.BytesIO(content),
        read_options=csv.ReadOptions(use_threads=False),
        convert_options=csv.ConvertOptions(
            include_columns=list(_NEEDED),
            column_types=dict.fromkeys(_NEEDED, pa.string()),
            null_values=[""],
            strings_can_be_null=True,
        ),
    )
    columns = [table[name].to_pylist() for name in _NEEDED]
    return (dict(zip(_NEEDED, values, strict=True)) for values in zip(*columns, strict=True))


def _row(game: Game, event: dict[str, Any]) -> Row:
    kind, subtype, scored = (
        event["event_type"],
        event["type"],
        _whole(event["points"], "points", optional=True),
    )
    made = (kind == "shot" and event["result"] == "made") if kind in _ATTEMPTS else None
    return {
        "game_id": game.game_id,
        "bdb_game_id": _whole(event["game_id"], "game_id"),
        "game_date": game.day,
        "season_year": game.season_year,
        "event_sequence": _whole(event["play_id"], "play_id"),
        "period": _whole(event["period"], "period"),
        "remaining_seconds": _seconds(event["remaining_time"]),
        "elapsed_seconds": _seconds(event["elapsed"]),
        "event_type": kind or "unknown",
        "event_subtype": subtype,
        "event_description": event["description"],
        "team_abbr": team_code(event["team"]),
        "player_name": event["player"],
        "player_lookup": player_lookup(event["player"]) if event["player"] else None,
        "assist_player_lookup": player_lookup(event["assist"]) if event["assist"] else None,
        "block_player_lookup": player_lookup(event["block"]) if event["block"] else None,
        "shot_made": made,
        "shot_type": _shot_type(kind, subtype, scored),
        "shot_distance": _number(event["shot_distance"], "shot_distance"),
        "points_scored": scored,
        "original_x": _number(event["original_x"], "original_x"),
        "original_y": _number(event["original_y"], "original_y"),
    }


def _shot_type(kind: str | None, subtype: str | None, scored: int | None) -> str | None:
    if kind == "free throw":
        return "FT"
    if kind not in _ATTEMPTS:
        return None
    return "3PT" if (subtype or "").startswith("3pt") or scored == 3 else "2PT"  # a three


def _whole(text: str | None, name: str, *, optional: bool = False) -> Any:
    if text is None and optional:
        return None
    try:
        return int(text or "")
    except ValueError as error:
        raise UnparsableValueError(f"{name} {text!r}") from error


def _number(text: str | None, name: str) -> float | None:
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
