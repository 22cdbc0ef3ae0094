"""A process that runs tables and stops in the middle of the last one, to be killed there.

    python -m backfill_pipelines_tests.nba.feeds_child FOLDER FEEDS FIRST LAST MOMENT TABLE...

It prints PAUSED once it has reached the moment and then does nothing.
"""

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa

from backfill_pipelines.backfill.contracts import TableContract
from backfill_pipelines.stores.duckdb import DuckDBSession, DuckDBWarehouse
from backfill_pipelines.stores.objects import ObjectStore
from backfill_pipelines.stores.warehouse import Work
from backfill_pipelines_tests.nba.feeds_runs import ENTRIES, pipeline

FILES_READ = 10


def pause() -> None:
    print("PAUSED", flush=True)
    time.sleep(600)


class PausingStore(ObjectStore):
    """Stops after some files have been read."""

    def read_or_say(self, keys: Sequence[str]) -> Iterator[tuple[str, bytes | OSError]]:
        for number, item in enumerate(super().read_or_say(keys)):
            if number == FILES_READ:
                pause()
            yield item


class PausingSession(DuckDBSession):
    """Stops inside the transaction that stages or publishes, or before the ledger is written."""

    moment, table = "", ""

    def _run(self, statement: str, parameters: Any = None) -> None:
        super()._run(statement, parameters)
        contract = ENTRIES[self.table].contract
        target = {"staging": contract.staging_name, "publishing": contract.full_name}.get(self.moment)
        if target and statement.startswith(f"INSERT INTO {target} "):
            pause()

    def merge(self, contract: TableContract, rows: pa.Table) -> None:
        if self.moment == "recording":
            pause()
        super().merge(contract, rows)


class PausingWarehouse(DuckDBWarehouse):
    """Its sessions stop at a moment of a table."""

    moment: str
    table: str

    @contextmanager
    def session(self, work: Work) -> Iterator[DuckDBSession]:
        connection = self._open(work)
        try:
            session = PausingSession(connection, work)
            session.moment, session.table = self.moment, self.table
            yield session
        finally:
            connection.close()


def main(folder: str, feeds: str, first: str, last: str, moment: str, *tables: str) -> None:
    days = date.fromisoformat(first), date.fromisoformat(last)
    with pipeline(Path(folder), Path(feeds)) as run:
        for table in tables[:-1]:
            run.run(table, *days)
        warehouse = PausingWarehouse(path=run.warehouse.path, moment=moment, table=tables[-1])
        store = PausingStore(url=feeds) if moment == "reading" else ObjectStore(url=feeds)
        run.run(tables[-1], *days, resources={"warehouse": warehouse, "feeds": store})


if __name__ == "__main__":
    main(*sys.argv[1:])
