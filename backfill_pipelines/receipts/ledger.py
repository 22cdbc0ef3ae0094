"""The record ledger: what every run meant to write, and what became of each record. Authority for resume and rollback.

One row a record and plan, changed only in the transactions of the write protocol: an intent before the put, its
outcome after. A row without outcome is a put of which nothing is known; the next run reads the item back. Calls and
money are in ``call_ledger``.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from backfill_pipelines.receipts.keys import RecordKey
from backfill_pipelines.receipts.outcomes import SETTLED, WRITTEN, Outcome
from backfill_pipelines.stores.control import ControlStore

TABLES = sa.MetaData()
RUNS = sa.Table(
    "receipts_runs",
    TABLES,
    sa.Column("run_id", sa.Text, primary_key=True),
    sa.Column("plan_id", sa.Text, nullable=False, index=True),
    #: What started it: a Dagster backfill or run, or the command line's own.
    sa.Column("origin", sa.Text, nullable=False, unique=True),
    sa.Column("begun_at", sa.Text, nullable=False),
)
RECORDS = sa.Table(
    "receipts_records",
    TABLES,
    sa.Column("plan_id", sa.Text, primary_key=True),
    sa.Column("image_id", sa.Text, primary_key=True),
    sa.Column("receipt_id", sa.Integer, primary_key=True),
    sa.Column("bucket", sa.Text, nullable=False),
    sa.Column("place_id", sa.Text, nullable=False),
    sa.Column("run_id", sa.Text, nullable=False),
    #: create or enrich; empty for an outcome that no put preceded.
    sa.Column("kind", sa.Text, nullable=False, server_default=""),
    sa.Column("content_digest", sa.Text, nullable=False, server_default=""),
    sa.Column("before_image", sa.Text, nullable=False, server_default=""),
    sa.Column("outcome", sa.Text),
    sa.Column("reason", sa.Text, nullable=False, server_default=""),
    sa.Column("detail", sa.Text, nullable=False, server_default=""),
    #: Base-item size in bytes and write units as metered, of a written item.
    sa.Column("size", sa.Integer, nullable=False, server_default="0"),
    sa.Column("write_units", sa.Float, nullable=False, server_default="0"),
    sa.Column("is_suspicious", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("notes", sa.Text, nullable=False, server_default=""),
    sa.Column("at", sa.Text, nullable=False),
    sa.Index("receipts_records_by_bucket", "plan_id", "bucket"),
    sa.Index("receipts_records_by_run", "run_id"),
)


#: What an intent says of a put, and its outcome leaves as it is.
_INTENDED = ("kind", "content_digest", "before_image")


@dataclass(frozen=True)
class Intent:
    """A put that is about to be sent."""

    key: RecordKey
    place_id: str
    kind: str
    content_digest: str
    before_image: str = ""


@dataclass(frozen=True)
class Settlement:
    """What became of a record."""

    key: RecordKey
    place_id: str
    outcome: Outcome
    reason: str = ""
    detail: str = ""
    size: int = 0
    write_units: float = 0.0
    is_suspicious: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Entry:
    """A record's row; ``outcome`` None is an intent of which nothing is known yet."""

    plan_id: str
    key: RecordKey
    place_id: str
    run_id: str
    kind: str
    content_digest: str
    before_image: str
    outcome: Outcome | None
    reason: str
    detail: str
    size: int
    write_units: float
    is_suspicious: bool
    notes: tuple[str, ...]
    at: str

    @property
    def is_settled(self) -> bool:
        """Whether a later run leaves the record alone."""
        return self.outcome in SETTLED

    @property
    def is_written(self) -> bool:
        """Whether the table holds an item of the entry's run."""
        return self.outcome in WRITTEN


def plan_of(control: ControlStore, run_id: str) -> str | None:
    """The plan that a run was begun for; None when no such run is known."""
    control.ensure(TABLES)
    with control.transaction() as connection:
        return connection.execute(sa.select(RUNS.c.plan_id).where(RUNS.c.run_id == run_id)).scalar()


