"""What a rollback would do: every record of its scope looked at, the stream messages it costs. Writes nothing.

The record ledger says which items are the run's; a scan for its mark is only compared with that.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from backfill_pipelines.receipts.after_images import AfterImages
from backfill_pipelines.receipts.before_images import load_before_image
from backfill_pipelines.receipts.items import Item
from backfill_pipelines.receipts.keys import RecordKey
from backfill_pipelines.receipts.ledger import Entry, RecordLedger
from backfill_pipelines.receipts.place import table_key
from backfill_pipelines.receipts.place_digests import TableDigests, identity_of, place_identity, read_digests
from backfill_pipelines.receipts.rollback_ledger import RollbackLedger, Undone
from backfill_pipelines.receipts.rollback_scope import RollbackRefused, Scope
from backfill_pipelines.receipts.rollback_steps import (
    ENRICH,
    Change,
    State,
    Step,
    changes_between,
    is_candidate,
    step_of,
)
from backfill_pipelines.stores.dynamodb_batches import chunks
from backfill_pipelines.stores.items import ItemStore
from backfill_pipelines.stores.objects import ObjectStore

#: Records per read, and per transaction of intents and outcomes.
BATCH_SIZE = 100
_DONE = frozenset((State.DELETED, State.RESTORED, State.ALREADY_ABSENT))
_NO_AFTER_IMAGE = Change(
    "(what the run wrote)", "cannot be built again: its source row or cached answer is another", ""
)


@dataclass(frozen=True)
class Skipped:
    """A record that somebody changed since: what is different."""

    key: RecordKey
    changes: tuple[Change, ...]

    @property
    def lines(self) -> list[str]:
        """For people."""
        return [f"{self.key.name}:", *(f"  {change}" for change in self.changes)]


@dataclass(frozen=True)
class Preview:
    """What a rollback would do, and what was done of it before."""

    plan_id: str
    scope: Scope
    entries: Mapping[RecordKey, Entry]
    #: By record, without the items; in the order of all work.
    steps: Mapping[RecordKey, Step]
    #: Records that no ledger row and no item is left of: earlier calls took them back.
    done: Mapping[RecordKey, Undone]
    skipped: tuple[Skipped, ...]
    digests: TableDigests
    #: Records that a limit leaves for the next call.
    left: int = 0

    @property
    def kinds(self) -> Mapping[str, int]:
        """Records that are left in the ledger, by what the run did with them."""
        found = [entry.kind if entry.is_written else f"{entry.kind}, in doubt" for entry in self.entries.values()]
        return {kind: found.count(kind) for kind in sorted(set(found))}

    @property
    def events_to_come(self) -> int:
        """Stream messages that applying it sends."""
        return sum(step.events for step in self.steps.values() if step.is_write)

    @property
    def events_sent(self) -> int:
        """Stream messages of what was done before, also by a rollback that was interrupted."""
        interrupted = sum(step.events for step in self.steps.values() if not step.is_write)
        return interrupted + sum(one.events for one in self.done.values())

    @property
    def unknown_to_ledger(self) -> tuple[RecordKey, ...]:
        """Places with the run's mark that the ledger has no row of: never touched, and never right."""
        return tuple(sorted(self.digests.marked - self.entries.keys()))

    @property
    def unmarked(self) -> tuple[RecordKey, ...]:
        """Records that the ledger takes for written and whose place does not carry the run's mark."""
        written = {key for key, entry in self.entries.items() if entry.is_written}
        return tuple(sorted(written - self.digests.marked))

    def require_accepted(self, accepted: int | None) -> None:
        """Whether somebody knows what the stream will send.

        A rollback that was killed goes on with the number that it was begun with.

        Raises:
            RollbackRefused: the number is another.
        """
        expected = self.events_to_come
        if accepted is None or accepted not in (expected, expected + self.events_sent):
            raise RollbackRefused(
                f"{expected:,} stream messages will be sent, each makes the vectors of a receipt anew, and "
                f"{'none were' if accepted is None else f'{accepted:,} were'} accepted. Repair: look at the preview, "
                f"then give --accept-stream-events {expected}"
            )


