"""Images that a run has begun to write, or to take back, and not brought to an end; by the ledgers.

As long as there is one, nothing of its table may be embedded: the workflows take every line and word that they see,
and of such an image they see some and not others. What was embedded in between is no longer what the run wrote, so
that neither the copy nor the rollback could go on. Whether somebody writes right now is a question to the leases.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from backfill_pipelines.receipts.promotion.image_outcomes import ImageOutcome
from backfill_pipelines.receipts.promotion.image_state import IMAGE_SK
from backfill_pipelines.receipts.promotion.promotion_rows import (
    IMAGES,
    ITEMS,
    TABLES,
    VISIBLE_STAGE,
    ItemState,
    Kind,
    is_unfinished,
)
from backfill_pipelines.receipts.promotion.rollback_ledger import ROLLBACKS
from backfill_pipelines.receipts.promotion.rollback_ledger import TABLES as ROLLBACK_TABLES
from backfill_pipelines.stores.control import ControlStore

_COPY, _REPLACEMENT, _ROLLBACK = "copied by", "replaced by", "taken back from"
_NAMED = 3
_WHOLE = (str(ImageOutcome.COPIED), str(ImageOutcome.IDENTICAL))


@dataclass(frozen=True)
class BegunImage:
    """One image, what was begun with it, and the run that is meant."""

    image_id: str
    run_id: str
    what: str

    @property
    def text(self) -> str:
        """The image and what was begun."""
        return f"{self.image_id} ({self.what} {self.run_id})"

    @property
    def repair(self) -> str:
        """The command that brings it to its end."""
        back = f"backfill promote rollback {self.run_id}"
        if self.what == _ROLLBACK:
            return back
        if self.what == _REPLACEMENT:
            return f"backfill promote run --replace {self.image_id} --apply, or {back} --image {self.image_id}"
        return f"backfill promote run --apply, or what that cannot finish: {back} --image {self.image_id}"


def begun_images(control: ControlStore, table: str) -> list[BegunImage]:
    """Images of a table whose copy, replacement or rollback was begun and not ended, by id.

    A copy that was given up before any line or word became visible is none: there is nothing to embed of it.
    """
    control.ensure(TABLES)
    control.ensure(ROLLBACK_TABLES)
    with control.transaction() as connection:
        found = [*_copies(connection, table), *_rollbacks(connection, table), *_rests(connection, table)]
    return sorted(found, key=lambda one: (one.image_id, one.run_id))


def begun_text(table: str, images: Sequence[BegunImage]) -> str:
    """Why nothing of a table may be embedded now; empty when nothing was begun."""
    if not images:
        return ""
    named = ", ".join(one.text for one in images[:_NAMED])
    more = f" and {len(images) - _NAMED:,} more" if len(images) > _NAMED else ""
    repairs = {one.what: one.repair for one in reversed(images)}
    repair = "; ".join(repairs.values())
    return (
        f"{len(images):,} images of {table} are begun and not finished: {named}{more}. Of their lines and words some "
        f"are there and others are not, and the workflows would take what they see. Repair: {repair}"
    )


def _copies(connection: sa.Connection, table: str) -> list[BegunImage]:
    visible = sa.or_(IMAGES.c.outcome.is_(None), IMAGES.c[f"stage_{VISIBLE_STAGE}_begun"].is_not(None))
    replacing = IMAGES.c.before_image != ""
    statement = sa.select(IMAGES.c.image_id, IMAGES.c.run_id, IMAGES.c.before_image).where(
        IMAGES.c.table_name == table, is_unfinished(), visible, sa.or_(replacing, sa.not_(_is_anothers()))
    )
    return [
        BegunImage(row.image_id, row.run_id, _REPLACEMENT if row.before_image else _COPY)
        for row in connection.execute(statement)
    ]


def _is_anothers() -> sa.ColumnElement[bool]:
    """A later look found an IMAGE row with other content: somebody else has made the image whole, in another way."""
    later = IMAGES.alias("later")
    same = [later.c.table_name == IMAGES.c.table_name, later.c.image_id == IMAGES.c.image_id]
    return sa.exists().where(*same, later.c.outcome == str(ImageOutcome.DIFFERS), later.c.at >= IMAGES.c.at)


def _rests(connection: sa.Connection, table: str) -> list[BegunImage]:
    """What an ended run wrote of an image whose IMAGE row was another run's, and was taken back with that."""
    own = [ITEMS.c[name] == IMAGES.c[name] for name in ("table_name", "image_id", "run_id")]
    whole = sa.exists().where(*own, ITEMS.c.sk == IMAGE_SK, ITEMS.c.state == str(ItemState.WRITTEN))
    # An image that was replaced had its IMAGE row from whomever.
    ended = [
        IMAGES.c.before_image == "",
        sa.not_(is_unfinished()),
        IMAGES.c[f"stage_{VISIBLE_STAGE}_begun"].is_not(None),
    ]
    rows = connection.execute(
        sa.select(IMAGES.c.image_id, IMAGES.c.run_id).where(
            IMAGES.c.table_name == table, *ended, sa.not_(whole), sa.not_(_is_anothers())
        )
    ).all()
    return [
        BegunImage(row.image_id, row.run_id, _COPY)
        for row in rows
        if _is_rest(connection, table, row.image_id, row.run_id)
    ]


def _is_rest(connection: sa.Connection, table: str, image_id: str, run_id: str) -> bool:
    """Whether lines or words of the run are there, and no run's IMAGE row is."""
    written = [ITEMS.c.table_name == table, ITEMS.c.image_id == image_id, ITEMS.c.state == str(ItemState.WRITTEN)]
    visible = sa.select(ITEMS.c.sk).where(*written, ITEMS.c.run_id == run_id, ITEMS.c.stage == VISIBLE_STAGE)
    row = sa.select(ITEMS.c.sk).where(*written, ITEMS.c.sk == IMAGE_SK, ITEMS.c.kind != str(Kind.REMOVE))
    return connection.execute(visible.limit(1)).first() is not None and connection.execute(row).first() is None


def _rollbacks(connection: sa.Connection, table: str) -> list[BegunImage]:
    """Rollbacks that were begun, of images that nobody has copied again since."""
    same = [IMAGES.c.table_name == ROLLBACKS.c.table_name, IMAGES.c.image_id == ROLLBACKS.c.image_id]
    since = sa.exists().where(*same, IMAGES.c.outcome.in_(_WHOLE), IMAGES.c.at >= ROLLBACKS.c.at)
    statement = sa.select(ROLLBACKS.c.image_id, ROLLBACKS.c.run_id).where(
        ROLLBACKS.c.table_name == table, ROLLBACKS.c.outcome.is_(None), sa.not_(since)
    )
    return [BegunImage(row.image_id, row.run_id, _ROLLBACK) for row in connection.execute(statement)]


def ids_of(images: Collection[BegunImage]) -> frozenset[str]:
    """Their ids."""
    return frozenset(one.image_id for one in images)
