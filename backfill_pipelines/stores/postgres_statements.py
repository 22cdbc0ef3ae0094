"""Statements on a PostgreSQL connection: run one, read rows by name, copy rows in, take advisory locks.

Statements are plain SQL text with bound values; identifiers come from the code. Errors are the driver's inside of a
connection's block and become ours at its end.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

__all__ = [
    "Connection",
    "Cursor",
    "Jsonb",
    "copy_rows",
    "execute",
    "execute_script",
    "read_rows",
    "read_value",
    "session_lock",
    "transaction_lock",
]

Connection = psycopg.Connection[tuple[Any, ...]]
Cursor = psycopg.Cursor[tuple[Any, ...]]
Values = Sequence[Any] | Mapping[str, Any]


def execute(connection: Connection, statement: str, values: Values | None = None) -> Cursor:
    """Run one statement; ``%s`` and ``%(name)s`` stand for values, and ``%%`` for the sign only if there are any."""
    return connection.execute(statement.encode(), values)


def execute_script(connection: Connection, script: str) -> None:
    """Run any number of statements without values, in one go and one transaction."""
    connection.execute(script.encode())


def read_rows(connection: Connection, statement: str, values: Values | None = None) -> list[dict[str, Any]]:
    """All rows of a query, by column."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(statement.encode(), values).fetchall()


def read_value(connection: Connection, statement: str, values: Values | None = None) -> Any:
    """The first column of the first row; None when there is no row."""
    row = execute(connection, statement, values).fetchone()
    return None if row is None else row[0]


def copy_rows(connection: Connection, target: str, rows: Iterable[Sequence[Any]]) -> int:
    """COPY rows into ``table (column, ..)``; says how many. A thousandth of the time of inserting one by one."""
    count = 0
    with connection.cursor() as cursor, cursor.copy(f"COPY {target} FROM STDIN".encode()) as copy:
        for row in rows:
            copy.write_row(row)
            count += 1
    return count


@contextmanager
def session_lock(connection: Connection, key: str) -> Iterator[bool]:
    """Try for the lock of this key; False when another session has it. It outlives transactions, not the session."""
    is_ours = bool(read_value(connection, "SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", (key,)))
    try:
        yield is_ours
    finally:
        if is_ours and not connection.closed:
            if connection.info.transaction_status == TransactionStatus.INERROR:
                connection.rollback()
            execute(connection, "SELECT pg_advisory_unlock(hashtextextended(%s, 0))", (key,))


def transaction_lock(connection: Connection, key: str) -> None:
    """Wait for the lock of this key, which ends with the transaction; ``lock_timeout`` bounds the wait."""
    execute(connection, "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (key,))
