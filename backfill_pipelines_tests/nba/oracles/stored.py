"""The stored rows that the oracles read, and how a history is cut: one season, strictly before the day.

No formula of a table lives here.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from fractions import Fraction
from functools import cached_property
from typing import Any

import duckdb
import pandas as pd

from backfill_pipelines.nba.seasons import season_of

Row = Mapping[str, Any]
#: Rows of one player or team, oldest first, by name.
Histories = Mapping[str, list[Row]]

BOOTSTRAP_DAYS = 14
FINAL, EXPECTED_TYPES = 3, ("regular_season", "play_in", "playoff")
TABLES = {
    "schedule": "nba_raw.nbac_schedule",
    "lines": "nba_raw.player_lines",
    "lineups": "nba_raw.nbac_starting_lineups",
    "rosters": "nba_raw.espn_team_rosters",
    "injuries": "nba_raw.nbac_injury_report",
    "game_lines": "nba_raw.odds_api_game_lines",
    "props": "nba_raw.odds_api_player_points_props",
    "players": "nba_analytics.player_game_summary",
    "offense": "nba_analytics.team_offense_game_summary",
    "defense": "nba_analytics.team_defense_game_summary",
    "team_contexts": "nba_analytics.upcoming_team_game_context",
    "player_contexts": "nba_analytics.upcoming_player_game_context",
    "team_zones": "nba_precompute.team_defense_zone_analysis",
    "player_zones": "nba_precompute.player_shot_zone_analysis",
    "factors": "nba_precompute.player_composite_factors",
    "caches": "nba_precompute.player_daily_cache",
    "features": "nba_precompute.ml_feature_store_v2",
}
#: Tables that nothing reads but on their own date, by the column that holds it.
READ_BY_DAY = {
    "game_date": {"team_contexts", "player_contexts", "injuries", "game_lines", "props"},
    "analysis_date": {"team_zones", "player_zones", "factors", "caches", "features"},
}


@dataclass(frozen=True)
class Stored:
    """Rows of a warehouse by table."""

    schedule: list[Row] = field(default_factory=list)
    lines: list[Row] = field(default_factory=list)
    lineups: list[Row] = field(default_factory=list)
    rosters: list[Row] = field(default_factory=list)
    injuries: list[Row] = field(default_factory=list)
    game_lines: list[Row] = field(default_factory=list)
    props: list[Row] = field(default_factory=list)
    players: list[Row] = field(default_factory=list)
    offense: list[Row] = field(default_factory=list)
    defense: list[Row] = field(default_factory=list)
    team_contexts: list[Row] = field(default_factory=list)
    player_contexts: list[Row] = field(default_factory=list)
    team_zones: list[Row] = field(default_factory=list)
    player_zones: list[Row] = field(default_factory=list)
    factors: list[Row] = field(default_factory=list)
    caches: list[Row] = field(default_factory=list)
    features: list[Row] = field(default_factory=list)

    @cached_property
    def finals(self) -> list[Row]:
        """Games that count: played to the end, in a competition that every table expects."""
        return [game for game in self.planned if game["game_status"] == FINAL]

    @cached_property
    def planned(self) -> list[Row]:
        """Games of those competitions that were not put off, played or to be played."""
        return [g for g in self.schedule if g["game_type"] in EXPECTED_TYPES and not g["is_postponed"]]

    @cached_property
    def games_of_team(self) -> Histories:
        """Finals by team."""
        return _by_team(self.finals)

    @cached_property
    def plans_of_team(self) -> Histories:
        """Finals and games to come by team."""
        return _by_team(self.planned)

    @cached_property
    def counted_of_player(self) -> Histories:
        """Counted games by player."""
        return histories((row for row in self.players if counted(row)), "player_lookup")

    @cached_property
    def counted_lines_of_player(self) -> Histories:
        """Counted games by player as the raw lines have them."""
        return histories((line for line in self.lines if counted_line(line)), "player_lookup")

    @cached_property
    def offense_of_team(self) -> Histories:
        """Offence summaries by team."""
        return histories(self.offense, "team_abbr")

    @cached_property
    def defense_of_team(self) -> Histories:
        """Defence summaries by team."""
        return histories(self.defense, "defending_team_abbr")

    def analysis_days(self, days: Iterable[date]) -> list[date]:
        """Those of the days that phase 4 knows: with a final that counts, from the fifteenth day of the season."""
        played = {game["game_date"] for game in self.finals}
        return [day for day in days if day in played and not is_bootstrap(day)]


def is_bootstrap(day: date) -> bool:
    """The first fourteen days of a season: phase 4 has no rows."""
    season = season_of(day)
    return season is not None and (day - season.opening).days < BOOTSTRAP_DAYS


def read(connection: duckdb.DuckDBPyConnection, days: Iterable[date]) -> Stored:
    """The tables that histories are cut from, whole; what is read of its own date only, on the days."""
    return Stored(**{name: _rows(connection, name, list(days)) for name in TABLES})


def _rows(connection: duckdb.DuckDBPyConnection, name: str, days: list[date]) -> list[Row]:
    column = next((column for column, names in READ_BY_DAY.items() if name in names), None)
    chosen = f"WHERE list_contains($days, {column})" if column else ""
    statement = f"SELECT * FROM {TABLES[name]} {chosen}"
    return connection.sql(statement, params={"days": days} if column else None).to_arrow_table().to_pylist()


def frame(rows: Iterable[Row]) -> pd.DataFrame:
    """Exact rows as the comparison takes them: values untouched."""
    return pd.DataFrame(list(rows), dtype=object)


def histories(rows: Iterable[Row], column: str) -> dict[str, list[Row]]:
    """Rows by the value of a column, oldest first."""
    found: dict[str, list[Row]] = {}
    for row in sorted(rows, key=lambda row: row["game_date"]):
        found.setdefault(row[column], []).append(row)
    return found


def before(history: Histories, name: str, day: date) -> list[Row]:
    """The games of a player or team in the season of the day and before the day, oldest first."""
    season = season_of(day)
    assert season, f"{day} is in no season"
    return [row for row in history.get(name, []) if season.opening <= row["game_date"] < day]


def on_day(rows: Iterable[Row], day: date, column: str = "game_date") -> list[Row]:
    """The rows of a day."""
    return [row for row in rows if row[column] == day]


def counted(row: Row) -> bool:
    """A player's game that counts: he played, shot or scored."""
    return any((row[name] or 0) > 0 for name in ("minutes_played", "fg_attempts", "ft_attempts", "points"))


