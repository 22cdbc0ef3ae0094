"""Where the tables stand: states by data, rows, gates. Read only; what the command line shows at the end of a run."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from backfill_pipelines.nba.catalog import CATALOG, Entry
from backfill_pipelines.nba.statements import PACKAGE
from backfill_pipelines.stores import sql
from backfill_pipelines.stores.warehouse import Warehouse, WarehouseSession, Work

#: Why a date is open of which no run is known.
NEVER_RUN = "never run"
#: How the reason of a date begins that an open repair waits for.
STALE = "stale: "
STATES = ("complete", "expected_empty", "partial", "missing", "quarantined", "stale")


@dataclass(frozen=True)
class TableStatus:
    """One table over a range of dates."""

    table: str
    states: dict[str, int]
    rows: int
    gates_passed: int
    gates_failed: int
    gates_advisory: int
    #: Dates that are not accounted for, with the reason of the latest run.
    unexplained: tuple[tuple[date, str], ...]

    @property
    def is_green(self) -> bool:
        """Every date is accounted for and no blocking gate is red."""
        return not self.unexplained and not self.gates_failed


def table_statuses(warehouse: Warehouse, days: Sequence[date]) -> list[TableStatus]:
    """Status of every table over the days, in the order of the work."""
    with warehouse.session(Work("status", "status", tuple(days))) as session:
        return [_status(session, entry) for entry in CATALOG]


def _status(session: WarehouseSession, entry: Entry) -> TableStatus:
    rows = session.query(_text("status/table_states", entry), {"processor": entry.processor}).to_pylist()
    gates = session.query(
        _text("status/latest_gates", entry), {"asset_key": "/".join(entry.contract.asset_key)}
    ).to_pylist()[0]
    states: dict[str, int] = dict.fromkeys(STATES, 0)
    for row in rows:
        states[row["state"]] += 1
    open_dates = tuple((r["partition_date"], r["why"] or NEVER_RUN) for r in rows if not r["is_accounted"])
    return TableStatus(
        table=entry.contract.full_name,
        states=states,
        rows=sum(int(row["row_count"]) for row in rows),
        gates_passed=int(gates["passed"] or 0),
        gates_failed=int(gates["red"] or 0),
        gates_advisory=int(gates["advisory"] or 0),
        unexplained=open_dates,
    )


def _text(statement: str, entry: Entry) -> str:
    return sql.render(sql.load(PACKAGE, statement), **entry.identifiers)
