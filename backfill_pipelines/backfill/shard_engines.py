"""Open SQLite databases of the event log, kept between events.

Dagster opens, commits and closes a database for every event; opening compiles every statement anew and closing the
last connection writes the whole write-ahead log back. Here the index and the logs of the latest runs stay open.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable
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
