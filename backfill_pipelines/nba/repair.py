"""What a corrected file makes stale: the catalog's reads as a graph, the expected dates, and the plan of a repair.

The graph search itself is ``backfill.repair``; what is stale now is kept by ``repair_ledger`` and worked off by
``repair_run``. Nothing is written here.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property, lru_cache
from typing import Any

from backfill_pipelines.backfill.failures import BackfillError
from backfill_pipelines.backfill.repair import Closure, Edge, Partition, Reads, ReadsGraph, Window, closure
from backfill_pipelines.nba.catalog import BY_TABLE, CATALOG, PRECOMPUTE_PHASE, RAW_PHASE, Entry
from backfill_pipelines.nba.seasons import SEASONS, season_of
from backfill_pipelines.nba.statements import PACKAGE
from backfill_pipelines.nba.tables_raw import SCHEDULE
from backfill_pipelines.stores import sql
from backfill_pipelines.stores.warehouse import Warehouse, WarehouseSession, Work

Days = frozenset[date]


def graph_of(entries: Sequence[Entry]) -> ReadsGraph:
    """What the tables of a catalog read, in its order; only the schedule is read ahead."""
    edges = list[Edge]()
    for entry in entries:
        table = entry.contract.full_name
        edges += [Edge(read.full_name, table) for read in (*entry.reads, *entry.may_read)]
        edges += [Edge(read.full_name, table, Reads.BEFORE) for read in entry.reads_before]
        if entry.reads_ahead_days:
            edges.append(Edge(SCHEDULE.full_name, table, Reads.AHEAD, entry.reads_ahead_days))
    tables = tuple(entry.contract.full_name for entry in entries)
    return ReadsGraph(tables, tuple(edges), tuple(Window(season.opening, season.closing) for season in SEASONS))


@lru_cache(maxsize=1)
def reads_graph() -> ReadsGraph:
    """The graph of the catalog."""
    return graph_of(CATALOG)


@dataclass(frozen=True)
class Calendar:
    """What the seasons of a repair look like: dates by table."""

    expected: Mapping[str, Days]
    #: Why a table expects nothing on a date.
    reasons: Mapping[Partition, str] = field(default_factory=dict[Partition, str])
    bootstrap: Days = frozenset()
    #: Dates without expected rows whose latest run was green: a range may run over them.
    idle: Mapping[str, Days] = field(default_factory=dict[str, Days])
    #: Seconds of one date, the mean of the latest runs.
    seconds: Mapping[str, float] = field(default_factory=dict[str, float])


@dataclass(frozen=True)
class Plan:
    """A repair before anything is written: what is stale, why, what it holds now and how long it takes."""

    found: Closure
    #: Digest of each partition as published now: what a rebuild is compared with.
    digests: Mapping[Partition, str]
    seconds: Mapping[str, float]

    @property
    def counted(self) -> int:
        """Partitions of the computed tables, those of phases 3 and 4: the size that a closure is stated in.

        Raw tables of the repaired date are reloaded too. They are the input, and not counted.
        """
        return sum(len(days) for table, days in self.found.by_table.items() if is_computed(table))

    @property
    def estimated_seconds(self) -> float:
        """Time of the rebuilds by the run history, if nothing is cut off; tables that never ran count nothing."""
        return sum(len(days) * self.seconds.get(table, 0.0) for table, days in self.found.by_table.items())

    @cached_property
    def fingerprint(self) -> str:
        """Changes with the roots, the closure and the published content of it."""
        lines = [f"{p} {p in self.found.roots} {self.digests[p]}" for p in self.found.partitions]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:12]


def is_computed(table: str) -> bool:
    """A table of phase 3 or 4."""
    return BY_TABLE[table].phase != RAW_PHASE


def plan_repair(warehouse: Warehouse, table: str, days: Sequence[date]) -> Plan:
    """The plan for corrected input of a table on some dates; the table may be a computed one.

    Raises:
        BackfillError: the table is unknown, or a date lies in no season or expects nothing of the table.
    """
    roots = _roots(table, days)
    with warehouse.session(Work("repair-plan", table, season_bounds(days))) as session:
        calendar = read_calendar(session)
    _refuse_empty(roots, calendar)
    found = closure(reads_graph(), stale_candidates(calendar, roots), roots)
    every_day = tuple(sorted({partition.day for partition in found.partitions}))
    with warehouse.session(Work("repair-plan", table, every_day)) as session:
        digests = {
            Partition(name, day): digest.value
            for name in found.by_table
            for day, digest in session.published(BY_TABLE[name].contract).items()
        }
    return Plan(found, {partition: digests[partition] for partition in found.partitions}, calendar.seconds)


def read_calendar(session: WarehouseSession) -> Calendar:
    """The calendar of the session's range of dates."""
    expected, reasons = dict[str, set[date]](), dict[Partition, str]()
    for row in _rows(session, "status/expectations"):
        # Without its schedule nothing is known of a day, so nothing on it can be stale.
        if row["state_expected"] == "expected" and row["reason"] is None:
            expected.setdefault(row["table_name"], set()).add(row["partition_date"])
        else:
            reasons[Partition(row["table_name"], row["partition_date"])] = row["reason"]
    green, seconds = dict[str, set[date]](), dict[str, list[float]]()
    for row in _rows(session, "status/latest_runs"):
        name = f"{row['output_dataset']}.{row['output_table']}"
        seconds.setdefault(name, []).append(row["processing_time_seconds"])
        if row["success"]:
            green.setdefault(name, set()).add(row["data_date"])
    return Calendar(
        expected={name: frozenset(found) for name, found in expected.items()},
        reasons=reasons,
        bootstrap=frozenset(row["partition_date"] for row in _rows(session, "status/calendar") if row["is_bootstrap"]),
        idle={name: frozenset(found - expected.get(name, set())) for name, found in green.items()},
        seconds={name: sum(found) / len(found) for name, found in seconds.items()},
    )


