"""Leases: one holder of a name at a time, among all processes that share a control store.

A holder says every few seconds that it is alive. One that no longer says so, because it was killed or its machine is
gone, loses the lease when it expires; on the machine that it ran on this is noticed at once. What a name protects is
its users' affair: they ask ``require_held`` before what must not happen twice.
"""

import logging
import os
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import sqlalchemy as sa

from backfill_pipelines.backfill.failures import BackfillError, StoreBusy, StoreError
from backfill_pipelines.stores.control import ControlStore, insert_missing, store_time

BEAT_SECONDS = 15.0
EXPIRY_SECONDS = 60.0

TABLES = sa.MetaData()
LEASES = sa.Table(
    "leases",
    TABLES,
    sa.Column("name", sa.Text, primary_key=True),
    #: Of one act of taking it: a holder that comes back after its expiry must not take itself for the new one.
    sa.Column("token", sa.Text, nullable=False),
    sa.Column("holder", sa.Text, nullable=False),
    sa.Column("purpose", sa.Text, nullable=False),
    sa.Column("host", sa.Text, nullable=False),
    sa.Column("pid", sa.Integer, nullable=False),
    #: Where a process with this pid would be the holder; empty where that cannot be said.
    sa.Column("machine", sa.Text, nullable=False),
    sa.Column("since", sa.Float, nullable=False),
    sa.Column("expires", sa.Float, nullable=False),
)

_log = logging.getLogger(__name__)


class LeaseTaken(StoreBusy):
    """Somebody else holds the lease; ``holder`` says who."""

    def __init__(self, name: str, holder: "Holder") -> None:
        super().__init__(
            f"{name} is held by {holder}. Repair: wait until it ends, or end that process; a holder that was killed "
            f"loses the lease at {holder.expires:%H:%M:%S} UTC at the latest, then run again"
        )
        self.name = name
        self.holder = holder


class LeaseLost(BackfillError):
    """The lease expired while its holder worked: somebody else may hold it now."""


@dataclass(frozen=True)
class Holder:
    """Who holds a lease, and what for."""

    holder: str
    purpose: str
    host: str
    pid: int
    since: datetime
    expires: datetime

    def __str__(self) -> str:
        return (
            f"{self.holder} ({self.purpose}) on {self.host}, pid {self.pid}, since {self.since:%Y-%m-%d %H:%M:%S} UTC"
        )


class Lease:
    """A lease that is held, with the thread that keeps it."""

    def __init__(
        self, control: ControlStore, name: str, token: str, beat_seconds: float, expiry_seconds: float
    ) -> None:
        self.name = name
        self._control = control
        self._token = token
        self._beat_seconds = beat_seconds
        self._expiry_seconds = expiry_seconds
        self._valid_until = time.monotonic() + expiry_seconds
        self._is_lost = False
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._keep, name=f"lease {name}", daemon=True)

    @property
    def is_held(self) -> bool:
        """Whether the lease is certainly still ours; no store is asked."""
        return not self._is_lost and time.monotonic() < self._valid_until

    def require_held(self) -> None:
        """Stop work that needs the lease once it is gone.

        Raises:
            LeaseLost: it was taken over, or could not be kept for as long as it lasts.
        """
        if not self.is_held:
            raise LeaseLost(
                f"the lease {self.name} was lost: this process did not reach the control store for "
                f"{self._expiry_seconds:.0f} s, and somebody else may work now. Repair: see who holds it and that "
                "BACKFILL_CONTROL_URL answers, then run again; what was done is not done twice"
            )

    def start(self) -> None:
        """Begin to keep it."""
        self._thread.start()

    def end(self) -> None:
        """Keep it no longer and give it back, if it is still ours."""
        self._ended.set()
        self._thread.join()
        with self._control.transaction() as connection:
            connection.execute(LEASES.delete().where(self._is_ours))

    @property
    def _is_ours(self) -> sa.ColumnElement[bool]:
        return sa.and_(LEASES.c.name == self.name, LEASES.c.token == self._token)

    def _keep(self) -> None:
        while not self._ended.wait(self._beat_seconds) and not self._is_lost:
            try:
                self._beat()
            except StoreError as error:  # the next beat may reach it; until then the time runs out
                _log.warning("the lease %s was not renewed: %s", self.name, error)

    def _beat(self) -> None:
        asked = time.monotonic()
        with self._control.transaction() as connection:
            expires = store_time(connection) + self._expiry_seconds
            renewed = connection.execute(LEASES.update().where(self._is_ours).values(expires=expires)).rowcount
        if renewed:
            self._valid_until = asked + self._expiry_seconds
        else:
            self._is_lost = True


class Leases:
    """The leases of one control store."""

    def __init__(
        self, control: ControlStore, *, beat_seconds: float = BEAT_SECONDS, expiry_seconds: float = EXPIRY_SECONDS
    ) -> None:
        self._control = control
        self._beat_seconds = beat_seconds
        self._expiry_seconds = expiry_seconds
        control.ensure(TABLES)

    @contextmanager
    def held(self, name: str, holder: str, purpose: str) -> Iterator[Lease]:
        """Hold a lease for the block; it is given back at its end.

        Args:
            name: What only one may have.
            holder: Who asks, as others shall read it: a run id, a command.
            purpose: What for.

        Raises:
            LeaseTaken: somebody alive holds it.
        """
        lease = self._taken(name, holder, purpose)
        lease.start()
        try:
            yield lease
        finally:
            lease.end()

    def holder(self, name: str) -> Holder | None:
        """Who holds the lease; None when nobody alive does."""
        with self._control.transaction() as connection:
            row = connection.execute(sa.select(LEASES).where(LEASES.c.name == name)).first()
            return _holder(row) if row is not None and _is_alive(row, store_time(connection)) else None

    def _taken(self, name: str, holder: str, purpose: str) -> Lease:
        token = uuid.uuid4().hex
        with self._control.transaction() as connection:
            now = store_time(connection)
            row = {
                "name": name,
                "token": token,
                "holder": holder,
                "purpose": purpose,
                "host": socket.gethostname(),
                "pid": os.getpid(),
                "machine": _machine(),
                "since": now,
                "expires": now + self._expiry_seconds,
            }
            insert_missing(connection, LEASES, [row])
            found = connection.execute(sa.select(LEASES).where(LEASES.c.name == name).with_for_update()).one()
            if found.token != token:
                if _is_alive(found, now):
                    raise LeaseTaken(name, _holder(found))
                connection.execute(LEASES.update().where(LEASES.c.name == name).values(**row))
        return Lease(self._control, name, token, self._beat_seconds, self._expiry_seconds)


def alive_among(connection: sa.Connection, names: set[str]) -> set[str]:
    """Those of the names whose leases are held by somebody alive; for statements of an own transaction."""
    now = store_time(connection)
    rows = connection.execute(sa.select(LEASES).where(LEASES.c.name.in_(sorted(names)))).all()
    return {row.name for row in rows if _is_alive(row, now)}


def _holder(row: sa.Row) -> Holder:
    since, expires = (datetime.fromtimestamp(moment, UTC) for moment in (row.since, row.expires))
    return Holder(row.holder, row.purpose, row.host, row.pid, since, expires)


def _is_alive(row: sa.Row, now: float) -> bool:
    if row.expires <= now:
        return False
    return not (row.machine and row.machine == _machine() and not _is_running(row.pid))


@cache
def _machine() -> str:
    """One boot of one machine and one space of pids; empty where the system does not tell."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return ""


def _is_running(pid: int) -> bool:
    """Whether there is such a process; a zombie is none, a stranger with its number only delays a takeover."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return False
    return state[0] not in ("Z", "X")
