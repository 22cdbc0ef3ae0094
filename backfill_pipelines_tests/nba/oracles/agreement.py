"""The stored contexts and phase 4 tables against their oracles, over chosen days."""

from collections.abc import Callable, Iterable, Mapping
from datetime import date

import pandas as pd

from backfill_pipelines.backfill.contracts import TableContract
from backfill_pipelines.nba import tables_context, tables_precompute
from backfill_pipelines_tests.nba.analytics.comparison import compare
from backfill_pipelines_tests.nba.oracles.cache import caches
from backfill_pipelines_tests.nba.oracles.factors import factors
from backfill_pipelines_tests.nba.oracles.features import features
from backfill_pipelines_tests.nba.oracles.player_context import player_contexts
from backfill_pipelines_tests.nba.oracles.stored import Row, Stored
from backfill_pipelines_tests.nba.oracles.team_context import team_contexts
from backfill_pipelines_tests.nba.oracles.zones import player_zones, team_zones

Oracle = Callable[[Stored, Iterable[date]], pd.DataFrame]

#: Days of the real season and of the next that differ in kind.
DAYS = {
    "opening night": date(2021, 10, 19),
    "opening week": date(2021, 10, 20),
    "last bootstrap day": date(2021, 11, 1),
    "first day of phase 4": date(2021, 11, 2),
    "full house": date(2021, 11, 15),
    "Christmas": date(2021, 12, 25),
    "a day of hardship contracts": date(2021, 12, 28),
    "trade deadline": date(2022, 2, 10),
    "All-Star game": date(2022, 2, 20),
    "after the All-Star break": date(2022, 2, 24),
    "play-in, no play-by-play": date(2022, 4, 12),
    "playoffs": date(2022, 5, 1),
    "last final": date(2022, 6, 16),
    "next opening night": date(2022, 10, 18),
    "next opening week": date(2022, 10, 19),
    "next first day of phase 4": date(2022, 11, 1),
    "and the day after": date(2022, 11, 2),
}

#: The field of ``Stored`` that holds a table's rows -> its contract and its oracle, in the order of the work.
ORACLES: Mapping[str, tuple[TableContract, Oracle]] = {
    "team_contexts": (tables_context.TEAM_CONTEXT, team_contexts),
    "player_contexts": (tables_context.PLAYER_CONTEXT, player_contexts),
    "team_zones": (tables_precompute.TEAM_ZONES, team_zones),
    "player_zones": (tables_precompute.PLAYER_ZONES, player_zones),
    "factors": (tables_precompute.COMPOSITE_FACTORS, factors),
    "caches": (tables_precompute.DAILY_CACHE, caches),
    "features": (tables_precompute.FEATURE_STORE, features),
}


def of_table(stored: Stored, name: str, days: Iterable[date]) -> list[str]:
    """Every difference of one table on the days."""
    contract, oracle = ORACLES[name]
    names = [column.name for column in contract.columns]
    found = pd.DataFrame(rows_of(stored, name, days), columns=names, dtype=object)
    exact = oracle(stored, days)
    return list(compare(contract, found, exact if len(exact) else pd.DataFrame(columns=names), left_out(contract)))


def rows_of(stored: Stored, name: str, days: Iterable[date]) -> list[Row]:
    """Stored rows of a table on the days."""
    chosen, partition = set(days), ORACLES[name][0].partition_column
    return [row for row in getattr(stored, name) if row[partition] in chosen]


def left_out(contract: TableContract) -> frozenset[str]:
    """Columns whose content the specification leaves open: free text and JSON texts."""
    return frozenset(c.name for c in contract.columns if c.name == "calculation_notes" or c.name.endswith("_json"))
