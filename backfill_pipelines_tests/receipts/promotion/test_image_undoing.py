"""Taking a promotion back: exactly what the run wrote, the IMAGE row first, whole images only, whatever happens."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from backfill_pipelines.backfill.failures import BackfillError
from backfill_pipelines.receipts.promotion.image_outcomes import ImageOutcome
from backfill_pipelines.receipts.promotion.image_replacing import Replacer, replacement_of
from backfill_pipelines.receipts.promotion.image_state import observe
from backfill_pipelines.receipts.promotion.promotion_rows import STAGES
from backfill_pipelines.receipts.promotion.rollback_rules import State
from backfill_pipelines.receipts.rollback_scope import RollbackRefused
from backfill_pipelines.stores.dynamodb import DynamoItemStore
from backfill_pipelines.stores.items import Consumed, Key
from backfill_pipelines_tests.receipts.promotion.copy_world import Copying, image, planned
from backfill_pipelines_tests.receipts.promotion.killed_undoer import MOMENTS
from backfill_pipelines_tests.receipts.promotion.undo_world import (
    IMAGE_ROW,
    LABEL,
    LINE,
    PLACE,
    WORD,
    change,
    embedded,
    kept_objects,
    previewed,
    undoer,
    undone,
)


def test_a_run_is_taken_back_to_the_last_item_and_nothing_else_is_touched(target: Copying) -> None:
    target.run([planned(1)], "pr-0")
    before = target.digests()
    target.run([planned(2), planned(3)])
    done = undone(target)
    assert {one.outcome for one in done.values()} == {"rolled_back"}
    assert target.digests() == before
    assert target.ledger.items(image(2)) == []
    assert {str(entry.outcome) for entry in target.ledger.images(run_id="pr-1")} == {"rolled_back"}
    assert target.ledger.applied("pr-1") == {}


def test_a_second_rollback_finds_nothing_and_a_new_run_copies_the_images_again(target: Copying) -> None:
    target.run([planned(1)])
    copied = target.digests()
    undone(target)
    assert undone(target) == {}
    assert previewed(target).done.keys() == {image(1)}
    assert {str(one.outcome) for one in target.run([planned(1)]).values()} == {"copied"}, "by the same run id"
    assert target.digests() == copied
    undone(target)
    assert target.digests() == {}


def test_the_image_row_goes_first_and_the_stages_follow_in_reverse(
    target: Copying, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever sees the IMAGE row must find all of the image, also while it goes."""
    stages = {item.key[1]: item.stage for item in planned(1).items}
    target.run([planned(1)])
    order: list[int] = []
    delete = DynamoItemStore.delete

    def deleted(self: DynamoItemStore, key: Key, when: Any = None) -> Consumed:
        order.append(stages[key["SK"]["S"]])
        return delete(self, key, when)

    monkeypatch.setattr(DynamoItemStore, "delete", deleted)
    undone(target)
    assert order == sorted(stages.values(), reverse=True)
    assert set(order) == set(STAGES)


def test_the_preview_counts_events_and_messages_and_writes_nothing(target: Copying) -> None:
    target.run([planned(1)])
    before = target.digests()
    preview = previewed(target)
    assert target.digests() == before
    assert preview.predicted.events == {"REMOVE": len(planned(1).items)}
    assert preview.messages == 2, "one place, one label"
    # One receipt, one line and thirty words of it.
    assert "and up to 32 more (handler version dependent)" in preview.predicted.text
    with pytest.raises(RollbackRefused, match="--accept-stream-events 2"):
        preview.require_accepted(None)
    with pytest.raises(RollbackRefused, match="3 were accepted"):
        preview.require_accepted(3)
    preview.require_accepted(2)


def test_an_image_that_was_embedded_since_is_kept_unless_that_is_said(target: Copying) -> None:
    """Vectors of deleted lines would stay behind and be found for ever."""
    target.run([planned(1), planned(2)])
    target.store.put(embedded(target.partition(1)[LINE]))
    before = target.digests()
    done = undone(target)
    assert {name: one.outcome for name, one in done.items()} == {image(1): "kept", image(2): "rolled_back"}
    assert done[image(1)].reason == "1 items embedded_since"
    assert target.digests() == {key: digest for key, digest in before.items() if image(1) in key}
    with_vectors = undone(target, include_embedded=True)
    assert {one.outcome for one in with_vectors.values()} == {"rolled_back"}
    assert target.digests() == {}


