"""Google's own GoogleSQL analyser (PyPI ``zetasql``) on a catalog made of our table contracts.

It finds what neither sqlglot nor DuckDB does: unknown columns, wrong types, functions that BigQuery does not have.
It accepts the newest features of the language, some of which BigQuery lacks. Statements on rows are run by the
contract suites of the stores, not here; only Google's reference implementation is asked for single values.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path

import wasmtime
from zetasql.core import wasm_client
from zetasql.core.exceptions import ServerError
from zetasql.core.local_service import ZetaSqlLocalService
from zetasql.types import (
    AnalyzerOptions,
    ErrorMessageMode,
    LanguageOptions,
    ProductMode,
    ResolvedStatement,
    SimpleCatalog,
    SimpleColumn,
    SimpleTable,
    Type,
    TypeKind,
    ZetaSQLBuiltinFunctionOptions,
)

from backfill_pipelines.backfill.contracts import TableContract

Columns = Sequence[tuple[str, str]]

#: Parameters that a session of any warehouse binds.
PARAMETERS: Mapping[str, str] = {
    "partitions": "ARRAY<DATE>",
    "start_date": "DATE",
    "end_date": "DATE",
    "run_id": "STRING",
    "processed_at": "TIMESTAMP",
}

_CACHE = Path(__file__).parents[1] / ".state" / "zetasql"
_BIGQUERY_NAMES = {"DOUBLE": "FLOAT64"}


class _CachingConfig(wasmtime.Config):
    """Compiling the analyser takes 15 s; read from the cache it takes half a second."""

    def __init__(self) -> None:
        super().__init__()
        settings = _CACHE / "cache.toml"
        _CACHE.mkdir(parents=True, exist_ok=True)
        settings.write_text(f'[cache]\ndirectory = "{_CACHE / "compiled"}"\n')
        self.cache = str(settings)


def analyse(
    sql: str,
    contracts: Iterable[TableContract],
    parameters: Mapping[str, str] | None = None,
    views: Mapping[str, Columns] | None = None,
) -> None:
    """Type-check one statement against the published and staging tables of the contracts, and the views.

    Raises:
        AssertionError: what Google's analyser has to say against it.
    """
    _resolved(sql, contracts, parameters, views)


def output_columns(
    sql: str,
    contracts: Iterable[TableContract],
    parameters: Mapping[str, str] | None = None,
    views: Mapping[str, Columns] | None = None,
) -> list[tuple[str, str]]:
    """Names and GoogleSQL types of the columns of a SELECT: the schema of a view, for one.

    Raises:
        AssertionError: what Google's analyser has to say against it.
    """
    found = _resolved(sql, contracts, parameters, views)
    return [(column.name, _type_text(column.column.type)) for column in found.output_column_list]


def reference_strings(sql: str) -> list[str]:
    """The STRINGs of a SELECT of one row without tables, as Google's reference implementation computes them."""
    prepared = _service().prepare_query(sql=sql, options=_options(), registered_catalog_id=_catalog((), ()))
    query = prepared.prepared.prepared_query_id
    try:
        (row,) = _service().evaluate_query(prepared_query_id=query).content.table_data.row
    finally:
        _service().unprepare_query(prepared_query_id=query)
    return [cell.string_value for cell in row.cell]


def _resolved(
    sql: str,
    contracts: Iterable[TableContract],
    parameters: Mapping[str, str] | None,
    views: Mapping[str, Columns] | None,
) -> ResolvedStatement:
    known = {**PARAMETERS, **(parameters or {})}
    frozen = tuple((name, tuple(columns)) for name, columns in (views or {}).items())
    options = _options([AnalyzerOptions.QueryParameter(name=n, type=_type(t)) for n, t in known.items()])
    catalog = _catalog(tuple(contracts), frozen)
    try:
        return _service().analyze(sql_statement=sql, options=options, registered_catalog_id=catalog).resolved_statement
    except ServerError as error:
        raise AssertionError(f"{error.raw_error.partition('Message: ')[2]}\n{sql}") from error


@cache
def _service() -> ZetaSqlLocalService:
    wasm_client.Config = _CachingConfig
    return ZetaSqlLocalService.get_instance()


@cache
def _language() -> LanguageOptions:
    found = LanguageOptions.maximum_features()
    found.product_mode = ProductMode.PRODUCT_EXTERNAL
    return found


def _options(parameters: Sequence[AnalyzerOptions.QueryParameter] = ()) -> AnalyzerOptions:
    return AnalyzerOptions(
        language_options=_language(),
        error_message_mode=ErrorMessageMode.ERROR_MESSAGE_ONE_LINE,
        query_parameters=list(parameters),
    )


@cache
def _catalog(contracts: tuple[TableContract, ...], views: tuple[tuple[str, Columns], ...]) -> int:
    """Number under which the analyser keeps the tables."""
    tables = [
        (name, [(column.name, column.base_type) for column in contract.columns])
        for contract in contracts
        for name in (contract.full_name, contract.staging_name)
    ]
    datasets: dict[str, list[SimpleTable]] = {}
    for name, columns in (*tables, *views):
        dataset, table = name.split(".")
        datasets.setdefault(dataset, []).append(_table(table, columns))
    root = SimpleCatalog(
        name="project",
        catalog=[SimpleCatalog(name=dataset, table=found) for dataset, found in datasets.items()],
        builtin_function_options=ZetaSQLBuiltinFunctionOptions(language_options=_language()),
    )
    return _service().register_catalog(simple_catalog=root).registered_id


def _table(name: str, columns: Columns) -> SimpleTable:
    return SimpleTable(
        name=name,
        column=[SimpleColumn(name=column, type=_type(text), is_writable_column=True) for column, text in columns],
    )


@cache
def _type(text: str) -> Type:
    """The type that GoogleSQL writes like this."""
    empty = SimpleCatalog(name="empty")
    cast = _service().analyze(sql_expression=f"CAST(NULL AS {text})", options=_options(), simple_catalog=empty)
    return cast.resolved_expression.type


def _type_text(found: Type) -> str:
    kind = TypeKind(found.type_kind).name.removeprefix("TYPE_")
    if kind == "ARRAY":
        return f"ARRAY<{_type_text(found.array_type.element_type)}>"
    if kind == "STRUCT":
        fields = ", ".join(f"{f.field_name} {_type_text(f.field_type)}" for f in found.struct_type.field)
        return f"STRUCT<{fields}>"
    return _BIGQUERY_NAMES.get(kind, kind)
