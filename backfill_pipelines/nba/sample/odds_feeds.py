"""The Odds API's history of an event (`odds-api`): spread and total, and the points lines of the regulars.

Two bookmakers, and two snapshots: nine hours and half an hour before tip-off. Lines follow from the strengths of the
teams and the minutes of the players, not from the result; between the snapshots some of them move.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from hashlib import blake2b
from random import Random
from typing import Any

from backfill_pipelines.nba.sample.game import Game
from backfill_pipelines.nba.sample.lineups import PlayerLine
from backfill_pipelines.nba.sample.moments import iso, to_utc
from backfill_pipelines.nba.sample.names import without_diacritics
from backfill_pipelines.nba.sample.teams import TEAMS
from backfill_pipelines.nba.sample.totals import HOME_ADVANTAGE, strengths

SNAPSHOTS = (timedelta(hours=9), timedelta(minutes=30))
_BOOKMAKERS = (("draftkings", "DraftKings"), ("fanduel", "FanDuel"))
_ODDS_NAMES = {"LAC": "Los Angeles Clippers"}
_USUAL_TOTAL = 225
_REGULAR_SECONDS = 20 * 60
_POINTS_A_MINUTE = 0.47
# Chance that a line moves by a point, up or down, to the next snapshot or bookmaker
_MOVE_CHANCE = 0.4
_PRICES = (1.83, 1.87, 1.91, 1.95)

Event = dict[str, Any]


def event_id(seed: int, game_id: str) -> str:
    """The feed's own id of a game, 32 hex digits."""
    return blake2b(f"{seed}:{game_id}".encode(), digest_size=16).hexdigest()


def game_lines(seed: int, season: str, game: Game) -> Iterator[tuple[datetime, Event]]:
    """Moment and file of each snapshot of the spread and the total."""
    fixture = game.fixture
    rng, ratings = Random(f"{seed}:{fixture.game_id}:lines"), strengths(seed, season)
    spread = _half(ratings[fixture.away] - ratings[fixture.home] - HOME_ADVANTAGE)
    total = _half(rng.gauss(_USUAL_TOTAL, 6))
    away, home = (_odds_name(team) for team in (fixture.away, fixture.home))
    for moment in _moments(game):
        books: list[list[Event]] = []
        for _ in _BOOKMAKERS:
            spread, total = _moved(rng, spread), _moved(rng, total)
            sides = [_outcome(rng, away, -spread), _outcome(rng, home, spread)]
            both = [_outcome(rng, "Over", total), _outcome(rng, "Under", total)]
            books.append([_market("spreads", moment, sides), _market("totals", moment, both)])
        yield moment, _snapshot(seed, game, moment, books)


def player_props(seed: int, game: Game) -> Iterator[tuple[datetime, Event]]:
    """Moment and file of each snapshot of the points lines."""
    rng = Random(f"{seed}:{game.fixture.game_id}:props")
    regulars = [line for side in (game.away, game.home) for line in side.lines if line.seconds >= _REGULAR_SECONDS]
    points = {_odds_player(line): _expected_points(rng, line) for line in regulars}
    for moment in _moments(game):
        books: list[list[Event]] = []
        for _ in _BOOKMAKERS:
            points = {name: _moved(rng, line) for name, line in points.items()}
            outcomes = [
                _outcome(rng, side, line) | {"description": name}
                for name, line in points.items()
                for side in ("Over", "Under")
            ]
            books.append([_market("player_points", moment, outcomes)])
        yield moment, _snapshot(seed, game, moment, books)


def _expected_points(rng: Random, line: PlayerLine) -> float:
    return max(0.5, _half(line.seconds / 60 * line.player.usage * _POINTS_A_MINUTE + rng.gauss(0, 1)))


def _odds_name(tricode: str) -> str:
    return _ODDS_NAMES.get(tricode, TEAMS[tricode].full_name)


def _odds_player(line: PlayerLine) -> str:
    """No diacritics, and no stop after a suffix."""
    return without_diacritics(line.player.name).removesuffix(".")


def _moments(game: Game) -> list[datetime]:
    tipoff = to_utc(game.fixture.tipoff)
    return [tipoff - before for before in SNAPSHOTS]


def _half(value: float) -> float:
    """The nearest number that ends on a half, so that no game is a push."""
    return round(value - 0.5) + 0.5


def _moved(rng: Random, line: float) -> float:
    return line + rng.choice((-1.0, 1.0)) if rng.random() < _MOVE_CHANCE and abs(line) > 1 else line


def _outcome(rng: Random, name: str, point: float) -> Event:
    return {"name": name, "price": rng.choice(_PRICES), "point": point}


def _market(key: str, moment: datetime, outcomes: list[Event]) -> Event:
    return {"key": key, "last_update": iso(moment), "outcomes": outcomes}


def _snapshot(seed: int, game: Game, moment: datetime, books: Iterable[list[Event]]) -> Event:
    fixture, five_minutes = game.fixture, timedelta(minutes=5)
    return {
        "timestamp": iso(moment),
        "previous_timestamp": iso(moment - five_minutes),
        "next_timestamp": iso(moment + five_minutes),
        "data": {
            "id": event_id(seed, fixture.game_id),
            "sport_key": "basketball_nba",
            "sport_title": "NBA",
            "commence_time": iso(to_utc(fixture.tipoff)),
            "home_team": _odds_name(fixture.home),
            "away_team": _odds_name(fixture.away),
            "bookmakers": [
                {"key": key, "title": title, "last_update": iso(moment), "markets": markets}
                for (key, title), markets in zip(_BOOKMAKERS, books, strict=True)
            ],
        },
    }
