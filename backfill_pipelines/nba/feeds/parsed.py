"""What parsing gives: rows, rows set aside, files set aside, drift. And the rules that every parser shares."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pyarrow as pa

from backfill_pipelines.nba.feeds.schedule_book import Game, ScheduleBook
from backfill_pipelines.nba.names import UnparsableValueError

Row = dict[str, Any]


class BadFileError(Exception):
    """A file that cannot be used, as a whole or for one game; ``code`` is its reason code."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail


class BadRowError(Exception):
    """A row that cannot be used; ``code`` is its reason code."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


@dataclass(frozen=True)
class RejectedRow:
    """One row set aside."""

    day: date
    key: str
    code: str
    detail: str
    payload: Mapping[str, Any]


@dataclass
class Parsed:
    """What one file gives."""

    rows: list[Row] = field(default_factory=list)
    #: The rows as Arrow columns instead, all of one length, from a parser that reads whole columns.
    columns: Mapping[str, pa.Array] | None = None
    rejected: list[RejectedRow] = field(default_factory=list)
    #: Parts of a file of many games that belong to no game: (league game id or None, reason code, detail).
    bad_games: list[tuple[str | None, str, str]] = field(default_factory=list)
    #: Columns or fields that nobody knows.
    drift: set[str] = field(default_factory=set)
    #: What is odd but not wrong, in words.
    notes: list[str] = field(default_factory=list)

    def reject(self, day: date, key: str, error: BadRowError | UnparsableValueError, source: Mapping[str, Any]) -> None:
        """Set a row aside for what was raised while it was made."""
        code = error.code if isinstance(error, BadRowError) else "unparsable_value"
        self.rejected.append(RejectedRow(day, key, code, str(error), source))

    @property
    def size(self) -> int:
        """Number of rows."""
        return len(self.rows) if self.columns is None else len(next(iter(self.columns.values())))


def required_game(book: ScheduleBook, day: date, nba_game_id: str | None, teams: Iterable[str | None]) -> Game:
    """The counted game that a file is about.

    Raises:
        BadFileError: ``unknown_game`` or ``unsupported_competition``.
    """
    named = list(teams)
    game = book.find(day, nba_game_id, named)
    if game is None:
        raise BadFileError(
            "unknown_game",
            f"no schedule row on {day} for game {nba_game_id or '?'} {named}. Load nbac_schedule of {day} first, or "
            "move the file to its own date",
        )
    if not game.counts:
        raise BadFileError("unsupported_competition", f"{game.game_id} is a {game.game_type} game")
    return game


def same_date(found: str | None, day: date) -> None:
    """Refuse a file whose content is about another day than its path.

    Raises:
        BadFileError: ``wrong_date``.
    """
    if found is not None and found[:10] != day.isoformat():
        raise BadFileError("wrong_date", f"the path says {day}, the content says {found}")


def result_set(document: Any, name: str, needed: Sequence[str], parsed: Parsed, known: Iterable[str]) -> list[Row]:
    """Rows of a stats.nba.com result set by column name; unknown columns are noted as drift.

    Raises:
        BadFileError: ``unknown_shape`` when the set or a needed column is missing.
    """
    sets = [item for item in document["resultSets"] if item["name"] == name]
    if not sets:
        raise BadFileError("unknown_shape", f"no result set {name}")
    headers = sets[0]["headers"]
    missing = [column for column in needed if column not in headers]
    if missing:
        raise BadFileError("unknown_shape", f"result set {name} lacks {', '.join(missing)}")
    parsed.drift |= {str(header) for header in headers} - set(known)
    return [dict(zip(headers, values, strict=True)) for values in sets[0]["rowSet"]]


def deduplicate(parsed: Parsed, key: Callable[[Row], tuple[Any, ...]], day: str = "game_date") -> None:
    """Equal rows become one; rows of one key that differ are all set aside as ``conflicting_duplicate``.

    ``day`` is the column of the partition.
    """
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in parsed.rows:
        group = groups.setdefault(key(row), [])
        if row not in group:
            group.append(row)
    parsed.rows = [group[0] for group in groups.values() if len(group) == 1]
    for group_key, group in groups.items():
        for row in group if len(group) > 1 else ():
            detail = f"{len(group)} rows of one key differ; correct the feed or capture it again"
            name = "/".join(map(str, group_key))
            parsed.rejected.append(RejectedRow(row[day], name, "conflicting_duplicate", detail, row))


def payload_text(payload: Mapping[str, Any]) -> str:
    """A row as JSON text for the quarantine."""
    return json.dumps(payload, ensure_ascii=False, default=str, sort_keys=True)
