"""How partitions are cut: as many observations as one transaction may have, and no more days than a run can judge."""

from datetime import date, timedelta

from backfill_pipelines.coffee.expected_set import partition_key
from backfill_pipelines.coffee.range_runs import (
    LEAST_BYTES_OF_OBSERVATION,
    MOST_BYTES,
    MOST_PARTITIONS,
    chunks,
    cut,
)
from backfill_pipelines.coffee.staging import MOST_OBSERVATIONS

FIRST = date(2025, 1, 5)


def key(day: int, roaster: str = "blue-tokai") -> str:
    return partition_key(FIRST + timedelta(days=day), roaster)


WEEKLY = [key(7 * week) for week in range(52)]
YEAR = [key(day) for day in range(366)]


def test_a_year_of_weekly_captures_of_300_variants_is_one_range() -> None:
    """Cut by days it would be twelve, of three runs each, for 50 roasters."""
    sizes = dict.fromkeys(WEEKLY, 300 * 700)
    ranges = list(cut(WEEKLY, sizes, set(YEAR) - set(WEEKLY)))
    assert [len(one) for one in ranges] == [7 * 51 + 1]
    assert ranges[0] == YEAR[: 7 * 51 + 1]


def test_a_range_has_no_more_observations_than_one_transaction_may_have() -> None:
    sizes = dict.fromkeys(WEEKLY, 8_000 * LEAST_BYTES_OF_OBSERVATION)
    ranges = list(cut(WEEKLY, sizes, set(YEAR) - set(WEEKLY)))
    seen = [sum(sizes.get(one, 0) for one in part) // LEAST_BYTES_OF_OBSERVATION for part in ranges]
    assert max(seen) == 48_000 <= MOST_OBSERVATIONS
    assert sum(seen) == 52 * 8_000
    assert {len(set(part) & set(WEEKLY)) for part in ranges} == {6, 4}, "six captures of 8,000 fit, the rest is last"


def test_a_capture_that_is_larger_than_that_is_a_range_of_its_own() -> None:
    days = [key(0), key(1), key(2)]
    sizes = {days[0]: 10, days[1]: 2 * MOST_BYTES, days[2]: 10}
    assert list(cut(days, sizes)) == [[days[0]], [days[1]], [days[2]]]


def test_days_that_are_not_known_to_be_empty_part_ranges_and_so_do_roasters() -> None:
    days = [key(0), key(2), key(3), key(0, "araku")]
    assert list(cut(days, {})) == [[key(0, "araku")], [key(0)], [key(2), key(3)]]
    assert list(cut(days, {}, {key(1)})) == [[key(0, "araku")], [key(0), key(1), key(2), key(3)]]


def test_a_range_has_no_more_days_than_a_run_can_judge() -> None:
    days = [key(day) for day in range(MOST_PARTITIONS + 5)]
    assert [len(part) for part in cut(days, {})] == [MOST_PARTITIONS, 5]


def test_chunks_hold_days_that_are_no_neighbours_and_nothing_between() -> None:
    sizes = dict.fromkeys(WEEKLY, MOST_BYTES // 26)
    assert list(chunks(WEEKLY, sizes)) == [WEEKLY[:26], WEEKLY[26:]]
