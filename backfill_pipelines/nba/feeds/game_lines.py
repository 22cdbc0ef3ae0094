"""Odds API game lines of an event and moment -> rows of odds_api_game_lines: spreads and totals."""

from typing import Any

from backfill_pipelines.nba.feeds import odds
from backfill_pipelines.nba.feeds.captures import Capture
from backfill_pipelines.nba.feeds.parsed import BadRowError, Parsed, Row, deduplicate
from backfill_pipelines.nba.feeds.schedule_book import Game, ScheduleBook
from backfill_pipelines.nba.names import UnparsableValueError, number, team_code

MARKETS = frozenset({"spreads", "totals"})
#: No line was ever near these; a larger one is a misread.
WIDEST_SPREAD, HIGHEST_TOTAL = 100.0, 500.0

_SIDES = {"over": "Over", "under": "Under"}


def parse(capture: Capture, document: Any, book: ScheduleBook) -> Parsed:
    """Rows of one event at one moment; other markets (head to head) are passed over."""
    parsed = Parsed()
    found = odds.snapshot(capture, document, book, parsed)
    if found is None:
        return parsed
    teams = {"home_team_abbr": found.game.home, "away_team_abbr": found.game.away}
    for bookmaker, market, outcome in odds.outcomes(found, MARKETS, parsed):
        try:
            line = _line(found.game, market, outcome)
        except (BadRowError, UnparsableValueError) as error:
            key = f"{found.game.game_id}/{bookmaker}/{market}/{outcome['name']}"
            parsed.reject(found.game.day, key, error, outcome)
            continue
        parsed.rows.append(found.identity | teams | {"bookmaker_key": bookmaker, "market_key": market} | line)
    deduplicate(parsed, lambda row: (row["game_id"], row["bookmaker_key"], row["market_key"], row["outcome_name"]))
    return parsed


def _line(game: Game, market: str, outcome: Row) -> Row:
    """Name, price and point of an outcome.

    Raises:
        BadRowError: a team that does not play, or a point out of range.
        UnparsableValueError: a text that is neither side of a total, or no number.
    """
    point = number(outcome.get("point"))
    if market == "spreads":
        name = team_code(outcome["name"])
        if name not in (game.home, game.away):
            raise BadRowError("unknown_team", f"team {outcome['name']!r} does not play in {game.game_id}")
        in_range = point is None or abs(point) <= WIDEST_SPREAD
    else:
        name = _SIDES.get(outcome["name"].strip().lower())
        if name is None:
            raise UnparsableValueError(f"outcome {outcome['name']!r} of a total")
        in_range = point is None or 0 < point <= HIGHEST_TOTAL
    if not in_range:
        raise BadRowError("out_of_range", f"point {point:g} of {market}")
    return {"outcome_name": name, "outcome_price": odds.price(outcome), "outcome_point": point}
