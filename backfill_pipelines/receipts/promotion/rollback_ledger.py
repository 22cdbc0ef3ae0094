"""The ledger of rollbacks: which image of a run is being taken back, with what it was before, and what became of it.

One row for an image and run. Its outcome and the promotion ledger's forgetting of its items are one transaction:
killed at any moment, the same command goes on, and no item is both taken back and still taken for written.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from backfill_pipelines.receipts.items import canonical_json
from backfill_pipelines.receipts.keys import bucket_of
from backfill_pipelines.receipts.promotion.image_outcomes import ImageOutcome
from backfill_pipelines.receipts.promotion.promotion_rows import IMAGES, ITEMS, ItemState
from backfill_pipelines.receipts.promotion.rollback_rules import State
from backfill_pipelines.stores.control import ControlStore

ROLLED_BACK, KEPT = "rolled_back", "kept"

TABLES = sa.MetaData()
ROLLBACKS = sa.Table(
    "promotion_rollbacks",
    TABLES,
    sa.Column("table_name", sa.Text, primary_key=True),
    sa.Column("run_id", sa.Text, primary_key=True),
    sa.Column("image_id", sa.Text, primary_key=True),
    sa.Column("bucket", sa.Text, nullable=False),
    #: Null while the image is being written.
    sa.Column("outcome", sa.Text),
    sa.Column("reason", sa.Text, nullable=False, server_default=""),
    #: Items by state, as JSON.
    sa.Column("states", sa.Text, nullable=False, server_default="{}"),
    #: Stream messages of all its writes.
    sa.Column("events", sa.Integer, nullable=False, server_default="0"),
    sa.Column("write_units", sa.Float, nullable=False, server_default="0"),
    #: Where the partition is kept as it was before the first write.
    sa.Column("saved", sa.Text, nullable=False, server_default=""),
    sa.Column("asked_by", sa.Text, nullable=False),
    sa.Column("at", sa.Text, nullable=False),
)


@dataclass(frozen=True)
class Undone:
    """What became of an image; ``outcome`` None is one that a rollback was ended in."""

    image_id: str
    outcome: str | None
    reason: str = ""
    states: Mapping[State, int] = field(default_factory=dict[State, int])
    events: int = 0
    write_units: float = 0.0
    saved: str = ""
    #: What the read-back found that is not as it is to be; kept in no ledger.
    wrong: tuple[str, ...] = ()

    @property
    def bucket(self) -> str:
        """The partition that the image belongs to."""
        return bucket_of(self.image_id)


class RollbackLedger:
    """The rollbacks of one run; safe to use from many threads."""

    def __init__(self, control: ControlStore, table: str, run_id: str, asked_by: str) -> None:
        self._control = control
        self._asked_by = asked_by
        self.table = table
        self.run_id = run_id
        control.ensure(TABLES)

    def rows(self) -> Mapping[str, Undone]:
        """What is known of each image of the run."""
        statement = sa.select(ROLLBACKS).where(ROLLBACKS.c.table_name == self.table, ROLLBACKS.c.run_id == self.run_id)
        with self._control.transaction() as connection:
            rows = connection.execute(statement.order_by(ROLLBACKS.c.image_id)).all()
        return {row.image_id: _undone(row) for row in rows}

    def begin(self, image_id: str, events: int, saved: str) -> None:
        """Say that an image is about to be written."""
        with self._control.transaction() as connection:
            self._put(connection, Undone(image_id, None, events=events, saved=saved))

    def settle(self, undone: Undone) -> None:
        """Say what became of an image; of one that was taken back the promotion ledger has no item any more."""
        of_image = [
            [table.c.table_name == self.table, table.c.run_id == self.run_id, table.c.image_id == undone.image_id]
            for table in (ITEMS, IMAGES)
        ]
        with self._control.transaction() as connection:
            self._put(connection, undone)
            if undone.outcome == ROLLED_BACK:
                connection.execute(ITEMS.update().where(*of_image[0]).values(state=str(ItemState.GONE)))
                said = {"outcome": str(ImageOutcome.ROLLED_BACK), "reason": "", "detail": "", "at": _now()}
                connection.execute(IMAGES.update().where(*of_image[1]).values(**said))

    def _put(self, connection: sa.Connection, undone: Undone) -> None:
        key = {"table_name": self.table, "run_id": self.run_id, "image_id": undone.image_id}
        connection.execute(ROLLBACKS.delete().where(*(ROLLBACKS.c[name] == value for name, value in key.items())))
        said = {
            "bucket": undone.bucket,
            "outcome": undone.outcome,
            "reason": undone.reason,
            "states": canonical_json({str(state): number for state, number in undone.states.items()}),
            "events": undone.events,
            "write_units": undone.write_units,
            "saved": undone.saved,
            "asked_by": self._asked_by,
            "at": _now(),
        }
        connection.execute(ROLLBACKS.insert().values(**key, **said))


def _undone(row: Any) -> Undone:
    states = {State(name): number for name, number in json.loads(row.states).items()}
    return Undone(row.image_id, row.outcome, row.reason, states, row.events, row.write_units, row.saved)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")
