"""Fetching a source live: its pages now, stored as received, stamped with the time of the answer and never another.

A fetch cannot bring back the past: outside of its tick's window it is refused. Who may fetch which source at a time is
the caller's affair (one advisory lock per source and day); how a shop is asked is ``stores.polite_shops``'.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from backfill_pipelines.backfill.failures import BackfillError
from backfill_pipelines.coffee.artifacts import Artifacts
from backfill_pipelines.coffee.feed_walk import Body, PageFailed, Walked, walk
from backfill_pipelines.coffee.feeds import Feed, feed_of
from backfill_pipelines.coffee.fetch_asking import Asking, FetchStats
from backfill_pipelines.coffee.fetch_runs import application_name, beating_run
from backfill_pipelines.coffee.fetch_store import BodyNotStored, CaptureStore, Confirmable, confirmable, record_fetch
from backfill_pipelines.coffee.model import Capture, Completeness, Source
from backfill_pipelines.coffee.runs import BEAT_SECONDS, JobType, Run, RunStatus
from backfill_pipelines.coffee.ticks import Tick
from backfill_pipelines.stores import sql
from backfill_pipelines.stores.polite_shops import HostRules, PoliteShops, RobotsUnreachable
from backfill_pipelines.stores.postgres import Postgres, execute, read_rows
from backfill_pipelines.stores.shop_http import ShopAnswer

PACKAGE = "backfill_pipelines.coffee"
#: A fetch that has not ended by then is ended, with what it has.
MOST_SECONDS = 3600.0

UNREACHABLE, NOT_STORED = "robots_unreachable", "body_not_stored"


class TickClosed(BackfillError):
    """The window of the tick is not open: what is fetched now would not be what was asked for."""


class SourceUnknown(BackfillError):
    """The source is not in the database."""


@dataclass(frozen=True)
class FetchResult:
    """What a fetch gave: one run, and the pages of one capture, if there was any."""

    run_id: uuid.UUID
    status: RunStatus
    #: None without a capture.
    completeness: Completeness | None
    captures: tuple[Capture, ...]
    #: Products listed, without variations.
    products: int
    #: Both empty when all went well.
    error_code: str
    error: str
    stats: dict[str, Any]

    @property
    def observed_at(self) -> datetime | None:
        """When the first page was answered."""
        return self.captures[0].observed_at if self.captures else None

    @property
    def is_coverage(self) -> bool:
        """Whether the capture counts for a tick, once it is published."""
        return self.completeness in ("complete", "not_modified")


@dataclass
class _Outcome:
    """How a fetch ended, before it is recorded."""

    completeness: Completeness | None = None
    products: int = 0
    code: str = ""
    error: str = ""
    notes: dict[str, Any] = field(default_factory=dict[str, Any])

    @property
    def status(self) -> RunStatus:
        """Partial is what has some products; a body that was not stored makes any run fail."""
        if not self.code:
            return "ok"
        return "partial" if self.products and self.code != NOT_STORED else "fail"


class Fetcher:
    """Fetches sources: the database, the store of bodies, and the shops."""

    def __init__(
        self,
        postgres: Postgres,
        artifacts: Artifacts,
        shops: PoliteShops,
        *,
        beat_seconds: float = BEAT_SECONDS,
        most_seconds: float = MOST_SECONDS,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        paused: Callable[[], str] = lambda: "",
    ) -> None:
        self._postgres = postgres
        self._artifacts = artifacts
        self._shops = shops
        self._beat_seconds = beat_seconds
        self._most_seconds = most_seconds
        self._clock = clock
        self._paused = paused

    def fetch_source(
        self,
        source: Source,
        *,
        tick_window: Tick | None = None,
        job_type: JobType | None = None,
        trigger: str = "schedule",
        backfill_run_id: uuid.UUID | None = None,
        attempt: int = 1,
    ) -> FetchResult:
        """Fetch the whole feed of a source now.

        What the shop does wrong is in the result; an exception is ours.

        Args:
            source: Of the database.
            tick_window: The tick it is for, whose window must be open; None for a look between ticks.
            job_type: ``full_refresh`` or ``price_only``; None for that of the tick. Both read the same feed.
            trigger: ``schedule``, ``backfill`` or who else asked.
            backfill_run_id: The backfill it is part of.
            attempt: Of this tick, from 1.

        Raises:
            TickClosed: the window is not open.
            FeedUnknown: the source has no feed that can be paged.
            SourceUnknown: the source is not in the database.
            FetchRunLost: the run was taken for crashed meanwhile.
            PostgresError: the database cannot be reached.
        """
        now = self._clock()
        _require_open(source, tick_window, now)
        feed, most_open = self._feed(source)
        default: JobType = "price_only" if tick_window is not None and tick_window.kind == "price" else "full_refresh"
        at = None if tick_window is None else tick_window.at
        run = Run(uuid.uuid4(), source, job_type or default, now, now.date(), trigger, at, backfill_run_id, attempt)
        until = now + timedelta(seconds=self._most_seconds)
        times = _Times(until if tick_window is None else min(until, tick_window.window_end), until)
        store, stats = CaptureStore(self._artifacts, source, run), FetchStats()
        with beating_run(self._postgres, run, beat_seconds=self._beat_seconds, clock=self._clock):
            outcome = self._fetched(_Way(feed, most_open, times), store, stats)
            return self._recorded(run, store, stats, outcome)

    def _fetched(self, way: "_Way", store: CaptureStore, stats: FetchStats) -> _Outcome:
        """The capture, or why there is none; its pages are in the store."""
        try:
            rules = self._shops.rules(store.source.base_url, until=way.times.begin)
            self._record_robots(store.run, way.feed, rules)
            asking = Asking(self._shops, rules, way.most_open, way.times.begin, way.times.end, stats, self._paused)
            outcome = self._captured(way.feed, asking, store)
        except (RobotsUnreachable, PageFailed, BodyNotStored) as error:
            outcome = _Outcome("partial" if store.captures else None, 0, _code(error), str(error))
        return _settled(store, outcome)

    def _captured(self, feed: Feed, asking: Asking, store: CaptureStore) -> _Outcome:
        answers, first = list[ShopAnswer](), None
        if previous := self._previous(store.run, feed):
            answers, first = _confirmed(asking, previous)
            for page, answer in zip(previous.pages, answers, strict=False):
                store.confirm(page, answer)
        if answers:
            return _Outcome("not_modified")
        return _outcome(walk(feed, _Saving(asking, store, first)), store)

    def _recorded(self, run: Run, store: CaptureStore, stats: FetchStats, outcome: _Outcome) -> FetchResult:
        numbers = {
            **stats.as_json(),
            **outcome.notes,
            "completeness": outcome.completeness,
            "pages": len(store.captures),
            "products": outcome.products,
        }
        failure = (outcome.code, outcome.error) if outcome.code else None
        record_fetch(self._postgres, run, store, outcome.status, self._clock(), numbers, failure)
        return FetchResult(
            run.id,
            outcome.status,
            outcome.completeness,
            tuple(store.captures),
            outcome.products,
            outcome.code,
            outcome.error,
            numbers,
        )

    def _feed(self, source: Source) -> tuple[Feed, int]:
        with self._postgres.connect("coffee:fetch") as connection:
            rows = read_rows(connection, sql.load(PACKAGE, "fetch/feed"), {"source_id": source.id})
        if not rows:
            raise SourceUnknown(
                f"{source.roaster_slug}: {source.base_url} is not in the database. Repair: write it into the sources "
                "file, then: backfill coffee sources"
            )
        row = rows[0]
        return feed_of(source, row["products_endpoint"], row["page_limit"]), row["default_concurrency"]

    def _record_robots(self, run: Run, feed: Feed, rules: HostRules) -> None:
        values = {
            "source_id": run.source.id,
            "is_allowed": rules.robots.allows(feed.page_url(1)),
            "crawl_delay_s": rules.robots.crawl_delay_seconds,
            "checked_at": rules.checked_at,
        }
        statement = sql.load(PACKAGE, "fetch/robots")
        self._postgres.transact(application_name(run.id), lambda connection: execute(connection, statement, values))

    def _previous(self, run: Run, feed: Feed) -> Confirmable | None:
        """What a 304 could confirm; none when the feed is asked for in other pages now."""
        with self._postgres.connect(application_name(run.id)) as connection:
            found = confirmable(connection, self._artifacts, run.source)
        return found if found and found.pages[0].url == feed.page_url(1) else None


@dataclass(frozen=True)
class _Times:
    """Until when the first page must be asked for, and until when any."""

    begin: datetime
    end: datetime


@dataclass(frozen=True)
class _Way:
    """How a source is fetched."""

    feed: Feed
    most_open: int
    times: _Times


@dataclass
class _Saving:
    """Asks for the pages of a walk and stores each before it is read; the first may be there already."""

    asking: Asking
    store: CaptureStore
    first: ShopAnswer | None

    def __call__(self, url: str) -> Body:
        answer, self.first = self.first or self.asking.answer(url), None
        self.store.save(answer)
        return Body(answer.body, answer.headers)


def _require_open(source: Source, tick: Tick | None, now: datetime) -> None:
    if tick is None or tick.holds(now):
        return
    window = f"{tick.window_start:%Y-%m-%d %H:%M} to {tick.window_end:%Y-%m-%d %H:%M} UTC"
    if now < tick.window_start:
        repair = "run again when it opens"
    else:
        repair = "replay or import a body of that time: the shop answers for now only, the past cannot be fetched"
    raise TickClosed(
        f"{source.roaster_slug}: the {tick.kind} tick {tick.at:%Y-%m-%d %H:%M} UTC may be fetched from {window}, and "
        f"now is {now:%Y-%m-%d %H:%M}. Repair: {repair}"
    )


def _confirmed(asking: Asking, previous: Confirmable) -> tuple[list[ShopAnswer], ShopAnswer | None]:
    """A 304 for every page; else none, and the new first page if it was that which changed.

    A capture is confirmed as a whole or fetched as a whole: pages of two times are no catalogue.
    """
    answers = list[ShopAnswer]()
    for page, validators in zip(previous.pages, previous.validators, strict=True):
        answer = asking.answer(page.url, validators)
        if answer.status != 304:
            return [], None if answers else answer
        answers.append(answer)
    return answers, None


def _outcome(walked: Walked, store: CaptureStore) -> _Outcome:
    notes = {"without_variations": walked.without_variations} if walked.without_variations else {}
    completeness = walked.completeness if store.captures else None
    products, failure = len(set(walked.ids)), walked.failure
    if failure is None:
        return _Outcome(completeness, products, notes=notes)
    return _Outcome(completeness, products, failure.code, str(failure), notes)


def _settled(store: CaptureStore, outcome: _Outcome) -> _Outcome:
    """The outcome, with all pages described as what they are; not described is not stored."""
    if outcome.completeness is None:
        return outcome
    try:
        store.settle(outcome.completeness)
    except BodyNotStored as error:
        return _Outcome("partial", outcome.products, NOT_STORED, str(error), outcome.notes)
    return outcome


def _code(error: Exception) -> str:
    if isinstance(error, PageFailed):
        return error.code
    return NOT_STORED if isinstance(error, BodyNotStored) else UNREACHABLE
