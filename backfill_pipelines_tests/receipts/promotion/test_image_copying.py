"""One image into the target: stage after stage, never twice, never over what others wrote, whole after any crash."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from backfill_pipelines.receipts.items import item_digest
from backfill_pipelines.receipts.promotion.copied_images import copied_images
from backfill_pipelines.receipts.promotion.image_outcomes import ImageOutcome, ImageState
from backfill_pipelines.receipts.promotion.image_state import digests_of
from backfill_pipelines.receipts.promotion.promotion_rows import STAGES, ItemState
from backfill_pipelines.stores.dynamodb import DynamoItemStore
from backfill_pipelines.stores.dynamodb_batches import WRITES_PER_CALL
from backfill_pipelines.stores.item_errors import NotAllProcessed
from backfill_pipelines.stores.items import BatchWritten, Consumed
from backfill_pipelines.stores.leases import LeaseLost
from backfill_pipelines_tests.receipts.promotion.copy_world import Copying, copying, image, planned
from backfill_pipelines_tests.receipts.promotion.killed_copier import IMAGES, MOMENTS


def outcome_of(target: Copying, number: int = 1, run_id: str = "pr-1") -> tuple[str, str]:
    result = target.copier(run_id).copy(planned(number))
    return str(result.outcome), result.reason


def test_an_absent_image_arrives_whole_and_as_planned(target: Copying) -> None:
    one = planned(1)
    result = target.copier().copy(one)
    assert (result.outcome, result.state) == (ImageOutcome.COPIED, ImageState.ABSENT), result.detail
    assert target.partition(1) == {item.key[1]: item.item for item in one.items}
    assert result.written == result.planned
    assert result.write_units == one.write_units, "the plan's units are the metered ones"
    assert result.evidence is not None
    assert (result.evidence.items.measured, result.evidence.items.wrong) == (len(one.items), 0)
    assert result.evidence.fingerprint_found == one.fingerprint


def test_a_second_turn_finds_it_identical_and_writes_nothing(target: Copying) -> None:
    assert outcome_of(target) == ("copied", "")
    before = target.digests()
    again = target.copier("pr-2").copy(planned(1))
    assert (again.outcome, again.written, again.write_units) == (ImageOutcome.IDENTICAL, {}, 0.0)
    assert target.digests() == before
    assert target.ledger.applied("pr-2") == {}


def test_stages_follow_each_other_and_the_image_row_is_last(target: Copying, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever sees a line as NONE must find its place, and whoever sees the image must find all of it."""
    order: list[str] = []
    batch, put = DynamoItemStore.batch_write, DynamoItemStore.put

    def batched(self: DynamoItemStore, puts: Any = (), deletes: Any = ()) -> BatchWritten:
        order.extend(item["SK"]["S"] for item in puts)
        return batch(self, puts, deletes)

    def one_put(self: DynamoItemStore, item: Any, when: Any = None) -> Consumed:
        order.append(item["SK"]["S"])
        return put(self, item, when)

    monkeypatch.setattr(DynamoItemStore, "batch_write", batched)
    monkeypatch.setattr(DynamoItemStore, "put", one_put)
    one = planned(1)
    assert outcome_of(target) == ("copied", "")
    stage_of = {item.key[1]: item.stage for item in one.items}
    assert [stage_of[sk] for sk in order] == sorted(stage_of.values())
    assert order[-1] == "IMAGE"
    (entry,) = target.ledger.images(run_id="pr-1")
    times = [moment for stage in STAGES for moment in (entry.begun[stage], entry.done[stage])]
    assert times == sorted(times)
    assert entry.done[2] < entry.begun[3]


def test_the_ledger_knows_every_item_of_a_run_by_its_digest(target: Copying) -> None:
    one = planned(1)
    target.copier().copy(one)
    rows = target.ledger.items_of_run("pr-1", one.image_id)
    assert {(row.sk, row.digest, row.stage) for row in rows} == {
        (item.key[1], item.digest, item.stage) for item in one.items
    }
    assert {row.state for row in rows} == {ItemState.WRITTEN}
    assert sum(target.ledger.applied("pr-1")["create"].values()) == len(one.items)


