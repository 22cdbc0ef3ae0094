"""Asking shops as they want to be asked: robots.txt, one pace per host for all processes, Retry-After, patience.

What is asked for, and what the bodies mean, is the domain's. robots.txt is read once a day for all processes of a
control store; one that cannot be read forbids everything, one that does not exist nothing (RFC 9309).
"""

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urljoin, urlsplit

from backfill_pipelines.backfill.failures import StoreError
from backfill_pipelines.stores.control import ControlStore
from backfill_pipelines.stores.host_pacing import HostBusy, HostPaces, Pace
from backfill_pipelines.stores.robots import Robots, read_robots
from backfill_pipelines.stores.robots_store import RobotsStore, StoredRobots
from backfill_pipelines.stores.shop_http import AGENT, ShopAnswer, ShopClient

ROBOTS_SECONDS = 24 * 3600.0
#: How long an older robots.txt stands in for one that cannot be read.
OLD_ROBOTS_SECONDS = 30 * 24 * 3600.0
MOST_REDIRECTS = 5
MOST_PAUSE_SECONDS = 300.0


class RobotsDisallow(StoreError):
    """robots.txt forbids the URL to this project's agent."""


class RobotsUnreachable(StoreError):
    """robots.txt cannot be read and was not read lately: nothing may be asked."""


@dataclass(frozen=True)
class Patience:
    """How a request is repeated after a refusal of the moment: 429, 5xx, a time-out, a connection that breaks."""

    #: Before each repetition; their number is the number of repetitions.
    retry_seconds: tuple[float, ...] = (1.0, 2.0, 4.0, 8.0, 16.0)
    jitter: float = 0.2
    #: What a Retry-After may ask for at most.
    most_pause_seconds: float = MOST_PAUSE_SECONDS


@dataclass(frozen=True)
class Try:
    """One request as it went; ``status`` None when no whole answer came."""

    status: int | None
    seconds: float
    error: str = ""


@dataclass(frozen=True)
class Asked:
    """The last answer, and all tries that led to it."""

    answer: ShopAnswer
    tries: tuple[Try, ...]


@dataclass(frozen=True)
class HostRules:
    """What robots.txt of a host says to us, and when it said so."""

    host: str
    robots: Robots
    checked_at: datetime

    def require_allowed(self, url: str) -> None:
        """Stop before a URL that may not be fetched.

        Raises:
            RobotsDisallow: robots.txt forbids it.
        """
        if not self.robots.allows(url):
            raise RobotsDisallow(
                f"robots.txt of {self.host} forbids {url} to {AGENT}; it is not fetched. Repair: ask the shop for "
                f"leave, or set the roaster inactive; robots.txt is read again {self.checked_at + _DAY:%Y-%m-%d %H:%M} "
                "UTC"
            )


_DAY = timedelta(seconds=ROBOTS_SECONDS)


