"""The promotion's ledger: which images and items each run meant to write into a table, and which it has written.

Authority for resume and rollback. Before the first item of an image is written, all of its items are here as intents,
with their digests; a stage that is done turns its intents into written items. An intent that is left over is an item
of which nothing is known: whoever goes on reads it back, and by its digest it is ours or not. How an image is written
is ``image_copying``'s.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from backfill_pipelines.receipts.keys import bucket_of
from backfill_pipelines.receipts.promotion.image_outcomes import ImageOutcome
from backfill_pipelines.receipts.promotion.promotion_rows import (
    IMAGES,
    ITEMS,
    RUNS,
    STAGES,
    TABLES,
    ImageEntry,
    ItemIntent,
    ItemState,
    Kind,
    LedgerItem,
    image_entry,
    is_unfinished,
    ledger_item,
)
from backfill_pipelines.stores.control import ControlStore


class PromotionLedger:
    """The rows of one target table; safe to use from many threads."""

    def __init__(self, control: ControlStore, table: str) -> None:
        self._control = control
        self.table = table
        control.ensure(TABLES)

    def run_of(self, origin: str, run_id: str, plan_id: str) -> str:
        """The run id of an origin: ``run_id`` at its first call, and the same one ever after."""
        with self._control.transaction() as connection:
            found = connection.execute(
                sa.select(RUNS.c.run_id).where(RUNS.c.origin == origin).with_for_update()
            ).scalar()
            if found is not None:
                return str(found)
            values = {"run_id": run_id, "table_name": self.table, "plan_id": plan_id, "origin": origin}
            connection.execute(RUNS.insert().values(**values, begun_at=_now()))
            return run_id

    def run_with(self, origin: str) -> str | None:
        """The run id that an origin has already; None at its first call."""
        with self._control.transaction() as connection:
            return connection.execute(sa.select(RUNS.c.run_id).where(RUNS.c.origin == origin)).scalar()

    def runs(self) -> Mapping[str, str]:
        """When each run over this table was begun."""
        statement = sa.select(RUNS.c.run_id, RUNS.c.begun_at).where(RUNS.c.table_name == self.table)
        with self._control.transaction() as connection:
            return {row.run_id: row.begun_at for row in connection.execute(statement.order_by(RUNS.c.run_id))}

    def intend(
        self,
        run_id: str,
        image_id: str,
        fingerprint: str,
        items: Sequence[ItemIntent],
        *,
        found: Iterable[str] = (),
        before_image: str = "",
    ) -> None:
        """Say what is about to be written, and begin stage 1, in one transaction.

        What earlier runs had begun and not ended ends with it: what of it was ``found`` in the table is theirs,
        written; what was not is this run's now.
        """
        moment = _now()
        with self._control.transaction() as connection:
            self._close_earlier(connection, run_id, image_id, found, moment)
            self._disown(connection, run_id, image_id, {item.sk for item in items if item.kind is Kind.CREATE})
            if before_image:
                self._replace_own(connection, run_id, image_id, items)
            times = {f"stage_{stage}_{edge}": None for stage in STAGES for edge in ("begun", "done")}
            said = times | {"fingerprint": fingerprint, "before_image": before_image, "outcome": None, "at": moment}
            self._put_image(connection, run_id, image_id, **(said | {"stage_1_begun": moment}))
            if items:
                connection.execute(ITEMS.insert(), [self._item_row(run_id, image_id, item) for item in items])

    def stage_done(self, run_id: str, image_id: str, stage: int, write_units: float) -> None:
        """All items of a stage are written: its intents become written items, and the next stage begins."""
        moment = datetime.now(UTC)
        values: dict[str, Any] = {f"stage_{stage}_done": moment.isoformat(timespec="microseconds")}
        if stage < STAGES[-1]:
            later = moment + timedelta(microseconds=1)
            values[f"stage_{stage + 1}_begun"] = later.isoformat(timespec="microseconds")
        with self._control.transaction() as connection:
            connection.execute(
                ITEMS.update()
                .where(*self._of(ITEMS, image_id), ITEMS.c.run_id == run_id, ITEMS.c.stage == stage)
                .values(state=ItemState.WRITTEN)
            )
            connection.execute(
                IMAGES.update()
                .where(*self._of(IMAGES, image_id), IMAGES.c.run_id == run_id)
                .values(**values, write_units=IMAGES.c.write_units + write_units)
            )

    def settle(
        self,
        run_id: str,
        image_id: str,
        outcome: ImageOutcome,
        reason: str = "",
        detail: str = "",
        *,
        found: Iterable[str] | None = None,
    ) -> None:
        """Say what became of an image in a run.

        With ``found``, the sort keys that a whole image has, unfinished copies of it are closed: they were whole.
        """
        with self._control.transaction() as connection:
            if found is not None:
                self._close_earlier(connection, run_id, image_id, found, _now())
            if outcome is ImageOutcome.IDENTICAL and self._has_copied(connection, run_id, image_id):
                outcome = ImageOutcome.COPIED
            said = {"outcome": str(outcome), "reason": reason, "detail": detail, "at": _now()}
            self._put_image(connection, run_id, image_id, **said)

    def items(self, image_id: str) -> list[LedgerItem]:
        """All items of an image that any run has written or meant to, without what is gone."""
        statement = sa.select(ITEMS).where(*self._of(ITEMS, image_id), ITEMS.c.state != ItemState.GONE)
        with self._control.transaction() as connection:
            return [ledger_item(row) for row in connection.execute(statement.order_by(ITEMS.c.run_id, ITEMS.c.sk))]

    def items_of_run(self, run_id: str, image_id: str) -> list[LedgerItem]:
        """The items of one run and image, gone ones included; a rollback goes through them by stage."""
        statement = sa.select(ITEMS).where(*self._of(ITEMS, image_id), ITEMS.c.run_id == run_id)
        with self._control.transaction() as connection:
            return [ledger_item(row) for row in connection.execute(statement.order_by(ITEMS.c.stage, ITEMS.c.sk))]

    def open_images(self, run_id: str) -> set[str]:
        """Images of which a run has, or may have, an item in the table."""
        of_run = [ITEMS.c.table_name == self.table, ITEMS.c.run_id == run_id, ITEMS.c.state != ItemState.GONE]
        with self._control.transaction() as connection:
            return set(connection.execute(sa.select(ITEMS.c.image_id).distinct().where(*of_run)).scalars())

    def gone(self, run_id: str, image_id: str, sks: Iterable[str]) -> None:
        """These items of a run are not in the table any more, or are again as they were before it."""
        with self._control.transaction() as connection:
            for part in _parts(sorted(set(sks))):
                connection.execute(
                    ITEMS.update()
                    .where(*self._of(ITEMS, image_id), ITEMS.c.run_id == run_id, ITEMS.c.sk.in_(part))
                    .values(state=ItemState.GONE)
                )

    def images(
        self,
        *,
        run_id: str | None = None,
        buckets: Iterable[str] | None = None,
        image_id: str | None = None,
    ) -> list[ImageEntry]:
        """Rows of images by image and run; of a run, of some buckets, of an image, or all of the table."""
        statement = sa.select(IMAGES).where(IMAGES.c.table_name == self.table)
        if run_id is not None:
            statement = statement.where(IMAGES.c.run_id == run_id)
        if buckets is not None:
            statement = statement.where(IMAGES.c.bucket.in_(sorted(set(buckets))))
        if image_id is not None:
            statement = statement.where(IMAGES.c.image_id == image_id)
        with self._control.transaction() as connection:
            return [
                image_entry(row) for row in connection.execute(statement.order_by(IMAGES.c.image_id, IMAGES.c.run_id))
            ]

    def tally(self, run_id: str) -> Mapping[tuple[ImageOutcome, str], int]:
        """Images of a run by outcome and reason; without those it has not brought to an end."""
        statement = (
            sa.select(IMAGES.c.outcome, IMAGES.c.reason, sa.func.count().label("images"))
            .where(IMAGES.c.table_name == self.table, IMAGES.c.run_id == run_id, IMAGES.c.outcome.is_not(None))
            .group_by(IMAGES.c.outcome, IMAGES.c.reason)
        )
        with self._control.transaction() as connection:
            return {(ImageOutcome(row.outcome), row.reason): row.images for row in connection.execute(statement)}

    def applied(self, run_id: str) -> Mapping[str, Mapping[str, int]]:
        """Written items of a run by kind and TYPE."""
        found: dict[str, dict[str, int]] = {}
        for of_bucket in self.applied_by_bucket(run_id).values():
            for kind, types in of_bucket.items():
                of_kind = found.setdefault(kind, {})
                for type_name, items in types.items():
                    of_kind[type_name] = of_kind.get(type_name, 0) + items
        return found

    def applied_by_bucket(self, run_id: str) -> Mapping[str, Mapping[str, Mapping[str, int]]]:
        """Written items of a run by bucket, kind and TYPE; all rows of the run are counted for it."""
        found: dict[str, dict[str, dict[str, int]]] = {}
        for image_id, kind, type_name, items in self._written(run_id):
            of_kind = found.setdefault(bucket_of(image_id), {}).setdefault(kind, {})
            of_kind[type_name] = of_kind.get(type_name, 0) + items
        return found

    def applied_by_image(self, run_id: str) -> Mapping[str, Mapping[str, int]]:
        """Items that a run has put, by image and TYPE; without those it has removed."""
        found: dict[str, dict[str, int]] = {}
        for image_id, kind, type_name, items in self._written(run_id):
            if kind == Kind.REMOVE:
                continue
            of_image = found.setdefault(image_id, {})
            of_image[type_name] = of_image.get(type_name, 0) + items
        return found

    def _written(self, run_id: str) -> list[tuple[str, str, str, int]]:
        columns = (ITEMS.c.image_id, ITEMS.c.kind, ITEMS.c.type_name)
        statement = sa.select(*columns, sa.func.count()).where(
            ITEMS.c.table_name == self.table, ITEMS.c.run_id == run_id, ITEMS.c.state == ItemState.WRITTEN
        )
        with self._control.transaction() as connection:
            return [(row[0], row[1], row[2], row[3]) for row in connection.execute(statement.group_by(*columns))]

    def _close_earlier(
        self, connection: sa.Connection, run_id: str, image_id: str, found: Iterable[str], moment: str
    ) -> None:
        """No intent of the image is left: each is a written item, or was never written."""
        intended = [*self._of(ITEMS, image_id), ITEMS.c.state == ItemState.INTENDED]
        for part in _parts(sorted(set(found))):
            connection.execute(ITEMS.update().where(*intended, ITEMS.c.sk.in_(part)).values(state=ItemState.WRITTEN))
        connection.execute(ITEMS.delete().where(*intended))
        # Killed once all was written, a run is unfinished no more, but has not said what became of the image.
        unsaid = sa.and_(IMAGES.c.stage_1_begun.is_not(None), IMAGES.c.outcome.is_(None))
        open_ = [*self._of(IMAGES, image_id), IMAGES.c.run_id != run_id, sa.or_(is_unfinished(), unsaid)]
        closed = {"outcome": str(ImageOutcome.RESUMED), "reason": run_id, "at": moment}
        connection.execute(IMAGES.update().where(*open_).values(**closed))

    def _disown(self, connection: sa.Connection, run_id: str, image_id: str, absent: set[str]) -> None:
        """Items that were written once and are absent now: whoever writes them next is the one to answer for them."""
        written = [*self._of(ITEMS, image_id), ITEMS.c.state == ItemState.WRITTEN]
        rows = connection.execute(sa.select(ITEMS.c.run_id, ITEMS.c.sk).where(*written)).all()
        # What was taken back is the run's own again: a key has one row in it.
        taken_back = [*self._of(ITEMS, image_id), ITEMS.c.run_id == run_id, ITEMS.c.state == ItemState.GONE]
        connection.execute(ITEMS.delete().where(*taken_back))
        for other in sorted({row.run_id for row in rows}):
            lost = sorted(absent.intersection(row.sk for row in rows if row.run_id == other))
            for part in _parts(lost):
                of_run = [*written, ITEMS.c.run_id == other, ITEMS.c.sk.in_(part)]
                gone = ITEMS.update().where(*of_run).values(state=ItemState.GONE)
                connection.execute(ITEMS.delete().where(*of_run) if other == run_id else gone)

    def _replace_own(self, connection: sa.Connection, run_id: str, image_id: str, items: Sequence[ItemIntent]) -> None:
        """What the run wrote in an earlier attempt, and others have changed since, it means to write anew."""
        mine = [*self._of(ITEMS, image_id), ITEMS.c.run_id == run_id]
        for part in _parts(sorted({item.sk for item in items})):
            connection.execute(ITEMS.delete().where(*mine, ITEMS.c.sk.in_(part)))

    def _has_copied(self, connection: sa.Connection, run_id: str, image_id: str) -> bool:
        """Whether an earlier attempt of the same run has brought the image to its end."""
        mine = [*self._of(IMAGES, image_id), IMAGES.c.run_id == run_id, IMAGES.c.stage_4_done.is_not(None)]
        return connection.execute(sa.select(IMAGES.c.run_id).where(*mine)).first() is not None

    def _put_image(self, connection: sa.Connection, run_id: str, image_id: str, **values: Any) -> None:
        changed = connection.execute(
            IMAGES.update().where(*self._of(IMAGES, image_id), IMAGES.c.run_id == run_id).values(**values)
        )
        if not changed.rowcount:
            key = {"table_name": self.table, "image_id": image_id, "run_id": run_id, "bucket": bucket_of(image_id)}
            connection.execute(IMAGES.insert().values(**key, **values))

    def _of(self, table: sa.Table, image_id: str) -> list[sa.ColumnElement[bool]]:
        return [table.c.table_name == self.table, table.c.image_id == image_id]

    def _item_row(self, run_id: str, image_id: str, item: ItemIntent) -> dict[str, Any]:
        return {
            "table_name": self.table,
            "image_id": image_id,
            "run_id": run_id,
            "sk": item.sk,
            "stage": item.stage,
            "type_name": item.type_name,
            "kind": str(item.kind),
            "digest": item.digest,
            "state": str(ItemState.INTENDED),
        }


def _parts(names: Sequence[str], size: int = 500) -> Iterable[Sequence[str]]:
    """A statement takes only so many parameters."""
    return (names[start : start + size] for start in range(0, len(names), size))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")
