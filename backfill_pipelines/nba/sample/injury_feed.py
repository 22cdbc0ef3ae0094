"""The league's injury report of a day (`nba-com/injury-report-data`), published two hours before any game begins.

Lists everybody who will not play, and of those who will a few who were in doubt. Names are turned round, teams are
written in full, and a few records were hard to read (confidence below 0.8).
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from random import Random
from typing import Any

from backfill_pipelines.nba.sample.game import Game, Side
from backfill_pipelines.nba.sample.rosters import Player

REPORT_HOUR = 13
# Of those who are absent, and of those who play
_ABSENT = {"Out": 80, "Doubtful": 15, "Questionable": 5}
_PLAYING = {"Questionable": 30, "Probable": 50, "Available": 20}
_DOUBTED_CHANCE = 0.08
_REASONS = (
    "Injury/Illness - Left Ankle; Sprain",
    "Injury/Illness - Right Knee; Soreness",
    "Injury/Illness - Left Hamstring; Strain",
    "Injury/Illness - N/a; Illness",
    "G League - Two-Way",
)
_CONFIDENCES = {1.0: 70, 0.9: 27, 0.7: 3}


def injury_report(seed: int, season: str, day: date, games: Sequence[Game]) -> dict[str, Any]:
    """Records of every game of the day."""
    records = [record for game in games for record in _of_game(seed, game)]
    return {
        "metadata": {
            "gamedate": f"{day:%Y%m%d}",
            "hour": f"{REPORT_HOUR - 12:02d}",
            "period": "PM",
            "hour24": str(REPORT_HOUR),
            "season": season,
        },
        "parsing_stats": {"total_records": len(records), "overall_confidence": 0.97},
        "records": records,
    }


def _of_game(seed: int, game: Game) -> Iterator[dict[str, Any]]:
    rng, fixture = Random(f"{seed}:{game.fixture.game_id}:injuries"), game.fixture
    common = {
        "date": f"{fixture.day:%m/%d/%Y}",
        "gametime": f"{fixture.tipoff:%I:%M} (ET)",
        "matchup": f"{fixture.away}@{fixture.home}",
    }
    for side in (game.away, game.home):
        for player, status in _listed(rng, side):
            yield common | {
                "team": side.team.full_name,
                "player": f"{player.family_name}, {player.nickname}",
                "status": status,
                "reason": rng.choice(_REASONS),
                "confidence": _draw(rng, _CONFIDENCES),
            }


def _listed(rng: Random, side: Side) -> Iterator[tuple[Player, str]]:
    for player, _ in side.lineup.absent:
        yield player, _draw(rng, _ABSENT)
    for line in side.lines:
        if rng.random() < _DOUBTED_CHANCE:
            yield line.player, _draw(rng, _PLAYING)


def _draw(rng: Random, weights: Mapping[Any, int]) -> Any:
    return rng.choices(list(weights), list(weights.values()))[0]
