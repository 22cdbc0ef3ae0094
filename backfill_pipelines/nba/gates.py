"""The gates of every NBA table: names, what they say when green, what to do when red, and the statement that measures.

A statement gives one item for each thing measured: (partition_date, ok, culprit). ``target`` runs them.
"""

from collections.abc import Callable

from backfill_pipelines.backfill.contracts import TableContract
from backfill_pipelines.backfill.gates import Gate
from backfill_pipelines.nba.gates_analytics import ANALYTICS_GATES
from backfill_pipelines.nba.gates_context import CONTEXT_GATES
from backfill_pipelines.nba.gates_precompute import PRECOMPUTE_GATES
from backfill_pipelines.nba.gates_raw import RAW_GATES
from backfill_pipelines.stores import sql

#: Items that are generated from the contract instead of read from a statement file.
GENERATED: dict[str, Callable[[TableContract], str]] = {"keys": sql.key_items, "columns": sql.required_items}

TABLE_GATES: dict[str, tuple[Gate, ...]] = RAW_GATES | ANALYTICS_GATES | CONTEXT_GATES | PRECOMPUTE_GATES


def items_sql(gate: Gate, contract: TableContract) -> str:
    """GoogleSQL of a gate's items for a table."""
    if gate.source in GENERATED:
        return GENERATED[gate.source](contract)
    text = sql.load("backfill_pipelines.nba", f"gates/{gate.source}")
    return sql.render(text, staged=contract.staging_name, table=contract.full_name, **gate.identifiers)
