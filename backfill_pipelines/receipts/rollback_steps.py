"""What a rollback does with one record, and why: pure, from the ledger's entry and the item that stands there now.

An item is the run's own only while its mark and its content are those that the run wrote. Whatever anybody changed
since stays as it is, and is shown field by field.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from backfill_pipelines.receipts.items import Attribute, Item, canonical_json, digest_of, item_digest, one_spelling
from backfill_pipelines.receipts.keys import RecordKey
from backfill_pipelines.receipts.ledger import Entry
from backfill_pipelines.receipts.outcomes import Outcome
from backfill_pipelines.receipts.provenance import content_digest, mark_of, without_mark
from backfill_pipelines.receipts.stream_effects import place_messages

CREATE, ENRICH = "create", "enrich"
_MOST_SHOWN = 160


class State(StrEnum):
    """What became of a record in a rollback."""

    DELETED = "deleted"
    RESTORED = "restored"
    ALREADY_ABSENT = "already_absent"
    CHANGED_SINCE = "changed_since"
    #: An intent whose put never reached the table: the run has nothing there to take back.
    NEVER_APPLIED = "never_applied"


#: The states of records that the run did write; together they are all of them.
APPLIED = (State.DELETED, State.RESTORED, State.ALREADY_ABSENT, State.CHANGED_SINCE)


@dataclass(frozen=True)
class Change:
    """A field that is not as the run wrote it."""

    field: str
    written: str
    now: str

    def __str__(self) -> str:
        return f"{self.field}: {self.written} -> {self.now}"


@dataclass(frozen=True)
class Step:
    """What is to be done with a record; ``is_write`` says whether the table has to be written for it."""

    key: RecordKey
    kind: str
    state: State
    is_write: bool = False
    #: Stream messages of the write.
    events: int = 0
    detail: str = ""
    #: The item as read, which the write is conditioned on.
    current: Item | None = None
    #: What is put in its place.
    before: Item | None = None


def is_candidate(entry: Entry) -> bool:
    """Whether the table holds, or may hold, an item that the entry's run put there."""
    return bool(entry.kind) and (entry.is_written or entry.outcome in (None, Outcome.FAILED))


def step_of(entry: Entry, current: Item | None, before: Item | None, *, is_begun: bool = False) -> Step:
    """Decide about one record.

    Args:
        entry: What the run's ledger says; one that ``is_candidate``.
        current: The item under the record's key, strongly read.
        before: The before-image of an enriched record.
        is_begun: An earlier rollback was about to write this record and did not say how it ended.
    """
    if current is None:
        return _absent(entry, is_begun=is_begun)
    if is_after_image(entry, current):
        return _undo(entry, current, before)
    if before is not None and item_digest(current) == item_digest(before):
        state = State.RESTORED if is_begun or entry.is_written else State.NEVER_APPLIED
        return Step(entry.key, entry.kind, state, detail="it stands as it was before the run already")
    if not entry.is_written and not has_mark_of(current, entry.run_id):
        return Step(entry.key, entry.kind, State.NEVER_APPLIED, detail="another writer's item stands there")
    return Step(entry.key, entry.kind, State.CHANGED_SINCE, current=current)


def _absent(entry: Entry, *, is_begun: bool) -> Step:
    if is_begun and entry.kind == CREATE:
        return Step(entry.key, entry.kind, State.DELETED, detail="deleted by a rollback that was interrupted")
    state = State.ALREADY_ABSENT if entry.is_written else State.NEVER_APPLIED
    return Step(entry.key, entry.kind, state, detail="somebody deleted it" if entry.is_written else "")


def _undo(entry: Entry, current: Item, before: Item | None) -> Step:
    events = place_messages(current, before)
    state = State.DELETED if entry.kind == CREATE else State.RESTORED
    return Step(entry.key, entry.kind, state, is_write=True, events=events, current=current, before=before)


def is_after_image(entry: Entry, item: Item) -> bool:
    """Whether an item is exactly what the entry's run wrote."""
    return has_mark_of(item, entry.run_id) and content_digest(item) == entry.content_digest


def has_mark_of(item: Item, run_id: str) -> bool:
    """Whether an item carries the mark of a run."""
    mark = mark_of(item.get("reasoning", {}).get("S", ""))
    return mark is not None and mark.run_id == run_id


def changes_between(written: Item, now: Item, ignored: Collection[str] = ("timestamp",)) -> tuple[Change, ...]:
    """The fields in which two items differ, by name; the time of writing and an equal run's mark are no difference."""
    names = sorted((written.keys() | now.keys()) - {*ignored})
    values = ((name, _value(name, written), _value(name, now)) for name in names)
    found = [Change(name, _shown(before), _shown(after)) for name, before, after in values if before != after]
    marks = [mark_of(item.get("reasoning", {}).get("S", "")) for item in (written, now)]
    runs = [mark.run_id if mark else "(none)" for mark in marks]
    return (*found, *([Change("mark of the run", *runs)] if runs[0] != runs[1] else []))


def _value(name: str, item: Item) -> Attribute | None:
    """An attribute in its one spelling, the mark of the run cut off."""
    text = item.get(name, {}).get("S")
    if name == "reasoning" and text is not None:
        return {"S": without_mark(text)}
    return one_spelling(item[name]) if name in item else None


def _shown(value: Attribute | None) -> str:
    if value is None:
        return "(absent)"
    text = canonical_json(next(iter(value.values())))
    if len(text) <= _MOST_SHOWN:
        return text
    # Two long values that differ at their ends must not look alike.
    return f"{text[:_MOST_SHOWN]}... ({len(text):,} characters, digest {digest_of(value)[:8]})"


def tally(states: Sequence[State]) -> Mapping[str, int]:
    """How many records have each state; every state is named."""
    return {str(state): states.count(state) for state in State}
