"""The state of a roaster on a day: exactly one, judged from ticks, captures, attempts and searches.

Pure; where the evidence comes from is ``evidence``'s business, a whole scope is ``expected_set``'s.
"""

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from backfill_pipelines.coffee.model import Completeness, Status
from backfill_pipelines.coffee.ticks import Tick


class DayState(StrEnum):
    """State of a roaster's day."""

    COMPLETE = "complete"
    PARTIAL = "partial"
    MISSING = "missing"
    NOT_DUE = "not_due"
    EXPECTED_EMPTY = "expected_empty"
    QUARANTINED = "quarantined"
    STALE = "stale"
    UNRECOVERABLE = "unrecoverable"


#: What an incremental backfill takes up.
OPEN_STATES = (DayState.MISSING, DayState.PARTIAL, DayState.STALE, DayState.QUARANTINED)

NO_TICK, INACTIVE, ROBOTS = "no_tick", "roaster_inactive", "robots_disallow"


@dataclass(frozen=True)
class SeenCapture:
    """A capture that is in the store: all its pages together."""

    source_id: uuid.UUID
    observed_at: datetime
    completeness: Completeness
    status: Status
    is_published: bool = True
    #: Derived by the transform and the normaliser in force.
    is_current: bool = True
    #: Products or variants of it are set aside.
    has_quarantined: bool = False
    #: Its partition was judged with it, and a gate was red.
    is_red: bool = False
    #: For ``not_modified``: the body that it confirms was complete.
    confirms_complete: bool = False

    @property
    def is_bad(self) -> bool:
        """Nothing of it can be published as it is."""
        return self.status == "invalid" or self.is_red

    @property
    def is_whole(self) -> bool:
        """The catalogue is in it from end to end."""
        return self.completeness == "complete" or (self.completeness == "not_modified" and self.confirms_complete)


@dataclass(frozen=True)
class SourceDay:
    """What is known of one source on one day.

    ``captures`` are those of the day itself and those in the window of one of its ticks; ``failed_attempts`` are the
    times of fetches that gave no coverage.
    """

    source_id: uuid.UUID
    ticks: Sequence[Tick] = ()
    captures: Sequence[SeenCapture] = ()
    failed_attempts: Sequence[datetime] = ()


@dataclass(frozen=True)
class Recorded:
    """What ``partition_evidence`` says of the day."""

    state: DayState
    reason: str
    recorded_at: datetime


@dataclass(frozen=True)
class Judged:
    """The state of a day, and why in a word or a sentence."""

    state: DayState
    reason: str = ""


def judge_day(
    day: date,
    sources: Sequence[SourceDay],
    now: datetime,
    *,
    recorded: Recorded | None = None,
    is_active: bool = True,
    is_allowed: bool = True,
) -> Judged:
    """The state of a roaster on a day; ``is_allowed`` is False when robots.txt forbids to fetch."""
    captures = [capture for source in sources for capture in source.captures]
    if not captures:
        return _judge_empty(sources, now, recorded, is_active=is_active, is_allowed=is_allowed)
    good = [capture for capture in captures if not capture.is_bad]
    waiting = [capture for capture in good if not capture.is_published]
    if waiting:
        return Judged(DayState.STALE, f"{len(waiting)} stored captures are not published")
    # A red gate is one of the whole day: what was published of it before does not cover what was not.
    if not good or any(capture.is_red and capture.observed_at.date() == day for capture in captures):
        return Judged(DayState.QUARANTINED, _why_bad(captures))
    if not all(capture.is_current for capture in good):
        return Judged(DayState.STALE, "published by an older transform or normaliser")
    return _merge(list(_verdicts(day, sources, now, recorded)))


