"""The plan of a migration made from what is known now: waves, calls after the cache, write units, money, time.

It calls nothing. The same state gives the same plan: its revision changes only when the plan itself does.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from backfill_pipelines.receipts.assessment import Assumptions, estimate_of
from backfill_pipelines.receipts.assessment_report import Line, duration
from backfill_pipelines.receipts.call_ledger import CallLedger
from backfill_pipelines.receipts.capacity import WriteLimits, overhead_of_record
from backfill_pipelines.receipts.daily_quota import DailyQuota, daily_quota
from backfill_pipelines.receipts.known_answers import fresh_entries
from backfill_pipelines.receipts.ledger import RecordLedger
from backfill_pipelines.receipts.manifest import Manifest, Row, read_rows
from backfill_pipelines.receipts.migration_context import needs_place
from backfill_pipelines.receipts.migration_settings import MigrationSettings
from backfill_pipelines.receipts.place import INDEXES
from backfill_pipelines.receipts.place_reading import Existing
from backfill_pipelines.receipts.places_cache import PlacesCache
from backfill_pipelines.receipts.plan_calls import attempts_in
from backfill_pipelines.receipts.plans import Estimate, Plan, latest_plan, make_plan, save_plan
from backfill_pipelines.receipts.prices import PRICES_AS_OF, SKUS, cost_of_calls
from backfill_pipelines.receipts.projection import Metered
from backfill_pipelines.receipts.run_reports import reports_of_runs
from backfill_pipelines.receipts.waves import WaveShares
from backfill_pipelines.stores.control import ControlStore
from backfill_pipelines.stores.dynamodb_tables import TableState
from backfill_pipelines.stores.objects import ObjectStore


def plan_migration(
    objects: ObjectStore,
    control: ControlStore,
    manifest: Manifest,
    settings: MigrationSettings,
    table_arn: str,
    *,
    state: TableState | None = None,
    shares: WaveShares | None = None,
    now: datetime | None = None,
) -> Plan:
    """The plan of the present state, saved; the saved one where nothing of it has changed.

    ``state`` is the table, whose provisioned capacity bounds the rate; None is a table on demand.
    """
    before = latest_plan(objects, manifest.table)
    ledger = RecordLedger(control, before.plan_id) if before else None
    rows = read_rows(objects, manifest)
    begun = ledger.buckets() if ledger else set()
    released = sum(bool(begun & set(wave.buckets)) for wave in before.waves) if before else 0
    estimate = estimated(rows, objects, control, settings, ledger, limits_of(state, settings))
    if ledger:
        estimate = replace(estimate, **_used(ledger, CallLedger.of(control, settings)))
    plan = make_plan(objects, manifest, rows, settings, table_arn, estimate, shares=shares, released=released, now=now)
    if before and before.fingerprint == plan.fingerprint and before.waves == plan.waves:
        return before
    save_plan(objects, plan)
    return plan


def _used(ledger: RecordLedger, calls: CallLedger) -> dict[str, Any]:
    """What the runs of the plan have used so far."""
    metered = Metered.of(attempts_in(calls, ledger.plan_id, ledger.runs()), ledger.entries())
    return {
        "used_calls": metered.calls,
        "used_usd": str(metered.usd),
        "used_write_units": math.ceil(metered.write_units),
    }


def estimated(
    rows: Sequence[Row],
    objects: ObjectStore,
    control: ControlStore,
    settings: MigrationSettings,
    ledger: RecordLedger | None,
    limits: WriteLimits,
) -> Estimate:
    """What the records without a place will take: sizes and overhead as measured so far, sizes as expected before."""
    tier = settings.wanted_tier
    records = [row.place_id for row in rows if needs_place(row, enrich_stubs=settings.enrich_stubs)]
    ids = set(records)
    fresh = frozenset(fresh_entries(PlacesCache(objects), settings, ids))
    calls = CallLedger.of(control, settings)
    used = sum(one.counted for one in calls.spend() if one.month == calls.month() and one.tier is tier)
    copies, measured_units = 1 + len(INDEXES), ledger.mean_write_units() if ledger else None
    mean = Decimal(str(round(measured_units / copies, 4))) if measured_units else Assumptions().mean_units
    overhead = len(records) * _overhead(objects, settings, ledger, limits.records_per_second(float(mean)))
    found = estimate_of(
        records,
        Assumptions(
            tier=tier,
            calls_used_this_month=used,
            fresh_ids=fresh,
            mean_units=mean,
            queries_per_minute=settings.queries_per_minute,
            limits=limits,
            overhead_seconds=overhead,
        ),
    )
    free = SKUS[tier].free_per_month if settings.free_calls is None else settings.free_calls
    return Estimate(
        records=len(records),
        place_ids=len(ids),
        place_ids_cached=len(fresh),
        calls=len(ids - fresh),
        sku=SKUS[tier].name,
        calls_free=len(ids - fresh) if free is None else max(0, free - used),
        calls_usd=str(cost_of_calls(SKUS[tier], len(ids - fresh), used, settings.free_calls)),
        write_units=found.write_units,
        write_usd=str(found.write_cost),
        seconds=found.seconds,
        prices_as_of=PRICES_AS_OF.isoformat(),
        overhead_seconds=overhead,
    )


def limits_of(state: TableState | None, settings: MigrationSettings) -> WriteLimits:
    """What the table takes at the share that may be used: its provisioned units, or those of a table on demand."""
    if state is None or state.write_units is None:
        return settings.limits
    indexes = tuple(index.write_units for index in state.indexes.values() if index.write_units)
    return replace(settings.limits, table=state.write_units, indexes=indexes)


def _overhead(
    objects: ObjectStore, settings: MigrationSettings, ledger: RecordLedger | None, records_per_second: float
) -> float:
    """Seconds a record that the plan's runs took beyond calls and writes."""
    reports = reports_of_runs(objects, ledger.runs()) if ledger else []
    return overhead_of_record(
        seconds=sum(report.seconds for report in reports),
        place_ids=sum(report.calls.get("http_attempts", 0) for report in reports),
        queries_per_minute=settings.queries_per_minute,
        records=sum(report.attempted for report in reports),
        records_per_second=records_per_second,
    )


