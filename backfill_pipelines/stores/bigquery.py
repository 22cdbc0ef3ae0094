"""The production warehouse: BigQuery, through google-cloud-bigquery.

A session makes a client, works, and closes it. Every change is one script in one transaction, which BigQuery
rolls back on any error: running it again after a lost answer is safe. Rows come in by load jobs, never by
streaming inserts, whose buffer no DELETE can reach. What the tables are about is in their contracts.
"""

import io
import re
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import dagster as dg
import pyarrow as pa
import pyarrow.parquet as pq
import requests
from google.api_core.exceptions import GoogleAPIError, RetryError
from google.api_core.retry import Retry, if_transient_error
from google.auth.credentials import AnonymousCredentials
from google.auth.exceptions import GoogleAuthError
from google.cloud import bigquery
from google.cloud.bigquery.table import RowIterator
from pydantic import Field

from backfill_pipelines.backfill.contracts import TableContract
from backfill_pipelines.backfill.failures import ReadBackError, StoreError
from backfill_pipelines.stores import sql
from backfill_pipelines.stores.bigquery_tables import (
    READ_BACK,
    delete_script,
    loadable,
    parsed,
    plain,
    publish_script,
    same_key,
    scratch_schema,
    tables,
    transaction,
)
from backfill_pipelines.stores.warehouse import Digest, Parameters, Work, digest_map

_FAULTS = (GoogleAPIError, GoogleAuthError, requests.RequestException, pa.ArrowException)
_PASSING_REASONS = {"backendError", "internalError", "rateLimitExceeded"}
#: The client's own ratio: a failed job may be sent again for as long as four rounds of calls are tried again.
_JOB_ROUNDS = 4
#: A killed process leaves its scratch table behind; BigQuery drops it after this time.
_SCRATCH_LIFETIME = timedelta(days=1)


