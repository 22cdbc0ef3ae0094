"""League game log of a date -> rows of nbac_player_boxscores."""

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
    same_date,
)
from backfill_pipelines.nba.feeds.schedule_book import Game, ScheduleBook
from backfill_pipelines.nba.names import UnparsableValueError, count, lookup_of_somebody, minutes, team_code

_NEEDED = (
    *("PLAYER_ID", "PLAYER_NAME", "TEAM_ID", "TEAM_ABBREVIATION", "GAME_ID", "GAME_DATE", "WL", "MIN"),
    *box.NBA_COM_LOG.values(),
    "PLUS_MINUS",
)
_KNOWN = (
    *_NEEDED,
    *("SEASON_ID", "TEAM_NAME", "MATCHUP", "FG_PCT", "FG3_PCT", "FT_PCT", "FANTASY_PTS", "VIDEO_AVAILABLE"),
)


def parse(capture: Capture, document: Any, book: ScheduleBook) -> Parsed:
    """Rows of all games of the date; rows of a game that is not on the schedule are set aside."""
    if capture.day is None:
        raise BadFileError("unknown_shape", "no date in the path")
    parsed, by_game = Parsed(), dict[str, list[Row]]()
    for source in result_set(document, "LeagueGameLog", _NEEDED, parsed, _KNOWN):
        same_date(source["GAME_DATE"], capture.day)
        by_game.setdefault(str(source["GAME_ID"]), []).append(source)
    for nba_game_id, lines in by_game.items():
        try:
            game = required_game(book, capture.day, nba_game_id, ())
        except BadFileError as error:
            parsed.bad_games.append((nba_game_id, error.code, error.detail))
            continue
        for line in lines:
            _add(parsed, game, line, document["parameters"].get("SeasonType"))
    deduplicate(parsed, lambda row: (row["game_id"], row["player_lookup"]))
    return parsed


def _add(parsed: Parsed, game: Game, source: Row, season_type: str | None) -> None:
    key = f"{game.game_id}/{source['PLAYER_NAME']}"
    team = team_code(source["TEAM_ABBREVIATION"])
    try:
        lookup = lookup_of_somebody(source["PLAYER_NAME"])
        counts = box.box_counts(source, box.NBA_COM_LOG)
        played = minutes(source["MIN"])
        plus_minus = count(source["PLUS_MINUS"])
    except UnparsableValueError as error:
        parsed.rejected.append(RejectedRow(game.day, key, "unparsable_value", str(error), source))
        return
    problem = box.broken_player_rule(counts, played)
    if team not in (game.home, game.away):
        problem = "unknown_team", f"team {source['TEAM_ABBREVIATION']!r} does not play in {game.game_id}"
    if problem:
        parsed.rejected.append(RejectedRow(game.day, key, *problem, payload=source))
        return
    parsed.rows.append(
        {
            "game_id": game.game_id,
            "nba_game_id": game.nba_game_id,
            "game_date": game.day,
            "season_year": game.season_year,
            "season_type": season_type,
            "team_id": source["TEAM_ID"],
            "team_abbr": team,
            "nba_player_id": source["PLAYER_ID"],
            "player_full_name": source["PLAYER_NAME"],
            "player_lookup": lookup,
            "is_home": team == game.home,
            "is_win": source["WL"] == "W",
            "minutes_decimal": played,
            **counts,
            "plus_minus": plus_minus,
        }
    )
