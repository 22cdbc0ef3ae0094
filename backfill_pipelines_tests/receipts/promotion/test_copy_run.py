"""Many images: chunks that wait for the embedding backlog, workers side by side, one image each in memory."""

import threading
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from backfill_pipelines.receipts.promotion.begun_images import begun_images, ids_of
from backfill_pipelines.receipts.promotion.copy_run import Work
from backfill_pipelines.receipts.promotion.image_copying import ImageCopier
from backfill_pipelines.receipts.promotion.image_evidence import ImageResult
from backfill_pipelines.receipts.promotion.image_outcomes import ImageOutcome, imbalance
from backfill_pipelines.receipts.promotion.planned_image import PlannedImage, Reason, SetAside
from backfill_pipelines.receipts.promotion.stage_writing import StageWriter, estimate
from backfill_pipelines.stores.dynamodb import DynamoItemStore
from backfill_pipelines.stores.dynamodb_pacing import ThrottledTooLong, WritePacer
from backfill_pipelines.stores.item_errors import AccessDenied
from backfill_pipelines.stores.items import BatchWritten
from backfill_pipelines_tests.receipts.promotion.copy_world import Copying, image, killed_when_done, planned, work_of


def tally(results: Mapping[str, ImageResult]) -> dict[str, int]:
    found: dict[str, int] = {}
    for one in results.values():
        name = f"{one.outcome} {one.reason}".strip()
        found[name] = found.get(name, 0) + 1
    return found


def test_every_image_of_a_run_arrives_and_a_second_run_writes_nothing(target: Copying) -> None:
    images = [planned(number, words=3) for number in range(12)]
    assert tally(target.run(images, "pr-1")) == {"copied": 12}
    before = target.digests()
    assert len(before) == sum(len(one.items) for one in images)
    again = target.run(images, "pr-2")
    assert tally(again) == {"identical": 12}
    assert sum(one.write_units for one in again.values()) == 0
    assert target.digests() == before
    assert target.ledger.tally("pr-2") == {(ImageOutcome.IDENTICAL, ""): 12}


def test_a_chunk_that_would_overfill_the_embedding_backlog_is_parked_and_goes_on_later(target: Copying) -> None:
    images = [planned(number, words=4) for number in range(6)]
    rows = images[0].embedding_rows
    run = target.copy_run("pr-1", limit=4 * rows, chunk_images=2)
    results = run.run(work_of(images))
    assert tally(results) == {"copied": 4, "parked parked_backlog": 2}
    assert run.stop == "parked_backlog"
    assert "backfill promote embed" in run.stop_detail
    assert imbalance(6, {outcome: n for (outcome, _), n in target.ledger.tally("pr-1").items()}) == ""
    assert tally(target.run(images, "pr-2", limit=50_000, chunk_images=2)) == {"copied": 2, "identical": 4}


def test_a_chunk_never_has_more_lines_and_words_than_may_wait(target: Copying) -> None:
    """A hundred large images would have: then no embedding ever made room for them."""
    images = [planned(number, words=4) for number in range(6)]
    rows = images[0].embedding_rows
    run = target.copy_run("pr-1", limit=2 * rows, chunk_images=100)
    assert tally(run.run(work_of(images))) == {"copied": 2, "parked parked_backlog": 4}
    assert f"the next 2 images have {2 * rows}, together more than {2 * rows}" in run.stop_detail


def test_an_image_that_alone_has_more_than_may_wait_holds_no_other_back(target: Copying) -> None:
    large, *small = [planned(1, words=9), planned(2, words=2), planned(3, words=2)]
    run = target.copy_run("pr-1", limit=8)
    assert tally(run.run(work_of([large, *small]))) == {"copied": 2, "parked parked_backlog": 1}
    assert f"{image(1)} alone has 10 lines and words" in run.stop_detail
    assert "raise BACKFILL_PROMOTION_EMBEDDING_BACKLOG_LIMIT" in run.stop_detail


def test_images_that_were_begun_come_first_and_are_finished_however_full_the_backlog_is(target: Copying) -> None:
    """Nothing is embedded before they are whole: to park them would be the end of both."""
    images = [planned(number, words=4) for number in range(3)]
    with pytest.MonkeyPatch.context() as patch:
        killed_when_done(patch, stage=3)
        with pytest.raises(ConnectionError):
            target.copier("pr-1").copy(images[2])
    begun = ids_of(begun_images(target.control, target.table))
    assert begun == {image(2)}
    work = [replace(one, is_begun=one.image_id in begun) for one in work_of(images)]
    run = target.copy_run("pr-2", limit=5)
    results = run.run(work)
    assert next(iter(results)) == image(2)
    assert tally(results) == {"copied": 1, "parked parked_backlog": 2}
    assert begun_images(target.control, target.table) == []


def test_images_that_are_there_add_nothing_to_the_backlog(target: Copying) -> None:
    """A second run is `identical`, not parked, however full the backlog is."""
    images = [planned(number, words=4) for number in range(3)]
    target.run(images, "pr-1")
    run = target.copy_run("pr-2", limit=1)
    assert tally(run.run(work_of(images))) == {"identical": 3}
    assert run.stop == ""


