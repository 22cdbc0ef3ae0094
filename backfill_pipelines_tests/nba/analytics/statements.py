"""Every statement of the project, by name, and what a statement scans."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import sqlglot
from sqlglot import exp

from backfill_pipelines.nba.catalog import CATALOG, all_contracts
from backfill_pipelines.nba.gap_reports import REPORTS
from backfill_pipelines.nba.gates import TABLE_GATES, items_sql
from backfill_pipelines.nba.statements import statement_of
from backfill_pipelines.nba.target import PACKAGE
from backfill_pipelines.stores import sql

#: Contracts whose rows go through staging.
STAGED = tuple(entry.contract for entry in CATALOG)
#: Parameters of single statements, on top of what every session binds.
PARAMETERS = {"phase": "STRING", "processor": "STRING", "asset_key": "STRING", "repair_ids": "ARRAY<STRING>"}
STATUS = (
    "calendar",
    "coverage",
    "expectations",
    "latest_gates",
    "latest_runs",
    "open_repairs",
    "repairs",
    "roster_rows",
    "schedule_rows",
    "table_days",
    "table_states",
    "upstream_dates",
)
#: Views that are as large as the table below them.
LARGE_VIEWS = {
    "nba_raw.shot_attempts": "game_date",
    "nba_raw.nbac_player_boxscore": "game_date",
    "nba_raw.espn_team_roster": "roster_date",
}

_COMPARISONS = (exp.Between, exp.EQ, exp.GTE, exp.GT, exp.LTE, exp.LT, exp.In)


@dataclass(frozen=True)
class Scan:
    """One table in the FROM of one SELECT or DELETE."""

    table: str
    is_filtered: bool


@cache
def statements() -> dict[str, str]:
    """Every statement but the views: tables, gates, status, reports, and what ``stores.sql`` writes.

    A text that several tables share is there once.
    """
    names: dict[str, str] = {}
    reports = ((f"gap_analysis/{report.name}", report.statement) for report in REPORTS)
    for name, text in [*_computed(), *_gates(), *_status(), *_generated(), *_phase_gates(), *reports]:
        names.setdefault(text, name)
    return {name: text for text, name in names.items()}


def scans(statement: str) -> list[Scan]:
    """Every scan of a partitioned table, and whether its partition column is compared with something fixed."""
    partition_columns = {
        table: contract.partition_column
        for contract in all_contracts().values()
        for table in (contract.full_name, contract.staging_name)
        if contract.by_name[contract.partition_column].type == "DATE"
    } | LARGE_VIEWS
    tree = sqlglot.parse_one(statement, read="bigquery")
    target = tree.this.this if isinstance(tree, exp.Insert) else None
    found = [table for table in tree.find_all(exp.Table) if table is not target]
    return [
        Scan(name, _is_filtered(table, partition_columns[name]))
        for table in found
        if (name := f"{table.db}.{table.name}") in partition_columns
    ]


def _phase_gates() -> Iterator[tuple[str, str]]:
    for path in sorted(files(PACKAGE).joinpath("sql", "phase_gates").iterdir(), key=lambda file: file.name):
        name = path.name.removesuffix(".sql")
        yield f"phase_gates/{name}", sql.load(PACKAGE, f"phase_gates/{name}")


def _computed() -> Iterator[tuple[str, str]]:
    for entry in CATALOG:
        statement = statement_of(entry)
        if statement:
            yield f"{entry.contract.name}/statement", statement
            yield f"{entry.contract.name}/stage", sql.staging_insert(entry.contract, f"(\n{statement}\n)")


def _gates() -> Iterator[tuple[str, str]]:
    for entry in CATALOG:
        for gate in TABLE_GATES[entry.contract.full_name]:
            items = items_sql(gate, entry.contract)
            yield f"{entry.contract.name}/gates/{gate.name}", sql.verdict_query(items)


def _status() -> Iterator[tuple[str, str]]:
    for entry in CATALOG:
        for name in STATUS:
            text = sql.load(PACKAGE, f"status/{name}")
            yield f"{entry.contract.name}/status/{name}", sql.render(text, **entry.identifiers)


def _generated() -> Iterator[tuple[str, str]]:
    for contract in STAGED:
        written = {
            "stage rows": sql.staging_insert(contract, contract.full_name),
            "delete staged": sql.delete_partitions(contract, staged=True),
            "delete published": sql.delete_partitions(contract, staged=False),
            "publish": sql.publish_insert(contract),
            "digests staged": sql.digests(contract, staged=True),
            "digests published": sql.digests(contract, staged=False),
            "keys": sql.key_items(contract),
            "columns": sql.required_items(contract),
        }
        yield from ((f"{contract.name}/{name}", text) for name, text in written.items())


def _is_filtered(table: exp.Table, column: str) -> bool:
    owner = table.find_ancestor(exp.Select, exp.Delete)
    assert owner is not None
    conditions = [owner.args.get("where"), *(join.args.get("on") for join in owner.args.get("joins") or ())]
    return any(
        _fixes(comparison, table.alias_or_name, column)
        for condition in conditions
        if condition is not None
        for comparison in condition.find_all(*_COMPARISONS)
    )


def _fixes(comparison: exp.Expression, alias: str, column: str) -> bool:
    """The comparison holds the column against parameters or constants."""
    left = comparison.this
    if not isinstance(left, exp.Column) or left.name != column or left.table not in ("", alias):
        return False
    if isinstance(comparison, exp.In):
        return comparison.find(exp.Unnest) is not None or bool(comparison.expressions)
    sides = [comparison.args.get(side) for side in ("expression", "low", "high")]
    return not any(side.find(exp.Column) for side in sides if side is not None)
