"""The time that a plan estimates: at the table's own capacity, with the overhead that its runs have measured."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from backfill_pipelines.receipts.call_ledger import CallLedger
from backfill_pipelines.receipts.daily_quota import daily_quota
from backfill_pipelines.receipts.manifest import latest_manifest, read_counts, read_rows
from backfill_pipelines.receipts.migration_plan import calls_left, limits_of, plan_lines
from backfill_pipelines.receipts.migration_settings import MigrationSettings
from backfill_pipelines.receipts.run_reports import load_reports, save_report
from backfill_pipelines.stores.dynamodb_tables import IndexState, TableState
from backfill_pipelines_tests.receipts.builders import answer
from backfill_pipelines_tests.receipts.receipt_tables import receipt_of, row_of
from backfill_pipelines_tests.receipts.test_preflight import state
from backfill_pipelines_tests.receipts.writing_world import World, world

OTHER = "ChIJ_somewhere_unknown"


@pytest.fixture
def here(ministack_endpoint: str, ministack_state: Path, tmp_path: Path) -> Iterator[World]:
    with world(ministack_endpoint, ministack_state, tmp_path) as made:
        made.prepare([item for n in range(8) for item in (row_of(n), receipt_of(n))])
        yield made


def test_the_overhead_of_the_pilot_is_added_for_the_records_that_are_left(here: World) -> None:
    """Fetching and writing alone are never what a run takes."""
    assert here.plan.estimate.overhead_seconds == 0
    result = here.run("00", "03", origin="pilot")
    assert result.success
    (report,) = load_reports(here.place.objects, "pilot")
    save_report(here.place.objects, replace(report, seconds=400.0))
    save_report(here.place.objects, replace(report, origin="dry", run_id="a dry run", seconds=1e6))
    here.prepare()
    plan = here.plan
    assert plan.estimate.records == 4
    assert plan.estimate.overhead_seconds == pytest.approx(400, rel=0.01)
    assert plan.estimate.seconds > plan.estimate.overhead_seconds
    manifest = latest_manifest(here.place.objects, here.place.name)
    assert manifest is not None
    today = daily_quota(CallLedger.of(here.control, here.settings), here.settings)
    rows = read_rows(here.place.objects, manifest)
    left = calls_left(rows, here.place.objects, here.settings)
    lines = plan_lines(plan, rows, here.settings, today, left)
    shown = {line.name: line.shown for line in lines}
    assert (left, "the plan's calls that are left, 0" in shown) == (0, True), "what is cached is called no more"
    assert shown["of it beyond calls and writes, as measured so far"] == "7 min"


def test_coordinates_are_counted_once_the_answers_are_in_the_cache(here: World) -> None:
    """The metadata has none; the documents want to know how many records will have them."""
    shown = [line for line in counts(here) if line["section"] == "coordinates"]
    assert [line["value"] for line in shown] == ["not in source"]
    here.places.bodies = {**here.places.bodies, OTHER: answer(location=...)}
    here.prepare([row_of(9, place_id=OTHER), receipt_of(9)])
    assert here.run("00", "09").success
    here.prepare()
    (line,) = [line for line in counts(here) if line["section"] == "coordinates"]
    assert (line["name"], line["value"], line["share"]) == ("records with coordinates", 8, "88.9 %")


def counts(here: World) -> list[dict[str, Any]]:
    manifest = latest_manifest(here.place.objects, here.place.name)
    assert manifest is not None
    return read_counts(here.place.objects, manifest)


def provisioned(**units: float) -> TableState:
    found = state(200.0)
    changed: dict[str, IndexState] = {name: replace(found.indexes[name], write_units=u) for name, u in units.items()}
    return replace(found, indexes={**found.indexes, **changed})


def test_the_rate_is_that_of_the_narrowest_of_table_and_indexes() -> None:
    settings = MigrationSettings(write_utilisation=0.5)
    assert limits_of(None, settings).units_per_second == 500
    assert limits_of(state(None), settings).units_per_second == 500
    assert limits_of(provisioned(), settings).units_per_second == 100
    assert limits_of(provisioned(GSI3=50.0), settings).units_per_second == 25
