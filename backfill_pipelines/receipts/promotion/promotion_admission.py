"""May a bucket of images be copied? The manifest, the plan and its fingerprint, the confirmation, the source's files.

A dry run asks only for a manifest: it is how one finds out about the rest.
"""

from collections.abc import Mapping, Sequence
from typing import Any, cast

import dagster as dg

from backfill_pipelines.backfill.failures import SettingsError
from backfill_pipelines.backfill.gates import Measurement, all_measured
from backfill_pipelines.backfill.run_mode import GatedConfig
from backfill_pipelines.receipts.promotion.export_manifest import ManifestMissing
from backfill_pipelines.receipts.promotion.promotion_config import PromoteConfig
from backfill_pipelines.receipts.promotion.promotion_context import (
    Promotion,
    load_promotion,
    require_source_unchanged,
)
from backfill_pipelines.receipts.promotion.promotion_plans import REPAIR, PromotionPlanRefused
from backfill_pipelines.stores.step_functions import StepFunctionsError

REFUSALS = (ManifestMissing, PromotionPlanRefused, SettingsError)


def promotion_admission(
    context: dg.AssetExecutionContext, partitions: Sequence[str], config: GatedConfig
) -> Mapping[str, Measurement]:
    """The conditions on copying each bucket, with the violated ones in words."""
    choices = cast("PromoteConfig", config)
    texts: list[str] = []
    try:
        promotion = load_promotion(context.resources, needs_plan=choices.apply)
        if choices.apply:
            require_source_unchanged(promotion, partitions)
            texts = refusals(promotion, choices.confirm, choices.fingerprint)
            texts += embedding_under_way(context.resources, promotion.table)
    except REFUSALS as error:
        texts = [str(error)]
    return dict.fromkeys(partitions, all_measured(len(texts), max(1, len(texts)), texts))


def embedding_under_way(resources: Any, table: str) -> list[str]:
    """Executions that would take lines and words of a half written image as they appear; they may be anybody's.

    Nothing is known of workflows that are not named; of named ones that cannot be asked that is said.
    """
    try:
        arns = resources.embedding.arns(table) if resources.step_functions.can_run else {}
    except SettingsError:
        return []
    try:
        machines = resources.step_functions.machines() if arns else None
        running = [one for arn in arns.values() for one in machines.running(arn)] if machines else []
    except StepFunctionsError as error:
        return [f"it is not known whether {table} is being embedded: {error}"]
    return [
        f"the embedding of {table} is under way: {one.text}; it would take lines and words of images that are half "
        "written. Repair: wait until it ends, or stop it, then the same command"
        for one in running
    ]


def refusals(promotion: Promotion, confirm: str, fingerprint: str) -> list[str]:
    """Why the target may not be written with these choices; empty when it may."""
    plan, found = promotion.plan, list[str]()
    if plan is None:
        return [f"{promotion.table} has no plan. {REPAIR}"]
    if promotion.is_production and confirm != promotion.table:
        said = f"{confirm!r} was given" if confirm else "nothing was given"
        found.append(
            f"{promotion.table} is a production table: its name is needed as confirmation, {said}. Repair: --confirm"
        )
    if promotion.is_production and not fingerprint:
        found.append(
            f"{promotion.table} is a production table: the fingerprint of the reviewed plan is needed. "
            "Repair: --fingerprint, as backfill promote plan printed it"
        )
    if fingerprint and fingerprint != plan.fingerprint:
        found.append(f"the plan in force is {plan.fingerprint}, not {fingerprint}. {REPAIR}")
    return found
