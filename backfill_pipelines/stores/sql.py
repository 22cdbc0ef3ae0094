"""SQL text: loading statement files, filling identifiers, and the way from GoogleSQL to DuckDB.

Statements are written once, in GoogleSQL, one to a file. Values are always bound parameters; only identifiers
are filled in, and only ones that look like identifiers.
"""

import re
from functools import cache
from importlib.resources import files

import sqlglot
from sqlglot import exp

from backfill_pipelines.backfill.contracts import Column, TableContract
from backfill_pipelines.backfill.failures import StoreError

_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_IDENTIFIER = re.compile(r"^[A-Za-z_][\w.]*$")

#: The partitions of a statement as rows: `IN UNNEST(@p)` transpiles to a CASE that DuckDB cannot push down.
PARTITIONS = "(SELECT partition_date FROM UNNEST(@partitions) AS partition_date)"


@cache
def load(package: str, name: str) -> str:
    """The text of ``sql/<name>.sql`` of a package."""
    return files(package).joinpath("sql").joinpath(f"{name}.sql").read_text("utf-8")


def render(text: str, **identifiers: str) -> str:
    """Fill ``{name}`` placeholders with identifiers.

    Raises:
        StoreError: a placeholder without value, or a value that is no identifier.
    """

    def fill(match: re.Match[str]) -> str:
        value = identifiers.get(match[1])
        if value is None or not _IDENTIFIER.match(value):
            raise StoreError(f"SQL placeholder {{{match[1]}}} got {value!r}, which is no identifier")
        return value

    return _PLACEHOLDER.sub(fill, text)


@cache
def to_duckdb(google_sql: str) -> str:
    """One GoogleSQL statement as DuckDB SQL."""
    tree = sqlglot.parse_one(google_sql, read="bigquery")
    return tree.transform(_as_duckdb_means_it, copy=False).sql("duckdb", copy=False)


def _as_duckdb_means_it(node: exp.Expr) -> exp.Expr:
    """What sqlglot leaves wrong for us: C-style FORMAT, and TIMESTAMP, which we keep as naive UTC.

    A CONCAT of what is never NULL stays one call: as a chain of ``||``, the row hash of wide rows takes twice as long.
    """
    if isinstance(node, exp.Format):
        return exp.Anonymous(this="printf", expressions=[node.this, *node.expressions])
    if isinstance(node, exp.DataType) and node.this == exp.DataType.Type.TIMESTAMPTZ:
        return exp.DataType.build("TIMESTAMP", dialect="duckdb")
    if isinstance(node, exp.LowerHex) and isinstance(node.this, exp.SHA2Digest):
        # DuckDB's SHA256 is in lower-case hexadecimal digits already. What stands in a new node is not visited.
        return exp.Anonymous(this="sha256", expressions=[node.this.this.transform(_as_duckdb_means_it, copy=False)])
    if isinstance(node, exp.Concat) and all(map(_is_never_null, node.expressions)):
        node.set("coalesce", value=True)  # in place, as its parts are visited after it
    return node


def _is_never_null(node: exp.Expr) -> bool:
    """A literal, or a COALESCE that ends in one."""
    last = node.expressions[-1] if isinstance(node, exp.Coalesce) and node.expressions else node
    return isinstance(last, exp.Literal)


def as_text(column: Column, source: str = "") -> str:
    r"""GoogleSQL text of a value as the row hash sees it: numbers at declared scale, NULL as ``\N``.

    BigQuery stores a NULL array as an empty one, so both read as the empty string.
    """
    name = f"{source}{column.name}"
    forms = {
        "STRING": name,
        "NUMERIC": f"FORMAT('%.{column.scale if column.base_type == 'NUMERIC' else 0}f', {name})",
        "FLOAT64": f"FORMAT('%.6f', {name})",
        "TIMESTAMP": f"CAST(UNIX_MICROS({name}) AS STRING)",
        "ARRAY<STRING>": f"IFNULL(ARRAY_TO_STRING({name}, ','), '')",
        "ARRAY<FLOAT64>": f"IFNULL((SELECT STRING_AGG(FORMAT('%.6f', item), ',' ORDER BY place) "
        f"FROM UNNEST({name}) AS item WITH OFFSET AS place), '')",
    }
    return f"IFNULL({forms.get(column.base_type, f'CAST({name} AS STRING)')}, '\\\\N')"


