"""How fast to write: a token bucket for the table and each index, filled by time, emptied by consumed capacity.

A write is let through when no bucket is in debt, its estimate is taken at once, and what it really consumed is
charged afterwards. The rate begins at a quarter, doubles with each minute without a throttle, and is halved by one.
Clock, sleep and randomness come from outside; no store is called here.
"""

import math
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from backfill_pipelines.backfill.failures import StoreError
from backfill_pipelines.stores.item_errors import ConditionFailed, Throttled
from backfill_pipelines.stores.items import Consumed

#: The bucket of the table itself, beside those of its indexes.
TABLE = ""
#: Units a second that one on-demand table or index takes at once, and that any single partition takes at most.
ON_DEMAND_UNITS = 4000.0
PARTITION_UNITS = 1000.0

_START_SHARE = 0.25
_LEAST_SHARE = 1 / 256
_DOUBLE_AFTER_SECONDS = 60.0
_BURST_SECONDS = 1.0
_FIRST_WAIT_SECONDS = 1.0
_LONGEST_WAIT_SECONDS = 30.0
_PAUSE_AFTER_THROTTLES = 5
_PAUSE_SECONDS = 60.0
_GIVE_UP_SECONDS = 600.0
#: Slowdowns that nobody has asked for yet: ten minutes of throttling are fewer.
_MOST_KEPT = 1000


class ThrottledTooLong(StoreError):
    """No write was accepted for ten minutes: stop at the checkpoint; outcome ``throttled``."""


@dataclass(frozen=True)
class Ticket:
    """A write that was let through: what was taken for it, and when."""

    estimate: Consumed
    admitted_at: float


@dataclass(frozen=True)
class Slowdown:
    """What a throttle did: the share of the full rate before and after, and how long writing waits."""

    before: float
    after: float
    wait_seconds: float
    #: What refused, where the service says it.
    throttled: tuple[str, ...] = ()
    #: Units a second of the narrowest of what refused, at the full rate.
    full_rate: float = 0.0

    @property
    def text(self) -> str:
        """One line for the run's log."""
        rates = f"{self.full_rate * self.before:,.1f} -> {self.full_rate * self.after:,.1f} write units a second"
        return (
            f"throttled: {_named(self.throttled)} refused a write; {rates} ({self.before:.1%} -> {self.after:.1%} of "
            f"the planned rate), nothing is written for {self.wait_seconds:.0f} s"
        )


def _named(throttled: Sequence[str]) -> str:
    return ", ".join(throttled) or "the table or one of its indexes"


def estimated_units(size_bytes: int, indexes: Iterable[str]) -> Consumed:
    """Units of one put: each started KB, in the table and in every index that has the item."""
    units = float(max(1, math.ceil(size_bytes / 1024)))
    return Consumed(units, dict.fromkeys(indexes, units))


def write_rates(
    table_units: float | None, index_units: Mapping[str, float | None], *, utilisation: float, hot: Iterable[str] = ()
) -> dict[str, float]:
    """Units a second to use of the table and each index.

    None is on demand; ``hot`` names the indexes that keep all their items under one partition key.
    """
    if not 0 < utilisation <= 1:
        raise ValueError(f"utilisation is {utilisation}: a share above 0, at most 1")
    narrow = set(hot)
    limits = {TABLE: table_units, **index_units}
    full = {name: ON_DEMAND_UNITS if units is None else float(units) for name, units in limits.items()}
    rates = {name: min(units, PARTITION_UNITS) if name in narrow else units for name, units in full.items()}
    idle = [name or "the table" for name, units in rates.items() if units <= 0]
    if idle:
        raise ValueError(f"no write capacity: {', '.join(idle)}")
    return {name: units * utilisation for name, units in rates.items()}


