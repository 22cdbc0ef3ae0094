"""The call ledger: every HTTP attempt, its price, the month's budget, the cap of a run, and the stop flag of all.

A row is reserved and committed before the attempt is sent, so that no crash leaves a call that nobody counted. 200
settles it, another status releases it; without an answer, or when its process died, it is uncertain and counts as
spent. Counts are kept beside the rows in the same transactions: a budget of a month is checked at each call.
"""

import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from backfill_pipelines.backfill.failures import BackfillError
from backfill_pipelines.receipts.migration_settings import MigrationSettings
from backfill_pipelines.receipts.prices import SKUS, Tier, price_of_next_call
from backfill_pipelines.stores.control import ControlStore, insert_missing
from backfill_pipelines.stores.leases import TABLES as LEASE_TABLES
from backfill_pipelines.stores.leases import alive_among

#: Google's month for free calls and bills.
BILLING_ZONE = ZoneInfo("America/Los_Angeles")
_MICROS = Decimal(1_000_000)
_STOP_ROW = "places"
_COUNTS = ("reserved", "settled", "released", "uncertain")

TABLES = sa.MetaData()
CALLS = sa.Table(
    "receipts_calls",
    TABLES,
    sa.Column("call_id", sa.Text, primary_key=True),
    sa.Column("run_id", sa.Text, nullable=False, index=True),
    sa.Column("place_id", sa.Text, nullable=False),
    sa.Column("tier", sa.Text, nullable=False),
    sa.Column("month", sa.Text, nullable=False),
    #: Millionths of a dollar, after the free calls.
    sa.Column("price", sa.BigInteger, nullable=False),
    sa.Column("state", sa.Text, nullable=False, index=True),
    sa.Column("http_status", sa.Integer),
    #: The lease of the process that sends it.
    sa.Column("session", sa.Text, nullable=False),
    sa.Column("reserved_at", sa.Text, nullable=False),
    sa.Column("settled_at", sa.Text),
)
TOTALS = sa.Table(
    "receipts_call_totals",
    TABLES,
    sa.Column("month", sa.Text, primary_key=True),
    sa.Column("tier", sa.Text, primary_key=True),
    sa.Column("run_id", sa.Text, primary_key=True),
    *(sa.Column(name, sa.BigInteger, nullable=False, server_default="0") for name in _COUNTS),
    #: Prices of reserved, settled and uncertain calls, in millionths of a dollar.
    sa.Column("spent", sa.BigInteger, nullable=False, server_default="0"),
)
#: One row, locked by whoever reserves or settles: it is also what makes them one at a time.
STOP = sa.Table(
    "receipts_call_stop",
    TABLES,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False, server_default=""),
    sa.Column("detail", sa.Text, nullable=False, server_default=""),
    sa.Column("run_id", sa.Text, nullable=False, server_default=""),
    sa.Column("at", sa.Text, nullable=False, server_default=""),
)


class BudgetReached(BackfillError):
    """The next call would cost more than the month's budget, or be more than the run may make."""


class CallState(StrEnum):
    """Where an attempt is; all but ``released`` count as spent."""

    RESERVED = "reserved"
    SETTLED = "settled"
    RELEASED = "released"
    UNCERTAIN = "uncertain"


@dataclass(frozen=True)
class Call:
    """A reserved attempt."""

    call_id: str
    run_id: str
    place_id: str
    tier: Tier
    month: str
    price_micros: int


@dataclass(frozen=True)
class Reserved:
    """The attempts that may be sent; ``refusal`` says why there are not more of them."""

    calls: tuple[Call, ...]
    refusal: str = ""


@dataclass(frozen=True)
class Settled:
    """How an attempt ended; ``http_status`` None when there was no answer."""

    call: Call
    http_status: int | None

    @property
    def state(self) -> CallState:
        """Google bills what it answers with 200; what was not answered may have been billed."""
        if self.http_status is None:
            return CallState.UNCERTAIN
        return CallState.SETTLED if self.http_status == 200 else CallState.RELEASED

    @property
    def counts_as_spent(self) -> bool:
        """Whether its price is part of the month's spend."""
        return self.state is not CallState.RELEASED


@dataclass(frozen=True)
class Stop:
    """Why no process may call: set by the one that was refused."""

    kind: str
    detail: str
    run_id: str
    at: str


