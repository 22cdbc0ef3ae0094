"""The dated games of a regular season.

A round of `pairings`, in which every team plays once, is spread over two neighbouring dates (three,
where the calendar has a date to spare) and the last round fills the last date alone. So no team
plays twice on a day or on three days in a row: its games lie on neighbouring days only where one
round ends and the next begins.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import pairwise
from random import Random

from backfill_pipelines.nba.sample.calendar import Fixture, Window, tipoff
from backfill_pipelines.nba.sample.pairings import ROUNDS, rounds_of_games

# Relative size of a date by weekday, Monday first: Wednesdays and Fridays are full, Thursdays thin
_WEEKDAY_SHARES = (8, 6, 10, 4, 10, 8, 7)
_OPENING_GAMES = 2
# How strongly a game is put off for each of its teams that played the day before: without it
# teams have twenty back-to-backs, with it about fourteen, as in a real season
_REST = 0.35

Pair = tuple[str, str]


def regular_season(window: Window, rng: Random) -> list[Fixture]:
    """The 1,230 games with their ids, ordered by tip-off."""
    slates: dict[date, list[Pair]] = {}
    for days, pairs in zip(_round_dates(window), rounds_of_games(rng), strict=True):
        left = pairs
        for position, day in enumerate(days):
            left = _rested_first(left, slates.get(day - timedelta(days=1), []), rng)
            count = _games_on(days[position:], len(left), window.opening)
            slates[day], left = left[:count], left[count:]
    return _numbered(slates, window, rng)


def _round_dates(window: Window) -> list[list[date]]:
    """The dates of each round; dates to spare go to the first rounds."""
    *dates, last = window.regular_dates()
    rounds, spare = ROUNDS - 1, len(dates) - 2 * (ROUNDS - 1)
    starts = [2 * number + min(number, spare) for number in range(rounds + 1)]
    return [dates[start:end] for start, end in pairwise(starts)] + [[last]]


def _rested_first(pairs: list[Pair], day_before: Sequence[Pair], rng: Random) -> list[Pair]:
    tired = {team for pair in day_before for team in pair}
    return sorted(pairs, key=lambda pair: rng.random() + _REST * len(tired.intersection(pair)))


def _games_on(days: Sequence[date], left: int, opening: date) -> int:
    """How many of the `left` games of a round fall on the first of its remaining days."""
    if len(days) == 1:
        return left
    if days[0] == opening:
        return _OPENING_GAMES
    shares = [_WEEKDAY_SHARES[day.weekday()] for day in days]
    return round(left * shares[0] / sum(shares))


def _numbered(slates: dict[date, list[Pair]], window: Window, rng: Random) -> list[Fixture]:
    games = sorted((tipoff(rng, day, home), home, away) for day, pairs in slates.items() for away, home in pairs)
    return [
        Fixture(f"002{window.year % 100:02d}{number:05d}", start, away, home)
        for number, (start, home, away) in enumerate(games, 1)
    ]
