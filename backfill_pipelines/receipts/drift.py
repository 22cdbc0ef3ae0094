"""Does the table still have the metadata rows of its manifest? A count, cheap enough to be made between two waves.

The count is the index by TYPE's, a few read units for a thousand rows, where an inventory reads the whole table; rows
without TYPE, which that index does not hold, are taken as the manifest has them. It is made again once the newest one,
the inventory's included, is a quarter of an hour old: a wave is many runs, and each of them asks.
"""

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from backfill_pipelines.receipts import metadata as source
from backfill_pipelines.receipts.manifest import Manifest
from backfill_pipelines.stores.control import ControlStore, insert_missing
from backfill_pipelines.stores.items import ItemStore, Query

COUNT_AGAIN = timedelta(minutes=15)
TYPE_INDEX = "GSITYPE"

TABLES = sa.MetaData()
COUNTS = sa.Table(
    "receipts_metadata_counts",
    TABLES,
    sa.Column("table_name", sa.Text, primary_key=True),
    sa.Column("rows", sa.Integer, nullable=False),
    sa.Column("at", sa.Text, nullable=False),
)


def metadata_rows_now(
    control: ControlStore, items: ItemStore, manifest: Manifest, now: datetime | None = None
) -> int | None:
    """The metadata rows of the manifest's table, to be compared with what it scanned.

    None while its own count is young, and for a manifest that does not say how many of its rows have a TYPE.

    Raises:
        ItemStoreError: the index cannot be counted.
    """
    moment = now or datetime.now(UTC)
    if manifest.metadata_with_type is None or moment - manifest.taken_at <= COUNT_AGAIN:
        return None
    control.ensure(TABLES)
    found = _remembered(control, manifest, moment)
    if found is None:
        found = items.count(Query(("TYPE", source.TYPE), index=TYPE_INDEX))
        _remember(control, manifest.table, found, moment)
    return manifest.scanned_metadata - manifest.metadata_with_type + found


def _remembered(control: ControlStore, manifest: Manifest, now: datetime) -> int | None:
    """A count that is newer than the manifest, and young."""
    with control.transaction() as connection:
        row = connection.execute(sa.select(COUNTS).where(COUNTS.c.table_name == manifest.table)).first()
    at = datetime.fromisoformat(row.at) if row else manifest.taken_at
    return int(row.rows) if row and manifest.taken_at < at and abs(now - at) <= COUNT_AGAIN else None


def _remember(control: ControlStore, table: str, rows: int, now: datetime) -> None:
    said = {"rows": rows, "at": now.isoformat()}
    with control.transaction() as connection:
        insert_missing(connection, COUNTS, [{"table_name": table, **said}])
        connection.execute(COUNTS.update().where(COUNTS.c.table_name == table).values(**said))
