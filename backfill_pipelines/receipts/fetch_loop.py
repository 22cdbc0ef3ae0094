"""One fetch under way: which ids wait for what, what follows each answer, and the books between two sends.

One thread decides and keeps the books, others send. All bookkeeping between two sends is one transaction: what ended
is settled, ids are claimed, and as many attempts are reserved as may be sent at once.
"""

import time
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from heapq import heappop, heappush

import sqlalchemy as sa

from backfill_pipelines.receipts import place_claims
from backfill_pipelines.receipts.call_ledger import Call, CallLedger, Settled
from backfill_pipelines.receipts.fetch_report import OF_REASON, Fetched, FetchReport, IdOutcome, PlacesStopped
from backfill_pipelines.receipts.migration_settings import MigrationSettings
from backfill_pipelines.receipts.outcomes import Reason
from backfill_pipelines.receipts.patience import Patience
from backfill_pipelines.receipts.place_answers import MOST_RETRY_AFTER_SECONDS, AnswerKind
from backfill_pipelines.receipts.place_attempts import Asker, Attempt, Task
from backfill_pipelines.receipts.places_cache import Entry
from backfill_pipelines.stores.leases import Lease
from backfill_pipelines.stores.rate_limits import SECONDS_PER_MINUTE, RateLimit

#: Attempts at an id whose answers are faults of the service; refusals for the rate before the rest is parked.
TRANSIENT_ATTEMPTS = 5
REFUSALS_IN_A_ROW = 10
#: Ids claimed at a time beyond those under way: enough to keep the threads busy, few enough to share the work.
_CLAIMED_AHEAD = 32
#: Attempts handed to the threads beyond those that are being sent: as many as the rate allows in this time, which is
#: what a transaction takes. At Google's rates that is none, and an attempt is sent as soon as its token is taken.
_QUEUED_SECONDS = 0.02
_MOST_QUEUED = 3
_MILLION = Decimal(1_000_000)

#: Called with the number of ids that are settled or given up, and of all ids.
OnProgress = Callable[[int, int], None]


