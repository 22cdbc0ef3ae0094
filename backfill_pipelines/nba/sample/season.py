"""A whole season: every fixture of it, in order, with its score.

Not here: what happens inside a game (`game`) and the files (`schedule_feed` and the other feeds).
"""

from collections import Counter
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from random import Random

from backfill_pipelines.nba.sample.calendar import WINDOWS, Fixture, Window
from backfill_pipelines.nba.sample.exhibitions import exhibitions
from backfill_pipelines.nba.sample.postseason import CONFERENCES, Bracket
from backfill_pipelines.nba.sample.regular_season import regular_season
from backfill_pipelines.nba.sample.teams import conference
from backfill_pipelines.nba.sample.totals import game_totals, points


@dataclass(frozen=True, slots=True)
class Score:
    """Final points, and the overtime periods it took."""

    away: int
    home: int
    overtimes: int = 0


@dataclass(frozen=True, slots=True)
class Season:
    """The fixtures of a season by date, both in order, and the score of each game id."""

    seed: int
    window: Window
    by_day: dict[date, list[Fixture]]
    scores: dict[str, Score]


@lru_cache(maxsize=3)
def build_season(season: str, seed: int) -> Season:
    """Draw the calendar of a season and play it to the last final (0.3 s; kept afterwards)."""
    window, scores = WINDOWS[season], dict[str, Score]()

    def play(game_id: str, away: str, home: str) -> str:
        totals = game_totals(seed, season, game_id, away, home)
        score = Score(points(totals.away), points(totals.home), totals.overtimes)
        scores[game_id] = score
        return away if score.away > score.home else home

    fixtures = regular_season(window, Random(f"{seed}:{season}:calendar"))
    wins = Counter(play(game.game_id, game.away, game.home) for game in fixtures)
    standings = {
        name: sorted((team.tricode for team in conference(name)), key=lambda team: -wins[team]) for name in CONFERENCES
    }
    bracket = Bracket(window, play, Random(f"{seed}:{season}:postseason"))
    field = bracket.play_in(standings)
    bracket.playoffs(field, {team: place for place, (team, _) in enumerate(wins.most_common())})
    for fixture, away, home in exhibitions(window, seed):
        scores[fixture.game_id] = Score(away, home)
        fixtures.append(fixture)
    by_day: dict[date, list[Fixture]] = {}
    for fixture in sorted([*fixtures, *bracket.fixtures], key=lambda game: (game.tipoff, game.game_id)):
        by_day.setdefault(fixture.day, []).append(fixture)
    return Season(seed, window, by_day, scores)
