"""How fast one host is asked, by all processes of a control store together.

A host has one row: when the next request may begin; and a row for each request that is open. So requests keep their
distance and never more than so many are open, whoever sends them. Unlike ``rate_limits`` there is no burst: a shop
counts the time between two requests, not those of a minute.
"""

import random
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import sqlalchemy as sa

from backfill_pipelines.backfill.failures import StoreError
from backfill_pipelines.stores.control import ControlStore, insert_missing, store_time

#: A request of a process that was killed is taken for open this long; longer than any request takes.
OPEN_SECONDS = 180.0
_LEAST_LOOK_SECONDS = 0.02

TABLES = sa.MetaData()
PACES = sa.Table(
    "host_paces",
    TABLES,
    sa.Column("host", sa.Text, primary_key=True),
    #: Seconds since the epoch by the store's clock.
    sa.Column("next_at", sa.Float, nullable=False),
)
OPEN = sa.Table(
    "host_requests",
    TABLES,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("host", sa.Text, nullable=False, index=True),
    sa.Column("expires", sa.Float, nullable=False),
)


class HostBusy(StoreError):
    """The host could not be asked before the time at which its caller gives up."""


@dataclass(frozen=True)
class Pace:
    """The distance between two requests of a host, and how many may be open at once."""

    delay_seconds: float = 0.5
    #: Share by which the distance is drawn shorter or longer, so that workers do not march in step.
    jitter: float = 0.2
    #: Of robots.txt; a distance is never drawn below it.
    crawl_delay_seconds: float = 0.0
    most_open: int = 3

    def draw(self, draw: Callable[[], float]) -> float:
        """The distance to the next request; ``draw`` gives numbers in [0, 1)."""
        drawn = self.delay_seconds * (1 + self.jitter * (2 * draw() - 1))
        return max(self.crawl_delay_seconds, drawn)


class HostPaces:
    """The paces of all hosts of one control store."""

    def __init__(
        self,
        control: ControlStore,
        *,
        clock: Callable[[sa.Connection], float] = store_time,
        sleep: Callable[[float], None] = time.sleep,
        draw: Callable[[], float] = random.random,
    ) -> None:
        """``clock`` gives seconds, the same for all users of the store; ``sleep`` waits for them."""
        self._control = control
        self._clock = clock
        self._sleep = sleep
        self._draw = draw
        control.ensure(TABLES)

    @contextmanager
    def turn(self, host: str, pace: Pace, *, most_wait_seconds: float | None = None) -> Iterator[None]:
        """Wait until a request may begin; it is open until the end of the block.

        Args:
            host: Name and port, as they stand in the URL.
            pace: Its pace; every process must use the same.
            most_wait_seconds: Give up when it takes longer; None to wait for as long as it takes.

        Raises:
            HostBusy: the turn would come too late.
        """
        token = self._wait(host, pace, most_wait_seconds)
        try:
            yield
        finally:
            with self._control.transaction() as connection:
                connection.execute(OPEN.delete().where(OPEN.c.id == token))

    def pause(self, host: str, seconds: float) -> None:
        """No process asks the host for so many seconds from now on."""
        with self._control.transaction() as connection:
            next_at = self._locked(connection, host)
            until = self._clock(connection) + seconds
            connection.execute(PACES.update().where(PACES.c.host == host).values(next_at=max(next_at, until)))

    def paused_seconds(self, host: str) -> float:
        """How long nobody may ask the host."""
        with self._control.transaction() as connection:
            return max(0.0, self._locked(connection, host) - self._clock(connection))

    def _wait(self, host: str, pace: Pace, most_wait_seconds: float | None) -> str:
        token, waited = uuid.uuid4().hex, 0.0
        while (wait := self._take(host, pace, token)) > 0:
            if most_wait_seconds is not None and waited + wait > most_wait_seconds:
                raise HostBusy(
                    f"{host} may be asked in {wait:.1f} s at the earliest, after the end of the time for it. Repair: "
                    "run again later; robots.txt or a Retry-After of the shop asks for this distance"
                )
            self._sleep(wait)
            waited += wait
        return token

    def _take(self, host: str, pace: Pace, token: str) -> float:
        """Open a request, or say after how many seconds to ask again."""
        with self._control.transaction() as connection:
            next_at = self._locked(connection, host)
            now = self._clock(connection)
            if next_at > now:
                return next_at - now
            connection.execute(OPEN.delete().where(OPEN.c.host == host, OPEN.c.expires <= now))
            count = sa.select(sa.func.count()).select_from(OPEN).where(OPEN.c.host == host)
            if connection.execute(count).scalar_one() >= pace.most_open:
                return max(_LEAST_LOOK_SECONDS, pace.delay_seconds / 5)
            connection.execute(OPEN.insert().values(id=token, host=host, expires=now + OPEN_SECONDS))
            later = now + pace.draw(self._draw)
            connection.execute(PACES.update().where(PACES.c.host == host).values(next_at=later))
            return 0.0

    def _locked(self, connection: sa.Connection, host: str) -> float:
        insert_missing(connection, PACES, [{"host": host, "next_at": 0.0}])
        found = sa.select(PACES.c.next_at).where(PACES.c.host == host).with_for_update()
        return connection.execute(found).scalar_one()