@dataclass(frozen=True)
class Spend:
    """Attempts and dollars of one month, SKU and run."""

    month: str
    tier: Tier
    run_id: str
    reserved: int
    settled: int
    released: int
    uncertain: int
    spent_usd: Decimal

    @property
    def attempts(self) -> int:
        """All that were sent, or may have been."""
        return self.reserved + self.settled + self.released + self.uncertain

    @property
    def counted(self) -> int:
        """Calls that count against the month's free calls."""
        return self.reserved + self.settled + self.uncertain

    @property
    def sku(self) -> str:
        """The name on the bill."""
        return SKUS[self.tier].name


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

    def reserve(
        self, connection: sa.Connection, run_id: str, session: str, wanted: Sequence[tuple[str, Tier]]
    ) -> Reserved:
        """Reserve attempts for (place id, tier) in the caller's transaction, in order, as many as may be made."""
        self._lock(connection)
        month, moment = self.month(), self._now().isoformat()
        rows = self._totals(connection, sa.or_(TOTALS.c.month == month, TOTALS.c.run_id == run_id))
        spent = sum(self._micros(row.spent_usd) for row in rows if row.month == month)
        attempts = sum(row.attempts for row in rows if row.run_id == run_id)
        used = Counter({tier: sum(r.counted for r in rows if r.month == month and r.tier == tier) for tier in Tier})
        calls: list[Call] = []
        refusal = ""
        for place_id, tier in wanted:
            price = self._micros(price_of_next_call(SKUS[tier], used[tier], self._free_calls))
            if refusal := self._refusal(run_id, month, spent, price, attempts):
                break
            calls.append(Call(uuid.uuid4().hex, run_id, place_id, tier, month, price))
            spent, attempts = spent + price, attempts + 1
            used[tier] += 1
        self._insert(connection, calls, session, moment)
        return Reserved(tuple(calls), refusal)

    def reserve_uncapped(self, connection: sa.Connection, run_id: str, session: str, place_id: str, tier: Tier) -> Call:
        """Reserve one attempt that no budget refuses, because its SKU is free."""
        self._lock(connection)
        call = Call(uuid.uuid4().hex, run_id, place_id, tier, self.month(), 0)
        self._insert(connection, [call], session, self._now().isoformat())
        return call

    def settle(self, connection: sa.Connection, ended: Sequence[Settled]) -> None:
        """Say how attempts ended, in the caller's transaction."""
        if not ended:
            return
        self._lock(connection)
        moment = self._now().isoformat()
        # One that another process has given up as uncertain in the meantime is settled by the answer all the same.
        before = self._states(connection, [one.call.call_id for one in ended])
        statement = (
            CALLS.update()
            .where(CALLS.c.call_id == sa.bindparam("id"))
            .values(state=sa.bindparam("new_state"), http_status=sa.bindparam("status"), settled_at=moment)
        )
        values = [{"id": s.call.call_id, "new_state": str(s.state), "status": s.http_status} for s in ended]
        connection.execute(statement, values)
        _move(connection, [(one.call, before[one.call.call_id], one.state) for one in ended])

    def give_up_dead(self, connection: sa.Connection) -> int:
        """Make reserved attempts of processes that are gone uncertain; says how many there were."""
        self._lock(connection)
        reserved = CALLS.c.state == str(CallState.RESERVED)
        sessions = set(connection.execute(sa.select(CALLS.c.session).where(reserved).distinct()).scalars())
        dead = sessions - alive_among(connection, sessions)
        if not dead:
            return 0
        rows = connection.execute(sa.select(CALLS).where(reserved, CALLS.c.session.in_(sorted(dead)))).all()
        calls = [Call(row.call_id, row.run_id, row.place_id, Tier(row.tier), row.month, row.price) for row in rows]
        _move(connection, [(call, CallState.RESERVED, CallState.UNCERTAIN) for call in calls])
        ids = [row.call_id for row in rows]
        connection.execute(CALLS.update().where(CALLS.c.call_id.in_(ids)).values(state=str(CallState.UNCERTAIN)))
        return len(rows)

    def stop(self, connection: sa.Connection, kind: str, detail: str, run_id: str) -> None:
        """Stop all processes; the first reason stays."""
        if self._lock(connection) is None:
            values = {"kind": kind, "detail": detail, "run_id": run_id, "at": self._now().isoformat()}
            connection.execute(STOP.update().where(STOP.c.name == _STOP_ROW).values(**values))

    def stopped(self, connection: sa.Connection | None = None) -> Stop | None:
        """Why nobody may call at the moment; None when everybody may."""
        if connection is not None:
            return self._lock(connection)
        with self.control.transaction() as own:
            return self._lock(own)

    def clear_stop(self) -> None:
        """Let processes call again; call it once the key and the request are proven."""
        with self.control.transaction() as connection:
            self._lock(connection)
            connection.execute(STOP.update().where(STOP.c.name == _STOP_ROW).values(kind="", detail=""))

    def spend(self) -> list[Spend]:
        """Attempts and dollars by month, SKU and run, in that order."""
        with self.control.transaction() as connection:
            return self._totals(connection, sa.true())

    def calls(self, run_id: str | None = None) -> list[sa.Row]:
        """The rows themselves, in the order of their reservation; of one run, or all."""
        condition = sa.true() if run_id is None else CALLS.c.run_id == run_id
        with self.control.transaction() as connection:
            return list(connection.execute(sa.select(CALLS).where(condition).order_by(CALLS.c.reserved_at)).all())

    def _refusal(self, run_id: str, month: str, spent: int, price: int, attempts: int) -> str:
        if self.max_calls is not None and attempts >= self.max_calls:
            return f"run {run_id} has made {attempts:,} of its {self.max_calls:,} calls (BACKFILL_PLACES_MAX_CALLS)"
        if price and spent + price > self._micros(self.budget_usd):
            return (
                f"the next call costs ${price / _MICROS}, and ${spent / _MICROS} of ${self.budget_usd} are spent in "
                f"{month} (BACKFILL_PLACES_BUDGET_USD)"
            )
        return ""

    def _insert(self, connection: sa.Connection, calls: Sequence[Call], session: str, moment: str) -> None:
        if not calls:
            return
        rows = [
            {
                "call_id": call.call_id,
                "run_id": call.run_id,
                "place_id": call.place_id,
                "tier": str(call.tier),
                "month": call.month,
                "price": call.price_micros,
                "state": str(CallState.RESERVED),
                "session": session,
                "reserved_at": moment,
            }
            for call in calls
        ]
        connection.execute(CALLS.insert(), rows)
        _move(connection, [(call, None, CallState.RESERVED) for call in calls])

    def _states(self, connection: sa.Connection, call_ids: Sequence[str]) -> dict[str, CallState]:
        rows = connection.execute(sa.select(CALLS.c.call_id, CALLS.c.state).where(CALLS.c.call_id.in_(call_ids)))
        return {row.call_id: CallState(row.state) for row in rows}

    def _totals(self, connection: sa.Connection, condition: sa.ColumnElement[bool]) -> list[Spend]:
        order = (TOTALS.c.month, TOTALS.c.tier, TOTALS.c.run_id)
        rows: Iterable[sa.Row] = connection.execute(sa.select(TOTALS).where(condition).order_by(*order))
        return [
            Spend(
                row.month,
                Tier(row.tier),
                row.run_id,
                **{name: getattr(row, name) for name in _COUNTS},
                spent_usd=row.spent / _MICROS,
            )
            for row in rows
        ]

    def _lock(self, connection: sa.Connection) -> Stop | None:
        row = connection.execute(sa.select(STOP).where(STOP.c.name == _STOP_ROW).with_for_update()).one()
        return Stop(row.kind, row.detail, row.run_id, row.at) if row.kind else None

    @staticmethod
    def _micros(dollars: Decimal) -> int:
        return int(dollars * _MICROS)


def _move(connection: sa.Connection, moves: Sequence[tuple[Call, CallState | None, CallState]]) -> None:
    """Bring the totals along with calls that go from one state (None: they are new) to another."""
    changes: dict[tuple[str, str, str], Counter[str]] = {}
    for call, before, after in moves:
        changed = changes.setdefault((call.month, str(call.tier), call.run_id), Counter())
        changed[str(after)] += 1
        if before is not None:
            changed[str(before)] -= 1
        was_spent = before is not None and before is not CallState.RELEASED
        changed["spent"] += ((after is not CallState.RELEASED) - was_spent) * call.price_micros
    keys = ("month", "tier", "run_id")
    insert_missing(connection, TOTALS, [dict(zip(keys, key, strict=True)) for key in changes])
    for key, changed in changes.items():
        where = [TOTALS.c[name] == value for name, value in zip(keys, key, strict=True)]
        values = {name: TOTALS.c[name] + number for name, number in changed.items() if number}
        if values:
            connection.execute(TOTALS.update().where(*where).values(**values))