def row_hash(contract: TableContract, source: str = "") -> str:
    """GoogleSQL expression of ``data_hash``: 16 hex digits over the business columns in contract order."""
    parts = ", '|', ".join(as_text(column, source) for column in contract.hashed_columns)
    return f"SUBSTR(TO_HEX(SHA256(CONCAT({parts}))), 1, 16)"


def staging_insert(contract: TableContract, source: str) -> str:
    """Insert ``source`` (a table, or a statement in brackets) into the staging table, stamped with hash and run."""
    names = ", ".join(column.name for column in contract.business_columns)
    return (
        f"INSERT INTO {contract.staging_name} ({names}, data_hash, run_id, processed_at) "
        f"SELECT {', '.join(f'src.{c.name}' for c in contract.business_columns)}, "
        f"{row_hash(contract, 'src.')}, @run_id, @processed_at FROM {source} AS src "
        f"WHERE src.{contract.partition_column} IN {PARTITIONS}"
    )


def delete_partitions(contract: TableContract, *, staged: bool) -> str:
    """Delete the rows of ``@partitions`` from the staging or the published table."""
    table = contract.staging_name if staged else contract.full_name
    return f"DELETE FROM {table} WHERE {contract.partition_column} IN {PARTITIONS}"


def publish_insert(contract: TableContract) -> str:
    """Copy the rows of ``@partitions`` from staging to the published table."""
    names = ", ".join(column.name for column in contract.columns)
    return (
        f"INSERT INTO {contract.full_name} ({names}) SELECT {names} FROM {contract.staging_name} "
        f"WHERE {contract.partition_column} IN {PARTITIONS}"
    )


def digests(contract: TableContract, *, staged: bool) -> str:
    """Rows and digest (SHA-256 over the sorted row hashes) of each of ``@partitions`` that has rows."""
    column = contract.partition_column
    table = contract.staging_name if staged else contract.full_name
    return (
        f"SELECT {column} AS partition_date, COUNT(*) AS row_count, "
        f"TO_HEX(SHA256(STRING_AGG(data_hash, '' ORDER BY data_hash))) AS digest "
        f"FROM {table} WHERE {column} BETWEEN @start_date AND @end_date "
        f"AND {column} IN {PARTITIONS} GROUP BY {column}"
    )


def key_items(contract: TableContract) -> str:
    """Gate items: each staged key has one row."""
    column = contract.partition_column
    grain = ", ".join(dict.fromkeys([column, *contract.key]))
    text = ", '/', ".join(f"IFNULL(CAST({name} AS STRING), 'NULL')" for name in contract.key)
    return (
        f"SELECT {column} AS partition_date, COUNT(*) = 1 AS ok, "
        f"CONCAT({text}, ' has ', CAST(COUNT(*) AS STRING), ' rows') AS culprit FROM {contract.staging_name} "
        f"WHERE {column} BETWEEN @start_date AND @end_date GROUP BY {grain}"
    )


def required_items(contract: TableContract) -> str:
    """Gate items: no required column is NULL in a staged row, one item for each partition and column."""
    column = contract.partition_column
    checks = ", ".join(
        f"STRUCT('{c.name}' AS name, COUNTIF({c.name} IS NULL) AS missing)" for c in contract.columns if c.required
    )
    return (
        f"SELECT r.partition_date, c.missing = 0 AS ok, "
        f"CONCAT(c.name, ' is NULL in ', CAST(c.missing AS STRING), ' rows') AS culprit "
        f"FROM (SELECT {column} AS partition_date, [{checks}] AS checks FROM {contract.staging_name} "
        f"WHERE {column} BETWEEN @start_date AND @end_date GROUP BY {column}) AS r CROSS JOIN UNNEST(r.checks) AS c"
    )


def verdict_query(items: str) -> str:
    """Gate items (partition_date, ok, culprit) as one row for each partition: measured, violations, culprits."""
    return (
        "SELECT partition_date, COUNT(*) AS measured, COUNTIF(NOT IFNULL(ok, FALSE)) AS violations, "
        "STRING_AGG(IF(IFNULL(ok, FALSE), NULL, culprit), '\\n' ORDER BY culprit) AS culprits "
        f"FROM (\n{items}\n) GROUP BY partition_date"
    )
