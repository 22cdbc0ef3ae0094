"""The rows of the promotion's ledger: its tables, and what a row says. ``promotion_ledger`` writes them."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from backfill_pipelines.receipts.promotion.image_outcomes import ImageOutcome

STAGES = (1, 2, 3, 4)
#: The one in which lines and words become visible to the embedding.
VISIBLE_STAGE = 3

TABLES = sa.MetaData()
RUNS = sa.Table(
    "promotion_runs",
    TABLES,
    sa.Column("run_id", sa.Text, primary_key=True),
    sa.Column("table_name", sa.Text, nullable=False, index=True),
    sa.Column("plan_id", sa.Text, nullable=False),
    #: What started it: a Dagster backfill or run, or the command line's own.
    sa.Column("origin", sa.Text, nullable=False, unique=True),
    sa.Column("begun_at", sa.Text, nullable=False),
)
IMAGES = sa.Table(
    "promotion_images",
    TABLES,
    sa.Column("table_name", sa.Text, primary_key=True),
    sa.Column("image_id", sa.Text, primary_key=True),
    sa.Column("run_id", sa.Text, primary_key=True),
    sa.Column("bucket", sa.Text, nullable=False),
    #: Of the source's rows.
    sa.Column("fingerprint", sa.Text, nullable=False, server_default=""),
    #: None while the run is at work on it, or was killed.
    sa.Column("outcome", sa.Text),
    sa.Column("reason", sa.Text, nullable=False, server_default=""),
    sa.Column("detail", sa.Text, nullable=False, server_default=""),
    #: Where the partition as it was before a replacement is kept.
    sa.Column("before_image", sa.Text, nullable=False, server_default=""),
    sa.Column("write_units", sa.Float, nullable=False, server_default="0"),
    *(sa.Column(f"stage_{stage}_{edge}", sa.Text) for stage in STAGES for edge in ("begun", "done")),
    sa.Column("at", sa.Text, nullable=False),
    sa.Index("promotion_images_by_bucket", "table_name", "bucket"),
    sa.Index("promotion_images_by_run", "run_id"),
)
ITEMS = sa.Table(
    "promotion_items",
    TABLES,
    sa.Column("table_name", sa.Text, primary_key=True),
    sa.Column("image_id", sa.Text, primary_key=True),
    sa.Column("run_id", sa.Text, primary_key=True),
    sa.Column("sk", sa.Text, primary_key=True),
    sa.Column("stage", sa.Integer, nullable=False),
    sa.Column("type_name", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    #: Of the item as the run writes it; of a removed one as it was.
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Index("promotion_items_by_run", "run_id"),
)


class Kind(StrEnum):
    """What a run does to an item: undoing it means to delete, or to put back what the before-image holds."""

    CREATE = "create"
    CHANGE = "change"
    REMOVE = "remove"


class ItemState(StrEnum):
    """What is known of an item of the ledger."""

    INTENDED = "intended"
    WRITTEN = "written"
    #: Not the run's any more: rolled back, or deleted by others and written anew by a later run.
    GONE = "gone"


@dataclass(frozen=True)
class ItemIntent:
    """An item that is about to be written."""

    sk: str
    stage: int
    type_name: str
    digest: str
    kind: Kind = Kind.CREATE


@dataclass(frozen=True)
class LedgerItem:
    """An item's row."""

    image_id: str
    sk: str
    run_id: str
    stage: int
    type_name: str
    kind: Kind
    digest: str
    state: ItemState


@dataclass(frozen=True)
class ImageEntry:
    """An image's row of one run; ``outcome`` None is a copy that has not been brought to its end."""

    image_id: str
    bucket: str
    run_id: str
    fingerprint: str
    outcome: ImageOutcome | None
    reason: str
    detail: str
    before_image: str
    write_units: float
    #: When each stage was begun and done, by stage; UTC ISO 8601.
    begun: Mapping[int, str]
    done: Mapping[int, str]
    at: str


#: What an image has come to that has nothing left to be written or taken back.
_ENDED = (ImageOutcome.COPIED, ImageOutcome.IDENTICAL, ImageOutcome.RESUMED, ImageOutcome.ROLLED_BACK)


def is_unfinished() -> sa.ColumnElement[bool]:
    """A run was killed in the middle of an image, or gave it up after some items; whatever it said of it since."""
    outcome = sa.func.coalesce(IMAGES.c.outcome, "")
    ended = outcome.in_([str(one) for one in _ENDED])
    return sa.and_(IMAGES.c.stage_1_begun.is_not(None), IMAGES.c.stage_4_done.is_(None), sa.not_(ended))


def ledger_item(row: Any) -> LedgerItem:
    """An item's row as it is worked with."""
    return LedgerItem(
        image_id=row.image_id,
        sk=row.sk,
        run_id=row.run_id,
        stage=row.stage,
        type_name=row.type_name,
        kind=Kind(row.kind),
        digest=row.digest,
        state=ItemState(row.state),
    )


def image_entry(row: Any) -> ImageEntry:
    """An image's row as it is worked with."""
    said = row._mapping  # noqa: SLF001 - SQLAlchemy's public name for a row as a mapping
    return ImageEntry(
        image_id=row.image_id,
        bucket=row.bucket,
        run_id=row.run_id,
        fingerprint=row.fingerprint,
        outcome=ImageOutcome(row.outcome) if row.outcome is not None else None,
        reason=row.reason,
        detail=row.detail,
        before_image=row.before_image,
        write_units=row.write_units,
        begun={stage: said[f"stage_{stage}_begun"] for stage in STAGES if said[f"stage_{stage}_begun"]},
        done={stage: said[f"stage_{stage}_done"] for stage in STAGES if said[f"stage_{stage}_done"]},
        at=row.at,
    )
