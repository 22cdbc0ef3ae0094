"""The gap-filling sensor of the receipts: records of released waves that have no place, bounded by the budget.

It never begins a wave: it looks at waves that a person has begun and whose release still holds, the last one first,
since writing into a wave voids the decisions that later waves rest on. What was rolled back waits for a person.
Starting it stands for the confirmation of a production table.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import dagster as dg

from backfill_pipelines.backfill.gap_sensor import SENSOR_TAG, GapAsset, Survey, build_gap_sensor
from backfill_pipelines.backfill.gaps import GapPolicy
from backfill_pipelines.backfill.verdicts import latest_verdicts
from backfill_pipelines.receipts.assets import INVENTORY
from backfill_pipelines.receipts.call_ledger import BILLING_ZONE, CallLedger
from backfill_pipelines.receipts.drift import metadata_rows_now
from backfill_pipelines.receipts.keys import RecordKey
from backfill_pipelines.receipts.known_answers import fresh_entries
from backfill_pipelines.receipts.ledger import Entry, RecordLedger
from backfill_pipelines.receipts.manifest import Manifest, Row, latest_manifest, stale_because
from backfill_pipelines.receipts.migration_assets import PLACES, PLAN, buckets
from backfill_pipelines.receipts.migration_context import RESOURCES, Migration, load_migration, needs_place
from backfill_pipelines.receipts.migration_settings import MigrationSettings
from backfill_pipelines.receipts.outcomes import Outcome, Reason
from backfill_pipelines.receipts.place_admission import released
from backfill_pipelines.receipts.plans import Plan, PlanRefused, latest_plan
from backfill_pipelines.receipts.prices import SKUS, cost_of_calls
from backfill_pipelines.receipts.record_preparing import key_of
from backfill_pipelines.receipts.rollback_ledger import rolled_back_buckets
from backfill_pipelines.receipts.waves import Wave

SENSOR, REFRESH_JOB = "receipts_gap_sensor", "receipts_take_stock"
_TEXT = """Fills gaps in released waves: new receipts, misses of the live dual write, parked buckets after the quota.

Takes stock again when the inventory is older than a day, or half a percent of the rows came or went. Never more calls
than the month's budget pays for."""
_BEGIN = "that is for a person to begin: backfill receipts plan, then backfill receipts run --wave 1 --apply"


@dataclass(frozen=True)
class Gap:
    """What a bucket lacks."""

    bucket: str
    missing: tuple[Row, ...]
    #: When the last of its records was parked for the quota; None when none was.
    parked_at: datetime | None
    is_parked: bool


