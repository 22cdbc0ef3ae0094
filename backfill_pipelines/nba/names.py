"""Parse rules of single values: team names, player names, minutes, counts. Pure functions, no files, no tables."""

import math
import re
import unicodedata
from functools import lru_cache
from typing import Any

TEAMS: dict[str, str] = {
    "ATL": "Atlanta Hawks",
    "BKN": "Brooklyn Nets",
    "BOS": "Boston Celtics",
    "CHA": "Charlotte Hornets",
    "CHI": "Chicago Bulls",
    "CLE": "Cleveland Cavaliers",
    "DAL": "Dallas Mavericks",
    "DEN": "Denver Nuggets",
    "DET": "Detroit Pistons",
    "GSW": "Golden State Warriors",
    "HOU": "Houston Rockets",
    "IND": "Indiana Pacers",
    "LAC": "LA Clippers",
    "LAL": "Los Angeles Lakers",
    "MEM": "Memphis Grizzlies",
    "MIA": "Miami Heat",
    "MIL": "Milwaukee Bucks",
    "MIN": "Minnesota Timberwolves",
    "NOP": "New Orleans Pelicans",
    "NYK": "New York Knicks",
    "OKC": "Oklahoma City Thunder",
    "ORL": "Orlando Magic",
    "PHI": "Philadelphia 76ers",
    "PHX": "Phoenix Suns",
    "POR": "Portland Trail Blazers",
    "SAC": "Sacramento Kings",
    "SAS": "San Antonio Spurs",
    "TOR": "Toronto Raptors",
    "UTA": "Utah Jazz",
    "WAS": "Washington Wizards",
}
_OTHER_CODES = {
    "BRK": "BKN",
    "CHO": "CHA",
    "PHO": "PHX",
    "UTAH": "UTA",
    "GS": "GSW",
    "SA": "SAS",
    "NY": "NYK",
    "NO": "NOP",
    "WSH": "WAS",
}
_OTHER_NAMES = {"los angeles clippers": "LAC", "la lakers": "LAL", "trail blazers": "POR"}

_UNCOMBINED = str.maketrans(
    {"ı": "i", "ø": "o", "Ø": "O", "đ": "d", "Đ": "D", "ł": "l", "Ł": "L", "ß": "ss", "æ": "ae", "Æ": "AE"}
)
_GENERATION = {"junior": "jr", "senior": "sr"}
_GENERATION_SUFFIXES = {"jr", "sr", "ii", "iii", "iv", "v"}
_CLOCK = re.compile(r"^(\d{1,3}):([0-5]\d)$")
_PLAIN = re.compile(r"^\d+(\.\d+)?$")
_ISO = re.compile(r"^PT(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?$")


class UnparsableValueError(ValueError):
    """A value that follows none of its feed's forms; its row is set aside as ``unparsable_value``."""


def _team_index() -> dict[str, str]:
    index = {code.casefold(): code for code in TEAMS} | {k.casefold(): v for k, v in _OTHER_CODES.items()}
    for code, full_name in TEAMS.items():
        index[full_name.casefold()] = code
        index[full_name.rsplit(" ", 1)[1].casefold()] = code
    return index | _OTHER_NAMES


_TEAM_INDEX = _team_index()


def team_code(text: str | None) -> str | None:
    """Tricode of a tricode, full name or nickname in any case; None when it is no team of the league."""
    return _TEAM_INDEX.get(text.strip().casefold()) if text else None


@lru_cache(maxsize=20_000)
def player_lookup(name: str) -> str:
    """The join key of a player's name: ``Kelly Oubre Jr.`` -> ``kellyoubrejr``. Suffixes stay: fathers have sons."""
    words = _first_name_first(re.sub(r"^\d+", "", name.strip())).translate(_UNCOMBINED)
    plain = "".join(c for c in unicodedata.normalize("NFKD", words) if not unicodedata.combining(c))
    parts = plain.casefold().split()
    if len(parts) > 1:  # "Junior" alone is a name
        parts[-1] = _GENERATION.get(parts[-1].rstrip("."), parts[-1])
    return re.sub(r"[^a-z0-9]", "", "".join(parts)).lstrip("0123456789")


def lookup_of_somebody(name: str) -> str:
    """The join key of a name that a row stands under.

    Raises:
        UnparsableValueError: no letter is left of it: such rows would be one player, and no other feed knows him.
    """
    lookup = player_lookup(name)
    if not lookup:
        raise UnparsableValueError(f"player {name!r} has no name")
    return lookup


def _first_name_first(name: str) -> str:
    """``Barlow, Dominick`` -> ``Dominick Barlow``; ``Hardaway, Jr.`` is a suffix, not a first name."""
    last, comma, first = name.partition(",")
    if not comma or first.strip(" .").casefold() in _GENERATION_SUFFIXES:
        return name
    return f"{first.strip()} {last.strip()}"


def last_name(name: str) -> str:
    """Join key of the family name alone, with its suffix: what a list of inactive players gives."""
    words = name.split()
    return player_lookup(" ".join(words[1:])) if len(words) > 1 else player_lookup(name)


def minutes(value: Any) -> float | None:
    """Minutes played, unrounded; 0.0 for any form of zero, None for an absent value.

    Raises:
        UnparsableValueError: the text is no clock, number or ISO duration.
    """
    if value is None:
        return None
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    text = str(value).strip()
    if text in ("", "-"):
        return None
    if clock := _CLOCK.match(text):
        return (60 * int(clock[1]) + int(clock[2])) / 60
    if _PLAIN.match(text):
        return float(text)
    if (iso := _ISO.match(text)) and text != "PT":
        return int(iso[1] or 0) + float(iso[2] or 0) / 60
    raise UnparsableValueError(f"minutes {text!r}")


def count(value: Any) -> int | None:
    """A whole number, from a number or its text with an optional sign; None for an absent value.

    Raises:
        UnparsableValueError: anything else, fractions and booleans included.
    """
    if value is None or value == "":
        return None
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = float("nan")
    if isinstance(value, bool) or not number.is_integer():
        raise UnparsableValueError(f"count {value!r}")
    return int(number)


def number(value: Any) -> float | None:
    """A finite number, from a number or its text; None for an absent value.

    Raises:
        UnparsableValueError: anything else, booleans included.
    """
    if value is None or value == "":
        return None
    try:
        found = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        found = math.nan
    if not math.isfinite(found):
        raise UnparsableValueError(f"number {value!r}")
    return found
