"""The fold: current state of coffees and variants as a pure function of their published observations.

Asked about some coffees (``touch``), it computes what their rows must be into temporary tables, over all of their
observations, set-based; nothing is applied incrementally, so order and repetition of loading cannot matter.
``publishing`` writes what it finds; the gate ``state_equals_fold`` only compares.
"""

from collections.abc import Mapping
from typing import Any

from backfill_pipelines.stores import sql
from backfill_pipelines.stores.postgres import Connection, Cursor, execute

PACKAGE = "backfill_pipelines.coffee"
_TABLES = (
    "touched_coffees",
    "folded_captures",
    "history",
    "folded_variants",
    "folded_coffees",
    "folded_slugs",
    "changed_coffees",
    "changed_variants",
)


def run_file(connection: Connection, name: str, values: Mapping[str, Any] | None = None) -> Cursor:
    """Run a statement file of this package."""
    return execute(connection, sql.load(PACKAGE, name), values)


def open_fold(connection: Connection) -> None:
    """Empty tables for a fold in this transaction."""
    execute(connection, f"DROP TABLE IF EXISTS {', '.join(f'pg_temp.{table}' for table in _TABLES)}")
    execute(connection, sql.load(PACKAGE, "fold/tables"))


def touch_all(connection: Connection) -> None:
    """Ask about every coffee that was observed."""
    run_file(connection, "fold/touch_all")


def fold(connection: Connection) -> None:
    """Compute the rows of the touched coffees, and which stored rows differ from them.

    Leaves ``folded_coffees``, ``folded_variants``, ``changed_coffees`` and ``changed_variants`` in the transaction.
    """
    fold_history(connection)
    for table in ("variants", "coffees"):
        run_file(connection, f"fold/{table}")
        execute(connection, f"CREATE INDEX ON folded_{table} (id)")
        run_file(connection, f"fold/unobserved_{table}")
        execute(connection, f"ANALYZE folded_{table} (id)")
    for step in ("slugs", "settle_slugs", "slugs_of_others"):
        run_file(connection, f"fold/{step}")
    run_file(connection, "fold/changed_coffees")
    run_file(connection, "fold/changed_variants")


def fold_history(connection: Connection) -> None:
    """Number the observations of the touched coffees; coffees that a later complete capture lacks are touched too."""
    execute(connection, "ANALYZE touched_coffees")
    run_file(connection, "fold/captures")
    run_file(connection, "fold/touched_by_absence")
    run_file(connection, "fold/history")
    execute(connection, "CREATE INDEX ON history (coffee_id, age)")
    execute(connection, "ANALYZE history")
