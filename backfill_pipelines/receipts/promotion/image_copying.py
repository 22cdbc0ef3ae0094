"""One image into the target table: look, say what is meant, write stage after stage, read back, say what became of it.

Places and labels are durable before a line or word becomes visible, the IMAGE row comes last: an image with it is
whole. Ended at any item, the next turn finds its own items by their digests and writes the missing ones. What
others wrote is touched only where an image is named to be replaced, by the rules of ``image_replacing``. Which images,
and how many at a time, is ``copy_run``'s.
"""

import threading
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace

from backfill_pipelines.receipts.promotion.image_evidence import ImageResult, by_type, evidence_of
from backfill_pipelines.receipts.promotion.image_outcomes import (
    CHANGED_MEANWHILE,
    DRY_RUN,
    IMAGE_ROW_TAKEN,
    ITEM_REFUSED,
    READ_BACK_DIFFERS,
    REPLACE_REFUSED,
    REPLACED,
    THROTTLED,
    WOULD_REPLACE,
    WRITE_ERROR,
    ImageOutcome,
    ImageState,
)
from backfill_pipelines.receipts.promotion.image_replacing import Replacer, replacement_of
from backfill_pipelines.receipts.promotion.image_state import Observed, observe, partial
from backfill_pipelines.receipts.promotion.planned_image import PlannedImage, PlannedItem
from backfill_pipelines.receipts.promotion.promotion_ledger import PromotionLedger
from backfill_pipelines.receipts.promotion.promotion_rows import STAGES, ItemIntent, LedgerItem
from backfill_pipelines.receipts.promotion.stage_writing import ChangedMeanwhile, ImageRowTaken, StageWriter
from backfill_pipelines.stores.dynamodb_pacing import ThrottledTooLong
from backfill_pipelines.stores.item_errors import InvalidRequest, ItemTooLarge, NoAnswer, NotAllProcessed, Throttled
from backfill_pipelines.stores.items import ItemStore

_SEEN_AS = {
    ImageState.IDENTICAL: ImageOutcome.IDENTICAL,
    ImageState.DIFFERS: ImageOutcome.DIFFERS,
    ImageState.PARTIAL_FOREIGN: ImageOutcome.QUARANTINED,
}
#: An error of one image; every other error of the store is one of the table, and ends the run.
_REASONS: Sequence[tuple[type[Exception], str]] = (
    (ThrottledTooLong, THROTTLED),
    (NotAllProcessed, WRITE_ERROR),
    (Throttled, THROTTLED),
    (NoAnswer, WRITE_ERROR),
    (ItemTooLarge, ITEM_REFUSED),
    (InvalidRequest, ITEM_REFUSED),
    (ImageRowTaken, IMAGE_ROW_TAKEN),
    (ChangedMeanwhile, CHANGED_MEANWHILE),
)
_OF_AN_IMAGE = tuple(kind for kind, _ in _REASONS)


