"""Rows of the call ledger: attempts and their states, and the counts that are kept beside them.

Counts change in the transaction that changes the rows, so that a budget of a month is checked without reading a
month. Who may reserve, and when, is decided in ``call_ledger``.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

import sqlalchemy as sa

from backfill_pipelines.receipts.prices import SKUS, Tier
from backfill_pipelines.stores.control import insert_missing

MICROS = Decimal(1_000_000)
_COUNTS = ("reserved", "settled", "released", "uncertain")
_KEYS = ("month", "tier", "run_id")

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
    *(sa.Column(name, sa.Text, primary_key=True) for name in _KEYS),
    *(sa.Column(name, sa.BigInteger, nullable=False, server_default="0") for name in _COUNTS),
    #: Prices of reserved, settled and uncertain calls, in millionths of a dollar.
    sa.Column("spent", sa.BigInteger, nullable=False, server_default="0"),
)


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
class Settled:
    """How an attempt ended; ``http_status`` None when there was no answer, or it was not sent after all."""

    call: Call
    http_status: int | None
    was_sent: bool = True

    @property
    def state(self) -> CallState:
        """Google bills what it answers with 200; what was not answered may have been billed."""
        if not self.was_sent:
            return CallState.RELEASED
        if self.http_status is None:
            return CallState.UNCERTAIN
        return CallState.SETTLED if self.http_status == 200 else CallState.RELEASED

    @property
    def counts_as_spent(self) -> bool:
        """Whether its price is part of the month's spend."""
        return self.state is not CallState.RELEASED


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


#: One attempt from a state (None: it is new) to another.
Move = tuple[Call, CallState | None, CallState]

# Statements of the hot path are made once: making them takes longer than running them.
_SETTLE = (
    CALLS.update()
    .where(CALLS.c.call_id == sa.bindparam("id"), CALLS.c.state == str(CallState.RESERVED))
    .values(state=sa.bindparam("to"), http_status=sa.bindparam("status"), settled_at=sa.bindparam("moment"))
)
_SETTLE_AFTER_ALL = (
    CALLS.update()
    .where(CALLS.c.call_id == sa.bindparam("id"))
    .values(state=sa.bindparam("to"), http_status=sa.bindparam("status"), settled_at=sa.bindparam("moment"))
)
_ADD = (
    TOTALS.update()
    .where(*(TOTALS.c[name] == sa.bindparam(f"of_{name}") for name in _KEYS))
    .values({name: TOTALS.c[name] + sa.bindparam(f"add_{name}") for name in (*_COUNTS, "spent")})
)
_ORDER = tuple(TOTALS.c[name] for name in _KEYS)
_OF_MONTH_AND_RUN = (
    sa.select(TOTALS)
    .where(sa.or_(TOTALS.c.month == sa.bindparam("a_month"), TOTALS.c.run_id == sa.bindparam("a_run")))
    .order_by(*_ORDER)
)
_ALL = sa.select(TOTALS).order_by(*_ORDER)


def insert_calls(connection: sa.Connection, calls: Sequence[Call], session: str, moment: str) -> None:
    """Write down reserved attempts."""
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
    count([(call, None, CallState.RESERVED) for call in calls], connection)


def settle_calls(connection: sa.Connection, ended: Sequence[Settled], moment: str) -> None:
    """Write down how attempts ended; one that was given up as uncertain is settled by its answer all the same."""
    if not ended:
        return
    values = [
        {"id": one.call.call_id, "to": str(one.state), "status": one.http_status, "moment": moment} for one in ended
    ]
    before = dict.fromkeys((one.call.call_id for one in ended), CallState.RESERVED)
    if connection.execute(_SETTLE, values).rowcount != len(ended):
        before |= _given_up(connection, list(before))
        connection.execute(_SETTLE_AFTER_ALL, values)
    count([(one.call, before[one.call.call_id], one.state) for one in ended], connection)


def give_up(connection: sa.Connection, sessions: Iterable[str]) -> int:
    """Make reserved attempts of these sessions uncertain; says how many there were."""
    condition = sa.and_(CALLS.c.state == str(CallState.RESERVED), CALLS.c.session.in_(sorted(sessions)))
    rows = connection.execute(sa.select(CALLS).where(condition)).all()
    calls = [Call(row.call_id, row.run_id, row.place_id, Tier(row.tier), row.month, row.price) for row in rows]
    connection.execute(CALLS.update().where(condition).values(state=str(CallState.UNCERTAIN)))
    count([(call, CallState.RESERVED, CallState.UNCERTAIN) for call in calls], connection)
    return len(calls)


def reserving_sessions(connection: sa.Connection) -> set[str]:
    """The sessions that have attempts under way, or had when they died."""
    reserved = CALLS.c.state == str(CallState.RESERVED)
    return set(connection.execute(sa.select(CALLS.c.session).where(reserved).distinct()).scalars())


def count(moves: Sequence[Move], connection: sa.Connection) -> None:
    """Bring the counts along with attempts that change their state."""
    changes: dict[tuple[str, str, str], Counter[str]] = {}
    for call, before, after in moves:
        changed = changes.setdefault((call.month, str(call.tier), call.run_id), Counter())
        changed[str(after)] += 1
        if before is not None:
            changed[str(before)] -= 1
        was_spent = before is not None and before is not CallState.RELEASED
        changed["spent"] += ((after is not CallState.RELEASED) - was_spent) * call.price_micros
    for key, changed in changes.items():
        where = {f"of_{name}": value for name, value in zip(_KEYS, key, strict=True)}
        values = where | {f"add_{name}": changed[name] for name in (*_COUNTS, "spent")}
        if connection.execute(_ADD, values).rowcount == 0:
            insert_missing(connection, TOTALS, [dict(zip(_KEYS, key, strict=True))])
            connection.execute(_ADD, values)


def totals(connection: sa.Connection, *, month: str | None = None, run_id: str = "") -> list[Spend]:
    """The counts, all of them or those of a month and of a run, by month, SKU and run."""
    statement = _ALL if month is None else _OF_MONTH_AND_RUN
    rows = connection.execute(statement, {} if month is None else {"a_month": month, "a_run": run_id})
    return [
        Spend(
            row.month,
            Tier(row.tier),
            row.run_id,
            **{name: getattr(row, name) for name in _COUNTS},
            spent_usd=row.spent / MICROS,
        )
        for row in rows
    ]


def _given_up(connection: sa.Connection, call_ids: Sequence[str]) -> dict[str, CallState]:
    """Those that another process has made uncertain meanwhile: their session seemed to be gone."""
    uncertain = str(CallState.UNCERTAIN)
    condition = sa.and_(CALLS.c.call_id.in_(call_ids), CALLS.c.state == uncertain, CALLS.c.settled_at.is_(None))
    found = connection.execute(sa.select(CALLS.c.call_id).where(condition)).scalars()
    return dict.fromkeys(found, CallState.UNCERTAIN)
