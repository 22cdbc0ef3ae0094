"""The rows that a peer starts from, and whether it ends with ours: by our row hash, over every business column."""

from pathlib import Path
from typing import Any

import duckdb

from backfill_pipelines.backfill.contracts import TableContract
from backfill_pipelines.stores import sql
from benchmarks.peers.projects import TABLES

#: Rows and digest of each table.
Rows = dict[str, tuple[Any, ...] | None]

#: SQLMesh wants DuckDB 1.x, which reads no file of 2.x unless it was written in an older format; 2.x reads both.
STORAGE_VERSION = "v1.2.0"


def write_raw_tables(loaded: Path, database: Path) -> None:
    """The loaded database without the tables that are to be computed, in a format that every DuckDB reads."""
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{loaded}' AS loaded (READ_ONLY)")
        connection.execute(f"ATTACH '{database}' AS raw (STORAGE_VERSION '{STORAGE_VERSION}')")
        connection.execute("COPY FROM DATABASE loaded TO raw")
        for contract in TABLES:
            connection.execute(f"DROP TABLE raw.{contract.full_name}")


def rows_of(database: Path) -> Rows:
    """What a database holds of the tables, as row counts and digests."""
    with duckdb.connect(str(database), read_only=True) as connection:
        return {contract.name: connection.execute(_statement(contract)).fetchone() for contract in TABLES}


def _statement(contract: TableContract) -> str:
    return sql.to_duckdb(
        "SELECT COUNT(*) AS row_count, TO_HEX(SHA256(STRING_AGG(row_hash, '' ORDER BY row_hash))) AS digest "
        f"FROM (SELECT {sql.row_hash(contract)} AS row_hash FROM {contract.full_name}) AS hashed"
    )
