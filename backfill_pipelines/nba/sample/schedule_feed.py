"""The season's schedule file (`nba-com/schedule-cdn`): every game with its result.

Seeds are 0; broadcasters, series texts and points leaders are empty.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from backfill_pipelines.nba.sample.calendar import Fixture
from backfill_pipelines.nba.sample.exhibitions import EXHIBITION_TEAMS
from backfill_pipelines.nba.sample.moments import EASTERN, captured, iso, iso_clock, to_utc
from backfill_pipelines.nba.sample.season import Season
from backfill_pipelines.nba.sample.teams import TEAMS

_BROADCASTERS = [
    f"{scope}{medium}Broadcasters"
    for scope, media in (
        ("national", ("Tv", "Radio", "Ott")),
        ("home", ("Tv", "Radio", "Ott")),
        ("away", ("Tv", "Radio", "Ott")),
        ("intl", ("Radio", "Tv", "Ott")),
    )
    for medium in media
]
_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_FINAL = 3
_EXHIBITION, _PLAYOFFS = "003", "004"

Records = Mapping[tuple[str, str], tuple[int, int]]
"""Wins and losses after a game, by game id and team."""


def schedule(season: Season, days: Sequence[date]) -> dict[str, Any]:
    """The schedule document with the given dates; records still count from opening night."""
    records = _records(season)
    name, taken = season.window.season, captured(days[-1])
    return {
        "meta": {
            "version": 1,
            "request": f"http://nba.cloud/league/00/{name}/scheduleleaguev2?Format=json",
            "time": f"{taken.isoformat()}.000Z",
        },
        "leagueSchedule": {
            "seasonYear": name,
            "leagueId": "00",
            "gameDates": [
                {
                    "gameDate": f"{day:%m/%d/%Y} 00:00:00",
                    "games": [
                        _game(season, fixture, sequence, records)
                        for sequence, fixture in enumerate(season.by_day[day], 1)
                    ],
                }
                for day in days
            ],
            "weeks": [],
            "broadcasterList": [],
        },
    }


def _records(season: Season) -> Records:
    """In the playoffs a team's record is that of its series."""
    tally: Counter[tuple[object, ...]] = Counter()
    records: dict[tuple[str, str], tuple[int, int]] = {}
    for fixture in (fixture for games in season.by_day.values() for fixture in games):
        teams = fixture.away, fixture.home
        score = season.scores[fixture.game_id]
        scope = frozenset(teams) if fixture.kind == _PLAYOFFS else fixture.kind
        winner = fixture.away if score.away > score.home else fixture.home
        for team in teams:
            tally[scope, team, team == winner] += 1
            records[fixture.game_id, team] = tally[scope, team, True], tally[scope, team, False]
    return records


def _game(season: Season, fixture: Fixture, sequence: int, records: Records) -> dict[str, Any]:
    score = season.scores[fixture.game_id]
    extra = score.overtimes
    overtime = f"/OT{extra if extra > 1 else ''}" if extra else ""
    return {
        "gameId": fixture.game_id,
        "gameCode": f"{fixture.day:%Y%m%d}/{fixture.away}{fixture.home}",
        "gameStatus": _FINAL,
        "gameStatusText": f"Final{overtime}",
        "gameSequence": sequence,
        **_times(fixture),
        **_week(season, fixture),
        "ifNecessary": False,
        "seriesGameNumber": fixture.series_game,
        "gameLabel": fixture.label,
        "gameSubLabel": fixture.sub_label,
        "seriesText": "",
        **_arena(season, fixture),
        "postponedStatus": "N",
        "branchLink": "",
        "gameSubtype": "",
        "isNeutral": False,
        "broadcasters": {name: [] for name in _BROADCASTERS},
        "homeTeam": _team(fixture.home, records[fixture.game_id, fixture.home], score.home),
        "awayTeam": _team(fixture.away, records[fixture.game_id, fixture.away], score.away),
        "pointsLeaders": [],
    }


def _times(fixture: Fixture) -> dict[str, Any]:
    """Date and tip-off in Eastern time, in UTC and at both teams' arenas."""
    start, midnight = fixture.tipoff, datetime.combine(fixture.day, time())
    away, home = (
        to_utc(start).astimezone(TEAMS[team].timezone if team in TEAMS else EASTERN)
        for team in (fixture.away, fixture.home)
    )
    return {
        "gameDateEst": iso(midnight),
        "gameTimeEst": iso_clock(start),
        "gameDateTimeEst": iso(start),
        "gameDateUTC": iso(to_utc(midnight)),
        "gameTimeUTC": iso_clock(to_utc(start)),
        "gameDateTimeUTC": iso(to_utc(start)),
        "awayTeamTime": iso(away),
        "homeTeamTime": iso(home),
    }


def _week(season: Season, fixture: Fixture) -> dict[str, Any]:
    """Weeks count from the Monday of opening night; the All-Star weekend is in none."""
    opening = season.window.opening
    monday = opening - timedelta(days=opening.weekday())
    week = 0 if fixture.kind == _EXHIBITION else (fixture.day - monday).days // 7 + 1
    return {
        "day": _WEEKDAYS[fixture.day.weekday()],
        "monthNum": fixture.day.month,
        "weekNumber": week,
        "weekName": f"Week {week}" if week else "All-Star",
    }


def _arena(season: Season, fixture: Fixture) -> dict[str, Any]:
    """The home team's arena; the All-Star weekend tours the arenas year by year."""
    host = TEAMS.get(fixture.home) or list(TEAMS.values())[season.window.year % len(TEAMS)]
    return {
        "arenaName": host.arena,
        "arenaState": host.arena_state,
        "arenaCity": host.arena_city,
    }


def _team(tricode: str, record: tuple[int, int], points: int) -> dict[str, Any]:
    team = TEAMS.get(tricode)
    name = team.nickname if team else EXHIBITION_TEAMS[tricode]
    return {
        "teamId": team.number if team else 0,
        "teamName": name,
        "teamCity": team.city if team else "",
        "teamTricode": tricode,
        "teamSlug": team.slug if team else name.lower().replace(" ", "-"),
        "wins": record[0],
        "losses": record[1],
        "score": points,
        "seed": 0,
    }
