"""Waves are ranges of whole buckets that cover each bucket once, in order, whatever the counts."""

from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backfill_pipelines.receipts.keys import BUCKETS, RecordKey
from backfill_pipelines.receipts.waves import Wave, WaveShares, canary, plan_waves, targets
from backfill_pipelines_tests.receipts.unhurried import UNHURRIED

COUNTS = st.dictionaries(st.sampled_from(BUCKETS), st.integers(min_value=0, max_value=5_000), max_size=40)
EVEN = dict.fromkeys(BUCKETS, 40)


def ranges(waves: tuple[Wave, ...]) -> list[tuple[str, str, int]]:
    return [(wave.first_bucket, wave.last_bucket, wave.records) for wave in waves]


def test_the_waves_of_forty_records_in_each_bucket() -> None:
    assert targets(10_240)[:3] == (512, 1_280, 4_864)
    assert ranges(plan_waves(EVEN)) == [
        ("00", "0c", 520),
        ("0d", "1f", 760),
        ("20", "79", 3_600),
        ("7a", "ff", 5_360),
    ]


def test_batches_grow_with_the_waves() -> None:
    assert [(wave.number, wave.name, wave.batch_size) for wave in plan_waves(EVEN)] == [
        (1, "pilot", 50),
        (2, "initial", 50),
        (3, "major", 100),
        (4, "rest", 200),
    ]


@UNHURRIED
@given(COUNTS)
def test_the_waves_cover_every_bucket_once_in_order(counts: dict[str, int]) -> None:
    waves = plan_waves(counts)
    assert [bucket for wave in waves for bucket in wave.buckets] == list(BUCKETS)
    assert all(wave.buckets for wave in waves)
    assert [wave.records for wave in waves] == [sum(counts.get(b, 0) for b in wave.buckets) for wave in waves]


@UNHURRIED
@given(COUNTS)
def test_a_wave_ends_with_the_bucket_that_reaches_its_target(counts: dict[str, int]) -> None:
    """A bucket more would release more records than the plan says."""
    waves, reached = plan_waves(counts), 0
    for wave, target in zip(waves[:3], targets(sum(counts.values())), strict=False):
        before_last = reached + wave.records - counts.get(wave.last_bucket, 0)
        assert before_last < target or len(wave.buckets) == 1
        reached += wave.records


@UNHURRIED
@given(COUNTS, COUNTS, st.integers(min_value=0, max_value=4))
def test_released_ranges_stay_when_records_appear(before: dict[str, int], after: dict[str, int], released: int) -> None:
    kept = plan_waves(before)[:released]
    waves = plan_waves(after, released=kept)
    assert [wave.buckets for wave in waves[:released]] == [wave.buckets for wave in kept]
    assert [bucket for wave in waves for bucket in wave.buckets] == list(BUCKETS)
    assert sum(wave.records for wave in waves) == sum(after.values())


def test_a_table_without_records_still_has_four_waves() -> None:
    assert ranges(plan_waves({})) == [("00", "00", 0), ("01", "01", 0), ("02", "02", 0), ("03", "ff", 0)]


def test_records_in_the_last_bucket_leave_a_bucket_for_each_wave() -> None:
    assert ranges(plan_waves({"ff": 10})) == [("00", "fc", 0), ("fd", "fd", 0), ("fe", "fe", 0), ("ff", "ff", 10)]


def test_the_pilot_is_five_percent_and_at_most_a_thousand() -> None:
    assert targets(88) == (5, 12, 43, 88)
    assert targets(1_000_000)[0] == 1_000


def test_shares_are_exact() -> None:
    """As a binary float 7 % of 100 is 7.000000000000001, and its ceiling 8."""
    pilot, initial, _, _ = targets(100, WaveShares(initial=Decimal("0.07")))
    assert (pilot, initial - pilot) == (5, 7)


@pytest.mark.parametrize("shares", [{"initial": "0.04"}, {"initial": "0.11"}, {"major": "0.19"}, {"major": "0.51"}])
def test_shares_outside_the_plan_are_refused(shares: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="%"):
        WaveShares(**{name: Decimal(value) for name, value in shares.items()})


def test_an_unknown_bucket_is_refused() -> None:
    with pytest.raises(ValueError, match="FF"):
        plan_waves({"FF": 1})


def test_the_canary_is_the_first_hundred_in_the_order_of_all_work() -> None:
    keys = [RecordKey.of(f"{bucket}000000-0000-4000-8000-000000000000", n) for bucket in BUCKETS for n in (2, 1)]
    found = canary(reversed(keys))
    assert len(found) == 100
    assert [(key.bucket, key.receipt_id) for key in found[:3]] == [("00", 1), ("00", 2), ("01", 1)]
    assert all(one < other for one, other in pairwise(found))


def test_an_image_id_in_capitals_is_in_the_same_bucket() -> None:
    assert RecordKey.of("AB" + "0" * 34, 1).bucket == "ab"