class BigQuerySession:
    """Statements of one piece of work; every job carries the labels of that work."""

    def __init__(self, client: bigquery.Client, work: Work, retry_timeout_seconds: float) -> None:
        self._client = client
        self._work = work
        self._call_retry = bigquery.DEFAULT_RETRY.with_timeout(retry_timeout_seconds)
        self._job_retry = Retry(predicate=is_transient, timeout=retry_timeout_seconds * _JOB_ROUNDS)

    def query(self, statement: str, parameters: Parameters | None = None) -> pa.Table:
        """Rows of one SELECT; timestamps are naive UTC, JSON is text."""
        with self._named_errors(statement):
            return plain(self._run(statement, parameters).to_arrow(create_bqstorage_client=False))

    def stage(self, contract: TableContract, source: str | pa.Table, parameters: Parameters | None = None) -> None:
        """Replace the staged rows of the session's partitions."""
        if isinstance(source, str):
            self._stage(contract, f"(\n{source}\n)", parameters)
            return
        with self._scratch(contract, source, [c.name for c in contract.business_columns]) as incoming:
            self._stage(contract, incoming, parameters)

    def staged(self, contract: TableContract) -> dict[date, Digest]:
        """Digest of every partition of the session in staging."""
        return self._digests(contract, staged=True)

    def published(self, contract: TableContract) -> dict[date, Digest]:
        """Digest of every partition of the session as published."""
        return self._digests(contract, staged=False)

    def replace_partitions(self, contract: TableContract, partitions: Sequence[date]) -> None:
        """Publish whole partitions; see the protocol."""
        if not partitions:
            return
        chosen = replace(self._work, partitions=tuple(partitions)).parameters
        try:
            self._change(publish_script(contract), chosen)
        except StoreError as error:
            differing = re.search(rf"{READ_BACK}[\d, -]+", str(error.__cause__))
            if differing is None:
                raise
            raise ReadBackError(f"{contract.full_name}: {differing[0]}; rolled back") from error

    def discard(self, contract: TableContract, partitions: Sequence[date]) -> None:
        """Drop the staged rows of partitions that need no publishing."""
        if partitions:
            chosen = replace(self._work, partitions=tuple(partitions)).parameters
            self._change(delete_script(contract, staged=True), chosen)

    def merge(self, contract: TableContract, rows: pa.Table) -> None:
        """Write ledger rows by key."""
        if not rows.num_rows:
            return
        names = ", ".join(rows.column_names)
        same = " AND ".join(same_key(contract.by_name[name]) for name in contract.key)
        with self._scratch(contract, rows, rows.column_names) as incoming:
            self._change(
                transaction(
                    f"DELETE FROM {contract.full_name} AS t WHERE EXISTS (SELECT 1 FROM {incoming} AS i WHERE {same})",
                    f"INSERT INTO {contract.full_name} ({names}) SELECT {names} FROM {incoming}",
                )
            )

    def ensure(self, contracts: Iterable[TableContract], views: Mapping[str, str]) -> None:
        """Create missing datasets and tables; create the views anew."""
        wanted = [table for contract in contracts for table in tables(self._client.project, contract)]
        with self._named_errors("create datasets and tables"):
            for name in sorted({t.dataset_id for t in wanted} | {view.split(".")[0] for view in views}):
                self._create_missing(name, [table for table in wanted if table.dataset_id == name])
        for name, statement in views.items():
            self._change(f"CREATE OR REPLACE VIEW {name} AS {statement}")

    def _create_missing(self, name: str, wanted: Sequence[bigquery.Table]) -> None:
        dataset = bigquery.Dataset(f"{self._client.project}.{name}")
        dataset.location = self._client.location
        self._client.create_dataset(dataset, exists_ok=True, retry=self._call_retry)
        existing = {item.table_id for item in self._client.list_tables(dataset, retry=self._call_retry)}
        for table in wanted:
            if table.table_id not in existing:
                self._client.create_table(table, exists_ok=True, retry=self._call_retry)

    def _stage(self, contract: TableContract, incoming: str, parameters: Parameters | None) -> None:
        self._change(
            transaction(delete_script(contract, staged=True), sql.staging_insert(contract, incoming)), parameters
        )

    def _digests(self, contract: TableContract, *, staged: bool) -> dict[date, Digest]:
        return digest_map(self.query(sql.digests(contract, staged=staged)), self._work.partitions)

    def _change(self, script: str, parameters: Parameters | None = None) -> None:
        with self._named_errors(script):
            self._run(script, parameters)

    def _run(self, text: str, parameters: Parameters | None) -> RowIterator:
        bound = {**self._work.parameters, **(parameters or {})}
        mentioned = [name for name in bound if re.search(rf"@{name}\b", text)]
        config = bigquery.QueryJobConfig(
            labels=labels(self._work),
            query_parameters=[query_parameter(name, bound[name]) for name in mentioned],
        )
        job = self._client.query(text, job_config=config, retry=self._call_retry, job_retry=None)
        return job.result(retry=self._call_retry, job_retry=self._job_retry)

    @contextmanager
    def _scratch(self, contract: TableContract, rows: pa.Table, names: Sequence[str]) -> Iterator[str]:
        """The rows as a subquery, on a table that lives as long as the block."""
        name = f"{contract.staging_name}__{uuid.uuid4().hex}"
        with self._named_errors(f"load {rows.num_rows} rows into {name}"):
            ready = loadable(contract, rows, names)
            table = bigquery.Table(f"{self._client.project}.{name}", scratch_schema(contract, names))
            table.expires = datetime.now(UTC) + _SCRATCH_LIFETIME
            self._client.create_table(table, retry=self._call_retry)
        try:
            with self._named_errors(f"load {rows.num_rows} rows into {name}"):
                if ready.num_rows:
                    self._job_retry(self._load)(table, ready)
            yield f"(SELECT {parsed(contract, names)} FROM {name})"
        finally:
            with self._named_errors(f"drop {name}"):
                self._client.delete_table(table, not_found_ok=True, retry=self._call_retry)

    def _load(self, table: bigquery.Table, rows: pa.Table) -> None:
        buffer = io.BytesIO()
        pq.write_table(rows, buffer)
        lists = bigquery.ParquetOptions()
        lists.enable_list_inference = True
        config = bigquery.LoadJobConfig(
            labels=labels(self._work),
            parquet_options=lists,
            schema=table.schema,
            source_format=bigquery.SourceFormat.PARQUET,
            write_disposition=bigquery.WriteDisposition.WRITE_TRUNCATE,
        )
        job = self._client.load_table_from_file(
            buffer, table.reference, rewind=True, size=buffer.tell(), job_config=config
        )
        job.result(retry=self._call_retry)

    @contextmanager
    def _named_errors(self, text: str) -> Iterator[None]:
        try:
            yield
        except _FAULTS as error:
            raise StoreError(f"BigQuery refused work of {self._work.asset}: {error}\n{text}") from error


