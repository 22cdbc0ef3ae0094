"""Injury report of a day and hour -> rows of nbac_injury_report.

A report lists games of its own day and often of the next. A row belongs to the partition of its game date and only
the folder of that date fills it, so that a date is the same however a range of dates is cut; rows of other game dates
are left out and counted in a note.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Any

from backfill_pipelines.nba.feeds.captures import Capture
from backfill_pipelines.nba.feeds.parsed import (
    BadFileError,
    BadRowError,
    Parsed,
    Row,
    deduplicate,
    required_game,
    same_date,
)
from backfill_pipelines.nba.feeds.schedule_book import Game, ScheduleBook
from backfill_pipelines.nba.names import UnparsableValueError, number, player_lookup, team_code

STATUSES = frozenset({"out", "doubtful", "questionable", "probable", "available"})

_KNOWN = {"date", "gametime", "matchup", "team", "player", "status", "reason", "confidence"}
_LAST_HOUR = 23


def parse(capture: Capture, document: Any, book: ScheduleBook) -> Parsed:
    """Rows of the games of the report's own day; a game that is not on the schedule is set aside."""
    if capture.day is None:
        raise BadFileError("unknown_shape", "no date in the path")
    hour, parsed = _hour(capture), Parsed()
    by_matchup = dict[str, list[Row]]()
    for source in _records(capture.day, hour, document, parsed):
        by_matchup.setdefault(source["matchup"], []).append(source)
    for matchup, listed in by_matchup.items():
        try:
            game = required_game(book, capture.day, None, [team_code(side) for side in matchup.split("@")])
        except BadFileError as error:
            parsed.bad_games.append((None, error.code, f"{matchup}: {error.detail}"))
            continue
        for source in listed:
            _add(parsed, game, hour, source)
    deduplicate(parsed, lambda row: (row["game_date"], row["report_hour"], row["player_lookup"]))
    return parsed


def _hour(capture: Capture) -> int:
    text = capture.entity.rsplit("/", 1)[1]
    if not text.isdecimal() or int(text) > _LAST_HOUR:
        raise BadFileError("unknown_shape", f"the folder {text!r} is no hour of the day")
    return int(text)


def _records(day: date, hour: int, document: Any, parsed: Parsed) -> Iterator[Row]:
    """Records about games of the day. A report is a list of records; newer ones have it beside their metadata."""
    records = document if isinstance(document, list) else _checked_records(day, hour, document)
    if document == []:
        raise BadFileError("unknown_shape", "an empty list is no report")
    others: dict[date, int] = {}
    for source in records:
        parsed.drift |= source.keys() - _KNOWN
        game_date = _date(source["date"])
        if game_date == day:
            yield source
        else:
            others[game_date] = others.get(game_date, 0) + 1
    for other, rows in sorted(others.items()):
        parsed.notes.append(f"other_game_date: {rows} rows of {other} in the report of {day} {hour:02d}h are left out")


def _checked_records(day: date, hour: int, document: Mapping[str, Any]) -> list[Row]:
    said = document["metadata"]
    if said.get("gamedate"):
        same_date(re.sub(r"^(\d{4})(\d{2})(\d{2})$", r"\1-\2-\3", said["gamedate"]), day)
    if said.get("hour24") and int(said["hour24"]) != hour:
        raise BadFileError("wrong_date", f"the path says hour {hour}, the content says {said['hour24']}")
    missing = said.get("no_data_reason") or document.get("no_data_reason")
    if missing and not document["records"]:
        raise BadFileError("empty_file", f"no report was captured: {missing}")
    return document["records"]


def _date(text: str) -> date:
    """``03/15/2025``, ``03/15/25`` or ``2025-03-15``."""
    for form in ("%m/%d/%Y", "%m/%d/%y", "%Y-%m-%d"):
        try:
            return datetime.strptime(text, form).date()  # noqa: DTZ007 # a calendar day has no zone
        except ValueError:
            continue
    raise BadFileError("unknown_shape", f"{text!r} is no date")


def _add(parsed: Parsed, game: Game, hour: int, source: Row) -> None:
    report = {"report_date": game.day, "report_hour": hour, "game_date": game.day, "game_id": game.game_id}
    try:
        parsed.rows.append(report | {"matchup": source["matchup"], "team_abbr": _team(game, source)} | _said(source))
    except (BadRowError, UnparsableValueError) as error:
        parsed.reject(game.day, f"{game.game_id}/{hour:02d}h/{source['player']}", error, source)


def _team(game: Game, source: Row) -> str | None:
    """The team, which is empty where the report reader lost it."""
    team = team_code(source["team"])
    if source["team"] and team not in (game.home, game.away):
        detail = f"team {source['team']!r} does not play in {game.game_id}; correct the feed"
        raise BadRowError("unknown_team", detail)
    return team


def _said(source: Row) -> Row:
    """Who is listed, how, and how sure the report reader was."""
    name, status = source["player"], (source["status"] or "").strip().lower()
    if not name or not player_lookup(name):
        raise UnparsableValueError(f"player {name!r}")
    if status not in STATUSES:
        raise UnparsableValueError(f"status {source['status']!r}")
    confidence = number(source.get("confidence"))
    if confidence is not None and not 0 <= confidence <= 1:
        raise BadRowError("out_of_range", f"confidence {confidence:g} is not between 0 and 1")
    return {
        "player_name_original": name,
        "player_lookup": player_lookup(name),
        "injury_status": status,
        "reason": source.get("reason") or None,
        # The first version of the report reader gave none, and counted as sure.
        "confidence_score": 1.0 if confidence is None else confidence,
    }
