"""Claims: which process fetches a place id at the moment, so that no two of them call for the same one.

A claim is held by a session, which is a lease of the process; it ends with the session, however that ends.
"""

from collections.abc import Iterable, Sequence

import sqlalchemy as sa

from backfill_pipelines.stores.control import insert_missing
from backfill_pipelines.stores.leases import alive_among

TABLES = sa.MetaData()
CLAIMS = sa.Table(
    "receipts_place_claims",
    TABLES,
    sa.Column("place_id", sa.Text, primary_key=True),
    sa.Column("session", sa.Text, nullable=False, index=True),
)


def claim(connection: sa.Connection, session: str, place_ids: Sequence[str]) -> set[str]:
    """Claim ids for a session; gives those that it has now, the others are somebody else's."""
    if not place_ids:
        return set()
    ours = sa.select(CLAIMS.c.place_id).where(CLAIMS.c.place_id.in_(place_ids), CLAIMS.c.session == session)
    rows = [{"place_id": place_id, "session": session} for place_id in sorted(place_ids)]
    insert_missing(connection, CLAIMS, rows)
    claimed = set(connection.execute(ours).scalars())
    if len(claimed) < len(rows) and _drop_dead(connection, place_ids):
        insert_missing(connection, CLAIMS, rows)
        claimed = set(connection.execute(ours).scalars())
    return claimed


def release(connection: sa.Connection, session: str, place_ids: Iterable[str]) -> None:
    """Give ids back."""
    if ids := list(place_ids):
        connection.execute(CLAIMS.delete().where(CLAIMS.c.place_id.in_(ids), CLAIMS.c.session == session))


def release_all(connection: sa.Connection, session: str) -> None:
    """Give everything of a session back."""
    connection.execute(CLAIMS.delete().where(CLAIMS.c.session == session))


def _drop_dead(connection: sa.Connection, place_ids: Sequence[str]) -> bool:
    """Delete the claims of sessions that are gone; whether there were any."""
    holders = sa.select(CLAIMS.c.session).where(CLAIMS.c.place_id.in_(place_ids)).distinct()
    sessions = set(connection.execute(holders).scalars())
    dead = sessions - alive_among(connection, sessions)
    if dead:
        connection.execute(CLAIMS.delete().where(CLAIMS.c.session.in_(sorted(dead))))
    return bool(dead)
