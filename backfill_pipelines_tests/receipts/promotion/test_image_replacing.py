"""Replacing an image: by name, refused for any of its reasons, only what changed, undoable, whole after a crash."""

import json
from pathlib import Path
from typing import Any

import pytest

from backfill_pipelines.receipts.items import Item, item_digest
from backfill_pipelines.receipts.promotion.begun_images import begun_images
from backfill_pipelines.receipts.promotion.copied_images import copied_images
from backfill_pipelines.receipts.promotion.export_reading import read_export
from backfill_pipelines.receipts.promotion.image_outcomes import ImageOutcome
from backfill_pipelines.receipts.promotion.image_replacing import Replacer, replacement_of
from backfill_pipelines.receipts.promotion.image_state import observe
from backfill_pipelines.receipts.promotion.partition_images import load_partition
from backfill_pipelines.receipts.promotion.planned_image import PlannedImage
from backfill_pipelines.receipts.promotion.promotion_rows import Kind
from backfill_pipelines.receipts.promotion.stage_writing import StageWriter
from backfill_pipelines.stores.objects import ObjectStore
from backfill_pipelines_tests.receipts.promotion.copy_world import Copying, image, planned, wide_export
from backfill_pipelines_tests.receipts.promotion.exports import RULES
from backfill_pipelines_tests.receipts.promotion.undo_world import undone

WORD = "RECEIPT#00001#LINE#00001#WORD#{:05d}"
PLACE, LABEL = "RECEIPT#00001#PLACE", f"{WORD.format(1)}#LABEL#PRODUCT_NAME"


def stored(target: Copying, *, extra: Item | None = None, **changes: dict[str, Any]) -> dict[str, Item]:
    """Prod has another version: fewer words, and items with other attributes."""
    target.copier("pr-1").copy(planned(1, words=4))
    names = {"place": PLACE, "label": LABEL, "word": WORD.format(1)}
    for name, change in changes.items():
        item = target.partition(1)[names[name]]
        target.store.put({**item, **change})
    if extra is not None:
        target.store.put(extra)
    return target.partition(1)


def replacer(target: Copying, folder: Path, one: PlannedImage, **choices: Any) -> Replacer:
    """A replacer that was told everything it has to know."""
    messages = replacement_of(one, observe(target.store, one, ())).messages
    said: dict[str, Any] = {
        "dead_letters": 0,
        "accepted_messages": messages,
        "predicted_messages": messages,
        "waiting_limit": 50_000,
    }
    return Replacer(ObjectStore(url=str(folder / "objects"), is_own=True), {one.image_id}, **(said | choices))


def test_only_what_changed_is_written_and_surplus_goes(target: Copying, tmp_path: Path) -> None:
    surplus = next(item.item for item in planned(1, words=9).items if item.key[1] == "LINE#00001#WORD#00009")
    before = stored(target, extra=surplus, place={"merchant_name": {"S": "Other"}})
    one = planned(1, words=6)
    result = target.copier("pr-2", replacer=replacer(target, tmp_path, one)).copy(one)
    assert (result.outcome, result.reason) == (ImageOutcome.COPIED, "replaced"), result.detail
    after = target.partition(1)
    assert {sk: item_digest(item) for sk, item in after.items()} == {item.key[1]: item.digest for item in one.items}
    rows = {(row.sk, row.kind) for row in target.ledger.items_of_run("pr-2", one.image_id)}
    changed = {sk for sk in before.keys() & after.keys() if before[sk] != after[sk]}
    assert rows == {
        *((sk, Kind.CHANGE) for sk in changed),
        *((sk, Kind.CREATE) for sk in after.keys() - before.keys()),
        *((sk, Kind.REMOVE) for sk in before.keys() - after.keys()),
    }
    assert result.stream_messages == 1, "the place's name is a field that its vectors carry"


