"""What every asset of the promotion works with: target, source, choices, manifest, plan, ledger. Loaded by each run."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from backfill_pipelines.backfill.failures import SettingsError
from backfill_pipelines.receipts.keys import bucket_of
from backfill_pipelines.receipts.manifest_files import take_run_id
from backfill_pipelines.receipts.migration_context import origin_of, writer_lease
from backfill_pipelines.receipts.promotion.export_manifest import (
    FOLDER,
    PREFIX,
    ExportManifest,
    ImageRow,
    current_manifest,
    read_rows,
)
from backfill_pipelines.receipts.promotion.image_source import ImageSource, build_source
from backfill_pipelines.receipts.promotion.promotion_ledger import PromotionLedger
from backfill_pipelines.receipts.promotion.promotion_plans import (
    REPAIR,
    PromotionPlan,
    PromotionPlanRefused,
    current_plan,
)
from backfill_pipelines.receipts.promotion.promotion_settings import PromotionSettings
from backfill_pipelines.stores.control import ControlStore
from backfill_pipelines.stores.dynamodb import DynamoItemStore
from backfill_pipelines.stores.dynamodb_resource import DynamoDB
from backfill_pipelines.stores.dynamodb_tables import TableState
from backfill_pipelines.stores.leases import Lease
from backfill_pipelines.stores.objects import ObjectStore

RESOURCES = frozenset({"items", "objects", "control", "exports", "promotion", "embedding", "step_functions", "queues"})
_NAMED = 5


@dataclass(frozen=True)
class Promotion:
    """The promotion into one table, as it stands."""

    items: DynamoItemStore
    state: TableState
    table: str
    objects: ObjectStore
    control: ControlStore
    settings: PromotionSettings
    source: ImageSource
    manifest: ExportManifest
    plan: PromotionPlan | None
    ledger: PromotionLedger
    #: The target is on the embedded server, which has neither partitions nor capacity.
    is_table_embedded: bool

    def rows(self, buckets: Collection[str] | None = None) -> list[ImageRow]:
        """The manifest's images, of some buckets or all."""
        return list(read_rows(self.objects, self.manifest, buckets))

    @property
    def is_production(self) -> bool:
        """Whether the target's name or ARN is one of those that need a confirmation, or its name says prod."""
        return bool({self.table, self.state.arn} & set(self.settings.production_names(self.table)))


def target_of(settings: PromotionSettings, items: DynamoDB) -> str:
    """The table that images are copied to.

    Raises:
        SettingsError: none is named, or it is the source.
    """
    if not (table := settings.target_table or items.table):
        raise SettingsError(
            "no target table is named. Repair: set BACKFILL_PROMOTION_TARGET_TABLE to its full name, or give it with "
            "--to; it has no default"
        )
    if table == settings.source_table:
        raise SettingsError(
            f"{table} is source and target at once. Repair: correct BACKFILL_PROMOTION_SOURCE_TABLE or "
            "BACKFILL_PROMOTION_TARGET_TABLE"
        )
    return table


def load_promotion(resources: Any, *, needs_plan: bool) -> Promotion:
    """The promotion of the resources' settings.

    Raises:
        SettingsError: source or target are not named.
        ManifestMissing: there is no manifest, or it is stale.
        PromotionPlanRefused: a plan is needed, and there is none or it was made from another state.
    """
    items: DynamoDB = resources.items
    objects: ObjectStore = resources.objects
    settings: PromotionSettings = resources.promotion
    table = target_of(settings, items)
    state = items.as_table(table).describe()
    source = build_source(settings, resources.exports, items)
    manifest = current_manifest(objects, source.name, settings.digest)
    plan = current_plan(objects, manifest, settings, table, state.arn) if needs_plan else None
    return Promotion(
        items=items.store(table),
        state=state,
        table=table,
        objects=objects,
        control=resources.control,
        settings=settings,
        source=source,
        manifest=manifest,
        plan=plan,
        ledger=PromotionLedger(resources.control, table),
        is_table_embedded=items.embedded is not None,
    )


def require_source_unchanged(promotion: Promotion, partitions: Collection[str]) -> None:
    """Files of these buckets that came, went or were written anew since the manifest make a plan of it void.

    Raises:
        PromotionPlanRefused: names some of them.
    """
    rows = promotion.rows(partitions)
    then = {(row.image_id, row.origin, row.modified_at) for row in rows if row.files == 1}
    several = {row.image_id for row in rows if row.files > 1}
    now = {
        (one.image_id, one.origin, one.modified_at.isoformat() if one.modified_at else "")
        for one in promotion.source.entries()
        if bucket_of(one.image_id) in partitions and one.image_id not in several
    }
    if changed := sorted({one[0] for one in then ^ now}):
        raise PromotionPlanRefused(
            f"{promotion.manifest.source}: {len(changed):,} images were added, removed or written anew since "
            f"{promotion.manifest.run_id}, e.g. {', '.join(changed[:_NAMED])}. {REPAIR}"
        )


def names_of(promotion: Promotion, context: dg.AssetExecutionContext, *, applies: bool) -> tuple[str, str]:
    """The origin and the run id of a Dagster run; the ledger never hears of a dry run's."""
    origin = origin_of(context.run.run_id, context.run.tags)
    if not applies or promotion.plan is None:
        return origin, f"dry-{context.run.run_id[:8]}"
    found = promotion.ledger.run_with(origin)
    if found is None:
        run_id = take_run_id(promotion.objects, FOLDER, PREFIX, datetime.now(UTC))
        found = promotion.ledger.run_of(origin, run_id, promotion.plan.plan_id)
    return origin, found


@contextmanager
def target_lease(promotion: Promotion, run_id: str, purpose: str) -> Iterator[Lease]:
    """The right to write the target, which one process has at a time, place migrations included.

    Raises:
        LeaseTaken: another one has it; says who.
    """
    with writer_lease(promotion.control, promotion.table, run_id, purpose) as lease:
        yield lease
