"""Team box-score file -> rows of nbac_team_boxscore (TeamStats) and of nbac_starting_lineups (PlayerStats)."""

from typing import Any

from backfill_pipelines.nba.feeds import box
from backfill_pipelines.nba.feeds.captures import Capture
from backfill_pipelines.nba.feeds.parsed import (
    BadFileError,
    Parsed,
    RejectedRow,
    Row,
    deduplicate,
    required_game,
    result_set,
)
from backfill_pipelines.nba.feeds.schedule_book import Game, ScheduleBook
from backfill_pipelines.nba.names import UnparsableValueError, count, minutes, player_lookup, team_code

_LINE = [*box.NBA_COM.values(), "MIN", "PLUS_MINUS"]
_SHARES = ("FG_PCT", "FG3_PCT", "FT_PCT")
_TEAM = ("GAME_ID", "TEAM_ID", "TEAM_NAME", "TEAM_ABBREVIATION")
_PLAYER = ("GAME_ID", "TEAM_ABBREVIATION", "PLAYER_ID", "PLAYER_NAME", "START_POSITION", "COMMENT")

#: Names of the box counts in nbac_team_boxscore where they differ.
_RENAMED = {
    "field_goals_made": "fg_made",
    "field_goals_attempted": "fg_attempted",
    "three_pointers_made": "three_pt_made",
    "three_pointers_attempted": "three_pt_attempted",
    "free_throws_made": "ft_made",
    "free_throws_attempted": "ft_attempted",
}


def _game(capture: Capture, document: Any, book: ScheduleBook) -> Game:
    """The game of the file, which must be the game of its folder."""
    if capture.day is None:
        raise BadFileError("unknown_shape", "no date in the path")
    inside = str(document["parameters"]["GameID"])
    if inside != capture.nba_game_id:
        raise BadFileError("wrong_date", f"the path says game {capture.nba_game_id}, the content says {inside}")
    return required_game(book, capture.day, inside, ())


def parse_teams(capture: Capture, document: Any, book: ScheduleBook) -> Parsed:
    """Two rows, one for each team."""
    game, parsed = _game(capture, document, book), Parsed()
    known = (*_TEAM, *_LINE, *_SHARES, "TEAM_CITY")
    for source in result_set(document, "TeamStats", (*_TEAM, *_LINE), parsed, known):
        _add_team(parsed, game, source)
    deduplicate(parsed, lambda row: (row["game_id"], row["team_abbr"]))
    return parsed


def _add_team(parsed: Parsed, game: Game, source: Row) -> None:
    team = team_code(source["TEAM_ABBREVIATION"])
    key = f"{game.game_id}/{source['TEAM_ABBREVIATION']}"
    try:
        problem = _team_problem(game, team)
        line = box.box_counts(source, box.NBA_COM)
        played = minutes(source["MIN"])
        if played is None:
            raise UnparsableValueError("minutes of a team are absent")
        problem = problem or box.broken_rule(line)
        margin = count(source["PLUS_MINUS"])
        team_id = count(source["TEAM_ID"])
    except UnparsableValueError as error:
        parsed.rejected.append(RejectedRow(game.day, key, "unparsable_value", str(error), source))
        return
    if problem:
        parsed.rejected.append(RejectedRow(game.day, key, *problem, payload=source))
        return
    assert team is not None  # noqa: S101 # _team_problem refused everything else
    parsed.rows.append(
        {
            "game_id": game.game_id,
            "nba_game_id": game.nba_game_id,
            "game_date": game.day,
            "season_year": game.season_year,
            "team_id": team_id,
            "team_abbr": team,
            "opponent_team_abbr": game.opponent(team),
            "team_name": source["TEAM_NAME"],
            "is_home": team == game.home,
            "minutes": str(source["MIN"]),
            "minutes_total": round(played),
            **{_RENAMED.get(name, name): value for name, value in line.items()},
            "plus_minus": margin,
        }
    )


def _team_problem(game: Game, team: str | None) -> tuple[str, str] | None:
    if team in (game.home, game.away):
        return None
    return "unknown_team", f"{team or 'this team'} does not play in {game.game_id}; correct the feed"


def parse_players(capture: Capture, document: Any, book: ScheduleBook) -> Parsed:
    """One row for each listed player, absent ones included."""
    game, parsed = _game(capture, document, book), Parsed()
    known = (*_PLAYER, *_LINE, *_SHARES, "TEAM_ID", "TEAM_CITY", "NICKNAME")
    for source in result_set(document, "PlayerStats", _PLAYER, parsed, known):
        team = team_code(source["TEAM_ABBREVIATION"])
        lookup = player_lookup(source["PLAYER_NAME"])
        nobody = None if lookup else ("unparsable_value", f"player {source['PLAYER_NAME']!r} has no name")
        problem = _team_problem(game, team) or nobody
        if problem:
            key = f"{game.game_id}/{source['PLAYER_NAME']}"
            parsed.rejected.append(RejectedRow(game.day, key, *problem, payload=source))
            continue
        position = (source["START_POSITION"] or "").strip()
        parsed.rows.append(
            {
                "game_id": game.game_id,
                "game_date": game.day,
                "team_abbr": team,
                "nba_player_id": source["PLAYER_ID"],
                "player_name": source["PLAYER_NAME"],
                "player_lookup": lookup,
                "start_position": position or None,
                "is_starter": bool(position),
                "comment": (source["COMMENT"] or "").strip() or None,
            }
        )
    deduplicate(parsed, lambda row: (row["game_id"], row["player_lookup"]))
    return parsed
