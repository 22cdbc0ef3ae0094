"""Gamebook file -> rows of nbac_gamebook_player_stats: active players with their line, absent ones with the reason."""

from collections.abc import Mapping
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
from backfill_pipelines.nba.glossary import BOX_NAMES
from backfill_pipelines.nba.names import (
    UnparsableValueError,
    count,
    last_name,
    lookup_of_somebody,
    minutes,
    player_lookup,
    team_code,
)

#: (game_id, player_lookup) -> team, and (game_id, team, last name) -> lookups, of nbac_starting_lineups.
Roster = Mapping[tuple[str, ...], list[str]]

_LISTS = (("active_players", "active"), ("dnp_players", "dnp"), ("inactive_players", "inactive"))
_PLAYER_FIELDS = {"name", "team", "status", "stats", "dnp_reason", "category", "reason"}
_STAT_FIELDS = {
    *BOX_NAMES,
    "minutes",
    "plus_minus",
    "field_goal_percentage",
    "three_point_percentage",
    "free_throw_percentage",
}


def roster_of(rows: list[Row]) -> Roster:
    """The players of each game as nbac_starting_lineups knows them."""
    found: dict[tuple[str, ...], list[str]] = {}
    for row in rows:
        game_id, team, lookup = row["game_id"], row["team_abbr"], row["player_lookup"]
        found.setdefault((game_id, lookup), []).append(team)
        found.setdefault((game_id, team, last_name(row["player_name"])), []).append(lookup)
    return found


def parse(capture: Capture, document: Any, book: ScheduleBook, roster: Roster) -> Parsed:
    """Rows of one game; the schedule decides which team is at home."""
    if capture.day is None:
        raise BadFileError("unknown_shape", "no date in the path")
    same_date(document["date"], capture.day)
    teams = [team_code(document["away_team"]), team_code(document["home_team"])]
    game, parsed = required_game(book, capture.day, None, teams), Parsed()
    for field, status in _LISTS:
        for source in document[field]:
            parsed.drift |= source.keys() - _PLAYER_FIELDS
            _add(parsed, game, source, status, str(document["game_code"]), roster)
    deduplicate(parsed, _row_key)
    # One man under two spellings: active rows are unique by player as well.
    deduplicate(
        parsed,
        lambda row: (row["game_id"], row["player_lookup"]) if row["player_status"] == "active" else _row_key(row),
    )
    return parsed


def _row_key(row: Row) -> tuple[str, ...]:
    return row["game_id"], row["team_abbr"], row["player_name_original"]


def _add(parsed: Parsed, game: Game, source: Row, status: str, code: str, roster: Roster) -> None:
    key = f"{game.game_id}/{source.get('name')}"
    named = source["team"]
    team = team_code(named)
    if named is not None and team not in (game.home, game.away):
        detail = f"team {named!r} does not play in {game.game_id}; correct the feed"
        parsed.rejected.append(RejectedRow(game.day, key, "unknown_team", detail, source))
        return
    try:
        lookup_of_somebody(source["name"])
        line = _line(parsed, source) if status == "active" else {}
    except UnparsableValueError as error:
        parsed.rejected.append(RejectedRow(game.day, key, "unparsable_value", str(error), source))
        return
    problem = box.broken_player_rule(line, line["minutes_decimal"]) if line else None
    if problem:
        parsed.rejected.append(RejectedRow(game.day, key, *problem, payload=source))
        return
    row = _identity(game, source, status, team, roster) | {"game_code": code} | line
    if row["name_resolution_status"] == "team_unknown":
        parsed.notes.append(f"team_unknown: {key}")
    parsed.rows.append(row)


def _line(parsed: Parsed, source: Row) -> Row:
    stats = source["stats"]
    parsed.drift |= stats.keys() - _STAT_FIELDS
    played = minutes(stats["minutes"])
    return {
        "minutes": None if stats["minutes"] is None else str(stats["minutes"]),
        "minutes_decimal": played,
        **box.box_counts(stats),
        "plus_minus": count(stats["plus_minus"]),
    }


def _identity(game: Game, source: Row, status: str, team: str | None, roster: Roster) -> Row:
    """Who and which team; an inactive player is listed by last name, a team may be missing."""
    name = source["name"]
    lookup: str | None = player_lookup(name)
    resolution = "full_name"
    if status == "inactive" and team is not None:
        candidates = roster.get((game.game_id, team, player_lookup(name)), [])
        known = roster.get((game.game_id, lookup or ""), [])
        lookup = lookup if known else candidates[0] if len(candidates) == 1 else None
        resolution = "resolved_last_name" if lookup else "ambiguous_last_name"
    if team is None:
        teams = roster.get((game.game_id, lookup or ""), [])
        team = teams[0] if len(teams) == 1 else None
        resolution = resolution if team else "team_unknown"
        if team is None and status == "inactive":
            lookup = None  # a last name alone is nobody's key
    return {
        "game_id": game.game_id,
        "game_date": game.day,
        "season_year": game.season_year,
        "home_team_abbr": game.home,
        "away_team_abbr": game.away,
        "team_abbr": team,
        "player_name_original": name,
        "player_lookup": lookup,
        "player_status": status,
        "dnp_category": source.get("category") if status == "dnp" else None,
        "dnp_reason": source.get("dnp_reason") or source.get("reason"),
        "name_resolution_status": resolution,
    }
