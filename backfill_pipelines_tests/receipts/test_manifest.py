"""The manifest: what it keeps, when it counts, when it is stale, and what its gates see."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from backfill_pipelines.backfill.failures import StoreError
from backfill_pipelines.receipts.assessment import Assessed, Census
from backfill_pipelines.receipts.assets import write_inventory
from backfill_pipelines.receipts.inventory import Inventory
from backfill_pipelines.receipts.inventory_gates import judge_equation, judge_malformed
from backfill_pipelines.receipts.keys import Malformed, MalformedReason
from backfill_pipelines.receipts.manifest import (
    FOLDER,
    Manifest,
    ManifestMissing,
    Totals,
    count_files,
    current_manifest,
    latest_manifest,
    new_run_id,
    read_counts,
    read_rows,
    row_of,
)
from backfill_pipelines.receipts.metadata import Metadata, eligibility, read_metadata
from backfill_pipelines.stores.items import Consumed
from backfill_pipelines.stores.objects import ObjectStore
from backfill_pipelines_tests.receipts import receipt_tables

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
ODD = Malformed("IMAGE#\u2028", "METADATA", MalformedReason.IMAGE_ID_NOT_UUID4)


def rows(count: int, **changes: Any) -> list[Metadata]:
    found = [read_metadata(receipt_tables.row_of(number % 256, **changes)) for number in range(count)]
    return [row for row in found if isinstance(row, Metadata)]


def inventory(metadata: Sequence[Metadata], malformed: Sequence[Malformed] = (), **changes: Any) -> Inventory:
    records = [Assessed(row, eligibility(row)) for row in metadata]
    scanned = len(records) + len(malformed)
    values: dict[str, Any] = {
        "table": "Receipts-1",
        "taken_at": NOW,
        "census": Census({"RECEIPT_METADATA": scanned}, records, malformed, frozenset(r.key for r in metadata)),
        "scanned_metadata": scanned,
        "rows_scanned": scanned,
        "places": 0,
        "consumed": Consumed(1.0),
        "requires_receipt": True,
    }
    return Inventory(**values | changes)


@pytest.fixture
def objects(tmp_path: Path) -> ObjectStore:
    return ObjectStore(url=str(tmp_path / "objects"), is_own=True)


def written(objects: ObjectStore, found: Inventory) -> Manifest:
    manifest, verdicts = write_inventory(objects, found)
    assert all(verdict.passed for verdict in verdicts), verdicts
    return manifest


def test_a_manifest_reads_back_as_it_was_written(objects: ObjectStore) -> None:
    found = inventory(rows(200, merchant_name="Caf\u00e9 \u2028 Nero"), [ODD])
    manifest = written(objects, found)
    assert manifest.run_id == "rp-20260105-0001"
    assert latest_manifest(objects, "Receipts-1") == manifest
    assert read_rows(objects, manifest) == [row_of(record) for record in found.census.records]
    assert count_files(objects, manifest) == Totals(200, 0, 1, 200)
    assert manifest.malformed_by_reason == {"image_id_not_uuid4": 1}
    assert {"section": "metadata rows", "name": "total", "value": 201, "share": ""} in read_counts(objects, manifest)


def test_equal_content_has_an_equal_digest_under_another_run_id(objects: ObjectStore) -> None:
    one = written(objects, inventory(rows(3)))
    other = written(objects, inventory(rows(3), taken_at=NOW + timedelta(hours=1)))
    assert (one.run_id, other.run_id) == ("rp-20260105-0001", "rp-20260105-0002")
    assert one.digest == other.digest
    assert written(objects, inventory(rows(3, place_id="ChIJBBBBBBBBBBBBBBBBBBBBBBB"))).digest != one.digest


def test_a_run_id_that_was_taken_and_never_finished_is_not_given_again(objects: ObjectStore) -> None:
    assert new_run_id(objects, NOW) == "rp-20260105-0001"
    assert new_run_id(objects, NOW) == "rp-20260105-0002"
    assert latest_manifest(objects, "Receipts-1") is None


def test_a_red_inventory_leaves_the_last_green_one_in_force(objects: ObjectStore) -> None:
    green = written(objects, inventory(rows(3)))
    _, verdicts = write_inventory(objects, inventory(rows(3), [ODD]))
    assert [verdict.passed for verdict in verdicts] == [True, False]
    assert current_manifest(objects, "Receipts-1", NOW) == green


def test_a_changed_file_is_noticed(objects: ObjectStore) -> None:
    manifest = written(objects, inventory(rows(3)))
    objects.write(f"{FOLDER}/{manifest.run_id}/bucket=01.jsonl", b"{}\n")
    with pytest.raises(StoreError, match=r"bucket=01\.jsonl is not what was written"):
        read_rows(objects, manifest)


def test_a_manifest_is_current_for_a_day_and_half_a_percent(objects: ObjectStore) -> None:
    manifest = written(objects, inventory(rows(200)))
    day = timedelta(hours=24)
    assert current_manifest(objects, "Receipts-1", NOW + day, metadata_rows=201) == manifest
    with pytest.raises(ManifestMissing, match=r"is stale: it was taken 24\.1 hours ago"):
        current_manifest(objects, "Receipts-1", NOW + day + timedelta(minutes=6))
    with pytest.raises(ManifestMissing, match="it counts 200 metadata rows, the table has 198"):
        current_manifest(objects, "Receipts-1", NOW, metadata_rows=198)
    with pytest.raises(
        ManifestMissing, match=r"Receipts-2 has no green manifest\. Repair: backfill receipts inventory"
    ):
        current_manifest(objects, "Receipts-2", NOW)


@pytest.mark.parametrize(
    ("scanned", "totals", "passed"),
    [
        (10, Totals(7, 2, 1, 9), True),
        (10, Totals(7, 1, 1, 8), False),
        (10, Totals(7, 2, 1, 8), False),
        (9, Totals(7, 2, 1, 9), False),
    ],
    ids=["all there", "a row is missing", "a record is there twice", "a row too many"],
)
def test_the_equation_is_exact(scanned: int, totals: Totals, passed: bool) -> None:
    assert judge_equation(scanned, totals).passed is passed


@pytest.mark.parametrize(("scanned", "malformed", "passed"), [(101, 1, True), (100, 1, False), (0, 0, False)])
def test_fewer_than_one_percent_may_be_malformed_of_at_least_one_row(
    scanned: int, malformed: int, passed: bool
) -> None:
    found = judge_malformed(scanned, [ODD] * malformed)
    assert found.passed is passed
    assert ("Repair" in found.text) is not passed
