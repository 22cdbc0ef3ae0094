"""Seasons and the partitions that drive every NBA asset: each calendar day inside a season window.

Which of those days have games is not written here; that is derived from the loaded schedule.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import dagster as dg

LEAGUE_TIMEZONE = "America/New_York"


@dataclass(frozen=True)
class Season:
    """One season window, both ends included. An open season runs to 30 June until its last final is known."""

    name: str
    opening: date
    closing: date
    is_open: bool = False
    confirmed: bool = True

    @property
    def year(self) -> int:
        """Start year: 2021 for 2021-22; digits 4-5 of a game id say the same."""
        return self.opening.year

    def __contains__(self, day: date) -> bool:
        return self.opening <= day <= self.closing


SEASONS = (
    Season("2021-22", date(2021, 10, 19), date(2022, 6, 16)),
    Season("2022-23", date(2022, 10, 18), date(2023, 6, 12)),
    Season("2023-24", date(2023, 10, 24), date(2024, 6, 17)),
    Season("2024-25", date(2024, 10, 22), date(2025, 6, 22)),
    Season("2025-26", date(2025, 10, 21), date(2026, 6, 30), is_open=True),
    Season("2026-27", date(2026, 10, 20), date(2027, 6, 30), is_open=True, confirmed=False),
)
BY_NAME = {season.name: season for season in SEASONS}


def season_of(day: date) -> Season | None:
    """The season whose window contains a day."""
    return next((season for season in SEASONS if day in season), None)


def days_of(seasons: Iterable[Season]) -> list[date]:
    """Every calendar day of the seasons, in order."""
    return [
        season.opening + timedelta(days=offset)
        for season in seasons
        for offset in range((season.closing - season.opening).days + 1)
    ]


def off_season_days() -> list[date]:
    """Days between the first opening and the last closing that belong to no season."""
    first, last = SEASONS[0].opening, SEASONS[-1].closing
    every = (first + timedelta(days=offset) for offset in range((last - first).days + 1))
    return [day for day in every if season_of(day) is None]


@lru_cache(maxsize=1)
def game_dates() -> dg.DailyPartitionsDefinition:
    """Calendar days of all season windows up to yesterday, league time."""
    zone = ZoneInfo(LEAGUE_TIMEZONE)
    return dg.DailyPartitionsDefinition(
        start_date=SEASONS[0].opening.isoformat(),
        timezone=LEAGUE_TIMEZONE,
        # As dates: Dagster compares a date in a set, but steps through a cron string for every key it meets.
        exclusions=[datetime(d.year, d.month, d.day, tzinfo=zone) for d in off_season_days()],
    )
