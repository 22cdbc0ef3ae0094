"""The asset that plans a promotion: every image of the inventory looked at in the target, and the plan that follows.

The same as ``backfill promote plan`` after the inventory. Writes no table.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg

from backfill_pipelines.receipts.keys import BUCKETS
from backfill_pipelines.receipts.promotion.image_outcomes import ImageOutcome, ImageState
from backfill_pipelines.receipts.promotion.inventory_assets import EXPORT_INVENTORY, GROUP, OWNER
from backfill_pipelines.receipts.promotion.promoted_target import PromotedTarget
from backfill_pipelines.receipts.promotion.promotion_admission import REFUSALS
from backfill_pipelines.receipts.promotion.promotion_config import PromoteConfig
from backfill_pipelines.receipts.promotion.promotion_context import RESOURCES, load_promotion, require_source_unchanged
from backfill_pipelines.receipts.promotion.promotion_plans import PlannedWork, PromotionPlan, make_plan, save_plan
from backfill_pipelines.receipts.promotion.promotion_reports import PromotionReport
from backfill_pipelines.receipts.promotion.promotion_summary import summary

PROMOTION_PLAN = dg.AssetKey(["promotion", "promotion_plan"])

_TEXT = """What applying the promotion would do: images by state, items, write units, embedding rows, stream messages.

Its fingerprint is that of manifest, settings, item schema and target; a run that applies it refuses when one of them
has changed since. A plan of a production table is applied with its fingerprint, by whoever has reviewed it."""


def build_promotion_plan() -> dg.AssetsDefinition:
    """The plan."""

    @dg.asset(
        key=PROMOTION_PLAN,
        deps=[EXPORT_INVENTORY],
        group_name=GROUP,
        kinds={"dynamodb", "python"},
        owners=[OWNER],
        description=_TEXT,
        required_resource_keys=set(RESOURCES),
    )
    def promotion_plan(context: dg.AssetExecutionContext) -> Iterator[Any]:
        try:
            promotion = load_promotion(context.resources, needs_plan=False)
            require_source_unchanged(promotion, BUCKETS)
        except REFUSALS as error:
            raise dg.Failure(description=str(error), allow_retries=False) from error
        looked = PromotedTarget(
            promotion=promotion,
            config=PromoteConfig(),
            origin=context.run.run_id,
            run_id=f"dry-{context.run.run_id[:8]}",
            dagster_run_id=context.run.run_id,
            buckets=BUCKETS,
            log=context.log.info,
        )
        looked.stage(BUCKETS)
        report = looked.report()
        made = make_plan(promotion.objects, promotion.manifest, promotion.table, promotion.state.arn, work_of(report))
        save_plan(promotion.objects, made)
        yield dg.MaterializeResult(asset_key=PROMOTION_PLAN, metadata=_about(made, report))

    return promotion_plan


def work_of(report: PromotionReport) -> PlannedWork:
    """What a dry run over all images has found, as a plan says it."""
    states = {str(state): report.states.get(str(state), 0) for state in ImageState}
    set_aside = {str(one): report.count(one) for one in (ImageOutcome.QUARANTINED, ImageOutcome.FAILED)}
    return PlannedWork(
        images=report.images,
        states=states | set_aside,
        items=sum(report.counts.values()),
        embedding_rows=report.embedding_rows,
        write_units=round(report.write_units),
        stream_messages=report.stream_messages,
    )


def _about(plan: PromotionPlan, report: PromotionReport) -> Mapping[str, Any]:
    return {
        "promotion/summary": dg.MetadataValue.md(f"```\n{summary(report)}\n```"),
        "promotion/fingerprint": plan.fingerprint,
        "promotion/plan": f"{plan.plan_id} revision {plan.revision}",
        "promotion/target": plan.table_arn,
        "promotion/set_aside": dg.MetadataValue.md("```\n" + ("\n".join(report.named) or "none") + "\n```"),
    }
