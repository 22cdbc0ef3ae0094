"""What BigQuery is told of a contract: table definitions, scratch tables, transaction scripts. Opens nothing."""

import re
from collections.abc import Sequence
from dataclasses import replace

import pyarrow as pa
from google.cloud import bigquery

from backfill_pipelines.backfill.contracts import Column, TableContract
from backfill_pipelines.backfill.failures import StoreError
from backfill_pipelines.stores import sql
from backfill_pipelines.stores.warehouse import arrow_type

#: Begins the error of a publish script whose read-back differs; the differing dates follow.
READ_BACK = "read-back differs from staging for "


def tables(project: str, contract: TableContract) -> list[bigquery.Table]:
    """The published and the staging table of a contract; only the published one has required columns."""
    names = ((contract.full_name, True), (contract.staging_name, False))
    return [_table(f"{project}.{name}", contract, strict=strict) for name, strict in names]


def _table(name: str, contract: TableContract, *, strict: bool) -> bigquery.Table:
    table = bigquery.Table(name, [_field(column, strict=strict) for column in contract.columns])
    table.description = contract.description
    table.clustering_fields = list(contract.cluster) or None
    if contract.by_name[contract.partition_column].type == "DATE":
        table.time_partitioning = bigquery.TimePartitioning(field=contract.partition_column)
    return table


def _field(column: Column, *, strict: bool) -> bigquery.SchemaField:
    item = re.fullmatch(r"ARRAY<(\w+)>", column.type)
    digits = re.fullmatch(r"NUMERIC\((\d+),(\d+)\)", column.type)
    resource = {
        "name": column.name,
        "type": item[1] if item else column.base_type,
        "mode": "REPEATED" if item else "REQUIRED" if strict and column.required else "NULLABLE",
        "description": column.description,
    }
    if digits:
        resource |= {"precision": digits[1], "scale": digits[2]}
    return bigquery.SchemaField.from_api_repr(resource)


def scratch_schema(contract: TableContract, names: Sequence[str]) -> list[bigquery.SchemaField]:
    """Columns of a scratch table: Parquet has no JSON."""
    columns = (contract.by_name[name] for name in names)
    return [_field(replace(c, type=c.type.replace("JSON", "STRING")), strict=False) for c in columns]


def parsed(contract: TableContract, names: Sequence[str]) -> str:
    """Columns of a scratch table as the contract types them."""
    json = {name for name in names if contract.by_name[name].type == "JSON"}
    forms = (f"PARSE_JSON({n}, wide_number_mode => 'round') AS {n}" if n in json else n for n in names)
    return ", ".join(forms)


def same_key(column: Column) -> str:
    """Equality of a key column, NULLs included, in a form that BigQuery can join on."""
    if column.required:
        return f"t.{column.name} = i.{column.name}"
    left, right = (f"IFNULL(CAST({side}.{column.name} AS STRING), '\\\\N')" for side in ("t", "i"))
    return f"{left} = {right}"


def _bounds(contract: TableContract) -> str:
    """What lets BigQuery prune partitions, as it does not do for a subquery."""
    return f"AND {contract.partition_column} BETWEEN @start_date AND @end_date"


def delete_script(contract: TableContract, *, staged: bool) -> str:
    """Delete the rows of ``@partitions``, within bounds that BigQuery can prune by."""
    return f"{sql.delete_partitions(contract, staged=staged)} {_bounds(contract)}"


def transaction(*statements: str) -> str:
    """A script that does all of the statements or none."""
    return ";\n".join(["BEGIN TRANSACTION", *statements, "COMMIT TRANSACTION;"])


def publish_script(contract: TableContract) -> str:
    """Replace partitions, read them back, clear their staging; the error names those that differ."""
    staged, published = sql.digests(contract, staged=True), sql.digests(contract, staged=False)
    one_way, other_way = (f"{a} EXCEPT DISTINCT {b}" for a, b in ((staged, published), (published, staged)))
    days = "STRING_AGG(DISTINCT CAST(partition_date AS STRING), ', ')"
    statements = (
        delete_script(contract, staged=False),
        f"{sql.publish_insert(contract)} {_bounds(contract)}",
        f"SET differing = (SELECT {days} FROM (({one_way}) UNION ALL ({other_way})))",
        f"IF differing IS NOT NULL THEN RAISE USING MESSAGE = CONCAT('{READ_BACK}', differing); END IF",
        delete_script(contract, staged=True),
    )
    return f"DECLARE differing STRING;\n{transaction(*statements)}"


def plain(rows: pa.Table) -> pa.Table:
    """Columns without a time zone (UTC) and without vendor metadata."""
    types = [pa.timestamp("us") if pa.types.is_timestamp(field.type) else field.type for field in rows.schema]
    return rows.cast(pa.schema(list(zip(rows.column_names, types, strict=True))))


def loadable(contract: TableContract, rows: pa.Table, names: Sequence[str]) -> pa.Table:
    """The named columns in the Arrow types of the contract."""
    unknown = sorted({*names} - {*rows.column_names} | {*names} - {*contract.by_name})
    if unknown:
        raise StoreError(f"{contract.full_name}: columns {unknown} are not in the rows, or not in the contract")
    schema = pa.schema([(name, arrow_type(contract.by_name[name].type)) for name in names])
    return rows.select(list(names)).cast(schema)
