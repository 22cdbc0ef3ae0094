"""Ticks: when a shop ought to have been looked at, from a roaster's cadences. No clock and no store here."""

import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Literal

from croniter import croniter
from croniter.croniter import CroniterError

from backfill_pipelines.backfill.failures import SettingsError

Kind = Literal["price", "full"]

#: A fetch may begin a little before its tick and still be meant for it.
EARLY = timedelta(hours=1)
#: Five fields of ``*``, numbers, lists, ranges and steps: what every cron agrees on.
_FIELD = re.compile(r"(\*|\d+(-\d+)?)(/\d+)?(,(\*|\d+(-\d+)?)(/\d+)?)*")


@dataclass(frozen=True)
class Roaster:
    """A roaster as its expected set needs it: one row of ``roasters``. Cadences are cron texts in UTC."""

    id: uuid.UUID
    slug: str
    price_cadence: str = "0 4 * * 0"
    full_cadence: str = "0 3 1 * *"
    grace: timedelta = timedelta(hours=36)
    #: First day with ticks, and the first without again.
    active_from: date | None = None
    active_to: date | None = None
    is_active: bool = True
    #: None while robots.txt was never read.
    robots_allow: bool | None = None
    default_concurrency: int = 3

    def is_active_on(self, day: date) -> bool:
        """Whether ticks of a day count."""
        started = self.active_from is None or day >= self.active_from
        return self.is_active and started and (self.active_to is None or day < self.active_to)


@dataclass(frozen=True, order=True)
class Tick:
    """One expected look at a shop, and from when to when a capture counts for it (both ends included)."""

    at: datetime
    kind: Kind
    window_start: datetime
    window_end: datetime

    @property
    def day(self) -> date:
        """The partition's day."""
        return self.at.date()

    def holds(self, moment: datetime) -> bool:
        """Whether a capture of a moment counts for the tick."""
        return self.window_start <= moment <= self.window_end


def ticks_of(roaster: Roaster, first: date, last: date) -> list[Tick]:
    """The ticks of a roaster on the days from ``first`` to ``last``, both included, oldest first.

    Raises:
        SettingsError: a cadence is not a cron text of five plain fields.
    """
    found = [
        Tick(at, kind, at - EARLY, at + roaster.grace)
        for kind, cadence in _cadences(roaster)
        for at in _occurrences(require_cadence(cadence, roaster.slug), first, last)
        if roaster.is_active_on(at.date())
    ]
    return sorted(found)


def _cadences(roaster: Roaster) -> Iterator[tuple[Kind, str]]:
    yield "price", roaster.price_cadence
    yield "full", roaster.full_cadence


def require_cadence(text: str, roaster: str) -> str:
    """The cadence itself.

    Raises:
        SettingsError: it is not five fields of ``*``, numbers, lists, ranges and steps.
    """
    fields = text.split()
    if len(fields) != 5 or not all(_FIELD.fullmatch(field) for field in fields) or not croniter.is_valid(text):
        raise SettingsError(
            f"cadence {text!r} of {roaster} is no cron text of five fields of *, lists, ranges and steps. "
            "Repair: correct the roaster in the sources file, then: backfill coffee sources"
        )
    return text


@lru_cache(maxsize=4096)
def _occurrences(cadence: str, first: date, last: date) -> tuple[datetime, ...]:
    start = datetime.combine(first, time.min, UTC)
    end = datetime.combine(last + timedelta(days=1), time.min, UTC)
    # croniter gives what comes after its start: midnight itself may be an occurrence.
    found, clock = list[datetime](), croniter(cadence, start - timedelta(seconds=1), ret_type=datetime)
    try:
        while (at := clock.get_next(datetime)) < end:
            found.append(at)
    except CroniterError:
        # A date that never comes, such as the 30th of February, has no occurrences.
        return tuple(found)
    return tuple(found)