def test_the_partition_is_kept_as_it_was(target: Copying, tmp_path: Path) -> None:
    before = stored(target)
    one = planned(1, words=6)
    found = replacer(target, tmp_path, one)
    target.copier("pr-2", replacer=found).copy(one)
    (entry,) = target.ledger.images(run_id="pr-2")
    assert load_partition(found.objects, entry.before_image) == before


def test_a_word_whose_text_is_the_same_keeps_its_embedding(target: Copying, tmp_path: Path) -> None:
    """Every word reset to NONE is a vector computed again for nothing."""
    embedded = {"embedding_status": {"S": "SUCCESS"}, "GSI1PK": {"S": "EMBEDDING_STATUS#SUCCESS"}}
    stored(target, word=embedded)
    one = planned(1, words=6)
    result = target.copier("pr-2", replacer=replacer(target, tmp_path, one)).copy(one)
    assert result.outcome is ImageOutcome.COPIED, result.detail
    assert target.partition(1)[WORD.format(1)]["embedding_status"] == {"S": "SUCCESS"}
    assert target.partition(1)[WORD.format(6)]["embedding_status"] == {"S": "NONE"}


@pytest.mark.parametrize(
    ("choices", "reason"),
    [
        ({"protected": [image(1)]}, "it is protected"),
        ({"dead_letters": None}, "nobody has said how many dead letters"),
        ({"dead_letters": 3}, "3 messages are in the dead-letter queues"),
        ({"waiting": 50_001}, "50,001 lines and words wait"),
        ({"accepted_messages": None}, "were accepted"),
        ({"accepted_messages": 7}, "7 were accepted"),
    ],
    ids=["protected", "unread dead letters", "dead letters", "backlog", "no number", "another number"],
)
def test_what_speaks_against_it_is_said_and_nothing_is_written(
    choices: dict[str, Any], reason: str, target: Copying, tmp_path: Path
) -> None:
    stored(target)
    before = target.digests()
    one = planned(1, words=6)
    result = target.copier("pr-2", replacer=replacer(target, tmp_path, one, **choices)).copy(one)
    assert (result.outcome, result.reason) == (ImageOutcome.DIFFERS, "replace_refused")
    assert reason in result.detail
    assert target.digests() == before


def test_a_partition_with_an_item_that_could_not_be_restored_is_refused(target: Copying, tmp_path: Path) -> None:
    run = {"PK": {"S": f"IMAGE#{image(1)}"}, "SK": {"S": "COMPACTION_RUN#1"}, "TYPE": {"S": "COMPACTION_RUN"}}
    stored(target, extra=run)
    one = planned(1, words=6)
    result = target.copier("pr-2", replacer=replacer(target, tmp_path, one)).copy(one)
    assert result.reason == "replace_refused"
    assert "COMPACTION_RUN, which cannot be restored" in result.detail


def test_of_a_replaced_image_only_what_it_still_has_is_waited_for_and_missed(target: Copying, tmp_path: Path) -> None:
    target.copier("pr-1").copy(planned(1, words=6))
    (before,) = copied_images(target.control, target.table)
    assert (before.embedding_rows, before.places) == (7, [PLACE])
    lists = wide_export(1, words=4) | {"receipt_places": []}
    without = read_export(f"{image(1)}.json", json.dumps(lists).encode(), RULES)
    assert isinstance(without, PlannedImage)
    assert target.copier("pr-2", replacer=replacer(target, tmp_path, without)).copy(without).reason == "replaced"
    (after,) = copied_images(target.control, target.table)
    assert (after.embedding_rows, after.places) == (5, [])


def test_a_replaced_image_whose_row_is_not_ours_is_not_begun(target: Copying, tmp_path: Path) -> None:
    """The ledger knows lines and words of it and no IMAGE row: somebody else has put that, and it is whole."""
    for item in planned(1, words=4).items:
        target.store.put(item.item)
    one = planned(1, words=6)
    assert target.copier("pr-1", replacer=replacer(target, tmp_path, one)).copy(one).reason == "replaced"
    assert begun_images(target.control, target.table) == []


