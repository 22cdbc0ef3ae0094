"""The pacing of writes, on a clock of the test's own: never faster than the rate, and slower after each throttle."""

import random
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backfill_pipelines.stores.dynamodb_pacing import (
    TABLE,
    ThrottledTooLong,
    WritePacer,
    estimated_units,
    write_rates,
)
from backfill_pipelines.stores.item_errors import ConditionFailed, NoAnswer, Throttled
from backfill_pipelines.stores.items import Consumed

ONE = Consumed(1.0)


@dataclass
class Time:
    """A clock that only sleeping moves."""

    now: float = 1000.0
    slept: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.slept.append(seconds)
        self.now += seconds


def pacer(time: Time, rates: dict[str, float] | None = None, share: float = 1.0) -> WritePacer:
    return WritePacer(
        rates or {TABLE: 10.0}, share=share, clock=time, sleep=time.sleep, uniform=random.Random(7).uniform
    )


def write(paced: WritePacer, units: Consumed = ONE, actual: Consumed | None = None) -> None:
    paced.settle(paced.acquire(units), actual or units)


def refused() -> Throttled:
    return Throttled("T", "PutItem", "x", "slow down")


@given(
    st.lists(st.tuples(st.integers(1, 30), st.integers(0, 40), st.floats(0, 3)), min_size=2, max_size=60),
    st.floats(1.0, 500.0),
)
def test_over_any_time_no_more_is_let_through_than_the_rate_allows(
    writes: list[tuple[int, int, float]], rate: float
) -> None:
    """The burst, what the rate gives, and the one write that ends the debt-free state: nothing beyond."""
    time = Time()
    paced = pacer(time, {TABLE: rate})
    charged: list[tuple[float, float]] = []
    for estimate, actual, pause in writes:
        ticket = paced.acquire(Consumed(float(estimate)))
        paced.settle(ticket, Consumed(float(actual)))
        charged.append((time.now, float(actual)))
        time.now += pause
    for first in range(len(charged)):
        span = charged[-1][0] - charged[first][0]
        units = sum(actual for _, actual in charged[first:-1])
        assert units <= rate * (span + 1.0) + max(actual for _, actual in charged) + 1e-6


@given(st.integers(1, 60), st.floats(1, 200), st.floats(1, 200))
def test_the_narrowest_bucket_decides(count: int, table: float, index: float) -> None:
    time = Time()
    paced = pacer(time, {TABLE: table, "GSI3": index})
    both = Consumed(3.0, {"GSI3": 3.0})
    for _ in range(count):
        write(paced, both)
    write(paced, both)
    assert time.now - 1000.0 == pytest.approx(3.0 * count / min(table, index), rel=1e-6)


def test_what_was_consumed_beyond_the_estimate_delays_the_next_write() -> None:
    time = Time()
    paced = pacer(time)
    write(paced, ONE, actual=Consumed(50.0))
    write(paced)
    assert time.slept == [pytest.approx(5.0)]


def test_a_writer_that_waits_for_others_gets_a_burst_of_a_second_and_no_more() -> None:
    time = Time()
    paced = pacer(time)
    time.now += 3600
    for _ in range(11):
        write(paced)
    assert time.slept == []
    write(paced)
    assert time.slept == [pytest.approx(0.1)]


def test_the_rate_begins_at_a_quarter_and_doubles_each_minute() -> None:
    time = Time()
    paced = WritePacer({TABLE: 10.0}, clock=time, sleep=time.sleep)
    shares = []
    for _ in range(4):
        shares.append(paced.share)
        time.now += 60
    assert shares == [0.25, 0.5, 1.0, 1.0]


def test_a_throttle_halves_the_rate_for_a_minute_and_waits() -> None:
    time = Time()
    paced = pacer(time)
    slowdown = paced.throttled(paced.acquire(ONE))
    assert (slowdown.before, slowdown.after) == (1.0, 0.5)
    assert 0 <= slowdown.wait_seconds <= 2
    paced.acquire(ONE)
    assert time.now - 1000.0 == pytest.approx(slowdown.wait_seconds)
    time.now = 1000.0 + 59
    assert paced.share == 0.5
    time.now += 2
    assert paced.share == 1.0


def test_a_throttle_is_told_once_with_what_refused_and_the_rate_before_and_after() -> None:
    """An operator who is not told which index is hot raises the capacity of the wrong one."""
    time = Time()
    paced = pacer(time, {TABLE: 2000.0, "GSI3": 500.0})
    tickets = [paced.acquire(ONE) for _ in range(3)]
    for ticket in tickets:
        paced.throttled(ticket, ["GSI3"])
    (told,) = paced.slowdowns()
    assert told.text.startswith(
        "throttled: GSI3 refused a write; 500.0 -> 250.0 write units a second (100.0% -> 50.0% of the planned rate)"
    )
    assert paced.slowdowns() == []
    paced.throttled(paced.acquire(ONE))
    assert paced.slowdowns()[0].text.startswith("throttled: the table or one of its indexes refused a write; 250.0 ->")


