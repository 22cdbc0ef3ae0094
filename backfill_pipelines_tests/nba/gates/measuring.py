"""Measuring the gates of a table on staged rows, as a run does, without a run."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from backfill_pipelines.backfill.contracts import TableContract
from backfill_pipelines.backfill.gates import Gate, Verdict, judge
from backfill_pipelines.nba.catalog import BY_TABLE
from backfill_pipelines.nba.feeds.loading import Loaded
from backfill_pipelines.nba.gates import TABLE_GATES
from backfill_pipelines.nba.ledger import RunInfo, utc_now
from backfill_pipelines.nba.target import WarehouseTarget
from backfill_pipelines.stores.warehouse import WarehouseSession, Work
from backfill_pipelines_tests.nba.analytics.builders import DAY, Row
from backfill_pipelines_tests.nba.analytics.tables import Rows, Tables, as_arrow

Change = Callable[[list[Row]], list[Row]]


@dataclass(frozen=True)
class Case:
    """Rows of a table that a gate must pass, or fail with this culprit.

    ``change`` makes them from the good rows of the default game, in the order of the key; ``published`` replaces
    rows of other tables first.
    """

    contract: TableContract
    gate: str
    change: Change
    culprit: str | None = None
    published: Rows = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What pytest shows."""
        return f"{self.contract.name}-{self.gate}"


def gate_of(contract: TableContract, name: str) -> Gate:
    """A gate of a table by its name."""
    return next(gate for gate in TABLE_GATES[contract.full_name] if gate.name == name)


def verdicts(
    tables: Tables,
    contract: TableContract,
    rows: Iterable[Row],
    gates: Iterable[Gate],
    *,
    days: Sequence[date] = (DAY,),
    loaded: Loaded | None = None,
) -> Mapping[tuple[str, str], Verdict]:
    """Verdicts of the gates on staged rows, by gate and partition."""

    def stage(session: WarehouseSession, _: Sequence[date]) -> Loaded | None:
        session.stage(contract, as_arrow(contract, rows))
        return loaded

    partitions = [str(day) for day in days]
    run = RunInfo("test-run", "test", utc_now())
    with tables.warehouse.session(Work("test-run", contract.full_name, tuple(days))) as session:
        target = WarehouseTarget(session, BY_TABLE[contract.full_name], run, stage)
        target.stage(partitions)
        return {
            (gate.name, verdict.partition): verdict
            for gate in gates
            for verdict in judge(gate, target.measure(gate, partitions), partitions)
        }


def good_rows(tables: Tables, contract: TableContract) -> list[Row]:
    """The published rows of the default game, without the ledger columns, in the order of the key."""
    names = [column.name for column in contract.business_columns]
    found = tables.rows(contract)
    return [{name: found[key][name] for name in names} for key in sorted(found)]


def same() -> Change:
    """The good rows as they are."""
    return list


def first(**changes: object) -> Change:
    """Changes in the first row."""
    return lambda rows: [rows[0] | changes, *rows[1:]]


def first_few(count: int, **changes: object) -> Change:
    """Changes in the first rows."""
    return lambda rows: [*(row | changes for row in rows[:count]), *rows[count:]]


def every(**changes: object) -> Change:
    """Changes in every row."""
    return lambda rows: [row | changes for row in rows]


def add(**changes: object) -> Change:
    """One row more: the first one with changes."""
    return lambda rows: [*rows, rows[0] | changes]


def drop(value: str) -> Change:
    """Without the rows that contain a value."""
    return lambda rows: [row for row in rows if value not in row.values()]


def nothing() -> Change:
    """No row at all."""
    return lambda _: []
