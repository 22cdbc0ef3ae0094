"""What the optional feeds say before tip-off: injuries, betting lines, rosters. NULL where a feed is silent."""

from collections.abc import Sequence
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from backfill_pipelines.nba.seasons import season_of
from backfill_pipelines_tests.nba.oracles.stored import Row, Stored, in_utc, on_day

LEAGUE_ZONE = ZoneInfo("America/New_York")
PREFERRED = {"draftkings": 0, "fanduel": 1}
TRUSTED = 0.8


def report_before(stored: Stored, game: Row) -> dict[str, Row] | None:
    """The newest injury report before tip-off, trusted rows by player; None without a report."""
    tip_off = in_utc(game["game_time_utc"])
    rows = [row for row in on_day(stored.injuries, game["game_date"]) if _said_at(row) < tip_off]
    newest = max((_said_at(row) for row in rows), default=None)
    if newest is None:
        return None
    return {r["player_lookup"]: r for r in rows if _said_at(r) == newest and r["confidence_score"] >= TRUSTED}


def _said_at(row: Row) -> datetime:
    return datetime.combine(row["report_date"], time(row["report_hour"]), LEAGUE_ZONE)


def snapshots(rows: Sequence[Row], bookmaker: str) -> list[Row]:
    """Snapshots before tip-off of one bookmaker, earliest first; ``bookmaker`` is the column that names him."""
    known = [row for row in rows if row["snapshot_timestamp"] < row["commence_time"]]
    chosen = min((row[bookmaker] for row in known), key=lambda name: (PREFERRED.get(name, 2), name), default=None)
    return sorted((row for row in known if row[bookmaker] == chosen), key=lambda row: row["snapshot_timestamp"])


def team_lines(stored: Stored, game: Row, team: str) -> dict[str, Any]:
    """Spread of the team, total of the game, and how both moved."""
    rows = [row for row in on_day(stored.game_lines, game["game_date"]) if row["game_id"] == game["game_id"]]
    spreads = _market(rows, "spreads", team)
    totals = _market(rows, "totals", "Over")
    return {
        "game_spread": spreads[-1]["outcome_point"] if spreads else None,
        "spread_movement": spreads[-1]["outcome_point"] - spreads[0]["outcome_point"] if spreads else None,
        "game_total": totals[-1]["outcome_point"] if totals else None,
        "total_movement": totals[-1]["outcome_point"] - totals[0]["outcome_point"] if totals else None,
        "game_spread_source": next((row["bookmaker_key"] for row in [*spreads, *totals]), None),
        "betting_lines_updated_at": max((row["snapshot_timestamp"] for row in [*spreads, *totals]), default=None),
    }


def _market(rows: Sequence[Row], market: str, outcome: str) -> list[Row]:
    own = [row for row in rows if (row["market_key"], row["outcome_name"]) == (market, outcome)]
    return snapshots(own, "bookmaker_key")


def points_line(stored: Stored, player: str, day: date) -> dict[str, Any]:
    """A player's points line and how it moved."""
    rows = snapshots([row for row in on_day(stored.props, day) if row["player_lookup"] == player], "bookmaker")
    first, last = (rows[0], rows[-1]) if rows else (None, None)
    return {
        "has_prop_line": bool(rows),
        "current_points_line": last["points_line"] if last else None,
        "opening_points_line": first["points_line"] if first else None,
        "line_movement": last["points_line"] - first["points_line"] if last and first else None,
        "current_points_line_source": last["bookmaker"] if last else None,
    }


def on_roster(stored: Stored, player: str, day: date) -> Row | None:
    """The newest roster row of a player in the season up to the day."""
    season = season_of(day)
    assert season, f"{day} is in no season"
    known = [r for r in stored.rosters if r["player_lookup"] == player and season.opening <= r["roster_date"] <= day]
    return max(known, key=lambda row: row["roster_date"], default=None)
