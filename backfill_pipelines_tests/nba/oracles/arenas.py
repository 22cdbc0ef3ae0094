"""Where the teams play: arenas, zones and the distance between two of them."""

from datetime import UTC, date, datetime, time
from math import asin, cos, radians, sin, sqrt
from zoneinfo import ZoneInfo

EARTH_RADIUS_MILES = 3958.8
_ZONES = {
    letter: ZoneInfo(f"America/{city}")
    for letter, city in zip("ECMAP", ["New_York", "Chicago", "Denver", "Phoenix", "Los_Angeles"], strict=True)
}
_TEXT = """
ATL 33.7573 -84.3963 E
BKN 40.6826 -73.9754 E
BOS 42.3662 -71.0621 E
CHA 35.2251 -80.8392 E
CHI 41.8807 -87.6742 C
CLE 41.4965 -81.6882 E
DAL 32.7906 -96.8103 C
DEN 39.7487 -105.0077 M
DET 42.3411 -83.0553 E
GSW 37.7679 -122.3873 P
HOU 29.6807 -95.3615 C
IND 39.7640 -86.1555 E
LAC 34.0430 -118.2673 P
LAL 34.0430 -118.2673 P
MEM 35.1382 -90.0505 C
MIA 25.7814 -80.1870 E
MIL 43.0435 -87.9167 C
MIN 44.9795 -93.2760 C
NOP 29.9490 -90.0821 C
NYK 40.7505 -73.9934 E
OKC 35.4634 -97.5151 C
ORL 28.5392 -81.3839 E
PHI 39.9012 -75.1720 E
PHX 33.4457 -112.0712 A
POR 45.5316 -122.6668 P
SAC 38.5816 -121.4999 P
SAS 29.4270 -98.4375 C
TOR 43.6434 -79.3791 E
UTA 40.7683 -111.9011 M
WAS 38.8981 -77.0209 E
"""
_PLACES = {team: (float(lat), float(lon), zone) for team, lat, lon, zone in map(str.split, _TEXT.split("\n")[1:-1])}


def zone_of(team: str) -> ZoneInfo:
    """Time zone of a team's arena."""
    return _ZONES[_PLACES[team][2]]


def miles_between(one: str, other: str) -> int:
    """Great-circle miles between two teams' arenas."""
    (lat1, lon1, _), (lat2, lon2, _) = _PLACES[one], _PLACES[other]
    high, wide = radians(lat2 - lat1) / 2, radians(lon2 - lon1) / 2
    part = sin(high) ** 2 + cos(radians(lat1)) * cos(radians(lat2)) * sin(wide) ** 2
    return int(2 * EARTH_RADIUS_MILES * asin(sqrt(part)) + 0.5)


def hours_between(one: str, other: str, day: date) -> int:
    """Difference of the two clocks on a day."""
    noon = datetime.combine(day, time(17), UTC)
    hours = [noon.astimezone(zone_of(team)).utcoffset() for team in (one, other)]
    return round(abs((hours[0] - hours[1]).total_seconds()) / 3600)
