"""The smoke run of gate 0: one date through the three summaries of phase 3, judged by their gates, and thrown away.

It works in a dataset of its own. Nothing is published, and rows that a red run keeps in staging are not touched.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import pyarrow as pa

from backfill_pipelines.backfill.contracts import TableContract
from backfill_pipelines.backfill.failures import StoreError
from backfill_pipelines.backfill.gates import judge
from backfill_pipelines.nba.catalog import BY_TABLE, Entry
from backfill_pipelines.nba.gates import TABLE_GATES
from backfill_pipelines.nba.ledger import RunInfo, utc_now
from backfill_pipelines.nba.statements import statement_of
from backfill_pipelines.nba.tables_analytics import PLAYER_SUMMARY, TEAM_DEFENSE, TEAM_OFFENSE
from backfill_pipelines.nba.target import WarehouseTarget
from backfill_pipelines.stores.warehouse import Digest, Parameters, Warehouse, WarehouseSession, Work

#: In the order of the work; the contexts read history, which a first date of a phase does not have yet.
TABLES = (TEAM_OFFENSE, PLAYER_SUMMARY, TEAM_DEFENSE)
DATASET = "nba_smoke"

_OF_SMOKE: Mapping[str, TableContract] = {table.full_name: replace(table, dataset=DATASET) for table in TABLES}
#: The tables as published or staged; in quotes a name is a value, which stays.
_READS = re.compile(rf"(?<!')\bnba_analytics(?:_staging)?\.({'|'.join(table.name for table in TABLES)})\b")


def smoke_run(warehouse: Warehouse, run_id: str, day: date) -> list[str]:
    """Red gates of the first table that has any, with culprits; empty when the date is green."""
    warehouse.ensure(_OF_SMOKE.values(), {})
    run = RunInfo(run_id, "smoke", utc_now())
    with warehouse.session(Work(run_id, "nba_gates/smoke_run", (day,))) as session:
        try:
            for contract in TABLES:
                red = _judge(_SmokeSession(session), BY_TABLE[contract.full_name], run, str(day))
                if red:
                    return red
            return []
        finally:
            for contract in _OF_SMOKE.values():
                session.discard(contract, [day])


def _judge(session: "_SmokeSession", entry: Entry, run: RunInfo, day: str) -> list[str]:
    statement = statement_of(entry) or ""
    target = WarehouseTarget(session, entry, run, lambda at, _: at.stage(entry.contract, statement))
    target.stage([day])
    gates = TABLE_GATES[entry.contract.full_name]
    verdicts = [verdict for gate in gates for verdict in judge(gate, target.measure(gate, [day]), [day])]
    return [f"{'/'.join(entry.contract.asset_key)} {day}: {v.text}" for v in verdicts if v.is_red]


class _SmokeSession:
    """A session whose reads and writes of the three summaries go to the smoke dataset; it cannot publish."""

    def __init__(self, session: WarehouseSession) -> None:
        self._session = session

    def query(self, statement: str, parameters: Parameters | None = None) -> pa.Table:
        return self._session.query(_redirected(statement), parameters)

    def stage(self, contract: TableContract, source: str | pa.Table, parameters: Parameters | None = None) -> None:
        redirected = _redirected(source) if isinstance(source, str) else source
        self._session.stage(_OF_SMOKE[contract.full_name], redirected, parameters)

    def staged(self, contract: TableContract) -> dict[date, Digest]:
        return self._session.staged(_OF_SMOKE[contract.full_name])

    def published(self, contract: TableContract) -> dict[date, Digest]:
        return self._session.published(contract)

    def replace_partitions(self, contract: TableContract, partitions: Sequence[date]) -> Any:  # noqa: ARG002
        raise StoreError(f"{contract.full_name}: a smoke run publishes nothing")

    def discard(self, contract: TableContract, partitions: Sequence[date]) -> None:
        self._session.discard(_OF_SMOKE[contract.full_name], partitions)

    def merge(self, contract: TableContract, rows: pa.Table) -> Any:  # noqa: ARG002
        raise StoreError(f"{contract.full_name}: a smoke run writes no ledger")


def _redirected(statement: str) -> str:
    return _READS.sub(rf"{DATASET}_staging.\1", statement)
