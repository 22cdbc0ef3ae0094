"""One game in full: both box scores, who was missing, and every shot.

Deals the totals of `totals` to the players of `lineups`. Depends on nothing but the seed and the
fixture, so a game comes out the same whatever else is written.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from backfill_pipelines.nba.sample.box import COUNT_COLUMNS
from backfill_pipelines.nba.sample.calendar import Fixture
from backfill_pipelines.nba.sample.dealing import deal
from backfill_pipelines.nba.sample.lineups import Lineup, PlayerLine, draw_lineup
from backfill_pipelines.nba.sample.rosters import rosters
from backfill_pipelines.nba.sample.shots import (
    Shot,
    credit_assists,
    credit_blocks,
    put_on_the_clock,
    shoot,
)
from backfill_pipelines.nba.sample.teams import TEAMS, Team
from backfill_pipelines.nba.sample.totals import Totals, game_totals

# Free throws and turnovers a minute, beside the attempts of `shots`: together they stay under the
# 1.87 events a minute that are a usage rate of 100 when the team has 90 possessions
_MOST_THROWS_A_MINUTE, _MOST_TURNOVERS_A_MINUTE = 0.4, 0.2
_MOST_FOULS = 6
# Deviation of a full game's plus-minus from the player's share of the margin
_PLUS_MINUS_SPREAD = 7.0
_ATTENDANCE = (14_500, 20_500)


@dataclass(frozen=True, slots=True)
class Side:
    """A team's night; `box` is the team line, with team turnovers added to the players'."""

    team: Team
    lineup: Lineup
    box: dict[str, int]
    margin: int

    @property
    def lines(self) -> list[PlayerLine]:
        """The players who played, starters first."""
        return self.lineup.lines


@dataclass(frozen=True, slots=True)
class Game:
    """A played game; the shots of both teams are in the order of the clock."""

    fixture: Fixture
    away: Side
    home: Side
    overtimes: int
    shots: list[Shot]
    attendance: int

    @property
    def minutes(self) -> int:
        """Team minutes: 240, and 25 for each overtime."""
        return 240 + 25 * self.overtimes


def play_game(seed: int, season: str, fixture: Fixture) -> Game:
    """Play a fixture; its score is the one the season knows."""
    rng = Random(f"{seed}:{fixture.game_id}:players")
    totals = game_totals(seed, season, fixture.game_id, fixture.away, fixture.home)
    lineups = [draw_lineup(rng, rosters(seed)[tricode], totals.overtimes) for tricode in (fixture.away, fixture.home)]
    shots: list[Shot] = []
    for is_home, lineup, team in zip((False, True), lineups, totals.teams, strict=True):
        _deal_counts(rng, lineup.lines, team)
        taken = shoot(rng, team, lineup.lines, is_home=is_home)
        credit_assists(rng, taken, lineup.lines, team["ast"])
        shots += taken
    for is_home, lineup, team in zip((False, True), lineups, totals.teams, strict=True):
        against = [shot for shot in shots if shot.is_home != is_home]
        credit_blocks(rng, against, lineup.lines, team["blk"])
    put_on_the_clock(rng, shots, (48 + 5 * totals.overtimes) * 60)
    margin = totals.away_margin
    away = _side(rng, TEAMS[fixture.away], lineups[0], totals.away, margin)
    home = _side(rng, TEAMS[fixture.home], lineups[1], totals.home, -margin)
    return Game(fixture, away, home, totals.overtimes, shots, rng.randint(*_ATTENDANCE))


def _deal_counts(rng: Random, lines: Sequence[PlayerLine], team: Totals) -> None:
    """Deal everything but the shots, assists and blocks."""
    minutes = [line.seconds / 60 for line in lines]
    roles = [line.player.role for line in lines]

    def by_role(column: str, room: Sequence[int]) -> list[int]:
        weights = [played * getattr(role, column) for played, role in zip(minutes, roles, strict=True)]
        return deal(rng, team[column], weights, room)

    no_limit = [max(team.values())] * len(lines)
    throws = [max(2, int(_MOST_THROWS_A_MINUTE * played)) for played in minutes]
    turnovers = [max(1, int(_MOST_TURNOVERS_A_MINUTE * played)) for played in minutes]
    drives = [line.seconds * line.player.usage * line.player.role.paint for line in lines]
    dealt = {
        "oreb": by_role("oreb", no_limit),
        "dreb": by_role("dreb", no_limit),
        "stl": by_role("stl", no_limit),
        "tov": by_role("tov", turnovers),
        "pf": by_role("pf", [_MOST_FOULS] * len(lines)),
        "fta": deal(rng, team["fta"], drives, throws),
    }
    throwers = [index for index, count in enumerate(dealt["fta"]) for _ in range(count)]
    made = rng.sample(throwers, team["ftm"])
    for index, line in enumerate(lines):
        line.box = {column: counts[index] for column, counts in dealt.items()}
        line.box |= {"ftm": made.count(index), "reb": line.box["oreb"] + line.box["dreb"]}


def _side(rng: Random, team: Team, lineup: Lineup, totals: Totals, margin: int) -> Side:
    _spread_margin(rng, lineup.lines, margin)
    box = {column: sum(line.box[column] for line in lineup.lines) for column in COUNT_COLUMNS}
    box["tov"] += totals["team_tov"]
    return Side(team, lineup, box, margin)


def _spread_margin(rng: Random, lines: Sequence[PlayerLine], margin: int) -> None:
    """Give every player a plus-minus; five are on the court, so they add up to 5 margins."""
    total = sum(line.seconds for line in lines)
    for line in lines:
        share = 5 * line.seconds / total
        line.plus_minus = round(share * margin + rng.gauss(0, _PLUS_MINUS_SPREAD * share**0.5))
    left = 5 * margin - sum(line.plus_minus for line in lines)
    for number in range(abs(left)):
        lines[number % len(lines)].plus_minus += 1 if left > 0 else -1
