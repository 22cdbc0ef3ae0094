"""The days of a season: its window, the days without games, and what a game on a day is.

Not here: who meets whom (`pairings`, `postseason`) and results (`totals`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from random import Random

from backfill_pipelines.nba.sample.teams import TEAMS


@dataclass(frozen=True, slots=True)
class Window:
    """First and last day of a season, its last regular-season day and its exhibition days."""

    season: str
    opening: date
    regular_end: date
    closing: date
    exhibitions: tuple[date, date]
    days_off: frozenset[date]

    @property
    def year(self) -> int:
        """The year in which the season starts."""
        return int(self.season[:4])

    def regular_dates(self) -> list[date]:
        """Every day with regular-season games, in order."""
        all_star_break = set(days_from(self.exhibitions[0], 6))
        span = (self.regular_end - self.opening).days + 1
        return [day for day in days_from(self.opening, span) if day not in all_star_break and day not in self.days_off]


@dataclass(frozen=True, slots=True)
class Fixture:
    """A game to be played; `tipoff` is Eastern time without a zone, the labels are the feed's."""

    game_id: str
    tipoff: datetime
    away: str
    home: str
    label: str = ""
    sub_label: str = ""
    series_game: str = ""

    @property
    def day(self) -> date:
        """Game date, Eastern calendar."""
        return self.tipoff.date()

    @property
    def kind(self) -> str:
        """Competition prefix: 002 season, 003 All-Star, 004 playoffs, 005 play-in."""
        return self.game_id[:3]


def days_from(first: date, count: int) -> Iterator[date]:
    """`count` consecutive days."""
    return (first + timedelta(days=number) for number in range(count))


def _window(season: str, days: str, exhibitions: str, days_off: str) -> Window:
    def parsed(text: str) -> list[date]:
        return [date.fromisoformat(day) for day in text.split()]

    opening, regular_end, closing = parsed(days)
    first, second = parsed(exhibitions)
    off = frozenset(parsed(days_off))
    return Window(season, opening, regular_end, closing, (first, second), off)


# Days off: Thanksgiving, Christmas Eve, the college final, and election days; 2023-12-09 is the day
# of the cup final, which the schedule file leaves out
WINDOWS: dict[str, Window] = {
    window.season: window
    for window in (
        _window(
            "2021-22",
            "2021-10-19 2022-04-10 2022-06-16",
            "2022-02-18 2022-02-20",
            "2021-11-25 2021-12-24 2022-04-04",
        ),
        _window(
            "2022-23",
            "2022-10-18 2023-04-09 2023-06-12",
            "2023-02-17 2023-02-19",
            "2022-11-08 2022-11-24 2022-12-24 2023-04-03",
        ),
        _window(
            "2023-24",
            "2023-10-24 2024-04-14 2024-06-17",
            "2024-02-16 2024-02-18",
            "2023-11-07 2023-11-23 2023-12-09 2023-12-24 2024-04-08",
        ),
    )
}

# Eastern hour of a 19:00 (or 19:30) local tip-off, by the zone of the home arena; Phoenix and
# Denver start at 21:00 and the coast at 22:00, so that no game begins after midnight Eastern
_EASTERN_HOURS = {"New_York": 19, "Chicago": 20, "Denver": 21, "Phoenix": 21, "Los_Angeles": 22}
_SATURDAY = 5


def tipoff(rng: Random, day: date, home: str) -> datetime:
    """An evening tip-off at the home arena, now and then a weekend afternoon."""
    hour = _EASTERN_HOURS[TEAMS[home].zone]
    if day.weekday() >= _SATURDAY and rng.random() < 0.25:
        hour -= 4
    return datetime.combine(day, time(hour, rng.choice((0, 30))))