def test_an_image_that_was_not_named_is_only_reported(target: Copying, tmp_path: Path) -> None:
    stored(target)
    one = planned(1, words=6)
    found = replacer(target, tmp_path, one)
    other = Replacer(found.objects, {image(2)}, dead_letters=0)
    assert target.copier("pr-2", replacer=other).copy(one).reason == ""


def test_a_killed_replacement_is_completed_and_every_item_has_the_run_that_wrote_it(
    target: Copying, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = stored(target)
    one = planned(1, words=6)
    found = replacer(target, tmp_path, one)
    change = StageWriter.change

    class Killed(BaseException):
        """What nothing catches."""

    def dying(self: StageWriter, item: Any, old: Any) -> float:
        change(self, item, old)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(StageWriter, "change", dying)
        with pytest.raises(Killed):
            target.copier("pr-2", replacer=found).copy(one)
    result = target.copier("pr-3", replacer=replacer(target, tmp_path, one)).copy(one)
    assert result.outcome is ImageOutcome.COPIED, result.detail
    assert target.copier("pr-4").copy(one).outcome is ImageOutcome.IDENTICAL
    owners = [row.sk for run in ("pr-2", "pr-3") for row in target.ledger.items_of_run(run, one.image_id)]
    assert len(owners) == len(set(owners)), "each item has one run that wrote it"
    images = {entry.run_id: entry for entry in target.ledger.images(image_id=one.image_id)}
    assert images["pr-2"].outcome is ImageOutcome.RESUMED
    assert load_partition(found.objects, images["pr-2"].before_image) == before


@pytest.mark.parametrize(
    ("sk", "last"),
    [(LABEL, PLACE), (PLACE, PLACE), (PLACE, WORD.format(5))],
    ids=["not written yet", "written, and not said", "written and said"],
)
def test_a_run_that_goes_on_itself_still_knows_what_was_there_before_it_and_what_others_wrote_meanwhile(
    sk: str, last: str, target: Copying, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second attempt of the same run finds a half replaced image: kept as before-image, it could not be undone."""
    before = stored(target, place={"merchant_name": {"S": "Other"}})
    one = planned(1, words=6)
    found = replacer(target, tmp_path, one)
    change = StageWriter.change

    class Killed(BaseException):
        """What nothing catches."""

    def dying(self: StageWriter, item: Any, old: Any) -> float:
        change(self, item, old)
        if item.key[1] == last:
            raise Killed
        return 0.0

    with monkeypatch.context() as patch:
        patch.setattr(StageWriter, "change", dying)
        with pytest.raises(Killed):
            target.copier("pr-2", replacer=found).copy(one)
    newest = {**before[sk], "reasoning": {"S": "changed by a person meanwhile"}}
    target.store.put(newest)
    result = target.copier("pr-2", replacer=replacer(target, tmp_path, one)).copy(one)
    assert result.outcome is ImageOutcome.COPIED, result.detail
    (entry,) = target.ledger.images(run_id="pr-2")
    assert load_partition(found.objects, entry.before_image) == {**before, sk: newest}
    assert {one.outcome for one in undone(target, "pr-2").values()} == {"rolled_back"}
    assert target.partition(1) == {**before, sk: newest}


def test_an_item_that_another_writer_has_changed_meanwhile_is_not_overwritten(
    target: Copying, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored(target, place={"merchant_name": {"S": "Other"}})
    one = planned(1, words=6)
    found = replacer(target, tmp_path, one)
    change = StageWriter.change

    def raced(self: StageWriter, item: Any, old: Any) -> float:
        if item.key[1] == PLACE:
            target.store.put({**item.item, "merchant_name": {"S": "Newest"}})
        return change(self, item, old)

    monkeypatch.setattr(StageWriter, "change", raced)
    result = target.copier("pr-2", replacer=found).copy(one)
    assert (result.outcome, result.reason) == (ImageOutcome.FAILED, "changed_meanwhile")
    assert target.partition(1)[PLACE]["merchant_name"] == {"S": "Newest"}
