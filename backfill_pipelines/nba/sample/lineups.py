"""Who is available on a night, who starts and how long everybody plays.

Not here: what they do in their minutes (`game`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random

from backfill_pipelines.nba.sample.rosters import ROSTER_SIZE, Player

STARTERS = 5
# Minutes of the rotation from the first starter to the thirteenth man. With a swing of 15 % nobody
# gets more than 45.4 of 240 minutes (nine men, one up and all others down) or less than 2.7
_ROTATION = (34, 33, 32, 31, 30, 24, 20, 16, 12, 8, 6, 5, 4)
_MINUTES_SWING = 0.15
_ACTIVE_COUNTS: Mapping[int, int] = {9: 2, 10: 5, 11: 6, 12: 4, 13: 2}
# Slots a player moves up or down from night to night, and how far an injury takes him down
_FORM, _INJURY = 1.2, ROSTER_SIZE
_INJURY_CHANCE, _SUSPENSION_CHANCE = 0.07, 0.006
_ABSENCES: Mapping[str, int] = {"DNP": 90, "DND": 8, "NWT": 2}
# Feeds of whole minutes may not stray further from the team's minutes
_ROUNDING_SLACK_MINUTES = 4


@dataclass(slots=True)
class PlayerLine:
    """A player's night: `box` counts fgm .. pts by the NBA's column names in lower case."""

    player: Player
    is_starter: bool
    seconds: int
    box: dict[str, int] = field(default_factory=dict)
    plus_minus: int = 0

    @property
    def whole_minutes(self) -> int:
        """Minutes as the feeds without seconds give them."""
        return round(self.seconds / 60)


@dataclass(frozen=True, slots=True)
class Lineup:
    """Those who play (starters first, then by time), the absent with a category, the suspended."""

    lines: list[PlayerLine]
    absent: list[tuple[Player, str]]
    suspended: list[Player]


def draw_lineup(rng: Random, roster: tuple[Player, ...], overtimes: int) -> Lineup:
    """Pick 9 to 13 players and share 5 x 48 minutes (25 more an overtime) among them."""
    placed = {
        player: player.slot + rng.gauss(0, _FORM) + _INJURY * (rng.random() < _INJURY_CHANCE) for player in roster
    }
    ranked = sorted(roster, key=placed.__getitem__)
    active = rng.choices(list(_ACTIVE_COUNTS), list(_ACTIVE_COUNTS.values()))[0]
    absent = rng.randint(1, min(4, ROSTER_SIZE - active))
    suspended = rng.random() < _SUSPENSION_CHANCE
    seconds = _share_seconds(rng, active, (240 + 25 * overtimes) * 60)
    lines = [PlayerLine(player, place < STARTERS, seconds[place]) for place, player in enumerate(ranked[:active])]
    lines.sort(key=lambda line: (not line.is_starter, -line.seconds, line.player.number))
    categories = rng.choices(list(_ABSENCES), list(_ABSENCES.values()), k=absent)
    out = zip(ranked[active : active + absent], categories, strict=True)
    return Lineup(
        lines,
        sorted(out, key=lambda pair: (pair[0].family_name, pair[0].number)),
        ranked[active + absent :][:suspended],
    )


def _share_seconds(rng: Random, players: int, total: int) -> list[int]:
    """Seconds of each player of the rotation: they add up to `total` exactly."""
    while True:
        weights = [minutes * rng.uniform(1 - _MINUTES_SWING, 1 + _MINUTES_SWING) for minutes in _ROTATION[:players]]
        seconds = [int(total * weight / sum(weights)) for weight in weights]
        for index in range(total - sum(seconds)):
            seconds[index] += 1
        rounded = sum(round(value / 60) for value in seconds)
        if abs(rounded - total // 60) <= _ROUNDING_SLACK_MINUTES:
            return seconds
