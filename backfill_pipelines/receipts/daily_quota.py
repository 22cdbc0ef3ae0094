"""What is left of Google's calls of a day, by our own count. Nothing here refuses a call: Google does, and is heeded.

Google tells nobody how much of a quota is used. So the attempts of the call ledger are counted, of all runs, since
midnight in the quota's time zone; what other programs of the same project call is not among them. How many calls a day
are allowed stands in the project's console, and here in BACKFILL_PLACES_DAILY_QUOTA.
"""

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from backfill_pipelines.receipts.call_ledger import BILLING_ZONE, CallLedger
from backfill_pipelines.receipts.call_rows import CALLS, CallState
from backfill_pipelines.receipts.migration_settings import MigrationSettings

#: Google's days of a quota begin where its months of a bill do.
QUOTA_ZONE = BILLING_ZONE
_TOO_MANY = 429


@dataclass(frozen=True)
class DailyQuota:
    """One day's calls; ``limit`` None is not known."""

    limit: int | None
    used: int
    resets_at: datetime

    @property
    def left(self) -> int | None:
        """Calls that are left today; None where the limit is not known."""
        return None if self.limit is None else max(0, self.limit - self.used)

    @property
    def text(self) -> str:
        """How much is left."""
        until = f"until {self.resets_at:%Y-%m-%d %H:%M} UTC"
        if self.limit is None:
            return f"{self.used:,} calls made {until}; limit not known: BACKFILL_PLACES_DAILY_QUOTA"
        return f"{self.left:,} of {self.limit:,} calls left {until}, {self.used:,} made"

    def room_for(self, calls: int) -> str:
        """Whether so many calls fit in what is left of the day, and how long they take where they do not."""
        if self.limit is None:
            return "not known"
        today = min(calls, self.left or 0)
        if today == calls:
            return "fit in today's"
        if not self.limit:
            return f"do not fit: the quota is 0 calls, {calls:,} are needed"
        days = math.ceil((calls - today) / self.limit)
        return (
            f"do not fit in today's: {today:,} of {calls:,} today, the rest on {days:,} later "
            f"{'day' if days == 1 else 'days'}. What is left over is parked; the same command goes on"
        )


def daily_quota(ledger: CallLedger, settings: MigrationSettings, now: datetime | None = None) -> DailyQuota:
    """The present day of the quota."""
    moment = (now or datetime.now(UTC)).astimezone(QUOTA_ZONE)
    begin = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    # The next midnight on the clock of the zone: a day of it may have 23 or 25 hours.
    end = datetime.combine(begin.date() + timedelta(days=1), begin.time(), QUOTA_ZONE)
    return DailyQuota(settings.daily_quota, _made_since(ledger, begin.astimezone(UTC)), end.astimezone(UTC))


def _made_since(ledger: CallLedger, begin: datetime) -> int:
    """Attempts that were sent, or may have been, and were not refused for being too many."""
    was_sent = sa.or_(CALLS.c.http_status.is_not(None), CALLS.c.state != str(CallState.RELEASED))
    statement = (
        sa.select(sa.func.count())
        .select_from(CALLS)
        .where(CALLS.c.reserved_at >= begin.isoformat(), was_sent)
        .where(sa.or_(CALLS.c.http_status.is_(None), CALLS.c.http_status != _TOO_MANY))
    )
    with ledger.control.transaction() as connection:
        return int(connection.execute(statement).scalar_one())
