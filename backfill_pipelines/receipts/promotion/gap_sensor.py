"""The gap-filling sensor of the promotion: images that the source has and the target has not, or not whole.

It looks at the source's files and takes stock again when some came, went or were written anew. It copies only what a
plan in force holds. A production table's plan is reviewed by a person: of such a table the sensor takes the inventory,
never makes the plan, and copies with the plan's fingerprint. What was rolled back or set aside waits for a person.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from backfill_pipelines.backfill.failures import SettingsError
from backfill_pipelines.backfill.gap_sensor import SENSOR_TAG, GapAsset, Survey, build_gap_sensor
from backfill_pipelines.backfill.gaps import GapPolicy
from backfill_pipelines.backfill.verdicts import latest_verdicts
from backfill_pipelines.receipts.keys import BUCKETS, bucket_of
from backfill_pipelines.receipts.migration_assets import buckets
from backfill_pipelines.receipts.promotion.embedding_backlog import remaining
from backfill_pipelines.receipts.promotion.export_manifest import PLANNED, ImageRow, ManifestMissing
from backfill_pipelines.receipts.promotion.image_outcomes import ImageOutcome
from backfill_pipelines.receipts.promotion.image_state import IMAGE_SK
from backfill_pipelines.receipts.promotion.inventory_assets import EXPORT_INVENTORY
from backfill_pipelines.receipts.promotion.plan_asset import PROMOTION_PLAN
from backfill_pipelines.receipts.promotion.promotion_assets import PROMOTED_IMAGES
from backfill_pipelines.receipts.promotion.promotion_context import (
    RESOURCES,
    Promotion,
    load_promotion,
    require_source_unchanged,
    target_of,
)
from backfill_pipelines.receipts.promotion.promotion_plans import PromotionPlanRefused, latest_plan

SENSOR, REFRESH_JOB = "promotion_gap_sensor", "promotion_take_stock"
_TEXT = """Copies images that the source has and the target has not, or not whole: new exports, half copied images.

Takes stock again when exports came, went or were written anew, or the inventory is older than a day. Waits while the
embedding backlog is full. A production table is copied to only by a plan that a person has reviewed."""
_BEGIN = "that is for a person to begin: backfill promote plan, then backfill promote run --apply"
_NAMED = 3
#: What waits for a person: it was looked at, and writing it again would change nothing.
_SETTLED = frozenset((ImageOutcome.QUARANTINED, ImageOutcome.ROLLED_BACK, ImageOutcome.DIFFERS))


def build_promotion_gap_sensor(clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> dg.SensorDefinition:
    """The sensor; stopped until somebody starts it."""
    refresh = dg.define_asset_job(
        REFRESH_JOB,
        selection=dg.AssetSelection.assets(EXPORT_INVENTORY, PROMOTION_PLAN),
        description="The inventory of the source and the plan that follows from it.",
    )
    return build_gap_sensor(
        name=SENSOR,
        description=_TEXT,
        assets=[GapAsset(PROMOTED_IMAGES, buckets())],
        expected=lambda context: survey(context, clock()),
        policy=GapPolicy(partitions_per_run=16, partitions_per_tick=64, partitions_per_day=1024),
        required_resource_keys=set(RESOURCES),
        first_jobs=[refresh],
        also_busy_with=[EXPORT_INVENTORY, PROMOTION_PLAN],
        run_config=_run_config,
        clock=clock,
    )


def survey(context: dg.SensorEvaluationContext, now: datetime) -> Survey:
    """What is to be done at a tick, from the source, the plan, the ledger and the target's IMAGE rows."""
    resources = context.resources
    try:
        table = target_of(resources.promotion, resources.items)
    except SettingsError as error:
        return Survey(silent=str(error))
    plan = latest_plan(resources.objects, table)
    if plan is None:
        return Survey(silent=f"{table} has no plan; {_BEGIN}")
    try:
        promotion = load_promotion(resources, needs_plan=False)
        require_source_unchanged(promotion, BUCKETS)
    except (ManifestMissing, PromotionPlanRefused) as error:
        # A production table's plan stays: only what it is compared with is taken anew.
        keys = [EXPORT_INVENTORY] if _is_production(resources, table) else [EXPORT_INVENTORY, PROMOTION_PLAN]
        return Survey(first=[_take_stock(now, keys)], seen=f"takes stock first: {error}")
    try:
        promotion = load_promotion(resources, needs_plan=True)
    except PromotionPlanRefused as error:
        if promotion.is_production or plan.settings_digest != promotion.settings.digest:
            return Survey(silent=f"{error}: a person reviews it")
        return Survey(first=[_take_stock(now, [PROMOTION_PLAN])], seen=f"plans first: {error}")
    return _of_images(context.instance, promotion)