def test_an_image_with_an_item_that_others_changed_keeps_all_its_items(target: Copying) -> None:
    target.run([planned(1)])
    change(target, 1, LABEL, validation_status={"S": "INVALID"})
    before = target.digests()
    (kept,) = undone(target, include_embedded=True).values()
    assert (kept.outcome, kept.reason) == ("kept", "1 items changed_since")
    assert kept.states[State.KEPT] == len(before) - 1
    assert target.digests() == before


def test_a_kept_image_names_the_fields_that_are_different(target: Copying) -> None:
    target.run([planned(1)])
    change(target, 1, LABEL, validation_status={"S": "INVALID"})
    written = {item.key[1]: item.item for item in planned(1).items}
    (seen,) = previewed(target, after_images=lambda _: written).images.values()
    assert seen.skipped == (f'{LABEL} changed_since: validation_status: "VALID" -> "INVALID"',)
    (unknown,) = previewed(target).images.values()
    assert "what the run wrote cannot be built again" in unknown.skipped[0]


def test_an_image_that_others_have_added_to_is_kept_and_traces_of_the_pipeline_are_not(target: Copying) -> None:
    target.run([planned(1), planned(2)])
    label = dict(target.partition(1)[LABEL])
    target.store.put({**label, "SK": {"S": LABEL.replace("PRODUCT_NAME", "TAX")}})
    trace = {"PK": label["PK"], "SK": {"S": "RECEIPT#00001#COMPACTION_RUN#1"}, "TYPE": {"S": "COMPACTION_RUN"}}
    target.store.put({**trace, "PK": {"S": f"IMAGE#{image(2)}"}})
    done = undone(target)
    assert done[image(1)].outcome == "kept"
    assert "others have written 1 items of it since" in done[image(1)].reason
    assert done[image(2)].outcome == "rolled_back"
    assert list(target.partition(2)) == ["RECEIPT#00001#COMPACTION_RUN#1"]


def test_what_somebody_deleted_is_no_reason_to_keep_the_rest(target: Copying) -> None:
    target.run([planned(1)])
    target.store.delete({"PK": {"S": f"IMAGE#{image(1)}"}, "SK": {"S": PLACE}})
    (done,) = undone(target).values()
    assert (done.outcome, done.states[State.ALREADY_ABSENT]) == ("rolled_back", 1)
    assert target.digests() == {}


