"""Trouble for a season in a warehouse: optional feeds that say much, and summaries with holes. Always the same.

What the real feeds never show must still be computed rightly: odds, injuries, ages, lost games, rows that are not
ready. The rows go straight into the tables; the contexts and phase 4 are then computed from them anew.
"""

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from backfill_pipelines.backfill.contracts import TableContract
from backfill_pipelines.nba.seasons import season_of
from backfill_pipelines.nba.tables_raw import GAME_LINES, INJURIES, PROPS, ROSTERS
from backfill_pipelines.stores.warehouse import arrow_schema
from backfill_pipelines_tests.nba.oracles.stored import Row, Stored, in_utc, on_day, read

BOOKMAKERS = ["draftkings", "fanduel", "betmgm", "caesars"]
STATUSES = ["out", "doubtful", "questionable", "probable", "available"]
#: Statements that take something from the summaries; each hits few games.
HOLES = (
    "DELETE FROM nba_analytics.player_game_summary WHERE hash(game_id || player_lookup) % 61 = 0",
    "DELETE FROM nba_analytics.team_offense_game_summary WHERE hash(game_id) % 31 = 3",
    "DELETE FROM nba_analytics.team_defense_game_summary WHERE hash(game_id) % 31 = 3",
    "UPDATE nba_analytics.player_game_summary SET usage_rate = NULL WHERE hash(player_lookup || game_id) % 7 = 0",
    "UPDATE nba_analytics.player_game_summary SET minutes_played = NULL WHERE hash(player_lookup || game_id) % 41 = 0",
    """UPDATE nba_analytics.player_game_summary SET minutes_played = 0, points = 0, fg_attempts = 0, fg_makes = 0,
      ft_attempts = 0, ft_makes = 0 WHERE hash(game_id || player_lookup) % 53 = 1""",
    """UPDATE nba_analytics.player_game_summary SET points = 0, ft_makes = 0 WHERE hash(player_lookup) % 37 = 0""",
    """UPDATE nba_analytics.player_game_summary SET paint_attempts = 0, paint_makes = 0, mid_range_attempts = 0,
      mid_range_makes = 0, three_attempts_pbp = 0, three_makes_pbp = 0 WHERE hash(player_lookup) % 37 = 1""",
    """UPDATE nba_analytics.player_game_summary SET paint_attempts = NULL, paint_makes = NULL,
      mid_range_attempts = NULL, mid_range_makes = NULL, three_attempts_pbp = NULL, three_makes_pbp = NULL,
      assisted_fg_makes = NULL, unassisted_fg_makes = NULL WHERE hash(game_id) % 5 = 0""",
    """UPDATE nba_analytics.team_defense_game_summary SET opp_paint_attempts = NULL, opp_paint_makes = NULL,
      opp_mid_range_attempts = NULL, opp_mid_range_makes = NULL, opp_three_attempts_pbp = NULL,
      opp_three_makes_pbp = NULL, points_in_paint_allowed = NULL, blocks_paint = NULL, blocks_mid_range = NULL,
      blocks_three_pt = NULL WHERE hash(game_id) % 5 = 0""",
    """UPDATE nba_analytics.player_game_summary SET is_production_ready = FALSE
      WHERE hash(game_id || player_lookup) % 97 = 2""",
    """UPDATE nba_analytics.team_offense_game_summary SET is_production_ready = FALSE
      WHERE hash(game_id || team_abbr) % 211 = 2""",
    """UPDATE nba_analytics.team_defense_game_summary SET is_production_ready = FALSE
      WHERE hash(game_id || defending_team_abbr) % 89 = 2""",
)


def make(path: Path, days: list[date]) -> None:
    """Fill the optional feeds of the days, and dig the holes."""
    with duckdb.connect(str(path)) as connection:
        stored, dice = read(connection, []), random.Random(20211225)
        games = [game for day in days for game in on_day(stored.finals, day)]
        reported = [day for number, day in enumerate(days) if number % 5]
        rows = {
            GAME_LINES: [row for game in games for row in _game_lines(dice, game)],
            PROPS: [row for game in games for row in _props(dice, stored, game)],
            INJURIES: [row for day in reported for row in _injuries(dice, stored, on_day(stored.finals, day))],
            ROSTERS: list(_rosters(dice, stored, days)),
        }
        for contract, wanted in rows.items():
            _insert(connection, contract, wanted)
        for statement in HOLES:
            connection.execute(statement)


