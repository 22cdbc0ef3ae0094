"""Hand-made raw rows with readable defaults; ``tables`` puts them into a warehouse.

The default game: Boston at New York on DAY, five players a team, each with the same line; New York makes one free
throw a player more and wins 105-100. Box scores, line-ups, gamebook, ball-dont-lie and play-by-play agree.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from backfill_pipelines.backfill.contracts import TableContract
from backfill_pipelines.nba.tables_raw import (
    BDL_BOXSCORES,
    GAMEBOOK,
    PLAY_BY_PLAY,
    PLAYER_BOXSCORES,
    PLAYER_LINES,
    PROPS,
    SCHEDULE,
    STARTING_LINEUPS,
    TEAM_BOXSCORE,
)
from backfill_pipelines.nba.tables_reference import ACCEPTED_GAPS

Row = dict[str, Any]

DAY = date(2022, 1, 3)
AWAY, HOME = "BOS", "NYK"
GAME = "20220103_BOS_NYK"
SECOND_GAME = "20220103_MIA_PHI"
PLAYERS = 5
TIP_OFF = datetime(2022, 1, 4, 0, 30, tzinfo=UTC)
CAPTURED = datetime(2022, 1, 4, 11, tzinfo=UTC)

#: The line of every player of the away team; the home team makes a third free throw.
LINE = {
    "points": 20,
    "field_goals_made": 8,
    "field_goals_attempted": 16,
    "three_pointers_made": 2,
    "three_pointers_attempted": 4,
    "free_throws_made": 2,
    "free_throws_attempted": 4,
    "offensive_rebounds": 2,
    "defensive_rebounds": 6,
    "total_rebounds": 8,
    "assists": 4,
    "steals": 1,
    "blocks": 1,
    "turnovers": 2,
    "personal_fouls": 3,
}
NO_LINE = dict.fromkeys(LINE, 0)
#: Team turnovers on top of the players': eight-second violations and the like.
TEAM_TURNOVERS = 2
_TEAM_NAMES = {
    "field_goals_made": "fg_made",
    "field_goals_attempted": "fg_attempted",
    "three_pointers_made": "three_pt_made",
    "three_pointers_attempted": "three_pt_attempted",
    "free_throws_made": "ft_made",
    "free_throws_attempted": "ft_attempted",
}
_DEFAULTS = {"STRING": "", "INT64": 0, "FLOAT64": 0.0, "BOOL": False, "DATE": DAY, "TIMESTAMP": CAPTURED}


def row(contract: TableContract, known: Row, **changes: Any) -> Row:
    """A row: changes, else what is known, else blanks for required columns and NULL for the others."""
    unknown = set(changes) - set(contract.by_name)
    assert not unknown, f"{contract.full_name} has no {unknown}"
    blanks = {c.name: _DEFAULTS.get(c.base_type) if c.required else None for c in contract.business_columns}
    return {name: known.get(name, blank) for name, blank in blanks.items()} | changes


def player_of(team: str, number: int) -> str:
    """player_lookup of one of the five players of a team."""
    return f"{team.lower()}player{number}"


def schedule(game: str = GAME, **changes: Any) -> Row:
    """A final of the regular season."""
    day, away, home = _parts(game)
    values = {
        "game_id": game,
        "nba_game_id": f"00221{sum(map(ord, away + home)):05d}",
        "season": "2021-22",
        "season_year": 2021,
        "game_date": day,
        "game_time_utc": TIP_OFF,
        "game_status": 3,
        "game_status_text": "Final",
        "game_type": "regular_season",
        "away_team_tricode": away,
        "home_team_tricode": home,
        "away_team_score": 100,
        "home_team_score": 105,
        "winning_team_tricode": home,
        "overtime_periods": 0,
    }
    return row(SCHEDULE, values, **changes)


def team_box(team: str, game: str = GAME, **changes: Any) -> Row:
    """The sums of five lines, and the team turnovers."""
    totals = {_TEAM_NAMES.get(name, name): PLAYERS * value for name, value in _line(team, game).items()}
    totals["turnovers"] += TEAM_TURNOVERS
    values = _sides(team, game) | {"minutes": "240:00", "minutes_total": 240, "team_name": team.title()} | totals
    return row(TEAM_BOXSCORE, values, **changes)


def lineup(team: str, number: int, game: str = GAME, **changes: Any) -> Row:
    """A starter."""
    values = {"player_name": f"{team} Player {number}", "start_position": "F", "is_starter": True}
    return row(STARTING_LINEUPS, _player(team, number, game) | values, **changes)


def gamebook(team: str, number: int, game: str = GAME, **changes: Any) -> Row:
    """An active player of the gamebook."""
    values = _player(team, number, game) | {
        "game_code": game,
        "player_name_original": f"{team} Player {number}",
        "player_status": "active",
        "name_resolution_status": "full_name",
        "plus_minus": 1,
    }
    return row(GAMEBOOK, values, **changes)


def absent(team: str, number: int, game: str = GAME, **changes: Any) -> Row:
    """A player whom the gamebook lists as not having played."""
    nothing: Row = dict.fromkeys([*LINE, "minutes_decimal", "plus_minus"])
    return gamebook(team, number, game, **nothing | {"player_status": "dnp"} | changes)


def bdl(team: str, number: int, game: str = GAME, **changes: Any) -> Row:
    """A player of ball-dont-lie."""
    return row(BDL_BOXSCORES, _player(team, number, game), **changes)


def player_box(team: str, number: int, game: str = GAME, **changes: Any) -> Row:
    """A player of the league's game log."""
    return row(PLAYER_BOXSCORES, _player(team, number, game), **changes)


