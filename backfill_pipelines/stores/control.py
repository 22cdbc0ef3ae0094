"""The control store: small transactional state that all processes of a deployment share.

SQLite in a file of its own when embedded (WAL, synced at every commit), PostgreSQL in production; the same SQLAlchemy
statements on both. Ledgers, budgets, rate limiters, leases and decisions live in it; each declares its own tables and
hands them to ``ControlStore.ensure``. What they mean is said there, nothing of it here.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
import sqlalchemy as sa
from pydantic import Field, PrivateAttr
from sqlalchemy import event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import OperationalError

from backfill_pipelines.backfill.failures import StoreBusy, StoreError

#: A writer waits this long for another one; every transaction is short.
BUSY_SECONDS = 60
#: Number of the advisory lock under which tables are created.
_CREATING = 4_711_042


class ControlStore(dg.ConfigurableResource):
    """One database, opened on first use."""

    url: str = Field(description="SQLAlchemy URL: sqlite:////folder/control.db or postgresql+psycopg://..")
    _engine: Any = PrivateAttr(default=None)

    def ensure(self, tables: sa.MetaData) -> None:
        """Create the tables that do not exist yet; any number of processes may do it at once."""
        with self.transaction() as connection:
            if connection.dialect.name == "postgresql":
                # Two that look at the same time would both create; SQLite lets in one writer at a time anyway.
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_CREATING)))
            tables.create_all(connection)

    @contextmanager
    def transaction(self) -> Iterator[sa.Connection]:
        """One transaction, committed at the end of the block, rolled back by an exception.

        On SQLite it is the only writer from its first statement on; on PostgreSQL lock the rows that are read to be
        changed (``with_for_update``, which SQLite leaves out).

        Raises:
            StoreBusy: another process holds the store for longer than a minute.
            StoreError: the store cannot be opened or refuses a statement.
        """
        try:
            with self._opened.begin() as connection:
                yield connection
        except OperationalError as error:
            kind = StoreBusy if "locked" in str(error.orig) else StoreError
            raise kind(
                f"the control store {self._opened.url!r}: {error.orig}. Repair: see that it can be reached and "
                "written (BACKFILL_CONTROL_URL), and that no process hangs in a transaction; then run again"
            ) from error

    @property
    def _opened(self) -> sa.Engine:
        if self._engine is None:
            url = sa.make_url(self.url)
            self._engine = _sqlite(url) if url.get_backend_name() == "sqlite" else _server(url)
        return self._engine

    def close(self) -> None:
        """Close its connections; the next use opens it again."""
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None


def store_time(connection: sa.Connection) -> float:
    """Seconds since the epoch by the clock that all users of the store share, so that no host's clock decides.

    An embedded store has users on one machine only; a server's own clock is asked.
    """
    if connection.dialect.name == "sqlite":
        return time.time()
    return float(connection.execute(sa.text("SELECT extract(epoch FROM clock_timestamp())")).scalar_one())


def insert_missing(connection: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert the rows whose keys are not there yet, whoever else does the same at the same time."""
    if rows:
        dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
        connection.execute(dialect.insert(table).on_conflict_do_nothing(), [dict(row) for row in rows])


def _sqlite(url: sa.URL) -> sa.Engine:
    if url.database:
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = sa.create_engine(url, connect_args={"timeout": BUSY_SECONDS, "isolation_level": None})
    event.listen(engine, "connect", _on_connect)
    # A transaction that reads and then writes must be the writer from the start, or SQLite refuses it half way.
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    return engine


def _server(url: sa.URL) -> sa.Engine:
    try:
        return sa.create_engine(url)
    except ModuleNotFoundError as error:
        raise StoreError(
            f"the control store {url!r} needs the Python package {error.name}. Repair: install it, or name a driver "
            "that is there: postgresql+psycopg://..."
        ) from error


def _on_connect(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
