"""The plan: its fingerprint names what changed, its revisions keep what was released, nobody edits it by hand."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from backfill_pipelines.receipts.manifest import Manifest, Row
from backfill_pipelines.receipts.migration_settings import MigrationSettings
from backfill_pipelines.receipts.plans import (
    FOLDER,
    Estimate,
    Plan,
    PlanRefused,
    current_plan,
    latest_plan,
    make_plan,
    save_plan,
)
from backfill_pipelines.stores.objects import ObjectStore
from backfill_pipelines_tests.receipts.builders import PLACE_ID
from backfill_pipelines_tests.receipts.receipt_tables import image

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
TABLE, ARN = "Receipts-1", "arn:aws:dynamodb:us-east-1:000000000000:table/Receipts-1"
SETTINGS = MigrationSettings()
ESTIMATE = Estimate(256, 1, 0, 1, "enterprise", 1, "0", 1536, "0.0019", 12.5, "2026-01-01")


@pytest.fixture
def objects(tmp_path: Path) -> ObjectStore:
    return ObjectStore(url=str(tmp_path), is_own=True)


def manifest(run_id: str = "rp-20260105-0001", **changes: object) -> Manifest:
    found = Manifest(
        run_id=run_id,
        table=TABLE,
        taken_at=NOW,
        scanned_metadata=256,
        rows_scanned=512,
        read_units=10.0,
        requires_receipt=True,
        by_reason={"eligible": 256},
        malformed_by_reason={},
        existing={"none": 256},
        places=0,
        files={"bucket=00.jsonl": {"rows": 1, "sha256": "aa"}},
    )
    return replace(found, **changes)  # type: ignore[arg-type]


def rows(count: int = 256, eligible: bool = True) -> list[Row]:
    return [Row(image(n), 1, f"{n:02x}", PLACE_ID, eligible, "eligible", "0" * 16, "none", ()) for n in range(count)]


def made(objects: ObjectStore, found: Sequence[Row] | None = None, released: int = 0, **changes: object) -> Plan:
    plan = make_plan(objects, manifest(), found or rows(), SETTINGS, ARN, ESTIMATE, released=released, now=NOW)
    return replace(plan, **changes)  # type: ignore[arg-type]


def test_a_saved_plan_is_read_back_whole(objects: ObjectStore) -> None:
    plan = made(objects)
    save_plan(objects, plan)
    assert latest_plan(objects, TABLE) == plan
    assert plan.plan_id == "plan-20260105-0001"
    assert latest_plan(objects, "Receipts-2") is None


def test_it_may_be_applied_as_long_as_nothing_changed(objects: ObjectStore) -> None:
    save_plan(objects, made(objects))
    later = manifest("rp-20260107-0001", taken_at=datetime(2026, 1, 7, tzinfo=UTC), read_units=99.0)
    limits = MigrationSettings(write_workers=3, budget_usd="7", queries_per_minute=1)
    assert current_plan(objects, later, limits, ARN).revision == 1, "a scan with the same content is no change"


@pytest.mark.parametrize(
    ("found", "settings", "arn", "named"),
    [
        (manifest(files={"bucket=00.jsonl": {"rows": 2, "sha256": "bb"}}), SETTINGS, ARN, "manifest_digest"),
        (manifest(), MigrationSettings(tier="pro"), ARN, "settings_digest"),
        (manifest(), SETTINGS, f"{ARN}-other", "table_arn"),
    ],
    ids=["manifest", "settings", "table"],
)
def test_a_change_refuses_the_plan_and_is_named(
    objects: ObjectStore, found: Manifest, settings: MigrationSettings, arn: str, named: str
) -> None:
    """Without the name of the change an operator makes a new plan and approves what he never saw."""
    save_plan(objects, made(objects))
    with pytest.raises(PlanRefused, match=rf"another state: {named} changed since\. Repair: backfill receipts") as why:
        current_plan(objects, found, settings, arn)
    assert "plan-20260105-0001 revision 1" in str(why.value)


def test_all_changes_are_named_at_once(objects: ObjectStore) -> None:
    save_plan(objects, made(objects, schema_version=0))
    with pytest.raises(PlanRefused, match="settings_digest, schema_version, table_arn changed"):
        current_plan(objects, manifest(), MigrationSettings(enrich_stubs=True), "arn:other")


def test_without_a_plan_nothing_may_be_applied(objects: ObjectStore) -> None:
    with pytest.raises(PlanRefused, match="Receipts-1 has no plan"):
        current_plan(objects, manifest(), SETTINGS, ARN)


def test_the_second_of_two_processes_that_save_one_revision_is_refused(objects: ObjectStore) -> None:
    """The loser's reviewer would believe in waves that do not count."""
    first, second = made(objects), made(objects, created_at=datetime(2026, 1, 6, tzinfo=UTC))
    save_plan(objects, first)
    with pytest.raises(PlanRefused, match="revision 1 of plan-20260105-0001 was saved by another process"):
        save_plan(objects, second)
    assert latest_plan(objects, TABLE) == first


def test_a_plan_that_was_edited_is_refused(objects: ObjectStore) -> None:
    save_plan(objects, made(objects))
    key = f"{FOLDER}/{TABLE}/revision-000001.json"
    ((_, content),) = objects.read([key])
    objects.write(key, content.replace(ARN.encode(), b"arn:other"))
    with pytest.raises(PlanRefused, match=r"revision-000001\.json was changed by hand"):
        latest_plan(objects, TABLE)


def test_a_new_revision_keeps_the_plans_name_and_the_ranges_that_were_released(objects: ObjectStore) -> None:
    """Moving a released wave would let records change waves after their gates were judged."""
    first = made(objects)
    save_plan(objects, first)
    grown = made(objects, [*rows(), *(replace(row, receipt_id=2) for row in rows(20))], released=2)
    save_plan(objects, grown)
    assert (grown.plan_id, grown.revision) == (first.plan_id, 2)
    ranges = [[(w.first_bucket, w.last_bucket) for w in plan.waves[:2]] for plan in (first, grown)]
    assert ranges[0] == ranges[1]
    assert sum(wave.records for wave in grown.waves) == 276
    assert latest_plan(objects, TABLE) == grown


def test_every_bucket_is_in_one_wave(objects: ObjectStore) -> None:
    plan = made(objects)
    assert [plan.wave_of(bucket).number for bucket in ("00", "0c", "ff")] == [1, 1, 4]
