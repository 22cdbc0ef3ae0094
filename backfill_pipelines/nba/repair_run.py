"""Working off open repairs: table by table in the order of the work, rebuild what reads a change, cut off the rest.

What is left to do is read from the ledger before every table, so a repair that was killed goes on where it was. How
an asset is run is the caller's business; whether it was rebuilt is what the run itself wrote into the ledger.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from backfill_pipelines.backfill.repair import Mark, Need, Partition
from backfill_pipelines.nba.catalog import CATALOG, Entry
from backfill_pipelines.nba.repair import Calendar, Plan, read_calendar
from backfill_pipelines.nba.repair_ledger import Repair, cut_off, mark, open_repairs, repairs_of
from backfill_pipelines.nba.seasons import SEASONS
from backfill_pipelines.stores.warehouse import Warehouse, Work

#: Runs a table over dates; gives the failure text of each run that was not all green.
Rerun = Callable[[Entry, Sequence[str]], Sequence[str]]

_EVER = (SEASONS[0].opening, SEASONS[-1].closing)


@dataclass(frozen=True)
class TableResult:
    """What a repair did to the stale dates of one table."""

    table: str
    #: Computed again: now of other content, and of the same content.
    rebuilt: tuple[date, ...] = ()
    unchanged: tuple[date, ...] = ()
    #: Complete without a rebuild.
    cut_off: tuple[date, ...] = ()
    #: Still stale: red in this run, and not run because something they read is stale itself.
    failed: tuple[date, ...] = ()
    waiting: tuple[date, ...] = ()
    failures: tuple[str, ...] = ()

    @property
    def is_done(self) -> bool:
        """No date of the table is stale any more."""
        return not self.failed and not self.waiting


def begin(warehouse: Warehouse, plan: Plan) -> str:
    """Mark a plan's closure as stale; the id of the new repair."""
    with warehouse.session(Work("repair-mark", plan.found.roots[0].table)) as session:
        return mark(session, plan)


def all_open(warehouse: Warehouse) -> list[Repair]:
    """Every repair that has a stale partition, oldest first."""
    with warehouse.session(Work("repair-status", "nba_reference.stale_partitions")) as session:
        return open_repairs(session, *_EVER)


def same_roots(repairs: Sequence[Repair], roots: Sequence[Partition]) -> list[Repair]:
    """The repairs of the same corrected partitions: one that was interrupted is finished by the next."""
    return [repair for repair in repairs if repair.roots == sorted(roots)]


def work_off(
    warehouse: Warehouse, chosen: Sequence[str], rerun: Rerun, started: Callable[[str, int], None] = lambda *_: None
) -> Iterator[TableResult]:
    """Work off the chosen repairs, by id, as far as gates allow; one result for each table with stale dates."""
    with warehouse.session(Work("repair-run", "nba_reference.expected_partitions", _EVER)) as session:
        calendar = read_calendar(session)
    for entry in CATALOG:
        table = entry.contract.full_name
        with warehouse.session(Work("repair-run", table)) as session:
            repairs = repairs_of(session, chosen)
            cut = cut_off(session, repairs, table)
        needs = [need for repair in repairs for need in repair.needs(table).items()]
        waiting = {day for day, need in needs if need is Need.WAIT}
        rebuild = {day for day, need in needs if need is Need.REBUILD} - waiting
        others = TableResult(table, cut_off=tuple(sorted(cut - rebuild - waiting)), waiting=tuple(sorted(waiting)))
        if rebuild:
            started(table, len(rebuild))
            failures = rerun(entry, [str(day) for day in joined(rebuild, table, calendar)])
            others = replace(others, failures=tuple(failures))
        if needs:
            yield _result(warehouse, table, chosen, rebuild, others)


def joined(days: set[date], table: str, calendar: Calendar) -> list[date]:
    """The days, and the idle days between neighbours: a range run over a day off is cheaper than two runs."""
    idle, found = calendar.idle.get(table, frozenset()), sorted(days)
    filled = list[date]()
    for day, following in zip(found, [*found[1:], found[-1]], strict=True):
        between = [day + timedelta(days=n) for n in range(1, (following - day).days)]
        filled += [day, *(between if idle.issuperset(between) else ())]
    return filled


def _result(
    warehouse: Warehouse, table: str, chosen: Sequence[str], rebuild: set[date], others: TableResult
) -> TableResult:
    """What the ledger says of the dates that were run."""
    with warehouse.session(Work("repair-run", table)) as session:
        marks = [repair.marks for repair in repairs_of(session, chosen)] if rebuild else []
    found = {day: {m[Partition(table, day)] for m in marks if Partition(table, day) in m} for day in rebuild}
    failed = {day for day, after in found.items() if Mark.STALE in after}
    rebuilt = {day for day, after in found.items() if Mark.REBUILT in after} - failed
    return replace(
        others,
        rebuilt=tuple(sorted(rebuilt)),
        unchanged=tuple(sorted(rebuild - rebuilt - failed)),
        failed=tuple(sorted(failed)),
    )
