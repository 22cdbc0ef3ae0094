"""``backfill promote plan`` and ``run`` as an operator uses them: dry run, plan, refusals, and the exit codes."""

import json
import os
import shutil
import signal
from typing import Any

import pytest

from backfill_pipelines.receipts.migration_context import writer_lease
from backfill_pipelines.receipts.promotion.begun_images import begun_images
from backfill_pipelines.receipts.promotion.export_reading import read_export
from backfill_pipelines.receipts.promotion.image_outcomes import ImageOutcome
from backfill_pipelines.receipts.promotion.planned_image import PlannedImage
from backfill_pipelines.receipts.promotion.promotion_ledger import PromotionLedger
from backfill_pipelines.receipts.promotion.promotion_reports import all_reports
from backfill_pipelines.receipts.promotion.promotion_settings import PromotionSettings
from backfill_pipelines.receipts.try_out import SPEC
from backfill_pipelines.stores.control import ControlStore
from backfill_pipelines.stores.dynamodb_tables import DynamoTable
from backfill_pipelines.stores.objects import ObjectStore
from backfill_pipelines_tests.receipts.promotion.copy_world import Copying, copying, image, planned, wide_export
from backfill_pipelines_tests.receipts.promotion.desk import Desk
from backfill_pipelines_tests.receipts.promotion.exports import (
    BUCKETS,
    RAW,
    RULES,
    UPLOADS,
    needs_exports,
    real_exports,
)
from backfill_pipelines_tests.stores.item_servers import connected

REAL_SUMMARY = """Mode: DRY RUN
No records will be copied. Use --apply to copy.
Images: 6  absent 5  identical 0  differs 0  partial 0  quarantined 1
Entity counts:
  images: 5
  receipts: 7
"""


@needs_exports
def test_the_dry_run_of_the_public_exports_prints_the_documents_summary(desk: Desk) -> None:
    for file in real_exports():
        shutil.copy(file, desk.exports)
    result = desk.promote("run")
    assert result.exit_code == 1, result.output
    assert REAL_SUMMARY in result.output
    assert "  receipt_places: 0\n" in result.output
    assert "Embedding rows to create: 910   WRU: " in result.output
    assert "stream messages: 0\n" in result.output
    assert "88e95723-3beb-4dcb-ba4b-cf24b3b70565 quarantined unknown_bucket" in result.output
    assert "errors: quarantined FAIL: 1 of 6" in result.output
    assert desk.target.digests() == {}


@needs_exports
def test_the_public_exports_arrive_whole_once_their_buckets_are_known(desk: Desk) -> None:
    wanted: dict[str, str] = {}
    for file in real_exports():
        shutil.copy(file, desk.exports)
    keep = ("--bucket-map", f"{UPLOADS}={UPLOADS}")
    assert desk.promote("plan", *keep).exit_code == 0
    result = desk.promote("run", "--execute", *keep)
    assert result.exit_code == 0, result.output
    assert "copied 6" in result.output
    assert "Items written: 2,653" in result.output
    rules = type(RULES)({**BUCKETS, UPLOADS: UPLOADS})
    for file in real_exports():
        found = read_export(file.name, file.read_bytes(), rules)
        assert isinstance(found, PlannedImage)
        wanted |= {" ".join(item.key): item.digest for item in found.items}
    assert desk.target.digests() == wanted
    again = desk.promote("run", "--apply", *keep)
    assert again.exit_code == 0, again.output
    assert "identical 6" in again.output
    assert "Items written: 0 (none)" in again.output
    assert desk.target.digests() == wanted


def test_nothing_is_written_without_a_plan_or_after_its_source_has_changed(desk: Desk) -> None:
    desk.export(1, 2)
    assert desk.promote("run").exit_code == 0
    refused = desk.promote("run", "--apply")
    assert refused.exit_code == 2
    assert "has no plan" in refused.output
    desk.planned()
    desk.export(3)
    changed = desk.promote("run", "--apply")
    assert changed.exit_code == 2
    assert "1 images were added, removed or written anew" in " ".join(changed.output.split())
    assert desk.target.digests() == {}
    desk.planned()
    assert desk.promote("run", "--apply").exit_code == 0
    with_other_choices = desk.promote("run", "--apply", "--accept-loss", "receipt_barcodes")
    assert with_other_choices.exit_code == 2