class BigQueryWarehouse(dg.ConfigurableResource):
    """The warehouse in BigQuery, or in an emulator that speaks its REST protocol."""

    project: str = Field(description="Project of the datasets and of the jobs.")
    location: str = Field(default="US", description="Location of the datasets and of the jobs.")
    api_endpoint: str | None = Field(
        default=None, description="URL of an emulator, used without credentials; none for BigQuery itself."
    )
    retry_timeout_seconds: float = Field(
        default=120.0, description="How long a call is tried again while BigQuery has a passing fault."
    )

    @contextmanager
    def session(self, work: Work) -> Iterator[BigQuerySession]:
        """Make a client, hand out a session, close the client."""
        try:
            client = bigquery.Client(project=self.project, location=self.location, **self._emulator())
        except GoogleAuthError as error:
            raise StoreError(f"{work.asset}: no credentials for project {self.project}: {error}") from error
        try:
            yield BigQuerySession(client, work, self.retry_timeout_seconds)
        finally:
            client.close()

    def ensure(self, contracts: Iterable[TableContract], views: Mapping[str, str]) -> None:
        """Create missing datasets, tables and staging tables; create the views anew."""
        with self.session(Work("", "create tables")) as session:
            session.ensure(contracts, views)

    def _emulator(self) -> dict[str, Any]:
        if self.api_endpoint is None:
            return {}
        return {"credentials": AnonymousCredentials(), "client_options": {"api_endpoint": self.api_endpoint}}


def is_transient(error: Exception) -> bool:
    """Whether a failed job may be sent again: BigQuery's fault, a rate limit, a lost race of transactions."""
    cause = error.cause if isinstance(error, RetryError) else error
    reasons = {entry.get("reason") for entry in getattr(cause, "errors", None) or []}
    passing = if_transient_error(cause) or bool(reasons & _PASSING_REASONS)
    return passing or "aborted due to concurrent update" in str(cause)


def labels(work: Work) -> dict[str, str]:
    """Job labels within BigQuery's rules: lower case letters, digits, ``_`` and ``-``, at most 63 of them."""
    days = sorted({min(work.partitions), max(work.partitions)}) if work.partitions else []
    found = {"run_id": work.run_id, "asset": work.asset, "partitions": "_".join(map(str, days))}
    return {name: re.sub(r"[^a-z0-9_-]", "_", text.lower())[:63] for name, text in found.items() if text}


_PARAMETER_TYPES: Mapping[type, str] = {
    bool: "BOOL",
    int: "INT64",
    float: "FLOAT64",
    Decimal: "NUMERIC",
    str: "STRING",
    datetime: "TIMESTAMP",
    date: "DATE",
}


def query_parameter(name: str, value: Any) -> bigquery.ScalarQueryParameter | bigquery.ArrayQueryParameter:
    """A bound parameter, typed by its value; an empty list has strings, unless it is the partitions."""
    if not isinstance(value, (list, tuple)):
        return bigquery.ScalarQueryParameter(name, _parameter_type(name, value), value)
    kind = _parameter_type(name, value[0]) if value else "DATE" if name == "partitions" else "STRING"
    return bigquery.ArrayQueryParameter(name, kind, list(value))


def _parameter_type(name: str, value: Any) -> str:
    found = _PARAMETER_TYPES.get(type(value))
    if found is None:
        raise StoreError(f"query parameter @{name} has no GoogleSQL type: {value!r}")
    return found
