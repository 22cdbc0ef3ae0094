"""The time-out of a partition's work: what hangs is ended, so that its siblings can go on."""

import signal
import threading
from collections.abc import Generator, Sequence
from contextlib import AbstractContextManager, contextmanager
from types import FrameType

from backfill_pipelines.backfill.failures import BackfillError

#: Seconds that the derivation of one partition may take.
PARTITION_SECONDS = 3600.0


class PartitionTimedOut(BackfillError):
    """The work on a partition took too long and was ended.

    No ``TimeoutError``: after one of those the kernel pauses the asset, since a store that does not answer will not
    answer for the next partitions either. Here it is one body that is at fault.
    """


@contextmanager
def time_limit(what: str, seconds: float = PARTITION_SECONDS) -> Generator[None, None, None]:
    """End the block when it takes longer; elsewhere than in the main thread there are no timers, and no limit.

    Raises:
        PartitionTimedOut: it did.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def ended(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        raise PartitionTimedOut(
            f"{what} was not done after {seconds:,.0f} s and was ended. Repair: look at its bodies; then run it alone"
        )

    before = signal.signal(signal.SIGALRM, ended)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def range_limit(partitions: Sequence[str]) -> AbstractContextManager[None]:
    """End the block when it takes longer than its partitions may take, one after the other.

    Raises:
        PartitionTimedOut: it did.
    """
    return time_limit(f"{partitions[0]} to {partitions[-1]}", PARTITION_SECONDS * len(partitions))
