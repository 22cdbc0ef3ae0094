"""ESPN's roster of a team on a day (`espn/rosters`), as the site answers, less what nobody reads.

Names have no diacritics, some teams have ESPN's own codes, ages are those of the day. Birthdays follow from the seed
and the player, so a player grows older through the seasons.
"""

from datetime import date, timedelta
from functools import lru_cache
from random import Random
from typing import Any

from backfill_pipelines.nba.sample.names import without_diacritics
from backfill_pipelines.nba.sample.rosters import Player, rosters
from backfill_pipelines.nba.sample.teams import TEAMS

_CODES = {"GSW": "GS", "NOP": "NO", "NYK": "NY", "SAS": "SA", "UTA": "UTAH", "WAS": "WSH"}
_FIRST_ESPN_NUMBER = 2_500_000
# Born so that the youngest are 19 on the first opening night and the oldest 38 at the last final
_OLDEST, _YOUNGEST = date(1986, 1, 1), date(2002, 10, 1)
_POSITIONS = {"forward": ("SF", "Small Forward"), "big": ("C", "Center"), "guard": ("PG", "Point Guard")}


def roster(seed: int, tricode: str, day: date) -> dict[str, Any]:
    """The fifteen players of a team."""
    team = TEAMS[tricode]
    return {
        "team": {
            "abbreviation": _CODES.get(tricode, tricode),
            "displayName": team.full_name,
            "athletes": [_athlete(seed, player, day) for player in rosters(seed)[tricode]],
        }
    }


def _athlete(seed: int, player: Player, day: date) -> dict[str, Any]:
    born, name = _birthday(seed, player.number), without_diacritics(player.name)
    abbreviation, position = _POSITIONS[player.position]
    return {
        "id": str(player.number + _FIRST_ESPN_NUMBER),
        "fullName": name,
        "displayName": name,
        "age": day.year - born.year - ((day.month, day.day) < (born.month, born.day)),
        "dateOfBirth": f"{born}T07:00Z",
        "jersey": str(player.number % 100),
        "position": {"abbreviation": abbreviation, "displayName": position},
        "injuries": [],
    }


@lru_cache(maxsize=2_000)
def _birthday(seed: int, number: int) -> date:
    return _OLDEST + timedelta(days=Random(f"{seed}:{number}:birthday").randrange((_YOUNGEST - _OLDEST).days))