def test_what_is_read_has_the_digest_of_what_it_is_and_not_of_what_was_planned() -> None:
    one = planned(1)
    read = {item.key[1]: dict(item.item) for item in one.items}
    assert digests_of(read, one) == {item.key[1]: item.digest for item in one.items}
    word = next(item for item in one.items if item.type_name == "RECEIPT_WORD")
    changed = {**word.item, "text": {"S": "OTHER"}}
    respelled = {**word.item, "confidence": {"N": f"{float(word.item['confidence']['N']):.6f}"}}
    more = {**word.item, "added": {"NULL": True}}
    for stored in (changed, more, {name: word.item[name] for name in ("PK", "SK")}, respelled):
        assert digests_of({**read, word.key[1]: stored, "FOREIGN": stored}, one) == {
            **{item.key[1]: item.digest for item in one.items},
            **dict.fromkeys((word.key[1], "FOREIGN"), item_digest(stored)),
        }
    assert item_digest(changed) != word.digest == item_digest(respelled)


def killed(target: Copying, moment: str) -> int:
    """The exit code of a child that copies until it is killed."""
    said = {"folder": str(target.folder), "endpoint": target.endpoint, "table": target.table, "moment": moment}
    command = [sys.executable, "-m", "backfill_pipelines_tests.receipts.promotion.killed_copier", json.dumps(said)]
    return subprocess.run(command, check=False, timeout=300, cwd=Path(__file__).parents[3]).returncode