@dataclass
class ImageCopier:
    """Copies images for one run; safe to use from many threads, an image in one of them at a time."""

    items: ItemStore
    ledger: PromotionLedger
    writer: StageWriter
    run_id: str
    #: Names of buckets that must not be in the target.
    source_buckets: Collection[str]
    #: Without it nothing is written, neither to the table nor to the ledger.
    apply: bool = False
    require_held: Callable[[], None] = lambda: None
    #: Of the images that may be overwritten, by name; without it no image is.
    replacer: Replacer | None = None
    #: Set once the table has refused everything for too long.
    throttled: threading.Event = field(default_factory=threading.Event)

    def copy(self, planned: PlannedImage) -> ImageResult:
        """One image's turn.

        Raises:
            LeaseLost: somebody else may be writing the table.
            ItemStoreError: the table as a whole refuses.
        """
        known = self.ledger.items(planned.image_id)
        seen = observe(self.items, planned, known)
        outcome = _SEEN_AS.get(seen.state)
        if outcome is None:
            return self._written(planned, seen, known) if self.apply else self._would_write(planned, seen)
        result = _result(planned, outcome, seen)
        if seen.state is ImageState.PARTIAL_FOREIGN:
            return self.settled(replace(result, reason=str(seen.state)))
        if seen.state is ImageState.DIFFERS:
            asked = self.replacer is not None and planned.image_id in self.replacer.image_ids
            return self._replaced(planned, seen, known, result) if asked else self.settled(result)
        ours = {row.sk for row in known}
        evidence = evidence_of(planned, seen, source_buckets=self.source_buckets, is_new=False, ours=ours)
        return self.settled(replace(result, evidence=evidence), found=seen.items.keys())

    def settled(self, result: ImageResult, found: Collection[str] | None = None) -> ImageResult:
        """The same result, once the ledger knows of it."""
        if self.apply:
            said = (result.outcome, result.reason, result.detail)
            self.ledger.settle(self.run_id, result.image_id, *said, found=found)
        return result

    def _would_write(self, planned: PlannedImage, seen: Observed) -> ImageResult:
        """What a dry run says of an image that it would write."""
        missing = [item for item in planned.items if item.key[1] not in seen.ours]
        units = float(sum(item.write_units for item in missing))
        result = _result(planned, ImageOutcome.NOT_ATTEMPTED, seen)
        return replace(result, reason=DRY_RUN, write_units=units, already_equal=by_type(planned, seen.ours))

    def _written(self, planned: PlannedImage, seen: Observed, known: Sequence[LedgerItem]) -> ImageResult:
        """Write what is missing, and say how that went."""
        self.require_held()
        missing = [item for item in planned.items if item.key[1] not in seen.ours]
        equal = by_type(planned, seen.ours)
        intents = [ItemIntent(item.key[1], item.stage, item.type_name, item.digest) for item in missing]
        self.ledger.intend(self.run_id, planned.image_id, planned.fingerprint, intents, found=seen.ours)
        result = replace(_result(planned, ImageOutcome.COPIED, seen), already_equal=equal, detail="")
        units, written = 0.0, set[str]()
        try:
            for stage in STAGES:
                units += self._stage(planned.image_id, stage, [item for item in missing if item.stage == stage])
                written |= {item.key[1] for item in missing if item.stage == stage}
        except _OF_AN_IMAGE as error:
            return self._failed(replace(result, written=by_type(planned, written), write_units=units), error)
        result = replace(result, written=by_type(planned, written), write_units=units)
        return self.settled(self._read_back(planned, result, known))

    def _replaced(
        self, planned: PlannedImage, seen: Observed, known: Sequence[LedgerItem], result: ImageResult
    ) -> ImageResult:
        """Overwrite an image that was named, if nothing speaks against it."""
        if self.replacer is None:
            return self.settled(result)
        found = replacement_of(planned, seen)
        put = {item.key[1] for item, _ in found.puts}
        equal = {item.key[1] for item in planned.items} - put
        units = float(sum(item.write_units for item, _ in found.puts))
        result = replace(result, stream_messages=found.messages, already_equal=by_type(planned, equal))
        if not self.apply:
            return replace(result, reason=WOULD_REPLACE, write_units=units)
        if why := self.replacer.refusal(planned.image_id, seen):
            return self.settled(replace(result, reason=REPLACE_REFUSED, detail=why))
        self.require_held()
        about = {"ledger": self.ledger, "writer": self.writer, "run_id": self.run_id}
        try:
            units = self.replacer.write(found, seen, known, **about, require_held=self.require_held)
        except _OF_AN_IMAGE as error:
            return self._failed(result, error)
        result = replace(result, outcome=ImageOutcome.COPIED, reason=REPLACED, detail="", write_units=units)
        result = replace(result, written=by_type(planned, put))
        return self.settled(self._read_back(found.planned, result, known, is_replaced=True))

    def _failed(self, result: ImageResult, error: Exception) -> ImageResult:
        """An image that an error has ended; what is there of it stays, and is taken up by the next run."""
        if isinstance(error, ThrottledTooLong):
            self.throttled.set()
        reason = next(reason for kind, reason in _REASONS if isinstance(error, kind))
        return self.settled(replace(result, outcome=ImageOutcome.FAILED, reason=reason, detail=str(error)))

    def _stage(self, image_id: str, stage: int, items: Sequence[PlannedItem]) -> float:
        """Write the items of a stage; returns once they are durable and the ledger says so."""
        self.require_held()
        units = self.writer.write(items, self.require_held)
        self.ledger.stage_done(self.run_id, image_id, stage, units)
        return units

    def _read_back(
        self, planned: PlannedImage, result: ImageResult, known: Sequence[LedgerItem], *, is_replaced: bool = False
    ) -> ImageResult:
        """The evidence of a written image; one that is not what was written has failed.

        ``known`` is what the ledger had of it before: with what was planned, it is what the ledger has now.
        """
        seen = observe(self.items, planned, ())
        if seen.state is ImageState.PARTIAL_FOREIGN:
            seen = partial(seen.items, seen.digests, self.ledger.items(planned.image_id))
        evidence = evidence_of(
            planned,
            seen,
            source_buckets=self.source_buckets,
            is_new=not is_replaced,
            is_replaced=is_replaced,
            ours={row.sk for row in known} | {item.key[1] for item in planned.items},
        )
        result = replace(result, evidence=evidence)
        if seen.state is ImageState.IDENTICAL and not evidence.items.wrong:
            return result
        detail = "; ".join([*evidence.items.sample[:3], seen.detail]).strip("; ")
        return replace(result, outcome=ImageOutcome.FAILED, reason=READ_BACK_DIFFERS, detail=detail)


def _result(planned: PlannedImage, outcome: ImageOutcome, seen: Observed) -> ImageResult:
    return ImageResult(
        image_id=planned.image_id,
        outcome=outcome,
        detail=seen.detail,
        state=seen.state,
        counts=planned.counts,
        not_migrated=planned.not_migrated,
        accepted_losses=planned.accepted_losses,
        embedding_rows=planned.embedding_rows,
        planned=by_type(planned),
    )
