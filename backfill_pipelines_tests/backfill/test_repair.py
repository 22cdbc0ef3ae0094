"""The repair closure against brute force over the reads, on random graphs; its chains; what a repair does next."""

import time
from collections.abc import Collection, Iterator, Mapping
from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backfill_pipelines.backfill.failures import BackfillError
from backfill_pipelines.backfill.repair import (
    Closure,
    Edge,
    Mark,
    Need,
    Partition,
    Reads,
    ReadsGraph,
    Window,
    closure,
    decide,
)

DAY = timedelta(days=1)
SEASONS = (Window(date(2022, 1, 1), date(2022, 1, 9)), Window(date(2022, 2, 1), date(2022, 2, 7)))
DAYS = [season.first + n * DAY for season in SEASONS for n in range((season.last - season.first).days + 1)]
NAMES = ("a", "b", "c", "d", "e", "f")

Expected = Mapping[str, Collection[date]]


def read_by(graph: ReadsGraph, partition: Partition) -> Iterator[Partition]:
    """Every partition that one reads: the reads table written out day by day, without any of the code under test."""
    season = next(s for s in SEASONS if s.first <= partition.day <= s.last)
    for edge in graph.edges:
        if edge.downstream != partition.table:
            continue
        for day in DAYS:
            distance = (day - partition.day).days
            is_read = {
                Reads.SAME: distance == 0,
                Reads.BEFORE: distance < 0,
                Reads.AHEAD: 0 < distance <= edge.days,
            }[edge.kind]
            if is_read and season.first <= day <= season.last:
                yield Partition(edge.upstream, day)


def brute_force(graph: ReadsGraph, expected: Expected, roots: Collection[Partition]) -> set[Partition]:
    """Grow the set until nothing is added any more."""
    every = [Partition(table, day) for table in graph.tables for day in expected[table]]
    stale, size = set(roots), -1
    while size != len(stale):
        size = len(stale)
        stale |= {p for p in every if any(upstream in stale for upstream in read_by(graph, p))}
    return stale


@st.composite
def graphs(draw: st.DrawFn) -> ReadsGraph:
    tables = NAMES[: draw(st.integers(2, len(NAMES)))]
    pairs = [(u, d) for place, d in enumerate(tables) for u in tables[: place + 1]]
    edges = []
    for upstream, downstream in draw(st.lists(st.sampled_from(pairs), min_size=1, max_size=12)):
        kind = Reads.BEFORE if upstream == downstream else draw(st.sampled_from(Reads))
        edges.append(Edge(upstream, downstream, kind, draw(st.integers(1, 4)) if kind is Reads.AHEAD else 0))
    return ReadsGraph(tables, tuple(edges), SEASONS)


@st.composite
def repairs(draw: st.DrawFn) -> tuple[ReadsGraph, Expected, list[Partition]]:
    graph = draw(graphs())
    expected = {table: draw(st.sets(st.sampled_from(DAYS))) for table in graph.tables}
    anything = st.builds(Partition, st.sampled_from(graph.tables), st.sampled_from(DAYS))
    return graph, expected, draw(st.lists(anything, min_size=1, max_size=3, unique=True))


@settings(max_examples=300, deadline=None)
@given(repairs())
def test_the_closure_is_what_brute_force_finds(repair: tuple[ReadsGraph, Expected, list[Partition]]) -> None:
    graph, expected, roots = repair
    found = closure(graph, expected, roots)
    assert set(found.partitions) == brute_force(graph, expected, roots)
    assert list(found.partitions) == sorted(found.partitions, key=lambda p: (graph.tables.index(p.table), p.day))
    assert len(set(found.partitions)) == len(found.partitions)


@settings(max_examples=100, deadline=None)
@given(repairs())
def test_every_reason_chain_is_made_of_reads_and_ends_at_a_root(
    repair: tuple[ReadsGraph, Expected, list[Partition]],
) -> None:
    graph, expected, roots = repair
    found = closure(graph, expected, roots)
    for partition in found.partitions:
        chain = found.chain(partition)
        assert chain[0] == partition
        assert chain[-1] in roots
        for reader, read in pairwise(chain):
            assert read in set(read_by(graph, reader))


@settings(max_examples=200, deadline=None)
@given(repairs(), st.data())
def test_what_a_repair_does_next_is_what_brute_force_says(
    repair: tuple[ReadsGraph, Expected, list[Partition]], data: st.DataObject
) -> None:
    graph, expected, roots = repair
    found = closure(graph, expected, roots)
    marks = {partition: data.draw(st.sampled_from(Mark)) for partition in found.partitions}
    for table in graph.tables:
        needs = decide(graph, table, marks, roots)
        assert set(needs) == {p.day for p, mark in marks.items() if p.table == table and mark is Mark.STALE}
        for day, need in needs.items():
            partition = Partition(table, day)
            read = [marks[upstream] for upstream in read_by(graph, partition) if upstream in marks]
            changed = Mark.REBUILT in read or partition in roots
            assert need is (Need.WAIT if Mark.STALE in read else Need.REBUILD if changed else Need.CUT_OFF)