class WritePacer:
    """Lets writes through at the rate of the narrowest bucket; shared by the threads of a process."""

    def __init__(
        self,
        rates: Mapping[str, float],
        *,
        share: float = _START_SHARE,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        if not rates or min(rates.values()) <= 0 or not 0 < share <= 1:
            raise ValueError(f"rates {dict(rates)} and share {share} must be above 0, the share at most 1")
        self._rates = dict(rates)
        self._share = share
        self._clock = clock
        self._sleep = sleep
        self._uniform = uniform
        self._lock = threading.Lock()
        now = clock()
        self._level = dict.fromkeys(rates, 0.0)
        self._filled_at = self._changed_at = self._closed_until = now
        self._halved_at: float | None = None
        self._throttled_since: float | None = None
        self._throttles_in_a_row = 0
        #: Writes that were refused, each one counted.
        self.refusals = 0
        self._slowdowns: deque[Slowdown] = deque(maxlen=_MOST_KEPT)

    def slowdowns(self) -> list[Slowdown]:
        """What throttles have done since this was last asked."""
        with self._lock:
            found = list(self._slowdowns)
            self._slowdowns.clear()
        return found

    @property
    def share(self) -> float:
        """Share of the full rate in force: a resumed run begins with it."""
        with self._lock:
            self._fill(self._clock())
            return self._share

    def run(self, estimate: Consumed, write: Callable[[], Consumed]) -> Consumed:
        """Do one write at its time, again after each throttle, until it is accepted or fails for another reason.

        Raises:
            ThrottledTooLong: nothing was accepted for ten minutes.
        """
        while True:
            ticket = self.acquire(estimate)
            try:
                consumed = write()
            except Throttled as error:
                self.throttled(ticket, error.throttled)
                continue
            except ConditionFailed:
                # A refused condition costs the table's units, and none of the indexes'.
                self.settle(ticket, Consumed(estimate.table))
                raise
            self.settle(ticket, consumed)
            return consumed

    def acquire(self, estimate: Consumed) -> Ticket:
        """Take the estimate, and return when all debt from before is paid."""
        with self._lock:
            now = self._clock()
            self._fill(now)
            ready = now + max(self._seconds_of_debt(name) for name in self._rates)
            self._take(estimate)
        while True:
            with self._lock:
                now = self._clock()
                left = max(ready, self._closed_until) - now
            if left <= 0:
                return Ticket(estimate, now)
            self._sleep(left)

    def settle(self, ticket: Ticket, actual: Consumed) -> None:
        """Charge what an accepted write really consumed; more than its estimate delays the writes after it."""
        with self._lock:
            self._fill(self._clock())
            self._give_back(ticket.estimate)
            self._take(actual)
            self._throttled_since = None
            self._throttles_in_a_row = 0

    def throttled(self, ticket: Ticket, names: Sequence[str] = ()) -> Slowdown:
        """Halve the rate and close for a while; the refused write gets its estimate back.

        Writes that were on their way when the rate was halved change nothing more: ten threads that are refused at
        once are one throttle. ``names`` is what refused, where the service says it.

        Raises:
            ThrottledTooLong: nothing was accepted for ten minutes.
        """
        with self._lock:
            now = self._clock()
            self.refusals += 1
            self._fill(now)
            self._give_back(ticket.estimate)
            if self._halved_at is not None and ticket.admitted_at <= self._halved_at:
                return Slowdown(self._share, self._share, max(0.0, self._closed_until - now))
            self._throttled_since = now if self._throttled_since is None else self._throttled_since
            if now - self._throttled_since >= _GIVE_UP_SECONDS:
                raise ThrottledTooLong(
                    f"no write was accepted for {now - self._throttled_since:.0f} s by {_named(names)}, at "
                    f"{self._share:.2%} of the planned rate. Repair: find out who else uses the "
                    "table's capacity, or raise it, then run again"
                )
            before, self._share = self._share, max(_LEAST_SHARE, self._share / 2)
            self._changed_at = self._halved_at = now
            self._throttles_in_a_row += 1
            wait = self._penalty()
            self._closed_until = max(self._closed_until, now + wait)
            made = Slowdown(before, self._share, wait, tuple(names), self._narrowest(names))
            self._slowdowns.append(made)
            return made

    def _narrowest(self, names: Sequence[str]) -> float:
        """The full rate of what refused; of everything when that is the table, or not said."""
        return min([self._rates[name] for name in names if name in self._rates] or self._rates.values())

    def _penalty(self) -> float:
        if self._throttles_in_a_row % _PAUSE_AFTER_THROTTLES == 0:
            return _PAUSE_SECONDS
        bound = min(_LONGEST_WAIT_SECONDS, _FIRST_WAIT_SECONDS * 2.0**self._throttles_in_a_row)
        return self._uniform(0.0, bound)

    def _fill(self, now: float) -> None:
        """Pour in the time since the last call, minute by minute where the rate has doubled in between."""
        while self._share < 1 and now - self._changed_at >= _DOUBLE_AFTER_SECONDS:
            self._changed_at += _DOUBLE_AFTER_SECONDS
            self._pour(self._changed_at)
            self._share = min(1.0, self._share * 2)
        self._pour(now)

    def _pour(self, until: float) -> None:
        seconds = max(0.0, until - self._filled_at)
        self._filled_at = max(self._filled_at, until)
        for name, rate in self._rates.items():
            full = rate * self._share * _BURST_SECONDS
            self._level[name] = min(full, self._level[name] + rate * self._share * seconds)

    def _seconds_of_debt(self, name: str) -> float:
        return max(0.0, -self._level[name]) / (self._rates[name] * self._share)

    def _take(self, units: Consumed) -> None:
        for name in self._rates:
            self._level[name] -= units.table if name == TABLE else units.indexes.get(name, 0.0)

    def _give_back(self, units: Consumed) -> None:
        for name in self._rates:
            self._level[name] += units.table if name == TABLE else units.indexes.get(name, 0.0)