def test_ten_threads_that_are_refused_at_once_are_one_throttle() -> None:
    time = Time()
    paced = pacer(time)
    tickets = [paced.acquire(Consumed(0.1)) for _ in range(10)]
    time.now += 0.01
    slowdowns = [paced.throttled(ticket) for ticket in tickets]
    assert [slowdown.after for slowdown in slowdowns] == [0.5] * 10
    assert paced.share == 0.5


def test_the_fifth_throttle_in_a_row_is_a_pause_of_a_minute() -> None:
    time = Time()
    paced = pacer(time, {TABLE: 1e6})
    waits = [paced.throttled(paced.acquire(ONE)).wait_seconds for _ in range(5)]
    assert waits[4] == 60.0
    assert all(wait <= bound for wait, bound in zip(waits, (2, 4, 8, 16), strict=False))
    write(paced)
    assert paced.throttled(paced.acquire(ONE)).wait_seconds <= 2


def test_ten_minutes_without_a_success_end_the_run() -> None:
    time = Time()
    paced = pacer(time)
    time.now += 3600
    begun = time.now

    def refuse() -> Consumed:
        raise Throttled("T", "PutItem", "x", "slow down", ["GSI3"])

    with pytest.raises(ThrottledTooLong, match=r"no write was accepted for \d+ s by GSI3, at .*Repair"):
        paced.run(ONE, refuse)
    assert 600 <= time.now - begun < 800


def test_a_success_in_between_starts_the_ten_minutes_anew() -> None:
    time = Time()
    paced = pacer(time, {TABLE: 1e6})
    for _ in range(50):
        paced.throttled(paced.acquire(ONE))
        time.now += 300
        write(paced)
    assert time.now > 1000.0 + 10_000


def test_a_paced_write_is_repeated_until_it_is_accepted() -> None:
    time = Time()
    answers: list[Consumed | Exception] = [refused(), refused(), Consumed(2.0)]

    def put() -> Consumed:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert pacer(time).run(ONE, put) == Consumed(2.0)
    assert answers == []


def test_a_failed_condition_costs_the_table_and_is_passed_on() -> None:
    time = Time()
    paced = pacer(time, {TABLE: 10.0, "GSI1": 1.0})

    def put() -> Consumed:
        raise ConditionFailed("T", "PutItem", "x", None)

    with pytest.raises(ConditionFailed):
        paced.run(Consumed(10.0, {"GSI1": 10.0}), put)
    paced.acquire(ONE)
    assert time.slept == [pytest.approx(1.0)]


def test_a_write_without_an_answer_is_passed_on_and_stays_charged() -> None:
    time = Time()
    paced = pacer(time)

    def put() -> Consumed:
        raise NoAnswer("T", "PutItem", "x", "closed")

    with pytest.raises(NoAnswer):
        paced.run(Consumed(10.0), put)
    paced.acquire(ONE)
    assert time.slept == [pytest.approx(1.0)]


def test_the_single_key_partition_is_the_limit_of_an_on_demand_table() -> None:
    """At 3 KB and half of what a partition takes: 166 records a second."""
    rates = write_rates(None, {"GSI1": None, "GSI3": None}, utilisation=0.5, hot=["GSI3", "GSITYPE"])
    assert rates == {TABLE: 2000.0, "GSI1": 2000.0, "GSI3": 500.0}
    estimate = estimated_units(3 * 1024, ["GSI1", "GSI3"])
    assert min(rates[name] / units for name, units in estimate.indexes.items()) == pytest.approx(166.67, abs=0.01)


def test_provisioned_capacity_is_used_in_the_planned_share() -> None:
    rates = write_rates(100, {"GSI1": 40, "GSI3": 5000}, utilisation=0.25, hot=["GSI3"])
    assert rates == {TABLE: 25.0, "GSI1": 10.0, "GSI3": 250.0}


@pytest.mark.parametrize(
    ("size", "units"), [(0, 1.0), (1, 1.0), (1024, 1.0), (1025, 2.0), (3072, 3.0), (409_600, 400.0)]
)
def test_each_started_kilobyte_is_a_unit(size: int, units: float) -> None:
    assert estimated_units(size, ["GSI1"]) == Consumed(units, {"GSI1": units})


@pytest.mark.parametrize(
    "make",
    [
        lambda: write_rates(100, {}, utilisation=0),
        lambda: write_rates(0, {}, utilisation=0.5),
        lambda: WritePacer({}),
        lambda: WritePacer({TABLE: 1.0}, share=0),
    ],
)
def test_a_rate_of_nothing_is_refused(make) -> None:
    """It would wait for ever."""
    with pytest.raises(ValueError, match=r"utilisation|capacity|above 0"):
        make()
