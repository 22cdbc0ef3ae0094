"""One image out of the target table: kept as a file, then taken back stage after stage, the IMAGE row first.

Every write is conditioned on each attribute that was read. Whatever turns out to be changed while the image is being
taken back makes the rest of it come back: an image goes whole or stays whole. Ended at any item, the next turn finds
the row of the rollback ledger and goes on. What is to be done is ``rollback_rules``', which images ``rollback_run``'s.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field, replace

from backfill_pipelines.receipts.items import Item, item_digest
from backfill_pipelines.receipts.promotion.entities import BY_TYPE, Entity
from backfill_pipelines.receipts.promotion.image_state import read_partition
from backfill_pipelines.receipts.promotion.partition_images import load_partition, save_partition
from backfill_pipelines.receipts.promotion.planning import planned_item
from backfill_pipelines.receipts.promotion.promotion_rows import ImageEntry
from backfill_pipelines.receipts.promotion.rollback_ledger import KEPT, ROLLED_BACK, RollbackLedger, Undone
from backfill_pipelines.receipts.promotion.rollback_preview import ImageLooker
from backfill_pipelines.receipts.promotion.rollback_rules import ImageStep, ItemStep, State
from backfill_pipelines.receipts.promotion.stage_writing import ChangedMeanwhile, StageWriter
from backfill_pipelines.stores.objects import ObjectStore

_INDEX_KEYS = tuple(f"GSI{number}{part}" for number in (1, 2, 3, 4) for part in ("PK", "SK"))


@dataclass
class ImageUndoer:
    """Takes images of one run back; safe to use from many threads, an image in one of them at a time."""

    looker: ImageLooker
    objects: ObjectStore
    rollbacks: RollbackLedger
    writer: StageWriter
    workers: int = 10
    require_held: Callable[[], None] = lambda: None
    log: Callable[[str], None] = lambda _: None
    done: dict[str, Undone] = field(default_factory=dict[str, Undone])

    def run(self, entries: Sequence[ImageEntry]) -> Mapping[str, Undone]:
        """Take images back, some at a time; what is known when an error ends it is in ``done`` and in the ledger.

        Raises:
            LeaseLost: somebody else may be writing the table.
            ThrottledTooLong: the table takes nothing.
            ItemStoreError: the table as a whole refuses.
        """
        known = self.rollbacks.rows()
        with ThreadPoolExecutor(self.workers, "undo") as pool:
            futures: list[Future[Undone]] = [
                pool.submit(self.undo, entry, known.get(entry.image_id)) for entry in entries
            ]
            try:
                for future in as_completed(futures):
                    undone = future.result()
                    self.done[undone.image_id] = undone
                    for slowdown in self.writer.pacer.slowdowns():
                        self.log(slowdown.text)
            except BaseException:
                for future in futures:
                    future.cancel()
                raise
        return self.done

    def undo(self, entry: ImageEntry, known: Undone | None) -> Undone:
        """One image's turn."""
        self.require_held()
        step, stored = self.looker.step(entry, known)
        if step.is_kept:
            return self._kept(entry, step, known, stored)
        saved = known.saved if known and known.outcome is None else ""
        earlier = known.events if known and saved else 0
        if not saved:
            of_rollback = f"rollback-of-{self.rollbacks.run_id}"
            saved = save_partition(self.objects, self.rollbacks.table, of_rollback, entry.image_id, stored.values())
        events = max(earlier, step.predicted.messages)
        self.rollbacks.begin(entry.image_id, events, saved)
        try:
            units = self._written(step)
        except ChangedMeanwhile as error:
            begun = Undone(entry.image_id, None, events=events, saved=saved)
            kept, now = self.looker.step(entry, begun)
            return self._kept(entry, kept, begun, now, str(error))
        wrong = self._wrong(step)
        undone = Undone(entry.image_id, ROLLED_BACK, "", dict(step.states), events, units, saved, wrong)
        self.rollbacks.settle(undone)
        return undone

    def _written(self, step: ImageStep) -> float:
        """Write all of it, the stages in reverse."""
        units, stage = 0.0, 0
        for one in step.writes:
            if one.row.stage != stage:
                self.require_held()
                stage = one.row.stage
            units += self._write(one)
        return units

    def _write(self, step: ItemStep) -> float:
        if step.change is None:
            return 0.0
        before, after = step.change.before, step.change.after
        entity = BY_TYPE[step.row.type_name]
        if after is not None:
            return self.writer.change(planned_item(entity, after), before)
        return self.writer.remove(before, _attributes(entity)) if before is not None else 0.0

    def _kept(
        self, entry: ImageEntry, step: ImageStep, known: Undone | None, stored: Mapping[str, Item], why: str = ""
    ) -> Undone:
        """An image that stays: what an earlier call, or this one, has taken of it comes back."""
        reason = "; ".join(part for part in (step.reason, why) if part)
        undone = Undone(entry.image_id, KEPT, reason, dict(step.states))
        if known is not None and known.outcome is None and known.saved:
            units = self._put_back(step, load_partition(self.objects, known.saved), stored)
            undone = replace(undone, write_units=units, events=known.events, saved=known.saved)
            again, _ = self.looker.step(entry, undone)
            undone = replace(undone, states=dict(again.states))
        self.rollbacks.settle(undone)
        return undone

    def _put_back(self, step: ImageStep, saved: Mapping[str, Item], stored: Mapping[str, Item]) -> float:
        """Make the items that a rollback has undone what they were, in the order of writing."""
        units = 0.0
        for one in sorted(step.steps, key=lambda each: (each.row.stage, each.row.sk)):
            was, now = saved.get(one.row.sk), stored.get(one.row.sk)
            if one.state not in (State.DELETED, State.RESTORED) or one.change is not None:
                continue  # not undone, or changed by others since
            entity = BY_TYPE[one.row.type_name]
            if was is not None and _digest(now) != _digest(was):
                units += self.writer.change(planned_item(entity, was), now)
            elif was is None and now is not None:
                units += self.writer.remove(now, _attributes(entity))
        return units

    def _wrong(self, step: ImageStep) -> tuple[str, ...]:
        """Items of the run that a strongly consistent read does not find as they are to be."""
        found = read_partition(self.looker.items, step.image_id)
        wanted = {one.row.sk: one.change.after for one in step.writes if one.change is not None}
        return tuple(
            f"{step.image_id} {sk}: {'it is still there' if after is None else 'it is not as it was before the run'}"
            for sk, after in wanted.items()
            if _digest(found.get(sk)) != _digest(after)
        )


def _digest(item: Item | None) -> str:
    return item_digest(item) if item is not None else ""


def _attributes(entity: Entity) -> tuple[str, ...]:
    """Every attribute that a writer may have added to an item of this kind."""
    return (*sorted(entity.known), *_INDEX_KEYS)


def tally(undone: Mapping[str, Undone]) -> Counter[State]:
    """Items by what became of them."""
    return sum((Counter(dict(one.states)) for one in undone.values()), Counter[State]())
