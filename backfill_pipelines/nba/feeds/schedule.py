"""Season schedule file -> rows of nbac_schedule. Preseason games are dropped and counted."""

import re
from collections import Counter
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from backfill_pipelines.nba.feeds.captures import Capture
from backfill_pipelines.nba.feeds.parsed import BadFileError, Parsed, RejectedRow, Row, deduplicate
from backfill_pipelines.nba.names import TEAMS, UnparsableValueError, count
from backfill_pipelines.nba.seasons import BY_NAME

GAME_TYPES = {
    "001": "preseason",
    "002": "regular_season",
    "003": "all_star",
    "004": "playoff",
    "005": "play_in",
    "006": "cup_final",
}
_OVERTIME = re.compile(r"/OT(\d*)")
_GAME_ID = re.compile(r"\d{10}")
_FINAL = 3


def parse(capture: Capture, document: Any) -> Parsed:
    """Rows of one season file.

    Raises:
        BadFileError: the file is for another season than its folder, has an id that is none, or no game at all.
    """
    schedule = document["leagueSchedule"]
    season_name = capture.entity
    if schedule["seasonYear"] != season_name or season_name not in BY_NAME:
        raise BadFileError("unknown_shape", f"season {schedule['seasonYear']} in the folder of {season_name}")
    parsed, dropped = Parsed(), Counter[str]()
    for entry in schedule["gameDates"]:
        for game in entry["games"]:
            if not _GAME_ID.fullmatch(game["gameId"]):
                raise BadFileError("unknown_shape", f"game id {game['gameId']!r} is not ten digits")
            kind = GAME_TYPES.get(game["gameId"][:3], "unknown")
            if kind in ("preseason", "unknown"):
                dropped[kind] += 1
                continue
            _add(parsed, game, kind, season_name)
    if not parsed.rows and not parsed.rejected:
        raise BadFileError("unknown_shape", f"no game of {season_name} in it")  # else every day would have no games
    deduplicate(parsed, lambda row: (row["nba_game_id"], row["game_date"]))
    parsed.notes += [f"{number} {kind} games dropped" for kind, number in dropped.items()]
    return parsed


def _add(parsed: Parsed, game: Mapping[str, Any], kind: str, season_name: str) -> None:
    day = date.fromisoformat(game["gameDateEst"][:10])
    problem = _problem(game, kind, day, season_name)
    if problem is None:
        try:
            parsed.rows.append(_row(game, kind, day, season_name))
            return
        except UnparsableValueError as error:
            problem = "unparsable_value", str(error)
    parsed.rejected.append(RejectedRow(day, f"{game['gameId']}/{day}", *problem, payload=dict(game)))


def _problem(game: Mapping[str, Any], kind: str, day: date, season_name: str) -> tuple[str, str] | None:
    """Reason code and rule that keep a game out of the schedule."""
    season = BY_NAME[season_name]
    if int(game["gameId"][3:5]) + 2000 != season.year:
        return "out_of_range", f"game id {game['gameId']} is of another season than {season_name}"
    if day not in season:
        return "out_of_range", f"{day} lies outside {season_name} ({season.opening} to {season.closing})"
    strangers = [game[side]["teamTricode"] for side in ("homeTeam", "awayTeam")]
    if kind != "all_star" and not set(strangers) <= TEAMS.keys():
        return "unknown_team", f"{strangers} are not both teams of the league"
    return None


def _row(game: Mapping[str, Any], kind: str, day: date, season_name: str) -> Row:
    home, away = game["homeTeam"], game["awayTeam"]
    home_code, away_code = home["teamTricode"], away["teamTricode"]
    status, text = game["gameStatus"], game["gameStatusText"]
    home_score, away_score = count(home["score"]), count(away["score"])
    overtime = _OVERTIME.search(text)
    final = status == _FINAL
    return {
        "game_id": f"{day:%Y%m%d}_{away_code}_{home_code}",
        "nba_game_id": game["gameId"],
        "game_code": game["gameCode"],
        "season": season_name,
        "season_year": BY_NAME[season_name].year,
        "game_date": day,
        "game_time_utc": datetime.fromisoformat(game["gameDateTimeUTC"]),
        "game_status": status,
        "game_status_text": text,
        "is_postponed": game.get("postponedStatus") == "Y" or text.strip().upper() == "PPD",
        "game_type": kind,
        "playoff_round": game["gameLabel"] or None if kind == "playoff" else None,
        "series_game_number": _series_game(game["seriesGameNumber"]),
        "is_neutral": bool(game["isNeutral"]),
        "arena_name": game["arenaName"] or None,
        "arena_city": game["arenaCity"] or None,
        "arena_state": game["arenaState"] or None,
        "home_team_id": count(home["teamId"]),
        "away_team_id": count(away["teamId"]),
        "home_team_tricode": home_code,
        "away_team_tricode": away_code,
        "home_team_score": home_score,
        "away_team_score": away_score,
        "winning_team_tricode": _winner(home_code, home_score, away_code, away_score) if final else None,
        "overtime_periods": (int(overtime[1] or 1) if overtime else 0) if final else None,
    }


def _series_game(text: str) -> int | None:
    digits = re.sub(r"\D", "", text or "")
    return int(digits) if digits else None


def _winner(home: str, home_score: int | None, away: str, away_score: int | None) -> str | None:
    if home_score is None or away_score is None or home_score == away_score:
        return None
    return home if home_score > away_score else away
