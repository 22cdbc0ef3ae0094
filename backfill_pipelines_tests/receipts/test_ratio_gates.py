"""Wilson verdicts: a small sample proves nothing, one failure of an integrity gate proves everything."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backfill_pipelines.receipts.ratio_gates import judge, judge_exact, wilson
from backfill_pipelines_tests.receipts.unhurried import UNHURRIED


@pytest.mark.parametrize(
    ("failures", "measured", "bound", "value", "verdict"),
    [
        (0, 380, "upper", 0.01001, "NEED_MORE_DATA"),
        (0, 381, "upper", 0.00998, "PASS"),
        (3, 1000, "upper", 0.00878, "PASS"),
        (4, 1000, "upper", 0.01024, "NEED_MORE_DATA"),
        (20, 1000, "lower", 0.01298, "FAIL"),
        (1, 50, "lower", 0.00354, "NEED_MORE_DATA"),
        (1, 50, "upper", 0.10495, "NEED_MORE_DATA"),
        (3, 100, "lower", 0.01025, "FAIL"),
    ],
)
def test_verdicts_at_one_percent(failures: int, measured: int, bound: str, value: float, verdict: str) -> None:
    found = judge(failures, measured, 0.01)
    assert getattr(found.interval, bound) == pytest.approx(value, abs=5.1e-6)
    assert found.verdict == verdict


def test_the_quarantine_share_of_the_sample() -> None:
    """After wave 2 nobody can tell; at the end there is nothing left to guess."""
    second = judge(1, 12, 0.02)
    assert (round(second.interval.lower, 4), round(second.interval.upper, 4)) == (0.0149, 0.3539)
    assert second.verdict == "NEED_MORE_DATA"
    last = judge(1, 88, 0.02, is_whole_population=True)
    assert round(last.interval.upper, 3) == 0.062
    assert (f"{last.ratio:.2%}", last.verdict) == ("1.14%", "PASS")


def test_a_whole_population_at_or_over_its_threshold_fails() -> None:
    assert judge(2, 100, 0.02, is_whole_population=True).verdict == "FAIL"
    assert judge(3, 100, 0.02, is_whole_population=True).verdict == "FAIL"


@pytest.mark.parametrize("is_whole_population", [False, True])
def test_nothing_measured_is_no_pass(*, is_whole_population: bool) -> None:
    found = judge(0, 0, 0.01, is_whole_population=is_whole_population)
    assert (found.verdict, found.interval.lower, found.interval.upper) == ("NEED_MORE_DATA", 0.0, 1.0)


def test_one_failure_of_an_integrity_gate_is_one_too_many() -> None:
    assert (judge_exact(0), judge_exact(1)) == ("PASS", "FAIL")


def test_a_verdict_says_what_it_rests_on() -> None:
    assert str(judge(1, 50, 0.01)) == (
        "NEED_MORE_DATA: 1 of 50 (2.00%), so 0.35% to 10.50% with 95 % confidence; allowed is less than 1.00%"
    )
    assert "that is everything" in str(judge(1, 50, 0.01, is_whole_population=True))


@pytest.mark.parametrize(("failures", "measured"), [(2, 1), (-1, 1), (0, -1)])
def test_impossible_counts_are_refused(failures: int, measured: int) -> None:
    with pytest.raises(ValueError, match="failures of"):
        wilson(failures, measured)


@UNHURRIED
@given(st.integers(min_value=1, max_value=10**6), st.data())
def test_the_interval_holds_the_ratio_and_narrows(measured: int, data: st.DataObject) -> None:
    failures = data.draw(st.integers(min_value=0, max_value=measured))
    found, more = wilson(failures, measured), wilson(failures * 10, measured * 10)
    assert 0 <= found.lower <= failures / measured <= found.upper <= 1
    assert more.upper - more.lower < found.upper - found.lower
