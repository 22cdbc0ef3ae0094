"""The BigDataBall play-by-play of a game (`big-data-ball`), as CSV text.

Field-goal attempts and period markers only: line-ups, running score, free throws, rebounds,
turnovers and fouls are blank or absent. Play-in games have no file.
"""

import csv
import io
from collections.abc import Iterator
from typing import Any

from backfill_pipelines.nba.sample.game import Game
from backfill_pipelines.nba.sample.names import without_diacritics
from backfill_pipelines.nba.sample.shots import Shot

HEADER = (
    *("game_id", "data_set", "date", "a1", "a2", "a3", "a4", "a5", "h1", "h2", "h3", "h4", "h5"),
    *("period", "away_score", "home_score", "remaining_time", "elapsed", "play_length", "play_id"),
    *("team", "event_type", "assist", "away", "home", "block", "entered", "left", "num"),
    *("opponent", "outof", "player", "points", "possession", "reason", "result", "steal", "type"),
    *("shot_distance", "original_x", "original_y", "converted_x", "converted_y", "description"),
)
_PERIODS, _PERIOD_SECONDS, _OVERTIME_SECONDS = 4, 720, 300
# Feet from the baseline of both baskets on a court 50 feet wide and 94 long; visitors attack the
# near one
_NEAR_BASKET, _FAR_BASKET, _MIDDLE = 5, 89, 25


def bigdataball(season: str, game: Game) -> str:
    """One row per attempt and two per period, numbered by `play_id` from 1."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\r\n")
    rows.writerow(HEADER)
    common = _common(season, game)
    before = 0
    for number, (period, elapsed, cells) in enumerate(_events(game), 1):
        length = _period_length(period)
        row = common | cells
        row["period"] = period
        row["play_id"] = number
        row["remaining_time"] = _hms(length - elapsed)
        row["elapsed"] = _hms(elapsed)
        row["play_length"] = _hms(elapsed - before if elapsed else 0)
        rows.writerow([row.get(column, "") for column in HEADER])
        before = elapsed
    return text.getvalue()


def _common(season: str, game: Game) -> dict[str, Any]:
    year = int(season[:4])
    playoffs = game.fixture.kind == "004"
    competition = f"{year + 1} Playoffs" if playoffs else f"{year}-{year + 1} Regular Season"
    return {
        "game_id": int(game.fixture.game_id),
        "data_set": f"NBA {competition}",
        "date": game.fixture.day,
    }


def _events(game: Game) -> Iterator[tuple[int, int, dict[str, Any]]]:
    """Period, seconds played in it, and the event's own columns, in the order of play."""
    shots = iter([*game.shots, None])
    shot = next(shots)
    begin = 0
    for period in range(1, _PERIODS + game.overtimes + 1):
        length = _period_length(period)
        yield period, 0, _marker("start of period")
        while shot is not None and shot.second <= begin + length:
            yield period, shot.second - begin, _attempt(game, shot)
            shot = next(shots)
        yield period, length, _marker("end of period")
        begin += length


def _marker(event: str) -> dict[str, Any]:
    return {"event_type": event, "type": event}


def _attempt(game: Game, shot: Shot) -> dict[str, Any]:
    player = without_diacritics(shot.shooter.name)
    turn, basket = (1, _FAR_BASKET) if shot.is_home else (-1, _NEAR_BASKET)
    three = "3PT " if shot.value == 3 else ""
    words = f"{player.partition(' ')[2]} {shot.feet}' {three}{shot.words} Shot"
    return {
        "team": game.fixture.home if shot.is_home else game.fixture.away,
        "event_type": "shot",
        "assist": without_diacritics(shot.assist.name) if shot.assist else "",
        "block": without_diacritics(shot.block.name) if shot.block else "",
        "player": player,
        "points": shot.value if shot.is_made else 0,
        "result": "made" if shot.is_made else "missed",
        "type": shot.kind,
        "shot_distance": shot.feet,
        "original_x": shot.x,
        "original_y": shot.y,
        "converted_x": round(_MIDDLE + turn * shot.x / 10, 1),
        "converted_y": round(basket - turn * shot.y / 10, 1),
        "description": words if shot.is_made else f"MISS {words}",
    }


def _period_length(period: int) -> int:
    return _PERIOD_SECONDS if period <= _PERIODS else _OVERTIME_SECONDS


def _hms(seconds: int) -> str:
    return f"0:{seconds // 60:02d}:{seconds % 60:02d}"
