"""Databases beside the one that is in use, on the same server: made for a restore, dropped, and put in its place."""

from collections.abc import Sequence
from contextlib import AbstractContextManager

from psycopg import sql

from backfill_pipelines.backfill.failures import StoreError
from backfill_pipelines.stores.postgres import Connection, Postgres, read_rows

_OPTIONS = "SELECT pg_encoding_to_char(encoding) AS encoding, datcollate, datctype FROM pg_database WHERE datname = %s"
_OTHERS = """SELECT pid, COALESCE(NULLIF(application_name, ''), 'unnamed') AS name FROM pg_stat_activity
WHERE datname = ANY(%s) AND pid <> pg_backend_pid() ORDER BY pid"""
#: Has its own connection for commands that must not be given inside of the database they are about.
_MAINTENANCE = "postgres"


class DatabaseInUse(StoreError):
    """A database cannot be renamed while others are connected to it."""


def make_database(postgres: Postgres, name: str) -> Postgres:
    """An empty database of this name on the same server, made like the one in use; one that is there is dropped."""
    drop_database(postgres, name)
    with postgres.connect("coffee:databases", autocommit=True) as connection:
        (like,) = read_rows(connection, _OPTIONS, (connection.info.dbname,))
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING {} LC_COLLATE {} LC_CTYPE {}").format(
                sql.Identifier(name), like["encoding"], like["datcollate"], like["datctype"]
            )
        )
    return postgres.beside(name)


def drop_database(postgres: Postgres, name: str) -> None:
    """Drop a database beside the one in use; nothing when there is none."""
    with postgres.connect("coffee:databases", autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def swap_database(postgres: Postgres, restored: str, kept_as: str) -> None:
    """Give the database in use another name, and its own to ``restored``; both or neither.

    Raises:
        DatabaseInUse: others are connected to one of them.
    """
    live = postgres.database_name
    with _maintenance(postgres) as connection:
        if others := read_rows(connection, _OTHERS, ([live, restored],)):
            raise DatabaseInUse(_who(live, others))
        for old, new in ((live, kept_as), (restored, live)):
            connection.execute(
                sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(old), sql.Identifier(new))
            )


def _maintenance(postgres: Postgres) -> AbstractContextManager[Connection]:
    return postgres.beside(_MAINTENANCE).connect("coffee:databases")


def _who(live: str, others: Sequence[dict[str, object]]) -> str:
    named = ", ".join(f"{other['name']} (pid {other['pid']})" for other in others)
    return (
        f"{live} cannot be replaced while others are connected: {named}. Repair: stop the daemon, the UI and other "
        "clients, then run the same command again"
    )
