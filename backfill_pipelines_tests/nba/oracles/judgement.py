"""The quality and completeness columns that the contexts and phase 4 share."""

from collections.abc import Iterable
from datetime import date
from fractions import Fraction
from typing import Any

from backfill_pipelines_tests.nba.oracles.stored import Stored, before, rounded

TIERS = ((95, "gold"), (75, "silver"), (50, "bronze"), (25, "poor"), (0, "unusable"))
READY_TIERS = {"gold", "silver", "bronze"}
#: Games of a full window of a player, and of a team in the zone tables.
PLAYER_WINDOW, TEAM_WINDOW = 10, 15
#: Fewest games of a row in phase 4.
MINIMUM = 5


def completeness(expected: int, actual: int, full: int) -> dict[str, Any]:
    """The completeness columns; ``full`` is the length of a full window."""
    return {
        "expected_games_count": expected,
        "actual_games_count": actual,
        "missing_games_count": expected - actual,
        "completeness_percentage": rounded(Fraction(100 * actual, expected), 1) if expected else None,
        "window_is_full": actual == full,
    }


def player_completeness(stored: Stored, player: str, day: date) -> dict[str, Any]:
    """Counted games in the raw lines against those in the summaries, of the last ten."""
    expected = min(PLAYER_WINDOW, len(before(stored.counted_lines_of_player, player, day)))
    actual = min(PLAYER_WINDOW, len(before(stored.counted_of_player, player, day)))
    return completeness(expected, actual, PLAYER_WINDOW)


def quality(
    score: Fraction | int, columns: dict[str, Any], issues: Iterable[str], sources: Iterable[str], *, ready: bool
) -> dict[str, Any]:
    """The columns given, with the quality columns; ``ready`` says that every needed upstream row is."""
    tier = next(name for least, name in TIERS if score >= least)
    return columns | {
        "quality_tier": tier,
        "quality_score": score,
        "data_quality_issues": list(issues),
        "data_sources": list(sources),
        "is_production_ready": tier in READY_TIERS and columns["missing_games_count"] == 0 and ready,
    }


def upstream_issues(columns: dict[str, Any], *, ready: bool) -> list[str]:
    """What is wrong with the history of a row, and with the rows that it rests on."""
    return ["historical_gap"] * (columns["missing_games_count"] > 0) + ["upstream_incomplete"] * (not ready)


def score_of_window(games: int, window: int) -> int:
    """Score of a phase 4 row by the games in its window."""
    if games >= window:
        return 100
    return 80 if games >= 7 else 60
