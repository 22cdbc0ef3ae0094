"""The write protocol over some buckets: select, prepare, say what is intended, put, say what became of it.

intent (one transaction) -> puts -> outcomes (one transaction), batch after batch. The ledger is the checkpoint: ended
at any moment, the same command goes on where it was, and reads back the intents of which nothing is known. While the
puts of one batch are under way, the next is prepared. Read-back and gates are ``bucket_gates``'s.
"""

import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field

from backfill_pipelines.receipts.before_images import save_before_image
from backfill_pipelines.receipts.keys import RecordKey
from backfill_pipelines.receipts.ledger import Entry, Intent, RecordLedger, Settlement
from backfill_pipelines.receipts.manifest import Row
from backfill_pipelines.receipts.outcomes import Outcome
from backfill_pipelines.receipts.put_records import RecordPutter
from backfill_pipelines.receipts.record_preparing import Prepared, Preparing, Ready, key_of
from backfill_pipelines.receipts.stop_rules import StopRules
from backfill_pipelines.stores.dynamodb_batches import chunks
from backfill_pipelines.stores.objects import ObjectStore

#: Batches whose puts are under way: the next one begins before the outcomes of this one are written.
_UNDER_WAY = 2
_SAMPLE_SECONDS = 300.0
#: How long a throttle waits to be told of.
_LOOK_SECONDS = 1.0

#: Reasons for which a run ended before its work did.
THROTTLED, RATIO = "throttled", "ratio"

Submitted = Sequence[tuple[Ready, "Future[Settlement | Ready]"]]


@dataclass(frozen=True)
class Selection:
    """What of the buckets is taken up by this run, in the order of all work."""

    work: tuple[Row, ...]
    #: Records that are neither settled nor taken up.
    left: tuple[Row, ...]


@dataclass(frozen=True)
class Sample:
    """Progress at a moment."""

    seconds: float
    done: int
    of: int
    outcomes: Mapping[str, int]
    write_units: float
    share: float
    throttles: int = 0
    #: Calls of this run that the API refused or did not answer.
    api_errors: int = 0

    @property
    def text(self) -> str:
        """One line for the run's log."""
        rate = self.done / self.seconds if self.seconds else 0.0
        left = f"{(self.of - self.done) / rate:,.0f} s left" if rate else "no rate yet"
        tally = ", ".join(f"{name} {count:,}" for name, count in self.outcomes.items() if count)
        return (
            f"{self.done:,} of {self.of:,} records after {self.seconds:,.0f} s ({tally}), {rate:,.0f} a second, "
            f"{self.write_units:,.0f} write units at {self.share:.0%} of the rate, {self.throttles:,} throttles, "
            f"{self.api_errors:,} API errors, {left}"
        )


@dataclass
class Written:
    """What one run did: its settlements, why it ended early, and how it went."""

    settled: dict[RecordKey, Settlement] = field(default_factory=dict[RecordKey, Settlement])
    #: Records of which nothing could be told without a call that this run may not make.
    unanswered: dict[RecordKey, str] = field(default_factory=dict[RecordKey, str])
    stop: str = ""
    stop_detail: str = ""
    #: The ratio that was proven too high by the end; the wave's gates judge it anew.
    ratio: str = ""
    write_units: float = 0.0
    seconds: float = 0.0
    throttles: int = 0
    #: Puts that the table refused for its rate; several that are refused at once are one throttle.
    refused_puts: int = 0
    samples: list[Sample] = field(default_factory=list[Sample])


def select(
    rows: Iterable[Row],
    known: Mapping[RecordKey, Entry],
    *,
    limit: int | None = None,
    image_id: str = "",
    receipt_id: int | None = None,
) -> Selection:
    """The eligible records that are not settled yet, at most ``limit`` of them, or only those that are named."""
    entries = {key_of(row): row for row in rows if row.eligible}
    open_ = [row for key, row in sorted(entries.items()) if not ((entry := known.get(key)) and entry.is_settled)]
    named = [row for row in open_ if image_id in ("", row.image_id) and receipt_id in (None, row.receipt_id)]
    work = named if limit is None else named[:limit]
    taken = {key_of(row) for row in work}
    return Selection(tuple(work), tuple(row for row in open_ if key_of(row) not in taken))


