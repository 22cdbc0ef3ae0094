"""The asset that says what the migration has cost: before and after, with the gate on its projection."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

import dagster as dg

from backfill_pipelines.receipts.call_ledger import CallLedger
from backfill_pipelines.receipts.cost_report import report, save_snapshot, snapshot_before, take_snapshot
from backfill_pipelines.receipts.daily_quota import daily_quota
from backfill_pipelines.receipts.id_refresh import id_ages
from backfill_pipelines.receipts.places_cache import PlacesCache
from backfill_pipelines.receipts.plans import Plan
from backfill_pipelines.receipts.prices import SKUS
from backfill_pipelines.receipts.projection import WITHIN_PROJECTION, WORDS, Metered, cost_within_projection
from backfill_pipelines.receipts.query_gates import measure_latency
from backfill_pipelines.receipts.table_rows import read_table
from backfill_pipelines.receipts.verification import Stores, attempts_of, plan_of, usage_of
from backfill_pipelines.receipts.verification_asset import RESOURCES, VERIFICATION, conclude, stores_of, table_of
from backfill_pipelines.stores.dynamodb_tables import TableState

COST_REPORT = dg.AssetKey(["receipts", "cost_report"])
_TEXT = """Calls, money, write units, storage and latency of the migration, before and after, against its plan.

Reads only. "Before" is the snapshot that preflight takes; the bill of the API is more than 99 % of the cost."""


def build_cost_report() -> dg.AssetsDefinition:
    """The asset."""

    @dg.asset(
        key=COST_REPORT,
        deps=[VERIFICATION],
        group_name="receipts",
        kinds={"dynamodb", "python"},
        owners=["team:receipts"],
        description=_TEXT,
        check_specs=[
            dg.AssetCheckSpec(WITHIN_PROJECTION, asset=COST_REPORT, blocking=True, description=WORDS[WITHIN_PROJECTION])
        ],
        required_resource_keys=RESOURCES,
    )
    def cost_report(context: dg.AssetExecutionContext) -> Iterator[Any]:
        resources: Any = context.resources
        table = resources.items.named()
        stores = stores_of(resources)
        plan = plan_of(stores.objects, table)
        result = cost_within_projection(Metered.of(*_metered(stores, plan)), plan.estimate)
        lines = _lines(stores, plan, resources.items.as_table().describe())
        about = {
            "receipts/before_after": table_of(lines),
            "receipts/plan": f"{plan.plan_id} revision {plan.revision}",
            "receipts/prices_as_of": plan.estimate.prices_as_of,
            "receipts/estimate": dict(asdict(plan.estimate)),
        }
        yield from conclude(COST_REPORT, [result], about)

    return cost_report


def snapshot_now(stores: Stores, table: str, state: TableState, seed: str) -> None:
    """Take and keep a snapshot, for the reports to come."""
    save_snapshot(stores.objects, table, take_snapshot(stores.items, state, _p99(stores, seed)))


def _metered(stores: Stores, plan: Plan) -> tuple[Any, Any]:
    ledger = stores.ledger(plan)
    return attempts_of(stores, plan.plan_id, ledger.runs()), ledger.entries()


def _lines(stores: Stores, plan: Plan, state: TableState) -> list[dict[str, Any]]:
    attempts, entries = _metered(stores, plan)
    runs = stores.ledger(plan).runs()
    begun = min(runs.values(), default="")
    after = take_snapshot(stores.items, state, _p99(stores, plan.plan_id))
    tier, now = stores.settings.wanted_tier, datetime.fromisoformat(after.taken_at)
    free = SKUS[tier].free_per_month if stores.settings.free_calls is None else stores.settings.free_calls
    place_ids = sorted({entry.place_id for entry in entries.values()})
    rows = report(
        snapshot_before(stores.objects, plan.table, begun),
        after,
        attempts,
        entries.values(),
        PlacesCache(stores.objects).read(place_ids),
        free,
        ids=id_ages(stores.objects, place_ids, now),
        sku=SKUS[tier].name,
        today=daily_quota(CallLedger.of(stores.control, stores.settings), stores.settings, now),
        now=now,
        usage=usage_of(stores.metrics, runs, now) if stores.metrics and runs else None,
    )
    return [asdict(row) for row in rows]


def _p99(stores: Stores, seed: str) -> Mapping[str, float]:
    return measure_latency(stores.items, read_table(stores.items).places, seed)