@pytest.fixture(scope="module")
def undisturbed(ministack_endpoint: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The table after a run that nobody killed."""
    with copying(ministack_endpoint, tmp_path_factory.mktemp("undisturbed")) as target:
        target.run([planned(number) for number in IMAGES])
        return target.digests()


@pytest.mark.parametrize("moment", list(MOMENTS))
def test_a_killed_copy_goes_on_as_if_it_had_not_been(moment: str, target: Copying, undisturbed: dict[str, str]) -> None:
    assert killed(target, moment) == -signal.SIGKILL
    images = [planned(number) for number in IMAGES]
    resumed = target.run(images, "pr-2")
    assert {str(one.outcome) for one in resumed.values()} <= {"copied", "identical"}, resumed
    assert target.digests() == undisturbed
    assert {str(one.outcome) for one in target.run(images, "pr-3").values()} == {"identical"}
    for one in images:
        owners: dict[str, list[str]] = {}
        for row in target.ledger.items(one.image_id):
            assert row.state is ItemState.WRITTEN, "no intent is left open"
            owners.setdefault(row.sk, []).append(row.run_id)
        assert owners.keys() == {item.key[1] for item in one.items}
        assert {len(runs) for runs in owners.values()} == {1}, "every item has the one run that wrote it"
        assert all(row.outcome is not None for row in target.ledger.images(image_id=one.image_id))
    known = {one.image_id: one.embedding_rows for one in copied_images(target.control, target.table)}
    assert known == {one.image_id: one.embedding_rows for one in images}, "whoever copied it, it is to be embedded"


def test_items_of_a_half_copied_image_that_nobody_answers_for_are_left_alone(target: Copying) -> None:
    """A crash of another tool: its items may be anything, and completing them would make them look whole."""
    foreign = next(item for item in planned(1).items if item.type_name == "WORD")
    target.store.put(foreign.item)
    result = target.copier().copy(planned(1))
    assert (result.outcome, result.reason) == (ImageOutcome.QUARANTINED, "partial_foreign")
    assert foreign.key[1] in result.detail
    assert "Repair: see who writes them and delete what is nobody's; then backfill promote run" in result.detail
    assert list(target.partition(1)) == [foreign.key[1]]


def test_an_item_that_was_changed_since_makes_a_half_copied_image_foreign(target: Copying) -> None:
    assert killed(target, "between stages 3 and 4") == -signal.SIGKILL
    word = next(item for item in planned(1).items if item.type_name == "RECEIPT_WORD")
    target.store.put({**word.item, "embedding_status": {"S": "SUCCESS"}})
    result = target.copier("pr-2").copy(planned(1))
    assert (result.outcome, result.reason) == (ImageOutcome.QUARANTINED, "partial_foreign")
    assert "changed since" in result.detail
    assert word.key[1] in result.detail
    assert f"Repair: take back what is ours: backfill promote rollback killed --image {image(1)}" in result.detail
    assert "--include-embedded if it was embedded" in result.detail


def test_other_content_under_the_same_id_is_reported_and_left_alone(target: Copying) -> None:
    target.copier().copy(planned(1, words=3))
    before = target.digests()
    result = target.copier("pr-2").copy(planned(1))
    assert result.outcome is ImageOutcome.DIFFERS
    assert result.detail == "words: 27 only in the source; receipt_words: 27 only in the source"
    assert target.digests() == before


def test_one_item_that_stays_refused_fails_its_image_and_the_next_run_completes_it(
    target: Copying, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = DynamoItemStore.batch_write

    def refused(self: DynamoItemStore, puts: Any = (), deletes: Any = ()) -> BatchWritten:
        if any(item["TYPE"]["S"] == "RECEIPT_WORD" for item in puts):
            raise NotAllProcessed(self.table, "BatchWriteItem", [{"PK": puts[0]["PK"], "SK": puts[0]["SK"]}], 10)
        return batch(self, puts, deletes)

    with monkeypatch.context() as patch:
        patch.setattr(DynamoItemStore, "batch_write", refused)
        assert outcome_of(target) == ("failed", "write_error")
    assert "IMAGE" not in target.partition(1)
    assert outcome_of(target, run_id="pr-2") == ("copied", "")
    entries = {entry.run_id: entry for entry in target.ledger.images(image_id=image(1))}
    assert (entries["pr-1"].outcome, entries["pr-1"].reason) == (ImageOutcome.RESUMED, "pr-2")


def test_an_image_row_of_another_writer_is_never_overwritten(target: Copying, monkeypatch: pytest.MonkeyPatch) -> None:
    one = planned(1)
    row = one.items[-1]
    put = DynamoItemStore.put

    def raced(self: DynamoItemStore, item: Any, when: Any = None) -> Consumed:
        put(self, {**row.item, "width": {"N": "77"}})
        return put(self, item, when)

    with monkeypatch.context() as patch:
        patch.setattr(DynamoItemStore, "put", raced)
        assert outcome_of(target) == ("failed", "image_row_taken")
    assert target.partition(1)["IMAGE"]["width"] == {"N": "77"}


def test_a_dry_run_writes_neither_to_the_table_nor_to_the_ledger(target: Copying) -> None:
    one = planned(1)
    result = target.copier(apply=False).copy(one)
    assert (result.state, result.write_units) == (ImageState.ABSENT, one.write_units)
    assert target.digests() == {}
    assert target.ledger.images() == []


def test_a_lease_that_is_lost_within_a_stage_ends_it_before_the_next_request(target: Copying) -> None:
    """Stage 3 may take minutes; whoever has the lease by then may be taking the same image back."""
    one = planned(1)
    # Before all, before stage 1 and each of its two requests, before stage 2 and its request, before stage 3.
    asked = iter([True] * 8)

    def require_held() -> None:
        if not next(asked, False):
            raise LeaseLost("the lease was lost")

    with pytest.raises(LeaseLost):
        target.copier(require_held=require_held).copy(one)
    third = [item.key[1] for item in one.items if item.stage == 3]
    assert len(third) > WRITES_PER_CALL
    assert len(target.partition(1).keys() & set(third)) == WRITES_PER_CALL
    assert outcome_of(target, run_id="pr-2") == ("copied", "")
