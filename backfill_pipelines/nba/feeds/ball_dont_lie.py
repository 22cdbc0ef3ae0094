"""ball-dont-lie box scores of a date -> rows of bdl_player_boxscores."""

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
    same_date,
)
from backfill_pipelines.nba.feeds.schedule_book import Game, ScheduleBook
from backfill_pipelines.nba.names import UnparsableValueError, count, lookup_of_somebody, minutes, team_code

_KNOWN = {*box.BALL_DONT_LIE.values(), "id", "min", "fg_pct", "fg3_pct", "ft_pct", "player", "team", "game"}


def parse(capture: Capture, document: Any, book: ScheduleBook) -> Parsed:
    """Rows of all games of the date; the part of a game that is not on the schedule is set aside."""
    if capture.day is None:
        raise BadFileError("unknown_shape", "no date in the path")
    parsed, by_game = Parsed(), dict[Any, list[Row]]()
    for source in document["data"]:
        same_date(source["game"]["date"], capture.day)
        parsed.drift |= source.keys() - _KNOWN
        by_game.setdefault(source["game"]["id"], []).append(source)
    for feed_id, lines in by_game.items():
        try:
            teams = {team_code(line["team"]["abbreviation"]) for line in lines}
            game = required_game(book, capture.day, f"{int(feed_id):010d}", teams)
        except BadFileError as error:
            parsed.bad_games.append((f"{int(feed_id):010d}", error.code, error.detail))
            continue
        for line in lines:
            _add(parsed, game, line)
    deduplicate(parsed, lambda row: (row["game_id"], row["player_lookup"]))
    return parsed


def _add(parsed: Parsed, game: Game, source: Row) -> None:
    name = f"{source['player']['first_name']} {source['player']['last_name']}".strip()
    key = f"{game.game_id}/{name}"
    team = team_code(source["team"]["abbreviation"])
    try:
        lookup = lookup_of_somebody(name)
        counts = box.box_counts(source, box.BALL_DONT_LIE)
        played = minutes(source["min"])
    except UnparsableValueError as error:
        parsed.rejected.append(RejectedRow(game.day, key, "unparsable_value", str(error), source))
        return
    problem = box.broken_player_rule(counts, played)
    if team not in (game.home, game.away):
        problem = "unknown_team", f"team {source['team']['abbreviation']!r} does not play in {game.game_id}"
    if problem:
        parsed.rejected.append(RejectedRow(game.day, key, *problem, payload=source))
        return
    parsed.rows.append(
        {
            "game_id": game.game_id,
            "game_date": game.day,
            "season_year": game.season_year,
            "is_postseason": bool(source["game"]["postseason"]),
            "period": count(source["game"]["period"]),
            "home_team_abbr": game.home,
            "away_team_abbr": game.away,
            "team_abbr": team,
            "player_full_name": name,
            "player_lookup": lookup,
            "bdl_player_id": source["player"]["id"],
            "minutes": None if source["min"] is None else str(source["min"]),
            "minutes_decimal": played,
            **counts,
        }
    )
