"""Which statement file computes which table, and the views."""

from functools import lru_cache

from backfill_pipelines.backfill.contracts import TableContract
from backfill_pipelines.nba import tables_raw
from backfill_pipelines.nba.catalog import CATALOG, RAW_PHASE, Entry
from backfill_pipelines.nba.catalog_views import catalog_tables, duplicate_keys, partition_keys
from backfill_pipelines.nba.gap_reports import report_views
from backfill_pipelines.nba.tables_reference import REPORT_VIEWS, VIEWS
from backfill_pipelines.stores import sql

#: The package whose ``sql`` folder holds the statements.
PACKAGE = "backfill_pipelines.nba"


def statement_of(entry: Entry) -> str | None:
    """GoogleSQL of a table that is computed from tables; None for one that is loaded from files."""
    if entry.contract is tables_raw.PLAYER_LINES:
        return sql.load(PACKAGE, "raw/player_lines")
    if entry.phase == RAW_PHASE:
        return None
    return sql.load(PACKAGE, f"{entry.contract.dataset.removeprefix('nba_')}/{entry.contract.name}")


def marked(statement: str, contract: TableContract) -> str:
    """A statement whose rows carry the issues of their admission and are not ready: parameters say which dates."""
    column = contract.partition_column
    return (
        "SELECT s.* REPLACE (\n"
        "  ARRAY_CONCAT(s.data_quality_issues, ARRAY(SELECT issue FROM UNNEST([\n"
        "    IF(g.day IS NULL OR 'historical_gap' IN UNNEST(s.data_quality_issues), NULL, 'historical_gap'),\n"
        "    IF(u.day IS NULL, NULL, 'admitted_without_checks')\n"
        "  ]) AS issue WHERE issue IS NOT NULL)) AS data_quality_issues,\n"
        "  s.is_production_ready AND g.day IS NULL AND u.day IS NULL AS is_production_ready\n"
        f")\nFROM (\n{statement}\n) AS s\n"
        f"LEFT JOIN (SELECT day FROM UNNEST(@historical_gap) AS day) AS g ON g.day = s.{column}\n"
        f"LEFT JOIN (SELECT day FROM UNNEST(@admitted_without_checks) AS day) AS u ON u.day = s.{column}"
    )


@lru_cache(maxsize=1)
def source_views() -> dict[str, str]:
    """GoogleSQL of the views that statements may read, by name, in the order of creation."""
    return {name: sql.load(PACKAGE, statement) for name, statement in VIEWS.items()}


@lru_cache(maxsize=1)
def views() -> dict[str, str]:
    """GoogleSQL of every view by name, in the order of creation; after the sources those that only report."""
    return {
        **source_views(),
        "nba_reference.catalog_tables": catalog_tables(CATALOG),
        "nba_reference.partition_keys": partition_keys(CATALOG),
        "nba_reference.duplicate_keys": duplicate_keys(CATALOG),
        **{name: sql.load(PACKAGE, statement) for name, statement in REPORT_VIEWS.items()},
        **report_views(),
    }
