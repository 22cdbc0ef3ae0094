"""``backfill promote verify`` and ``rollback`` as an operator uses them: what they say, refuse, and exit with."""

import json

import pytest

from backfill_pipelines.receipts.promotion.rollback_ledger import RollbackLedger, Undone
from backfill_pipelines.receipts.promotion.verification_run import FOLDER
from backfill_pipelines.stores.dynamodb import DynamoItemStore
from backfill_pipelines.stores.item_errors import AccessDenied
from backfill_pipelines_tests.receipts.promotion.copy_world import image, planned, wide_export
from backfill_pipelines_tests.receipts.promotion.desk import Desk
from backfill_pipelines_tests.receipts.promotion.undo_world import IMAGE_ROW, LABEL, LINE, change, embedded


def said(output: str) -> str:
    """The output with its line breaks and boxes taken out."""
    return " ".join(output.replace("│", " ").split())


def test_a_green_verification_says_what_is_there_and_what_comes_next(desk: Desk) -> None:
    run_id = desk.copied(1, 2)
    found = desk.typed("verify")
    assert found.exit_code == 0, found.output
    text = said(found.output)
    for wanted in ("images copied 2", "images missing 0", f"runs {run_id}", "every image is as its source says"):
        assert wanted in text
    assert "every_image_is_whole: PASS: 2 of 2 images are there and whole" in text
    assert "objects_present: NOT_APPLICABLE: nobody asked for the files" in text
    # A word is noise in neither image, their lines are: five words of each wait.
    assert "embedding now, noise left out 10 NONE" in text
    assert "next: backfill promote embed --apply" in text
    (report,) = (desk.exports.parent / "objects" / FOLDER / desk.target.table).iterdir()
    assert [json.loads(line)["found"] for line in report.read_text().splitlines()] == ["copied", "copied"]


def test_what_is_missing_half_there_or_changed_is_red_and_named(desk: Desk) -> None:
    desk.copied(1, 2, 3)
    pk = {"PK": {"S": f"IMAGE#{image(1)}"}}
    desk.target.store.delete({**pk, "SK": {"S": IMAGE_ROW}})
    for sk in desk.target.partition(2):
        desk.target.store.delete({"PK": {"S": f"IMAGE#{image(2)}"}, "SK": {"S": sk}})
    change(desk.target, 3, LABEL, validation_status={"S": "INVALID"})
    found = desk.typed("verify")
    assert found.exit_code == 1, found.output
    text = said(found.output)
    assert f"{image(1)} partial no IMAGE row" in text
    assert f"{image(2)} missing copied by {desk.run_id}" in text
    assert f"{image(3)} differs receipt_word_labels: 1 only in the source, 1 only in the target" in text
    assert "every_image_is_whole: FAIL: 1 of 3 images are there and whole" in text
    assert "fingerprint_equal: FAIL: 0 of 1 images of the promotion are equal" in text
    assert "next: backfill promote run --apply" in text


def test_an_image_of_others_that_differs_is_reported_and_not_red(desk: Desk) -> None:
    """Insert only: the promotion does not answer for what it never wrote."""
    for item in planned(1, words=3).items:
        desk.target.store.put(item.item)
    for item in planned(2, words=5).items:
        desk.target.store.put(item.item)
    desk.copied(1, 2)
    found = desk.typed("verify")
    assert found.exit_code == 0, found.output
    text = said(found.output)
    assert "images identical 1" in text
    assert f"{image(1)} differs words: 2 only in the source" in text
    assert "1 of others differ" in text