def test_no_more_images_than_workers_are_held_at_once(target: Copying) -> None:
    lock, held, most = threading.Lock(), [0], [0]

    def work(number: int) -> Work:
        def load() -> PlannedImage:
            with lock:
                held[0] += 1
                most[0] = max(most[0], held[0])
            return planned(number, words=2)

        return Work(image(number), 3, load)

    class Releasing(ImageCopier):
        def copy(self, planned: PlannedImage) -> ImageResult:
            try:
                return super().copy(planned)
            finally:
                with lock:
                    held[0] -= 1

    run = target.copy_run(workers=3)
    run.copier = Releasing(**vars(run.copier))
    assert tally(run.run([work(number) for number in range(12)])) == {"copied": 12}
    assert most[0] <= 3
    assert not any(isinstance(value, PlannedImage) for one in run.results.values() for value in vars(one).values())


def test_an_image_that_is_set_aside_says_why_and_the_others_go_on(target: Copying) -> None:
    quarantined = SetAside(image(1), Reason.UNKNOWN_BUCKET, "1.json: raw_s3_bucket is strange")
    failed = SetAside(image(2), Reason.UNKNOWN_LIST, "2.json: receipt_barcodes")
    good = planned(3, words=2)
    work = [Work(image(1), 0, lambda: quarantined), Work(image(2), 0, lambda: failed), *work_of([good])]
    results = target.copy_run().run(work)
    assert tally(results) == {"quarantined unknown_bucket": 1, "failed unknown_list": 1, "copied": 1}
    assert results[image(1)].detail == quarantined.detail


def test_a_table_that_refuses_for_too_long_ends_the_run_and_what_is_left_is_said(
    target: Copying, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> float:
        raise ThrottledTooLong("no write was accepted for 600 s")

    monkeypatch.setattr(StageWriter, "write", refuse)
    images = [planned(number, words=2) for number in range(4)]
    run = target.copy_run(workers=1, chunk_images=2)
    assert tally(run.run(work_of(images))) == {"failed throttled": 1, "not_attempted stopped": 3}
    assert run.stop == "throttled"


def test_a_refusal_of_the_table_as_a_whole_is_no_outcome_of_an_image(
    target: Copying, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(*_: object) -> object:
        raise AccessDenied(target.table, "BatchWriteItem", "", "no rights")

    monkeypatch.setattr(DynamoItemStore, "batch_write", denied)
    with pytest.raises(AccessDenied):
        target.copy_run().run(work_of([planned(number, words=2) for number in range(4)]))


def test_a_run_that_a_refusal_of_the_table_ends_knows_what_it_did_until_then(
    target: Copying, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch, seen = DynamoItemStore.batch_write, [0]

    def denied_later(self: DynamoItemStore, puts: Any = (), deletes: Any = ()) -> BatchWritten:
        seen[0] += 1
        if seen[0] > 4:
            raise AccessDenied(target.table, "BatchWriteItem", "", "the session has expired")
        return batch(self, puts, deletes)

    images = [planned(number, words=2) for number in range(4)]
    run = target.copy_run("pr-1", workers=1)
    with monkeypatch.context() as patch:
        patch.setattr(DynamoItemStore, "batch_write", denied_later)
        with pytest.raises(AccessDenied):
            run.run(work_of(images))
    counted, met = tally(run.results), [one for one in run.results.values() if one.reason == "interrupted"]
    assert counted == {"copied": 1, "failed interrupted": len(met)}
    assert len(met) in (1, 2), "a worker may have begun the next one before it heard of the end"
    assert all("the session has expired" in one.detail for one in met)
    assert ids_of(begun_images(target.control, target.table)) == {one.image_id for one in met}
    assert tally(target.run(images, "pr-2")) == {"copied": 3, "identical": 1}


def test_a_request_that_was_refused_in_part_slows_the_whole_run_down_and_says_so(
    target: Copying, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store writes the refused rest by itself; the pace of all workers has to learn of it."""
    batch, lines, seen = DynamoItemStore.batch_write, list[str](), [0]

    def refused_once(self: DynamoItemStore, puts: Any = (), deletes: Any = ()) -> BatchWritten:
        seen[0] += 1
        return replace(batch(self, puts, deletes), throttles=int(seen[0] == 1))

    monkeypatch.setattr(DynamoItemStore, "batch_write", refused_once)
    run = target.copy_run(workers=1, log=lines.append)
    run.copier.writer.pacer = WritePacer({"": 1e9}, share=1.0, sleep=lambda _: None, uniform=lambda low, _: low)
    assert tally(run.run(work_of([planned(1), planned(2)]))) == {"copied": 2}
    assert run.copier.writer.pacer.share == 0.5
    assert any("100.0% -> 50.0%" in line for line in lines)


def test_units_are_charged_to_the_table_and_to_each_index_as_they_are_metered(target: Copying) -> None:
    one = planned(1)
    estimates = [estimate(item) for item in one.items]
    assert sum(found.total for found in estimates) == one.write_units
    result = target.run([one])[one.image_id]
    assert result.write_units == one.write_units
