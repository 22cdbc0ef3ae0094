"""Odds API player props of an event and moment -> rows of odds_api_player_points_props: a line with both its prices."""

from typing import Any

from backfill_pipelines.nba.feeds import odds
from backfill_pipelines.nba.feeds.captures import Capture
from backfill_pipelines.nba.feeds.parsed import BadRowError, Parsed, Row, deduplicate
from backfill_pipelines.nba.feeds.schedule_book import ScheduleBook
from backfill_pipelines.nba.names import UnparsableValueError, number, player_lookup

MARKETS = frozenset({"player_points"})
#: A line above what any player ever scored is a misread.
HIGHEST_LINE = 110.0

_SIDES = {"over": "over_price", "under": "under_price"}


def parse(capture: Capture, document: Any, book: ScheduleBook) -> Parsed:
    """Rows of one event at one moment; other markets than points are passed over."""
    parsed = Parsed()
    found = odds.snapshot(capture, document, book, parsed)
    if found is None:
        return parsed
    lines: dict[tuple[str, str, float], list[Row]] = {}
    for bookmaker, _, outcome in odds.outcomes(found, MARKETS, parsed):
        try:
            side, price, line = _side(outcome), odds.price(outcome), _line(bookmaker, outcome)
        except (BadRowError, UnparsableValueError) as error:
            key = f"{found.game.game_id}/{bookmaker}/{outcome['description']}"
            parsed.reject(found.game.day, key, error, outcome)
            continue
        _pair(lines.setdefault((bookmaker, line["player_lookup"], line["points_line"]), []), line, side, price)
    parsed.rows = [found.identity | line for same in lines.values() for line in same]
    deduplicate(parsed, lambda row: (row["game_id"], row["bookmaker"], row["player_lookup"], row["points_line"]))
    return parsed


def _line(bookmaker: str, outcome: Row) -> Row:
    name, point = outcome["description"], number(outcome["point"])
    if not name or not player_lookup(name):
        raise UnparsableValueError(f"player {name!r}")
    if point is None:
        raise UnparsableValueError(f"no points line of {name}")
    if not 0 <= point <= HIGHEST_LINE:
        raise BadRowError("out_of_range", f"points line {point:g} of {name} is not between 0 and {HIGHEST_LINE:g}")
    return {
        "bookmaker": bookmaker,
        "player_name": name,
        "player_lookup": player_lookup(name),
        "points_line": point,
        "over_price": None,
        "under_price": None,
    }


def _side(outcome: Row) -> str:
    side = _SIDES.get(outcome["name"].strip().lower())
    if side is None:
        raise UnparsableValueError(f"outcome {outcome['name']!r} of a points line")
    return side


def _pair(same: list[Row], line: Row, side: str, price: float | None) -> None:
    """Put the price of one side beside that of the other; a second, different price makes a row that contradicts."""
    if not same:
        same.append(line)
    if same[0][side] in (None, price):
        same[0][side] = price
    else:
        same.append(same[0] | {side: price})
