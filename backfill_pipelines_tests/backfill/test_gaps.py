"""Planning of gaps, on plain data: which partitions are due, in which ranges, and what is said of the others."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backfill_pipelines.backfill.gaps import (
    AssetState,
    Failures,
    GapPolicy,
    GapRequest,
    consecutive,
    plan_gaps,
)

NOW = datetime(2024, 6, 1, 12, tzinfo=UTC)
#: Zero-padded, so that they sort as they stand.
KEYS = [f"{n:02}" for n in range(40)]
subsets = st.sets(st.sampled_from(KEYS))
lengths = st.integers(min_value=1, max_value=12)
sizes = st.integers(min_value=0, max_value=60)


def ranges_of(requests: Sequence[GapRequest]) -> list[tuple[str, str, str, int]]:
    return [(r.asset, r.first, r.last, r.size) for r in requests]


def keys_of(request: GapRequest) -> list[str]:
    """The partitions that a range run of the request would cover."""
    return KEYS[KEYS.index(request.first) : KEYS.index(request.last) + 1]


def state(name: str = "lines", expected: Sequence[str] = KEYS, **known: object) -> AssetState:
    return AssetState(name, KEYS, expected, **{"complete": frozenset(), **known})  # type: ignore[arg-type]


@given(subsets, lengths)
def test_ranges_cover_exactly_the_gaps(gaps: set[str], longest: int) -> None:
    """A range run computes everything between its ends: one key too many is a good date written again."""
    ranges = consecutive(sorted(gaps), KEYS, longest)
    assert [key for keys in ranges for key in keys] == sorted(gaps)
    for keys in ranges:
        first = KEYS.index(keys[0])
        assert keys == KEYS[first : first + len(keys)], "no complete partition in between"
        assert len(keys) <= longest


@given(subsets, lengths)
def test_ranges_are_as_few_as_possible(gaps: set[str], longest: int) -> None:
    """Each run costs its start and its open session: two that could be one are waste."""
    ranges = consecutive(sorted(gaps), KEYS, longest)
    for earlier, later in pairwise(ranges):
        adjacent = KEYS.index(later[0]) == KEYS.index(earlier[-1]) + 1
        assert not adjacent or len(earlier) == longest


@given(subsets, st.randoms(use_true_random=False), lengths)
def test_the_order_in_which_gaps_are_named_makes_no_difference(gaps: set[str], random: object, longest: int) -> None:
    """Two ticks over the same holes must ask for the same ranges, or their run keys differ."""
    shuffled = sorted(gaps)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert consecutive(shuffled, KEYS, longest) == consecutive(sorted(gaps), KEYS, longest)


@given(complete=subsets, blocked=subsets, per_run=lengths, per_tick=sizes, per_day=sizes, requested_today=sizes)
def test_no_cap_is_ever_exceeded_and_nothing_good_is_requested(
    complete: set[str], blocked: set[str], per_run: int, per_tick: int, per_day: int, requested_today: int
) -> None:
    """The caps are what stands between a wrong rule and a bill; the oldest due partitions go first."""
    policy = GapPolicy(partitions_per_run=per_run, partitions_per_tick=per_tick, partitions_per_day=per_day)
    states = [state(name, complete=frozenset(complete), blocked=frozenset(blocked)) for name in ("lines", "boxes")]
    plan = plan_gaps(states, policy, NOW, requested_today=requested_today)
    assert plan.size <= per_tick
    assert plan.size <= max(0, per_day - requested_today)
    asked = [(request.asset, key) for request in plan.requests for key in keys_of(request)]
    due = [(s.name, key) for s in states for key in KEYS if key not in complete | blocked]
    assert asked == due[: len(asked)]
    assert len(asked) == min(len(due), per_tick, max(0, per_day - requested_today)), "and not fewer than allowed"
    assert all(request.size == len(keys_of(request)) <= per_run for request in plan.requests)


@given(complete=subsets, blocked=subsets, failed=subsets, attempts=st.integers(1, 9), minutes=st.integers(0, 5000))
def test_every_expected_partition_is_accounted_for(
    complete: set[str], blocked: set[str], failed: set[str], attempts: int, minutes: int
) -> None:
    """A partition in none of the counts is a hole that nobody will ever hear of."""
    failures = {key: Failures(attempts, NOW - timedelta(minutes=minutes)) for key in failed}
    plan = plan_gaps(
        [state(complete=frozenset(complete), blocked=frozenset(blocked), failures=failures)],
        GapPolicy(),
        NOW,
        requested_today=0,
    )
    words = plan.seen[0].replace(":", ",").split(",")
    expected, done, resting, given_up, waiting, requested = (int(part.split()[0]) for part in words[1:])
    assert expected == len(KEYS)
    assert done + resting + given_up + waiting + requested == expected
    assert requested == plan.size


def test_partitions_that_the_definition_leaves_out_do_not_part_neighbours() -> None:
    """The last day of a season and the first of the next are neighbours; nothing lies between them."""
    keys = ["2024-06-29", "2024-06-30", "2024-10-01", "2024-10-02"]
    assert consecutive(["2024-06-30", "2024-10-01"], keys, 60) == [["2024-06-30", "2024-10-01"]]


@pytest.mark.parametrize(
    ("attempts", "minutes"),
    [(1, 10), (2, 20), (3, 40), (4, 80), (8, 1280), (9, 1440), (50, 1440)],
    ids=lambda value: str(value),
)
def test_the_wait_doubles_with_each_failure_up_to_a_day(attempts: int, minutes: int) -> None:
    """A date whose source is broken must neither be hammered nor forgotten."""
    policy = GapPolicy()
    assert policy.wait_after(attempts) == timedelta(minutes=minutes)
    failed = {"05": Failures(attempts, NOW)}
    patient = GapPolicy(most_attempts=99)
    for late, due in ((timedelta(seconds=-1), 0), (timedelta(0), 1)):
        when = NOW + timedelta(minutes=minutes) + late
        assert plan_gaps([state(expected=["05"], failures=failed)], patient, when, requested_today=0).size == due


def test_a_partition_is_given_up_after_its_last_attempt_and_stays_so() -> None:
    """The fifth failure is a case for a person; a sixth run would only bury the first message."""
    failed = {"05": Failures(5, NOW - timedelta(days=30)), "06": Failures(4, NOW - timedelta(days=30))}
    plan = plan_gaps([state(expected=["05", "06"], failures=failed)], GapPolicy(), NOW, requested_today=0)
    assert ranges_of(plan.requests) == [("lines", "06", "06", 1)]
    assert "1 given up after 5 attempts" in plan.seen[0]


def test_a_red_neighbour_parts_a_range() -> None:
    """A range over a resting date would run that date, rest or not."""
    failed = {"11": Failures(1, NOW)}
    plan = plan_gaps([state(expected=KEYS[10:13], failures=failed)], GapPolicy(), NOW, requested_today=0)
    assert ranges_of(plan.requests) == [("lines", "10", "10", 1), ("lines", "12", "12", 1)]


def test_what_does_not_fit_under_the_cap_is_counted_and_left_for_the_next_tick() -> None:
    """ "Nothing more to do" and "no more today" must not look the same."""
    plan = plan_gaps([state(), state("boxes")], GapPolicy(partitions_per_tick=45), NOW, requested_today=0)
    assert ranges_of(plan.requests) == [("lines", "00", "39", 40), ("boxes", "00", "04", 5)]
    nothing_else = "0 complete, 0 failed and resting, 0 given up after 5 attempts, 0 waiting for upstream or gate"
    assert plan.seen == [
        f"lines: 40 expected, {nothing_else}, 40 requested",
        f"boxes: 40 expected, {nothing_else}, 5 requested, 35 over the cap",
    ]


def test_partitions_beyond_the_expected_ones_are_left_alone() -> None:
    """Tomorrow's date exists as a partition before there is anything to load for it."""
    plan = plan_gaps([state(expected=KEYS[:3])], GapPolicy(), NOW, requested_today=0)
    assert ranges_of(plan.requests) == [("lines", "00", "02", 3)]
