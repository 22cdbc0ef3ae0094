"""What hangs is ended."""

import signal
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from backfill_pipelines.coffee.time_limits import PartitionTimedOut, time_limit


def test_a_block_that_takes_too_long_is_ended_by_name() -> None:
    with (
        pytest.raises(PartitionTimedOut, match=r"2025-09-28\|shop was not done after 0 s"),
        time_limit("2025-09-28|shop", 0.05),
    ):
        time.sleep(5)


def test_a_block_that_is_done_leaves_no_timer_behind() -> None:
    before = signal.getsignal(signal.SIGALRM)
    with time_limit("quick", 60):
        assert signal.getitimer(signal.ITIMER_REAL)[0] > 0
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    assert signal.getsignal(signal.SIGALRM) is before


def test_another_thread_has_no_limit_and_no_error() -> None:
    def work() -> str:
        with time_limit("elsewhere", 0.01):
            time.sleep(0.05)
        return "done"

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(work).result() == "done"
