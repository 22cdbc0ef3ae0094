"""The report on cost: what a snapshot counts, what stands before and after, and the gate on the projection."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from backfill_pipelines.receipts import query_gates
from backfill_pipelines.receipts.cost_report import (
    NOT_MEASURED,
    Row,
    Snapshot,
    report,
    save_snapshot,
    snapshot_before,
    take_snapshot,
)
from backfill_pipelines.receipts.cost_report_asset import COST_REPORT, build_cost_report
from backfill_pipelines.receipts.daily_quota import DailyQuota
from backfill_pipelines.receipts.id_refresh import id_ages
from backfill_pipelines.receipts.items import item_size
from backfill_pipelines.receipts.places_cache import PlacesCache
from backfill_pipelines.receipts.verification import attempts_of
from backfill_pipelines.runner import failure_text
from backfill_pipelines.stores.table_metrics import Usage
from backfill_pipelines_tests.receipts.builders import place_item
from backfill_pipelines_tests.receipts.migration_world import ESTIMATE
from backfill_pipelines_tests.receipts.receipt_tables import ReceiptsPlace, row_of
from backfill_pipelines_tests.receipts.verified_table import RECORDS, Migrated, migrate

NOW = datetime(2026, 1, 6, 9, 0, tzinfo=UTC)


def snapshot(moment: datetime, items: int = 1) -> Snapshot:
    return Snapshot(moment.isoformat(), items, {"table": 10}, 0, 0, 0, 0, 0, {"GSI1": 5.0})


def test_a_snapshot_counts_every_copy_by_the_size_rule(receipts: ReceiptsPlace) -> None:
    stub = {name: value for name, value in place_item(SK={"S": "RECEIPT#00002#PLACE"}).items() if "GSI4" not in name}
    stub = {name: value for name, value in stub.items() if name not in ("latitude", "longitude", "geohash")}
    rows = [place_item(), stub, row_of(1)]
    receipts.load(rows)
    found = take_snapshot(receipts.store, receipts.items.as_table().describe(), {"GSI1": 5.0}, NOW)
    assert (found.items, found.places, found.with_coordinates, found.with_geohash) == (3, 2, 1, 1)
    sizes = [item_size(row) + 100 for row in rows]
    assert found.stored["table"] == found.stored["GSITYPE"] == sum(sizes)
    assert found.stored["GSI1"] == sum(sizes[:2])
    assert found.stored["GSI4"] == sizes[0]


def test_before_is_the_newest_snapshot_from_before_the_first_run(receipts: ReceiptsPlace) -> None:
    assert snapshot_before(receipts.objects, receipts.name, "") is None
    for hours, items in ((0, 1), (2, 2), (6, 3)):
        save_snapshot(receipts.objects, receipts.name, snapshot(NOW + timedelta(hours=hours), items))
    begun = (NOW + timedelta(hours=4)).isoformat()
    found = snapshot_before(receipts.objects, receipts.name, begun)
    assert found is not None
    assert found.items == 2
    assert snapshot_before(receipts.objects, receipts.name, (NOW - timedelta(hours=1)).isoformat()) is None


@pytest.fixture
def migrated(
    ministack_endpoint: str, ministack_state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Migrated]:
    monkeypatch.setattr(query_gates, "LATENCY_SAMPLES", 2)
    made = migrate(ReceiptsPlace(ministack_endpoint, ministack_state, tmp_path / "objects"), tmp_path / "control.db")
    yield made
    made.stores.control.close()


def lines_of(migrated: Migrated, before: Snapshot | None, usage: tuple[Usage, Usage] | None = None) -> dict[str, Row]:
    entries = migrated.ledger.entries()
    rows = report(
        before,
        take_snapshot(migrated.place.store, migrated.place.items.as_table().describe(), {"GSI1": 7.25}, NOW),
        attempts_of(migrated.stores, migrated.plan.plan_id, migrated.ledger.runs()),
        entries.values(),
        PlacesCache(migrated.stores.objects).read({entry.place_id for entry in entries.values()}),
        1_000,
        ids=id_ages(migrated.stores.objects, {entry.place_id for entry in entries.values()}, NOW),
        sku="Place Details Enterprise",
        today=DailyQuota(1_000, 7, NOW + timedelta(hours=3)),
        now=NOW,
        usage=usage,
    )
    return {row.metric: row for row in rows}


def test_the_report_puts_before_beside_after_and_says_what_nobody_measured(migrated: Migrated) -> None:
    rows = lines_of(migrated, snapshot(NOW - timedelta(days=1), 2 * RECORDS))
    assert (rows["items"].before, rows["items"].after) == (f"{2 * RECORDS}", f"{3 * RECORDS - 1}")
    assert rows["places with geohash"].after == f"{RECORDS - 1} of {RECORDS - 1} (100.0%)"
    assert rows["calls, Place Details Enterprise"].after == "6 billable of 7 attempts"
    assert rows["spend on calls"].after == "$0"
    assert rows["free calls used"].after == "6 of 1,000"
    assert rows["calls left of the day"].after.startswith("993 of 1,000 calls left until")
    assert rows["cache hit rate"].after == "0 of 7 (0.0%)"
    assert rows["write units"].after == f"{18 * (RECORDS - 1):,}, $0.00070875"
    assert rows["our write units a minute (p50, p99)"].after == f"{18 * (RECORDS - 1):,}, {18 * (RECORDS - 1):,}"
    assert rows["content age (median, oldest)"].after == "0.9 days, 0.9 days"
    assert rows["place ids, by the free call"].after == "0 refreshed (0 moved, 0 gone), 0 older than 365 days"
    assert (rows["query p99, GSI1"].before, rows["query p99, GSI1"].after) == ("5.0 ms", "7.2 ms")
    nobody_looked = lines_of(migrated, None)
    assert nobody_looked["items"].before == NOT_MEASURED
    assert nobody_looked["write units a minute of all writers (p50, p99)"].after == NOT_MEASURED
    usage = (Usage((6.0, 60.0), 1.0, {}), Usage((), 1.0, {}))
    measured = lines_of(migrated, None, usage)["write units a minute of all writers (p50, p99)"]
    assert (measured.before, measured.after) == ("6, 60", "nothing written")


def test_the_asset_shows_the_report_and_is_red_beyond_the_projection(migrated: Migrated) -> None:
    with dg.DagsterInstance.ephemeral() as instance:

        def run() -> dg.ExecuteInProcessResult:
            return dg.materialize(
                [build_cost_report()],
                instance=instance,
                resources={
                    "items": migrated.place.items,
                    "objects": migrated.stores.objects,
                    "control": migrated.stores.control,
                    "migration": migrated.stores.settings,
                },
                run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
                raise_on_error=False,
            )

        green = run()
        assert green.success, failure_text(green)
        (event,) = green.asset_materializations_for_node("receipts__cost_report")
        assert "| places | not measured | 63 | scan |" in event.metadata["receipts/before_after"].value
        from backfill_pipelines.receipts.plans import save_plan

        small = replace(ESTIMATE, calls=6)
        save_plan(migrated.stores.objects, replace(migrated.plan, revision=2, estimate=small))
        red = run()
        assert not red.success
        assert "calls: 7 is more than 102 % of 6" in failure_text(red)
    assert COST_REPORT.path == ["receipts", "cost_report"]