class RecordLedger:
    """The rows of one plan."""

    def __init__(self, control: ControlStore, plan_id: str) -> None:
        self._control = control
        self.plan_id = plan_id
        control.ensure(TABLES)

    def run_of(self, origin: str, run_id: str) -> str:
        """The run id of an origin: ``run_id`` at its first call, and the same one ever after.

        All Dagster runs of one backfill are one run: they share their origin.
        """
        with self._control.transaction() as connection:
            found = connection.execute(
                sa.select(RUNS.c.run_id).where(RUNS.c.origin == origin).with_for_update()
            ).scalar()
            if found is not None:
                return str(found)
            values = {"run_id": run_id, "plan_id": self.plan_id, "origin": origin, "begun_at": _now()}
            connection.execute(RUNS.insert().values(**values))
            return run_id

    def run_with(self, origin: str) -> str | None:
        """The run id that an origin has already; None at its first call."""
        with self._control.transaction() as connection:
            return connection.execute(sa.select(RUNS.c.run_id).where(RUNS.c.origin == origin)).scalar()

    def runs(self) -> Mapping[str, str]:
        """When each run of the plan was begun."""
        with self._control.transaction() as connection:
            rows = connection.execute(
                sa.select(RUNS.c.run_id, RUNS.c.begun_at).where(RUNS.c.plan_id == self.plan_id)
            ).all()
        return {row.run_id: row.begun_at for row in rows}

    def intend(self, run_id: str, intents: Sequence[Intent], at: str = "") -> None:
        """Say what is about to be put, all in one transaction; a record's earlier row gives way to it."""
        moment = at or _now()
        rows = [
            self._row(run_id, one.key, one.place_id, moment)
            | {"kind": one.kind, "content_digest": one.content_digest, "before_image": one.before_image}
            for one in intents
        ]
        with self._control.transaction() as connection:
            _write(connection, rows, keeps_intent=False)

    def settle(self, run_id: str, settlements: Sequence[Settlement], at: str = "") -> None:
        """Say what became of records, all in one transaction; what their intents said stays."""
        moment = at or _now()
        rows = [self._settled(run_id, one, moment) for one in settlements]
        with self._control.transaction() as connection:
            _write(connection, rows, keeps_intent=True)

    def entries(self, *, buckets: Iterable[str] | None = None, run_id: str | None = None) -> dict[RecordKey, Entry]:
        """Rows by record, in the order of all work; of some buckets, of one run, or all of the plan."""
        with self._control.transaction() as connection:
            found = self._select(connection, buckets=buckets, run_id=run_id)
        return {entry.key: entry for entry in sorted(found, key=lambda entry: entry.key)}

    def tally(self) -> Mapping[tuple[Outcome, str, bool], int]:
        """Records of the plan by outcome, reason, and whether another place is suspected; without open intents."""
        columns = (RECORDS.c.outcome, RECORDS.c.reason, RECORDS.c.is_suspicious)
        statement = (
            sa.select(*columns, sa.func.count().label("records"))
            .where(RECORDS.c.plan_id == self.plan_id, RECORDS.c.outcome.is_not(None))
            .group_by(*columns)
        )
        with self._control.transaction() as connection:
            rows = connection.execute(statement).all()
        return {(Outcome(row.outcome), row.reason, bool(row.is_suspicious)): row.records for row in rows}

    def buckets(self) -> set[str]:
        """The buckets that any run of the plan has worked on."""
        statement = sa.select(RECORDS.c.bucket).where(RECORDS.c.plan_id == self.plan_id).distinct()
        with self._control.transaction() as connection:
            return set(connection.execute(statement).scalars())

    def mean_write_units(self) -> float | None:
        """Write units of a written record, as metered; None before the first one."""
        statement = sa.select(sa.func.avg(RECORDS.c.write_units)).where(
            RECORDS.c.plan_id == self.plan_id, RECORDS.c.write_units > 0, RECORDS.c.outcome == str(Outcome.CREATED)
        )
        with self._control.transaction() as connection:
            found = connection.execute(statement).scalar()
        return None if found is None else float(found)

    def applied(self, buckets: Iterable[str]) -> Mapping[str, int]:
        """How many records of each bucket were created or enriched; a bucket without any is left out."""
        statement = (
            sa.select(RECORDS.c.bucket, sa.func.count())
            .where(
                RECORDS.c.plan_id == self.plan_id,
                RECORDS.c.bucket.in_(sorted(set(buckets))),
                RECORDS.c.outcome.in_(sorted(map(str, WRITTEN))),
            )
            .group_by(RECORDS.c.bucket)
        )
        with self._control.transaction() as connection:
            return {row[0]: row[1] for row in connection.execute(statement)}

    def forget(self, keys: Sequence[RecordKey]) -> None:
        """Take records up again as if no run had seen them: after a rollback, or a reopened quarantine."""
        with self._control.transaction() as connection:
            forget_rows(connection, self.plan_id, keys)

    def _select(
        self,
        connection: sa.Connection,
        *,
        buckets: Iterable[str] | None = None,
        run_id: str | None = None,
    ) -> list[Entry]:
        statement = sa.select(RECORDS).where(RECORDS.c.plan_id == self.plan_id)
        if buckets is not None:
            statement = statement.where(RECORDS.c.bucket.in_(sorted(set(buckets))))
        if run_id is not None:
            statement = statement.where(RECORDS.c.run_id == run_id)
        return [_entry(row) for row in connection.execute(statement)]

    def _settled(self, run_id: str, one: Settlement, moment: str) -> dict[str, Any]:
        return self._row(run_id, one.key, one.place_id, moment) | {
            "outcome": str(one.outcome),
            "reason": one.reason,
            "detail": one.detail,
            "size": one.size,
            "write_units": one.write_units,
            "is_suspicious": one.is_suspicious,
            "notes": " ".join(one.notes),
        }

    def _row(self, run_id: str, key: RecordKey, place_id: str, moment: str) -> dict[str, Any]:
        """A row that says nothing yet: every column, so that nothing of an earlier row stays."""
        return {
            "plan_id": self.plan_id,
            "image_id": key.image_id,
            "receipt_id": key.receipt_id,
            "bucket": key.bucket,
            "place_id": place_id,
            "run_id": run_id,
            "kind": "",
            "content_digest": "",
            "before_image": "",
            "outcome": None,
            "reason": "",
            "detail": "",
            "size": 0,
            "write_units": 0.0,
            "is_suspicious": False,
            "notes": "",
            "at": moment,
        }


