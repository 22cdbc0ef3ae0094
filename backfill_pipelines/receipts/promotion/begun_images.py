"""Images that a run has begun to write, or to take back, and not brought to an end; by the ledgers.

As long as there is one, nothing of its table may be embedded: the workflows take every line and word that they see,
and of such an image they see some and not others. What was embedded in between is no longer what the run wrote, so
that neither the copy nor the rollback could go on. Whether somebody writes right now is a question to the leases.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from backfill_pipelines.receipts.promotion.image_outcomes import ImageOutcome
from backfill_pipelines.receipts.promotion.promotion_rows import IMAGES, TABLES, VISIBLE_STAGE, is_unfinished
from backfill_pipelines.receipts.promotion.rollback_ledger import ROLLBACKS
from backfill_pipelines.receipts.promotion.rollback_ledger import TABLES as ROLLBACK_TABLES
from backfill_pipelines.stores.control import ControlStore

_NAMED = 3
_WHOLE = (str(ImageOutcome.COPIED), str(ImageOutcome.IDENTICAL))


@dataclass(frozen=True)
class BegunImage:
    """One image, the run that began it, and the command that ends that."""

    image_id: str
    run_id: str
    repair: str

    @property
    def text(self) -> str:
        """The image and its way out."""
        return f"{self.image_id} by {self.run_id}: {self.repair}"


def begun_images(control: ControlStore, table: str) -> list[BegunImage]:
    """Images of a table whose copy, replacement or rollback was begun and not ended, by id.

    A copy that was given up before any line or word became visible is none: there is nothing to embed of it.
    """
    control.ensure(TABLES)
    control.ensure(ROLLBACK_TABLES)
    with control.transaction() as connection:
        found = [*_copies(connection, table), *_rollbacks(connection, table)]
    return sorted(found, key=lambda one: (one.image_id, one.run_id))


def begun_text(table: str, images: Sequence[BegunImage]) -> str:
    """Why nothing of a table may be embedded now; empty when nothing was begun."""
    if not images:
        return ""
    named = "; ".join(one.text for one in images[:_NAMED])
    more = f"; and {len(images) - _NAMED:,} more" if len(images) > _NAMED else ""
    return (
        f"{len(images):,} images of {table} are begun and not finished: of their lines and words some are there and "
        f"others are not, and the workflows would take what they see. Repair: {named}{more}"
    )


def _copies(connection: sa.Connection, table: str) -> list[BegunImage]:
    visible = sa.or_(IMAGES.c.outcome.is_(None), IMAGES.c[f"stage_{VISIBLE_STAGE}_begun"].is_not(None))
    replacing = IMAGES.c.before_image != ""
    statement = sa.select(IMAGES.c.image_id, IMAGES.c.run_id, IMAGES.c.before_image).where(
        IMAGES.c.table_name == table, is_unfinished(), visible, sa.or_(replacing, sa.not_(_is_anothers()))
    )
    return [
        BegunImage(row.image_id, row.run_id, _way_out(row.image_id, row.run_id, is_replaced=bool(row.before_image)))
        for row in connection.execute(statement)
    ]


def _is_anothers() -> sa.ColumnElement[bool]:
    """A later look found an IMAGE row with other content: somebody else has made the image whole, in another way."""
    later = IMAGES.alias("later")
    same = [later.c.table_name == IMAGES.c.table_name, later.c.image_id == IMAGES.c.image_id]
    return sa.exists().where(*same, later.c.outcome == str(ImageOutcome.DIFFERS), later.c.at >= IMAGES.c.at)


def _way_out(image_id: str, run_id: str, *, is_replaced: bool) -> str:
    onward = f"--replace {image_id} --apply" if is_replaced else f"--image {image_id} --apply"
    return f"backfill promote run {onward}, or backfill promote rollback {run_id} --image {image_id}"


def _rollbacks(connection: sa.Connection, table: str) -> list[BegunImage]:
    """Rollbacks that were begun, of images that nobody has copied again since."""
    same = [IMAGES.c.table_name == ROLLBACKS.c.table_name, IMAGES.c.image_id == ROLLBACKS.c.image_id]
    since = sa.exists().where(*same, IMAGES.c.outcome.in_(_WHOLE), IMAGES.c.at >= ROLLBACKS.c.at)
    statement = sa.select(ROLLBACKS.c.image_id, ROLLBACKS.c.run_id).where(
        ROLLBACKS.c.table_name == table, ROLLBACKS.c.outcome.is_(None), sa.not_(since)
    )
    return [
        BegunImage(row.image_id, f"the rollback of {row.run_id}", f"backfill promote rollback {row.run_id}, as before")
        for row in connection.execute(statement)
    ]


def ids_of(images: Collection[BegunImage]) -> frozenset[str]:
    """Their ids."""
    return frozenset(one.image_id for one in images)
