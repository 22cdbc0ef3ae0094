"""Object paths of the feed files, and writing them date by date.

Not here: what the files say (`schedule_feed`, `boxscore_feeds`, `gamebook_feed`, `bdl_feed`,
`bigdataball_feed`, `roster_feed`, `injury_feed`, `odds_feeds`).
"""

from collections.abc import Iterator, Sequence
from datetime import date
from itertools import chain
from pathlib import Path
from typing import Any

import orjson

from backfill_pipelines.nba.sample.bdl_feed import bdl_boxscores
from backfill_pipelines.nba.sample.bigdataball_feed import bigdataball
from backfill_pipelines.nba.sample.boxscore_feeds import player_boxscore, team_boxscore
from backfill_pipelines.nba.sample.game import Game, play_game
from backfill_pipelines.nba.sample.gamebook_feed import gamebook
from backfill_pipelines.nba.sample.injury_feed import REPORT_HOUR, injury_report
from backfill_pipelines.nba.sample.moments import captured
from backfill_pipelines.nba.sample.odds_feeds import event_id, game_lines, player_props
from backfill_pipelines.nba.sample.roster_feed import roster
from backfill_pipelines.nba.sample.schedule_feed import schedule
from backfill_pipelines.nba.sample.season import Season

_EXHIBITION, _PLAY_IN = "003", "005"

Written = list[tuple[str, int]]
"""Feed and bytes of each file."""


def write_schedule(out: Path, season: Season, days: Sequence[date]) -> Written:
    """Write the schedule file with the given dates, captured the morning after the last one."""
    path = f"nba-com/schedule-cdn/{season.window.season}/{_stamp(days[-1])}.json"
    return [("schedule", _save(out / path, _indented(schedule(season, days))))]


def write_day(out: Path, season: Season, day: date) -> Written:
    """Write every other feed of one date; an exhibition day has none."""
    name = season.window.season
    games = [play_game(season.seed, name, fixture) for fixture in season.by_day[day] if fixture.kind != _EXHIBITION]
    if not games:
        return []
    found = chain(_feeds(name, day, games), _optional_feeds(season.seed, name, day, games))
    return [(feed, _save(out / path, content)) for feed, path, content in found]


def _feeds(season: str, day: date, games: Sequence[Game]) -> Iterator[tuple[str, str, bytes]]:
    """Feed, path and content of each file of a date."""
    stamped = f"{_stamp(day)}.json"
    for game in games:
        fixture = game.fixture
        game_id, away, home = fixture.game_id, fixture.away, fixture.home
        box = _compact(team_boxscore(game))
        yield "team_boxscore", f"nba-com/team-boxscore/{day}/{game_id}/{stamped}", box
        book = f"nba-com/gamebooks-data/{day}/{day:%Y%m%d}-{away}{home}/{stamped}"
        yield "gamebook", book, _indented(gamebook(game))
        if fixture.kind != _PLAY_IN:
            folder = f"big-data-ball/{season}/{day}/game_{game_id}"
            plays = f"{folder}/[{day}]-{game_id}-{away}@{home}.csv"
            yield "bigdataball", plays, bigdataball(season, game).encode()
    lines = _compact(bdl_boxscores(season, games))
    yield "bdl_boxscores", f"ball-dont-lie/boxscores/{day}/{stamped}", lines
    log = _compact(player_boxscore(season, games))
    yield "player_boxscore", f"nba-com/player-boxscores/{day}/{stamped}", log


def _optional_feeds(seed: int, season: str, day: date, games: Sequence[Game]) -> Iterator[tuple[str, str, bytes]]:
    """As ``_feeds``: what only enriches the rows of a date."""
    stamp = _stamp(day)
    report = _compact(injury_report(seed, season, day, games))
    yield "injury_report", f"nba-com/injury-report-data/{day}/{REPORT_HOUR}/{stamp}.json", report
    for game in games:
        fixture = game.fixture
        for team in (fixture.away, fixture.home):
            yield "espn_rosters", f"espn/rosters/{day}/team_{team}/{stamp}.json", _compact(roster(seed, team, day))
        event = f"{day}/{event_id(seed, fixture.game_id)}-{fixture.away}{fixture.home}"
        for feed, folder, snapshots in (
            ("game_lines", "game-lines-history", game_lines(seed, season, game)),
            ("player_props", "player-props-history", player_props(seed, game)),
        ):
            for moment, document in snapshots:
                yield feed, f"odds-api/{folder}/{event}/{stamp}-snap-{moment:%H%M}.json", _compact(document)


def _stamp(day: date) -> str:
    return f"{captured(day):%Y%m%d_%H%M%S}"


def _compact(document: dict[str, Any]) -> bytes:
    return orjson.dumps(document)


def _indented(document: dict[str, Any]) -> bytes:
    return orjson.dumps(document, option=orjson.OPT_INDENT_2)


def _save(path: Path, content: bytes) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.write_bytes(content)
