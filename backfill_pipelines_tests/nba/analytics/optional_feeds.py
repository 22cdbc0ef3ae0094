"""Hand-made rows of the feeds that only enrich: rosters, injury reports, game lines, props. As ``builders``."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from backfill_pipelines.backfill.contracts import TableContract
from backfill_pipelines.nba.tables_raw import GAME_LINES, INJURIES, PROPS, ROSTERS
from backfill_pipelines_tests.nba.analytics.builders import (
    AWAY,
    DAY,
    GAME,
    HOME,
    TIP_OFF,
    Row,
    player_of,
    prop,
    row,
)


def roster(team: str, number: int, **changes: Any) -> Row:
    """A player on the roster of the day, 25 years old."""
    who = {"player_lookup": player_of(team, number), "player_full_name": f"{team} Player {number}"}
    values = {
        "roster_date": DAY,
        "season_year": 2021,
        "team_abbr": team,
        "espn_player_id": f"{team}{number}",
        "age": 25,
    }
    return row(ROSTERS, values | who, **changes)


def injury(team: str, number: int, status: str = "out", game: str = GAME, **changes: Any) -> Row:
    """A player on the report of one in the afternoon."""
    values = {"report_date": DAY, "game_date": DAY, "report_hour": 13, "game_id": game, "team_abbr": team}
    who = {"player_lookup": player_of(team, number), "player_name_original": f"Player {number}, {team}"}
    return row(INJURIES, values | who | {"injury_status": status, "confidence_score": 1.0}, **changes)


def game_line(
    market: str, outcome: str, point: float, *, hours_before: float = 1, bookmaker: str = "draftkings", game: str = GAME
) -> Row:
    """A bookmaker's spread of a team or side of a total; with negative hours, after tip-off."""
    when = {"snapshot_timestamp": TIP_OFF - timedelta(hours=hours_before), "commence_time": TIP_OFF}
    sides = {"game_id": game, "game_date": DAY, "away_team_abbr": AWAY, "home_team_abbr": HOME}
    line = {"bookmaker_key": bookmaker, "market_key": market, "outcome_name": outcome, "outcome_point": point}
    return row(GAME_LINES, sides | when | line)


def optional_rows(teams: Iterable[str] = (AWAY, HOME)) -> dict[TableContract, list[Row]]:
    """The four feeds of the default game."""
    teams = list(teams)
    return {
        ROSTERS: [roster(team, number) for team in teams for number in range(1, 6)],
        INJURIES: [injury(team, 9) for team in teams],
        GAME_LINES: [
            game_line("spreads", AWAY, 4.5),
            game_line("spreads", HOME, -4.5),
            game_line("totals", "Over", 220.5),
            game_line("totals", "Under", 220.5),
        ],
        PROPS: [prop(player_of(team, 1), 19.5) for team in teams],
    }
