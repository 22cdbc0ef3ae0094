"""What both teams did in a game, before anyone asks which player did it.

Cheap enough to be known for every game of a season: the score comes from here, and `game` deals the
same totals to the players. Games outside plausible ranges are drawn again.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from random import Random

from backfill_pipelines.nba.sample.teams import TEAMS

Totals = Counter[str]
"""paint_/mid_range_/three_ tried and made, fta, ftm, oreb, dreb, ast, stl, blk, pf, tov (the
players'), team_tov."""

# Share of the attempts and chance to score of each zone
ZONES: Mapping[str, tuple[float, float]] = {
    "paint": (0.45, 0.58),
    "mid_range": (0.20, 0.42),
    "three": (0.35, 0.36),
}
_FREE_THROW_CHANCE = 0.78
# Makes vary less than coin tosses would: defences answer a hot hand. With this factor a game's
# margin has a deviation of about 13 points, as in the league
_STREAKINESS = 0.85
# Possessions a 48 minutes with their deviation from game to game, and between the teams of one;
# turnovers of no player come on top: none, one, two or three a game, by these weights
_PACE, _PACE_DIFFERENCE = (98.6, 2.6), 0.007
_TEAM_TURNOVERS = (40, 35, 18, 7)
_STRENGTH_SPREAD = 4.5
HOME_ADVANTAGE = 2.5
# A chance to score that is higher by one moves some 190 points a game (87 shots at 2.2 points)
_POINTS_PER_CHANCE = 190
_REGULATION, _OVERTIME = 48, 5
_MOST_OVERTIMES = 2


@dataclass(frozen=True, slots=True)
class GameTotals:
    """The totals of both teams and the overtime periods they took."""

    away: Totals
    home: Totals
    overtimes: int

    @property
    def teams(self) -> tuple[Totals, Totals]:
        """Both teams, the visitors first."""
        return self.away, self.home

    @property
    def away_margin(self) -> int:
        """Points by which the visitors won, negative if they lost."""
        return points(self.away) - points(self.home)


def points(totals: Totals) -> int:
    """Points of a team."""
    twos = totals["paint_made"] + totals["mid_range_made"]
    return 2 * twos + 3 * totals["three_made"] + totals["ftm"]


def attempts(totals: Totals) -> int:
    """Field-goal attempts of a team."""
    return sum(totals[f"{zone}_tried"] for zone in ZONES)


def makes(totals: Totals) -> int:
    """Field goals made by a team."""
    return sum(totals[f"{zone}_made"] for zone in ZONES)


@lru_cache(maxsize=8)
def strengths(seed: int, season: str) -> dict[str, float]:
    """Tricode to points above the average team on neutral ground."""
    rng = Random(f"{seed}:{season}:strengths")
    return {tricode: rng.gauss(0, _STRENGTH_SPREAD) for tricode in TEAMS}


def game_totals(seed: int, season: str, game_id: str, away: str, home: str) -> GameTotals:
    """Play a game: the same totals for the same seed and game, whatever else is drawn."""
    rng = Random(f"{seed}:{game_id}:totals")
    ratings = strengths(seed, season)
    edge = (ratings[home] - ratings[away] + HOME_ADVANTAGE) / 2 / _POINTS_PER_CHANCE
    totals = _attack(rng, edge)
    while not _is_plausible(totals):
        totals = _attack(rng, edge)
    _defend(rng, totals.away, totals.home)
    _defend(rng, totals.home, totals.away)
    return totals


def _attack(rng: Random, edge: float) -> GameTotals:
    """Shots and losses of both teams; `edge` is added to the hosts' chance to score."""
    pace = rng.gauss(*_PACE)
    away, home = (_offence(rng, pace * rng.gauss(1, _PACE_DIFFERENCE), side * edge) for side in (-1, 1))
    overtimes = 0
    while points(away) == points(home):
        overtimes += 1
        for team, side in ((away, -1), (home, 1)):
            team.update(_offence(rng, pace * _OVERTIME / _REGULATION, side * edge))
    for team in (away, home):
        team["team_tov"] = rng.choices(range(4), _TEAM_TURNOVERS)[0]
    return GameTotals(away, home, overtimes)


def _near(rng: Random, mean: float, spread: float, most: int | None = None) -> int:
    drawn = max(0, round(rng.gauss(mean, spread)))
    return drawn if most is None else min(most, drawn)


def _made(rng: Random, tried: int, chance: float) -> int:
    spread = _STREAKINESS * (tried * chance * (1 - chance)) ** 0.5
    return _near(rng, tried * chance, spread, tried)


def _offence(rng: Random, possessions: float, edge: float) -> Totals:
    """Shots, free throws, turnovers and offensive rebounds of so many possessions."""
    scale = possessions / 100
    wide = scale**0.5
    drawn = Counter(
        tov=_near(rng, 12.8 * scale, 2.8 * wide),
        oreb=_near(rng, 10.2 * scale, 2.8 * wide),
        fta=_near(rng, 22 * scale, 5 * wide),
    )
    lost = 0.44 * drawn["fta"] + drawn["tov"] - drawn["oreb"]
    tried = max(0, round(possessions - lost))
    three = _near(rng, ZONES["three"][0] * tried, 4 * wide, tried)
    mid_range = _near(rng, ZONES["mid_range"][0] * tried, 3 * wide, tried - three)
    shots = {"paint": tried - three - mid_range, "mid_range": mid_range, "three": three}
    for zone, count in shots.items():
        drawn[f"{zone}_tried"] = count
        drawn[f"{zone}_made"] = _made(rng, count, ZONES[zone][1] + edge)
    drawn["ftm"] = _made(rng, drawn["fta"], _FREE_THROW_CHANCE)
    return drawn


def _is_plausible(totals: GameTotals) -> bool:
    """Both teams in ranges that leave out freak games, and at most two overtimes.

    85 to 140 points and a pace of 90 to 110 by 48 minutes, an offensive rating of 85 to 140, true
    shooting of .45 to .68.
    """
    regulations = 1 + totals.overtimes * _OVERTIME / _REGULATION
    for team in totals.teams:
        shooting = attempts(team) + 0.44 * team["fta"]
        possessions = shooting + team["tov"] + team["team_tov"] - team["oreb"]
        ranges = (
            (85, points(team) / regulations, 140),
            (90, possessions / regulations, 110),
            (85, 100 * points(team) / possessions, 140),
            (0.45, points(team) / (2 * shooting), 0.68),
        )
        if not all(least <= value <= most for least, value, most in ranges):
            return False
    return totals.overtimes <= _MOST_OVERTIMES


def _defend(rng: Random, team: Totals, opponent: Totals) -> None:
    """Add what answers the opponent's shots and turnovers, and the assists on the own makes."""
    missed = attempts(opponent) - makes(opponent)
    missed_last_throws = round(0.45 * (opponent["fta"] - opponent["ftm"]))
    out_of_bounds = _near(rng, 4.5, 1.8)
    rebounds = missed + missed_last_throws - opponent["oreb"] - out_of_bounds
    team["dreb"] = max(0, rebounds)
    team["stl"] = _near(rng, 0.56 * opponent["tov"], 1.8, opponent["tov"])
    team["blk"] = _near(rng, 0.10 * missed, 2.0, missed)
    # nine players, the fewest a team uses, may commit 54 fouls before all are disqualified
    team["pf"] = _near(rng, 9 + 0.5 * opponent["fta"], 2.0, 45)
    team["ast"] = _near(rng, 0.60 * makes(team), 3.0, makes(team))
