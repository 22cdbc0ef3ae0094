"""Every day of a roaster in exactly one state."""

import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from backfill_pipelines.coffee.expected_set import Evidence, ExpectedSet, expected_set, parse_partition, partition_key
from backfill_pipelines.coffee.states import DayState, Recorded, SeenCapture
from backfill_pipelines.coffee.ticks import Roaster

SOURCE, OTHER = uuid.UUID(int=11), uuid.UUID(int=12)
ROASTER = Roaster(uuid.UUID(int=1), "blue-tokai", active_from=date(2025, 9, 1), active_to=date(2025, 10, 5))
FIRST, LAST = date(2025, 9, 1), date(2025, 10, 4)
SEARCHED = datetime(2025, 10, 9, tzinfo=UTC)
NOW = datetime(2025, 10, 10, tzinfo=UTC)
TICKS = [date(2025, 9, 1), *(date(2025, 9, d) for d in (7, 14, 21, 28)), date(2025, 10, 1)]
SUNDAY = date(2025, 9, 28)

A = SeenCapture(SOURCE, datetime(2025, 9, 17, 19, 3, 11, tzinfo=UTC), "unknown", "valid_with_warnings")
B = SeenCapture(SOURCE, datetime(2025, 9, 21, 5, 34, 4, tzinfo=UTC), "filtered", "needs_review")
C = SeenCapture(SOURCE, datetime(2025, 9, 28, 4, tzinfo=UTC), "complete", "needs_review")


def searched(*days: date, at: datetime = SEARCHED) -> dict[tuple[uuid.UUID, date], Recorded]:
    return {(ROASTER.id, day): Recorded(DayState.UNRECOVERABLE, "no stored body", at) for day in days}


def judged(
    captures: Sequence[SeenCapture], *, roaster: Roaster = ROASTER, now: datetime = NOW, **evidence: Any
) -> ExpectedSet:
    known = {"sources": {ROASTER.id: [SOURCE]}, "recorded": searched(*TICKS), **evidence}
    return expected_set([roaster], Evidence(captures=captures, **known), FIRST, LAST, now)


def state_on(found: ExpectedSet, day: date) -> tuple[str, str]:
    (one,) = [d for d in found.days if d.day == day]
    return str(one.state), one.reason


def on_sunday(*captures: SeenCapture, **how: Any) -> str:
    return state_on(judged(captures, **how), SUNDAY)[0]


def test_the_real_captures_leave_five_unrecoverable_two_partial_and_twenty_seven_empty_days() -> None:
    found = judged([A, B])
    assert len(found.days) == 34
    assert [d.day for d in found.of(DayState.UNRECOVERABLE)] == [
        date(2025, 9, 1),
        date(2025, 9, 7),
        date(2025, 9, 14),
        date(2025, 9, 28),
        date(2025, 10, 1),
    ]
    assert [(d.day.day, d.reason) for d in found.of(DayState.PARTIAL)] == [(17, "unknown"), (21, "filtered")]
    assert {d.reason for d in found.of(DayState.EXPECTED_EMPTY)} == {"no_tick"}
    assert found.counts == {DayState.UNRECOVERABLE: 5, DayState.PARTIAL: 2, DayState.EXPECTED_EMPTY: 27}
    assert list(found.lines())[-1] == "34 of 34 accounted for, 0 unexplained"
    assert found.coverage == 0


def test_a_complete_third_capture_completes_its_sunday() -> None:
    found = judged([A, B, C])
    assert state_on(found, SUNDAY) == ("complete", "")
    assert found.counts[DayState.UNRECOVERABLE] == 4
    assert found.coverage == pytest.approx(1 / 7)


def test_without_a_search_the_same_days_are_missing() -> None:
    """Nobody looked: to call them lost would end the search before it began."""
    found = judged([A, B], recorded={})
    assert (found.counts[DayState.MISSING], found.counts[DayState.UNRECOVERABLE]) == (5, 0)


def test_a_search_before_the_window_ended_proves_nothing() -> None:
    early = datetime(2025, 9, 28, 5, tzinfo=UTC)
    assert on_sunday(recorded=searched(SUNDAY, at=early)) == "missing"
    assert on_sunday(recorded=searched(SUNDAY, at=early + timedelta(days=3))) == "unrecoverable"


@pytest.mark.parametrize(
    ("now", "failed", "state"),
    [
        (datetime(2025, 9, 28, 3, 59, tzinfo=UTC), None, "not_due"),
        (datetime(2025, 9, 28, 6, tzinfo=UTC), None, "not_due"),
        (datetime(2025, 9, 28, 6, tzinfo=UTC), datetime(2025, 9, 28, 5, tzinfo=UTC), "missing"),
        (datetime(2025, 9, 28, 6, tzinfo=UTC), datetime(2025, 9, 21, 5, tzinfo=UTC), "not_due"),
        (datetime(2025, 9, 30, tzinfo=UTC), None, "missing"),
    ],
    ids=["before the tick", "open", "open after a failure", "open, an older failure", "closed"],
)
def test_a_tick_without_a_capture(now: datetime, failed: datetime | None, state: str) -> None:
    attempts = [(SOURCE, failed)] if failed else []
    assert on_sunday(now=now, recorded={}, failed_attempts=attempts) == state


