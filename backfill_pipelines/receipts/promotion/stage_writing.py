"""The items of one stage into the table, 25 a request, at the table's pace; the IMAGE row by a conditional put.

The partition was read empty, or ours, under the writer lease, so batches need no condition. What they mean for an
image is ``image_copying``'s.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from backfill_pipelines.backfill.failures import BackfillError
from backfill_pipelines.receipts.items import item_digest
from backfill_pipelines.receipts.promotion.entities import IMAGE_STAGE
from backfill_pipelines.receipts.promotion.planned_image import PlannedItem
from backfill_pipelines.stores.dynamodb_batches import WRITES_PER_CALL, chunks
from backfill_pipelines.stores.dynamodb_pacing import WritePacer
from backfill_pipelines.stores.item_errors import ConditionFailed, NoAnswer, NotAllProcessed
from backfill_pipelines.stores.items import Consumed, Item, ItemStore, absent, unchanged

_ATTEMPTS = 5


class ChangedMeanwhile(BackfillError):
    """An item is neither what was read before the write nor what was to be written."""


class ImageRowTaken(BackfillError):
    """Another writer has put the IMAGE row while we wrote its items."""


@dataclass
class StageWriter:
    """Writes the items of a run's images; safe to use from many threads."""

    items: ItemStore
    pacer: WritePacer

    def write(self, planned: Sequence[PlannedItem], require_held: Callable[[], None] = lambda: None) -> float:
        """Write items; returns the metered units once all of them are durable.

        ``require_held`` is asked before each request, once its turn has come: a stage may wait minutes for capacity,
        and a batch has no condition but the lease.

        Raises:
            LeaseLost: somebody else may be writing the table.
            NotAllProcessed: a request stayed refused for ten rounds.
            ThrottledTooLong: the table accepted nothing for ten minutes.
            ImageRowTaken: the IMAGE row is there, and not ours.
            ItemStoreError: the store refuses or does not answer.
        """
        rows = [item for item in planned if item.stage == IMAGE_STAGE]
        batches = list(chunks([item for item in planned if item.stage != IMAGE_STAGE], WRITES_PER_CALL))
        return sum(self._batch(batch, require_held) for batch in batches) + sum(map(self._row, rows))

    def change(self, item: PlannedItem, before: Item | None) -> float:
        """Put one item over another, or where there is none.

        Raises:
            ChangedMeanwhile: the stored item is neither the one that was read nor this one.
        """
        condition = absent() if before is None else unchanged(before, item.item)
        return self._once(item.key, estimate(item), lambda: self.items.put(item.item, condition), item.digest)

    def remove(self, before: Item, others: Iterable[str] = ()) -> float:
        """Delete one item, as it was read; ``others`` names attributes that nobody may have added since.

        Raises:
            ChangedMeanwhile: the stored item is another.
        """
        key = (before["PK"]["S"], before["SK"]["S"])
        named = {name: before[name] for name in ("PK", "SK")}
        return self._once(key, Consumed(1.0), lambda: self.items.delete(named, unchanged(before, others)), "")

    def _once(self, key: tuple[str, str], units: Consumed, write: Callable[[], Consumed], digest: str) -> float:
        """One conditional write; a refusal or silence is settled by a read: done already, or somebody else's."""
        for attempt in range(_ATTEMPTS):
            try:
                return self.pacer.run(units, write).total
            except ConditionFailed as error:
                if self._digest_of(key) == digest:
                    return units.total
                raise ChangedMeanwhile(
                    f"{' '.join(key)} was changed by another writer in the meantime. Repair: look who it is, then "
                    "run again: what was replaced already is not replaced twice"
                ) from error
            except NoAnswer:
                if attempt + 1 == _ATTEMPTS:
                    raise
                time.sleep(0.1 * 2.0**attempt)
        raise AssertionError

    def _digest_of(self, key: tuple[str, str]) -> str:
        """Of the stored item; empty when there is none."""
        current = self.items.get({"PK": {"S": key[0]}, "SK": {"S": key[1]}})
        return item_digest(current) if current is not None else ""

    def _batch(self, batch: Sequence[PlannedItem], require_held: Callable[[], None]) -> float:
        ticket = self.pacer.acquire(estimate(*batch))
        require_held()
        try:
            written = self.items.batch_write([item.item for item in batch])
        except NotAllProcessed:
            self.pacer.throttled(ticket)
            raise
        if written.throttles:
            self.pacer.throttled(ticket)
            ticket = replace(ticket, estimate=Consumed())
        self.pacer.settle(ticket, written.consumed)
        return written.consumed.total

    def _row(self, row: PlannedItem) -> float:
        """The completion marker: there is none yet, or the one of a put whose answer was lost."""
        try:
            return self.change(row, None)
        except ChangedMeanwhile as error:
            raise ImageRowTaken(str(error)) from error


def estimate(*planned: PlannedItem) -> Consumed:
    """Units of puts, in the table and in each index that gets a copy."""
    table, indexes = 0.0, dict[str, float]()
    for one in planned:
        names = [name.removesuffix("PK") for name in one.item if name.startswith("GSI") and name.endswith("PK")]
        names += ["GSITYPE"] if "TYPE" in one.item else []
        units = one.write_units / (1 + len(names))
        table += units
        for name in names:
            indexes[name] = indexes.get(name, 0.0) + units
    return Consumed(table, indexes)
