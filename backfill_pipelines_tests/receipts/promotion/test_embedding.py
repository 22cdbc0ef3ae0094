"""Copied images are embedded by the workflows, in order, once; and what is left says whether that went well."""

from collections.abc import Iterator

import pytest

from backfill_pipelines.receipts.promotion.copied_images import copied_images, places_lacking
from backfill_pipelines.receipts.promotion.embedding import backlog_of, left_of, make_room, statuses_of
from backfill_pipelines.receipts.promotion.embedding_samples import Left, Sample, judge_samples
from backfill_pipelines.receipts.promotion.planned_image import PlannedImage
from backfill_pipelines.receipts.ratio_gates import RatioVerdict as DrainVerdict
from backfill_pipelines_tests.receipts.promotion.copy_world import Copying, image
from backfill_pipelines_tests.receipts.promotion.embedding_world import ROWS, Embedding, embedding
from backfill_pipelines_tests.receipts.promotion.exports import needs_exports, read_file, real_exports


@pytest.fixture
def here(target: Copying) -> Iterator[Embedding]:
    """Workflows over an empty table."""
    with embedding(target) as made:
        yield made


def samples(*totals: int, apart: float = 60.0) -> list[Sample]:
    """Samples of one image, so many seconds apart."""
    return [Sample(number * apart, {"a": Left(words=left)} if left else {}) for number, left in enumerate(totals)]


@pytest.mark.parametrize(
    ("taken", "verdict"),
    [
        (samples(0), DrainVerdict.PASS),
        (samples(9, 9, 0), DrainVerdict.PASS),
        (samples(9), DrainVerdict.NEED_MORE_DATA),
        (samples(9, 9), DrainVerdict.NEED_MORE_DATA),
        (samples(9, 9, 9), DrainVerdict.FAIL),
        (samples(9, 8, 8), DrainVerdict.NEED_MORE_DATA),
        (samples(9, 8, 8, 8), DrainVerdict.FAIL),
        (samples(9, 9, 10), DrainVerdict.FAIL),
        (samples(9, 9, 9, apart=20.0), DrainVerdict.NEED_MORE_DATA),
    ],
    ids=["none", "then-none", "one", "two", "stall", "falling", "fell-then-stall", "rising", "too-close"],
)
def test_three_samples_without_a_fall_are_a_stall(taken: list[Sample], verdict: DrainVerdict) -> None:
    assert judge_samples(taken, 60.0) is verdict


def test_rows_that_failed_are_not_done_even_if_none_waits() -> None:
    taken = [Sample(at, {"a": Left(failed=2)}) for at in (0.0, 60.0, 120.0)]
    assert judge_samples(taken[:1], 60.0) is DrainVerdict.NEED_MORE_DATA
    assert judge_samples(taken, 60.0) is DrainVerdict.FAIL


def test_two_workflows_embed_all_lines_and_words_under_their_new_index_keys(here: Embedding) -> None:
    ids = here.copy(0, 1)
    assert backlog_of(here.target.store, ids).of_run == Left(lines=2, words=60)
    drained = here.drain(ids)
    assert drained.verdict is DrainVerdict.PASS
    assert here.executions("line") == {"pr-1-00-line-1": "SUCCEEDED"}
    assert here.executions("word") == {"pr-1-00-word-1": "SUCCEEDED"}
    for row in here.rows(0):
        kind = "LINE" if row["TYPE"]["S"] == "RECEIPT_LINE" else "WORD"
        assert row["embedding_status"]["S"] == "SUCCESS"
        assert row["GSI1PK"]["S"] == "EMBEDDING_STATUS#SUCCESS"
        assert row["GSI1SK"]["S"] == f"{kind}#IMAGE#{image(0)}#{row['SK']['S']}"
    assert left_of(here.target.store) == Left()


def test_nothing_is_started_when_nothing_waits(here: Embedding) -> None:
    ids = here.copy(0)
    here.drain(ids)
    assert here.drain(ids).verdict is DrainVerdict.PASS
    assert list(here.executions("line")) == ["pr-1-00-line-1"]


def test_noise_does_not_block_the_drain_and_stays_as_it_is(here: Embedding) -> None:
    ids = here.copy(0)
    noisy = here.make_noise(0)
    assert here.drain(ids).verdict is DrainVerdict.PASS
    left = {
        row["SK"]["S"]: row["embedding_status"]["S"] for row in here.rows(0) if row["embedding_status"]["S"] == "NONE"
    }
    assert left == {noisy: "NONE"}


def test_a_stall_fails_with_three_samples_a_minute_apart(here: Embedding) -> None:
    ids = here.copy(0)
    here.script.stall_after = 10
    drained = here.drain(ids)
    assert drained.verdict is DrainVerdict.FAIL
    assert [sample.left.waiting for sample in drained.samples] == [20, 20, 20]
    gaps = [later.at - sooner.at for sooner, later in zip(drained.samples, drained.samples[1:], strict=False)]
    assert min(gaps) >= 60
    assert drained.images == {image(0): Left(words=20)}


def test_after_a_stall_the_same_command_starts_a_new_round(here: Embedding) -> None:
    ids = here.copy(0)
    here.script.stall_after = 10
    here.drain(ids)
    here.script.stall_after = None
    assert here.drain(ids).verdict is DrainVerdict.PASS
    assert here.executions("word") == {"pr-1-00-word-1": "SUCCEEDED", "pr-1-00-word-2": "SUCCEEDED"}


