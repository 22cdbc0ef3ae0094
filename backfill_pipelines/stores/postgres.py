"""PostgreSQL as a Dagster resource: connections, and transactions that are tried again.

With its siblings ``postgres_statements`` and ``postgres_errors`` the only user of the driver: domains write plain SQL
and take what they need of it from here. What the tables are is not known here.
"""

import os
import random
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TypeVar

import dagster as dg
import orjson
import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.types.json import set_json_dumps, set_json_loads
from pydantic import Field

from backfill_pipelines.backfill.failures import SettingsError
from backfill_pipelines.stores.embedded_postgres import EmbeddedPostgres
from backfill_pipelines.stores.postgres_errors import (
    PostgresBusy,
    PostgresError,
    PostgresRefused,
    PostgresUnreachable,
    translated,
)
from backfill_pipelines.stores.postgres_statements import (
    Connection,
    Cursor,
    Jsonb,
    copy_rows,
    execute,
    execute_script,
    read_rows,
    read_value,
    session_lock,
    transaction_lock,
)

__all__ = [
    "Connection",
    "Cursor",
    "Jsonb",
    "Postgres",
    "PostgresBusy",
    "PostgresError",
    "PostgresRefused",
    "PostgresUnreachable",
    "copy_rows",
    "execute",
    "execute_script",
    "read_rows",
    "read_value",
    "session_lock",
    "transaction_lock",
]

STATEMENT_TIMEOUT_SECONDS = 300.0
LOCK_TIMEOUT_SECONDS = 10.0
#: Tried again this often, after so many seconds and up to a fifth more or less.
RETRY_SECONDS = (0.5, 1.0, 2.0)
OLDEST_VERSION = 140_000

Result = TypeVar("Result")


