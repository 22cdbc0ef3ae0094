"""A clock for sensors that are ticked by hand: it runs as the real one, may be ahead of it, and may be stopped."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta


@dataclass(kw_only=True)
class StoppableClock:
    """What a world inherits whose sensor asks for the time."""

    later: timedelta = timedelta(0)
    stopped_at: datetime | None = None

    @contextmanager
    def stopped_clock(self) -> Iterator[None]:
        """Time stands still for the block: two ticks of it do not lie on both sides of the end of an hour."""
        self.stopped_at = datetime.now(UTC)
        yield
        self.stopped_at = None

    def now(self) -> datetime:
        return (self.stopped_at or datetime.now(UTC)) + self.later
