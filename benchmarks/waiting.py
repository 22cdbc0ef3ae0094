"""How long the threads of this process wait for servers, and how long it computes.

What is measured, for every request to DynamoDB and to the Places API, in the thread that sends it: from the call of
the HTTP client until its answer is there, less the processor time that the thread itself used in between. That is the
time in which a worker could do nothing but wait for somebody else. It is summed over all threads: ten workers that
wait one second have waited ten.

- ``waiting`` is that sum as a share of itself and the processor time of the whole process: of everything that the
  workers did, how much was waiting. A thread whose answer has come and that waits for another thread of this process
  to let go of the interpreter counts as waiting; it is less than the processor time beside it.
- ``under way`` is the part of the wall-clock time with at least one request sent and not answered yet: it says nothing
  of how many there were, and cannot be inflated by having many workers.
- ``own processor`` is the processor time of the process over the wall-clock time, of one processor.
"""

import resource
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from typing import Any


def own_seconds() -> float:
    """Processor seconds of this process, all threads."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


class Waiting:
    """Requests of all threads; see the module."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open = 0
        self._since = 0.0
        #: Seconds with a request under way, and seconds that all threads together have waited.
        self.under_way = 0.0
        self.waited = 0.0

    @contextmanager
    def request(self) -> Iterator[None]:
        """One request, in any thread."""
        with self._lock:
            self._since = self._since if self._open else time.perf_counter()
            self._open += 1
        began, computed = time.perf_counter(), time.thread_time()
        try:
            yield
        finally:
            waited = time.perf_counter() - began - (time.thread_time() - computed)
            with self._lock:
                self._open -= 1
                self.waited += max(0.0, waited)
                self.under_way += 0.0 if self._open else time.perf_counter() - self._since

    def watch(self, owner: Any, name: str, delay_seconds: float = 0.0) -> None:
        """Count every call of a method that sends a request and returns with its answer, each delayed like that."""
        send = getattr(owner, name)

        @wraps(send)
        def watched(*args: Any, **kwargs: Any) -> Any:
            with self.request():
                if delay_seconds:
                    time.sleep(delay_seconds)
                return send(*args, **kwargs)

        setattr(owner, name, watched)


@dataclass
class Line:
    """What one way of doing it took."""

    name: str
    records: int = 0
    calls: int = 0
    seconds: float = 0.0
    own_seconds: float = 0.0
    under_way: float = 0.0
    waited: float = 0.0

    @property
    def rate(self) -> float:
        """Records a second."""
        return self.records / self.seconds

    @property
    def waiting(self) -> float:
        """Share of waiting in waiting and computing."""
        return self.waited / (self.waited + self.own_seconds)


@contextmanager
def metered(name: str, lines: list[Line], waiting: Waiting) -> Iterator[Line]:
    """Time of the block, and what this process did in it."""
    line = Line(name)
    start, own, under_way, waited = time.perf_counter(), own_seconds(), waiting.under_way, waiting.waited
    yield line
    line.seconds, line.own_seconds = time.perf_counter() - start, own_seconds() - own
    line.under_way, line.waited = waiting.under_way - under_way, waiting.waited - waited
    lines.append(line)
