"""Taking a run back: delete what it created, restore what it enriched, leave alone whatever changed since.

intent (one transaction) -> conditional writes -> outcomes and the record ledger's forgetting (one transaction), batch
after batch. Every write is conditioned on each attribute that was read. Ended at any moment, the same command goes
on; done twice, it changes nothing. What is to be done is decided in ``rollback_preview``, what it proves in
``rollback_gates``.
"""

import random
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from backfill_pipelines.receipts import place
from backfill_pipelines.receipts.items import Item, item_size
from backfill_pipelines.receipts.keys import RecordKey
from backfill_pipelines.receipts.ledger import Entry
from backfill_pipelines.receipts.place import INDEXES, table_key
from backfill_pipelines.receipts.rollback_ledger import RollbackLedger, Undone
from backfill_pipelines.receipts.rollback_preview import BATCH_SIZE, Preview, RecordLooker
from backfill_pipelines.receipts.rollback_steps import State, Step, tally
from backfill_pipelines.stores.dynamodb_batches import chunks
from backfill_pipelines.stores.dynamodb_pacing import WritePacer, estimated_units
from backfill_pipelines.stores.item_errors import ConditionFailed, NoAnswer
from backfill_pipelines.stores.items import Consumed, Expression, ItemStore, unchanged

#: Every attribute that any known writer of places may set: an item that has gained one is not as it was read.
KNOWN_ATTRIBUTES = (
    *("PK", "SK", "TYPE", *(f"GSI{number}{part}" for number in (1, 2, 3, 4) for part in ("PK", "SK"))),
    *place.REQUIRED_TEXTS,
    *place.OPTIONAL_TEXTS,
    *place.LISTS,
    *place.COORDINATES,
    *("receipt_id", "confidence", "address_components", "hours_data", "open_now"),
)
_ATTEMPTS = 5
_LONGEST_WAIT_SECONDS = 8.0


@dataclass
class Applied:
    """What one call did."""

    undone: dict[RecordKey, Undone] = field(default_factory=dict[RecordKey, Undone])
    seconds: float = 0.0

    @property
    def states(self) -> Mapping[str, int]:
        """Records by what became of them."""
        return tally([one.state for one in self.undone.values() if one.state])

    @property
    def write_units(self) -> float:
        """Units that the writes took."""
        return sum(one.write_units for one in self.undone.values())

    def events(self, preview: Preview) -> int:
        """Stream messages that this call sent, without those of a rollback that was interrupted."""
        written = [key for key, step in preview.steps.items() if step.is_write]
        return sum(self.undone[key].events for key in written if key in self.undone)


class RecordUndoer:
    """Takes the records of a preview back; one for a call, to be used from one thread."""

    def __init__(
        self,
        *,
        items: ItemStore,
        looker: RecordLooker,
        rollbacks: RollbackLedger,
        pacer: WritePacer,
        workers: int = 10,
        require_held: Callable[[], None] = lambda: None,
        log: Callable[[str], None] = lambda _: None,
        sleep: Callable[[float], None] = time.sleep,
        uniform: Callable[[float, float], float] = random.uniform,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._items = items
        self._looker = looker
        self._rollbacks = rollbacks
        self._pacer = pacer
        self._workers = workers
        self._require_held = require_held
        self._log = log
        self._sleep = sleep
        self._uniform = uniform
        self._clock = clock

    def undo(self, preview: Preview) -> Applied:
        """Work through the records, each looked at again before it is written.

        Raises:
            LeaseLost: somebody else may be writing; what is known was settled.
            ThrottledTooLong: the table takes nothing; what is known was settled.
            ItemStoreError: the table as a whole refuses; what is known was settled.
        """
        applied, began = Applied(), self._clock()
        known = self._rollbacks.rows()
        entries = [preview.entries[key] for key in preview.steps]
        with ThreadPoolExecutor(self._workers, "undo") as pool:
            for batch in chunks(entries, BATCH_SIZE):
                self._require_held()
                steps = list(self._looker.steps(batch, known))
                self._rollbacks.intend([step for step in steps if step.is_write])
                pairs = zip(batch, steps, strict=True)
                applied.undone |= self._settle([pool.submit(self._done, entry, step) for entry, step in pairs])
        applied.seconds = self._clock() - began
        return applied

    def _settle(self, futures: Sequence["Future[Undone]"]) -> dict[RecordKey, Undone]:
        """Write the outcomes of a batch, of as many as there are; then the first error, if there was one."""
        errors = [error for future in futures if (error := future.exception())]
        undone = [future.result() for future in futures if not future.exception()]
        self._rollbacks.settle(undone)
        for slowdown in self._pacer.slowdowns():
            self._log(slowdown.text)
        if errors:
            raise errors[0]
        return {one.key: one for one in undone}

    def _done(self, entry: Entry, step: Step) -> Undone:
        """Do a step; when its condition fails or its answer is lost, look again and do what is right then."""
        unanswered: Step | None = None
        for attempt in range(_ATTEMPTS):
            if not step.is_write:
                return _undone(step)
            try:
                return _undone(step, self._pacer.run(_estimate(step), lambda now=step: self._write(now)))
            except ConditionFailed:
                step = self._looker.again(entry, begun=unanswered)
            except NoAnswer:
                if attempt == _ATTEMPTS - 1:
                    raise
                unanswered = unanswered or step
                self._sleep(self._uniform(0.0, min(_LONGEST_WAIT_SECONDS, 0.1 * 2.0**attempt)))
                step = self._looker.again(entry, begun=unanswered)
        # It changes faster than it can be read: another writer is at work on it.
        return _undone(replace(step, state=State.CHANGED_SINCE, events=0, detail="it changed at each attempt"))

    def _write(self, step: Step) -> Consumed:
        if step.before is None:
            return self._items.delete(table_key(step.key.image_id, step.key.receipt_id), condition_of(step))
        return self._items.put(step.before, condition_of(step))


def condition_of(step: Step) -> Expression:
    """That the item is as it was read: each attribute of it, and none besides that a writer may add."""
    return unchanged(_read(step), KNOWN_ATTRIBUTES)


def _estimate(step: Step) -> Consumed:
    size = max(item_size(_read(step)), item_size(step.before or {}))
    return estimated_units(size, INDEXES)


def _read(step: Step) -> Item:
    if step.current is None:
        raise ValueError(f"{step.key.name} is to be written and was not read")
    return step.current


def _undone(step: Step, consumed: Consumed | None = None) -> Undone:
    units = consumed.total if consumed else 0.0
    return Undone(step.key, step.kind, step.state, step.events, units, step.detail)
