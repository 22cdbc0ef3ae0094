"""The NBA assets: one gated asset for each table of the catalog."""

from collections.abc import Sequence
from contextlib import AbstractContextManager

import dagster as dg

from backfill_pipelines.backfill.admission import Upstream
from backfill_pipelines.backfill.gated_assets import GatedSpec, gated_asset
from backfill_pipelines.backfill.metadata import definition_metadata, sql_markdown
from backfill_pipelines.nba import raw
from backfill_pipelines.nba.catalog import CATALOG, Entry
from backfill_pipelines.nba.gates import TABLE_GATES
from backfill_pipelines.nba.seasons import game_dates
from backfill_pipelines.nba.statements import statement_of
from backfill_pipelines.nba.target import Compute, WarehouseTarget, open_target
from backfill_pipelines.stores.warehouse import WarehouseSession

OWNER = "team:nba-data"

#: Partitions of one run. Neighbours in the catalog differ by one, so that Dagster never puts parent and child into
#: one run, where a single red date of the parent would skip the child for the whole range.
PARTITIONS_PER_RUN = 120


def compute_of(entry: Entry, resources: object) -> Compute:
    """How a table is staged."""
    statement = statement_of(entry)
    if statement is None:
        return raw.compute_of(entry.contract, resources.feeds)  # type: ignore[attr-defined]

    def compute(session: WarehouseSession, days: Sequence[object]) -> None:  # noqa: ARG001 # the session has the days
        session.stage(entry.contract, statement)

    return compute


def build_assets(engine: str = "duckdb") -> list[dg.AssetsDefinition]:
    """One asset for each entry of the catalog, in its order; ``engine`` is the kind that the UI shows."""
    return [_build(entry, PARTITIONS_PER_RUN + position, engine) for position, entry in enumerate(CATALOG)]


def _build(entry: Entry, partitions_per_run: int, engine: str) -> dg.AssetsDefinition:
    def opened(context: dg.AssetExecutionContext, partitions: Sequence[str]) -> AbstractContextManager[WarehouseTarget]:
        return open_target(
            context,
            partitions,
            warehouse=context.resources.warehouse,
            entry=entry,
            compute=compute_of(entry, context.resources),
        )

    return gated_asset(
        _spec(entry, engine),
        partitions_def=game_dates(),
        partitions_per_run=partitions_per_run,
        open_target=opened,
        required_resource_keys={"warehouse"} if statement_of(entry) else {"warehouse", "feeds"},
    )


def _spec(entry: Entry, engine: str) -> GatedSpec:
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
        kinds=frozenset({engine, "sql" if statement else "python"}),
        owners=[OWNER],
        metadata=definition_metadata(entry.contract) | shown,
    )
