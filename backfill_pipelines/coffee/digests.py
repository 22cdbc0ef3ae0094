"""Digests of tables: equal when the rows say the same, whatever was inserted when, in which order and by which run."""

import hashlib
import uuid
from collections.abc import Mapping

from backfill_pipelines.stores.postgres import Connection, execute

#: Natural key of each table; rows are digested in its order.
_KEYS: Mapping[str, str] = {
    "coffees": 'source_id, platform_product_id COLLATE "C"',
    "variants": 'coffee_id, platform_variant_id COLLATE "C"',
    "prices": "variant_id, scraped_at",
    "price_corrections": "price_id, backfill_run_id",
    "product_artifacts": "source_id, platform_product_id, observed_at",
    "variant_observations": "product_artifact_id, platform_variant_id",
    "scrape_artifacts": "source_id, url, observed_at, body_sha256",
    "quarantine": "artifact_id, platform_product_id, platform_variant_id, reason",
    "field_overrides": "coffee_id, field",
}
STATE_TABLES = ("coffees", "variants", "prices")
_SURROGATES = ("prices", "price_corrections", "quarantine")
_NEVER = ("created_at", "updated_at", "backfill_run_id")
_ROWS_AT_ONCE = 5_000


def table_digest(connection: Connection, table: str, *, roaster_id: uuid.UUID | None = None) -> str:
    """SHA-256 over the rows as canonical JSON, in the order of the natural key.

    Left out: numbers that the database gives, times of writing, and the run that wrote.

    Args:
        connection: In a transaction, since the rows are read through a cursor.
        table: One of the tables that have a digest.
        roaster_id: Only this roaster's rows, of a table that has them.
    """
    dropped = [*_NEVER, *(["id"] if table in _SURROGATES else [])]
    only = "WHERE roaster_id = %(roaster)s" if roaster_id else ""
    text = f"SELECT (to_jsonb(t) - %(dropped)s::text[])::text FROM {table} t {only} ORDER BY {_KEYS[table]}"
    found = hashlib.sha256()
    with connection.cursor(name=f"digest_{table}") as cursor:
        cursor.itersize = _ROWS_AT_ONCE
        for (row,) in cursor.execute(text.encode(), {"dropped": dropped, "roaster": roaster_id}):
            found.update(row.encode() + b"\n")
    return found.hexdigest()


def state_digest(connection: Connection) -> str:
    """One digest of coffees, variants and prices."""
    parts = [table_digest(connection, table) for table in STATE_TABLES]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def price_row_digest(connection: Connection, up_to_id: int) -> tuple[int, str]:
    """Number and digest of the price rows up to an id, as they are stored: they never change.

    Order-free, so that the server can compute it over millions of rows: the sum of the rows' hashes.
    """
    statement = (
        "SELECT count(*), COALESCE(sum(hashtextextended(p::text, 0)::numeric), 0)::text FROM prices p"
        " WHERE p.id <= %(last)s"
    )
    rows = execute(connection, statement, {"last": up_to_id}).fetchall()
    return rows[0][0], rows[0][1]


def state_rows(connection: Connection) -> Mapping[str, tuple[int, str]]:
    """Number and order-free digest of all rows, by table of state."""
    found: dict[str, tuple[int, str]] = {}
    for table in STATE_TABLES:
        statement = f"SELECT count(*), COALESCE(sum(hashtextextended(t::text, 0)::numeric), 0)::text FROM {table} t"
        (row,) = execute(connection, statement).fetchall()
        found[table] = (row[0], row[1])
    return found
