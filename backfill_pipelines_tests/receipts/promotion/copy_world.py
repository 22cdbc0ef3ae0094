"""A target table, a ledger and a folder of exports that a test copies between."""

import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from backfill_pipelines.receipts.items import Item, item_digest
from backfill_pipelines.receipts.promotion.copy_run import CopyRun, Work
from backfill_pipelines.receipts.promotion.embedding_backlog import remaining
from backfill_pipelines.receipts.promotion.export_reading import read_export
from backfill_pipelines.receipts.promotion.image_copying import ImageCopier
from backfill_pipelines.receipts.promotion.image_evidence import ImageResult
from backfill_pipelines.receipts.promotion.image_state import read_partition
from backfill_pipelines.receipts.promotion.planned_image import PlannedImage
from backfill_pipelines.receipts.promotion.promotion_ledger import PromotionLedger
from backfill_pipelines.receipts.promotion.stage_writing import StageWriter
from backfill_pipelines.receipts.try_out import SPEC
from backfill_pipelines.stores.control import ControlStore
from backfill_pipelines.stores.dynamodb import DynamoItemStore
from backfill_pipelines.stores.dynamodb_pacing import WritePacer
from backfill_pipelines.stores.dynamodb_tables import DynamoTable
from backfill_pipelines_tests.receipts.promotion.exports import BUCKETS, IMAGE, RULES, export, geometry
from backfill_pipelines_tests.stores.item_servers import connected

#: So many that the first stage and the third take several requests.
WORDS = 30


def image(number: int) -> str:
    """The id of the number-th image, in the bucket of that number."""
    return f"{number:02x}{IMAGE[2:]}"


def wide_export(number: int, words: int = WORDS) -> dict[str, Any]:
    """An export of one receipt with one line of many words."""
    ids = [{"line_id": 1, "word_id": word} for word in range(1, words + 1)]
    wide = {
        "words": [{**one, **geometry(f"W{one['word_id']}"), "extracted_data": None} for one in ids],
        "receipt_words": [
            {**one, "receipt_id": 1, **geometry(f"W{one['word_id']}"), "embedding_status": "SUCCESS"} for one in ids
        ],
    }
    lists = export() | wide
    return {name: [{**row, "image_id": image(number)} for row in rows] for name, rows in lists.items()}


def planned(number: int, words: int = WORDS) -> PlannedImage:
    """The number-th image as it will be written."""
    found = read_export(f"{image(number)}.json", json.dumps(wide_export(number, words)).encode(), RULES)
    assert isinstance(found, PlannedImage), found
    return found


def work_of(image_ids: Sequence[PlannedImage]) -> list[Work]:
    """The images as work."""
    return [Work(one.image_id, one.embedding_rows, lambda one=one: one) for one in image_ids]


def killed_when_done(patch: pytest.MonkeyPatch, stage: int) -> None:
    """A copy ends on the spot once all items of a stage are written, before the ledger knows it."""
    original = PromotionLedger.stage_done

    def ended(self: PromotionLedger, run_id: str, image_id: str, done: int, write_units: float) -> None:
        if done == stage:
            raise ConnectionError
        original(self, run_id, image_id, done, write_units)

    patch.setattr(PromotionLedger, "stage_done", ended)


@dataclass
class Copying:
    """A table and a ledger of its own."""

    endpoint: str
    folder: Path
    control: ControlStore
    table: str = field(default_factory=lambda: f"Prod-{uuid.uuid4().hex[:12]}")

    def __post_init__(self) -> None:
        wire = connected(self.endpoint)
        DynamoTable(self.table, wire).ensure(SPEC)
        self.store = DynamoItemStore(self.table, wire, wire)
        self.ledger = PromotionLedger(self.control, self.table)

    def copier(self, run_id: str = "pr-1", *, apply: bool = True, **choices: Any) -> ImageCopier:
        """The copier of a run, at full speed."""
        writer = StageWriter(self.store, WritePacer({"": 1e9}, share=1.0))
        sources = [name for name, target in BUCKETS.items() if name != target]
        return ImageCopier(self.store, self.ledger, writer, run_id, sources, apply=apply, **choices)

    def run(
        self, images: Sequence[PlannedImage], run_id: str = "pr-1", *, limit: int = 50_000, **choices: Any
    ) -> Mapping[str, ImageResult]:
        """One run over images."""
        return self.copy_run(run_id, limit=limit, **choices).run(work_of(images))

    def copy_run(self, run_id: str = "pr-1", *, limit: int = 50_000, apply: bool = True, **choices: Any) -> CopyRun:
        """A run that has not begun."""
        return CopyRun(self.copier(run_id, apply=apply), lambda: remaining(self.store), limit, **choices)

    def partition(self, number: int) -> dict[str, Item]:
        """Stored items of an image."""
        return read_partition(self.store, image(number))

    def digests(self) -> dict[str, str]:
        """The whole table, item by item."""
        items = [item for page in self.store.scan() for item in page.items]
        return {f"{item['PK']['S']} {item['SK']['S']}": item_digest(item) for item in items}


@contextmanager
def copying(endpoint: str, folder: Path) -> Iterator[Copying]:
    """A world of its own."""
    control = ControlStore(url=f"sqlite:///{folder / 'control.db'}")
    try:
        yield Copying(endpoint, folder, control)
    finally:
        control.close()
