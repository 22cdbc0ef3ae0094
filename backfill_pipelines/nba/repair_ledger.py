"""The stale ledger, ``nba_reference.stale_partitions``: which partitions of which repair wait for a rebuild.

Marked when a repair begins; resolved by the run that rebuilds a partition, in the same ledger write as its run
history, or without a rebuild when nothing that it reads has changed. A row is open while ``resolved_at`` is NULL.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from backfill_pipelines.backfill.outcome import PartitionOutcome
from backfill_pipelines.backfill.repair import Mark, Need, Partition, decide
from backfill_pipelines.nba.ledger import Rows, utc_now, write
from backfill_pipelines.nba.repair import Plan, reads_graph, season_bounds
from backfill_pipelines.nba.seasons import SEASONS
from backfill_pipelines.nba.statements import PACKAGE
from backfill_pipelines.nba.tables_reference import STALE_PARTITIONS
from backfill_pipelines.stores import sql
from backfill_pipelines.stores.warehouse import WarehouseSession


@dataclass(frozen=True)
class Repair:
    """One repair with every partition of its closure."""

    repair_id: str
    rows: Mapping[Partition, Mapping[str, Any]]

    @property
    def marks(self) -> dict[Partition, Mark]:
        """Where each partition stands."""
        return {p: Mark(row["resolution"]) if row["resolution"] else Mark.STALE for p, row in self.rows.items()}

    @property
    def roots(self) -> list[Partition]:
        """The corrected partitions: those that are their own cause."""
        return sorted({Partition(row["caused_by_table"], row["caused_by_date"]) for row in self.rows.values()})

    @property
    def marked_at(self) -> datetime:
        """When it began."""
        return min(row["marked_at"] for row in self.rows.values())

    def needs(self, table: str) -> dict[date, Need]:
        """What each stale date of a table needs."""
        return decide(reads_graph(), table, self.marks, self.roots)

    def resolved(self, table: str, resolutions: Mapping[date, Mark]) -> Rows:
        """Ledger rows of dates that are no longer stale."""
        now = utc_now()
        return [
            dict(self.rows[Partition(table, day)]) | {"resolved_at": now, "resolution": str(mark)}
            for day, mark in resolutions.items()
        ]


def mark(session: WarehouseSession, plan: Plan) -> str:
    """Mark the closure of a plan as stale; the id of the new repair."""
    now = utc_now()
    repair_id = f"{now:%Y%m%dT%H%M%S%f}-{plan.fingerprint[:6]}"
    rows = []
    for partition in plan.found.partitions:
        chain = plan.found.chain(partition)
        rows.append(
            {
                "table_name": partition.table,
                "partition_date": partition.day,
                "repair_id": repair_id,
                "reason_chain": [str(link) for link in chain],
                "caused_by_table": chain[-1].table,
                "caused_by_date": chain[-1].day,
                "digest_before": plan.digests[partition],
                "marked_at": now,
            }
        )
    write(session, STALE_PARTITIONS, rows)
    return repair_id


def open_repairs(session: WarehouseSession, first: date, last: date) -> list[Repair]:
    """The repairs with a stale partition in a range of dates, oldest first; the range covers whole seasons."""
    return _repairs(session, "status/open_repairs", {"start_date": first, "end_date": last})


def repairs_of(session: WarehouseSession, repair_ids: Sequence[str]) -> list[Repair]:
    """Some repairs by id, open or not, oldest first."""
    bounds = {"start_date": SEASONS[0].opening, "end_date": SEASONS[-1].closing}
    return _repairs(session, "status/repairs", bounds | {"repair_ids": list(repair_ids)}) if repair_ids else []


def _repairs(session: WarehouseSession, statement: str, parameters: Mapping[str, Any]) -> list[Repair]:
    found: dict[str, dict[Partition, Mapping[str, Any]]] = {}
    for row in session.query(sql.load(PACKAGE, statement), parameters).to_pylist():
        partition = Partition(row["table_name"], row["partition_date"])
        found.setdefault(row["repair_id"], {})[partition] = row
    return [Repair(repair_id, rows) for repair_id, rows in found.items()]


def resolve(session: WarehouseSession, table: str, outcomes: Iterable[PartitionOutcome]) -> Rows:
    """Ledger rows of the stale partitions that a run has rebuilt: those that ended green on upstreams that are current.

    A partition that was computed while something it reads is still stale stays stale: it must be computed again.
    """
    green = {date.fromisoformat(o.partition): o.staged.digest for o in outcomes if o.is_green and o.staged}
    rows: Rows = []
    if not green:
        return rows
    for repair in open_repairs(session, *season_bounds(list(green))):
        current = {day for day, need in repair.needs(table).items() if need is not Need.WAIT and day in green}
        rows += repair.resolved(table, {day: _compared(repair, Partition(table, day), green[day]) for day in current})
    return rows


def cut_off(session: WarehouseSession, repairs: Sequence[Repair], table: str) -> set[date]:
    """Resolve, without a rebuild, the dates of a table that read nothing which changed in the repair; returns them."""
    rows: Rows = []
    cut = set[date]()
    for repair in repairs:
        days = sorted(day for day, need in repair.needs(table).items() if need is Need.CUT_OFF)
        rows += repair.resolved(table, dict.fromkeys(days, Mark.UNCHANGED))
        cut.update(days)
    write(session, STALE_PARTITIONS, rows)
    return cut


def _compared(repair: Repair, partition: Partition, digest: str) -> Mark:
    """Against the content at the time of marking: a run that died after publishing has already changed the table."""
    return Mark.UNCHANGED if digest == repair.rows[partition]["digest_before"] else Mark.REBUILT
