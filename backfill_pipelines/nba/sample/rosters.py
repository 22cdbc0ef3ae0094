"""The invented players: fifteen a team, the same in every season of a seed.

A player's slot says where he stands in the rotation and which role he has; his role and a personal
factor give the weights by which `game` deals him shots, rebounds and the rest. Not here: who is
available on a night (`lineups`).
"""

from dataclasses import dataclass
from functools import lru_cache
from random import Random
from typing import NamedTuple

from backfill_pipelines.nba.sample.names import FIRST_NAMES, LAST_NAMES
from backfill_pipelines.nba.sample.teams import TEAMS

ROSTER_SIZE = 15
_FIRST_PLAYER_NUMBER = 1600000


class Role(NamedTuple):
    """Weights per minute, comparable between roles only within one field."""

    paint: float
    mid_range: float
    three: float
    oreb: float
    dreb: float
    ast: float
    stl: float
    blk: float
    tov: float
    pf: float


_ROLES = {
    "big": Role(1.65, 0.70, 0.35, 3.0, 2.0, 0.6, 0.7, 3.5, 0.9, 1.3),
    "forward": Role(0.90, 1.00, 1.15, 1.2, 1.1, 0.8, 1.0, 1.0, 0.9, 1.0),
    "guard": Role(0.75, 1.15, 1.20, 0.5, 0.7, 1.8, 1.2, 0.4, 1.2, 0.9),
}
# slot by slot: two forwards, a center and two guards start, as line-ups list them
_SLOT_ROLES = ("forward", "forward", "big", "guard", "guard") * (ROSTER_SIZE // 5)
_STARTERS = 5


@dataclass(frozen=True, slots=True)
class Player:
    """An invented player; `number` is his NBA person id, `usage` his appetite (1 is average)."""

    number: int
    name: str
    slot: int
    role: Role
    usage: float

    @property
    def nickname(self) -> str:
        """First name, as team box scores give it."""
        return self.name.partition(" ")[0]

    @property
    def family_name(self) -> str:
        """Everything after the first name, suffix included."""
        return self.name.partition(" ")[2]

    @property
    def position(self) -> str:
        """Forward, big or guard."""
        return _SLOT_ROLES[self.slot]


@lru_cache(maxsize=4)
def rosters(seed: int) -> dict[str, tuple[Player, ...]]:
    """Tricode to the team's players in rotation order."""
    rng = Random(f"{seed}:rosters")
    names = _names(rng, len(TEAMS) * ROSTER_SIZE)
    return {
        tricode: tuple(_player(rng, team * ROSTER_SIZE + slot, slot, names) for slot in range(ROSTER_SIZE))
        for team, tricode in enumerate(TEAMS)
    }


def _names(rng: Random, count: int) -> list[str]:
    pairs = rng.sample(range(len(FIRST_NAMES) * len(LAST_NAMES)), count)
    names = [f"{FIRST_NAMES[pair % len(FIRST_NAMES)]} {LAST_NAMES[pair // len(FIRST_NAMES)]}" for pair in pairs]
    father = names[0]
    for index in range(10, count, 25):
        names[index] += " Jr."
    for index in range(20, count, 75):
        names[index] += " III"
    # a father and a son in the league: only the suffix tells them apart
    names[-1] = f"{father} Jr."
    return names


def _player(rng: Random, index: int, slot: int, names: list[str]) -> Player:
    star = 1.35 if slot in (0, 3) else 1.0
    bench = 1.0 if slot < _STARTERS else 0.9
    return Player(
        number=_FIRST_PLAYER_NUMBER + index,
        name=names[index],
        slot=slot,
        role=_ROLES[_SLOT_ROLES[slot]],
        usage=star * bench * rng.uniform(0.75, 1.25),
    )
