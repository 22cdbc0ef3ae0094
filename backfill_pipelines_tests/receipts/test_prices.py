"""Dollars, request units and time: the formulas of the cost section, and prices as data with a date."""

from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backfill_pipelines.receipts.capacity import (
    WriteLimits,
    overhead_of_record,
    scan_units,
    seconds_needed,
    stored_bytes,
    write_units,
)
from backfill_pipelines.receipts.prices import (
    PRICES_AS_OF,
    SKUS,
    Tier,
    cost_of_calls,
    cost_of_read_units,
    cost_of_write_units,
    field_mask,
    price_of_next_call,
)
from backfill_pipelines_tests.receipts.unhurried import UNHURRIED


@pytest.mark.parametrize(
    ("tier", "calls", "dollars"),
    [
        (Tier.FULL, 1_000, 0),
        (Tier.FULL, 10_000, 180),
        (Tier.PRO, 10_000, 85),
        (Tier.FULL, 50_000, 980),
        (Tier.PRO, 50_000, 765),
        (Tier.ESSENTIALS, 10_001, Decimal("0.005")),
        (Tier.ID_REFRESH, 1_000_000, 0),
        (Tier.FULL, 200_000, 99_000 * Decimal("0.02") + 100_000 * Decimal("0.016")),
    ],
)
def test_calls_after_the_free_ones_are_billed(tier: Tier, calls: int, dollars: Decimal) -> None:
    assert cost_of_calls(SKUS[tier], calls) == dollars


def test_the_free_calls_are_used_up_once_a_month() -> None:
    full = SKUS[Tier.FULL]
    assert cost_of_calls(full, 41, used=980) == 21 * Decimal("0.02")
    assert (price_of_next_call(full, 999), price_of_next_call(full, 1_000)) == (0, Decimal("0.02"))
    assert price_of_next_call(full, 0, free=0) == Decimal("0.02")


@UNHURRIED
@given(st.integers(0, 10**7), st.integers(0, 10**6), st.integers(0, 10**6))
def test_a_bill_does_not_depend_on_how_the_calls_are_split(used: int, one: int, other: int) -> None:
    """Budget rows are reserved call by call: their sum must be the bill."""
    for sku in SKUS.values():
        split = cost_of_calls(sku, one, used) + cost_of_calls(sku, other, used + one)
        assert split == cost_of_calls(sku, one + other, used)


def test_each_tier_asks_for_all_fields_of_the_ones_before() -> None:
    for cheaper, dearer in pairwise(Tier):
        assert set(SKUS[cheaper].fields) < set(SKUS[dearer].fields)
        assert dearer.covers(cheaper)
        assert not cheaper.covers(dearer)
    assert Tier.PRO.covers(Tier.PRO)
    assert field_mask(Tier.ID_REFRESH) == "id,movedPlace,movedPlaceId"
    assert field_mask(Tier.ESSENTIALS, with_photos=True).endswith(",types,photos")
    assert " " not in field_mask(Tier.FULL)
    assert "rating" not in field_mask(Tier.FULL)


def test_prices_carry_their_date() -> None:
    assert PRICES_AS_OF.year >= 2026


@pytest.mark.parametrize(
    ("size", "indexes", "units"), [(1, 5, 6), (1024, 5, 6), (1025, 5, 12), (3_550, 5, 24), (3_550, 0, 4)]
)
def test_every_index_holds_a_copy(size: int, indexes: int, units: int) -> None:
    assert write_units(size, indexes) == units


def test_ten_thousand_records_cost_twelve_cents_to_write() -> None:
    units = round(10_000 * 276 / 87) * 6
    assert units == pytest.approx(190_000, rel=0.01)
    assert cost_of_write_units(units) == pytest.approx(Decimal("0.12"), abs=Decimal("0.005"))
    assert cost_of_read_units(scan_units(4096 * 1_000_000)) == Decimal("0.125")


def test_the_hottest_key_sets_the_rate() -> None:
    """All places share one key of GSI3; the 4,000 units of the table are never reached."""
    assert WriteLimits().records_per_second(3) == pytest.approx(166.7, abs=0.1)
    assert WriteLimits(table=200, indexes=(100, 400)).records_per_second(1) == 50


def test_fetching_is_slower_than_writing_and_decides() -> None:
    fetching = {"place_ids": 600, "queries_per_minute": 300}
    assert seconds_needed(**fetching, records=1_000, records_per_second=166) == 120
    assert seconds_needed(**fetching, records=50_000, records_per_second=100, overhead=30) == 530


def test_overhead_is_what_neither_calls_nor_writes_explain() -> None:
    pilot = {"place_ids": 600, "queries_per_minute": 300, "records": 1_000, "records_per_second": 166}
    assert overhead_of_record(seconds=150, **pilot) == 0.03
    assert overhead_of_record(seconds=119, **pilot) == 0
    assert overhead_of_record(seconds=9, **{**pilot, "records": 0}) == 0, "nothing was measured"


def test_storage_counts_the_copies() -> None:
    assert stored_bytes(900, 5) == 6_000
