"""The asset of the embedding: copied images whose lines and words have their vectors."""

from collections.abc import Sequence

import dagster as dg

from backfill_pipelines.backfill.admission import Upstream
from backfill_pipelines.backfill.gated_assets import gated_asset
from backfill_pipelines.backfill.gated_spec import GatedSpec
from backfill_pipelines.receipts.migration_assets import WRITER_POOL, buckets
from backfill_pipelines.receipts.promotion import embedding_target
from backfill_pipelines.receipts.promotion.embedding_admission import embedding_admission
from backfill_pipelines.receipts.promotion.embedding_config import EmbedConfig
from backfill_pipelines.receipts.promotion.embedding_target import open_embedding_target
from backfill_pipelines.receipts.promotion.inventory_assets import GROUP, OWNER
from backfill_pipelines.receipts.promotion.promotion_assets import PROMOTED_IMAGES

EMBEDDINGS = dg.AssetKey(["promotion", "embeddings"])
RESOURCES = frozenset({"items", "objects", "control", "promotion", "embedding", "step_functions"})
#: The workflows take the whole table at once: long ranges. Another number than its neighbours have.
_BUCKETS_PER_RUN = 64

_TEXT = """The lines and words of a bucket's copied images, embedded by the two workflows.

The workflows are started through Step Functions only with `apply`, one execution at a time, after the places of all
copied images were found. Green when none of the bucket's lines and words waits, noise left out, and none has failed."""


def build_embeddings() -> dg.AssetsDefinition:
    """The gated embedding."""
    spec = GatedSpec(
        key=EMBEDDINGS,
        description=_TEXT,
        group=GROUP,
        gates=embedding_target.GATES,
        # Nothing is copied beside an embedding: the runs of both wait for each other instead of refusing.
        pool=WRITER_POOL,
        upstreams=[Upstream(PROMOTED_IMAGES, required=False)],
        own_check=embedding_admission,
        repair=_repair,
        kinds=frozenset({"stepfunctions", "dynamodb"}),
        owners=[OWNER],
    )
    return gated_asset(
        spec,
        partitions_def=buckets(),
        partitions_per_run=_BUCKETS_PER_RUN,
        open_target=open_embedding_target,
        required_resource_keys=set(RESOURCES),
        config_type=EmbedConfig,
    )


def _repair(partitions: Sequence[str]) -> str:
    """The command that runs buckets again."""
    return f"backfill promote embed --buckets {','.join(partitions)} --apply"