class RecordLooker:
    """Reads records and decides what is to be done with each; also the applying of a rollback begins with it."""

    def __init__(self, items: ItemStore, objects: ObjectStore) -> None:
        self._items = items
        self._objects = objects

    def steps(self, entries: Sequence[Entry], known: Mapping[RecordKey, Undone]) -> Iterator[Step]:
        """A step for each entry, in their order; by strongly consistent reads, a batch at a time."""
        for batch in chunks(entries, BATCH_SIZE):
            read = self._items.batch_get([table_key(e.key.image_id, e.key.receipt_id) for e in batch])
            stored = {identity_of(item): item for item in read.items}
            for entry in batch:
                yield self.step(entry, stored.get(place_identity(entry.key)), known.get(entry.key))

    def again(self, entry: Entry, *, begun: Step | None) -> Step:
        """The step of a record as it stands now; ``begun`` is a write of which no answer came."""
        current = self._items.get(table_key(entry.key.image_id, entry.key.receipt_id))
        step = step_of(entry, current, self._before(entry), is_begun=begun is not None)
        return replace(step, events=begun.events) if begun and _is_interrupted(step) else step

    def step(self, entry: Entry, current: Item | None, known: Undone | None) -> Step:
        """The step of a record, given what an earlier rollback said of it."""
        is_begun = known is not None and known.state is None
        step = step_of(entry, current, self._before(entry), is_begun=is_begun)
        return replace(step, events=known.events) if known and is_begun and _is_interrupted(step) else step

    def _before(self, entry: Entry) -> Item | None:
        if entry.kind != ENRICH:
            return None
        item = load_before_image(self._objects, entry.before_image)
        if identity_of(item) != place_identity(entry.key):
            raise RollbackRefused(
                f"the before-image {entry.before_image} of {entry.key.name} is of another item. Repair: restore that "
                "file; nothing is written without it"
            )
        return item


def look(
    *,
    items: ItemStore,
    objects: ObjectStore,
    ledger: RecordLedger,
    rollbacks: RollbackLedger,
    scope: Scope,
    after_images: AfterImages,
    limit: int | None = None,
) -> Preview:
    """Look at every record of a scope.

    Raises:
        StoreError: a before-image is not there or not what was written.
        ItemStoreError: the table does not answer.
    """
    entries, done, known = _of_scope(ledger, rollbacks, scope)
    steps: dict[RecordKey, Step] = {}
    skipped: list[Skipped] = []
    for step in RecordLooker(items, objects).steps(list(entries.values()), known):
        steps[step.key] = replace(step, current=None, before=None)
        if step.state is State.CHANGED_SINCE and step.current is not None:
            skipped.append(Skipped(step.key, _changes(after_images.of(entries[step.key]), step.current)))
    taken = _limited(steps, limit)
    point = [*entries, *done] if scope.image_id else None
    digests = read_digests(items, scope.run_id, point)
    in_scope = replace(digests, marked=frozenset(key for key in digests.marked if scope.includes(key)))
    left = len(steps) - len(taken)
    return Preview(ledger.plan_id, scope, entries, taken, done, tuple(skipped), in_scope, left)


def _of_scope(
    ledger: RecordLedger, rollbacks: RollbackLedger, scope: Scope
) -> tuple[dict[RecordKey, Entry], dict[RecordKey, Undone], Mapping[RecordKey, Undone]]:
    """Entries that are still to be looked at, records that are done, and all that is known of the scope."""
    found = ledger.entries(run_id=scope.run_id).items()
    entries = {key: entry for key, entry in found if scope.includes(key) and is_candidate(entry)}
    known = {key: undone for key, undone in rollbacks.rows().items() if scope.includes(key)}
    # A record that the same run has written again since is no longer done.
    done = {key: undone for key, undone in known.items() if undone.state in _DONE and key not in entries}
    return entries, done, known


def count(ledger: RecordLedger, rollbacks: RollbackLedger, scope: Scope) -> Mapping[str, int]:
    """Records of a scope by kind, and what was taken back before: from the ledgers alone."""
    entries, done, _ = _of_scope(ledger, rollbacks, scope)
    kinds = [entry.kind if entry.is_written else f"{entry.kind}, in doubt" for entry in entries.values()]
    states = [f"{undone.state} before" for undone in done.values()]
    return {name: (kinds + states).count(name) for name in sorted({*kinds, *states})}


def _limited(steps: Mapping[RecordKey, Step], limit: int | None) -> dict[RecordKey, Step]:
    """What one call takes up: skipping costs nothing, so a skipped record never uses up the limit."""
    if limit is None:
        return dict(steps)
    wanted = [key for key, step in steps.items() if step.state is not State.CHANGED_SINCE][:limit]
    taken = {*wanted, *(key for key, step in steps.items() if step.state is State.CHANGED_SINCE)}
    return {key: step for key, step in steps.items() if key in taken}


def _is_interrupted(step: Step) -> bool:
    """Done by a write of which nothing was known."""
    return not step.is_write and step.state in (State.DELETED, State.RESTORED)


def _changes(written: Item | None, now: Item) -> tuple[Change, ...]:
    if written is not None:
        return changes_between(written, now)
    return (_NO_AFTER_IMAGE, *changes_between({}, now))