def _insert(connection: duckdb.DuckDBPyConnection, contract: TableContract, rows: list[dict[str, Any]]) -> None:
    then = datetime(2021, 1, 1, tzinfo=UTC)
    common = {"source_file_path": "f", "capture_ts": then, "data_hash": "h", "run_id": "r", "processed_at": then}
    table = pa.Table.from_pylist([common | row for row in rows], arrow_schema(contract, business_only=False))
    connection.register("wanted", table)
    connection.execute(f"INSERT INTO {contract.full_name} BY NAME SELECT * FROM wanted")
    connection.unregister("wanted")


def _snapshots(dice: random.Random, game: Row) -> Iterator[dict[str, Any]]:
    """Moments at which a bookmaker had a line, of which some lie after tip-off."""
    start = in_utc(game["game_time_utc"])
    for bookmaker in dice.sample(BOOKMAKERS, dice.randint(0, 3)):
        for hours in dice.sample([-9, -5, -2, 0, 1], dice.randint(1, 4)):
            yield {
                "bookmaker_key": bookmaker,
                "bookmaker": bookmaker,
                "game_id": game["game_id"],
                "game_date": game["game_date"],
                "odds_api_event_id": "e",
                "commence_time": start,
                "snapshot_timestamp": start + timedelta(hours=hours),
                "home_team_abbr": game["home_team_tricode"],
                "away_team_abbr": game["away_team_tricode"],
                "outcome_price": 1.91,
            }


def _game_lines(dice: random.Random, game: Row) -> Iterator[dict[str, Any]]:
    for common in _snapshots(dice, game):
        spread, line = dice.randint(-20, 20) / 2, 200 + dice.randint(0, 60) / 2
        if dice.random() < 0.8:
            home = {"outcome_name": game["home_team_tricode"], "outcome_point": spread}
            away = {"outcome_name": game["away_team_tricode"], "outcome_point": -spread}
            yield from (common | {"market_key": "spreads"} | side for side in (home, away))
        if dice.random() < 0.8:
            for name in ("Over", "Under"):
                yield common | {"market_key": "totals", "outcome_name": name, "outcome_point": line}


def _players(stored: Stored, game: Row) -> list[Row]:
    return [line for line in on_day(stored.lines, game["game_date"]) if line["game_id"] == game["game_id"]]


def _props(dice: random.Random, stored: Stored, game: Row) -> Iterator[dict[str, Any]]:
    for line in _players(stored, game):
        for common in _snapshots(dice, game):
            who = {"player_lookup": line["player_lookup"], "player_name": line["player_full_name"]}
            yield common | who | {"points_line": dice.choice([8.5, 10.0, 12.0, 14.5, 20.0])}


def _injuries(dice: random.Random, stored: Stored, games: list[Row]) -> Iterator[dict[str, Any]]:
    """The reports of a day, by the hour. Some rows are misread; starters who do not play that day are in it too."""
    game_of = {game[side]: game for game in games for side in ("home_team_tricode", "away_team_tricode")}
    team_of = {row["player_lookup"]: row["team_abbr"] for row in stored.lineups if row["is_starter"]}
    team_of |= {line["player_lookup"]: line["team_abbr"] for game in games for line in _players(stored, game)}
    for player, team in sorted(team_of.items()):
        for hour in (9, 11, 18):
            if team in game_of and dice.random() < 0.3:
                yield {
                    "report_date": game_of[team]["game_date"],
                    "report_hour": hour,
                    "game_date": game_of[team]["game_date"],
                    "game_id": game_of[team]["game_id"],
                    "team_abbr": team,
                    "player_name_original": player,
                    "player_lookup": player,
                    "injury_status": dice.choice(STATUSES),
                    "reason": dice.choice(["Knee", None]),
                    "confidence_score": dice.choice([1.0, 0.8, 0.79]),
                }


def _rosters(dice: random.Random, stored: Stored, days: list[date]) -> Iterator[dict[str, Any]]:
    """Rosters of a third of the days: a player may be missing in any, and grows older between two."""
    for day in days[::3]:
        season = season_of(day)
        lines = [line for line in stored.lines if season and line["game_date"] in season]
        seen = {line["player_lookup"]: line for line in lines}
        for number, (player, line) in enumerate(sorted(seen.items())):
            if dice.random() < 0.7:
                yield {
                    "roster_date": day,
                    "season_year": line["season_year"],
                    "team_abbr": line["team_abbr"],
                    "espn_player_id": str(number),
                    "player_full_name": line["player_full_name"],
                    "player_lookup": player,
                    "position": dice.choice(["PG", "C"]),
                    "age": 19 + number % 19 + (day.year - 2021),
                }
