"""The All-Star weekend: games of invented teams that only the schedule file knows."""

from datetime import datetime, time
from random import Random

from backfill_pipelines.nba.sample.calendar import Fixture, Window

EXHIBITION_TEAMS = {
    "AMB": "Team Amber",
    "COB": "Team Cobalt",
    "JDE": "Team Jade",
    "RBY": "Team Ruby",
    "DWN": "Team Dawn",
    "DSK": "Team Dusk",
}
# The All-Star game is long and undefended; the Rising Stars play to a target
_ALL_STAR_POINTS, _SEMIFINAL_POINTS, _FINAL_POINTS = 180, 40, 25


def exhibitions(window: Window, seed: int) -> list[tuple[Fixture, int, int]]:
    """The four games with the points of the away and the home team."""
    rng = Random(f"{seed}:{window.season}:exhibitions")
    prefix = f"003{window.year % 100:02d}000"
    first, second = (datetime.combine(day, time(20)) for day in window.exhibitions)

    def played(fixture: Fixture, target: int) -> tuple[Fixture, int, int]:
        points = [target, target - rng.randint(1, target // 4)]
        rng.shuffle(points)
        return fixture, points[0], points[1]

    semifinal, final = "Rising Stars Semifinal", "Rising Stars Final"
    opener = Fixture(f"{prefix}04", first, "COB", "AMB", semifinal, "Game 1")
    second_game = Fixture(f"{prefix}05", first, "RBY", "JDE", semifinal, "Game 2")
    one, two = played(opener, _SEMIFINAL_POINTS), played(second_game, _SEMIFINAL_POINTS)
    visitors, hosts = (
        game.away if away_points > home_points else game.home for game, away_points, home_points in (two, one)
    )
    three = Fixture(f"{prefix}06", first, visitors, hosts, final, "Championship")
    four = Fixture(f"{prefix}01", second, "DSK", "DWN", "NBA All-Star Game")
    return [one, two, played(three, _FINAL_POINTS), played(four, _ALL_STAR_POINTS)]
