"""A rate that all processes of a control store share: a token bucket with a pause and a reduced rate after refusals.

Tokens are taken inside the transaction in which the caller records what they are for, since every commit waits for
the disk; waiting happens outside of transactions. Whose rate it is, and what a refusal looks like, is the caller's.
"""

from collections.abc import Callable
from dataclasses import dataclass

import sqlalchemy as sa

from backfill_pipelines.stores.control import ControlStore, insert_missing, store_time

SECONDS_PER_MINUTE = 60.0
#: Share of the rate that comes back in a minute after a halving.
RECOVERY_PER_MINUTE = 0.10
#: However often it was halved, a call a while finds out whether it may go on.
LEAST_SHARE = 1 / 64

TABLES = sa.MetaData()
LIMITS = sa.Table(
    "rate_limits",
    TABLES,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("tokens", sa.Float, nullable=False),
    sa.Column("counted_at", sa.Float, nullable=False),
    #: The share of the rate that was left by the last halving, and when that was.
    sa.Column("share", sa.Float, nullable=False),
    sa.Column("halved_at", sa.Float, nullable=False),
    sa.Column("paused_until", sa.Float, nullable=False),
)

# Statements of the hot path are made once: making them takes longer than running them.
_LOCK = sa.select(LIMITS).where(LIMITS.c.name == sa.bindparam("of")).with_for_update()
_TAKE = (
    LIMITS.update()
    .where(LIMITS.c.name == sa.bindparam("of"))
    .values(tokens=sa.bindparam("left"), counted_at=sa.bindparam("moment"))
)


@dataclass(frozen=True)
class Grant:
    """How many may go now, and after how many seconds the next one could, if not all."""

    granted: int
    wait_seconds: float
    #: The time of the grant by the store's clock; give it back with a refusal.
    at: float


@dataclass(frozen=True)
class LimitState:
    """The limit as others see it."""

    per_minute: float
    tokens: float
    paused_seconds: float


class RateLimit:
    """One named limit, ``per_minute`` in the long run and never more than that and ``burst`` in any minute."""

    def __init__(
        self,
        control: ControlStore,
        name: str,
        per_minute: float,
        *,
        clock: Callable[[sa.Connection], float] = store_time,
    ) -> None:
        """``clock`` gives seconds; all users of a limit must share it."""
        self.name = name
        self.per_minute = per_minute
        self.burst = max(1.0, per_minute / SECONDS_PER_MINUTE)
        self._control = control
        self._clock = clock
        control.ensure(TABLES)
        with control.transaction() as connection:
            now = clock(connection)
            first = {"tokens": self.burst, "counted_at": now, "share": 1.0, "halved_at": now, "paused_until": 0.0}
            insert_missing(connection, LIMITS, [{"name": name, **first}])

    def take(self, connection: sa.Connection, wanted: int) -> Grant:
        """Take up to so many tokens in the caller's transaction; locks the limit until its end."""
        row, now = self._locked(connection)
        share = self._share(row, now)
        tokens = self._tokens(row, now)
        if row.paused_until > now:
            granted, wait = 0, row.paused_until - now
        else:
            # Rounding must not hold back a token for which the caller has waited exactly long enough.
            granted = min(wanted, int(tokens + 1e-9))
            wait = 0.0 if granted == wanted else self._seconds(1.0 - (tokens - granted), share)
        left = {"left": max(0.0, tokens - granted), "moment": max(now, row.counted_at)}
        connection.execute(_TAKE, {"of": self.name, **left})
        return Grant(granted, max(0.0, wait), now)

    def give_back(self, connection: sa.Connection, unused: int) -> None:
        """Return tokens of the same transaction for which there was no use."""
        if unused:
            row, _ = self._locked(connection)
            self._update(connection, tokens=min(self.burst, row.tokens + unused))

    def refused(self, connection: sa.Connection, pause_seconds: float, granted_at: float) -> None:
        """The other side refused a call for its rate: all pause, and go on at half the rate.

        Calls that were under way together are refused together: only one that was granted after the last halving
        halves again.
        """
        row, now = self._locked(connection)
        paused_until = max(row.paused_until, now + pause_seconds)
        values = {"tokens": 0.0, "counted_at": max(paused_until, row.counted_at), "paused_until": paused_until}
        if granted_at > row.halved_at or row.share == 1.0:
            values |= {"share": max(LEAST_SHARE, self._share(row, now) / 2), "halved_at": now}
        self._update(connection, **values)

    def state(self) -> LimitState:
        """The rate in force now, the tokens there are, and for how long it is paused."""
        with self._control.transaction() as connection:
            row, now = self._locked(connection)
            rate = self.per_minute * self._share(row, now)
            return LimitState(rate, self._tokens(row, now), max(0.0, row.paused_until - now))

    def _locked(self, connection: sa.Connection) -> tuple[sa.Row, float]:
        row = connection.execute(_LOCK, {"of": self.name}).one()
        return row, self._clock(connection)

    def _update(self, connection: sa.Connection, **values: float) -> None:
        connection.execute(LIMITS.update().where(LIMITS.c.name == self.name).values(**values))

    def _share(self, row: sa.Row, now: float) -> float:
        minutes = max(0.0, now - row.halved_at) / SECONDS_PER_MINUTE
        return min(1.0, row.share + RECOVERY_PER_MINUTE * minutes)

    def _tokens(self, row: sa.Row, now: float) -> float:
        """Accrued at the share that was in force at the last count, which is never more than the present one."""
        share = self._share(row, max(row.counted_at, row.halved_at))
        earned = max(0.0, now - row.counted_at) * share * self.per_minute / SECONDS_PER_MINUTE
        return min(self.burst, row.tokens + earned)

    def _seconds(self, tokens: float, share: float) -> float:
        return tokens * SECONDS_PER_MINUTE / (self.per_minute * share)
