"""The shared rate: never more than a minute's calls and the burst in any minute, whoever takes them."""

import json
import random
import subprocess
import sys
import time
from bisect import bisect_right
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from backfill_pipelines.stores import rate_limits as module
from backfill_pipelines.stores.control import ControlStore
from backfill_pipelines.stores.rate_limits import RateLimit

#: Takes forty tokens by a clock that runs twenty times too fast; prints when it got each.
CHILD = """
import sys, time
from backfill_pipelines.stores.control import ControlStore
from backfill_pipelines.stores.rate_limits import RateLimit
url, begun = sys.argv[1], float(sys.argv[2])
control = ControlStore(url=url)
limit = RateLimit(control, "calls", 60, clock=lambda _connection: (time.time() - begun) * 20)
print("ready", flush=True)
sys.stdin.readline()
begun, taken = float(sys.stdin.readline()), []
while len(taken) < 40:
    with control.transaction() as connection:
        grant = limit.take(connection, 1)
    taken += [grant.at] * grant.granted
    time.sleep(grant.wait_seconds / 20)
print(taken)
"""


class Clock:
    """Seconds, set by the test."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self, _connection: sa.Connection) -> float:
        return self.now


@pytest.fixture
def control(control_url: str) -> Iterator[ControlStore]:
    store = ControlStore(url=control_url)
    yield store
    store.close()


def take(control: ControlStore, limit: RateLimit, wanted: int = 1) -> tuple[int, float]:
    with control.transaction() as connection:
        grant = limit.take(connection, wanted)
    return grant.granted, grant.wait_seconds


def most_in_a_minute(moments: list[float]) -> int:
    """Of moments in order: the most within 60 seconds, both ends counted."""
    return max(bisect_right(moments, first + 60) - index for index, first in enumerate(moments))


@pytest.mark.parametrize(("per_minute", "burst"), [(60, 1), (300, 5), (30, 1), (6000, 100)])
def test_any_minute_has_at_most_the_rate_and_the_burst(control: ControlStore, per_minute: int, burst: int) -> None:
    clock, draw, moments = Clock(), random.Random(7), list[float]()
    limit = RateLimit(control, "calls", per_minute, clock=clock)
    assert limit.burst == burst
    for _ in range(200):
        granted, wait = take(control, limit, draw.randint(1, burst * 2))
        moments += [clock.now] * granted
        clock.now += draw.choice([wait, wait / 2, draw.uniform(0, 3)])
    assert burst < most_in_a_minute(moments) <= per_minute + burst


def test_who_waits_as_told_gets_a_token(control: ControlStore) -> None:
    clock = Clock()
    limit = RateLimit(control, "calls", 300, clock=clock)
    assert take(control, limit, 9)[0] == 5
    for _ in range(50):
        granted, wait = take(control, limit)
        assert granted == 0
        clock.now += wait
        assert take(control, limit)[0] == 1


def test_two_processes_share_one_rate(control: ControlStore) -> None:
    """Two times sixty calls a minute are a bill nobody approved."""
    begun = time.time()
    children = [
        subprocess.Popen(
            [sys.executable, "-c", CHILD, control.url, str(begun)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    for process in children:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    begun = time.time()
    control.ensure(module.TABLES)
    with control.transaction() as connection:
        connection.execute(sa.update(module.LIMITS).values(counted_at=0.0, halved_at=0.0, tokens=1.0))
    for process in children:
        assert process.stdin is not None
        process.stdin.write(f"\n{begun}\n")
        process.stdin.flush()
    found = [json.loads(process.communicate(timeout=300)[0]) for process in children]
    moments = sorted(moment for taken in found for moment in taken)
    assert len(moments) == 80
    assert max(taken[0] for taken in found) < min(taken[-1] for taken in found), "they took tokens at the same time"
    assert most_in_a_minute(moments) <= 61


def test_a_refusal_pauses_halves_and_recovers_ten_percent_a_minute(control: ControlStore) -> None:
    clock = Clock()
    limit = RateLimit(control, "calls", 600, clock=clock)
    with control.transaction() as connection:
        granted_at = limit.take(connection, 4).at
        for _ in range(4):  # four calls that were under way together are one refusal
            limit.refused(connection, 30.0, granted_at)
    assert limit.state().per_minute == 300
    assert take(control, limit)[0] == 0
    assert take(control, limit)[1] == pytest.approx(30.0)
    clock.now += 31
    assert take(control, limit)[0] == 1
    clock.now += 29
    assert limit.state().per_minute == pytest.approx(360)
    with control.transaction() as connection:
        limit.refused(connection, 0.0, limit.take(connection, 1).at)
    assert limit.state().per_minute == pytest.approx(180)
    clock.now += 3600
    assert limit.state().per_minute == 600


def test_a_token_without_use_is_given_back(control: ControlStore) -> None:
    limit = RateLimit(control, "calls", 60, clock=Clock())
    with control.transaction() as connection:
        assert limit.take(connection, 1).granted == 1
        limit.give_back(connection, 1)
    assert take(control, limit)[0] == 1


def test_a_rolled_back_transaction_took_nothing(control: ControlStore) -> None:
    limit = RateLimit(control, "calls", 60, clock=Clock())

    def die() -> None:
        with control.transaction() as connection:
            limit.take(connection, 1)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        die()
    assert take(control, limit)[0] == 1
