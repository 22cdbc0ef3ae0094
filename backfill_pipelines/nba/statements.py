"""Which statement file computes which table, and the views."""

from functools import lru_cache

from backfill_pipelines.nba import tables_raw
from backfill_pipelines.nba.catalog import CATALOG, RAW_PHASE, Entry
from backfill_pipelines.nba.catalog_views import catalog_tables, partition_keys
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
        **{name: sql.load(PACKAGE, statement) for name, statement in REPORT_VIEWS.items()},
        **report_views(),
    }
