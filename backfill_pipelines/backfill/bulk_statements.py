"""A statement for thousands of rows, without what SQLAlchemy does for each of them.

SQLAlchemy compiles a statement once and then prepares the values of row after row: for short rows that is longer than
SQLite takes to store them. Here rows go to the driver as they are, times as SQLAlchemy would write them.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Insert, Update
from sqlalchemy.dialects.sqlite import DATETIME, dialect
from sqlalchemy.engine import Connection

_DIALECT = dialect()
_time_text = cast("Callable[[datetime], str]", DATETIME().bind_processor(_DIALECT))


class BulkStatement:
    """An insert or update of SQLite with named values."""

    def __init__(self, statement: Insert | Update, names: Iterable[str]) -> None:
        """``names`` are the columns that are set; parameters of a condition have their own names."""
        compiled = statement.compile(dialect=_DIALECT, column_keys=list(names))
        self._text = str(compiled)
        self._names: Sequence[str] = compiled.positiontup or ()

    def execute(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> int:
        """Run it for every row, which may have more than the statement names; gives how many rows were changed."""
        values = [tuple(_plain(row[name]) for name in self._names) for row in rows]
        return connection.exec_driver_sql(self._text, values).rowcount


def _plain(value: Any) -> Any:
    return _time_text(value) if isinstance(value, datetime) else value