def test_a_production_table_needs_its_name_and_the_plans_fingerprint(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BACKFILL_PRODUCTION_TABLES", json.dumps([desk.target.table]))
    desk.export(1)
    fingerprint = desk.planned()
    for words in ((), ("--confirm", desk.target.table), ("--fingerprint", fingerprint), ("--confirm", "Other")):
        refused = desk.promote("run", "--apply", *words)
        assert refused.exit_code == 2, refused.output
        assert "production table" in refused.output
    stale = desk.promote("run", "--apply", "--confirm", desk.target.table, "--fingerprint", "0" * 64)
    assert stale.exit_code == 2
    assert "the plan in force is" in stale.output
    assert desk.target.digests() == {}
    done = desk.promote("run", "--apply", "--confirm", desk.target.table, "--plan", fingerprint)
    assert done.exit_code == 0, done.output


def test_a_table_whose_name_says_prod_needs_its_name_although_no_setting_lists_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = Copying(desk.target.endpoint, desk.target.folder, desk.target.control, f"{desk.target.table}-prod")
    desk.export(1)
    for name in (target.table, desk.target.table):
        monkeypatch.setenv("BACKFILL_PROMOTION_TARGET_TABLE", name)
        desk.planned()
        result = desk.promote("run", "--apply")
        assert result.exit_code == (2 if name == target.table else 0), result.output
    assert target.digests() == {}


@pytest.mark.parametrize(
    ("table", "is_production"),
    [
        ("ReceiptsTable-prod", True),
        ("receipts_production", True),
        ("PROD", True),
        ("ReceiptsTable-dev", False),
        ("products", False),
        ("promoted-trial", False),
        ("ReceiptsTable-prod-copy", False),
    ],
)
def test_production_is_what_is_listed_or_ends_in_prod(table: str, is_production: bool) -> None:
    settings = PromotionSettings(production_tables=["Listed"])
    assert settings.production_names(table) == ["Listed", *([table] if is_production else [])]


def test_a_second_writer_is_refused_and_the_holder_named(desk: Desk) -> None:
    desk.export(1)
    desk.planned()
    control = ControlStore(url=desk.target.control.url)
    try:
        with writer_lease(control, desk.target.table, "rp-20260105-0001", "a place migration"):
            refused = desk.promote("run", "--apply")
    finally:
        control.close()
    assert refused.exit_code == 4, refused.output
    assert "rp-20260105-0001 (a place migration)" in " ".join(refused.output.split())
    assert desk.target.digests() == {}
    assert desk.promote("run", "--apply").exit_code == 0


def test_a_table_that_is_deleted_in_the_middle_ends_the_run_with_its_report_and_the_next_run_goes_on(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BACKFILL_PROMOTION_WORKERS", "1")
    desk.export(1, 2, 3)
    desk.planned()
    client, settle = connected(desk.target.endpoint), PromotionLedger.settle

    def settled_then_deleted(self: PromotionLedger, *arguments: Any, **named: Any) -> None:
        settle(self, *arguments, **named)
        client.delete_table(TableName=desk.target.table)

    with monkeypatch.context() as patch:
        patch.setattr(PromotionLedger, "settle", settled_then_deleted)
        ended = desk.promote("run", "--apply")
    assert ended.exit_code == 4, ended.output
    output = " ".join(ended.output.split())
    assert "copied 1" in output
    assert " failed interrupted: " in output
    assert "ok images in scope" in output
    assert output.count("store_refused: ") == output.count("goes on, and writes nothing twice") == 1
    assert f"{desk.target.table}: " in output
    assert "then backfill promote run --buckets 01-03 --apply goes on" in output
    (report,) = [one for one in all_reports(ObjectStore(url=str(desk.target.folder / "objects"))) if not one.dry_run]
    assert (report.stop, report.count(ImageOutcome.COPIED), report.images) == ("store_refused", 1, 3)
    assert report.count(ImageOutcome.FAILED) + report.count(ImageOutcome.NOT_ATTEMPTED) == 2
    DynamoTable(desk.target.table, client).ensure(SPEC)
    again = desk.promote("run", "--apply")
    assert again.exit_code == 0, again.output
    assert "copied 3" in again.output
    assert begun_images(desk.target.control, desk.target.table) == []


def test_ctrl_c_ends_a_run_with_its_report_and_the_next_run_goes_on(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dagster takes it for an error and would begin the step again."""
    monkeypatch.setenv("BACKFILL_PROMOTION_WORKERS", "1")
    desk.export(*range(1, 9))
    desk.planned()
    settle, settled = PromotionLedger.settle, list[str]()

    def interrupting(self: PromotionLedger, run_id: str, image_id: str, *arguments: Any, **named: Any) -> None:
        settle(self, run_id, image_id, *arguments, **named)
        settled.append(image_id)
        if len(settled) == 1:
            os.kill(os.getpid(), signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setattr(PromotionLedger, "settle", interrupting)
        ended = desk.promote("run", "--apply")
    assert ended.exit_code == 4, ended.output
    assert 1 <= len(settled) < 8
    output = " ".join(ended.output.split())
    assert f"copied {len(settled)}" in output
    assert f"not_attempted {8 - len(settled)}" in output
    assert "interrupted: images in flight were brought to their end" in output
    assert "then backfill promote run --buckets 01-08 --apply goes on" in output
    assert begun_images(desk.target.control, desk.target.table) == []
    again = desk.promote("run", "--apply")
    assert again.exit_code == 0, again.output
    assert f"identical {len(settled)}" in again.output


def test_one_image_is_copied_and_the_others_are_not_asked_for(desk: Desk) -> None:
    desk.export(1, 2)
    desk.planned()
    result = desk.promote("run", "--apply", "--image", image(1))
    assert result.exit_code == 0, result.output
    assert "copied 1" in result.output
    assert desk.target.partition(2) == {}
    unknown = desk.promote("run", "--apply", "--image", image(7))
    assert unknown.exit_code == 2
    assert f"has no {image(7)}" in unknown.output


def test_a_full_embedding_backlog_parks_what_is_left_and_says_how_to_go_on(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BACKFILL_PROMOTION_EMBEDDING_BACKLOG_LIMIT", "13")
    monkeypatch.setenv("BACKFILL_PROMOTION_CHUNK_IMAGES", "2")
    desk.export(1, 2, 3)
    desk.planned()
    result = desk.promote("run", "--apply")
    assert result.exit_code == 3, result.output
    assert "copied 2" in result.output
    assert "parked 1" in result.output
    assert result.output.count("parked_backlog") == 1, "it is one reason, whatever the number of images and buckets"
    assert "Repair: backfill promote embed --apply, then the same command" in " ".join(result.output.split())
    monkeypatch.delenv("BACKFILL_PROMOTION_EMBEDDING_BACKLOG_LIMIT")
    assert desk.promote("run", "--apply").exit_code == 0
    assert len(desk.target.partition(3)) > 0


def test_an_image_that_prod_has_with_other_content_is_reported_with_its_differences(desk: Desk) -> None:
    desk.target.copier().copy(planned(1, words=3))
    before = desk.target.digests()
    desk.export(1, words=5)
    desk.planned()
    result = desk.promote("run", "--apply")
    assert result.exit_code == 0, result.output
    assert "differs 1" in result.output
    assert "words: 2 only in the source" in result.output
    assert desk.target.digests() == before


def test_an_accepted_image_excuses_itself_only(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was accepted as one that may be quarantined, and is named in the report for another reason."""
    monkeypatch.setenv("BACKFILL_PROMOTION_ACCEPTED_IMAGES", json.dumps([image(1)]))
    desk.target.copier().copy(planned(1, words=3))
    desk.export(1, words=5)
    foreign = wide_export(2, 5)
    foreign["ocr_jobs"][0]["s3_bucket"] = "somebody-elses"
    (desk.exports / f"{image(2)}.json").write_text(json.dumps(foreign))
    result = desk.promote("run")
    assert result.exit_code == 1, result.output
    assert "errors: quarantined FAIL: 1 of 2" in result.output
    monkeypatch.setenv("BACKFILL_PROMOTION_ACCEPTED_IMAGES", json.dumps([image(2)]))
    assert desk.promote("run").exit_code == 0


def test_a_failed_image_makes_its_bucket_red_and_the_others_go_on(desk: Desk) -> None:
    desk.export(1, 2)
    bad = wide_export(3, 2) | {"receipt_barcodes": [{"barcode": "1"}]}
    (desk.exports / f"{image(3)}.json").write_text(json.dumps(bad))
    plan = desk.promote("plan")
    assert plan.exit_code == 0, plan.output
    result = desk.promote("run", "--apply")
    assert result.exit_code == 1
    assert "every_image_is_settled" in result.output
    assert f"{image(3)} failed unknown_list" in result.output
    assert len(desk.target.partition(1)) > 0
    control = ControlStore(url=desk.target.control.url)
    try:
        (run_id,) = PromotionLedger(control, desk.target.table).runs()
        tally = PromotionLedger(control, desk.target.table).tally(run_id)
    finally:
        control.close()
    assert {f"{outcome} {reason}".strip(): n for (outcome, reason), n in tally.items()} == {
        "copied": 2,
        "failed unknown_list": 1,
    }


def test_a_named_image_is_replaced_once_its_stream_messages_are_accepted(desk: Desk) -> None:
    desk.target.copier().copy(planned(1, words=3))
    desk.export(1, 2, words=5)
    desk.planned()
    dry = desk.promote("run", "--replace", image(1))
    assert dry.exit_code == 0, dry.output
    assert f"{image(1)} differs would_replace" in dry.output
    assert "stream messages: 0" in dry.output
    refused = desk.promote("run", "--apply", "--replace", image(1))
    assert refused.exit_code == 2, refused.output
    assert "--accept-stream-events 0" in " ".join(refused.output.split())
    accepted = ("--accept-stream-events", "0", "--dead-letters", "0")
    done = desk.promote("run", "--apply", "--replace", image(1), *accepted)
    assert done.exit_code == 0, done.output
    assert "copied 1" in done.output
    assert desk.target.partition(1).keys() == {item.key[1] for item in planned(1, words=5).items}
    assert desk.target.partition(2) == {}, "it was not named"


def test_the_source_table_itself_is_promoted_with_what_only_it_knows(
    desk: Desk, ministack_endpoint: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    keeps = type(RULES)({name: name for name in BUCKETS})
    found = read_export(f"{image(1)}.json", json.dumps(wide_export(1, 4)).encode(), keeps)
    assert isinstance(found, PlannedImage)
    with copying(ministack_endpoint, tmp_path_factory.mktemp("dev")) as dev:
        dev.copier().copy(found)
        word = next(item.item for item in found.items if item.type_name == "WORD")
        dev.store.put({**word, "seen_by": {"S": "somebody"}})
        source = ("--from-table", dev.table)
        assert desk.typed("plan", *source).exit_code == 0
        done = desk.typed("run", "--apply", *source)
    assert done.exit_code == 0, done.output
    assert "copied 1" in done.output
    copied = desk.target.partition(1)
    assert copied.keys() == {item.key[1] for item in found.items}
    assert copied[word["SK"]["S"]]["seen_by"] == {"S": "somebody"}
    assert copied["IMAGE"]["raw_s3_bucket"] == {"S": BUCKETS[RAW]}