def shot(shooter: str, sequence: int, game: str = GAME, **changes: Any) -> Row:
    """A made two from three feet, unassisted."""
    team = shooter[:3].upper()
    values = {"event_type": "shot", "shot_made": True, "shot_type": "2PT", "shot_distance": 3.0, "period": 1}
    who = {"team_abbr": team, "player_lookup": shooter, "player_name": shooter, "event_sequence": sequence}
    return row(PLAY_BY_PLAY, _sides(team, game) | values | who, **changes)


def free_throw(shooter: str, sequence: int, subtype: str, game: str = GAME) -> Row:
    """A made free throw."""
    values = {"event_type": "free throw", "event_subtype": subtype, "shot_type": "FT", "shot_distance": None}
    return shot(shooter, sequence, game, **values)


def shots_of_line(team: str, number: int, start: int, game: str = GAME) -> list[Row]:
    """The sixteen attempts of a line: 4 of 8 from the paint, 2 of 4 from mid-range, 2 of 4 threes."""
    kinds = [("2PT", 3.0)] * 8 + [("2PT", 15.0)] * 4 + [("3PT", 25.0)] * 4
    return [
        shot(player_of(team, number), start + place, game, shot_type=kind, shot_distance=feet, shot_made=place % 2 == 0)
        for place, (kind, feet) in enumerate(kinds)
    ]


def prop(player: str, line: float, *, hours_before: float = 1, bookmaker: str = "draftkings", game: str = GAME) -> Row:
    """A bookmaker's line; with negative hours, after tip-off."""
    when = {"snapshot_timestamp": TIP_OFF - timedelta(hours=hours_before), "commence_time": TIP_OFF}
    values = {"game_id": game, "game_date": _parts(game)[0], "player_name": player, "player_lookup": player}
    return row(PROPS, values | when | {"bookmaker": bookmaker, "points_line": line})


def accepted(contract: TableContract, game: str = GAME, **changes: Any) -> Row:
    """A hole that somebody accepted for good."""
    values = {"table_name": contract.full_name, "game_date": _parts(game)[0], "game_id": game}
    values |= {"reason": "lost", "accepted_by": "test"}
    return row(ACCEPTED_GAPS, values, **changes)


def raw_rows(games: Iterable[str] = (GAME,)) -> dict[TableContract, list[Row]]:
    """Every feed of whole games."""
    games = list(games)
    each = [(team, number, game) for game in games for team in _parts(game)[1:] for number in range(1, PLAYERS + 1)]
    sides = [(team, game) for game in games for team in _parts(game)[1:]]
    return {
        SCHEDULE: [schedule(game) for game in games],
        TEAM_BOXSCORE: [team_box(team, game) for team, game in sides],
        STARTING_LINEUPS: [lineup(*one) for one in each],
        GAMEBOOK: [gamebook(*one) for one in each],
        BDL_BOXSCORES: [bdl(*one) for one in each],
        PLAYER_BOXSCORES: [player_box(*one) for one in each],
        PLAY_BY_PLAY: [
            event
            for index, (team, number, game) in enumerate(each)
            for event in shots_of_line(team, number, 100 * index, game)
        ],
    }


def changed(rows: Iterable[Row], value: str, **changes: Any) -> list[Row]:
    """The rows, with changes in those that contain a value: a game, team or player."""
    return [found | changes if value in found.values() else found for found in rows]


def without(rows: Iterable[Row], value: str) -> list[Row]:
    """The rows that do not contain a value."""
    return [found for found in rows if value not in found.values()]


def _parts(game: str) -> tuple[date, str, str]:
    day, away, home = game.split("_")
    return date(int(day[:4]), int(day[4:6]), int(day[6:])), away, home


def _line(team: str, game: str) -> Row:
    extra = int(team == _parts(game)[2])
    return LINE | {"points": LINE["points"] + extra, "free_throws_made": LINE["free_throws_made"] + extra}


def _sides(team: str, game: str) -> Row:
    day, away, home = _parts(game)
    return {
        "game_id": game,
        "game_date": day,
        "season_year": 2021,
        "team_abbr": team,
        "opponent_team_abbr": away if team == home else home,
        "is_home": team == home,
        "away_team_abbr": away,
        "home_team_abbr": home,
        "source_file_path": "feeds/file.json",
        "capture_ts": CAPTURED,
    }


def _player(team: str, number: int, game: str) -> Row:
    who = {"player_lookup": player_of(team, number), "player_full_name": f"{team} Player {number}"}
    who |= {"minutes_decimal": 48.0}
    return _sides(team, game) | _line(team, game) | who


def lines(games: Iterable[str] = (GAME,)) -> list[Row]:
    """The player lines that the gamebooks of whole games give."""
    return [
        row(PLAYER_LINES, _player(team, number, game), plus_minus=1, source="nbac_gamebook")
        for game in games
        for team in _parts(game)[1:]
        for number in range(1, PLAYERS + 1)
    ]
