"""The assets that migrate: the plan, the cache of answers, the places. Checks and rollback are elsewhere."""

from collections.abc import Sequence
from typing import Any

import dagster as dg
from pydantic import Field

from backfill_pipelines.backfill.admission import Upstream
from backfill_pipelines.backfill.gated_assets import gated_asset
from backfill_pipelines.backfill.gated_spec import GatedSpec
from backfill_pipelines.receipts import bucket_gates, cache_target
from backfill_pipelines.receipts.assessment_report import markdown
from backfill_pipelines.receipts.assets import GROUP, INVENTORY, OWNER, AssessmentConfig
from backfill_pipelines.receipts.cache_target import open_cache_target
from backfill_pipelines.receipts.keys import BUCKETS
from backfill_pipelines.receipts.manifest import current_manifest
from backfill_pipelines.receipts.migration_context import RESOURCES
from backfill_pipelines.receipts.migration_plan import plan_migration, present_lines
from backfill_pipelines.receipts.place_admission import PREFLIGHT, cache_admission, place_admission
from backfill_pipelines.receipts.place_config import FetchConfig, PlaceConfig
from backfill_pipelines.receipts.place_target import open_place_target

PLAN = dg.AssetKey(["receipts", "migration_plan"])
CACHE = dg.AssetKey(["receipts", "places_cache"])
PLACES = dg.AssetKey(["receipts", "receipt_places"])
WRITER_POOL = "receipts_table_writer"
#: Neighbours differ, so that Dagster never puts parent and child into one run.
_PLACES_PER_RUN, _CACHE_PER_RUN = 16, 64

_PLAN_TEXT = """What will be written, called and paid, before anything is: waves, calls by SKU, units, money, time.

Applying it is refused once the manifest, the settings, the format or the table are others than those it was made from.
"""
_CACHE_TEXT = """The Places API's answer of every place id of a bucket, kept for all records and runs.

An id belongs to the bucket of its first record. Calls are made only with `apply`, on the budget of the month."""
_PLACES_TEXT = """The RECEIPT_PLACE items of a bucket, written with conditional puts and read back.

Nothing is written without `apply`; an item that another writer has put is never touched. The record ledger holds what
became of each record."""


def buckets() -> dg.StaticPartitionsDefinition:
    """The 256 buckets of image ids."""
    return dg.StaticPartitionsDefinition(list(BUCKETS))


def build_migration_assets() -> list[dg.AssetsDefinition]:
    """The assets, in order."""
    return [_build_plan(), _build_cache(), _build_places()]


class PlanConfig(dg.Config):
    """How the records are cut into waves."""

    initial_share: float = Field(default=0.075, ge=0.05, le=0.10, description="Share of the records in wave 2.")
    major_share: float = Field(default=0.35, ge=0.20, le=0.50, description="Share of the records in wave 3.")


def _build_plan() -> dg.AssetsDefinition:
    @dg.asset(
        key=PLAN,
        deps=[INVENTORY],
        group_name=GROUP,
        kinds={"python"},
        owners=[OWNER],
        description=_PLAN_TEXT,
        required_resource_keys={"items", "objects", "control", "migration"},
    )
    def migration_plan(context: dg.AssetExecutionContext, config: PlanConfig) -> dg.MaterializeResult[Any]:
        resources = context.resources
        table = resources.items.as_table().describe()
        manifest = current_manifest(resources.objects, resources.items.named())
        shares = AssessmentConfig(initial_share=config.initial_share, major_share=config.major_share).shares()
        settings = resources.migration
        plan = plan_migration(
            resources.objects, resources.control, manifest, settings, table.arn, state=table, shares=shares
        )
        lines = present_lines(plan, manifest, resources.objects, resources.control, settings)
        return dg.MaterializeResult(
            metadata={
                "receipts/plan": dg.MetadataValue.md(markdown(lines)),
                "receipts/plan_id": plan.plan_id,
                "receipts/revision": plan.revision,
                "receipts/fingerprint": plan.fingerprint,
            }
        )

    return migration_plan


def _build_cache() -> dg.AssetsDefinition:
    spec = GatedSpec(
        key=CACHE,
        description=_CACHE_TEXT,
        group=GROUP,
        gates=cache_target.GATES,
        upstreams=[Upstream(PLAN, required=False), Upstream(PREFLIGHT, required=False)],
        own_check=cache_admission,
        repair=_repair,
        kinds=frozenset({"python"}),
        owners=[OWNER],
    )
    return gated_asset(
        spec,
        partitions_def=buckets(),
        partitions_per_run=_CACHE_PER_RUN,
        open_target=open_cache_target,
        required_resource_keys=set(RESOURCES),
        config_type=FetchConfig,
    )


def _build_places() -> dg.AssetsDefinition:
    spec = GatedSpec(
        key=PLACES,
        description=_PLACES_TEXT,
        group=GROUP,
        gates=bucket_gates.GATES,
        pool=WRITER_POOL,
        upstreams=[Upstream(key, required=False) for key in (CACHE, PLAN, PREFLIGHT)],
        own_check=place_admission,
        repair=_repair,
        kinds=frozenset({"python", "dynamodb"}),
        owners=[OWNER],
    )
    return gated_asset(
        spec,
        partitions_def=buckets(),
        partitions_per_run=_PLACES_PER_RUN,
        open_target=open_place_target,
        required_resource_keys=set(RESOURCES),
        config_type=PlaceConfig,
    )


def _repair(partitions: Sequence[str]) -> str:
    """The command that runs buckets again."""
    return f"backfill receipts run --buckets {','.join(partitions)} --apply --fetch"