@dataclass
class FetchLoop:
    """One fetch under way. Only the deciding thread touches it."""

    run_id: str
    lease: Lease
    ledger: CallLedger
    limiter: RateLimit
    settings: MigrationSettings
    asker: Asker
    pool: ThreadPoolExecutor
    patience: Patience
    ask_again: frozenset[Reason]
    wanted: list[str]

    #: Ids nobody has claimed; ids that another process fetches; attempts to make now; attempts to make later.
    unclaimed: deque[str] = field(default_factory=deque)
    foreign: deque[str] = field(default_factory=deque)
    ready: deque[Task] = field(default_factory=deque)
    later: list[tuple[float, int, Task]] = field(default_factory=list)
    under_way: dict[Future[Attempt], tuple[Task, Call, float]] = field(default_factory=dict)
    claimed: set[str] = field(default_factory=set)

    #: What the next transaction has to write.
    to_settle: list[Settled] = field(default_factory=list)
    to_release: list[str] = field(default_factory=list)
    refusals: list[tuple[float, float]] = field(default_factory=list)

    refused_in_a_row: int = 0
    next_look: float = 0.0
    not_before: float = 0.0
    #: The budget refused while attempts are under way: nothing is asked of it until one of them ends.
    is_held_up: bool = False
    parked: Reason | None = None
    stop: tuple[str, str] | None = None
    failure: BaseException | None = None
    _sequence: int = 0

    def __post_init__(self) -> None:
        self.report = FetchReport(self.run_id)
        self.max_age = timedelta(days=self.settings.cache_max_age_days)
        threads = self.settings.places_concurrency
        queued = int(self.limiter.per_minute / SECONDS_PER_MINUTE * _QUEUED_SECONDS)
        self.slots = threads + min(_MOST_QUEUED * threads, queued)

    @property
    def session(self) -> str:
        """The name under which this process claims and reserves."""
        return self.lease.name

    def run(self, on_progress: OnProgress, should_stop: Callable[[], bool]) -> FetchReport:
        """Until every id has an outcome."""
        with self.ledger.control.transaction() as connection:
            self.ledger.give_up_dead(connection)
        waiting = self._from_cache(self.wanted, again=False)
        for entry in self.asker.refuse_unaskable(waiting):
            self._settle_id(entry)
        self.unclaimed.extend(place_id for place_id in waiting if place_id not in self.report.fetched)
        on_progress(len(self.report.fetched), len(self.wanted))
        while self._is_open:
            if self.parked is None and should_stop():
                self.parked = Reason.STOPPED
            self._collect()
            if not self._may_begin:
                self._call_back()
            self._give_up_waiting()
            self._keep_books()
            on_progress(len(self.report.fetched), len(self.wanted))
        if self.failure is not None:
            raise self.failure
        report = replace(
            self.report, fetched={i: self.report.fetched[i] for i in self.wanted if i in self.report.fetched}
        )
        if self.stop is not None:
            raise PlacesStopped(*self.stop, report)
        return report

    def leave(self) -> None:
        """Give claims back, whatever happened."""
        with self.ledger.control.transaction() as connection:
            place_claims.release_all(connection, self.session)

    @property
    def _is_halted(self) -> bool:
        return self.stop is not None or self.failure is not None

    @property
    def _may_begin(self) -> bool:
        return not self._is_halted and self.parked is None

    def _may_send(self, now: float) -> bool:
        return self._may_begin and not self.is_held_up and now >= self.not_before

    @property
    def _is_open(self) -> bool:
        waiting = self.unclaimed or self.foreign or self.ready or self.later
        return bool(self.under_way or self.to_settle or (waiting and not self._is_halted))

    # What came back

    def _collect(self) -> None:
        """Take in the answers there are; wait for one, or for a time, when there is nothing else to do."""
        seconds = self._seconds_to_wait()
        if self.under_way:
            done, _ = wait(self.under_way, timeout=seconds, return_when=FIRST_COMPLETED)
            for future in done:
                _, call, granted_at = self.under_way.pop(future)
                self._take_in(future, call, granted_at)
                self.is_held_up = False
        elif seconds:
            time.sleep(seconds)

    def _seconds_to_wait(self) -> float:
        """Zero when an attempt could be reserved at once."""
        now = time.monotonic()
        if not self._may_begin:
            return self.patience.look if self.under_way else 0.0
        if self.is_held_up or len(self.under_way) >= self.slots:
            return self.patience.look
        times = [now + self.patience.look] if self.under_way or self.later or self.foreign or self.not_before else []
        if self.ready or self.unclaimed:
            times.append(self.not_before)
        if self.later:
            times.append(self.later[0][0])
        return max(0.0, min(times, default=now) - now)

    def _take_in(self, future: Future[Attempt], call: Call, granted_at: float) -> None:
        error = future.exception()
        if error is not None:
            # The request may have been sent: its row stays reserved, and becomes uncertain when this session ends.
            self.failure = self.failure or error
            return
        attempt = future.result()
        self.report.http.count(attempt.answer.status)
        ended = Settled(call, attempt.answer.status)
        self.to_settle.append(ended)
        if ended.counts_as_spent:
            self.report.spent_usd += Decimal(call.price_micros) / _MILLION
        if attempt.entry is not None:
            self.refused_in_a_row = 0
            self._settle_id(attempt.entry)
        else:
            self._go_on(attempt, granted_at)

    def _settle_id(self, entry: Entry) -> None:
        outcome = IdOutcome.OK if entry.reason is None else OF_REASON[entry.reason]
        self._finish(_fetched(entry, outcome))

    def _go_on(self, attempt: Attempt, granted_at: float) -> None:
        """What follows an answer that leaves the id open."""
        task, judged = attempt.task, attempt.judged
        match judged.kind:
            case AnswerKind.BAD_RESPONSE:
                self._again(replace(task, bad=task.bad + 1))
            case AnswerKind.MOVED:
                self._again(replace(task, asked_id=judged.response_id, notes=(*task.notes, "id_moved")))
            case AnswerKind.TRANSIENT:
                self._try_later(replace(task, transient=task.transient + 1), judged.detail)
            case AnswerKind.RATE_LIMITED | AnswerKind.QUOTA_USED_UP:
                self._slow_down(attempt, granted_at)
            case _:
                self.stop = self.stop or (str(judged.kind), judged.detail)

    def _again(self, task: Task) -> None:
        self.refused_in_a_row = 0
        self.ready.appendleft(task)

    def _try_later(self, task: Task, detail: str) -> None:
        if task.transient >= TRANSIENT_ATTEMPTS:
            detail = f"{TRANSIENT_ATTEMPTS} attempts, the last: {detail}"
            self._finish(Fetched(task.place_id, IdOutcome.FAILED, Reason.API_UNAVAILABLE, detail))
            return
        self._sequence += 1
        due = time.monotonic() + self.patience.transient(task.transient)
        heappush(self.later, (due, self._sequence, task))

    def _slow_down(self, attempt: Attempt, granted_at: float) -> None:
        self.refused_in_a_row += 1
        self.ready.appendleft(attempt.task)
        told = attempt.answer.retry_after_seconds
        pause = self.patience.refused(self.refused_in_a_row) if told is None else min(told, MOST_RETRY_AFTER_SECONDS)
        self.refusals.append((pause, granted_at))
        is_used_up = attempt.judged.kind is AnswerKind.QUOTA_USED_UP
        if self.parked is None and (is_used_up or self.refused_in_a_row >= REFUSALS_IN_A_ROW):
            why = attempt.judged.detail if is_used_up else f"{REFUSALS_IN_A_ROW} refusals for the rate in a row"
            self._park(Reason.PARKED_QUOTA, why)

    # What is not waited for any longer

    def _park(self, reason: Reason, why: str) -> None:
        self.parked = reason
        self.report.parked_because = (
            f"{why}. Go on later with the same command: what is in the cache is not called again"
        )

    def _call_back(self) -> None:
        """Take back the attempts that no thread has begun to send."""
        for future in [future for future in self.under_way if future.cancel()]:
            task, call, _ = self.under_way.pop(future)
            self.to_settle.append(Settled(call, None, was_sent=False))
            self.ready.appendleft(task)

    def _give_up_waiting(self) -> None:
        """Once parked or asked to stop, nothing new is begun; what is under way may still settle its id."""
        if self.parked is None:
            return
        waiting = [*(task.place_id for task in self.ready), *(task.place_id for _, _, task in self.later)]
        waiting += [*self.unclaimed, *self.foreign]
        for queue in (self.ready, self.later, self.unclaimed, self.foreign):
            queue.clear()
        for place_id in waiting:
            self._finish(Fetched(place_id, OF_REASON[self.parked], self.parked, self.report.parked_because))

    def _finish(self, fetched: Fetched) -> None:
        self.report.fetched[fetched.place_id] = fetched
        if fetched.place_id in self.claimed:
            self.claimed.remove(fetched.place_id)
            self.to_release.append(fetched.place_id)

    # The books

    def _keep_books(self) -> None:
        """One transaction, if there is anything to write, then the sends it allows, then a look at claimed ids."""
        now = time.monotonic()
        while self.later and self.later[0][0] <= now:
            self.ready.append(heappop(self.later)[2])
        free = self.slots - len(self.under_way)
        wanted = min(free, len(self.ready)) if self._may_send(now) else 0
        ahead = self._to_claim(now) if self._may_begin else []
        if not (wanted or ahead or self.to_settle or self.to_release or self.refusals):
            return
        self.lease.require_held()
        with self.ledger.control.transaction() as connection:
            granted, granted_at = self._tokens(connection, wanted)
            tasks = [self.ready.popleft() for _ in range(granted)]
            pairs = [(task.asked_id, self.asker.tier) for task in tasks]
            reserved = self.ledger.book(connection, self.run_id, self.session, pairs, self.to_settle)
            if self.stop is not None:
                self.ledger.stop(connection, *self.stop, self.run_id)
            self.limiter.give_back(connection, granted - len(reserved.calls))
            place_claims.release(connection, self.session, self.to_release)
            claimed = place_claims.claim(connection, self.session, ahead)
        self.to_settle.clear()
        self.to_release.clear()
        if reserved.stop is not None and self.stop is None:
            self.stop = (reserved.stop.kind, str(reserved.stop))
        self.ready.extendleft(reversed(tasks[len(reserved.calls) :]))
        for task, call in zip(tasks, reserved.calls, strict=False):
            self.under_way[self.pool.submit(self.asker.ask, task)] = (task, call, granted_at)
        if reserved.refusal:
            # Attempts under way may still be released, and leave budget for others.
            self.is_held_up = bool(self.under_way)
            if not self.under_way:
                self._park(Reason.PARKED_BUDGET, reserved.refusal)
        self._look_at_claimed(ahead, claimed)

    def _tokens(self, connection: sa.Connection, wanted: int) -> tuple[int, float]:
        for pause, granted_at in self.refusals:
            self.limiter.refused(connection, pause, granted_at)
        self.refusals.clear()
        if not wanted:
            return 0, 0.0
        grant = self.limiter.take(connection, wanted)
        self.not_before = time.monotonic() + grant.wait_seconds if grant.granted < wanted else 0.0
        return grant.granted, grant.at

    def _to_claim(self, now: float) -> list[str]:
        """Ids to claim next; ids of others are looked at again now and then."""
        if self.foreign and now >= self.next_look:
            self.next_look = now + self.patience.look
            self.unclaimed.extend(self._from_cache(self.foreign, again=True))
            self.foreign.clear()
        if len(self.ready) > self.slots:
            return []
        return [self.unclaimed.popleft() for _ in range(min(_CLAIMED_AHEAD, len(self.unclaimed)))]

    def _look_at_claimed(self, asked: list[str], claimed: set[str]) -> None:
        """Between our look into the cache and our claim, another process may have fetched the id."""
        self.claimed |= claimed
        self.foreign.extend(place_id for place_id in asked if place_id not in claimed)
        mine = [place_id for place_id in asked if place_id in claimed]
        self.ready.extend(Task(place_id, place_id) for place_id in self._from_cache(mine, again=True))

    def _from_cache(self, place_ids: Iterable[str], *, again: bool) -> list[str]:
        """Finish the ids with a fresh entry; gives the others."""
        wanted = list(place_ids)
        found = self.asker.cache.fresh(wanted, max_age=self.max_age, field_mask=self.asker.mask, again=again)
        rest = []
        for place_id in wanted:
            entry = found.get(place_id)
            if entry is None or entry.reason in self.ask_again:
                rest.append(place_id)
            else:
                self._finish(_fetched(entry, IdOutcome.CACHE_FRESH))
        return rest


def _fetched(entry: Entry, outcome: IdOutcome) -> Fetched:
    return Fetched(entry.place_id, outcome, entry.reason, entry.detail, entry.response_id, entry.notes)
