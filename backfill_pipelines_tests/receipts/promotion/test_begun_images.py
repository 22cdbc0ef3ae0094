"""Images that are begun and not finished, as the ledgers know them: nothing is embedded as long as there is one."""

import pytest

from backfill_pipelines.receipts.promotion.begun_images import begun_images, begun_text
from backfill_pipelines.receipts.promotion.image_outcomes import ImageOutcome
from backfill_pipelines.stores.dynamodb import DynamoItemStore
from backfill_pipelines.stores.item_errors import InvalidRequest
from backfill_pipelines_tests.receipts.promotion.copy_world import Copying, image, killed_when_done, planned
from backfill_pipelines_tests.receipts.promotion.undo_world import undone


def begun(target: Copying) -> list[tuple[str, str]]:
    """Image and run of what is begun."""
    return [(one.image_id, one.run_id) for one in begun_images(target.control, target.table)]


def killed(target: Copying, stage: int, run_id: str = "pr-1") -> None:
    """Copy image 1 until a stage."""
    with pytest.MonkeyPatch.context() as patch:
        killed_when_done(patch, stage)
        with pytest.raises(ConnectionError):
            target.copier(run_id).copy(planned(1))


@pytest.mark.parametrize("stage", [1, 2, 3, 4])
def test_a_killed_copy_is_begun_until_a_later_run_has_finished_it(target: Copying, stage: int) -> None:
    target.copier("pr-0").copy(planned(2))
    assert begun(target) == []
    killed(target, stage)
    assert begun(target) == [(image(1), "pr-1")]
    assert target.copier("pr-2").copy(planned(1)).outcome in (ImageOutcome.COPIED, ImageOutcome.IDENTICAL)
    assert begun(target) == []


@pytest.mark.parametrize("stage", [1, 3])
def test_a_killed_copy_is_begun_until_it_is_taken_back(target: Copying, stage: int) -> None:
    target.ledger.run_of("here", "pr-1", "plan")
    killed(target, stage)
    assert undone(target)[image(1)].outcome == "rolled_back"
    assert begun(target) == []


def test_an_image_that_was_given_up_is_begun_only_once_lines_or_words_of_it_are_visible(target: Copying) -> None:
    """Otherwise a bad image would hold the embedding of all others back for ever."""
    batch = DynamoItemStore.batch_write
    for stage, is_begun in ((1, False), (3, True)):
        one = planned(stage)
        refused = next(item.key for item in one.items if item.stage == stage)

        def write(self: DynamoItemStore, puts: list = (), *, key: tuple[str, str] = refused):  # type: ignore[type-arg]
            if key in {(item["PK"]["S"], item["SK"]["S"]) for item in puts}:
                raise InvalidRequest(target.table, "BatchWriteItem", "", "a value that it does not take")
            return batch(self, puts)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(DynamoItemStore, "batch_write", write)
            assert target.copier().copy(one).outcome is ImageOutcome.FAILED
        assert ((one.image_id, "pr-1") in begun(target)) is is_begun


def test_a_run_that_later_says_something_else_of_a_half_copied_image_does_not_make_it_whole(target: Copying) -> None:
    """The same run goes on, and parks what it had begun."""
    killed(target, 3)
    target.ledger.settle("pr-1", image(1), ImageOutcome.PARKED, "parked_backlog", "too many wait")
    assert begun(target) == [(image(1), "pr-1")]


def test_an_image_that_somebody_else_has_made_whole_meanwhile_is_not_begun(target: Copying) -> None:
    """Otherwise nothing would be embedded any more: the run could neither finish it nor would it be its own."""
    killed(target, 3)
    row = next(item.item for item in planned(1).items if item.key[1] == "IMAGE")
    target.store.put({**row, "width": {"N": "7"}})
    words = {sk: item for sk, item in target.partition(1).items() if item["TYPE"]["S"] == "WORD"}
    target.store.delete({name: next(iter(words.values()))[name] for name in ("PK", "SK")})
    assert target.copier("pr-2").copy(planned(1)).outcome is ImageOutcome.DIFFERS
    assert begun(target) == []


def test_an_interrupted_rollback_is_begun_until_it_has_ended_or_the_image_is_copied_again(
    target: Copying, monkeypatch: pytest.MonkeyPatch
) -> None:
    target.ledger.run_of("here", "pr-1", "plan")
    target.copier("pr-1").copy(planned(1))
    delete, seen = DynamoItemStore.delete, [0]

    def ended(self: DynamoItemStore, *arguments: object) -> object:
        seen[0] += 1
        if seen[0] == 3:
            raise ConnectionError
        return delete(self, *arguments)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(DynamoItemStore, "delete", ended)
        with pytest.raises(ConnectionError):
            undone(target)
    assert begun(target) == [(image(1), "pr-1")]
    assert f"{image(1)} (taken back from pr-1)" in begun_text("Prod", begun_images(target.control, target.table))
    assert target.copier("pr-2").copy(planned(1)).outcome is ImageOutcome.COPIED
    assert begun(target) == []


def test_the_half_of_an_image_that_is_left_when_only_the_later_of_its_two_runs_was_taken_back_is_begun(
    target: Copying,
) -> None:
    target.ledger.run_of("here", "pr-1", "plan")
    target.ledger.run_of("there", "pr-2", "plan")
    killed(target, 4)
    row = target.partition(1)["IMAGE"]
    target.store.delete({name: row[name] for name in ("PK", "SK")})
    assert target.copier("pr-2").copy(planned(1)).outcome is ImageOutcome.COPIED
    assert begun(target) == []
    assert undone(target, "pr-2")[image(1)].outcome == "rolled_back"
    assert begun(target) == [(image(1), "pr-1")]
    assert undone(target, "pr-1")[image(1)].outcome == "rolled_back"
    assert target.partition(1) == {}
    assert begun(target) == []


def test_the_refusal_names_the_first_of_many_and_their_way_out(target: Copying) -> None:
    assert begun_text("Prod", []) == ""
    killed(target, 2)
    found = begun_images(target.control, target.table)
    text = begun_text("Prod", found * 5)
    assert text.startswith(f"5 images of Prod are begun and not finished: {image(1)} (copied by pr-1), ")
    assert " and 2 more. Of their lines and words" in text
    assert text.endswith(
        f"Repair: backfill promote run --apply, or what that cannot finish: backfill promote rollback pr-1 "
        f"--image {image(1)}"
    )
