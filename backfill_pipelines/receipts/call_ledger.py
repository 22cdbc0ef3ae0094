"""The call ledger: every HTTP attempt, its price, the month's budget, the cap of a run, and the stop flag of all.

A row is reserved and committed before the attempt is sent, so that no crash leaves a call that nobody counted. 200
settles it, another status releases it; without an answer, or when its process died, it is uncertain and counts as
spent. How rows and counts are kept is in ``call_rows``.
"""

import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from backfill_pipelines.receipts import call_rows
from backfill_pipelines.receipts.call_rows import MICROS, TABLES, Call, CallState, Settled, Spend
from backfill_pipelines.receipts.migration_settings import MigrationSettings
from backfill_pipelines.receipts.prices import SKUS, Tier, price_of_next_call
from backfill_pipelines.stores.control import ControlStore, insert_missing
from backfill_pipelines.stores.leases import TABLES as LEASE_TABLES
from backfill_pipelines.stores.leases import alive_among

__all__ = ["BILLING_ZONE", "Call", "CallLedger", "CallState", "Reserved", "Settled", "Spend", "Stop"]

#: Google's month for free calls and bills.
BILLING_ZONE = ZoneInfo("America/Los_Angeles")
_STOP_ROW = "places"

#: One row, locked by whoever reserves or settles: it is also what makes them one at a time.
STOP = sa.Table(
    "receipts_call_stop",
    TABLES,
    sa.Column("name", sa.Text, primary_key=True),
    *(sa.Column(name, sa.Text, nullable=False, server_default="") for name in ("kind", "detail", "run_id", "at")),
)
_LOCK = sa.select(STOP).where(STOP.c.name == _STOP_ROW).with_for_update()


@dataclass(frozen=True)
class Stop:
    """Why no process may call: set by the one that was refused."""

    kind: str
    detail: str
    run_id: str
    at: str

    def __str__(self) -> str:
        return f"{self.detail} (run {self.run_id}, {self.at[:19]} UTC)"


@dataclass(frozen=True)
class Reserved:
    """The attempts that may be sent; ``refusal`` says why there are not more of them, ``stop`` why there is none."""

    calls: tuple[Call, ...]
    refusal: str = ""
    stop: Stop | None = None


