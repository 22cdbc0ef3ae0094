"""Do the four indexes find exactly the places that the table holds, page by page, and fast enough?

What each partition must hold follows from a strongly consistent scan, by the scalars of its places, not by their
stored keys. Every partition is read page by page; pages are cut at 1, 7 and 100 items, as callers cut them. A walk
of more than 200 pages is sampled: its first 25 pages, and 25 pages from a seeded position; the whole partition is
read in the largest pages in any case. The metadata says how many walks that were.

An index shows a write a moment after the table: what is not as expected is read again for up to 30 seconds. The next
verification begins anew, so a longer lag makes one of them red and no later one.
"""

import math
import random
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import islice

from backfill_pipelines.receipts.gate_results import GateResult, GateVerdict, exact
from backfill_pipelines.receipts.items import Item, plain
from backfill_pipelines.receipts.names import slug
from backfill_pipelines.receipts.place import GEOHASH_LENGTH
from backfill_pipelines.receipts.place_queries import QUERIES
from backfill_pipelines.receipts.table_rows import PlaceRow, place_row
from backfill_pipelines.stores.items import ItemStore, Query

CORRECT, PAGINATION, LATENCY = "gsi_correct", "gsi_pagination", "gsi_latency"
PAGE_SIZES = (1, 7, 100)
#: Partition values of an index that are all looked at; of more, this many are drawn.
MOST_PARTITIONS = 1_000
LAG_SECONDS = 30.0
#: Once a partition has stayed wrong for that long, the others of its index are looked at once more only: a broken index
#: of a thousand partitions would hold a verification up for an hour.
SECOND_LOOK_SECONDS = 1.0
LATENCY_SAMPLES, SLOWEST_P99_MS = 100, 100.0
#: What the documents query; there may be no such place.
LITERALS: Mapping[str, str] = {
    "GSI1": "STARBUCKS",
    "GSI2": "ChIJN1t_tDeuEmsRUsoyG83frY4",
    "GSI3": "MATCHED",
    "GSI4": "dr5reg",
}
_MOST_PAGES, _SAMPLED_PAGES = 200, 25
_MOST_LOOKED_UP = 200
_WORKERS = 8
_REPAIR = (
    "wait for the index to catch up and verify again; a place that stays missing has wrong index keys: roll it back "
    "and write it again (backfill receipts rollback RUN --image-id ID, then backfill receipts run --image-id ID)"
)

Identity = tuple[str, str]


@dataclass(frozen=True)
class Partition:
    """What one question to one index must find."""

    index: str
    argument: str
    expected: frozenset[Identity]

    def query(self, page_size: int | None = None) -> Query:
        """The question."""
        return QUERIES[self.index](self.argument, page_size)

    def __str__(self) -> str:
        return f"{self.index} {self.argument!r}"


