"""Hand-made seasons: which games were played, what teams and players did in them. For tables that look back."""

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from typing import Any, Self

from backfill_pipelines.backfill.contracts import TableContract
from backfill_pipelines.nba.tables_analytics import PLAYER_SUMMARY, TEAM_DEFENSE, TEAM_OFFENSE
from backfill_pipelines.nba.tables_context import PLAYER_CONTEXT, TEAM_CONTEXT
from backfill_pipelines.nba.tables_raw import PLAYER_LINES, SCHEDULE
from backfill_pipelines_tests.nba.analytics.builders import Row, row, schedule
from backfill_pipelines_tests.nba.analytics.tables import Tables

Key = tuple[str, ...]


def game_id(day: date, away: str, home: str) -> str:
    """Canonical id of a game."""
    return f"{day:%Y%m%d}_{away}_{home}"


def trouble(row: Row) -> list[str]:
    """What a context says of its history and of the rows that it rests on."""
    return [issue for issue in row["data_quality_issues"] if issue in ("historical_gap", "upstream_incomplete")]


class History:
    """Rows of a season as they are collected, and the warehouse that they are published in."""

    def __init__(self, tables: Tables) -> None:
        self.tables = tables
        self.rows: dict[TableContract, list[Row]] = defaultdict(list)

    def scheduled(self, day: date, away: str, home: str, **changes: Any) -> str:
        """A row of the schedule, a final at 19:30 Eastern standard time unless said otherwise."""
        game = game_id(day, away, home)
        tip_off = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1, minutes=30)
        self.rows[SCHEDULE].append(schedule(game, **{"game_time_utc": tip_off} | changes))
        return game

    def game(self, day: date, away: str, home: str, margin: int = 5, season: int = 2021, **numbers: Any) -> str:
        """A final with the summaries of both teams; ``margin`` is the home team's."""
        scores = {"home_team_score": 100 + margin, "away_team_score": 100}
        winner = {"winning_team_tricode": home if margin > 0 else away}
        game = self.scheduled(day, away, home, **scores | winner | {"season_year": season})
        for team, opponent, own in ((home, away, margin), (away, home, -margin)):
            common = {"game_id": game, "game_date": day, "season_year": season, "opponent_team_abbr": opponent}
            common |= {"home_game": team == home, "win_flag": own > 0, "margin_of_victory": own}
            common |= {"quality_tier": "gold", "quality_score": 100, "is_production_ready": True}
            offence = {"possessions": 100, "pace": 100, "offensive_rating": 100, "team_abbr": team}
            defence = {"defensive_rating": 110, "opponent_pace": 100, "defending_team_abbr": team}
            self.rows[TEAM_OFFENSE].append(row(TEAM_OFFENSE, common | offence | _known(TEAM_OFFENSE, numbers)))
            self.rows[TEAM_DEFENSE].append(row(TEAM_DEFENSE, common | defence | _known(TEAM_DEFENSE, numbers)))
        return game

    def played(self, player: str, team: str, game: str, points: int = 10, minutes: float = 30, **numbers: Any) -> None:
        """A player's appearance in a game: his line and his summary."""
        day, away, home = game.split("_")
        common: Row = {"game_id": game, "game_date": date(int(day[:4]), int(day[4:6]), int(day[6:]))}
        common |= {"season_year": 2021, "player_lookup": player, "player_full_name": player, "team_abbr": team}
        common |= {"opponent_team_abbr": away if team == home else home, "points": points, **numbers}
        line = {"minutes_decimal": minutes, "is_home": team == home, "source": "nbac_gamebook"}
        attempts = {"field_goals_attempted": numbers.get("fg_attempts", 0)}
        quality = {"quality_tier": "gold", "quality_score": 100, "is_production_ready": True}
        self.rows[PLAYER_LINES].append(row(PLAYER_LINES, common | line | attempts))
        self.rows[PLAYER_SUMMARY].append(row(PLAYER_SUMMARY, common | quality | {"minutes_played": minutes}))

    def add(self, contract: TableContract, *rows: Row) -> Self:
        """Rows of an optional feed."""
        self.rows[contract].extend(rows)
        return self

    def publish(self) -> Tables:
        """Everything collected, and nothing else, is in the warehouse."""
        days = sorted({one[contract.partition_column] for contract, found in self.rows.items() for one in found})
        season = self.tables.on(*days)
        season.publish(self.rows)
        return season

    def teams(self, day: date) -> dict[Key, Row]:
        """The team contexts of a day, by game and team."""
        self.publish()
        return self.tables.on(day).staged(TEAM_CONTEXT)

    def team(self, day: date, team: str) -> Row:
        """The context of the one game of a team."""
        (found,) = (one for (_, name), one in self.teams(day).items() if name == team)
        return found

    def players(self, day: date) -> dict[str, Row]:
        """The player contexts of a day, by player."""
        self.publish()
        self.tables.on(day).build(TEAM_CONTEXT)
        return {player: one for (_, player), one in self.tables.on(day).staged(PLAYER_CONTEXT).items()}

    def player(self, day: date, player: str) -> Row:
        """The context of a player."""
        return self.players(day)[player]


def _known(contract: TableContract, numbers: Row) -> Row:
    return {name: value for name, value in numbers.items() if name in contract.by_name}
