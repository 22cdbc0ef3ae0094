"""The field-goal attempts of a game: who shot, from where and when, who helped and who blocked.

The zones and makes are those of `totals`; the players' shooting, assists and blocks are counted
from the shots, so play-by-play and box score agree. Not here: the other columns (`game`).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

from backfill_pipelines.nba.sample.dealing import pick
from backfill_pipelines.nba.sample.lineups import PlayerLine
from backfill_pipelines.nba.sample.rosters import Player
from backfill_pipelines.nba.sample.totals import ZONES, Totals

# Chance weights of a make to have been assisted and of a miss to have been blocked
_ASSISTED = {"paint": 0.55, "mid_range": 0.45, "three": 0.85}
_BLOCKED = {"paint": 6.0, "mid_range": 2.0, "three": 0.4}
# Attempts a minute; with the limits of `game` a substitute's usage rate stays under 100
_MOST_ATTEMPTS_A_MINUTE = 0.85
# A player with more points shoots no more, which leaves nobody above 60
_SATED_POINTS = 57
# Share of the threes from the corners, which are 22 feet from the basket instead of 23.75
_CORNER_SHARE = 0.23
# Type and words of the description; layups and dunks end at three feet
_RIM_FEET = 3
_RIM = (
    ("layup", "Layup"),
    ("driving layup", "Driving Layup"),
    ("dunk", "Dunk"),
    ("cutting layup shot", "Cutting Layup"),
    ("cutting dunk shot", "Cutting Dunk"),
)
_TYPES = {
    "paint": (
        ("driving floating jump shot", "Driving Floating Jump"),
        ("hook shot", "Hook"),
        ("driving layup", "Driving Layup"),
    ),
    "mid_range": (
        ("jump shot", "Jump"),
        ("fadeaway jumper", "Fadeaway Jump"),
        ("turnaround fadeaway", "Turnaround Fadeaway"),
        ("floating jump shot", "Floating Jump"),
    ),
    "three": (
        ("3pt jump shot", "Jump"),
        ("3pt pullup jump shot", "Pullup Jump"),
        ("3pt step back jump shot", "Step Back Jump"),
        ("3pt running jump shot", "Running Jump"),
    ),
}


@dataclass(slots=True)
class Shot:
    """An attempt. `x` and `y` are tenths of a foot from the basket, `second` counts game time."""

    is_home: bool
    shooter: Player
    zone: str
    is_made: bool
    x: int
    y: int
    kind: str
    words: str
    assist: Player | None = None
    block: Player | None = None
    second: int = 0

    @property
    def value(self) -> int:
        """Points of the shot if it is made."""
        return 3 if self.zone == "three" else 2

    @property
    def feet(self) -> int:
        """Distance from the basket, rounded."""
        return round(math.hypot(self.x, self.y) / 10)


def shoot(
    rng: Random,
    totals: Totals,
    lines: Sequence[PlayerLine],
    *,
    is_home: bool,
) -> list[Shot]:
    """Let a team take the shots of its totals, in any order, and count them in the players' boxes.

    The boxes must already hold `ftm`: a player with enough points shoots no more.
    """
    for line in lines:
        line.box |= dict.fromkeys(("fgm", "fga", "fg3m", "fg3a", "ast", "blk"), 0)
        line.box["pts"] = line.box["ftm"]
    weights = {
        zone: [line.seconds * line.player.usage * getattr(line.player.role, zone) for line in lines] for zone in ZONES
    }
    tokens = [(zone, number < totals[f"{zone}_made"]) for zone in ZONES for number in range(totals[f"{zone}_tried"])]
    rng.shuffle(tokens)
    shots: list[Shot] = []
    for zone, is_made in tokens:
        index = pick(rng, weights[zone])
        line = lines[index]
        shots.append(_shot(rng, line.player, zone, is_home=is_home, is_made=is_made))
        _count(line.box, shots[-1])
        most = max(1, int(_MOST_ATTEMPTS_A_MINUTE * line.seconds / 60))
        if line.box["fga"] == most or line.box["pts"] > _SATED_POINTS:
            for zone_weights in weights.values():
                zone_weights[index] = 0.0
    return shots


def credit_assists(rng: Random, shots: Sequence[Shot], lines: Sequence[PlayerLine], count: int) -> None:
    """Give `count` of a team's makes an assist by a teammate of the shooter."""
    weights = [line.seconds * line.player.role.ast for line in lines]
    for shot in _chosen(rng, [shot for shot in shots if shot.is_made], _ASSISTED, count):
        others = [0.0 if line.player is shot.shooter else weight for line, weight in zip(lines, weights, strict=True)]
        passer = lines[pick(rng, others)]
        passer.box["ast"] += 1
        shot.assist = passer.player


def credit_blocks(rng: Random, shots: Sequence[Shot], defenders: Sequence[PlayerLine], count: int) -> None:
    """Let defenders have blocked `count` of the other team's misses."""
    weights = [line.seconds * line.player.role.blk for line in defenders]
    for shot in _chosen(rng, [shot for shot in shots if not shot.is_made], _BLOCKED, count):
        blocker = defenders[pick(rng, weights)]
        blocker.box["blk"] += 1
        shot.block = blocker.player


def put_on_the_clock(rng: Random, shots: list[Shot], seconds: int) -> None:
    """Order the shots of both teams and give each a second of its own, before the last one."""
    rng.shuffle(shots)
    moments = sorted(rng.sample(range(1, seconds), len(shots)))
    for shot, moment in zip(shots, moments, strict=True):
        shot.second = moment


def _chosen(rng: Random, shots: list[Shot], chances: Mapping[str, float], count: int) -> list[Shot]:
    """`count` of the shots, by the weight of their zones."""
    keys = {id(shot): rng.random() ** (1 / chances[shot.zone]) for shot in shots}
    return sorted(shots, key=lambda shot: keys[id(shot)], reverse=True)[:count]


def _count(box: dict[str, int], shot: Shot) -> None:
    box["fga"] += 1
    box["fgm"] += shot.is_made
    box["fg3a"] += shot.zone == "three"
    box["fg3m"] += shot.zone == "three" and shot.is_made
    box["pts"] += shot.value * shot.is_made


def _shot(rng: Random, shooter: Player, zone: str, *, is_home: bool, is_made: bool) -> Shot:
    x, y = _spot(rng, zone)
    at_rim = math.hypot(x, y) < 10 * _RIM_FEET
    kind, words = rng.choice(_RIM if at_rim else _TYPES[zone])
    return Shot(is_home, shooter, zone, is_made, x, y, kind, words)


def _spot(rng: Random, zone: str) -> tuple[int, int]:
    """Tenths of a foot across and along the court, in bounds (250 across) and inside the zone.

    The distances rounded to feet are 0 to 8, 9 to 21 and 22 to 30.
    """
    if zone == "three" and rng.random() < _CORNER_SHARE:
        return rng.choice((-1, 1)) * rng.randint(221, 234), rng.randint(-20, 80)
    if zone == "three":
        radius, angle = rng.uniform(239, 295), rng.uniform(32, 148)
    elif zone == "mid_range":
        radius, angle = rng.uniform(86, 214), rng.uniform(0, 180)
    else:
        radius, angle = 84 * rng.random() ** 1.3, rng.uniform(0, 180)
    turn = math.radians(angle)
    return round(radius * math.cos(turn)), round(radius * math.sin(turn))