@dataclass
class Clock:
    """Time, for tests to move."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


@dataclass
class _Patience:
    """How long one reading of a partition is repeated."""

    index: str
    clock: Clock
    #: Indexes with a partition that stayed wrong, of the whole verification.
    given_up: set[str]

    def __post_init__(self) -> None:
        self._began = self.clock.now()
        self._has_waited = False

    @property
    def seconds(self) -> float:
        """How long it has been repeated so far."""
        return self.clock.now() - self._began if self._has_waited else 0.0

    def again(self) -> bool:
        """Whether to look once more; waits before."""
        self._has_waited = True
        if self.seconds >= (SECOND_LOOK_SECONDS if self.index in self.given_up else LAG_SECONDS):
            self.given_up.add(self.index)
            return False
        self.clock.sleep(1.0)
        return True


@dataclass
class _Seen:
    """What reading one partition brought to light."""

    wrong: list[str] = field(default_factory=list[str])
    misread: list[str] = field(default_factory=list[str])
    queries: int = 0
    sampled: int = 0
    lag_seconds: float = 0.0


def partitions_of(places: Iterable[PlaceRow], seed: str) -> dict[str, list[Partition]]:
    """The partitions to look at, of each index: all, or a seeded sample, and always what the documents query."""
    expected: dict[tuple[str, str], set[Identity]] = {}
    for place in places:
        for index, argument in arguments_of(place):
            expected.setdefault((index, argument), set()).add((place.pk, place.sk))
    found: dict[str, list[Partition]] = {}
    for index, literal in LITERALS.items():
        values = sorted(argument for one, argument in expected if one == index)
        if len(values) > MOST_PARTITIONS:
            values = sorted(random.Random(f"{seed} {index}").sample(values, MOST_PARTITIONS))
        if literal not in values:
            values.append(literal)
        found[index] = [Partition(index, v, frozenset(expected.get((index, v), ()))) for v in values]
    return found


def arguments_of(place: PlaceRow) -> list[tuple[str, str]]:
    """By what a place must be found in each index; nothing where the index leaves it out."""
    found = [("GSI1", slug(place.merchant_name)), ("GSI2", place.place_id), ("GSI3", place.validation_status)]
    found.append(("GSI4", place.geohash if len(place.geohash) == GEOHASH_LENGTH else ""))
    return [(index, argument) for index, argument in found if argument and place.key is not None]


def measure_queries(
    items: ItemStore, places: Sequence[PlaceRow], seed: str, *, is_embedded: bool, clock: Clock | None = None
) -> list[GateResult]:
    """All three gates.

    Args:
        items: The table.
        places: Its places, as a scan found them.
        seed: Draws the samples; the plan's id.
        is_embedded: The server is a local stand-in, whose latency says nothing.
        clock: Time; the present by default.
    """
    partitions = partitions_of(places, seed)
    every = [partition for found in partitions.values() for partition in found]
    given_up: set[str] = set()

    def read(one: Partition) -> _Seen:
        return _read(items, one, seed, lambda: _Patience(one.index, clock or Clock(), given_up))

    with ThreadPoolExecutor(_WORKERS, "query") as pool:
        seen = list(pool.map(read, every))
    counts: Mapping[str, int] = {index: len(found) for index, found in partitions.items()}
    shared = {
        "partitions": dict(counts),
        "queries": sum(one.queries for one in seen),
        "longest_lag_seconds": round(max(one.lag_seconds for one in seen), 1),
    }
    sampled = sum(one.sampled for one in seen)
    return [
        exact(
            CORRECT,
            f"{len(every):,} partition values of {len(counts)} indexes, {len(places):,} places in the table",
            [culprit for one in seen for culprit in one.wrong],
            _REPAIR,
            **shared,
        ),
        exact(
            PAGINATION,
            f"pages of {', '.join(map(str, PAGE_SIZES))} items; {sampled:,} walks longer than {_MOST_PAGES} pages "
            "were sampled",
            [culprit for one in seen for culprit in one.misread],
            _REPAIR,
            sampled_walks=sampled,
            **shared,
        ),
        judge_latency({index: _timed(items, found) for index, found in partitions.items()}, is_embedded=is_embedded),
    ]


def measure_latency(items: ItemStore, places: Sequence[PlaceRow], seed: str) -> dict[str, float]:
    """p99 in milliseconds of single-page queries, by index."""
    partitions = partitions_of(places, seed)
    return {index: round(percentile(_timed(items, found), 0.99), 2) for index, found in partitions.items()}


def judge_latency(milliseconds: Mapping[str, Sequence[float]], *, is_embedded: bool) -> GateResult:
    """The gate over timed single-page queries, by index."""
    slowest = {index: round(percentile(found, 0.99), 2) for index, found in milliseconds.items()}
    medians = {index: round(percentile(found, 0.5), 2) for index, found in milliseconds.items()}
    shown = ", ".join(f"{index} {p99:.1f} ms" for index, p99 in slowest.items())
    text = f"p99 of {min(map(len, milliseconds.values())):,} queries an index: {shown}"
    values = {"p99_ms": slowest, "p50_ms": medians, "samples": {i: len(f) for i, f in milliseconds.items()}}
    if is_embedded:
        return GateResult(LATENCY, GateVerdict.NOT_APPLICABLE, f"not_applicable (embedded): {text}", values)
    slow = [f"{index}: p99 {p99:.1f} ms" for index, p99 in slowest.items() if p99 >= SLOWEST_P99_MS]
    repair = "run the client in the table's region; see the indexes' throttles and capacity, then verify again"
    return exact(LATENCY, text, slow, repair, **values)


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that this share of the values does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def _read(items: ItemStore, partition: Partition, seed: str, patience: Callable[[], _Patience]) -> _Seen:
    """Read a partition whole, until it is as expected or the lag has lasted too long; then page by page."""
    seen, lag = _Seen(), patience()
    while True:
        whole = _whole(items, partition, seen)
        seen.wrong = _differences(items, partition, whole.order)
        if not seen.wrong or not lag.again():
            break
    seen.lag_seconds = lag.seconds
    for size in PAGE_SIZES:
        _walk(items, partition, whole, size, seed, seen, patience())
    return seen


@dataclass(frozen=True)
class _Whole:
    """A partition in the largest pages: its items in their order, and how many were read to find them."""

    items: tuple[Item, ...]
    scanned: int

    @property
    def order(self) -> list[Identity]:
        return [_identity(item) for item in self.items]


def _whole(items: ItemStore, partition: Partition, seen: _Seen) -> _Whole:
    pages = list(items.query(partition.query()))
    seen.queries += len(pages)
    return _Whole(tuple(item for page in pages for item in page.items), sum(page.scanned for page in pages))


def _differences(items: ItemStore, partition: Partition, found: Sequence[Identity]) -> list[str]:
    """What the index has too few or too many of, each looked up in the table: a live write is no fault."""
    twice = [f"{partition}: {_shown(one)} twice" for one, count in Counter(found).items() if count > 1]
    missing, surplus = sorted(partition.expected - {*found}), sorted({*found} - partition.expected)
    # An index that lacks everything is no live write: a few look-ups are enough to tell.
    missing = [one for n, one in enumerate(missing) if n >= _MOST_LOOKED_UP or _belongs(items, partition, one)]
    surplus = [one for n, one in enumerate(surplus) if n >= _MOST_LOOKED_UP or not _belongs(items, partition, one)]
    return [
        *twice,
        *(f"{partition}: {_shown(one)} is missing" for one in missing),
        *(f"{partition}: {_shown(one)} does not belong there" for one in surplus),
    ]


def _belongs(items: ItemStore, partition: Partition, identity: Identity) -> bool:
    stored = items.get({"PK": {"S": identity[0]}, "SK": {"S": identity[1]}})
    return stored is not None and (partition.index, partition.argument) in arguments_of(place_row(stored))


def _walk(
    items: ItemStore, partition: Partition, whole: _Whole, size: int, seed: str, seen: _Seen, lag: _Patience
) -> None:
    """Read a partition in pages of one size and compare with the whole: nothing skipped, nothing twice.

    A write that the index shows in the midst looks like a fault, so the whole is read again then; a fault that stays
    is one.
    """
    while True:
        if whole.scanned <= _MOST_PAGES * size:
            faults = _faults(whole.order, _pages(items, partition.query(size), None, seen))
        else:
            faults = _sampled_faults(items, partition, whole, size, seed, seen)
        if not faults:
            return
        if not lag.again():
            break
        whole = _whole(items, partition, seen)
    seen.misread += [f"{partition}, pages of {size}: {fault}" for fault in faults]


def _sampled_faults(
    items: ItemStore, partition: Partition, whole: _Whole, size: int, seed: str, seen: _Seen
) -> list[str]:
    seen.sampled += 1
    order, query = whole.order, partition.query(size)
    first = _pages(items, query, _SAMPLED_PAGES, seen)
    faults = _faults(order[: len(first)], first)
    if len(order) > 1:
        position = random.Random(f"{seed} {partition} {size}").randrange(len(order) - 1)
        start = replace(query, start=_start_key(partition.index, whole.items[position]))
        later = _pages(items, start, _SAMPLED_PAGES, seen)
        faults += _faults(order[position + 1 :][: len(later)], later)
    return faults


def _pages(items: ItemStore, query: Query, most: int | None, seen: _Seen) -> list[Identity]:
    """Identities in the order of the pages; ``query`` ends only where there is no key to go on from."""
    pages = list(islice(items.query(query), most))
    seen.queries += len(pages)
    return [_identity(item) for page in pages for item in page.items]


def _faults(expected: Sequence[Identity], found: Sequence[Identity]) -> list[str]:
    twice = [f"{_shown(one)} came {count} times" for one, count in Counter(found).items() if count > 1]
    skipped = [f"{_shown(one)} was skipped" for one in sorted({*expected} - {*found})]
    return [*twice, *skipped, *(f"{_shown(one)} is surplus" for one in sorted({*found} - {*expected}))]


def _start_key(index: str, item: Item) -> Item:
    return {name: item[name] for name in ("PK", "SK", f"{index}PK", f"{index}SK")}


def _timed(items: ItemStore, partitions: Sequence[Partition]) -> list[float]:
    """Milliseconds of single-page queries, one partition after the other, one query at a time."""
    found: list[float] = []
    for number in range(LATENCY_SAMPLES):
        query = partitions[number % len(partitions)].query(PAGE_SIZES[-1])
        begin = time.perf_counter()
        next(iter(items.query(query)), None)
        found.append((time.perf_counter() - begin) * 1000)
    return found


def _identity(item: Item) -> Identity:
    return str(plain(item["PK"])), str(plain(item["SK"]))


def _shown(identity: Identity) -> str:
    return " ".join(identity)
