"""The pace of a host: what a shop sees is the sum of all workers, so the distance must hold over all of them."""

import threading
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
import sqlalchemy as sa

from backfill_pipelines.stores.control import ControlStore
from backfill_pipelines.stores.host_pacing import OPEN, HostBusy, HostPaces, Pace

HOST = "shop.example"


class Clock:
    """Seconds that pass by sleeping only."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def __call__(self, _connection: sa.Connection) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def control(tmp_path: Path) -> Iterator[ControlStore]:
    store = ControlStore(url=f"sqlite:///{tmp_path / 'control.db'}")
    yield store
    store.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


def paces(control: ControlStore, clock: Clock, draws: list[float] | None = None) -> HostPaces:
    left = iter(draws or [0.5] * 1000)
    return HostPaces(control, clock=clock, sleep=clock.sleep, draw=lambda: next(left))


def moments(found: HostPaces, clock: Clock, pace: Pace, count: int) -> list[float]:
    begun = list[float]()
    for _ in range(count):
        with found.turn(HOST, pace):
            begun.append(clock.now)
    return [round(later - earlier, 6) for earlier, later in pairwise(begun)]


def test_requests_keep_half_a_second_give_or_take_a_fifth(control: ControlStore, clock: Clock) -> None:
    assert moments(paces(control, clock, [0.0, 0.5, 0.75, 0.25, 0.5]), clock, Pace(), 5) == [0.4, 0.5, 0.55, 0.45]


def test_a_distance_is_never_below_the_crawl_delay(control: ControlStore, clock: Clock) -> None:
    """Shortened by a fifth, Crawl-delay would be broken every other request."""
    draws = [0.0, 0.99, 0.5, 0.5]
    assert moments(paces(control, clock, draws), clock, Pace(crawl_delay_seconds=2.0), 4) == [2.0, 2.0, 2.0]
    found = moments(paces(control, clock, [1.0, 0.0, 0.0]), clock, Pace(crawl_delay_seconds=0.45), 3)
    assert found == [0.6, 0.45]


def test_hosts_do_not_wait_for_each_other(control: ControlStore, clock: Clock) -> None:
    found = paces(control, clock)
    for host in ("a.example", "b.example", "a.example:8080"):
        with found.turn(host, Pace()):
            pass
    assert clock.slept == []


def test_no_more_requests_are_open_than_the_roaster_allows(control: ControlStore, clock: Clock) -> None:
    found, pace = paces(control, clock), Pace(most_open=2)
    with found.turn(HOST, pace), found.turn(HOST, pace), pytest.raises(HostBusy, match=r"run again later"):
        found.turn(HOST, pace, most_wait_seconds=5.0).__enter__()
    with found.turn(HOST, pace, most_wait_seconds=5.0):
        pass


def test_a_request_of_a_killed_process_is_open_for_a_while_only(control: ControlStore, clock: Clock) -> None:
    """Or a crash would close a shop for good."""
    found, pace = paces(control, clock), Pace(most_open=1)
    with control.transaction() as connection:
        connection.execute(OPEN.insert().values(id="dead", host=HOST, expires=clock.now + 5.0))
    with found.turn(HOST, pace):
        assert clock.now == pytest.approx(1005.0, abs=0.2)


def test_a_pause_holds_all_and_a_shorter_one_does_not_end_it(control: ControlStore, clock: Clock) -> None:
    one, other = paces(control, clock), paces(control, clock)
    one.pause(HOST, 60.0)
    one.pause(HOST, 5.0)
    assert other.paused_seconds(HOST) == pytest.approx(60.0)
    with pytest.raises(HostBusy, match=r"60\.0 s at the earliest"), other.turn(HOST, Pace(), most_wait_seconds=59.0):
        pass
    with other.turn(HOST, Pace()):
        assert clock.now == pytest.approx(1060.0)


def test_threads_of_one_process_keep_the_distance_on_both_kinds_of_store(control_url: str) -> None:
    control, begun = ControlStore(url=control_url), list[float]()
    found = HostPaces(control)

    def work() -> None:
        for _ in range(4):
            with found.turn(HOST, Pace(delay_seconds=0.05)):
                begun.append(time.time())

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    control.close()
    assert len(begun) == 12
    # The first may have noted its time late.
    assert max(begun) - min(begun) >= 8 * 0.04
