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
