"""The ball-dont-lie box scores of a date (`ball-dont-lie/boxscores`).

Names have no diacritics, minutes are whole, biographies are empty, and players who did not play are
listed with zeros. Ids derive from NBA ids; team ids are the feed's own.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from backfill_pipelines.nba.sample.box import COUNT_COLUMNS
from backfill_pipelines.nba.sample.game import Game
from backfill_pipelines.nba.sample.moments import to_utc
from backfill_pipelines.nba.sample.names import without_diacritics
from backfill_pipelines.nba.sample.rosters import Player
from backfill_pipelines.nba.sample.teams import BDL_NUMBERS, Team

_SHOTS = ("fg", "fg3", "ft")
_COUNTS = ("oreb", "dreb", "reb", "ast", "stl", "blk", "tov", "pf", "pts")
_BIOGRAPHY = (
    *("position", "height", "weight", "jersey_number", "college", "country"),
    *("draft_year", "draft_round", "draft_number"),
)
_REGULAR_SEASON = "002"
# More players than two teams list, so that stat ids of games never meet
_STATS_A_GAME = 100
_UNPLAYED = dict.fromkeys(COUNT_COLUMNS, 0)


def bdl_boxscores(season: str, games: Sequence[Game]) -> dict[str, Any]:
    """Every player line of one date, home team first."""
    stats: list[dict[str, Any]] = []
    for game in games:
        header = _game(season, game)
        rows = [
            (side.team, player, minutes, box)
            for side in (game.home, game.away)
            for player, minutes, box in (
                *((line.player, line.whole_minutes, line.box) for line in side.lines),
                *((player, 0, _UNPLAYED) for player, _ in side.lineup.absent),
            )
        ]
        stats += [
            {"id": number, **_line(minutes, box), **_who(player, team), "game": header}
            for number, (team, player, minutes, box) in enumerate(rows, header["id"] * _STATS_A_GAME)
        ]
    return {"data": stats, "meta": {"per_page": 100}}


def _game(season: str, game: Game) -> dict[str, Any]:
    fixture = game.fixture
    return {
        "id": int(fixture.game_id),
        "date": str(fixture.day),
        "season": int(season[:4]),
        "status": "Final",
        "period": 4 + game.overtimes,
        "time": "Final",
        "postseason": fixture.kind != _REGULAR_SEASON,
        "home_team_score": game.home.box["pts"],
        "visitor_team_score": game.away.box["pts"],
        "home_team_id": BDL_NUMBERS[fixture.home],
        "visitor_team_id": BDL_NUMBERS[fixture.away],
        "datetime": f"{to_utc(fixture.tipoff):%Y-%m-%dT%H:%M:%S}.000Z",
    }


def _line(minutes: int, box: Mapping[str, int]) -> dict[str, Any]:
    line: dict[str, Any] = {"min": f"{minutes:02d}"}
    for shot in _SHOTS:
        made, tried = box[f"{shot}m"], box[f"{shot}a"]
        line |= {f"{shot}m": made, f"{shot}a": tried, f"{shot}_pct": _share(made, tried)}
    counts = {"turnover" if column == "tov" else column: box[column] for column in _COUNTS}
    return line | counts


def _share(made: int, tried: int) -> float | int:
    """Seven decimals, or an integer where the feed drops the decimals of 0 and 1."""
    if made in (0, tried):
        return int(made > 0)
    return round(made / tried, 7)


def _who(player: Player, team: Team) -> dict[str, Any]:
    first_name, _, last_name = without_diacritics(player.name).partition(" ")
    number = BDL_NUMBERS[team.tricode]
    return {
        "player": {
            "id": player.number,
            "first_name": first_name,
            "last_name": last_name,
            **dict.fromkeys(_BIOGRAPHY),
            "team_id": number,
        },
        "team": {
            "id": number,
            "conference": team.conference,
            "division": team.division,
            "city": team.city,
            "name": team.nickname,
            "full_name": team.full_name,
            "abbreviation": team.tricode,
        },
    }