def test_a_quarantined_image_is_red_unless_it_was_accepted_and_a_failed_one_is_red(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    foreign = wide_export(2, 5)
    foreign["ocr_jobs"][0]["s3_bucket"] = "somebody-elses"
    (desk.exports / f"{image(2)}.json").write_text(json.dumps(foreign))
    desk.export(1)
    desk.planned()
    assert desk.promote("run", "--apply").exit_code == 1, "one of two is too much"
    found = desk.typed("verify")
    assert found.exit_code == 1, found.output
    assert "set aside: unknown_bucket 1" in said(found.output)
    assert (
        f"errors: FAIL: 1 of 2 (50.00%), that is everything; allowed is less than 1.00%; 0 accepted by name {image(2)}"
        in said(found.output)
    )
    monkeypatch.setenv("BACKFILL_PROMOTION_ACCEPTED_IMAGES", json.dumps([image(2)]))
    accepted = desk.typed("verify")
    assert accepted.exit_code == 0, accepted.output
    assert "1 accepted by name" in said(accepted.output)
    (desk.exports / f"{image(3)}.json").write_text(json.dumps(wide_export(3, 5) | {"barcodes": [{"barcode": "1"}]}))
    desk.planned()
    failed = desk.typed("verify")
    assert failed.exit_code == 1
    assert f"{image(3)} failed unknown_list" in said(failed.output)


def test_files_are_asked_for_in_the_targets_buckets_when_that_is_said(desk: Desk) -> None:
    desk.copied(1)
    refused = desk.typed("verify", "--check-objects")
    assert refused.exit_code == 2, refused.output
    assert "there is no bucket" in said(refused.output)


def test_nothing_can_be_verified_before_something_was_planned(desk: Desk) -> None:
    found = desk.typed("verify")
    assert found.exit_code == 2
    assert "nothing was planned" in said(found.output)


def test_a_table_that_refuses_in_the_middle_of_a_rollback_stops_it_and_the_same_command_goes_on(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BACKFILL_PROMOTION_WORKERS", "1")
    run_id = desk.copied(1, 2)
    accepted = ("rollback", run_id, "--apply", "--accept-stream-events", "4")
    settle, settled = RollbackLedger.settle, list[str]()

    def denied_after(self: RollbackLedger, undone: Undone) -> None:
        settle(self, undone)
        settled.append(undone.image_id)
        patch.setattr(DynamoItemStore, "query", denied)

    def denied(*_: object, **__: object) -> object:
        raise AccessDenied(desk.target.table, "Query", "", "the session has expired")

    with monkeypatch.context() as patch:
        patch.setattr(RollbackLedger, "settle", denied_after)
        stopped = desk.typed(*accepted)
    assert stopped.exit_code == 4, stopped.output
    text = said(stopped.output)
    assert "the session has expired" in text
    assert "1 of 2 images had been gone through until then; the same command goes on" in text
    assert len(settled) == 1
    done = desk.typed(*accepted)
    assert done.exit_code == 0, done.output
    assert desk.target.digests() == {}


def test_a_rollback_shows_first_and_then_takes_the_run_back(desk: Desk) -> None:
    desk.target.copier("pr-0").copy(planned(9))
    before = desk.target.digests()
    run_id = desk.copied(1, 2)
    after = desk.target.digests()
    preview = desk.typed("rollback", run_id)
    assert preview.exit_code == 0, preview.output
    text = said(preview.output)
    assert "rollback, dry run: nothing was written" in text
    assert "images to take back 2" in text
    assert "4 messages, and up to 14 more (handler version dependent)" in text
    assert f"next: backfill promote rollback {run_id} --apply --accept-stream-events 4" in text
    assert desk.target.digests() == after
    refused = desk.typed("rollback", run_id, "--apply", "--accept-stream-events", "3")
    assert refused.exit_code == 2
    assert "--accept-stream-events 4" in said(refused.output)
    done = desk.typed("rollback", run_id, "--apply", "--accept-stream-events", "4")
    assert done.exit_code == 0, done.output
    assert "images rolled back 2" in said(done.output)
    assert "images_as_before_the_run: PASS: 2 images read back" in said(done.output)
    assert desk.target.digests() == before
    again = desk.typed("rollback", run_id)
    assert "nothing is left to take back" in said(again.output)
    verified = desk.typed("verify")
    assert verified.exit_code == 1
    assert f"{image(1)} missing rolled_back by {run_id}" in said(verified.output)


def test_a_bucket_that_was_rolled_back_is_copied_again_by_the_next_run(desk: Desk) -> None:
    run_id = desk.copied(1)
    copied = desk.target.digests()
    assert desk.typed("rollback", run_id, "--apply", "--accept-stream-events", "2").exit_code == 0
    again = desk.promote("run", "--apply")
    assert again.exit_code == 0, again.output
    assert "copied 1" in again.output
    assert desk.target.digests() == copied


def test_kept_images_are_named_with_what_changed(desk: Desk) -> None:
    run_id = desk.copied(1, 2)
    change(desk.target, 1, LABEL, validation_status={"S": "INVALID"})
    desk.target.store.put(embedded(desk.target.partition(2)[LINE]))
    preview = said(desk.typed("rollback", run_id).output)
    assert f"kept: {image(1)}: 1 items changed_since" in preview
    assert 'validation_status: "VALID" -> "INVALID"' in preview
    assert f"kept: {image(2)}: 1 items embedded_since" in preview
    assert f"to take them back: backfill promote rollback {run_id} --include-embedded" in preview
    words = ("--include-embedded", "--apply", "--accept-stream-events", "2")
    done = desk.typed("rollback", run_id, *words)
    assert done.exit_code == 0, done.output
    assert (desk.target.partition(2), len(desk.target.partition(1)) > 0) == ({}, True)


def test_a_production_table_is_rolled_back_by_its_name_only(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = desk.copied(1)
    monkeypatch.setenv("BACKFILL_PRODUCTION_TABLES", json.dumps([desk.target.table]))
    accepted = ("rollback", run_id, "--apply", "--accept-stream-events", "2")
    refused = desk.typed(*accepted)
    assert refused.exit_code == 2
    assert f"--confirm {desk.target.table}" in said(refused.output)
    assert desk.typed(*accepted, "--confirm", desk.target.table).exit_code == 0


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("pr-20200101-0001",), "has seen no run pr-20200101-0001"),
        (("RUN", "--buckets", "zz"), "are no buckets"),
        (("RUN", "--image", "x"), "is no image id"),
        (("RUN", "--buckets", "00", "--image", image(1)), "ambiguous"),
    ],
    ids=["unknown run", "buckets", "image", "both"],
)
def test_a_scope_that_makes_no_sense_is_refused(desk: Desk, words: tuple[str, ...], text: str) -> None:
    run_id = desk.target.ledger.run_of("cli-test", "pr-20260101-0001", "plan")
    refused = desk.typed("rollback", *(run_id if word == "RUN" else word for word in words))
    assert refused.exit_code == 2
    assert text in said(refused.output)