class Postgres(dg.ConfigurableResource):
    """One database: embedded in a folder, or of a server."""

    embedded: str | None = Field(default=None, description="Folder of the embedded server; None for a real one.")
    dsn_variable: str = Field(
        default="BACKFILL_POSTGRES_DSN", description="Environment variable that holds the DSN of a real server."
    )
    database: str = Field(
        default="coffee_scraper", description="Database of the embedded server, made when it is missing."
    )
    other: str | None = Field(default=None, description="Another database of the same server, to be used instead.")

    @contextmanager
    def connect(
        self,
        application_name: str,
        *,
        autocommit: bool = False,
        statement_timeout_seconds: float = STATEMENT_TIMEOUT_SECONDS,
        lock_timeout_seconds: float = LOCK_TIMEOUT_SECONDS,
    ) -> Iterator[Connection]:
        """A connection for the block: committed at its end, rolled back by an exception, closed either way.

        Args:
            application_name: Who it is, in ``pg_stat_activity``, such as ``coffee:<run id>``.
            autocommit: Every statement is its own transaction.
            statement_timeout_seconds: A statement that runs longer is ended.
            lock_timeout_seconds: A statement that waits longer for a lock is ended.

        Raises:
            PostgresUnreachable: there is no server, or it went away.
            PostgresBusy: another transaction was in the way.
            PostgresRefused: a statement or its data are wrong.
            PostgresError: anything else PostgreSQL says; and a server that is too old.
        """
        options = {
            "statement_timeout": f"{statement_timeout_seconds * 1000:.0f}",
            "lock_timeout": f"{lock_timeout_seconds * 1000:.0f}",
            "timezone": "UTC",
        }
        text = " ".join(f"-c {name}={value}" for name, value in options.items())
        with translated(self.where):
            connection = self._opened(application_name=application_name, options=text, autocommit=autocommit)
            # A commit that is refused leaves a connection open that psycopg's own block would have closed.
            with closing(connection), connection:
                _require_version(connection, self.where)
                set_json_dumps(orjson.dumps, connection)
                set_json_loads(orjson.loads, connection)
                yield connection

    def transact(
        self,
        application_name: str,
        work: Callable[[Connection], Result],
        *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> Result:
        """Do the work in one transaction, and again in a new one when PostgreSQL was busy or went away.

        The work must bear to be done twice: a connection may break after the server has committed.

        Raises:
            PostgresError: it failed for good, or for the fourth time.
        """
        for seconds in RETRY_SECONDS:
            try:
                with self.connect(application_name) as connection:
                    return work(connection)
            except PostgresError as error:
                if not error.is_transient:
                    raise
            sleep(seconds * random.uniform(0.8, 1.2))
        with self.connect(application_name) as connection:
            return work(connection)

    @property
    def where(self) -> str:
        """The database as messages name it, without credentials."""
        if self.embedded is not None:
            return f"the embedded PostgreSQL database {self.database_name} of {self.embedded}"
        named = conninfo_to_dict(self._dsn())
        return f"the PostgreSQL database {named.get('dbname')} on {named.get('host', 'this machine')}"

    def conninfo(self) -> str:
        """Connection string of the database, for PostgreSQL's own tools; a server's may hold its password.

        Raises:
            SettingsError: no server is named.
            ServerNotRunning: the embedded server does not start.
        """
        if self.embedded is None:
            return self._dsn()
        return make_conninfo(self.embedded_server.endpoint(), dbname=self.database)

    @property
    def database_name(self) -> str:
        """The database in use.

        Raises:
            SettingsError: no server is named, or its DSN names no database.
        """
        if self.embedded is not None:
            return self.database
        if name := conninfo_to_dict(self._dsn()).get("dbname"):
            return str(name)
        raise SettingsError(f"{self.dsn_variable} names no database. Repair: end it in /coffee_scraper")

    def beside(self, name: str) -> "Postgres":
        """Another database of the same server; the embedded server makes it when it is missing."""
        if self.embedded is not None:
            return Postgres(embedded=self.embedded, database=name)
        return Postgres(dsn_variable=self.dsn_variable, other=name)

    @property
    def embedded_server(self) -> EmbeddedPostgres:
        """The embedded server, not started.

        Raises:
            SettingsError: there is none.
        """
        if self.embedded is None:
            raise SettingsError("PostgreSQL is a real server here. Repair: unset BACKFILL_POSTGRES to embed one")
        return EmbeddedPostgres(Path(self.embedded))

    def _dsn(self) -> str:
        if dsn := os.environ.get(self.dsn_variable, "").strip():
            try:
                conninfo_to_dict(dsn)
            except psycopg.ProgrammingError:  # its text holds the password
                raise SettingsError(
                    f"{self.dsn_variable} is no connection string. Repair: write it as "
                    "postgresql://user:password@host:5432/coffee_scraper"
                ) from None
            return make_conninfo(dsn, dbname=self.other) if self.other else dsn
        raise SettingsError(
            f"no PostgreSQL server is named. Repair: set {self.dsn_variable} to its DSN, such as "
            "postgresql://user:password@host:5432/coffee_scraper; or BACKFILL_POSTGRES=embedded"
        )

    def _opened(self, *, application_name: str, options: str, autocommit: bool) -> Connection:
        values = {"application_name": application_name, "options": options, "connect_timeout": 10}
        if self.embedded is None:
            return psycopg.connect(make_conninfo(self._dsn(), **values), autocommit=autocommit)
        server = self.embedded_server
        if found := server.running():
            conninfo = make_conninfo(server.address(found), dbname=self.database, **values)
            try:
                return psycopg.connect(conninfo, autocommit=autocommit)
            except psycopg.OperationalError:  # it starts, it was killed this moment, or the database is missing
                pass
        _ensure_database(server.endpoint(), self.database)
        return psycopg.connect(make_conninfo(self.conninfo(), **values), autocommit=autocommit)


def _ensure_database(maintenance: str, name: str) -> None:
    with psycopg.connect(maintenance, autocommit=True) as connection:
        # Two that look at the same time would both create.
        connection.execute("SELECT pg_advisory_lock(hashtextextended('create database', 0))")
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone():
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))


def _require_version(connection: Connection, where: str) -> None:
    version = connection.info.server_version
    if version < OLDEST_VERSION:
        raise PostgresError(
            f"{where} is PostgreSQL {version // 10_000}. Repair: use {OLDEST_VERSION // 10_000} or later, which has "
            "what the schema needs"
        )
