"""Conditional puts of prepared records, in parallel, each with an outcome: what a lost race, reply or rate means.

Only a failed condition means that an item exists, only a read that finds nothing means that none does. An error of
the store as a whole (rights, table) is nobody's outcome and is raised. Ledger and batches are ``bucket_writing``'s.
"""

import random
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

from backfill_pipelines.receipts.capacity import ONE_PARTITION_UNITS
from backfill_pipelines.receipts.items import Item
from backfill_pipelines.receipts.ledger import Settlement
from backfill_pipelines.receipts.outcomes import Reason
from backfill_pipelines.receipts.place import INDEXES, table_key
from backfill_pipelines.receipts.place_reading import Existing, existing_state
from backfill_pipelines.receipts.provenance import content_digest, mark_of
from backfill_pipelines.receipts.record_preparing import REASON_OF, WRITTEN_AS, Ready
from backfill_pipelines.stores.dynamodb_pacing import (
    Slowdown,
    ThrottledTooLong,
    WritePacer,
    estimated_units,
    write_rates,
)
from backfill_pipelines.stores.dynamodb_tables import TableState
from backfill_pipelines.stores.item_errors import ConditionFailed, InvalidRequest, ItemTooLarge, NoAnswer
from backfill_pipelines.stores.items import Consumed, Expression, ItemStore, absent, unchanged

#: Indexes that keep all places under one partition key.
HOT_INDEXES = ("GSI3", "GSITYPE")
_ATTEMPTS = 5
_LONGEST_WAIT_SECONDS = 8.0
#: An embedded server has no partitions and no capacity: only what it takes to answer limits it.
_NO_LIMIT = float(ONE_PARTITION_UNITS * 1_000_000)


def pacer_for(table: TableState, utilisation: float, share: float, *, is_embedded: bool = False) -> WritePacer:
    """The pace that a table and its indexes allow at this utilisation, beginning with a share of it."""
    capacity = {name: index.write_units for name, index in table.indexes.items()}
    if is_embedded and table.write_units is None:
        return WritePacer({"": _NO_LIMIT}, share=1.0)
    hot = [name for name in HOT_INDEXES if name in capacity]
    return WritePacer(write_rates(table.write_units, capacity, utilisation=utilisation, hot=hot), share=share)


class RecordPutter:
    """Puts records with some workers; one for a run, safe to use from one thread."""

    def __init__(
        self,
        items: ItemStore,
        pacer: WritePacer,
        *,
        workers: int = 10,
        enrich_stubs: bool = False,
        sleep: Callable[[float], None] = time.sleep,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._items = items
        self._pacer = pacer
        self._enrich_stubs = enrich_stubs
        self._sleep = sleep
        self._uniform = uniform
        self._pool = ThreadPoolExecutor(workers, "put")
        self._refused_for_good = ""

    @property
    def is_throttled(self) -> bool:
        """Whether the table has taken nothing for too long: the run is over."""
        return bool(self._refused_for_good)

    @property
    def why_throttled(self) -> str:
        """What has refused for too long, in words; empty while nothing has."""
        return self._refused_for_good

    @property
    def refused_puts(self) -> int:
        """How often the table has refused a put for its rate."""
        return self._pacer.refusals

    def slowdowns(self) -> list[Slowdown]:
        """What throttles have done since this was last asked."""
        return self._pacer.slowdowns()

    @property
    def share(self) -> float:
        """Share of the planned rate in force."""
        return self._pacer.share

    def submit(self, batch: Sequence[Ready]) -> list[tuple[Ready, "Future[Settlement | Ready]"]]:
        """Start putting; a future gives the outcome, or the record with the stub that it found in its place."""
        return [(ready, self._pool.submit(self._put, ready)) for ready in batch]

    def close(self) -> None:
        """Wait for what was started, drop what was not."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _put(self, ready: Ready) -> Settlement | Ready:
        error = ""
        for attempt in range(_ATTEMPTS):
            if self.is_throttled:
                return ready.settled(Reason.THROTTLED, detail="the table refused all writes before this one")
            try:
                return self._put_once(ready)
            except ThrottledTooLong as raised:
                self._refused_for_good = str(raised)
                return ready.settled(Reason.THROTTLED, detail=str(raised))
            except NoAnswer as raised:
                error = str(raised)
            found = self._after_silence(ready, attempt)
            if found is not None:
                return found
        return ready.settled(Reason.WRITE_ERROR, detail=error)

    def _put_once(self, ready: Ready) -> Settlement | Ready:
        """One put and what its answer means.

        Raises:
            NoAnswer: it may or may not have been applied.
            ThrottledTooLong: the table takes nothing.
        """
        item = ready.built.item
        estimate = estimated_units(ready.built.size, INDEXES)
        try:
            consumed: Consumed = self._pacer.run(estimate, lambda: self._items.put(item, condition_of(ready)))
        except ConditionFailed as error:
            current = error.current or self._current(ready)
            if current is None:
                raise NoAnswer(error.table, error.operation, "", "the item was deleted meanwhile") from error
            return self._judged(ready, current)
        except ItemTooLarge as error:
            return ready.settled(Reason.ITEM_TOO_LARGE, detail=str(error))
        except InvalidRequest as error:
            return ready.settled(Reason.INVALID_ITEM, detail=str(error))
        return ready.settled(WRITTEN_AS[ready.kind], units=consumed.total)

    def _after_silence(self, ready: Ready, attempt: int) -> Settlement | Ready | None:
        """What a read says of a put without an answer; None when it was not applied or nothing is known."""
        self._sleep(self._uniform(0.0, min(_LONGEST_WAIT_SECONDS, 0.1 * 2.0**attempt)))
        try:
            current = self._current(ready)
        except NoAnswer:
            return None
        if current is None or (ready.before is not None and current == ready.before):
            return None
        return self._judged(ready, current)

    def _judged(self, ready: Ready, current: Item) -> Settlement | Ready:
        """What it means that this item stands where the record's should."""
        if is_ours(ready, current):
            estimate = estimated_units(ready.built.size, INDEXES)
            return ready.settled(WRITTEN_AS[ready.kind], units=estimate.total, detail="the reply was lost")
        state = existing_state(current, ready.place_id)
        if state is Existing.STUB and self._enrich_stubs and ready.before is None:
            return replace(ready, before=current)
        return ready.settled(REASON_OF[state])

    def _current(self, ready: Ready) -> Item | None:
        return self._items.get(table_key(ready.key.image_id, ready.key.receipt_id))


def condition_of(ready: Ready) -> Expression:
    """What must be true of the stored item: that there is none, or that it is the stub, attribute by attribute."""
    return absent() if ready.before is None else unchanged(ready.before, ready.built.item)


def is_ours(ready: Ready, current: Item) -> bool:
    """Whether a stored item is what this put has written."""
    ours, found = (mark_of(item.get("reasoning", {}).get("S", "")) for item in (ready.built.item, current))
    return (
        ours is not None
        and found is not None
        and ours.run_id == found.run_id
        and (content_digest(current) == ready.digest)
    )
