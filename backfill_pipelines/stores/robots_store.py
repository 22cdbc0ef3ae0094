"""The robots.txt of each host as it was last read, in the control store: one reading a day serves all processes."""

from dataclasses import asdict, dataclass

import sqlalchemy as sa

from backfill_pipelines.stores.control import ControlStore, insert_missing

TABLES = sa.MetaData()
ROBOTS = sa.Table(
    "robots_txt",
    TABLES,
    sa.Column("origin", sa.Text, primary_key=True),
    sa.Column("status", sa.Integer, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Column("checked_at", sa.Float, nullable=False),
)


@dataclass(frozen=True)
class StoredRobots:
    """One reading: the body is empty where there is no file; ``checked_at`` in seconds since the epoch."""

    origin: str
    status: int
    body: bytes
    checked_at: float


class RobotsStore:
    """All readings of one control store."""

    def __init__(self, control: ControlStore) -> None:
        self._control = control
        control.ensure(TABLES)

    def get(self, origin: str) -> StoredRobots | None:
        """The last reading of an origin (scheme, name, port); None before the first."""
        with self._control.transaction() as connection:
            row = connection.execute(sa.select(ROBOTS).where(ROBOTS.c.origin == origin)).first()
        return None if row is None else StoredRobots(**row._asdict())

    def put(self, reading: StoredRobots) -> StoredRobots:
        """Keep a reading in place of the one before; gives it back."""
        values = asdict(reading)
        with self._control.transaction() as connection:
            insert_missing(connection, ROBOTS, [values])
            connection.execute(ROBOTS.update().where(ROBOTS.c.origin == reading.origin).values(**values))
        return reading
