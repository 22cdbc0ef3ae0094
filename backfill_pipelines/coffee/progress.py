"""How far a backfill is: counts, share, rate and time to go; and when too much of it has failed to go on.

Pure: the clock is given. What is done with a line is the caller's business.
"""

import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field

from backfill_pipelines.backfill.failures import BackfillError

#: A line is due this often, in seconds.
EVERY_SECONDS = 300.0
#: The rate is that of the last ten minutes, in seconds.
WINDOW_SECONDS = 600.0
#: A backfill ends when more than this share of what was processed has failed ..
MOST_FAILED = 0.10
#: .. but not before so many partitions were processed.
LEAST_PROCESSED = 10

OK, FAILED, UNRECOVERABLE = "ok", "failed", "unrecoverable"


class TooManyFailed(BackfillError):
    """The failure threshold of a backfill was passed; what was published stays."""


@dataclass(frozen=True)
class Line:
    """How far a backfill is at one moment. ``eta_s`` is None while nothing was processed."""

    processed: int
    total: int
    ok: int
    failed: int
    unrecoverable: int
    #: Observations that were looked at, and rows that were written.
    rows: int
    written: int
    elapsed_s: float
    eta_s: float | None

    @property
    def pct(self) -> float:
        """Share processed in percent; of nothing, everything is done."""
        return 100.0 * self.processed / self.total if self.total else 100.0

    @property
    def text(self) -> str:
        """In words."""
        if not self.total:
            return "100.0 %: nothing to do"
        eta = "unknown" if self.eta_s is None else f"{self.eta_s:.0f} s"
        return (
            f"{self.pct:.1f} %: {self.processed:,} of {self.total:,} processed, {self.ok:,} ok, {self.failed:,} "
            f"failed, {self.unrecoverable:,} unrecoverable, {self.rows:,} rows looked at, {self.written:,} written, "
            f"{self.elapsed_s:.0f} s elapsed, {eta} to go"
        )


@dataclass
class Progress:
    """Counts partitions of a backfill; failed and unrecoverable ones are processed as well."""

    total: int
    clock: Callable[[], float] = time.monotonic
    rows: int = 0
    written: int = 0
    counts: Counter[str] = field(default_factory=Counter[str])
    _began: float = 0.0
    _told: float = 0.0
    _history: deque[tuple[float, int]] = field(default_factory=deque[tuple[float, int]])

    def __post_init__(self) -> None:
        self._began = self._told = self.clock()
        self._history.append((self._began, 0))

    @property
    def processed(self) -> int:
        """Partitions that came to an end of any kind."""
        return self.counts.total()

    def add(self, outcome: str, partitions: int = 1, rows: int = 0) -> None:
        """Count partitions that ended as ``ok``, ``failed`` or ``unrecoverable``."""
        self.counts[outcome] += partitions
        self.rows += rows
        self._history.append((self.clock(), self.processed))

    def line(self) -> Line:
        """How far it is now."""
        now = self.clock()
        rate = self._rate(now)
        remaining = max(0, self.total - self.processed)
        return Line(
            self.processed,
            self.total,
            self.counts[OK],
            self.counts[FAILED],
            self.counts[UNRECOVERABLE],
            self.rows,
            self.written,
            now - self._began,
            remaining / rate if rate else None,
        )

    def due_line(self) -> Line | None:
        """The line that is due by now, if any; from then on the next is due after another ``EVERY_SECONDS``."""
        if self.clock() - self._told < EVERY_SECONDS:
            return None
        self._told = self.clock()
        return self.line()

    def require_few_failed(self) -> None:
        """Go on only while few have failed.

        Raises:
            TooManyFailed: more than ``MOST_FAILED`` of at least ``LEAST_PROCESSED``.
        """
        failed, processed = self.counts[FAILED], self.processed
        if processed >= LEAST_PROCESSED and failed > MOST_FAILED * processed:
            raise TooManyFailed(
                f"{failed} of {processed} partitions have failed, more than {MOST_FAILED:.0%}: the backfill was ended. "
                "Published partitions stay. Repair: mend the cause, then run the same plan again; it goes on from there"
            )

    def _rate(self, now: float) -> float:
        """Partitions a second: of the last ten minutes, or since the start when those brought none."""
        while len(self._history) > 1 and self._history[1][0] <= now - WINDOW_SECONDS:
            self._history.popleft()
        then, before = self._history[0]
        recent = self.processed - before
        if recent and now > then:
            return recent / (now - then)
        return self.processed / (now - self._began) if now > self._began else 0.0