class PoliteShops:
    """A client, the paces of its hosts, and their robots.txt; used by any number of threads."""

    def __init__(
        self,
        client: ShopClient,
        control: ControlStore,
        *,
        pace: Pace | None = None,
        patience: Patience | None = None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """``pace`` is for hosts that ask for none; ``sleep`` waits between repetitions, ``clock`` gives UTC."""
        self.paces = HostPaces(control)
        self._client = client
        self._robots = RobotsStore(control)
        self._pace = pace or Pace()
        self._patience = patience or Patience()
        self._sleep = sleep
        self._clock = clock

    def rules(self, base_url: str, *, until: datetime | None = None) -> HostRules:
        """robots.txt of the URL's host, read when it was not read for a day.

        Raises:
            RobotsUnreachable: it cannot be read, nor was it within thirty days.
        """
        split = urlsplit(base_url)
        origin, now = f"{split.scheme}://{split.netloc.lower()}", self._clock().timestamp()
        stored = self._robots.get(origin)
        if stored is None or now - stored.checked_at >= ROBOTS_SECONDS:
            stored = self._read(origin, until) or stored
        if stored is None or now - stored.checked_at >= OLD_ROBOTS_SECONDS:
            raise RobotsUnreachable(
                f"{origin}/robots.txt cannot be read, and what may be fetched is not known; nothing is. Repair: see "
                "that the shop answers, then run again"
            )
        robots = read_robots(stored.body, AGENT)
        return HostRules(split.netloc.lower(), robots, datetime.fromtimestamp(stored.checked_at, UTC))

    def get(
        self,
        url: str,
        rules: HostRules,
        *,
        most_open: int | None = None,
        headers: Mapping[str, str] | None = None,
        until: datetime | None = None,
    ) -> Asked:
        """Ask until there is an answer that a repetition would not change, or patience ends.

        Args:
            url: On the host of the rules.
            rules: What robots.txt of its host says.
            most_open: Requests of all processes that may be open at once on the host; None for the pace's.
            headers: Such as If-None-Match.
            until: No try begins after it.

        Raises:
            RobotsDisallow: robots.txt forbids the URL.
        """
        rules.require_allowed(url)
        delay = rules.robots.crawl_delay_seconds or 0.0
        pace = Pace(self._pace.delay_seconds, self._pace.jitter, delay, most_open or self._pace.most_open)
        return self._asked(url, rules.host, pace, headers, until)

    def _asked(
        self, url: str, host: str, pace: Pace, headers: Mapping[str, str] | None, until: datetime | None
    ) -> Asked:
        tries, answer = list[Try](), ShopAnswer(url, None)
        for wait in (*self._patience.retry_seconds, None):
            try:
                with self.paces.turn(host, pace, most_wait_seconds=self._left(until)):
                    answer = self._client.get(url, headers=headers)
            except HostBusy as error:
                answer = ShopAnswer(url, None, error=f"HostBusy: {error}")
                return Asked(answer, (*tries, Try(None, 0.0, answer.error)))
            tries.append(Try(answer.status, answer.seconds, answer.error))
            if not is_of_the_moment(answer) or not self._waited(host, answer, wait, until):
                break
        return Asked(answer, tuple(tries))

    def _waited(self, host: str, answer: ShopAnswer, seconds: float | None, until: datetime | None) -> bool:
        """Wait before the next try; False when there is none, or no time left for it.

        A shop that refuses the rate refuses it to all processes; any other failure is this request's own.
        """
        drawn = (seconds or 0.0) * (1 + self._patience.jitter * (2 * random.random() - 1))
        told = answer.retry_after_seconds
        pause = drawn if told is None else min(max(told, drawn), self._patience.most_pause_seconds)
        is_for_all = answer.status == 429 or told is not None
        if is_for_all:
            self.paces.pause(host, pause)
        left = self._left(until)
        if seconds is None or (left is not None and pause > left):
            return False
        if not is_for_all:
            self._sleep(pause)
        return True

    def _left(self, until: datetime | None) -> float | None:
        return None if until is None else max(0.0, (until - self._clock()).total_seconds())

    def _read(self, origin: str, until: datetime | None) -> StoredRobots | None:
        """Read robots.txt and keep it; None when it is unreachable."""
        url = f"{origin}/robots.txt"
        answer = self._asked(url, urlsplit(url).netloc, self._pace, None, until).answer
        for _ in range(MOST_REDIRECTS):
            if answer.status is None or not 300 <= answer.status < 400 or not answer.location:
                break
            url = urljoin(url, answer.location)
            answer = self._asked(url, urlsplit(url).netloc.lower(), self._pace, None, until).answer
        if answer.status is None or answer.status == 429 or answer.status >= 500:
            return None
        body = answer.body if answer.status == 200 else b""
        return self._robots.put(StoredRobots(origin, answer.status, body, self._clock().timestamp()))


def is_of_the_moment(answer: ShopAnswer) -> bool:
    """Whether the same request may go better a little later."""
    if answer.status is None:
        return not answer.is_final
    return answer.status == 429 or answer.status >= 500
