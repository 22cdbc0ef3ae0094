"""Open SQLite databases of the event log, kept between events.

Dagster opens, commits and closes a database for every event; opening compiles every statement anew and closing the
last connection writes the whole write-ahead log back. Here the index and the logs of the latest runs stay open.
"""

import os
import sqlite3
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event

#: How long a writer waits for another process's write transaction.
BUSY_TIMEOUT_SECONDS = 60
#: Databases that stay open: a process writes one run and the index; the UI's pages read some more.
MOST_OPEN = 8


class ShardEngines:
    """One engine a database, the least used one closed when there are too many; safe to use from many threads."""

    def __init__(self, url_of: Callable[[str], str]) -> None:
        self._url_of = url_of
        self._lock = threading.Lock()
        self._open: OrderedDict[str, Engine] = OrderedDict()

    def of(self, shard: str) -> Engine:
        """The engine of a database, opened if it is not."""
        with self._lock:
            if shard not in self._open:
                self._open[shard] = _engine(self._url_of(shard))
            self._open.move_to_end(shard)
            while len(self._open) > MOST_OPEN:
                self._open.popitem(last=False)[1].dispose()
            return self._open[shard]

    def close(self) -> None:
        """Close all of them; the next use opens them again."""
        with self._lock:
            while self._open:
                self._open.popitem()[1].dispose()


class EmptyLog:
    """A run's database as it is before its first event, so that Dagster's migrations make it only once a process."""

    def __init__(self) -> None:
        self._content: bytes | None = None

    def take_from(self, path: Path) -> None:
        """Remember a database that was just made; one with events in it is of no use."""
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder) / "empty.db"
            with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(copy)) as target:
                # The file alone may lack what is in its write-ahead log.
                source.backup(target)
                (events,) = target.execute("SELECT count(*) FROM event_logs").fetchone()
            self._content = None if events else copy.read_bytes()

    def copy_to(self, path: Path) -> bool:
        """Make a run's database; False when there is one already, or nothing to copy."""
        if self._content is None or path.exists():
            return False
        with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".new") as new:
            new.write(self._content)
            new.flush()
            try:
                os.link(new.name, path)
            except FileExistsError:
                return False
        return True


def _engine(url: str) -> Engine:
    engine = create_engine(url, connect_args={"timeout": BUSY_TIMEOUT_SECONDS})
    event.listen(engine, "connect", _on_connect)
    return engine


def _on_connect(connection: Any, _record: Any) -> None:
    """Sync at checkpoints instead of at every commit.

    A killed process loses nothing. After a power cut the last events can be missing, never half written: a partition
    that was published then shows as missing, and running it again finds its data and says so.
    """
    connection.execute("PRAGMA synchronous=NORMAL").close()
