"""The images that promotions have copied into a table, by the ledger: what of them is to be embedded, and their places.

Items that were taken back again are not among them. What the table itself holds is asked elsewhere.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa

from backfill_pipelines.receipts.promotion.embedding_backlog import remaining
from backfill_pipelines.receipts.promotion.entities import BY_TYPE
from backfill_pipelines.receipts.promotion.image_outcomes import ImageOutcome
from backfill_pipelines.receipts.promotion.image_state import IMAGE_SK
from backfill_pipelines.receipts.promotion.promotion_rows import IMAGES, ITEMS, TABLES, ItemState, Kind
from backfill_pipelines.stores.control import ControlStore
from backfill_pipelines.stores.dynamodb_batches import chunks
from backfill_pipelines.stores.items import ItemStore

PLACE_TYPE = "RECEIPT_PLACE"
EMBEDDED_TYPES = tuple(sorted(name for name, entity in BY_TYPE.items() if entity.is_embedded))
#: A statement takes only so many parameters.
_IMAGES_PER_STATEMENT = 400


@dataclass
class CopiedImage:
    """One image that some run has brought to its end."""

    image_id: str
    bucket: str
    #: The newest run that copied it.
    run_id: str
    #: Lines and words that were written for it.
    embedding_rows: int = 0
    #: Sort keys of its places.
    places: list[str] = field(default_factory=list[str])


def copied_images(
    control: ControlStore, table: str, *, buckets: Collection[str] | None = None, run_id: str = ""
) -> list[CopiedImage]:
    """Copied images by id: of some buckets or all, by one run or by any.

    A run that was killed after the IMAGE row, or did not like what it read back, has copied the image all the same:
    its lines and words wait in the table, and the next run finds the image identical and does not answer for it.
    """
    control.ensure(TABLES)
    statement = sa.select(IMAGES.c.image_id, IMAGES.c.bucket, IMAGES.c.run_id).where(
        IMAGES.c.table_name == table, sa.or_(IMAGES.c.outcome == str(ImageOutcome.COPIED), _has_image_row())
    )
    if buckets is not None:
        statement = statement.where(IMAGES.c.bucket.in_(sorted(buckets)))
    if run_id:
        statement = statement.where(IMAGES.c.run_id == run_id)
    with control.transaction() as connection:
        rows = connection.execute(statement.order_by(IMAGES.c.image_id, IMAGES.c.run_id)).all()
        found = {row.image_id: CopiedImage(row.image_id, row.bucket, row.run_id) for row in rows}
        for part in chunks(list(found), _IMAGES_PER_STATEMENT):
            _add_items(connection, table, part, found)
    return list(found.values())


def _has_image_row() -> sa.ColumnElement[bool]:
    """The run of a row has written the image's completion marker, and has not taken it back."""
    of_row = [ITEMS.c[name] == IMAGES.c[name] for name in ("table_name", "image_id", "run_id")]
    written = [ITEMS.c.state == str(ItemState.WRITTEN), ITEMS.c.kind != str(Kind.REMOVE)]
    return sa.exists().where(*of_row, ITEMS.c.sk == IMAGE_SK, *written)


def _add_items(connection: sa.Connection, table: str, part: Sequence[str], found: dict[str, CopiedImage]) -> None:
    of_part = [
        ITEMS.c.table_name == table,
        ITEMS.c.image_id.in_(part),
        ITEMS.c.state == str(ItemState.WRITTEN),
        ITEMS.c.kind != str(Kind.REMOVE),
        sa.not_(_removed_since()),
    ]
    counted = sa.select(ITEMS.c.image_id, sa.func.count(sa.distinct(ITEMS.c.sk)).label("rows"))
    rows = connection.execute(counted.where(*of_part, ITEMS.c.type_name.in_(EMBEDDED_TYPES)).group_by(ITEMS.c.image_id))
    for row in rows:
        found[row.image_id].embedding_rows = row.rows
    places = sa.select(ITEMS.c.image_id, ITEMS.c.sk).distinct().where(*of_part, ITEMS.c.type_name == PLACE_TYPE)
    for row in connection.execute(places.order_by(ITEMS.c.image_id, ITEMS.c.sk)):
        found[row.image_id].places.append(row.sk)


def _removed_since() -> sa.ColumnElement[bool]:
    """A later run has replaced the image by one that does not have the item."""
    later = ITEMS.alias("later")
    same = [later.c[name] == ITEMS.c[name] for name in ("table_name", "image_id", "sk")]
    removed = [later.c.kind == str(Kind.REMOVE), later.c.state == str(ItemState.WRITTEN)]
    return sa.exists().where(*same, *removed, later.c.run_id > ITEMS.c.run_id)


def missing_places(items: ItemStore, images: Collection[CopiedImage]) -> Iterator[tuple[CopiedImage, str]]:
    """Places of copied images that a strongly consistent read does not find, where a line or word still waits.

    An image that is embedded to its end has had its place in time: whoever deleted it later had his reason.
    """
    wanted = [(image, sk) for image in images for sk in image.places]
    keys = [{"PK": {"S": f"IMAGE#{image.image_id}"}, "SK": {"S": sk}} for image, sk in wanted]
    there = {(item["PK"]["S"], item["SK"]["S"]) for item in items.batch_get(keys).items} if keys else set[object]()
    lacking = [(image, sk) for image, sk in wanted if (f"IMAGE#{image.image_id}", sk) not in there]
    waiting = {name for name in {image.image_id for image, _ in lacking} if remaining(items, image_id=name)}
    return ((image, sk) for image, sk in lacking if image.image_id in waiting)


def places_lacking(items: ItemStore, images: Collection[CopiedImage]) -> str:
    """Why nothing of a table may be embedded now, given all images copied into it; empty when all places are there."""
    missing = [f"{image.image_id} {sk}" for image, sk in missing_places(items, images)]
    if not missing:
        return ""
    return (
        f"{len(missing):,} places of copied images are not there, e.g. {missing[0]} is not there: it was copied, and "
        "somebody deleted it. Nothing is embedded before its place, and the workflows take the whole table. "
        "Repair: restore the place or roll the image back, then the same command"
    )