def _judge_empty(
    sources: Sequence[SourceDay], now: datetime, recorded: Recorded | None, *, is_active: bool, is_allowed: bool
) -> Judged:
    if not is_active:
        return Judged(DayState.EXPECTED_EMPTY, INACTIVE)
    ticks = [tick for source in sources for tick in source.ticks]
    if not ticks:
        return Judged(DayState.EXPECTED_EMPTY, NO_TICK)
    if not is_allowed:
        return Judged(DayState.EXPECTED_EMPTY, ROBOTS)
    if recorded and recorded.state is DayState.EXPECTED_EMPTY:
        return Judged(DayState.EXPECTED_EMPTY, recorded.reason)
    return _merge([_without_capture(tick, source, now, recorded) for source in sources for tick in source.ticks])


def _why_bad(captures: Sequence[SeenCapture]) -> str:
    red = sum(capture.is_red for capture in captures)
    return f"{red} captures with a red gate" if red else f"{len(captures)} captures are invalid"


def _verdicts(day: date, sources: Sequence[SourceDay], now: datetime, recorded: Recorded | None) -> Iterator[Judged]:
    """A verdict of each tick of each source; without ticks, one of each source that was captured on the day."""
    has_ticks = any(source.ticks for source in sources)
    for source in sources:
        good = [capture for capture in source.captures if not capture.is_bad]
        own = [capture for capture in good if capture.observed_at.date() == day]
        yield from (_of_tick(tick, source, good, now, recorded) for tick in source.ticks)
        if own and not has_ticks:
            extra = _of_captures(own)
            yield Judged(extra.state, "extra" if extra.state is DayState.COMPLETE else extra.reason)


def _of_tick(
    tick: Tick, source: SourceDay, good: Sequence[SeenCapture], now: datetime, recorded: Recorded | None
) -> Judged:
    found = [capture for capture in good if tick.holds(capture.observed_at)]
    return _of_captures(found) if found else _without_capture(tick, source, now, recorded)


def _of_captures(captures: Sequence[SeenCapture]) -> Judged:
    """Complete when one whole capture was published without a product set aside."""
    whole = [capture for capture in captures if capture.is_whole]
    if any(not capture.has_quarantined for capture in whole):
        return Judged(DayState.COMPLETE)
    if whole:
        return Judged(DayState.PARTIAL, "products are in quarantine")
    return Judged(DayState.PARTIAL, " and ".join(sorted({str(capture.completeness) for capture in captures})))


def _without_capture(tick: Tick, source: SourceDay, now: datetime, recorded: Recorded | None) -> Judged:
    """A tick in whose window nothing was captured."""
    name = f"{tick.kind} tick at {tick.at:%Y-%m-%d %H:%M}"
    if now < tick.at or (now <= tick.window_end and not any(map(tick.holds, source.failed_attempts))):
        return Judged(DayState.NOT_DUE, f"{name}, open until {tick.window_end:%Y-%m-%d %H:%M}")
    if now <= tick.window_end:
        return Judged(DayState.MISSING, f"{name}: the fetch failed, still open until {tick.window_end:%Y-%m-%d %H:%M}")
    if recorded and recorded.state is DayState.UNRECOVERABLE and recorded.recorded_at > tick.window_end:
        return Judged(DayState.UNRECOVERABLE, recorded.reason)
    return Judged(DayState.MISSING, f"{name}: window closed, the stores were not searched since")


def _merge(verdicts: Sequence[Judged]) -> Judged:
    """One verdict for the day. What is still to come keeps a day open; one of several that lacks makes it partial."""
    by_state = {verdict.state: verdict for verdict in reversed(verdicts)}
    lacking = [by_state[s] for s in (DayState.MISSING, DayState.UNRECOVERABLE) if s in by_state]
    if DayState.PARTIAL in by_state:
        return by_state[DayState.PARTIAL]
    if DayState.COMPLETE in by_state and lacking:
        return Judged(DayState.PARTIAL, f"one source or tick has no capture: {lacking[0].reason}")
    for state in (DayState.MISSING, DayState.NOT_DUE, DayState.UNRECOVERABLE, DayState.COMPLETE):
        if state in by_state:
            return by_state[state]
    # A bad capture of one source beside nothing of the others: it would have been judged as quarantined.
    return Judged(DayState.PARTIAL, "nothing of the day counts for a tick")