def calls_left(rows: Sequence[Row], objects: ObjectStore, settings: MigrationSettings) -> int:
    """Calls that are still to be made now: a plan keeps those of the moment at which it was made."""
    ids = {row.place_id for row in rows if needs_place(row, enrich_stubs=settings.enrich_stubs)}
    return len(ids - fresh_entries(PlacesCache(objects), settings, ids).keys())


def present_lines(
    plan: Plan, manifest: Manifest, objects: ObjectStore, control: ControlStore, settings: MigrationSettings
) -> list[Line]:
    """The plan as it is reviewed now: with the calls that are left of it, and what is left of the day's quota."""
    rows = read_rows(objects, manifest)
    today = daily_quota(CallLedger.of(control, settings), settings)
    return plan_lines(plan, rows, settings, today, calls_left(rows, objects, settings))


def plan_lines(
    plan: Plan, rows: Sequence[Row], settings: MigrationSettings, today: DailyQuota, calls: int
) -> list[Line]:
    """The plan as it is reviewed; ``today`` is what is left of the quota, ``calls`` what is left to call."""
    found = plan.estimate
    stubs = sum(row.existing == Existing.STUB for row in rows if row.eligible)
    waves = [
        Line(
            "waves",
            f"{wave.number} {wave.name}: {wave.first_bucket}-{wave.last_bucket} ({wave.batch_size} a batch)",
            wave.records,
        )
        for wave in plan.waves
    ]
    return [
        *waves,
        Line("records", "that need a place", found.records),
        Line("records", "stubs of others, to be enriched" if settings.enrich_stubs else "stubs of others, left", stubs),
        Line("records", "MODIFY events of the stream", stubs if settings.enrich_stubs else 0),
        Line(f"calls, prices of {found.prices_as_of}", "distinct place ids", found.place_ids),
        Line(f"calls, prices of {found.prices_as_of}", "in the cache already", found.place_ids_cached),
        Line(f"calls, prices of {found.prices_as_of}", found.sku, found.calls),
        Line(f"calls, prices of {found.prices_as_of}", "free calls left this month", found.calls_free),
        Line(f"calls, prices of {found.prices_as_of}", "cost", f"$ {Decimal(found.calls_usd):,.2f}"),
        Line(f"calls, prices of {found.prices_as_of}", "budget of the month", f"$ {settings.budget_usd}"),
        Line("quota of the day", "by our own count", today.text),
        Line("quota of the day", f"the plan's calls that are left, {calls:,}", today.room_for(calls)),
        Line("writes", "write units, with the copies in the indexes", found.write_units),
        Line("writes", "cost, on demand", f"$ {Decimal(found.write_usd):,.4f}"),
        Line("time", _pace(settings), duration(found.seconds)),
        Line("time", "of it beyond calls and writes, as measured so far", duration(found.overhead_seconds)),
        Line("used by the runs so far", "calls", found.used_calls),
        Line("used by the runs so far", "cost of calls", f"$ {Decimal(found.used_usd):,.2f}"),
        Line("used by the runs so far", "write units", found.used_write_units),
        Line("plan", "id and revision", f"{plan.plan_id} revision {plan.revision}"),
        Line("plan", "table", plan.table_arn),
        Line("plan", "manifest", f"{plan.manifest_run_id} {plan.manifest_digest[:16]}"),
        Line("plan", "fingerprint", plan.fingerprint),
    ]


def _pace(settings: MigrationSettings) -> str:
    return f"{settings.queries_per_minute:g} calls a minute, {settings.write_utilisation:.0%} of the write limits"