def test_a_capture_on_the_next_day_within_the_grace_completes_the_day_of_its_tick() -> None:
    monday = replace(C, observed_at=datetime(2025, 9, 29, 15, 59, tzinfo=UTC))
    found = judged([monday])
    assert state_on(found, SUNDAY) == ("complete", "")
    assert state_on(found, date(2025, 9, 29)) == ("complete", "extra")
    late = replace(C, observed_at=datetime(2025, 9, 29, 16, 1, tzinfo=UTC))
    assert on_sunday(late) == "unrecoverable"


def test_one_capture_counts_for_a_price_and_a_full_tick() -> None:
    roaster = replace(ROASTER, full_cadence="0 3 28 * *")
    found = judged([C], roaster=roaster)
    (day,) = [d for d in found.days if d.day == SUNDAY]
    assert (len(day.ticks), day.state) == (2, DayState.COMPLETE)


def test_a_not_modified_answer_is_as_whole_as_the_body_it_confirms() -> None:
    confirmed = replace(C, completeness="not_modified", confirms_complete=True)
    assert on_sunday(confirmed) == "complete"
    assert on_sunday(replace(confirmed, confirms_complete=False)) == "partial"


def test_products_in_quarantine_make_a_complete_capture_partial() -> None:
    assert state_on(judged([replace(C, has_quarantined=True)]), SUNDAY) == ("partial", "products are in quarantine")


@pytest.mark.parametrize("bad", [{"status": "invalid"}, {"is_red": True, "is_published": False}])
def test_only_bad_captures_are_quarantined_and_no_coverage(bad: dict[str, Any]) -> None:
    assert on_sunday(replace(C, **bad)) == "quarantined"
    good = replace(C, observed_at=C.observed_at + timedelta(hours=1))
    assert on_sunday(replace(C, **bad), good) == ("complete" if "status" in bad else "quarantined")


@pytest.mark.parametrize("old", [{"is_current": False}, {"is_published": False, "status": "pending"}])
def test_an_older_version_or_a_late_artifact_is_stale(old: dict[str, Any]) -> None:
    late = replace(C, observed_at=C.observed_at + timedelta(minutes=5), **old)
    assert on_sunday(C, late) == "stale"


def test_one_source_of_two_is_partial() -> None:
    both = {ROASTER.id: [SOURCE, OTHER]}
    assert on_sunday(C, sources=both) == "partial"
    assert on_sunday(C, replace(C, source_id=OTHER), sources=both) == "complete"
    assert on_sunday(C, replace(C, source_id=OTHER, completeness="filtered"), sources=both) == "partial"


def test_a_day_is_empty_for_a_reason_and_a_capture_outweighs_it() -> None:
    assert state_on(judged([], roaster=replace(ROASTER, robots_allow=False)), SUNDAY) == (
        "expected_empty",
        "robots_disallow",
    )
    assert state_on(judged([], roaster=replace(ROASTER, is_active=False)), SUNDAY) == (
        "expected_empty",
        "roaster_inactive",
    )
    assert on_sunday(C, roaster=replace(ROASTER, robots_allow=False)) == "complete"
    closed = {(ROASTER.id, SUNDAY): Recorded(DayState.EXPECTED_EMPTY, "shop closed for Diwali", SEARCHED)}
    assert state_on(judged([], recorded=closed), SUNDAY) == ("expected_empty", "shop closed for Diwali")


def test_a_roaster_without_a_source_misses_its_ticks() -> None:
    """Not counted as empty: somebody forgot to say where its shop is."""
    assert state_on(judged([], sources={}), SUNDAY) == ("missing", "the roaster has ticks and no source")


def test_partition_keys_are_read_back() -> None:
    assert parse_partition(partition_key(SUNDAY, "blue-tokai")) == (SUNDAY, "blue-tokai")


def test_fifty_roasters_and_a_year_take_well_under_a_second_each() -> None:
    """The gap sensor judges everything at every tick."""
    roasters = [replace(ROASTER, id=uuid.UUID(int=n), slug=f"r{n}", active_to=None) for n in range(1, 51)]
    sources = {roaster.id: [uuid.UUID(int=1000 + n)] for n, roaster in enumerate(roasters)}
    found = expected_set(roasters, Evidence(sources), date(2025, 1, 1), date(2025, 12, 31), NOW)
    assert len(found.days) == 50 * 365
    assert sum(found.counts.values()) == len(found.days)
