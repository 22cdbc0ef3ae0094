"""The asset that promotes: the images of a bucket, copied, read back and judged. The inventory is elsewhere."""

from collections.abc import Sequence

import dagster as dg

from backfill_pipelines.backfill.admission import Upstream
from backfill_pipelines.backfill.gated_assets import GatedSpec, gated_asset
from backfill_pipelines.receipts.migration_assets import WRITER_POOL, buckets
from backfill_pipelines.receipts.promotion import image_gates
from backfill_pipelines.receipts.promotion.inventory_assets import (
    EXPORT_INVENTORY,
    GROUP,
    OWNER,
    build_export_inventory,
)
from backfill_pipelines.receipts.promotion.promoted_target_opening import open_promoted_target
from backfill_pipelines.receipts.promotion.promotion_admission import promotion_admission
from backfill_pipelines.receipts.promotion.promotion_config import PromoteConfig
from backfill_pipelines.receipts.promotion.promotion_context import RESOURCES
from backfill_pipelines.receipts.promotion.stream_safety import STREAM_SILENT

PROMOTED_IMAGES = dg.AssetKey(["promotion", "promoted_images"])
#: Another number than its neighbours have, so that Dagster never puts them into one run.
BUCKETS_PER_RUN = 16

_TEXT = """The images of a bucket in the target table, each one whole, or left alone with its reason.

Places and labels are written before lines and words, the IMAGE row comes last. Nothing is written without `apply`; what
another writer has put is never touched. The promotion's ledger holds every item that was written."""


def build_promotion_assets() -> list[dg.AssetsDefinition]:
    """The assets, in order."""
    return [build_export_inventory(), build_promoted_images()]


def build_promoted_images() -> dg.AssetsDefinition:
    """The gated copy."""
    spec = GatedSpec(
        key=PROMOTED_IMAGES,
        description=_TEXT,
        group=GROUP,
        gates=(*image_gates.GATES, STREAM_SILENT),
        pool=WRITER_POOL,
        upstreams=[Upstream(EXPORT_INVENTORY, required=False)],
        own_check=promotion_admission,
        repair=_repair,
        kinds=frozenset({"python", "dynamodb"}),
        owners=[OWNER],
    )
    return gated_asset(
        spec,
        partitions_def=buckets(),
        partitions_per_run=BUCKETS_PER_RUN,
        open_target=open_promoted_target,
        required_resource_keys=set(RESOURCES),
        config_type=PromoteConfig,
    )


def _repair(partitions: Sequence[str]) -> str:
    """The command that runs buckets again."""
    return f"backfill promote run --buckets {','.join(partitions)} --apply"
