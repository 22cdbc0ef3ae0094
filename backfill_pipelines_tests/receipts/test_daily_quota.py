"""What is left of Google's calls of a day: whose calls count, when a day ends, and what the plan says of it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from backfill_pipelines.receipts.call_ledger import CallLedger
from backfill_pipelines.receipts.call_rows import Settled
from backfill_pipelines.receipts.daily_quota import DailyQuota, daily_quota
from backfill_pipelines.receipts.migration_settings import MigrationSettings
from backfill_pipelines.receipts.prices import Tier
from backfill_pipelines.stores.control import ControlStore

#: Five to midnight in Los Angeles.
LATE = datetime(2026, 1, 6, 7, 55, tzinfo=UTC)


@pytest.fixture
def control(tmp_path: Path) -> Iterator[ControlStore]:
    made = ControlStore(url=f"sqlite:///{tmp_path}/control.db")
    yield made
    made.close()


def called(control: ControlStore, at: datetime, *statuses: int | None, tier: Tier = Tier.FULL) -> CallLedger:
    """Attempts at a moment that ended like this."""
    ledger = CallLedger(control, budget_usd=Decimal(50), now=lambda: at)
    with control.transaction() as connection:
        wanted = [(f"ChIJ{number:023}", tier) for number in range(len(statuses))]
        calls = ledger.book(connection, "rp-20260105-0001", "session", wanted).calls
        ended = [
            Settled(call, status or None, was_sent=status != 0) for call, status in zip(calls, statuses, strict=True)
        ]
        ledger.book(connection, "rp-20260105-0001", "session", ended=ended)
    return ledger


def test_a_day_of_the_quota_ends_at_midnight_in_california(control: ControlStore) -> None:
    settings = MigrationSettings(daily_quota=10)
    ledger = called(control, LATE, 200, 200, 404)
    assert daily_quota(ledger, settings, LATE) == DailyQuota(10, 3, datetime(2026, 1, 6, 8, tzinfo=UTC))
    assert daily_quota(ledger, settings, LATE.replace(hour=8)).left == 10
    assert daily_quota(ledger, settings, LATE.replace(hour=8, day=5)).used == 3, "the day began 24 hours before"


def test_a_day_in_which_clocks_are_changed_ends_at_midnight_too(control: ControlStore) -> None:
    spring = datetime(2026, 3, 8, 9, 30, tzinfo=UTC)
    assert daily_quota(called(control, spring), MigrationSettings(), spring).resets_at.hour == 7


def test_what_was_sent_counts_and_what_was_refused_for_the_quota_does_not(control: ControlStore) -> None:
    """0 stands for an attempt that was taken back before a thread had sent it."""
    ledger = called(control, LATE, 200, 400, 500, None, 429, 0)
    called(control, LATE, 200, tier=Tier.ID_REFRESH)
    assert daily_quota(ledger, MigrationSettings(), LATE).used == 5


@pytest.mark.parametrize(
    ("limit", "used", "calls", "said"),
    [
        (None, 5, 9, "not known"),
        (100, 5, 95, "fit in today's"),
        (100, 5, 96, "do not fit in today's: 95 of 96 today, the rest on 1 later day. "),
        (100, 100, 301, "do not fit in today's: 0 of 301 today, the rest on 4 later days. "),
        (100, 120, 0, "fit in today's"),
        (0, 0, 3, "do not fit: the quota is 0 calls, 3 are needed"),
    ],
)
def test_the_plan_says_whether_its_calls_fit(limit: int | None, used: int, calls: int, said: str) -> None:
    assert DailyQuota(limit, used, LATE).room_for(calls).startswith(said)


def test_what_is_left_is_said_or_how_to_make_it_known() -> None:
    assert DailyQuota(1_000, 7, LATE).text == "993 of 1,000 calls left until 2026-01-06 07:55 UTC, 7 made"
    assert DailyQuota(None, 7, LATE).text.endswith("limit not known: BACKFILL_PLACES_DAILY_QUOTA")
