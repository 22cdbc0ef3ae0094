"""The run of a fetch: begun with a lease, kept alive by a thread, ended once, whatever happens in between."""

import logging
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from backfill_pipelines.backfill.failures import BackfillError, StoreError
from backfill_pipelines.coffee.runs import BEAT_SECONDS, Run, beat_run, finish_run, start_run
from backfill_pipelines.stores.postgres import Postgres

_log = logging.getLogger(__name__)


class FetchRunLost(BackfillError):
    """The run was taken for crashed, or is another's, while it worked."""


def application_name(run_id: uuid.UUID) -> str:
    """Who it is, in ``pg_stat_activity``."""
    return f"coffee:{run_id}"


@contextmanager
def beating_run(
    postgres: Postgres, run: Run, *, beat_seconds: float = BEAT_SECONDS, clock: Callable[[], datetime] | None = None
) -> Iterator[None]:
    """A row of ``scrape_runs`` for the block, alive while it runs; an exception ends it ``fail``.

    The block itself ends it well, in the transaction of its results.

    Raises:
        FetchRunLost: there is a run of this id already.
    """
    name = application_name(run.id)
    if not postgres.transact(name, lambda connection: start_run(connection, run)):
        raise FetchRunLost(f"there is a run {run.id} already. Repair: fetch again, which begins a run of its own")
    ended = threading.Event()
    beats = threading.Thread(target=_keep, args=(postgres, run.id, ended, beat_seconds), name=f"beats of {run.id}")
    beats.start()
    try:
        yield
    except BaseException as error:
        _fail(postgres, run.id, error, (clock or _now)())
        raise
    finally:
        ended.set()
        beats.join()


def lost(run_id: uuid.UUID) -> FetchRunLost:
    """What to say of a run that had ended before it could be ended well."""
    return FetchRunLost(
        f"the run {run_id} was taken for crashed while it fetched, because the database did not hear of it for 15 "
        "minutes. Repair: see that the database answers; what was fetched is in the store of bodies and is found by "
        "the next recovery of that day"
    )


def _keep(postgres: Postgres, run_id: uuid.UUID, ended: threading.Event, beat_seconds: float) -> None:
    while not ended.wait(beat_seconds):
        try:
            with postgres.connect(application_name(run_id)) as connection:
                if not beat_run(connection, run_id):
                    return
        except StoreError as error:  # the next beat may reach it; until then the lease runs on
            _log.warning("the run %s was not renewed: %s", run_id, error)


def _fail(postgres: Postgres, run_id: uuid.UUID, error: BaseException, now: datetime) -> None:
    """End the run without hiding why: a database that is gone ends it by its lease."""
    code = "interrupted" if not isinstance(error, Exception) else "error"
    try:
        with postgres.connect(application_name(run_id)) as connection:
            finish_run(connection, run_id, "fail", now, {}, error_code=code, error=f"{type(error).__name__}: {error}")
    except StoreError as broken:
        _log.warning("the run %s could not be ended: %s", run_id, broken)


def _now() -> datetime:
    return datetime.now(UTC)
