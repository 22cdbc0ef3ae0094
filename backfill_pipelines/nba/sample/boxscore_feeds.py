"""The NBA.com result sets: a game's box score and a date's player log.

`nba-com/team-boxscore` has one file a game, `nba-com/player-boxscores` one a date. Starters carry
the letters F F C G G in listing order; team turnovers include those of no player.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from backfill_pipelines.nba.sample.box import COUNT_COLUMNS, LOG_COLUMNS, absence, clock, log_cells
from backfill_pipelines.nba.sample.calendar import Fixture
from backfill_pipelines.nba.sample.game import Game, Side
from backfill_pipelines.nba.sample.lineups import PlayerLine
from backfill_pipelines.nba.sample.rosters import Player

_BOX_COLUMNS = tuple("TO" if name == "TOV" else name for name in LOG_COLUMNS)
_PLAYER_HEADERS = (
    *("GAME_ID", "TEAM_ID", "TEAM_ABBREVIATION", "TEAM_CITY", "PLAYER_ID", "PLAYER_NAME"),
    *("NICKNAME", "START_POSITION", "COMMENT", "MIN", *_BOX_COLUMNS, "PLUS_MINUS"),
)
_TEAM_HEADERS = ("GAME_ID", "TEAM_ID", "TEAM_NAME", "TEAM_ABBREVIATION", "TEAM_CITY")
_LOG_HEADERS = (
    *("SEASON_ID", "PLAYER_ID", "PLAYER_NAME", "TEAM_ID", "TEAM_ABBREVIATION", "TEAM_NAME"),
    *("GAME_ID", "GAME_DATE", "MATCHUP", "WL", "MIN", *LOG_COLUMNS),
    *("PLUS_MINUS", "FANTASY_PTS", "VIDEO_AVAILABLE"),
)
_POSITIONS = "FFCGG"
_GROUPS = ("Starters", "Bench")
# Digit and name of the competitions in the player log
_COMPETITIONS = {"002": "Regular Season", "004": "Playoffs", "005": "PlayIn"}
_FANTASY = {"pts": 1.0, "reb": 1.2, "ast": 1.5, "stl": 3.0, "blk": 3.0, "tov": -1.0}

Row = list[Any]


def team_boxscore(game: Game) -> dict[str, Any]:
    """Player, team and starters-against-bench lines of one game."""
    game_id = game.fixture.game_id
    parameters = ("StartPeriod", "EndPeriod", "StartRange", "EndRange", "RangeType")
    sides = game.away, game.home
    return {
        "resource": "boxscore",
        "parameters": {"GameID": game_id, **dict.fromkeys(parameters, 0)},
        "resultSets": [
            _result_set(
                "PlayerStats",
                _PLAYER_HEADERS,
                [row for side in sides for row in _player_rows(game_id, side)],
            ),
            _result_set(
                "TeamStats",
                (*_TEAM_HEADERS, "MIN", *_BOX_COLUMNS, "PLUS_MINUS"),
                [_team_row(game, side) for side in (game.home, game.away)],
            ),
            _result_set(
                "TeamStarterBenchStats",
                (*_TEAM_HEADERS, "STARTERS_BENCH", "MIN", *_BOX_COLUMNS),
                [_group_row(game_id, side, group) for group in _GROUPS for side in sides],
            ),
        ],
    }


def player_boxscore(season: str, games: Sequence[Game]) -> dict[str, Any]:
    """The player log of one date, all of whose games belong to one competition."""
    fixture = games[0].fixture
    return {
        "resource": "leaguegamelog",
        "parameters": {
            "LeagueID": "00",
            "Season": season,
            "SeasonType": _COMPETITIONS[fixture.kind],
            "PlayerOrTeam": "P",
            "Counter": 1000,
            "Sorter": "DATE",
            "Direction": "DESC",
            "DateFrom": str(fixture.day),
            "DateTo": str(fixture.day),
        },
        "resultSets": [
            _result_set(
                "LeagueGameLog",
                _LOG_HEADERS,
                [
                    _log_row(season, game.fixture, side, line)
                    for game in games
                    for side in (game.away, game.home)
                    for line in side.lines
                ],
            ),
        ],
    }


def _result_set(name: str, headers: Sequence[str], rows: list[Row]) -> dict[str, Any]:
    return {"name": name, "headers": headers, "rowSet": rows}


def _player_rows(game_id: str, side: Side) -> list[Row]:
    def who(player: Player) -> Row:
        team = side.team
        names = player.number, player.name, player.nickname
        return [game_id, team.number, team.tricode, team.city, *names]

    positions = iter(_POSITIONS)
    played = [
        [
            *who(line.player),
            *(next(positions) if line.is_starter else "", "", clock(line.seconds)),
            *(*log_cells(line.box, 0.0), line.plus_minus),
        ]
        for line in side.lines
    ]
    unplayed = [None] * (len(_BOX_COLUMNS) + 2)
    absent = [[*who(player), "", absence(category), *unplayed] for player, category in side.lineup.absent]
    return played + absent


def _team_row(game: Game, side: Side) -> Row:
    team = side.team
    names = team.nickname, team.tricode, team.city
    cells = *log_cells(side.box, 0.0), side.margin
    return [game.fixture.game_id, team.number, *names, f"{game.minutes}:00", *cells]


def _group_row(game_id: str, side: Side, group: str) -> Row:
    """Sums of the starters or of the bench, whose names the feed shifts by one column."""
    team = side.team
    names = (team.nickname, team.tricode, team.city, team.slug)
    shifted = names[:3] if group == "Starters" else names[1:]
    lines = [line for line in side.lines if line.is_starter == (group == "Starters")]
    sums = {column: sum(line.box[column] for line in lines) for column in COUNT_COLUMNS}
    time = clock(sum(line.seconds for line in lines))
    return [game_id, team.number, *shifted, group, time, *log_cells(sums, 0.0)]


def _log_row(season: str, fixture: Fixture, side: Side, line: PlayerLine) -> Row:
    at_home = side.team.tricode == fixture.home
    opponent = fixture.away if at_home else fixture.home
    return [
        f"{int(fixture.kind)}{season[:4]}",
        *(line.player.number, line.player.name),
        *(side.team.number, side.team.tricode, side.team.full_name),
        *(fixture.game_id, str(fixture.day)),
        f"{side.team.tricode} {'vs.' if at_home else '@'} {opponent}",
        "W" if side.margin > 0 else "L",
        line.whole_minutes,
        *log_cells(line.box, None),
        *(line.plus_minus, _fantasy_points(line.box), 1),
    ]


def _fantasy_points(box: Mapping[str, int]) -> float:
    return round(sum(weight * box[column] for column, weight in _FANTASY.items()), 1)