class BucketWriter:
    """Takes the selected records of one run through the protocol."""

    def __init__(
        self,
        *,
        ledger: RecordLedger,
        objects: ObjectStore,
        preparing: Preparing,
        putter: RecordPutter,
        rules: StopRules,
        require_held: Callable[[], None] = lambda: None,
        log: Callable[[str], None] = lambda _: None,
        api_errors: Callable[[], int] = lambda: 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ledger = ledger
        self._objects = objects
        self._preparing = preparing
        self._putter = putter
        self._rules = rules
        self._require_held = require_held
        self._log = log
        self._api_errors = api_errors
        self._clock = clock
        self.written = Written()

    def write(self, work: Sequence[Row], known: Mapping[RecordKey, Entry], batch_size: int) -> Written:
        """Work through the records; ends early at a checkpoint when a rule or the table says so.

        Raises:
            LeaseLost: somebody else may be writing; what is known was settled.
            ItemStoreError: the table as a whole refuses; what is known was settled.
        """
        began = sampled = self._clock()
        batches = list(chunks(work, batch_size))
        under_way: deque[Submitted] = deque()
        with ThreadPoolExecutor(1, "prepare") as ahead:
            coming = [ahead.submit(self._preparing.prepare, batches[0], known)] if batches else []
            try:
                for number in range(len(batches)):
                    prepared = coming.pop().result()
                    if number + 1 < len(batches):
                        coming.append(ahead.submit(self._preparing.prepare, batches[number + 1], known))
                    self._require_held()
                    under_way.append(self._begin(prepared))
                    if len(under_way) == _UNDER_WAY:
                        self._finish(under_way.popleft())
                    if self._clock() - sampled >= _SAMPLE_SECONDS:
                        sampled = self._clock()
                        self._sample(sampled - began, len(work))
                    if self._is_over(is_last=number + 1 == len(batches)):
                        break
            finally:
                while under_way:
                    self._finish(under_way.popleft())
        # The last batches may have been refused after the last checkpoint.
        self._is_over(is_last=True)
        self.written.ratio = self._rules.broken(with_suspicions=False)
        self.written.seconds = self._clock() - began
        self._sample(self.written.seconds, len(work))
        return self.written

    def _begin(self, prepared: Prepared) -> Submitted:
        """Settle what needs no put, write the intents of the rest, and start their puts."""
        for run_id, settlements in prepared.resumed.items():
            self._settle(settlements, run_id)
        self._settle(prepared.settled)
        self.written.unanswered |= dict(prepared.unanswered)
        return self._start(prepared.ready)

    def _start(self, ready: Sequence[Ready]) -> Submitted:
        run_id = self._preparing.run_id
        self._ledger.intend(run_id, [self._intent(one) for one in ready])
        return self._putter.submit(ready)

    def _intent(self, ready: Ready) -> Intent:
        reference = ""
        if ready.before is not None:
            run_id = self._preparing.run_id
            reference = save_before_image(self._objects, self._ledger.plan_id, run_id, ready.key, ready.before)
        return Intent(ready.key, ready.place_id, ready.kind, ready.digest, reference)

    def _finish(self, submitted: Submitted) -> None:
        """Write the outcomes of a batch; stubs that stood in the way of a create are filled in by a second round."""
        self._await([future for _, future in submitted])
        settlements: list[Settlement] = []
        stubs: list[Ready] = []
        errors: list[BaseException] = []
        for _, future in submitted:
            if error := future.exception():
                errors.append(error)
                continue
            found = future.result()
            (settlements if isinstance(found, Settlement) else stubs).append(found)  # pyright: ignore[reportArgumentType]
        self._settle(settlements)
        if errors:
            raise errors[0]
        if stubs:
            self._finish(self._start(stubs))

    def _await(self, futures: Sequence["Future[Settlement | Ready]"]) -> None:
        """Until all are done, telling of each throttle as it happens: a batch may wait for minutes."""
        pending = set(futures)
        while pending:
            _, pending = wait(pending, timeout=_LOOK_SECONDS)
            for slowdown in self._putter.slowdowns():
                self.written.throttles += 1
                self._log(slowdown.text)
        self.written.refused_puts = self._putter.refused_puts

    def _settle(self, settlements: Sequence[Settlement], run_id: str = "") -> None:
        if not settlements:
            return
        self._ledger.settle(run_id or self._preparing.run_id, settlements)
        self.written.settled |= {one.key: one for one in settlements}
        self.written.write_units += sum(one.write_units for one in settlements)
        self._rules.count(settlements)

    def _is_over(self, *, is_last: bool) -> bool:
        """Whether this checkpoint is the last one."""
        if self._putter.is_throttled:
            self.written.stop, self.written.stop_detail = THROTTLED, self._putter.why_throttled
        elif not is_last and (why := self._rules.broken()):
            self.written.stop, self.written.stop_detail = RATIO, why
        return bool(self.written.stop)

    def _sample(self, seconds: float, of: int) -> None:
        done = self.written.settled
        outcomes = {str(o): sum(one.outcome is o for one in done.values()) for o in Outcome}
        sample = Sample(
            seconds,
            len(done),
            of,
            outcomes,
            self.written.write_units,
            self._putter.share,
            self.written.throttles,
            self._api_errors(),
        )
        self.written.samples.append(sample)
        self._log(sample.text)