def test_an_item_that_changes_while_the_image_goes_makes_all_of_it_come_back(
    target: Copying, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The embedding workflow may take a word between the look at it and its delete."""
    target.run([planned(1)])
    word = WORD.format(20)
    after = target.digests()
    delete, seen = DynamoItemStore.delete, set[str]()

    def deleted(self: DynamoItemStore, key: Key, when: Any = None) -> Consumed:
        if key["SK"]["S"] == IMAGE_ROW and not seen:
            seen.add(IMAGE_ROW)
            target.store.put(embedded(target.partition(1)[word]))
        return delete(self, key, when)

    monkeypatch.setattr(DynamoItemStore, "delete", deleted)
    (kept,) = undone(target).values()
    assert kept.outcome == "kept"
    assert kept.reason.startswith("1 items embedded_since; ")
    assert "was changed by another writer" in kept.reason
    found = target.digests()
    assert {key for key in after if found.get(key) != after[key]} == {f"IMAGE#{image(1)} {word}"}
    monkeypatch.undo()
    undone(target, include_embedded=True)
    assert target.digests() == {}


def test_what_a_run_replaced_stands_there_again(target: Copying, tmp_path: Path) -> None:
    target.run([planned(1, words=4)], "pr-0")
    surplus = next(item.item for item in planned(1, words=9).items if item.key[1] == "LINE#00001#WORD#00009")
    target.store.put(surplus)
    change(target, 1, PLACE, merchant_name={"S": "Other"})
    before, one = target.digests(), planned(1, words=6)
    messages = replacement_of(one, observe(target.store, one, ())).messages
    replacer = Replacer(
        kept_objects(tmp_path), {one.image_id}, (), 0, messages, predicted_messages=messages, waiting_limit=50_000
    )
    assert target.copier("pr-2", replacer=replacer).copy(one).reason == "replaced"
    preview = previewed(target, "pr-2")
    assert [seen.kind for seen in preview.images.values()] == ["replaced"]
    assert preview.messages == 1, "the place's name is a field that its vectors carry"
    (done,) = undone(target, "pr-2").values()
    assert done.states[State.RESTORED] > 0
    assert target.digests() == before
    assert undone(target, "pr-2") == {}


def test_a_run_whose_image_a_later_run_has_finished_waits_for_that_one(
    target: Copying, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Taking back the first half of an image would leave the second, with an IMAGE row that says it is whole."""
    put = DynamoItemStore.put

    def lost(*_: Any, **__: Any) -> Consumed:
        raise BackfillError("killed before the IMAGE row")

    monkeypatch.setattr(DynamoItemStore, "put", lost)
    with pytest.raises(BackfillError):
        target.copier("pr-1").copy(planned(1))
    monkeypatch.setattr(DynamoItemStore, "put", put)
    assert str(target.copier("pr-2").copy(planned(1)).outcome) == "copied"
    before = target.digests()
    (kept,) = undone(target, "pr-1").values()
    assert "brought to its end by run pr-2. Repair: backfill promote rollback pr-2" in kept.reason
    assert target.digests() == before
    (second,) = previewed(target, "pr-2").images.values()
    assert sum(second.left.values()) == len(before) - 1
    undone(target, "pr-2")
    undone(target, "pr-1")
    assert target.digests() == {}


def test_a_limit_takes_some_images_and_says_how_many_are_left(target: Copying) -> None:
    target.run([planned(1), planned(2), planned(3)])
    preview = previewed(target, limit=2)
    assert (sorted(preview.images), preview.left) == ([image(1), image(2)], 1)


@pytest.mark.parametrize("turn", range(1, 6))
def test_a_lease_that_is_lost_between_two_stages_leaves_work_that_goes_on(turn: int, target: Copying) -> None:
    target.run([planned(1)])
    turns = [0]

    def held() -> None:
        turns[0] += 1
        if turns[0] == turn:
            raise BackfillError("the lease was lost")

    preview = previewed(target)
    with pytest.raises(BackfillError, match="lease"):
        undoer(target, require_held=held).run(target.ledger.images(run_id="pr-1"))
    previewed(target).require_accepted(preview.messages)
    (done,) = undone(target).values()
    assert done.outcome == "rolled_back"
    assert (done.events, sum(done.states.values())) == (preview.messages, len(planned(1).items))
    assert target.digests() == {}


def test_an_item_that_changes_while_a_rollback_is_interrupted_brings_the_image_back(target: Copying) -> None:
    target.run([planned(1)])
    whole = target.digests()
    turns = [0]

    def held() -> None:
        turns[0] += 1
        if turns[0] == 4:
            raise BackfillError("the lease was lost before the places and labels")

    with pytest.raises(BackfillError, match="lease"):
        undoer(target, require_held=held).run(target.ledger.images(run_id="pr-1"))
    assert len(target.digests()) < len(whole)
    change(target, 1, LABEL, validation_status={"S": "INVALID"})
    (kept,) = undone(target).values()
    assert (kept.outcome, kept.reason) == ("kept", "1 items changed_since")
    found = target.digests()
    assert found.keys() == whole.keys()
    assert {key for key in whole if found[key] != whole[key]} == {f"IMAGE#{image(1)} {LABEL}"}


@pytest.mark.parametrize("moment", list(MOMENTS))
def test_a_killed_rollback_goes_on_as_if_it_had_not_been(moment: str, target: Copying) -> None:
    target.run([planned(1)], "pr-0")
    before = target.digests()
    target.run([planned(2), planned(3)])
    said = {"folder": str(target.folder), "endpoint": target.endpoint, "table": target.table, "moment": moment}
    command = [sys.executable, "-m", "backfill_pipelines_tests.receipts.promotion.killed_undoer", json.dumps(said)]
    child = subprocess.run(command, check=False, timeout=300, cwd=Path(__file__).parents[3])
    assert child.returncode == -signal.SIGKILL
    for number in (2, 3):
        found = target.partition(number)
        assert IMAGE_ROW not in found or found.keys() == {item.key[1] for item in planned(number).items}
    undone(target)
    assert target.digests() == before
    assert undone(target) == {}


def test_a_half_copied_image_that_was_embedded_meanwhile_is_taken_back_and_copied_anew(
    target: Copying, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The workflows take all that waits in the table: what a killed run has left as well."""

    def no_answer(*_: Any) -> Any:
        raise ConnectionError

    with monkeypatch.context() as patch:
        patch.setattr(DynamoItemStore, "put", no_answer)
        with pytest.raises(ConnectionError):
            target.copier("pr-1").copy(planned(1))
    target.store.put(embedded(target.partition(1)[LINE]))
    assert target.copier("pr-2").copy(planned(1)).reason == "partial_foreign"
    assert undone(target)[image(1)].outcome == "kept"
    assert undone(target, include_embedded=True)[image(1)].outcome == "rolled_back"
    assert target.partition(1) == {}
    assert target.copier("pr-3").copy(planned(1)).outcome is ImageOutcome.COPIED