def _is_production(resources: Any, table: str) -> bool:
    names = set(resources.promotion.production_names(table))
    return bool(names) and bool({table, resources.items.as_table(table).describe().arn} & names)


def _take_stock(now: datetime, keys: Sequence[dg.AssetKey]) -> dg.RunRequest:
    """At most once an hour: an inventory that is red stays red, and Dagster drops a run key that it has seen."""
    return dg.RunRequest(
        job_name=REFRESH_JOB,
        run_key=f"{SENSOR}:{'+'.join(key.path[-1] for key in keys)}:{now:%Y-%m-%dT%H}",
        asset_selection=list(keys),
        tags={SENSOR_TAG: SENSOR},
    )


def _of_images(instance: dg.DagsterInstance, promotion: Promotion) -> Survey:
    """The buckets of images that are not whole in the target, as far as the embedding backlog has room."""
    planned = [row for row in promotion.rows() if row.state == PLANNED]
    open_, held = _open(promotion, planned)
    wanted = sorted({row.bucket for row in open_})
    notes = [f"{len(held)} images were set aside or rolled back and wait for a person"] if held else []
    seen = f"{len(open_):,} of {len(planned):,} images are not, or not whole, in {promotion.table}"
    rows, limit = sum(row.embedding_rows for row in open_), promotion.settings.embedding_backlog_limit
    waiting = remaining(promotion.items) if rows else 0
    if rows and waiting >= limit:
        return Survey(
            silent=f"{seen}; {waiting:,} lines and words wait for their embedding, the limit is {limit:,}. "
            "Repair: backfill promote embed --apply"
        )
    verdicts = latest_verdicts(instance, [GapAsset(PROMOTED_IMAGES, buckets()).summary_check])
    green = {bucket for found in verdicts.values() for bucket, passed in found.items() if passed}
    complete = sorted({row.bucket for row in planned} & green - set(wanted))
    return Survey(
        expected=sorted({*wanted, *complete}),
        reopened=frozenset(wanted) & green,
        seen="; ".join([seen, *notes, *([f"e.g. {_names(open_)}"] if open_ else [])]),
    )


def _open(promotion: Promotion, planned: Sequence[ImageRow]) -> tuple[list[ImageRow], list[ImageRow]]:
    """Images without an IMAGE row in the target: those to be copied, and those that wait for a person."""
    keys = [{"PK": {"S": f"IMAGE#{row.image_id}"}, "SK": {"S": IMAGE_SK}} for row in planned]
    whole = {item["PK"]["S"] for item in promotion.items.batch_get(keys).items} if keys else set[str]()
    missing = [row for row in planned if f"IMAGE#{row.image_id}" not in whole]
    held = _held(promotion, {row.image_id for row in missing})
    return [r for r in missing if r.image_id not in held], [r for r in missing if r.image_id in held]


def _held(promotion: Promotion, image_ids: Collection[str]) -> set[str]:
    """Images whose last run has settled them for good: the same run again would do nothing else."""
    last: dict[str, tuple[str, ImageOutcome | None]] = {}
    for entry in promotion.ledger.images(buckets={bucket_of(one) for one in image_ids}) if image_ids else ():
        if entry.image_id in image_ids and entry.at >= last.get(entry.image_id, ("", None))[0]:
            last[entry.image_id] = (entry.at, entry.outcome)
    return {image_id for image_id, (_, outcome) in last.items() if outcome in _SETTLED}


def _names(rows: Sequence[ImageRow]) -> str:
    return ", ".join(row.image_id for row in rows[:_NAMED])


def _run_config(context: dg.SensorEvaluationContext) -> Mapping[str, Any]:
    """Starting the sensor stands for the confirmation, and the plan in force for its fingerprint."""
    resources = context.resources
    table = target_of(resources.promotion, resources.items)
    plan = latest_plan(resources.objects, table)
    config = {"apply": True, "confirm": table, "fingerprint": plan.fingerprint if plan else ""}
    return {"ops": {"__".join(PROMOTED_IMAGES.path): {"config": config}}}
