"""When a shop ought to have been looked at."""

import uuid
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from backfill_pipelines.backfill.failures import SettingsError
from backfill_pipelines.coffee.ticks import Roaster, ticks_of

ROASTER = Roaster(uuid.UUID(int=1), "blue-tokai")
SEPTEMBER = (date(2025, 9, 1), date(2025, 9, 30))


def test_the_default_cadences_are_every_sunday_and_the_first_of_the_month() -> None:
    found = [(tick.at.isoformat(), tick.kind) for tick in ticks_of(ROASTER, *SEPTEMBER)]
    assert found == [
        ("2025-09-01T03:00:00+00:00", "full"),
        ("2025-09-07T04:00:00+00:00", "price"),
        ("2025-09-14T04:00:00+00:00", "price"),
        ("2025-09-21T04:00:00+00:00", "price"),
        ("2025-09-28T04:00:00+00:00", "price"),
    ]


def test_a_window_begins_an_hour_early_and_ends_after_the_grace() -> None:
    (tick,) = ticks_of(ROASTER, date(2025, 9, 1), date(2025, 9, 1))
    assert tick.window_start == datetime(2025, 9, 1, 2, tzinfo=UTC)
    assert tick.window_end == datetime(2025, 9, 2, 15, tzinfo=UTC)
    assert tick.holds(tick.window_start)
    assert tick.holds(tick.window_end)
    assert not tick.holds(tick.window_end + timedelta(seconds=1))


def test_there_are_no_ticks_before_a_roaster_begins_nor_on_the_day_it_ends() -> None:
    """``active_to`` is the first day without: a shop that closed on the 21st owes nothing for the 21st."""
    roaster = replace(ROASTER, active_from=date(2025, 9, 7), active_to=date(2025, 9, 21))
    assert [tick.day.day for tick in ticks_of(roaster, *SEPTEMBER)] == [7, 14]
    assert ticks_of(replace(ROASTER, is_active=False), *SEPTEMBER) == []


def test_midnight_of_the_first_day_counts() -> None:
    roaster = replace(ROASTER, price_cadence="0 0 * * *", full_cadence="0 0 1 * *")
    assert [tick.at.day for tick in ticks_of(roaster, date(2025, 9, 2), date(2025, 9, 3))] == [2, 3]


@pytest.mark.parametrize(
    ("cadence", "days"),
    [
        ("0 4 * * 1-3", [1, 2, 3, 8, 9, 10]),
        ("0 4 */5 * *", [1, 6]),
        ("0 4 2,9 * *", [2, 9]),
        ("30 4 1-9/4 * *", [1, 5, 9]),
        # Cron's own rule: either the day of the month or the day of the week.
        ("0 4 2 * 0", [2, 7]),
        ("0 4 30 2 *", []),
    ],
)
def test_cron_texts_with_lists_ranges_and_steps(cadence: str, days: list[int]) -> None:
    roaster = replace(ROASTER, price_cadence=cadence, full_cadence="0 3 31 12 *")
    assert [tick.day.day for tick in ticks_of(roaster, date(2025, 9, 1), date(2025, 9, 10))] == days


@pytest.mark.parametrize("cadence", ["", "0 4 * *", "0 4 * * 0 0", "@weekly", "0 4 L * *", "0 4 * * SUN", "99 4 * * 0"])
def test_anything_but_five_plain_fields_is_refused_by_name(cadence: str) -> None:
    """A text that one cron reads and another does not is a tick that nobody expects."""
    with pytest.raises(SettingsError, match=r"cadence .* of blue-tokai .* Repair: correct the roaster"):
        ticks_of(replace(ROASTER, price_cadence=cadence), *SEPTEMBER)
