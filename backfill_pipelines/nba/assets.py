"""The NBA assets: one gated asset for each table of the catalog."""

from collections.abc import Sequence
from contextlib import AbstractContextManager

import dagster as dg

from backfill_pipelines.backfill.admission import Upstream
from backfill_pipelines.backfill.gated_assets import GatedSpec, gated_asset
from backfill_pipelines.backfill.metadata import definition_metadata, sql_markdown
from backfill_pipelines.nba import raw, tables_raw
from backfill_pipelines.nba.catalog import ANALYTICS_PHASE, CATALOG, Entry
from backfill_pipelines.nba.gates import TABLE_GATES
from backfill_pipelines.nba.seasons import game_dates
from backfill_pipelines.nba.target import PACKAGE, Compute, WarehouseTarget, open_target
from backfill_pipelines.stores import sql
from backfill_pipelines.stores.warehouse import WarehouseSession

OWNER = "team:nba-data"

#: Partitions of one run. Neighbours in the catalog differ by one, so that Dagster never puts parent and child into
#: one run, where a single red date of the parent would skip the child for the whole range.
PARTITIONS_PER_RUN = 120


def statement_of(entry: Entry) -> str | None:
    """GoogleSQL of a table that is computed from tables; None for one that is loaded from files."""
    if entry.contract is tables_raw.PLAYER_LINES:
        return sql.load(PACKAGE, "raw/player_lines")
    if entry.phase == ANALYTICS_PHASE:
        return sql.load(PACKAGE, f"analytics/{entry.contract.name}")
    return None


def compute_of(entry: Entry, resources: object) -> Compute:
    """How a table is staged."""
    statement = statement_of(entry)
    if statement is None:
        return raw.compute_of(entry.contract, resources.feeds)  # type: ignore[attr-defined]

    def compute(session: WarehouseSession, days: Sequence[object]) -> None:  # noqa: ARG001 # the session has the days
        session.stage(entry.contract, statement)

    return compute


def build_assets() -> list[dg.AssetsDefinition]:
    """One asset for each entry of the catalog, in its order."""
    return [_build(entry, PARTITIONS_PER_RUN + position) for position, entry in enumerate(CATALOG)]


def _build(entry: Entry, partitions_per_run: int) -> dg.AssetsDefinition:
    def opened(context: dg.AssetExecutionContext, partitions: Sequence[str]) -> AbstractContextManager[WarehouseTarget]:
        return open_target(
            context,
            partitions,
            warehouse=context.resources.warehouse,
            entry=entry,
            compute=compute_of(entry, context.resources),
        )

    return gated_asset(
        _spec(entry),
        partitions_def=game_dates(),
        partitions_per_run=partitions_per_run,
        open_target=opened,
        required_resource_keys={"warehouse"} if statement_of(entry) else {"warehouse", "feeds"},
    )


def _spec(entry: Entry) -> GatedSpec:
    statement = statement_of(entry)
    shown = {"backfill/sql": sql_markdown(statement)} if statement else {}
    return GatedSpec(
        key=dg.AssetKey(entry.contract.asset_key),
        description=entry.contract.description,
        group=entry.contract.dataset,
        gates=TABLE_GATES[entry.contract.full_name],
        upstreams=[
            *(Upstream(dg.AssetKey(contract.asset_key)) for contract in entry.reads),
            *(Upstream(dg.AssetKey(contract.asset_key), required=False) for contract in entry.may_read),
        ],
        kinds=frozenset({"sql", "bigquery"} if statement else {"python", "json"}),
        owners=[OWNER],
        metadata=definition_metadata(entry.contract) | shown,
    )