def _write(connection: sa.Connection, rows: Sequence[dict[str, Any]], *, keeps_intent: bool) -> None:
    """Rows in the place of those of the same records; with ``keeps_intent`` what an open intent said stays."""
    if rows:
        connection.execute(_upsert(connection.dialect.name, keeps_intent=keeps_intent), rows)


@cache
def _upsert(dialect: str, *, keeps_intent: bool) -> sa.Insert:
    """Made once: making it takes longer than a batch of it."""
    statement = (sqlite if dialect == "sqlite" else postgresql).insert(RECORDS)
    values: dict[str, Any] = {one.name: statement.excluded[one.name] for one in RECORDS.c if not one.primary_key}
    if keeps_intent:
        is_open = RECORDS.c.outcome.is_(None)
        values |= {name: sa.case((is_open, RECORDS.c[name]), else_=values[name]) for name in _INTENDED}
    return statement.on_conflict_do_update(index_elements=list(RECORDS.primary_key), set_=values)


def forget_rows(connection: sa.Connection, plan_id: str, keys: Sequence[RecordKey]) -> None:
    """Delete the rows of records in a transaction of the caller."""
    if not keys:
        return
    statement = RECORDS.delete().where(
        RECORDS.c.plan_id == plan_id,
        RECORDS.c.image_id == sa.bindparam("image"),
        RECORDS.c.receipt_id == sa.bindparam("receipt"),
    )
    connection.execute(statement, [{"image": key.image_id, "receipt": key.receipt_id} for key in keys])


def _entry(row: Any) -> Entry:
    return Entry(
        plan_id=row.plan_id,
        key=RecordKey.of(row.image_id, row.receipt_id),
        place_id=row.place_id,
        run_id=row.run_id,
        kind=row.kind,
        content_digest=row.content_digest,
        before_image=row.before_image,
        outcome=Outcome(row.outcome) if row.outcome is not None else None,
        reason=row.reason,
        detail=row.detail,
        size=row.size,
        write_units=row.write_units,
        is_suspicious=row.is_suspicious,
        notes=tuple(row.notes.split()),
        at=row.at,
    )


def _now() -> str:
    return datetime.now(UTC).isoformat()
