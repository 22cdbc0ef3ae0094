"""The embedded warehouse: a DuckDB file, one process at a time.

A session opens the file, works, and closes it. While another process holds it, opening is tried again until
``lock_timeout_seconds`` have passed; the error then names the holder.
"""

import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pyarrow as pa
from pydantic import Field
from sqlglot.errors import SqlglotError

from backfill_pipelines.backfill.contracts import Column, TableContract
from backfill_pipelines.backfill.failures import ReadBackError, StoreBusy, StoreError
from backfill_pipelines.stores import sql
from backfill_pipelines.stores.warehouse import Digest, Parameters, Work, digest_map

_HOLDER = re.compile(r"held in (?P<program>\S+) \(PID (?P<pid>\d+)\)")
_RETRY_SECONDS = 0.02


class DuckDBSession:
    """Statements of one piece of work on an open connection."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, work: Work) -> None:
        self._connection = connection
        self._work = work

    def query(self, statement: str, parameters: Parameters | None = None) -> pa.Table:
        """Rows of one SELECT."""
        text, bound = self._prepared(statement, parameters)
        with self._named_errors(text):
            return self._connection.sql(text, params=bound).to_arrow_table()

    def stage(self, contract: TableContract, source: str | pa.Table, parameters: Parameters | None = None) -> None:
        """Replace the staged rows of the session's partitions."""
        if isinstance(source, str):
            incoming = f"(\n{source}\n)"
        else:
            incoming = "incoming_rows"
            self._connection.register(incoming, without_zone(source))
        with self._transaction():
            self._run(sql.delete_partitions(contract, staged=True))
            self._run(sql.staging_insert(contract, incoming), parameters)

    def staged(self, contract: TableContract) -> dict[date, Digest]:
        """Digest of every partition of the session in staging."""
        return self._digests(contract, self._work.partitions, staged=True)

    def published(self, contract: TableContract) -> dict[date, Digest]:
        """Digest of every partition of the session as published."""
        return self._digests(contract, self._work.partitions, staged=False)

    def replace_partitions(self, contract: TableContract, partitions: Sequence[date]) -> None:
        """Publish whole partitions; see the protocol."""
        if not partitions:
            return
        chosen = {"partitions": list(partitions)}
        with self._transaction():
            self._run(sql.delete_partitions(contract, staged=False), chosen)
            self._run(sql.publish_insert(contract), chosen)
            staged = self._digests(contract, partitions, staged=True)
            published = self._digests(contract, partitions, staged=False)
            if staged != published:
                raise ReadBackError(read_back_text(contract, staged, published))
        self.discard(contract, partitions)

    def discard(self, contract: TableContract, partitions: Sequence[date]) -> None:
        """Drop the staged rows of partitions that need no publishing."""
        self._run(sql.delete_partitions(contract, staged=True), {"partitions": list(partitions)})

    def merge(self, contract: TableContract, rows: pa.Table) -> None:
        """Write ledger rows by key."""
        if not rows.num_rows:
            return
        self._connection.register("incoming_rows", without_zone(rows))
        same = " AND ".join(f"t.{name} IS NOT DISTINCT FROM i.{name}" for name in contract.key)
        names = ", ".join(rows.column_names)
        delete = f"DELETE FROM {contract.full_name} AS t USING incoming_rows AS i WHERE {same}"
        insert = f"INSERT INTO {contract.full_name} ({names}) SELECT {names} FROM incoming_rows"
        with self._named_errors(f"{delete};\n{insert}"), self._transaction():
            self._connection.execute(delete)
            self._connection.execute(insert)

    def _digests(self, contract: TableContract, partitions: Sequence[date], *, staged: bool) -> dict[date, Digest]:
        chosen = replace(self._work, partitions=tuple(partitions)).parameters
        return digest_map(self.query(sql.digests(contract, staged=staged), chosen), partitions)

    def _run(self, statement: str, parameters: Parameters | None = None) -> None:
        text, bound = self._prepared(statement, parameters)
        with self._named_errors(text):
            self._connection.execute(text, bound)

    def _prepared(self, statement: str, parameters: Parameters | None) -> tuple[str, dict[str, Any]]:
        with self._named_errors(statement):
            text = sql.to_duckdb(statement)
        bound = {**self._work.parameters, **(parameters or {})}
        return text, {name: value for name, value in bound.items() if f"${name}" in text}

    @contextmanager
    def _named_errors(self, text: str) -> Iterator[None]:
        try:
            yield
        except (duckdb.Error, SqlglotError) as error:
            raise StoreError(f"DuckDB refused a statement of {self._work.asset}: {error}\n{text}") from error

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")


