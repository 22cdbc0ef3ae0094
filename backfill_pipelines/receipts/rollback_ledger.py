"""The ledger of rollbacks: what a rollback was about to do with each record, and what became of it.

One row a run and record. The outcome of a batch and the record ledger's forgetting of it are one transaction: killed
at any moment, the same command goes on, and no record is both undone and still taken for written.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from backfill_pipelines.receipts.keys import RecordKey
from backfill_pipelines.receipts.ledger import RECORDS, RecordLedger, forget_rows
from backfill_pipelines.receipts.rollback_steps import State, Step
from backfill_pipelines.stores.control import ControlStore

TABLES = sa.MetaData()
ROLLBACKS = sa.Table(
    "receipts_rollbacks",
    TABLES,
    sa.Column("run_id", sa.Text, primary_key=True),
    sa.Column("image_id", sa.Text, primary_key=True),
    sa.Column("receipt_id", sa.Integer, primary_key=True),
    sa.Column("plan_id", sa.Text, nullable=False, index=True),
    sa.Column("bucket", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    #: Null while a write is under way of which nothing is known yet.
    sa.Column("state", sa.Text),
    #: Stream messages that the write sends.
    sa.Column("events", sa.Integer, nullable=False),
    sa.Column("write_units", sa.Float, nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
    #: Who asked for it: a Dagster run, a person at the command line.
    sa.Column("asked_by", sa.Text, nullable=False),
    sa.Column("at", sa.Text, nullable=False),
)


@dataclass(frozen=True)
class Undone:
    """What became of a record; ``state`` None is a write of which nothing is known yet."""

    key: RecordKey
    kind: str
    state: State | None
    events: int
    write_units: float
    detail: str
    at: str = ""


class RollbackLedger:
    """The rollbacks of one run of a plan."""

    def __init__(self, control: ControlStore, ledger: RecordLedger, run_id: str, asked_by: str) -> None:
        self._control = control
        self._ledger = ledger
        self._run_id = run_id
        self._asked_by = asked_by
        control.ensure(TABLES)

    def rows(self) -> Mapping[RecordKey, Undone]:
        """What is known of each record of the run, in the order of all work."""
        with self._control.transaction() as connection:
            found = connection.execute(sa.select(ROLLBACKS).where(ROLLBACKS.c.run_id == self._run_id)).all()
        undone = [_undone(row) for row in found]
        return {one.key: one for one in sorted(undone, key=lambda one: one.key)}

    def intend(self, steps: Sequence[Step]) -> None:
        """Say which records are about to be written, all in one transaction."""
        rows = [self._row(step.key, step.kind, None, step.events, 0.0, "") for step in steps]
        with self._control.transaction() as connection:
            self._replace(connection, rows)

    def settle(self, undone: Sequence[Undone]) -> None:
        """Say what became of records, and let the record ledger forget those that the run no longer has an item of.

        A record that somebody changed since keeps its row there: its item still carries the run's mark.
        """
        rows = [self._row(one.key, one.kind, one.state, one.events, one.write_units, one.detail) for one in undone]
        gone = [one.key for one in undone if one.state is not State.CHANGED_SINCE]
        with self._control.transaction() as connection:
            self._replace(connection, rows)
            forget_rows(connection, self._ledger.plan_id, gone)

    def _replace(self, connection: sa.Connection, rows: Sequence[dict[str, Any]]) -> None:
        if not rows:
            return
        statement = ROLLBACKS.delete().where(
            ROLLBACKS.c.run_id == self._run_id,
            ROLLBACKS.c.image_id == sa.bindparam("image"),
            ROLLBACKS.c.receipt_id == sa.bindparam("receipt"),
        )
        connection.execute(statement, [{"image": row["image_id"], "receipt": row["receipt_id"]} for row in rows])
        connection.execute(ROLLBACKS.insert(), list(rows))

    def _row(
        self, key: RecordKey, kind: str, state: State | None, events: int, units: float, detail: str
    ) -> dict[str, Any]:
        return {
            "run_id": self._run_id,
            "image_id": key.image_id,
            "receipt_id": key.receipt_id,
            "plan_id": self._ledger.plan_id,
            "bucket": key.bucket,
            "kind": kind,
            "state": str(state) if state else None,
            "events": events,
            "write_units": units,
            "detail": detail,
            "asked_by": self._asked_by,
            "at": datetime.now(UTC).isoformat(),
        }


def rolled_back_buckets(control: ControlStore, plan_id: str) -> frozenset[str]:
    """Buckets with a record that was taken back and that no run has taken up again since."""
    control.ensure(TABLES)
    again = sa.and_(
        RECORDS.c.plan_id == ROLLBACKS.c.plan_id,
        RECORDS.c.image_id == ROLLBACKS.c.image_id,
        RECORDS.c.receipt_id == ROLLBACKS.c.receipt_id,
    )
    undone = (str(State.DELETED), str(State.RESTORED), str(State.ALREADY_ABSENT))
    statement = sa.select(ROLLBACKS.c.bucket).distinct().select_from(ROLLBACKS.outerjoin(RECORDS, again))
    statement = statement.where(
        ROLLBACKS.c.plan_id == plan_id,
        RECORDS.c.image_id.is_(None),
        sa.or_(ROLLBACKS.c.state.in_(undone), ROLLBACKS.c.state.is_(None)),
    )
    with control.transaction() as connection:
        return frozenset(connection.execute(statement).scalars())


def _undone(row: Any) -> Undone:
    return Undone(
        RecordKey.of(row.image_id, row.receipt_id),
        row.kind,
        State(row.state) if row.state else None,
        row.events,
        row.write_units,
        row.detail,
        row.at,
    )
