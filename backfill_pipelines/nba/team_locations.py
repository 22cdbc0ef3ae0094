"""Where the teams play, and what their clocks say: the rows of two reference tables.

BigQuery knows time zones, the embedded warehouse does not; offsets of days are exact in both.
"""

from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from backfill_pipelines.nba.seasons import SEASONS

_ZONES = {
    "E": "America/New_York",
    "C": "America/Chicago",
    "M": "America/Denver",
    "A": "America/Phoenix",
    "P": "America/Los_Angeles",
}
_ARENAS = """
    ATL 33.7573,-84.3963 E; BKN 40.6826,-73.9754 E; BOS 42.3662,-71.0621 E; CHA 35.2251,-80.8392 E;
    CHI 41.8807,-87.6742 C; CLE 41.4965,-81.6882 E; DAL 32.7906,-96.8103 C; DEN 39.7487,-105.0077 M;
    DET 42.3411,-83.0553 E; GSW 37.7679,-122.3873 P; HOU 29.6807,-95.3615 C; IND 39.7640,-86.1555 E;
    LAC 34.0430,-118.2673 P; LAL 34.0430,-118.2673 P; MEM 35.1382,-90.0505 C; MIA 25.7814,-80.1870 E;
    MIL 43.0435,-87.9167 C; MIN 44.9795,-93.2760 C; NOP 29.9490,-90.0821 C; NYK 40.7505,-73.9934 E;
    OKC 35.4634,-97.5151 C; ORL 28.5392,-81.3839 E; PHI 39.9012,-75.1720 E; PHX 33.4457,-112.0712 A;
    POR 45.5316,-122.6668 P; SAC 38.5816,-121.4999 P; SAS 29.4270,-98.4375 C; TOR 43.6434,-79.3791 E;
    UTA 40.7683,-111.9011 M; WAS 38.8981,-77.0209 E
"""


def location_rows() -> list[dict[str, Any]]:
    """One row for each team: its arena and time zone."""
    return [_location(text.strip()) for text in _ARENAS.split(";")]


def offset_rows() -> list[dict[str, Any]]:
    """For each zone the ranges of days, from the first season to the last, on which its clock has one UTC offset."""
    return [row for zone in _ZONES.values() for row in _offsets(zone)]


def _location(text: str) -> dict[str, Any]:
    team, place, zone = text.split()
    latitude, longitude = map(float, place.split(","))
    return {"team_abbr": team, "latitude": latitude, "longitude": longitude, "timezone": _ZONES[zone]}


def _offsets(zone: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    day = SEASONS[0].opening
    while day <= SEASONS[-1].closing:
        hours = _offset_hours(zone, day)
        if not rows or rows[-1]["offset_hours"] != hours:
            rows.append({"timezone": zone, "from_date": day, "offset_hours": hours})
        rows[-1]["to_date"] = day
        day += timedelta(days=1)
    return rows


def _offset_hours(zone: str, day: date) -> int:
    """At noon: clocks change at two in the morning, before any game of the day."""
    offset = datetime.combine(day, time(12), ZoneInfo(zone)).utcoffset()
    assert offset is not None, zone  # noqa: S101 # a ZoneInfo always has one
    return int(offset.total_seconds()) // 3600