class DuckDBWarehouse(dg.ConfigurableResource):
    """The warehouse in one DuckDB file."""

    path: str = Field(description="The DuckDB file; its folder is created on first use.")
    lock_timeout_seconds: float = Field(
        default=120.0, description="How long to wait while another process has the file open."
    )

    @contextmanager
    def session(self, work: Work) -> Iterator[DuckDBSession]:
        """Open the file, hand out a session, close the file."""
        connection = self._open(work)
        try:
            yield DuckDBSession(connection, work)
        finally:
            connection.close()

    def ensure(self, contracts: Iterable[TableContract], views: Mapping[str, str]) -> None:
        """Create missing schemas and tables; create the views anew."""
        connection = self._open(Work("", "create tables"))
        try:
            for contract in contracts:
                for table, strict in ((contract.full_name, True), (contract.staging_name, False)):
                    connection.execute(f"CREATE SCHEMA IF NOT EXISTS {table.split('.')[0]}")
                    connection.execute(_create(contract, table, strict=strict))
            for name, statement in views.items():
                connection.execute(f"CREATE SCHEMA IF NOT EXISTS {name.split('.')[0]}")
                connection.execute(f"CREATE OR REPLACE VIEW {name} AS {sql.to_duckdb(statement)}")
        finally:
            connection.close()

    def _open(self, work: Work) -> duckdb.DuckDBPyConnection:
        Path(self.path).parent.mkdir(parents=True, exist_ok=True)
        deadline = time.monotonic() + self.lock_timeout_seconds
        while True:
            try:
                return duckdb.connect(self.path)
            except duckdb.IOException as error:
                holder = _HOLDER.search(str(error))
                if holder is None:
                    raise StoreError(f"cannot open the warehouse file {self.path}: {error}") from error
                if time.monotonic() > deadline:
                    raise StoreBusy(busy_text(self.path, work, holder, self.lock_timeout_seconds)) from error
                time.sleep(_RETRY_SECONDS)


def without_zone(rows: pa.Table) -> pa.Table:
    """Timestamps without their UTC zone: DuckDB needs its ICU extension for anything with a zone."""
    naive = [
        field.with_type(pa.timestamp("us")) if pa.types.is_timestamp(field.type) else field for field in rows.schema
    ]
    return rows.cast(pa.schema(naive))


def busy_text(path: str, work: Work, holder: re.Match[str], waited_seconds: float) -> str:
    """Who holds the file, who wanted it, what to do."""
    return (
        f"{work.asset}: the warehouse file {path} is open in process {holder['pid']} ({holder['program']}) and was "
        f"not released within {waited_seconds:g} s. Repair: wait for that process or end it, then run again."
    )


def read_back_text(contract: TableContract, staged: Mapping[date, Digest], published: Mapping[date, Digest]) -> str:
    """Which partitions came back different."""
    differing = [str(day) for day in staged if staged[day] != published[day]]
    return f"{contract.full_name}: read-back differs from staging for {differing[:5]}; rolled back"


_DUCKDB_TYPES = {
    "STRING": "VARCHAR",
    "INT64": "BIGINT",
    "FLOAT64": "DOUBLE",
    "BOOL": "BOOLEAN",
    "ARRAY<STRING>": "VARCHAR[]",
    "ARRAY<FLOAT64>": "DOUBLE[]",
}


def _create(contract: TableContract, table: str, *, strict: bool) -> str:
    columns = ", ".join(_definition(column, strict=strict) for column in contract.columns)
    return f"CREATE TABLE IF NOT EXISTS {table} ({columns})"


def _definition(column: Column, *, strict: bool) -> str:
    duck = _DUCKDB_TYPES.get(column.type, column.type.replace("NUMERIC", "DECIMAL"))
    return f"{column.name} {duck}{' NOT NULL' if strict and column.required else ''}"