def build_receipts_gap_sensor(clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> dg.SensorDefinition:
    """The sensor; stopped until somebody starts it."""
    selection = dg.AssetSelection.assets(INVENTORY, PLAN)
    refresh = dg.define_asset_job(
        REFRESH_JOB,
        selection=selection,
        description="The inventory of the table and the plan that follows from it; begun waves keep their buckets.",
    )
    return build_gap_sensor(
        name=SENSOR,
        description=_TEXT,
        assets=[GapAsset(PLACES, buckets())],
        expected=lambda context: survey(context, clock()),
        policy=GapPolicy(partitions_per_run=16, partitions_per_tick=64, partitions_per_day=1024),
        required_resource_keys=set(RESOURCES),
        first_jobs=[refresh],
        also_busy_with=[INVENTORY, PLAN],
        run_config=_run_config,
        clock=clock,
    )


def survey(context: dg.SensorEvaluationContext, now: datetime) -> Survey:
    """What is to be done at a tick, from the manifest, the plan and the ledgers."""
    resources = context.resources
    if not resources.items.table:
        return Survey(silent="no receipts table is named (BACKFILL_RECEIPTS_TABLE)")
    manifest, plan = _saved(resources)
    if manifest is None or plan is None or not RecordLedger(resources.control, plan.plan_id).buckets():
        return Survey(silent=f"no wave was begun; {_BEGIN}")
    if stopped := CallLedger.of(resources.control, resources.migration).stopped():
        return Survey(silent=f"the Places API was stopped: {stopped.detail}")
    counted = metadata_rows_now(resources.control, resources.items.store(), manifest, now)
    if why := _refresh_because(plan, manifest, resources.migration, now, counted):
        return Survey(first=[_take_stock(now)], seen=f"takes stock first: {why}")
    try:
        migration = load_migration(resources)
    except PlanRefused as refused:  # settings or table are others than those that were reviewed
        return Survey(silent=str(refused))
    return _of_waves(context.instance, migration, now)


def _saved(resources: Any) -> tuple[Manifest | None, Plan | None]:
    table = resources.items.named()
    return latest_manifest(resources.objects, table), latest_plan(resources.objects, table)


def _refresh_because(
    plan: Plan, manifest: Manifest, settings: MigrationSettings, now: datetime, metadata_rows: int | None
) -> str:
    """Why inventory and plan are made again; a plan that other settings would make is left to people."""
    if why := stale_because(manifest, now, metadata_rows):
        return why
    is_only_the_manifest = plan.settings_digest == settings.digest and plan.manifest_digest != manifest.digest
    return f"the plan was made before {manifest.run_id}" if is_only_the_manifest else ""


def _take_stock(now: datetime) -> dg.RunRequest:
    """At most once an hour: an inventory that is red stays red, and Dagster drops a run key that it has seen."""
    return dg.RunRequest(
        job_name=REFRESH_JOB,
        run_key=f"{SENSOR}:take-stock:{now:%Y-%m-%dT%H}",
        asset_selection=[INVENTORY, PLAN],
        tags={SENSOR_TAG: SENSOR},
    )


def _of_waves(instance: dg.DagsterInstance, migration: Migration, now: datetime) -> Survey:
    """The survey of the last wave that has a gap and may be written."""
    entries = migration.ledger.entries()
    taken_back = rolled_back_buckets(migration.control, migration.plan.plan_id)
    verdicts = latest_verdicts(instance, [GapAsset(PLACES, buckets()).summary_check])
    green = {bucket for found in verdicts.values() for bucket, passed in found.items() if passed}
    gaps = _gaps(migration, entries)
    begun = {key.bucket for key in entries}
    notes = [f"{len(taken_back)} buckets are rolled back and wait for a person"] if taken_back else []
    for wave in reversed([wave for wave in migration.plan.waves if begun & {*wave.buckets}]):
        held = set(taken_back)
        wanted = [b for b in wave.buckets if b not in held and (b in gaps or b not in green)]
        if not wanted:
            continue
        if why := next(iter(released(instance, migration, wanted[:1])[wanted[0]]), ""):
            notes.append(why)
            continue
        return _of_wave(wave, wanted, gaps, green, migration, now, notes)
    complete = [b for wave in migration.plan.waves for b in wave.buckets if b in green and b not in gaps]
    return Survey(complete, seen="; ".join(["no gap in a released wave", *notes]))


def _of_wave(
    wave: Wave,
    wanted: Sequence[str],
    gaps: Mapping[str, Gap],
    green: set[str],
    migration: Migration,
    now: datetime,
    notes: Sequence[str],
) -> Survey:
    found = [gaps[bucket] for bucket in wanted if bucket in gaps]
    parked = {gap.bucket: quota_reset(gap.parked_at) if gap.parked_at else now for gap in found if gap.is_parked}
    # A bucket whose quota is still used up must not hold money back from one that can be filled.
    due = [bucket for bucket in wanted if parked.get(bucket, now) <= now]
    paid, calls = _affordable(due, gaps, migration)
    over = [bucket for bucket in due if bucket not in paid]
    records = sum(len(gap.missing) for gap in found)
    seen = [f"wave {wave.number}: {records:,} records without a place in {len(found)} buckets, {calls:,} calls"]
    if over:
        seen.append(
            f"{len(over)} buckets are held back: the month's budget of $ {migration.settings.budget_usd} does not pay "
            f"for their calls, e.g. {over[0]}. Repair: BACKFILL_PLACES_BUDGET_USD, or wait for the next month"
        )
    return Survey(
        expected=[bucket for bucket in wanted if bucket not in over],
        reopened=frozenset(gaps.keys() & green),
        parked=parked,
        seen="; ".join([*seen, *notes]),
    )


def _gaps(migration: Migration, entries: Mapping[RecordKey, Entry]) -> dict[str, Gap]:
    """Buckets with eligible records that no run has settled; one that has a live writer's place lacks nothing."""
    missing: dict[str, list[Row]] = {}
    for row in migration.rows():
        entry = entries.get(key_of(row))
        is_open = not entry.is_settled if entry else needs_place(row, enrich_stubs=migration.settings.enrich_stubs)
        if row.eligible and is_open:
            missing.setdefault(row.bucket, []).append(row)
    return {bucket: _gap(bucket, found, entries) for bucket, found in missing.items()}


def _gap(bucket: str, missing: Sequence[Row], entries: Mapping[RecordKey, Entry]) -> Gap:
    known = [entries.get(key_of(row)) for row in missing]
    parked = [entry for entry in known if entry and entry.outcome is Outcome.PARKED]
    quota = [datetime.fromisoformat(entry.at) for entry in parked if entry.reason == Reason.PARKED_QUOTA]
    return Gap(bucket, tuple(missing), max(quota, default=None), is_parked=bool(parked))


def _affordable(due: Sequence[str], gaps: Mapping[str, Gap], migration: Migration) -> tuple[set[str], int]:
    """The buckets, in order, whose calls the budget still pays for, and how many calls they take."""
    settings, ledger = migration.settings, migration.call_ledger()
    month = [one for one in ledger.spend() if one.month == ledger.month()]
    left = Decimal(settings.budget_usd) - sum((one.spent_usd for one in month), Decimal(0))
    used = sum(one.counted for one in month if one.tier is settings.wanted_tier)
    wanted = [row for bucket in due if bucket in gaps for row in gaps[bucket].missing]
    asked = set(fresh_entries(migration.cache, settings, {row.place_id for row in wanted}))
    paid: set[str] = set()
    calls = 0
    for bucket in due:
        rows = gaps[bucket].missing if bucket in gaps else ()
        ids = {row.place_id for row in rows if needs_place(row, enrich_stubs=settings.enrich_stubs)} - asked
        if ids and cost_of_calls(SKUS[settings.wanted_tier], calls + len(ids), used, settings.free_calls) > left:
            continue
        paid.add(bucket)
        asked |= ids
        calls += len(ids)
    return paid, calls


def quota_reset(parked_at: datetime) -> datetime:
    """When Google's daily quota begins anew after a moment: at midnight in its own zone."""
    local = parked_at.astimezone(BILLING_ZONE)
    midnight = datetime(local.year, local.month, local.day, tzinfo=BILLING_ZONE)
    return datetime.combine((midnight + timedelta(days=1)).date(), midnight.time(), BILLING_ZONE).astimezone(UTC)


def _run_config(context: dg.SensorEvaluationContext) -> Mapping[str, Any]:
    config = {"apply": True, "fetch": True, "confirm": context.resources.items.named()}
    return {"ops": {"__".join(PLACES.path): {"config": config}}}
