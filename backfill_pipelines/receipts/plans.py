"""The plan of a migration: what was reviewed, and the fingerprint by which applying it sees that it still holds.

One plan a table, until its migration is done: a new inventory makes a new revision of it, whose released waves stay
what they are. What the records of the plan became is in ``ledger``.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from backfill_pipelines.backfill.failures import BackfillError
from backfill_pipelines.receipts.assessment_report import eligible_by_bucket
from backfill_pipelines.receipts.manifest import Manifest, Row
from backfill_pipelines.receipts.migration_settings import MigrationSettings
from backfill_pipelines.receipts.plan_files import (
    changed_since,
    create_revision,
    fingerprint_of,
    newest_revision,
    revisions,
)
from backfill_pipelines.receipts.waves import Wave, WaveShares, plan_waves
from backfill_pipelines.stores.objects import ObjectStore

FOLDER = "receipts/plans"
#: Changes when the same answer and the same row would make another item.
PLACE_SCHEMA_VERSION = 1
_REPAIR = "Repair: backfill receipts inventory, then backfill receipts plan, and review it"


class PlanRefused(BackfillError):
    """There is no plan, or the state that it was made from has changed."""


@dataclass(frozen=True)
class Estimate:
    """What applying a plan will take, as it was reviewed; cost in dollars as text, exact."""

    records: int
    place_ids: int
    #: Of the place ids, those whose answer is in the cache already.
    place_ids_cached: int
    calls: int
    sku: str
    calls_free: int
    calls_usd: str
    write_units: int
    write_usd: str
    seconds: float
    prices_as_of: str
    #: What the runs of the plan had used when this revision was made; all other figures are of what was left then.
    used_calls: int = 0
    used_usd: str = "0"
    used_write_units: int = 0
    #: Of the seconds, what neither calls nor writes explain, as measured on the runs so far.
    overhead_seconds: float = 0.0


@dataclass(frozen=True)
class Plan:
    """A reviewed plan."""

    plan_id: str
    revision: int
    table: str
    table_arn: str
    manifest_run_id: str
    manifest_digest: str
    settings_digest: str
    waves: tuple[Wave, ...]
    estimate: Estimate
    created_at: datetime
    schema_version: int = PLACE_SCHEMA_VERSION

    @property
    def fingerprint(self) -> str:
        """Equal exactly when the plan still describes the table and the choices."""
        return fingerprint_of(self.manifest_digest, self.settings_digest, self.schema_version, self.table_arn)

    def wave_of(self, bucket: str) -> Wave:
        """The wave that holds a bucket."""
        return next(wave for wave in self.waves if wave.first_bucket <= bucket <= wave.last_bucket)


def dry_run_id(plan_id: str, dagster_run_id: str) -> str:
    """The name under which a dry run makes its calls: it is no run of the ledger, but its calls are the plan's."""
    return f"dry-{plan_id}-{dagster_run_id[:8]}"


def is_dry_run_of(run_id: str, plan_id: str) -> bool:
    """Whether a run's name is that of a dry run of the plan."""
    return run_id.startswith(f"dry-{plan_id}-")


def make_plan(
    objects: ObjectStore,
    manifest: Manifest,
    rows: Sequence[Row],
    settings: MigrationSettings,
    table_arn: str,
    estimate: Estimate,
    *,
    shares: WaveShares | None = None,
    released: int = 0,
    now: datetime | None = None,
) -> Plan:
    """The next revision of the table's plan, or its first; it counts once it is saved.

    Args:
        objects: Where plans are kept.
        manifest: The inventory it is made from.
        rows: The manifest's rows.
        settings: The choices.
        table_arn: Which table, beyond its name.
        estimate: What it will take.
        shares: How much the middle waves take, the documents' shares by default.
        released: How many waves of the revision before were begun: their ranges stay.
        now: When; the present by default.
    """
    before, created_at = latest_plan(objects, manifest.table), now or datetime.now(UTC)
    kept = before.waves[:released] if before else ()
    return Plan(
        plan_id=before.plan_id if before else f"plan-{manifest.run_id.removeprefix('rp-')}",
        revision=before.revision + 1 if before else 1,
        table=manifest.table,
        table_arn=table_arn,
        manifest_run_id=manifest.run_id,
        manifest_digest=manifest.digest,
        settings_digest=settings.digest,
        waves=plan_waves(
            eligible_by_bucket([row.bucket for row in rows if row.eligible]), shares or WaveShares(), kept
        ),
        estimate=estimate,
        created_at=created_at,
    )


def save_plan(objects: ObjectStore, plan: Plan) -> None:
    """Let a plan count from now on.

    Raises:
        PlanRefused: another process has saved this revision.
    """
    said = asdict(plan) | {"created_at": plan.created_at.isoformat(), "fingerprint": plan.fingerprint}
    if not create_revision(objects, FOLDER, plan.table, plan.revision, said):
        raise PlanRefused(f"revision {plan.revision} of {plan.plan_id} was saved by another process. {_REPAIR}")


def latest_plan(objects: ObjectStore, table: str) -> Plan | None:
    """The newest saved revision of a table's plan."""
    newest = newest_revision(objects, FOLDER, table)
    if newest is None:
        return None
    key, said = newest
    fingerprint = said.pop("fingerprint")
    found = _plan(said)
    if found.fingerprint != fingerprint:
        raise PlanRefused(f"{key} was changed by hand. {_REPAIR}")
    return found


def begun_at(objects: ObjectStore, plan: Plan) -> datetime:
    """When the first revision of a plan was made."""
    for _, content in objects.read(revisions(objects, FOLDER, plan.table)):
        said = json.loads(content)
        if said["plan_id"] == plan.plan_id:
            return datetime.fromisoformat(said["created_at"])
    return plan.created_at


def current_plan(objects: ObjectStore, manifest: Manifest, settings: MigrationSettings, table_arn: str) -> Plan:
    """The plan that may be applied now.

    Raises:
        PlanRefused: there is none, or its fingerprint is not that of the present state; says what differs.
    """
    plan = latest_plan(objects, manifest.table)
    if plan is None:
        raise PlanRefused(f"{manifest.table} has no plan. {_REPAIR}")
    changed = changed_since(
        plan,
        manifest_digest=manifest.digest,
        settings_digest=settings.digest,
        schema_version=PLACE_SCHEMA_VERSION,
        table_arn=table_arn,
    )
    if changed:
        raise PlanRefused(
            f"{plan.plan_id} revision {plan.revision} was made from another state: {', '.join(changed)} changed since. "
            f"{_REPAIR}"
        )
    return plan


def _plan(said: dict[str, Any]) -> Plan:
    return Plan(
        **said
        | {
            "waves": tuple(Wave(**wave) for wave in said["waves"]),
            "estimate": Estimate(**said["estimate"]),
            "created_at": datetime.fromisoformat(said["created_at"]),
        }
    )