def stale_candidates(calendar: Calendar, roots: Sequence[Partition]) -> dict[str, Days]:
    """The dates of each table that can be stale.

    Those are the expected ones. A corrected schedule may make its own date expected, or empty it, in every table; but
    no schedule makes a bootstrap date one of phase 4.
    """
    moved = frozenset(root.day for root in roots if root.table == SCHEDULE.full_name)
    return {
        name: calendar.expected.get(name, frozenset())
        | (moved - calendar.bootstrap if entry.phase == PRECOMPUTE_PHASE else moved)
        for name, entry in BY_TABLE.items()
    }


def season_bounds(days: Sequence[date]) -> tuple[date, date]:
    """First and last day of the seasons of some days."""
    seasons = [season for season in map(season_of, days) if season]
    return min(season.opening for season in seasons), max(season.closing for season in seasons)


def _roots(table: str, days: Sequence[date]) -> list[Partition]:
    if table not in BY_TABLE:
        raise BackfillError(f"{table} is no table. Repair: name one of\n  " + "\n  ".join(BY_TABLE))
    if not days:
        raise BackfillError(f"no date of {table} given. Repair: name the corrected dates with --dates")
    outside = [str(day) for day in days if season_of(day) is None]
    if outside:
        windows = ", ".join(f"{season.opening} to {season.closing}" for season in SEASONS)
        raise BackfillError(f"{', '.join(outside)} lies in no season. Repair: give days inside {windows}")
    return [Partition(table, day) for day in sorted(set(days))]


def _refuse_empty(roots: Sequence[Partition], calendar: Calendar) -> None:
    """A date without expected rows has nothing to repair; only the schedule itself can change that."""
    for root in roots:
        reason = calendar.reasons.get(root)
        if reason == "schedule_not_loaded":
            raise BackfillError(
                f"the schedule of {root.day} is not loaded: nothing can be stale. "
                f"Repair: backfill run {SCHEDULE.dataset}/{SCHEDULE.name} --date {root.day}"
            )
        if reason and root.table != SCHEDULE.full_name:
            raise BackfillError(
                f"{root} is expected_empty ({reason}): there is nothing to repair. Repair: give a date with games, or, "
                f"if its schedule was corrected, backfill repair run nba --table {SCHEDULE.full_name} "
                f"--dates {root.day}"
            )


def _rows(session: WarehouseSession, statement: str) -> list[dict[str, Any]]:
    return session.query(sql.load(PACKAGE, statement)).to_pylist()
