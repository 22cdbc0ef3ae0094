"""Stream safety: which messages the promotion's writes cause, predicted by the handler's table and measured.

An insert run causes none. Where the table is on a local server its stream is read and the handler's rules applied to
every change; in production the stream is the handlers' alone, so there the kinds of the ledger's writes are judged, and
the counters of the queues before and after are recorded. The rules themselves are ``stream_effects``'s.
"""

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field

from backfill_pipelines.backfill.gates import SAMPLE_SIZE, Gate, Measurement
from backfill_pipelines.receipts.items import Item
from backfill_pipelines.receipts.keys import text_of
from backfill_pipelines.receipts.promotion.promotion_rows import Kind
from backfill_pipelines.receipts.stream_effects import Change, is_version_dependent, messages
from backfill_pipelines.stores.queues import Counters
from backfill_pipelines.stores.streams import ChangeStream

STREAM_SILENT = Gate(
    "stream_silent",
    "Copying the images of the bucket caused no message of the stream handler: their vectors are not built twice.",
    "Find who changed or deleted the named items during the copy; let the queues run empty before the embedding.",
)
_IMAGE = "IMAGE#"
_KEEP_UP_SECONDS = 60.0
#: Changes of a run that are read from the stream: a local server hands out some two thousand a second.
MOST_CHANGES = 10_000


@dataclass(frozen=True)
class Predicted:
    """What some changes will send."""

    messages: int = 0
    #: Deletions of which newer handlers send a message as well.
    version_dependent: int = 0
    events: Mapping[str, int] = field(default_factory=dict[str, int])

    @property
    def text(self) -> str:
        """For people."""
        more = (
            f", and up to {self.version_dependent:,} more (handler version dependent)" if self.version_dependent else ""
        )
        return f"{self.messages:,} messages{more}"


def predicted(changes: Iterable[Change]) -> Predicted:
    """What changes will send; one that changes nothing is no event at all."""
    real = [one for one in changes if one.before != one.after]
    return Predicted(
        sum(messages(one) for one in real),
        sum(is_version_dependent(one) for one in real),
        dict(Counter(one.kind for one in real)),
    )


def predicted_removal(items: Iterable[Item]) -> Predicted:
    """What deleting items will send, as a rollback does."""
    return predicted(Change(item, None) for item in items)


def predicted_of_run(applied: Mapping[str, Mapping[str, int]]) -> tuple[int, list[str]]:
    """Messages of a run's writes by the ledger's kinds and TYPEs alone, and which of them cause any.

    Insertions send nothing but those of a compaction run, which is never written. What a change sends depends on the
    items: each is counted here as one.
    """
    loud = {
        (kind, name): count * (2 if name == "COMPACTION_RUN" else 1)
        for kind, types in applied.items()
        for name, count in types.items()
        if name == "COMPACTION_RUN" or (kind != Kind.CREATE and name in ("RECEIPT_PLACE", "RECEIPT_WORD_LABEL"))
    }
    return sum(loud.values()), [f"{kind} of {count:,} {name}" for (kind, name), count in sorted(loud.items())]


@dataclass
class Heard:
    """What the stream says of one image."""

    messages: int = 0
    events: Counter[str] = field(default_factory=Counter[str])
    culprits: list[str] = field(default_factory=list[str])


@dataclass
class StreamWatch:
    """Looks on while a run writes; ``begin`` before its first write, ``read`` every few minutes and at its end."""

    #: The table's stream from now on; None where it is not ours to read.
    open_stream: Callable[[], ChangeStream | None]
    #: The counters of the handler's queues.
    counters: Callable[[], Counters]
    heard: dict[str, Heard] = field(default_factory=dict[str, Heard])
    before: Counters = field(default_factory=dict[str, Mapping[str, int]])
    after: Counters = field(default_factory=dict[str, Mapping[str, int]])
    most_changes: int = MOST_CHANGES
    _stream: ChangeStream | None = None
    _read_at: float | None = None
    _changes: int = 0

    def begin(self) -> None:
        """From here on every change counts."""
        self._stream, self.before, self._read_at = self.open_stream(), self.counters(), time.monotonic()

    def read(self) -> None:
        """Take in what the stream has had since the last time; nothing before it was begun."""
        if self._read_at is None:
            return
        for record in self._stream.changes() if self._stream is not None and not self.is_full else ():
            self._hear(Change(record.before, record.after))
            self._changes += 1
            if self.is_full:
                break
        self.after, self._read_at = self.counters(), time.monotonic()

    def keep_up(self) -> None:
        """Read, unless that was a minute ago: a position in the stream expires."""
        if self._read_at is not None and time.monotonic() - self._read_at >= _KEEP_UP_SECONDS:
            self.read()

    @property
    def is_measured(self) -> bool:
        """Whether the table's stream is read; otherwise the ledger is judged."""
        return self._stream is not None and self._stream.is_there

    @property
    def is_full(self) -> bool:
        """Whether more has happened than is read: what came later is judged by the ledger."""
        return self._changes >= self.most_changes

    @property
    def note(self) -> str:
        """What was looked at, for the verdict's metadata."""
        if self.is_measured:
            rest = f", of its first {self.most_changes:,} changes; the others by the ledger" if self.is_full else ""
            return f"measured on the table's stream{rest}"
        queues = [
            f"{name} {dict(self.before.get(name, {}))} before, {dict(now)} after" for name, now in self.after.items()
        ]
        said = "; ".join(queues) or "no queue is named (BACKFILL_STREAM_QUEUES)"
        return f"by the kinds of the ledger's writes; {said}"

    def measure(
        self, images: Collection[str], applied: Mapping[str, Mapping[str, int]], accepted: Collection[str] = ()
    ) -> Measurement:
        """The gate on a bucket.

        Args:
            images: Images that the run wrote.
            applied: What it wrote of them, by kind and TYPE.
            accepted: Images of them that were replaced: their messages were accepted by number.
        """
        items = sum(sum(types.values()) for types in applied.values())
        loud, culprits = predicted_of_run({Kind.CREATE: applied.get(Kind.CREATE, {})} if accepted else applied)
        if not self.is_measured or (self.is_full and loud):
            return Measurement(0, loud, loud, tuple(culprits[:SAMPLE_SIZE]), self.note)
        heard = [self.heard[one] for one in sorted(set(images) - set(accepted)) if one in self.heard]
        count = sum(one.messages for one in heard)
        culprits = [text for one in heard for text in one.culprits]
        events = sum((one.events for one in heard), Counter[str]())
        said = ", ".join(f"{events[kind]:,} {kind}" for kind in ("INSERT", "MODIFY", "REMOVE"))
        return Measurement(0, count, count, tuple(culprits[:SAMPLE_SIZE]), f"{self.note}: {said} of {items:,} writes")

    def _hear(self, change: Change) -> None:
        pk, sk = (text_of(change.item.get(name)) or "" for name in ("PK", "SK"))
        if not pk.startswith(_IMAGE):
            return
        heard = self.heard.setdefault(pk.removeprefix(_IMAGE), Heard())
        heard.events[change.kind] += 1
        if sent := messages(change):
            heard.messages += sent
            if len(heard.culprits) < SAMPLE_SIZE:
                heard.culprits.append(f"{change.kind} of {pk} {sk}: {sent} messages")
