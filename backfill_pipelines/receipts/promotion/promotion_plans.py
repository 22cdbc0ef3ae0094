"""The plan of a promotion: what was reviewed, and the fingerprint by which applying it sees that it still holds.

Plans are revisions in the object store, one series for each target table. What became of its images is in the ledger.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from backfill_pipelines.backfill.failures import BackfillError
from backfill_pipelines.receipts.plan_files import (
    changed_since,
    create_revision,
    fingerprint_of,
    newest_revision,
)
from backfill_pipelines.receipts.promotion.export_manifest import ExportManifest
from backfill_pipelines.receipts.promotion.promotion_settings import PromotionSettings
from backfill_pipelines.stores.objects import ObjectStore

FOLDER = "promotion/plans"
#: Changes when the same export would become other items.
ITEM_SCHEMA_VERSION = 1
REPAIR = "Repair: backfill promote plan, and review it"


class PromotionPlanRefused(BackfillError):
    """There is no plan, or the state that it was made from has changed."""


@dataclass(frozen=True)
class PlannedWork:
    """What applying a plan will do, as it was reviewed."""

    images: int
    #: Images by what the target holds of them, or quarantined or failed.
    states: Mapping[str, int] = field(default_factory=dict[str, int])
    items: int = 0
    embedding_rows: int = 0
    write_units: int = 0
    stream_messages: int = 0


@dataclass(frozen=True)
class PromotionPlan:
    """A reviewed plan."""

    plan_id: str
    revision: int
    table: str
    table_arn: str
    manifest_run_id: str
    manifest_digest: str
    settings_digest: str
    work: PlannedWork
    created_at: datetime
    schema_version: int = ITEM_SCHEMA_VERSION

    @property
    def fingerprint(self) -> str:
        """Equal exactly when the plan still describes source, choices and target."""
        return fingerprint_of(self.manifest_digest, self.settings_digest, self.schema_version, self.table_arn)


def make_plan(
    objects: ObjectStore,
    manifest: ExportManifest,
    table: str,
    table_arn: str,
    work: PlannedWork,
    now: datetime | None = None,
) -> PromotionPlan:
    """The next revision of the target's plan, or its first; it counts once it is saved."""
    before = latest_plan(objects, table)
    return PromotionPlan(
        plan_id=before.plan_id if before else f"plan-{manifest.run_id}",
        revision=before.revision + 1 if before else 1,
        table=table,
        table_arn=table_arn,
        manifest_run_id=manifest.run_id,
        manifest_digest=manifest.digest,
        settings_digest=manifest.settings_digest,
        work=work,
        created_at=now or datetime.now(UTC),
    )


def save_plan(objects: ObjectStore, plan: PromotionPlan) -> None:
    """Let a plan count from now on.

    Raises:
        PromotionPlanRefused: another process has saved this revision.
    """
    said = asdict(plan) | {"created_at": plan.created_at.isoformat(), "fingerprint": plan.fingerprint}
    if not create_revision(objects, FOLDER, plan.table, plan.revision, said):
        raise PromotionPlanRefused(f"revision {plan.revision} of {plan.plan_id} was saved meanwhile. {REPAIR}")


def latest_plan(objects: ObjectStore, table: str) -> PromotionPlan | None:
    """The newest saved revision of a target's plan.

    Raises:
        PromotionPlanRefused: its file was changed.
    """
    newest = newest_revision(objects, FOLDER, table)
    if newest is None:
        return None
    key, said = newest
    fingerprint = said.pop("fingerprint")
    found = _plan(said)
    if found.fingerprint != fingerprint:
        raise PromotionPlanRefused(f"{key} was changed by hand. {REPAIR}")
    return found


def current_plan(
    objects: ObjectStore, manifest: ExportManifest, settings: PromotionSettings, table: str, table_arn: str
) -> PromotionPlan:
    """The plan that may be applied now.

    Raises:
        PromotionPlanRefused: there is none, or its fingerprint is not that of the present state; says what differs.
    """
    plan = latest_plan(objects, table)
    if plan is None:
        raise PromotionPlanRefused(f"{table} has no plan. {REPAIR}")
    changed = changed_since(
        plan,
        manifest_digest=manifest.digest,
        settings_digest=settings.digest,
        schema_version=ITEM_SCHEMA_VERSION,
        table_arn=table_arn,
    )
    if changed:
        raise PromotionPlanRefused(
            f"{plan.plan_id} revision {plan.revision} was made from another state: {', '.join(changed)} changed since. "
            f"{REPAIR}"
        )
    return plan


def _plan(said: dict[str, Any]) -> PromotionPlan:
    work = PlannedWork(**said["work"])
    return PromotionPlan(**said | {"work": work, "created_at": datetime.fromisoformat(said["created_at"])})
