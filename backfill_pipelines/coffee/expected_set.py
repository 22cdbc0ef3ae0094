"""The expected set: every day of every roaster of a scope in exactly one state, and nothing unexplained."""

import uuid
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from backfill_pipelines.coffee.states import DayState, Judged, Recorded, SeenCapture, SourceDay, judge_day
from backfill_pipelines.coffee.ticks import Roaster, Tick, ticks_of

#: Most days of one state that are named in a text.
NAMED = 10


def partition_key(day: date, roaster: str) -> str:
    """The partition's key, with its dimensions in Dagster's order."""
    return f"{day.isoformat()}|{roaster}"


def parse_partition(key: str) -> tuple[date, str]:
    """Day and roaster of a partition's key."""
    day, _, roaster = key.partition("|")
    return date.fromisoformat(day), roaster


@dataclass(frozen=True)
class Evidence:
    """What the stores know of some roasters, from a little before the first day to a little after the last."""

    #: Sources of each roaster, by the roaster's id.
    sources: Mapping[uuid.UUID, Sequence[uuid.UUID]]
    captures: Sequence[SeenCapture] = ()
    #: (source, time) of fetches that gave no coverage.
    failed_attempts: Sequence[tuple[uuid.UUID, datetime]] = ()
    recorded: Mapping[tuple[uuid.UUID, date], Recorded] = field(default_factory=dict[tuple[uuid.UUID, date], Recorded])


@dataclass(frozen=True)
class RoasterDay:
    """One day of a roaster and its state."""

    roaster: Roaster
    day: date
    state: DayState
    reason: str = ""
    ticks: tuple[Tick, ...] = ()

    @property
    def key(self) -> str:
        """The partition's key."""
        return partition_key(self.day, self.roaster.slug)

    def is_fetchable(self, now: datetime) -> bool:
        """Whether a live fetch would still count for one of its ticks."""
        return any(tick.holds(now) for tick in self.ticks)


@dataclass(frozen=True)
class ExpectedSet:
    """Every day of a scope, roaster by roaster, oldest first."""

    days: Sequence[RoasterDay]

    @property
    def counts(self) -> Counter[DayState]:
        """Days by state."""
        return Counter(day.state for day in self.days)

    def of(self, *states: DayState) -> list[RoasterDay]:
        """The days in some states."""
        return [day for day in self.days if day.state in states]

    @property
    def coverage(self) -> float | None:
        """Share of the expected days that are complete, from 0 to 1; None when none is expected."""
        expected = [d for d in self.days if d.state not in (DayState.EXPECTED_EMPTY, DayState.NOT_DUE)]
        return sum(d.state is DayState.COMPLETE for d in expected) / len(expected) if expected else None

    def lines(self) -> Iterator[str]:
        """The report: states with their counts, open days by name, and the account of them all."""
        for state in DayState:
            found = self.of(state)
            named = ", ".join(day.key for day in found[:NAMED]) if state is not DayState.EXPECTED_EMPTY else ""
            more = f" and {len(found) - NAMED} more" if named and len(found) > NAMED else ""
            yield f"{state:15}{len(found):>8,}  {named}{more}".rstrip()
        unexplained = [day for day in self.days if not day.reason and day.state is not DayState.COMPLETE]
        explained = len(self.days) - len(unexplained)
        yield f"{explained:,} of {len(self.days):,} accounted for, {len(unexplained):,} unexplained"


def expected_set(
    roasters: Sequence[Roaster], evidence: Evidence, first: date, last: date, now: datetime
) -> ExpectedSet:
    """The states of every roaster's days from ``first`` to ``last``, both included."""
    found = list[RoasterDay]()
    captures = _by_source_and_day(evidence.captures)
    failed = defaultdict[uuid.UUID, list[datetime]](list)
    for source_id, at in evidence.failed_attempts:
        failed[source_id].append(at)
    for roaster in roasters:
        ticks = _by_day(ticks_of(roaster, first, last))
        for day in days_between(first, last):
            of_day = tuple(ticks.get(day, ()))
            sources = [
                SourceDay(source, of_day, _relevant(captures[source], day, of_day), failed[source])
                for source in evidence.sources.get(roaster.id, ())
            ]
            judged = _judge(roaster, day, sources, of_day, now, evidence.recorded.get((roaster.id, day)))
            found.append(RoasterDay(roaster, day, judged.state, judged.reason, of_day))
    return ExpectedSet(found)


def days_between(first: date, last: date) -> list[date]:
    """Both ends included."""
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def _judge(
    roaster: Roaster,
    day: date,
    sources: Sequence[SourceDay],
    ticks: Sequence[Tick],
    now: datetime,
    recorded: Recorded | None,
) -> Judged:
    if ticks and not sources:
        return Judged(DayState.MISSING, "the roaster has ticks and no source")
    return judge_day(
        day,
        sources,
        now,
        recorded=recorded,
        is_active=roaster.is_active_on(day),
        is_allowed=roaster.robots_allow is not False,
    )


def _by_source_and_day(
    captures: Sequence[SeenCapture],
) -> defaultdict[uuid.UUID, defaultdict[date, list[SeenCapture]]]:
    found: defaultdict[uuid.UUID, defaultdict[date, list[SeenCapture]]] = defaultdict(lambda: defaultdict(list))
    for capture in captures:
        found[capture.source_id][capture.observed_at.date()].append(capture)
    return found


def _by_day(ticks: Sequence[Tick]) -> Mapping[date, list[Tick]]:
    found = defaultdict[date, list[Tick]](list)
    for tick in ticks:
        found[tick.day].append(tick)
    return found


def _relevant(
    by_day: defaultdict[date, list[SeenCapture]], day: date, ticks: Sequence[Tick]
) -> tuple[SeenCapture, ...]:
    """Captures of the day, and of other days in the window of one of its ticks."""
    if not by_day:
        return ()
    found = list(by_day.get(day, ()))
    for other in _days_of_windows(ticks) - {day}:
        found += [c for c in by_day.get(other, ()) if any(tick.holds(c.observed_at) for tick in ticks)]
    return tuple(sorted(found, key=lambda capture: capture.observed_at))


def _days_of_windows(ticks: Sequence[Tick]) -> set[date]:
    return {day for tick in ticks for day in days_between(tick.window_start.date(), tick.window_end.date())}
