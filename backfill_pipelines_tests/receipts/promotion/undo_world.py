"""Rollbacks over the world of copies."""

from pathlib import Path
from typing import Any

from backfill_pipelines.receipts.items import Item
from backfill_pipelines.receipts.promotion.image_undoing import ImageUndoer
from backfill_pipelines.receipts.promotion.rollback_gates import judge_rollback
from backfill_pipelines.receipts.promotion.rollback_ledger import RollbackLedger, Undone
from backfill_pipelines.receipts.promotion.rollback_preview import ImageLooker, Preview, candidates, look, scope_of
from backfill_pipelines.receipts.promotion.stage_writing import StageWriter
from backfill_pipelines.stores.dynamodb_pacing import WritePacer
from backfill_pipelines.stores.objects import ObjectStore
from backfill_pipelines_tests.receipts.promotion.copy_world import Copying

WORD = "RECEIPT#00001#LINE#00001#WORD#{:05d}"
LABEL = f"{WORD.format(1)}#LABEL#PRODUCT_NAME"
PLACE, LINE, IMAGE_ROW = "RECEIPT#00001#PLACE", "RECEIPT#00001#LINE#00001", "IMAGE"


def kept_objects(folder: Path) -> ObjectStore:
    """Where before-images go."""
    return ObjectStore(url=str(folder / "objects"), is_own=True)


def undoer(target: Copying, run_id: str = "pr-1", *, include_embedded: bool = False, **choices: Any) -> ImageUndoer:
    """The undoer of a run, at full speed."""
    objects = kept_objects(target.folder)
    return ImageUndoer(
        ImageLooker(target.store, objects, target.ledger, run_id, include_embedded),
        objects,
        RollbackLedger(target.control, target.table, run_id, "test"),
        StageWriter(target.store, WritePacer({"": 1e9}, share=1.0)),
        **choices,
    )


def previewed(target: Copying, run_id: str = "pr-1", **choices: Any) -> Preview:
    """What taking a run back would do."""
    found = undoer(target, run_id, include_embedded=choices.pop("include_embedded", False))
    return look(found.looker, found.rollbacks, scope_of(run_id), **choices)


def undone(target: Copying, run_id: str = "pr-1", **choices: Any) -> dict[str, Undone]:
    """Take a run back; every gate must be green."""
    found, scope = undoer(target, run_id, **choices), scope_of(run_id)
    preview = look(found.looker, found.rollbacks, scope)
    done = dict(found.run(list(candidates(target.ledger, scope).values())))
    for gate in judge_rollback(preview, done, target.store, found.objects):
        assert gate.passed, gate.lines
    return done


def embedded(item: Item) -> Item:
    """A line or word as the embedding workflow leaves it."""
    return {**item, "embedding_status": {"S": "SUCCESS"}, "GSI1PK": {"S": "EMBEDDING_STATUS#SUCCESS"}}


def change(target: Copying, number: int, sk: str, **attributes: Any) -> None:
    """Somebody changes one stored item."""
    target.store.put({**target.partition(number)[sk], **attributes})
