"""What a rollback of a promotion proves of itself, by reading again: nothing lost, nothing left, no half image."""

from collections.abc import Mapping

from backfill_pipelines.receipts.gate_results import GateResult, exact
from backfill_pipelines.receipts.items import item_digest
from backfill_pipelines.receipts.promotion.image_state import read_partition
from backfill_pipelines.receipts.promotion.image_undoing import tally
from backfill_pipelines.receipts.promotion.partition_images import load_partition
from backfill_pipelines.receipts.promotion.rollback_ledger import ROLLED_BACK, Undone
from backfill_pipelines.receipts.promotion.rollback_preview import Preview
from backfill_pipelines.receipts.promotion.rollback_rules import APPLIED
from backfill_pipelines.stores.items import ItemStore
from backfill_pipelines.stores.objects import ObjectStore

RECONCILES, AS_BEFORE, WHOLE = "rollback_reconciles", "images_as_before_the_run", "kept_images_are_whole"


def judge_rollback(
    preview: Preview, undone: Mapping[str, Undone], items: ItemStore, objects: ObjectStore
) -> list[GateResult]:
    """All gates of a rollback.

    Args:
        preview: What was to be done.
        undone: What was done, image by image.
        items: The table.
        objects: Where partitions are kept as they were.
    """
    return [_reconciles(preview, undone), _as_before(undone), _whole(undone, items, objects)]


def _reconciles(preview: Preview, undone: Mapping[str, Undone]) -> GateResult:
    """The equation: every item that the run wrote has a state, and every image an outcome."""
    counts = tally(undone)
    total = sum(counts[state] for state in APPLIED)
    text = f"{total:,} applied = " + " + ".join(f"{counts[state]:,} {state}" for state in APPLIED)
    lost = [f"{name}: nothing is known of it" for name in preview.images if name not in undone]
    seen = {name: sum(one.states.values()) for name, one in preview.images.items() if name in undone}
    lost += [
        f"{name}: {seen[name]:,} items were looked at, {found:,} have a state"
        for name, one in undone.items()
        if name in seen and (found := sum(one.states.values())) != seen[name]
    ]
    repair = "run the same rollback again: it takes up what has no outcome"
    return exact(RECONCILES, text, lost, repair, **{str(state): counts[state] for state in APPLIED})


def _as_before(undone: Mapping[str, Undone]) -> GateResult:
    """No item of the run is left of an image that was taken back, and what it had replaced stands there again."""
    gone = [one for one in undone.values() if one.outcome == ROLLED_BACK]
    wrong = [text for one in gone for text in one.wrong]
    text = f"{len(gone):,} images read back, strongly consistent; {len(wrong):,} items are not as before the run"
    repair = "somebody writes these images at the same time: find out who, then run the same rollback again"
    return exact(AS_BEFORE, text, wrong, repair)


def _whole(undone: Mapping[str, Undone], items: ItemStore, objects: ObjectStore) -> GateResult:
    """An image that a rollback had begun and then kept has every item again that it had."""
    put_back = {name: one for name, one in undone.items() if one.outcome != ROLLED_BACK and one.saved}
    lost: list[str] = []
    for name, one in put_back.items():
        found = {sk: item_digest(item) for sk, item in read_partition(items, name).items()}
        lost += [f"{name} {sk}: gone" for sk in sorted(load_partition(objects, one.saved).keys() - found.keys())]
    kept = sum(one.outcome != ROLLED_BACK for one in undone.values())
    text = f"{kept:,} images kept, {len(put_back):,} of them put back after they had been begun"
    return exact(WHOLE, text, lost, "run the same rollback again: it puts back what is missing")
