"""A warehouse for hand-made rows: publish them, run the statements of computed tables, read the result."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Self

import pyarrow as pa

from backfill_pipelines.backfill.contracts import TableContract
from backfill_pipelines.nba.assets import compute_of
from backfill_pipelines.nba.catalog import BY_TABLE
from backfill_pipelines.nba.statements import statement_of
from backfill_pipelines.nba.tables_reference import ACCEPTED_GAPS
from backfill_pipelines.stores.duckdb import DuckDBWarehouse
from backfill_pipelines.stores.warehouse import WarehouseSession, Work, arrow_schema
from backfill_pipelines_tests.nba.analytics.builders import DAY, Row

Rows = Mapping[TableContract, Sequence[Row]]


class Tables:
    """A warehouse file for hand-made rows of a few days; results by key."""

    def __init__(self, path: Path, days: Sequence[date] = (DAY,)) -> None:
        self.warehouse = DuckDBWarehouse(path=str(path))
        self.days = tuple(days)

    def on(self, *days: date) -> Self:
        """The same file for other days."""
        return type(self)(Path(self.warehouse.path), days)

    def publish(self, rows: Rows) -> None:
        """Replace the published rows of the tables on the days."""
        with self.warehouse.session(self.work) as session:
            for contract, found in rows.items():
                if contract is ACCEPTED_GAPS:
                    session.merge(contract, as_arrow(contract, found))
                else:
                    session.stage(contract, as_arrow(contract, found))
                    session.replace_partitions(contract, self.days)

    def build(self, *contracts: TableContract) -> None:
        """Run the statements of computed tables and publish what they give."""
        with self.warehouse.session(self.work) as session:
            for contract in contracts:
                session.stage(contract, statement_of(BY_TABLE[contract.full_name]) or "")
                session.replace_partitions(contract, self.days)

    def staged(
        self, contract: TableContract, issues: Mapping[str, Sequence[str]] | None = None
    ) -> dict[tuple[str, ...], Row]:
        """What the statement of a computed table gives, unpublished, by key; ``issues`` are those of an admission."""
        with self.warehouse.session(self.work) as session:
            compute_of(BY_TABLE[contract.full_name], None, issues)(session, self.days)
            return self._read(session, contract, contract.staging_name)

    def rows(self, contract: TableContract) -> dict[tuple[str, ...], Row]:
        """Published rows by key."""
        with self.warehouse.session(self.work) as session:
            return self._read(session, contract, contract.full_name)

    def _read(self, session: WarehouseSession, contract: TableContract, table: str) -> dict[tuple[str, ...], Row]:
        within = f"{contract.partition_column} BETWEEN @start_date AND @end_date"
        found = session.query(f"SELECT * FROM {table} WHERE {within}").to_pylist()
        return {tuple(one[name] for name in contract.key): one for one in found}

    @property
    def work(self) -> Work:
        """What a session of these days is opened with."""
        return Work("test-run", "test", self.days)


def as_arrow(contract: TableContract, rows: Iterable[Row]) -> pa.Table:
    """Rows as a store takes them; NUMERIC columns may be given as plain numbers."""
    numeric = [column.name for column in contract.business_columns if column.base_type == "NUMERIC"]
    exact = [one | {name: _decimal(one[name]) for name in numeric} for one in rows]
    return pa.Table.from_pylist(exact, arrow_schema(contract))


def _decimal(value: Any) -> Decimal | None:
    return None if value is None else Decimal(str(value))
