"""How far a backfill is, and when it ends early."""

import pytest

from backfill_pipelines.coffee.progress import FAILED, OK, UNRECOVERABLE, Progress, TooManyFailed


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_of_nothing_everything_is_done(clock: Clock) -> None:
    line = Progress(0, clock).line()
    assert (line.pct, line.eta_s, line.text) == (100.0, None, "100.0 %: nothing to do")


def test_before_the_first_partition_the_time_to_go_is_unknown(clock: Clock) -> None:
    """The runbook's script says 0 s here: it looks as if the backfill were over."""
    progress = Progress(10, clock)
    clock.now += 60
    assert progress.line().eta_s is None
    assert "unknown to go" in progress.line().text


def test_failed_and_unrecoverable_partitions_are_processed(clock: Clock) -> None:
    progress = Progress(10, clock)
    clock.now += 10
    progress.add(OK, 3, rows=900)
    progress.add(FAILED)
    progress.add(UNRECOVERABLE)
    progress.written = 12
    line = progress.line()
    assert (line.processed, line.pct, line.rows, line.elapsed_s, line.eta_s) == (5, 50.0, 900, 10.0, 10.0)
    assert line.text == (
        "50.0 %: 5 of 10 processed, 3 ok, 1 failed, 1 unrecoverable, 900 rows looked at, 12 written, "
        "10 s elapsed, 10 s to go"
    )


def test_the_rate_is_that_of_the_last_ten_minutes(clock: Clock) -> None:
    """After a slow hour a fast one: an average since the start would overstate the rest tenfold."""
    progress = Progress(1000, clock)
    for _ in range(6):
        clock.now += 600
        progress.add(OK)
    for _ in range(10):
        clock.now += 60
        progress.add(OK, 6)
    assert progress.line().eta_s == pytest.approx((1000 - 66) / (60 / 600), rel=0.2)


def test_after_ten_idle_minutes_the_rate_is_that_since_the_start(clock: Clock) -> None:
    progress = Progress(100, clock)
    clock.now += 100
    progress.add(OK, 50)
    clock.now += 900
    assert progress.line().eta_s == pytest.approx(50 / (50 / 1000))


def test_a_line_is_due_every_five_minutes(clock: Clock) -> None:
    progress = Progress(10, clock)
    assert progress.due_line() is None
    clock.now += 300
    assert progress.due_line() is not None
    assert progress.due_line() is None


@pytest.mark.parametrize(
    ("ok", "failed", "ends"), [(5, 4, False), (9, 1, False), (8, 2, True), (90, 10, False), (89, 11, True)]
)
def test_more_than_a_tenth_failed_ends_it_once_ten_were_processed(
    clock: Clock, ok: int, failed: int, ends: bool
) -> None:
    progress = Progress(200, clock)
    progress.add(OK, ok)
    progress.add(FAILED, failed)
    if ends:
        with pytest.raises(TooManyFailed, match=f"{failed} of {ok + failed} partitions have failed"):
            progress.require_few_failed()
    else:
        progress.require_few_failed()
