"""Column lineage of the tables that are computed from tables: which stored columns each column is made of.

Tracing a statement takes seconds, so it is done once and kept in ``column_lineage.json``; a test refuses the file
when a statement has changed since. Views are looked through to the tables behind them.

    python -m backfill_pipelines.nba.lineage      writes the file
"""

import hashlib
import json
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.lineage import Node, lineage
from sqlglot.optimizer import build_scope, qualify

from backfill_pipelines.nba.catalog import CATALOG, Entry, all_contracts
from backfill_pipelines.nba.statements import source_views, statement_of

FILE = "column_lineage.json"

#: column -> [(asset key of the table, column)]
Lineage = Mapping[str, list[tuple[list[str], str]]]


@lru_cache(maxsize=1)
def _kept() -> Mapping[str, Mapping[str, object]]:
    return json.loads(files("backfill_pipelines.nba").joinpath(FILE).read_text("utf-8"))


def lineage_of(entry: Entry) -> Lineage | None:
    """The kept lineage of a table; None for one that is loaded from files."""
    kept = _kept().get(entry.contract.full_name)
    return kept["columns"] if kept else None  # pyright: ignore[reportReturnType]


def digest(entry: Entry) -> str:
    """What the lineage of a table depends on: its statement and the views that statements may read."""
    text = (statement_of(entry) or "") + "".join(source_views().values())
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def trace(entry: Entry) -> Lineage:
    """Trace every column of a table's statement back to stored columns."""
    dialect = "bigquery"
    sources: dict[str, Any] = {name: sqlglot.parse_one(text, read=dialect) for name, text in source_views().items()}
    tree = exp.expand(sqlglot.parse_one(statement_of(entry) or "", read=dialect), sources, dialect=dialect)
    qualified = qualify.qualify(tree, schema=_schema(), dialect=dialect, validate_qualify_columns=False, identify=False)
    scope = build_scope(qualified)
    return {
        column.name: _stored(lineage(column.name, qualified, schema=_schema(), dialect=dialect, scope=scope))
        for column in entry.contract.business_columns
    }


def _stored(node: Node) -> list[tuple[list[str], str]]:
    found = {
        ((leaf.expression.db, leaf.expression.name), leaf.name.split(".")[-1])
        for leaf in node.walk()
        if isinstance(leaf.expression, exp.Table)
    }
    return [(list(table), column) for table, column in sorted(found)]


def _schema() -> dict[str, object]:
    schema: dict[str, Any] = {}
    for contract in all_contracts().values():
        schema.setdefault(contract.dataset, {})[contract.name] = {c.name: c.base_type for c in contract.columns}
    return schema


def main() -> None:
    """Write the file anew."""
    kept = {
        entry.contract.full_name: {"statement": digest(entry), "columns": trace(entry)}
        for entry in CATALOG
        if statement_of(entry)
    }
    target = Path(__file__).with_name(FILE)
    target.write_text(json.dumps(kept, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