class CallLedger:
    """The attempts of a control store, within one budget and one cap."""

    def __init__(
        self,
        control: ControlStore,
        *,
        budget_usd: Decimal,
        max_calls: int | None = None,
        free_calls: int | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """``max_calls`` caps the attempts of each run; ``free_calls`` replaces the price list's."""
        self.control = control
        self.budget_usd = budget_usd
        self.max_calls = max_calls
        self._free_calls = free_calls
        self._now = now
        control.ensure(LEASE_TABLES)
        control.ensure(TABLES)
        with control.transaction() as connection:
            insert_missing(connection, STOP, [{"name": _STOP_ROW}])

    @classmethod
    def of(cls, control: ControlStore, settings: MigrationSettings) -> "CallLedger":
        """The ledger with the limits of the settings."""
        return cls(
            control,
            budget_usd=Decimal(settings.budget_usd),
            max_calls=settings.max_calls,
            free_calls=settings.free_calls,
        )

    def month(self) -> str:
        """The current month of the bill, YYYY-MM."""
        return f"{self._now().astimezone(BILLING_ZONE):%Y-%m}"

    def book(
        self,
        connection: sa.Connection,
        run_id: str,
        session: str,
        wanted: Sequence[tuple[str, Tier]] = (),
        ended: Sequence[Settled] = (),
    ) -> Reserved:
        """Settle attempts, then reserve others, in the caller's transaction.

        Args:
            connection: The transaction; nobody else reserves or settles until its end.
            run_id: Whose attempts they are.
            session: The lease of the process that will send them.
            wanted: Place id and tier of each attempt; reserved in this order, as many as may be made.
            ended: Attempts of which the answer is known, and kept.
        """
        stop = self._lock(connection)
        moment = self._now().isoformat()
        call_rows.settle_calls(connection, ended, moment)
        if not wanted or stop is not None:
            return Reserved((), stop=stop)
        calls, refusal = self._allowed(connection, run_id, wanted)
        call_rows.insert_calls(connection, calls, session, moment)
        return Reserved(tuple(calls), refusal)

    def book_free(self, connection: sa.Connection, run_id: str, session: str, place_id: str) -> Call:
        """Reserve one attempt of the free SKU, which neither budget, cap nor stop refuses."""
        self._lock(connection)
        call = Call(uuid.uuid4().hex, run_id, place_id, Tier.ID_REFRESH, self.month(), 0)
        call_rows.insert_calls(connection, [call], session, self._now().isoformat())
        return call

    def give_up_dead(self, connection: sa.Connection) -> int:
        """Make reserved attempts of processes that are gone uncertain; says how many there were."""
        self._lock(connection)
        sessions = call_rows.reserving_sessions(connection)
        dead = sessions - alive_among(connection, sessions)
        return call_rows.give_up(connection, dead) if dead else 0

    def stop(self, connection: sa.Connection, kind: str, detail: str, run_id: str) -> None:
        """Stop all processes; the first reason stays."""
        if self._lock(connection) is None:
            values = {"kind": kind, "detail": detail, "run_id": run_id, "at": self._now().isoformat()}
            connection.execute(STOP.update().where(STOP.c.name == _STOP_ROW).values(**values))

    def stopped(self) -> Stop | None:
        """Why nobody may call at the moment; None when everybody may."""
        with self.control.transaction() as connection:
            return self._lock(connection)

    def clear_stop(self) -> None:
        """Let processes call again; call it once the key and the request are proven."""
        with self.control.transaction() as connection:
            self._lock(connection)
            connection.execute(STOP.update().where(STOP.c.name == _STOP_ROW).values(kind="", detail=""))

    def spend(self) -> list[Spend]:
        """Attempts and dollars by month, SKU and run, in that order."""
        with self.control.transaction() as connection:
            return call_rows.totals(connection)

    def calls(self, run_id: str | None = None) -> list[sa.Row]:
        """The rows themselves, in the order of their reservation; of one run, or all."""
        table = call_rows.CALLS
        condition = sa.true() if run_id is None else table.c.run_id == run_id
        with self.control.transaction() as connection:
            return list(connection.execute(sa.select(table).where(condition).order_by(table.c.reserved_at)).all())

    def _allowed(
        self, connection: sa.Connection, run_id: str, wanted: Sequence[tuple[str, Tier]]
    ) -> tuple[list[Call], str]:
        month = self.month()
        rows = call_rows.totals(connection, month=month, run_id=run_id)
        spent = sum(_micros(row.spent_usd) for row in rows if row.month == month)
        attempts = sum(row.attempts for row in rows if row.run_id == run_id)
        used: Counter[Tier] = Counter()
        for row in rows:
            used[row.tier] += row.counted if row.month == month else 0
        calls: list[Call] = []
        for place_id, tier in wanted:
            price = _micros(price_of_next_call(SKUS[tier], used[tier], self._free_calls))
            if refusal := self._refusal(run_id, month, spent, price, attempts):
                return calls, refusal
            calls.append(Call(uuid.uuid4().hex, run_id, place_id, tier, month, price))
            spent, attempts = spent + price, attempts + 1
            used[tier] += 1
        return calls, ""

    def _refusal(self, run_id: str, month: str, spent: int, price: int, attempts: int) -> str:
        if self.max_calls is not None and attempts >= self.max_calls:
            return f"run {run_id} has made {attempts:,} of its {self.max_calls:,} calls (BACKFILL_PLACES_MAX_CALLS)"
        if price and spent + price > _micros(self.budget_usd):
            return (
                f"the next call costs ${price / MICROS}, and ${spent / MICROS} of ${self.budget_usd} are spent in "
                f"{month} (BACKFILL_PLACES_BUDGET_USD)"
            )
        return ""

    def _lock(self, connection: sa.Connection) -> Stop | None:
        row = connection.execute(_LOCK).one()
        return Stop(row.kind, row.detail, row.run_id, row.at) if row.kind else None


def _micros(dollars: Decimal) -> int:
    return int(dollars * MICROS)
