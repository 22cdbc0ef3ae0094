"""Capture stamps and the feeds' spellings of a moment."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

EASTERN = ZoneInfo("America/New_York")
_CAPTURE_HOUR = 6


def captured(day: date) -> datetime:
    """When the files of a game date are captured: six in the morning after."""
    return datetime.combine(day + timedelta(days=1), time(_CAPTURE_HOUR))


def to_utc(eastern: datetime) -> datetime:
    """A zoneless Eastern moment in UTC."""
    return eastern.replace(tzinfo=EASTERN).astimezone(UTC)


def iso(moment: datetime) -> str:
    """A schedule moment; local times carry the Z as well, as in the feed."""
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def iso_clock(moment: datetime) -> str:
    """A schedule time of day: the feed keeps the date of all of them at 1900-01-01."""
    return f"1900-01-01T{moment:%H:%M:%S}Z"
