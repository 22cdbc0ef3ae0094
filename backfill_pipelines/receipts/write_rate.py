"""The share of the write rate that the last run of a table has reached, so that the next one does not begin anew.

A backfill is many runs; each of them would begin at a quarter. What is older than a few minutes says nothing about
who uses the table now.
"""

import sqlalchemy as sa

from backfill_pipelines.stores.control import ControlStore, insert_missing, store_time

FIRST_SHARE = 0.25
FRESH_SECONDS = 600.0

TABLES = sa.MetaData()
RATES = sa.Table(
    "receipts_write_rates",
    TABLES,
    sa.Column("table_name", sa.Text, primary_key=True),
    sa.Column("share", sa.Float, nullable=False),
    sa.Column("at", sa.Float, nullable=False),
)


def share_to_begin_with(control: ControlStore, table: str) -> float:
    """The share of the latest run, if it has just ended; a quarter otherwise."""
    control.ensure(TABLES)
    with control.transaction() as connection:
        row = connection.execute(sa.select(RATES).where(RATES.c.table_name == table)).first()
        is_fresh = row is not None and store_time(connection) - row.at <= FRESH_SECONDS
    return float(row.share) if row is not None and is_fresh else FIRST_SHARE


def remember_share(control: ControlStore, table: str, share: float) -> None:
    """Keep the share of a run at its end."""
    control.ensure(TABLES)
    with control.transaction() as connection:
        now = store_time(connection)
        insert_missing(connection, RATES, [{"table_name": table, "share": share, "at": now}])
        connection.execute(RATES.update().where(RATES.c.table_name == table).values(share=share, at=now))
