"""ESPN roster of a team and day -> rows of espn_team_rosters.

Two shapes are read: what the scraper keeps (``players``), and the site's own answer (``athletes``, below ``team`` or
beside it). Only the site's answer has ages.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

from backfill_pipelines.nba.feeds.captures import Capture
from backfill_pipelines.nba.feeds.parsed import BadFileError, BadRowError, Parsed, Row, deduplicate
from backfill_pipelines.nba.names import UnparsableValueError, count, player_lookup, team_code
from backfill_pipelines.nba.seasons import season_of

_PLAYER_FIELDS = {"playerId", "fullName", "jersey", "position", "heightIn", "weightLb", "injuries"}
#: Nobody that young or old was ever on a roster.
YOUNGEST, OLDEST = 16, 60


def parse(capture: Capture, document: Any) -> Parsed:
    """Rows of one team; the day of the path is the day of the roster."""
    if capture.day is None:
        raise BadFileError("unknown_shape", "no date in the path")
    team, parsed = _team(capture, document), Parsed()
    for source in _players(document, parsed):
        try:
            parsed.rows.append(_row(capture.day, team, source))
        except (BadRowError, UnparsableValueError) as error:
            parsed.reject(capture.day, f"{capture.day}/{team}/{source.get('fullName')}", error, source)
    deduplicate(parsed, lambda row: (row["roster_date"], row["team_abbr"], row["espn_player_id"]), "roster_date")
    return parsed


def _team(capture: Capture, document: Mapping[str, Any]) -> str:
    """The team of the folder, which must be the team of the content."""
    of_path = team_code(capture.entity.rsplit("/", 1)[1].removeprefix("team_"))
    inside = document["team"]["abbreviation"] if "team" in document else _named(document)
    team = team_code(inside)
    if team is None:
        raise BadFileError("unknown_shape", f"{inside!r} is no team of the league")
    if team != of_path:
        raise BadFileError("wrong_date", f"the path says team {of_path}, the content says {inside}")
    return team


def _named(document: Mapping[str, Any]) -> str:
    """Older captures have the full name only."""
    return document["team_abbr"] if "team_abbr" in document else document["teamName"]


def _players(document: Mapping[str, Any], parsed: Parsed) -> list[Row]:
    if "players" in document:
        for source in document["players"]:
            parsed.drift |= source.keys() - _PLAYER_FIELDS
        return document["players"]
    holder = document if "athletes" in document else document["team"]
    # Dozens of fields that nobody wants: unknown ones are no news here.
    return [athlete | {"playerId": athlete["id"]} for athlete in holder["athletes"]]


def _row(day: date, team: str, source: Row) -> Row:
    number, name, jersey = source["playerId"], source["fullName"], source.get("jersey")
    if not number or not name or not player_lookup(name):
        raise UnparsableValueError(f"player {number!r} {name!r}")
    age = count(source.get("age"))
    if age is not None and not YOUNGEST <= age <= OLDEST:
        raise BadRowError("out_of_range", f"age {age} is not between {YOUNGEST} and {OLDEST}")
    season = season_of(day)
    return {
        "roster_date": day,
        "season_year": season.year if season else day.year,
        "team_abbr": team,
        "espn_player_id": str(number),
        "player_full_name": name,
        "player_lookup": player_lookup(name),
        "jersey_number": None if jersey is None else str(jersey),
        "position": _position(source.get("position")),
        "age": age,
    }


def _position(value: Any) -> str | None:
    """A word, or the site's object of words."""
    return (value.get("displayName") if isinstance(value, Mapping) else value) or None
