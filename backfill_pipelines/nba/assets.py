"""The NBA assets: one gated asset for each table of the catalog."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import date
from typing import Any

import dagster as dg

from backfill_pipelines.backfill.admission import Admission, Upstream
from backfill_pipelines.backfill.automation import cascade
from backfill_pipelines.backfill.gated_assets import gated_asset
from backfill_pipelines.backfill.gated_spec import GatedSpec
from backfill_pipelines.backfill.metadata import definition_metadata, sql_markdown
from backfill_pipelines.nba import raw
from backfill_pipelines.nba.catalog import CATALOG, Entry
from backfill_pipelines.nba.gates import TABLE_GATES
from backfill_pipelines.nba.history import ADMITTED_WITHOUT_CHECKS, HISTORICAL_GAP, history_check
from backfill_pipelines.nba.phase_gates.names import gate_before
from backfill_pipelines.nba.seasons import game_dates
from backfill_pipelines.nba.statements import marked, statement_of
from backfill_pipelines.nba.tables_raw import SCHEDULE
from backfill_pipelines.nba.target import Compute, WarehouseTarget, open_target
from backfill_pipelines.stores.warehouse import WarehouseSession

OWNER = "team:nba-data"
#: The concurrency pool of everything that opens the warehouse; ``dagster.yaml`` has its limit.
POOL = "nba_warehouse"

#: Partitions of one run, about a season: opening and closing a run costs what some fifty partitions do. Neighbours in
#: the catalog differ by one, so that Dagster never puts parent and child into one run, where a single red date of the
#: parent would skip the child for the whole range.
PARTITIONS_PER_RUN = 260


def compute_of(entry: Entry, resources: object, issues: Mapping[str, Sequence[str]] | None = None) -> Compute:
    """How a table is staged; ``issues`` mark the rows of the dates that were admitted with them."""
    statement = statement_of(entry)
    if statement is None:
        return raw.compute_of(entry.contract, resources.feeds)  # type: ignore[attr-defined]
    text = marked(statement, entry.contract) if issues else statement
    named = {name: _days((issues or {}).get(name, ())) for name in (HISTORICAL_GAP, ADMITTED_WITHOUT_CHECKS)}

    def compute(session: WarehouseSession, days: Sequence[object]) -> None:  # noqa: ARG001 # the session has the days
        session.stage(entry.contract, text, named if issues else None)

    return compute


def _days(partitions: Sequence[str]) -> list[date]:
    return [date.fromisoformat(partition) for partition in partitions]


def build_assets(engine: str = "duckdb") -> list[dg.AssetsDefinition]:
    """One asset for each entry of the catalog, in its order; ``engine`` is the kind that the UI shows."""
    return [_build(entry, PARTITIONS_PER_RUN + position, engine) for position, entry in enumerate(CATALOG)]


def _build(entry: Entry, partitions_per_run: int, engine: str) -> dg.AssetsDefinition:
    def opened(context: dg.AssetExecutionContext, admission: Admission) -> AbstractContextManager[WarehouseTarget]:
        return open_target(
            context,
            admission,
            warehouse=context.resources.warehouse,
            entry=entry,
            compute=compute_of(entry, context.resources, admission.issues),
        )

    return gated_asset(
        _spec(entry, engine),
        partitions_def=game_dates(),
        partitions_per_run=partitions_per_run,
        open_target=opened,
        required_resource_keys=_resource_keys(entry),
    )


def _resource_keys(entry: Entry) -> set[str]:
    optional = {"feeds": statement_of(entry) is None, "notifier": history_check(entry) is not None}
    return {"warehouse", *(key for key, needed in optional.items() if needed)}


def _upstreams(entry: Entry) -> list[Upstream]:
    """Every table that is read. Only same-date ones are required here: earlier dates have a check of their own."""
    same = [Upstream(dg.AssetKey(contract.asset_key)) for contract in entry.reads]
    others = dict.fromkeys(c.full_name for c in (*entry.may_read, *entry.reads_before) if c not in entry.reads)
    return [*same, *(Upstream(dg.AssetKey(name.split(".")), required=False) for name in others)]


def cascade_of(entry: Entry) -> dg.AutomationCondition[Any] | None:
    """The live cascade of a table; the schedule, where it begins, is loaded by a daily schedule."""
    if entry.contract is SCHEDULE:
        return None
    gate = gate_before(entry.phase)
    return cascade(dg.AssetKey(entry.contract.asset_key), *([gate.key] if gate else []))


def _spec(entry: Entry, engine: str) -> GatedSpec:
    statement = statement_of(entry)
    shown = {"backfill/sql": sql_markdown(statement)} if statement else {}
    return GatedSpec(
        key=dg.AssetKey(entry.contract.asset_key),
        description=entry.contract.description,
        group=entry.contract.dataset,
        gates=TABLE_GATES[entry.contract.full_name],
        upstreams=_upstreams(entry),
        history=history_check(entry),
        phase_gate=gate_before(entry.phase),
        automation_condition=cascade_of(entry),
        pool=POOL,
        kinds=frozenset({engine, "sql" if statement else "python"}),
        owners=[OWNER],
        metadata=definition_metadata(entry.contract) | shown,
    )
