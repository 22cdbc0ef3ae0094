"""The warehouse edge: what a store of partitioned tables must be able to do, whichever engine it is.

``duckdb`` and ``bigquery`` implement it; the contract suite in the tests runs on both. Nothing here opens a
connection, and nothing here knows what the tables are about.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Protocol

import pyarrow as pa

from backfill_pipelines.backfill.contracts import TableContract

Parameters = Mapping[str, Any]

#: SHA-256 of nothing: the digest of a partition without rows.
EMPTY_DIGEST = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@dataclass(frozen=True)
class Work:
    """Who asks: labels of a BigQuery job, named in the error of a locked file."""

    run_id: str
    asset: str
    partitions: tuple[date, ...] = ()

    @property
    def parameters(self) -> dict[str, Any]:
        """Parameters that every statement may use: who, when (naive UTC), and the partitions with their bounds."""
        found: dict[str, Any] = {
            "run_id": self.run_id,
            "processed_at": datetime.now(UTC).replace(tzinfo=None),
        }
        if self.partitions:
            found |= {"partitions": list(self.partitions)}
            found |= {"start_date": min(self.partitions), "end_date": max(self.partitions)}
        return found


@dataclass(frozen=True)
class Digest:
    """Content of one partition: row count and SHA-256 over its sorted row hashes."""

    rows: int = 0
    value: str = EMPTY_DIGEST


class WarehouseSession(Protocol):
    """One piece of work on the warehouse; statements are GoogleSQL."""

    def query(self, statement: str, parameters: Parameters | None = None) -> pa.Table:
        """Rows of one SELECT."""
        ...

    def stage(self, contract: TableContract, source: str | pa.Table, parameters: Parameters | None = None) -> None:
        """Replace the staged rows of the session's partitions by the rows of a SELECT or of an Arrow table."""
        ...

    def staged(self, contract: TableContract) -> dict[date, Digest]:
        """Digest of every partition of the session in staging."""
        ...

    def published(self, contract: TableContract) -> dict[date, Digest]:
        """Digest of every partition of the session as published."""
        ...

    def replace_partitions(self, contract: TableContract, partitions: Sequence[date]) -> None:
        """Publish the staged rows of whole partitions in one transaction and read them back before its end.

        Raises:
            ReadBackError: the published digests differ; nothing was changed.
        """
        ...

    def discard(self, contract: TableContract, partitions: Sequence[date]) -> None:
        """Drop the staged rows of partitions that need no publishing."""
        ...

    def merge(self, contract: TableContract, rows: pa.Table) -> None:
        """Write ledger rows by key: rows with the same key are replaced, in one transaction."""
        ...


class Warehouse(Protocol):
    """A warehouse: sessions, tables."""

    def session(self, work: Work) -> AbstractContextManager[WarehouseSession]:
        """Open, do, close."""
        ...

    def ensure(self, contracts: Iterable[TableContract], views: Mapping[str, str]) -> None:
        """Create what is missing: datasets, tables, staging tables, and the views (name -> GoogleSQL)."""
        ...


ARROW_TYPES: Mapping[str, pa.DataType] = {
    "STRING": pa.string(),
    "INT64": pa.int64(),
    "FLOAT64": pa.float64(),
    "BOOL": pa.bool_(),
    "DATE": pa.date32(),
    "TIMESTAMP": pa.timestamp("us", tz="UTC"),
    "JSON": pa.string(),
    "ARRAY<STRING>": pa.list_(pa.string()),
    "ARRAY<FLOAT64>": pa.list_(pa.float64()),
}


def arrow_schema(contract: TableContract, *, business_only: bool = True) -> pa.Schema:
    """Arrow schema in contract order; everything nullable, as the staging table is."""
    columns = contract.business_columns if business_only else contract.columns
    return pa.schema([(c.name, arrow_type(c.type)) for c in columns])


def arrow_type(google_type: str) -> pa.DataType:
    """Arrow type of a GoogleSQL type."""
    if google_type.startswith("NUMERIC("):
        precision, scale = google_type[8:-1].split(",")
        return pa.decimal128(int(precision), int(scale))
    return ARROW_TYPES[google_type]


def digest_map(rows: pa.Table, partitions: Sequence[date]) -> dict[date, Digest]:
    """Result of a digest statement, with the empty digest for partitions without rows."""
    found = {row["partition_date"]: Digest(row["row_count"], row["digest"]) for row in rows.to_pylist()}
    return {partition: found.get(partition, Digest()) for partition in partitions}
