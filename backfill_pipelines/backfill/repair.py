"""Repair closure: which partitions a change of some partitions makes stale, through every hop, and what to do next.

Tables read tables: of the same partition, of every earlier one of the season, or some days ahead. A change travels
the other way. ``closure`` finds everything it reaches, with the reason; ``decide`` says, while a repair is under way,
which partitions must be computed again, which need not, and which must wait. Planning only, on plain data.
"""

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from functools import cached_property
from typing import NamedTuple

from backfill_pipelines.backfill.failures import BackfillError


class Partition(NamedTuple):
    """One date of one table."""

    table: str
    day: date

    def __str__(self) -> str:
        return f"{self.table} {self.day}"


class Reads(StrEnum):
    """Which dates of an upstream one date of a table reads; never a date of another season."""

    SAME = "same"
    BEFORE = "before"
    AHEAD = "ahead"


class Window(NamedTuple):
    """A range of dates, both ends included; empty when the first is after the last."""

    first: date
    last: date


_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Edge:
    """``downstream`` reads ``upstream``; ``days`` is how far ahead, for ``Reads.AHEAD`` only."""

    upstream: str
    downstream: str
    kind: Reads = Reads.SAME
    days: int = 0

    def reads(self, day: date, season: Window) -> Window:
        """The upstream dates that a date of the downstream table reads."""
        if self.kind is Reads.BEFORE:
            return Window(season.first, day - _DAY)
        if self.kind is Reads.AHEAD:
            return Window(day + _DAY, min(season.last, day + self.days * _DAY))
        return Window(day, day)

    def reaches(self, day: date, season: Window) -> Window:
        """The downstream dates that read a date of the upstream table."""
        if self.kind is Reads.BEFORE:
            return Window(day + _DAY, season.last)
        if self.kind is Reads.AHEAD:
            return Window(max(season.first, day - self.days * _DAY), day - _DAY)
        return Window(day, day)


@dataclass(frozen=True)
class ReadsGraph:
    """The tables in the order of the work, what reads what, and the seasons, which nothing crosses."""

    tables: tuple[str, ...]
    edges: tuple[Edge, ...]
    seasons: tuple[Window, ...]

    def __post_init__(self) -> None:
        for edge in self.edges:
            upstream, downstream = self.position.get(edge.upstream), self.position.get(edge.downstream)
            is_own_past = edge.upstream == edge.downstream and edge.kind is Reads.BEFORE
            if upstream is None or downstream is None or (upstream >= downstream and not is_own_past):
                raise BackfillError(
                    f"{edge.downstream} reads {edge.upstream}, which is not before it in the order of the work. "
                    "Repair: name every table once, each after what it reads"
                )

    @cached_property
    def position(self) -> Mapping[str, int]:
        """Place of each table in the order of the work."""
        return {table: place for place, table in enumerate(self.tables)}

    @cached_property
    def downstream(self) -> Mapping[str, Sequence[Edge]]:
        """Edges by the table that is read."""
        return {table: [edge for edge in self.edges if edge.upstream == table] for table in self.tables}

    @cached_property
    def upstream(self) -> Mapping[str, Sequence[Edge]]:
        """Edges by the table that reads."""
        return {table: [edge for edge in self.edges if edge.downstream == table] for table in self.tables}

    def season_of(self, day: date) -> Window | None:
        """The season whose window contains a day."""
        place = bisect_right(self._openings, day) - 1
        return self.seasons[place] if place >= 0 and day <= self.seasons[place].last else None

    @cached_property
    def _openings(self) -> list[date]:
        return [season.first for season in self.seasons]

    def run_order(self, partition: Partition) -> tuple[int, date]:
        """Sort key of the work: table, then date."""
        return self.position[partition.table], partition.day


@dataclass(frozen=True)
class Closure:
    """Everything that a change of the roots makes stale, the roots included, in run order."""

    roots: tuple[Partition, ...]
    partitions: tuple[Partition, ...]
    #: Why a partition is stale: the partition through which the change reaches it first. Roots have none.
    causes: Mapping[Partition, Partition]

    def chain(self, partition: Partition) -> tuple[Partition, ...]:
        """From a partition back to the root: the shortest way, each the reason of the one before."""
        found = [partition]
        while found[-1] in self.causes:
            found.append(self.causes[found[-1]])
        return tuple(found)

    @cached_property
    def by_table(self) -> Mapping[str, Sequence[date]]:
        """Dates of each table, in run order."""
        found: dict[str, list[date]] = {}
        for partition in self.partitions:
            found.setdefault(partition.table, []).append(partition.day)
        return found