def test_rows_that_fail_to_embed_are_counted_and_fail(here: Embedding) -> None:
    ids = here.copy(0)
    here.script.fail_rows = 2
    drained = here.drain(ids)
    assert drained.verdict is DrainVerdict.FAIL
    assert drained.samples[-1].left == Left(failed=3)


@pytest.mark.parametrize("status", ["FAILED", "TIMED_OUT", "ABORTED"])
def test_an_execution_that_does_not_succeed_is_tried_once_more(here: Embedding, status: str) -> None:
    ids = here.copy(0)
    here.script.ends = [[status, "Batch.Error", "the queue of batches is full"]]
    drained = here.drain(ids)
    assert drained.verdict is DrainVerdict.PASS
    assert here.executions("line") == {"pr-1-00-line-1": status, "pr-1-00-line-2": "SUCCEEDED"}


@pytest.mark.parametrize("status", ["FAILED", "TIMED_OUT", "ABORTED"])
def test_two_in_a_row_are_red_with_the_cause(here: Embedding, status: str) -> None:
    ids = here.copy(0)
    here.script.ends = [[status, "Batch.Error", "the queue of batches is full"]] * 4
    drained = here.drain(ids)
    assert drained.verdict is DrainVerdict.FAIL
    assert f"pr-1-00-line-2 {status} (Batch.Error: the queue of batches is full)" in drained.cause
    assert len(here.executions("line")) == 2


def test_an_execution_that_runs_is_waited_for_and_not_doubled(here: Embedding) -> None:
    ids = here.copy(0)
    here.held_for(3)
    foreign = here.machines.start(here.arns["word"], "somebody-else", "{}")
    assert here.drain(ids).verdict is DrainVerdict.PASS
    assert here.machines.describe(foreign).status == "SUCCEEDED"
    assert here.executions("word") == {"somebody-else": "SUCCEEDED"}
    assert list(here.executions("line")) == ["pr-1-00-line-1"]


def test_one_that_never_ends_is_red_after_the_timeout_and_left_running(here: Embedding) -> None:
    ids = here.copy(0)
    here.script.hold = True
    drained = here.drain(ids, timeout_seconds=300.0)
    assert drained.verdict is DrainVerdict.FAIL
    assert "RUNNING after" in drained.cause
    assert here.executions("line") == {"pr-1-00-line-1": "RUNNING"}


def test_a_command_that_was_killed_finds_its_execution_again(here: Embedding) -> None:
    ids = here.copy(0)
    here.held_for(2)
    here.machines.start(here.arns["line"], "pr-1-00-line-1", "{}")
    assert here.drain(ids).verdict is DrainVerdict.PASS
    assert here.executions("line") == {"pr-1-00-line-1": "SUCCEEDED"}


def test_room_is_made_for_the_next_chunk_or_it_is_said_why_not(here: Embedding) -> None:
    here.copy(0, 1)
    assert make_room(here.target.store, 10, 20, here.workflows()) == ""
    assert left_of(here.target.store) == Left()
    assert "more than the limit" in make_room(here.target.store, 30, 20, here.workflows())
    here.copy(2)
    here.script.stall_after = 5
    assert f"{ROWS - 6} NONE" in make_room(here.target.store, 10, 20, here.workflows("01"))


@needs_exports
def test_the_public_exports_wait_with_all_their_lines_and_words_and_are_embedded(here: Embedding) -> None:
    read = [read_file(file) for file in real_exports()]
    images = [one for one in read if isinstance(one, PlannedImage)]
    here.target.run(images)
    ids = [one.image_id for one in images]
    assert backlog_of(here.target.store, ids).of_run.waiting == 910
    drained = here.drain(ids)
    assert drained.verdict is DrainVerdict.PASS
    assert sum(sum(one.values()) for one in statuses_of(here.target.store, ids).values()) == 910


def test_what_was_copied_is_known_by_the_ledger_with_its_places(here: Embedding) -> None:
    ids = here.copy(0, 1)
    target = here.target
    found = copied_images(target.control, target.table)
    assert [(one.image_id, one.bucket, one.run_id, one.embedding_rows) for one in found] == [
        (ids[0], "00", "pr-1", ROWS),
        (ids[1], "01", "pr-1", ROWS),
    ]
    assert [one.image_id for one in copied_images(target.control, target.table, buckets=["01"])] == ids[1:]
    assert copied_images(target.control, target.table, run_id="pr-2") == []
    assert places_lacking(target.store, found) == ""
    target.store.delete({"PK": {"S": f"IMAGE#{ids[1]}"}, "SK": {"S": "RECEIPT#00001#PLACE"}})
    assert f"1 places of copied images are not there, e.g. {ids[1]} RECEIPT#00001#PLACE" in places_lacking(
        target.store, found
    )


def test_items_that_were_taken_back_are_neither_waited_for_nor_missed(here: Embedding) -> None:
    (image_id,) = here.copy(0)
    target = here.target
    target.ledger.gone("pr-1", image_id, [row.sk for row in target.ledger.items(image_id)])
    (found,) = copied_images(target.control, target.table)
    assert (found.embedding_rows, found.places) == (0, [])