@settings(max_examples=100, deadline=None)
@given(repairs(), st.data())
def test_working_off_a_repair_rebuilds_what_reads_a_change_and_nothing_else(
    repair: tuple[ReadsGraph, Expected, list[Partition]], data: st.DataObject
) -> None:
    """In run order nothing ever waits, and in the end nothing is stale."""
    graph, expected, roots = repair
    found = closure(graph, expected, roots)
    changes = {partition: data.draw(st.booleans()) for partition in found.partitions}
    marks = dict.fromkeys(found.partitions, Mark.STALE)
    for partition in found.partitions:
        need = decide(graph, partition.table, marks, roots)[partition.day]
        assert need is not Need.WAIT
        changed = need is Need.REBUILD and changes[partition]
        marks[partition] = Mark.REBUILT if changed else Mark.UNCHANGED
        reads_a_change = any(marks.get(upstream) is Mark.REBUILT for upstream in read_by(graph, partition))
        assert (need is Need.REBUILD) == (partition in roots or reads_a_change)
    assert Mark.STALE not in marks.values()


def test_a_chain_is_a_shortest_one() -> None:
    graph = ReadsGraph(
        ("raw", "summary", "cache", "store"),
        (
            Edge("raw", "summary"),
            Edge("summary", "cache", Reads.BEFORE),
            Edge("cache", "store"),
            Edge("summary", "store", Reads.BEFORE),
        ),
        SEASONS,
    )
    root = Partition("raw", DAYS[0])
    found = closure(graph, dict.fromkeys(graph.tables, DAYS), [root])
    chain = found.chain(Partition("store", DAYS[3]))
    assert [str(partition) for partition in chain] == ["store 2022-01-04", "summary 2022-01-01", "raw 2022-01-01"]
    assert [str(partition) for partition in found.chain(root)] == ["raw 2022-01-01"]


def test_a_root_that_expects_nothing_is_in_the_closure_all_the_same() -> None:
    """A game that was moved away leaves a date that expects nothing, and whose rows must go."""
    graph = ReadsGraph(("raw", "summary"), (Edge("raw", "summary"),), SEASONS)
    root = Partition("raw", DAYS[0])
    assert closure(graph, {}, [root]).partitions == (root,)


@pytest.mark.parametrize(
    "edges",
    [(Edge("b", "a"),), (Edge("a", "a"),), (Edge("a", "nobody"),), (Edge("a", "a", Reads.AHEAD, 3),)],
    ids=["backwards", "itself", "unknown", "its own future"],
)
def test_a_graph_that_cannot_be_worked_in_order_is_refused(edges: tuple[Edge, ...]) -> None:
    with pytest.raises(BackfillError, match=r"not before it in the order of the work\. Repair: "):
        ReadsGraph(("a", "b"), edges, SEASONS)


@pytest.mark.parametrize(
    "root", [Partition("nobody", DAYS[0]), Partition("a", date(2022, 1, 20))], ids=["table", "off season"]
)
def test_a_root_that_is_no_partition_is_refused(root: Partition) -> None:
    graph = ReadsGraph(("a", "b"), (Edge("a", "b"),), SEASONS)
    with pytest.raises(BackfillError, match=rf"{root} is no partition\. Repair: "):
        closure(graph, {}, [root])


def long_closure(days_of_season: int) -> tuple[Closure, float]:
    """Ten tables, each reading all earlier dates of all tables before it; seconds of work of the fastest of three."""
    season = Window(date(2000, 1, 1), date(2000, 1, 1) + (days_of_season - 1) * DAY)
    tables = tuple(f"t{number}" for number in range(10))
    edges = tuple(Edge(u, d, Reads.BEFORE) for place, d in enumerate(tables) for u in tables[:place])
    graph = ReadsGraph(tables, edges, (season,))
    days = [season.first + n * DAY for n in range(days_of_season)]
    seconds = list[float]()
    for _ in range(3):
        started = time.process_time()
        found = closure(graph, dict.fromkeys(tables, days), [Partition("t0", days[0])])
        seconds.append(time.process_time() - started)
    return found, min(seconds)


def test_the_work_grows_with_the_closure_not_with_its_square() -> None:
    """Of eight times the days a quadratic search would take 64 times as long."""
    small, short = long_closure(300)
    large, long = long_closure(2400)
    assert len(large.partitions) > 7 * len(small.partitions)
    assert long < 30 * short
