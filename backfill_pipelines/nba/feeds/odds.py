"""What both odds feeds share: one file is one event's odds as they stood at one moment.

Snapshots at or after tip-off are odds on a game in play and give no rows. ``game_lines`` and ``player_props`` read the
markets.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from backfill_pipelines.nba.feeds.captures import Capture
from backfill_pipelines.nba.feeds.parsed import BadFileError, Parsed, Row, required_game, same_date
from backfill_pipelines.nba.feeds.schedule_book import Game, ScheduleBook
from backfill_pipelines.nba.names import UnparsableValueError, number, team_code
from backfill_pipelines.nba.seasons import LEAGUE_TIMEZONE

_EXTRAS = {"link", "sid", "bet_limit", "multiplier"}
_FILE = {"timestamp", "previous_timestamp", "next_timestamp", "data"}
_EVENT = {"id", "sport_key", "sport_title", "commence_time", "home_team", "away_team", "bookmakers"} | _EXTRAS
_BOOKMAKER = {"key", "title", "last_update", "markets"} | _EXTRAS
_MARKET = {"key", "last_update", "outcomes"} | _EXTRAS
_OUTCOME = {"name", "description", "price", "point"} | _EXTRAS

_LARGEST_PRICE = 1_000_000.0


@dataclass(frozen=True)
class Snapshot:
    """The odds of one event at one moment before tip-off."""

    game: Game
    event_id: str
    taken_at: datetime
    commence_time: datetime
    bookmakers: list[Row]

    @property
    def identity(self) -> Row:
        """The columns that both tables begin with."""
        return {
            "game_id": self.game.game_id,
            "game_date": self.game.day,
            "odds_api_event_id": self.event_id,
            "snapshot_timestamp": self.taken_at,
            "commence_time": self.commence_time,
        }


def snapshot(capture: Capture, document: Any, book: ScheduleBook, parsed: Parsed) -> Snapshot | None:
    """The snapshot of a file; None, and a note, for one taken in play.

    Raises:
        BadFileError: the file is about another date, or about no counted game.
    """
    if capture.day is None:
        raise BadFileError("unknown_shape", "no date in the path")
    event = document["data"]
    parsed.drift |= (document.keys() - _FILE) | (event.keys() - _EVENT)
    taken_at, commence_time = _moment(document["timestamp"]), _moment(event["commence_time"])
    same_date(str(commence_time.astimezone(ZoneInfo(LEAGUE_TIMEZONE)).date()), capture.day)
    teams = [team_code(event[side]) for side in ("away_team", "home_team")]
    game = required_game(book, capture.day, None, teams)
    if taken_at >= commence_time:
        parsed.notes.append(f"in_play: {game.game_id} began {commence_time:%H:%M} UTC, snapshot {taken_at:%H:%M}")
        return None
    return Snapshot(game, event["id"], taken_at, commence_time, event["bookmakers"])


def outcomes(found: Snapshot, markets: frozenset[str], parsed: Parsed) -> Iterator[tuple[str, str, Row]]:
    """Every outcome of the markets with the keys of its bookmaker and market; other markets are passed over."""
    for bookmaker in found.bookmakers:
        parsed.drift |= bookmaker.keys() - _BOOKMAKER
        for market in bookmaker["markets"]:
            parsed.drift |= market.keys() - _MARKET
            if market["key"] not in markets:
                continue
            for outcome in market["outcomes"]:
                parsed.drift |= outcome.keys() - _OUTCOME
                yield bookmaker["key"], market["key"], outcome


def price(outcome: Row) -> float | None:
    """The price of an outcome, as the feed was asked for it: decimal or American.

    Raises:
        UnparsableValueError: no number, or one that no bookmaker offers.
    """
    found = number(outcome["price"])
    if found is not None and not 0 < abs(found) <= _LARGEST_PRICE:
        raise UnparsableValueError(f"price {outcome['price']!r}")
    return found


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise BadFileError("unknown_shape", f"{text!r} does not say its time zone")
    return moment
