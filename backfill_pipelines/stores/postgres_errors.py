"""What PostgreSQL answers when it does not do as it is told, as errors of ours: by SQLSTATE, never by text.

PostgresError(StoreError)
├── PostgresUnreachable   there is no server, or it went away; what was not committed is gone
├── PostgresBusy          somebody else has the lock; also a StoreBusy
└── PostgresRefused       the statement or its data are wrong: doing it again changes nothing
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from backfill_pipelines.backfill.failures import StoreBusy, StoreError

_UNREACHABLE = re.compile("08...|57P0.")
_BUSY = re.compile("40001|40P01|55P03")
_REFUSED = re.compile("2[0-9A-F]...|4[24]...|P....")


class PostgresError(StoreError):
    """PostgreSQL did not do it; ``sqlstate`` says why, None when the connection broke."""

    def __init__(self, message: str, sqlstate: str | None = None) -> None:
        super().__init__(message)
        self.sqlstate = sqlstate

    @property
    def is_transient(self) -> bool:
        """Whether the same may succeed a moment later."""
        return isinstance(self, PostgresUnreachable | PostgresBusy)


class PostgresUnreachable(PostgresError):
    """It cannot be reached, or it ended the connection."""


class PostgresBusy(PostgresError, StoreBusy):
    """Another transaction is in the way: a lock, a deadlock, a row that was changed meanwhile."""


class PostgresRefused(PostgresError):
    """The statement or its data are refused."""


@contextmanager
def translated(where: str) -> Iterator[None]:
    """Errors of the driver as errors of ours, which say which server it was."""
    try:
        yield
    except psycopg.Error as error:
        raise _ours(error, where) from error


def _ours(error: psycopg.Error, where: str) -> PostgresError:
    state, said = error.sqlstate, " ".join(str(error).split()) or type(error).__name__
    if _UNREACHABLE.fullmatch(state or "") or (state is None and isinstance(error, psycopg.OperationalError)):
        return PostgresUnreachable(
            f"{where} cannot be reached: {said}. Repair: see that it runs and that BACKFILL_POSTGRES and "
            "BACKFILL_POSTGRES_DSN name it, then run again; what was committed stays",
            state,
        )
    if _BUSY.fullmatch(state or ""):
        return PostgresBusy(
            f"{where} is busy ({state}): {said}. Repair: see in pg_stat_activity who holds the lock, wait until it "
            "ends, then run again",
            state,
        )
    kind = PostgresRefused if _REFUSED.fullmatch(state or "") else PostgresError
    return kind(f"{where} refused ({state or 'no SQLSTATE'}): {said}", state)