def counted_line(line: Row) -> bool:
    """The same, in the words of the raw lines."""
    names = ("minutes_decimal", "field_goals_attempted", "free_throws_attempted", "points")
    return any((line[name] or 0) > 0 for name in names)


def total(rows: Iterable[Row], column: str) -> Fraction:
    """Exact sum of what is not NULL."""
    return sum((Fraction(row[column]) for row in rows if row[column] is not None), Fraction(0))


def mean(rows: Iterable[Row], column: str) -> Fraction | None:
    """Exact mean of what is not NULL; NULL of nothing."""
    known = [row for row in rows if row[column] is not None]
    return ratio(total(known, column), len(known))


def ratio(above: Fraction | int, below: Fraction | int) -> Fraction | None:
    """Exact quotient; NULL for a zero denominator."""
    return Fraction(above) / Fraction(below) if below else None


def rounded(value: Fraction | float | None, digits: int = 0) -> Fraction | None:
    """Half away from zero."""
    if value is None:
        return None
    scaled = abs(Fraction(value)) * 10**digits + Fraction(1, 2)
    magnitude = Fraction(scaled.numerator // scaled.denominator, 10**digits)
    return magnitude if value >= 0 else -magnitude


def clamped(value: Fraction, limit: int) -> Fraction:
    """At most ``limit`` away from zero."""
    return max(Fraction(-limit), min(Fraction(limit), value))


def in_utc(moment: datetime) -> datetime:
    """A stored timestamp, which is UTC whether it says so or not."""
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _by_team(games: Iterable[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for game in sorted(games, key=lambda game: game["game_date"]):
        for side in ("home_team_tricode", "away_team_tricode"):
            found.setdefault(game[side], []).append(game)
    return found