class _Unreached:
    """The dates of a table that nothing has reached yet: each is handed out once, whatever the ranges asked for."""

    def __init__(self, days: Collection[date]) -> None:
        self._days = sorted(days)
        #: The next place not handed out, or a step towards it; paths are halved on the way.
        self._next = list(range(len(self._days) + 1))

    def take(self, window: Window) -> list[date]:
        """Hand out what is left of a range."""
        taken = list[date]()
        place, end = self._free(bisect_left(self._days, window.first)), bisect_right(self._days, window.last)
        while place < end:
            taken.append(self._days[place])
            self._next[place] = place + 1
            place = self._free(place)
        return taken

    def _free(self, place: int) -> int:
        while self._next[place] != place:
            self._next[place] = self._next[self._next[place]]
            place = self._next[place]
        return place


def closure(graph: ReadsGraph, expected: Mapping[str, Collection[date]], roots: Collection[Partition]) -> Closure:
    """What a change of the roots makes stale, among the expected dates of each table.

    Breadth first, so that every reason chain is a shortest one. A range of dates is one look-up and each partition is
    handed out once: the work grows with the closure, not with the pairs of dates that read each other.

    Raises:
        BackfillError: a root lies in no season, or is of a table that the graph does not know.
    """
    unreached = {table: _Unreached(expected.get(table, ())) for table in graph.tables}
    first = sorted(set(roots), key=lambda root: (graph.position.get(root.table, -1), root.day))
    causes: dict[Partition, Partition] = {}
    reached, queue = set[Partition](), deque[tuple[Partition, Window]]()
    for root in first:
        season = graph.season_of(root.day)
        if root.table not in graph.position or season is None:
            raise BackfillError(f"{root} is no partition. Repair: name a known table and a day inside a season")
        unreached[root.table].take(Window(root.day, root.day))
        reached.add(root)
        queue.append((root, season))
    while queue:
        changed, season = queue.popleft()
        for edge in graph.downstream[changed.table]:
            for day in unreached[edge.downstream].take(edge.reaches(changed.day, season)):
                stale = Partition(edge.downstream, day)
                causes[stale] = changed
                reached.add(stale)
                queue.append((stale, season))
    return Closure(tuple(first), tuple(sorted(reached, key=graph.run_order)), causes)


class Mark(StrEnum):
    """Where a partition of a repair stands."""

    STALE = "stale"
    #: Computed again, and now of other content.
    REBUILT = "rebuilt"
    #: Computed again with the same content, or not computed again because nothing that it reads has changed.
    UNCHANGED = "unchanged"


class Need(StrEnum):
    """What a stale partition needs next."""

    REBUILD = "rebuild"
    #: Nothing that it reads has changed: complete without a rebuild.
    CUT_OFF = "cut_off"
    #: Something that it reads is stale itself.
    WAIT = "wait"


class _Marked:
    """The dates of a repair by table and mark, to ask whether a window holds one."""

    def __init__(self, marks: Mapping[Partition, Mark]) -> None:
        self._days: dict[tuple[str, Mark], list[date]] = {}
        for partition in sorted(marks):
            self._days.setdefault((partition.table, marks[partition]), []).append(partition.day)

    def stale(self, table: str) -> Sequence[date]:
        return self._days.get((table, Mark.STALE), ())

    def any(self, table: str, mark: Mark, window: Window) -> bool:
        days = self._days.get((table, mark), ())
        place = bisect_left(days, window.first)
        return place < len(days) and days[place] <= window.last


def decide(
    graph: ReadsGraph, table: str, marks: Mapping[Partition, Mark], roots: Collection[Partition]
) -> dict[date, Need]:
    """What each stale date of a table needs, given where all partitions of the repair stand."""
    marked = _Marked(marks)
    return {day: _need(graph, Partition(table, day), marked, roots) for day in marked.stale(table)}


def _need(graph: ReadsGraph, partition: Partition, marked: _Marked, roots: Collection[Partition]) -> Need:
    season = graph.season_of(partition.day)
    read = [(e.upstream, e.reads(partition.day, season)) for e in graph.upstream[partition.table]] if season else []
    if any(marked.any(table, Mark.STALE, window) for table, window in read):
        return Need.WAIT
    is_changed = partition in roots or any(marked.any(table, Mark.REBUILT, window) for table, window in read)
    return Need.REBUILD if is_changed else Need.CUT_OFF
