"""A migrated coffee database that no other test has touched, and a roaster with its shop feed in it."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from backfill_pipelines.coffee.model import Source, natural_id
from backfill_pipelines.stores.postgres import Postgres, execute
from backfill_pipelines_tests.coffee.coffee_world import CoffeeWorld
from backfill_pipelines_tests.coffee.databases import fresh_database
from backfill_pipelines_tests.coffee.stored_world import World


@pytest.fixture
def postgres(postgres_folder: Path) -> Iterator[Postgres]:
    """A migrated database of its own."""
    with fresh_database(postgres_folder) as database:
        yield database


@pytest.fixture
def empty_postgres(postgres_folder: Path) -> Iterator[Postgres]:
    """A database without a schema."""
    with fresh_database(postgres_folder, "template1") as database:
        yield database


@pytest.fixture
def roaster(postgres: Postgres) -> uuid.UUID:
    """A roaster in the database, Blue Tokai."""
    found = natural_id("roaster:blue-tokai")
    with postgres.connect("test") as connection:
        execute(
            connection,
            "INSERT INTO roasters (id, slug, name, website, platform) VALUES (%s, %s, %s, %s, %s)",
            (found, "blue-tokai", "Blue Tokai", "https://bluetokaicoffee.com", "shopify"),
        )
    return found


@pytest.fixture
def source(postgres: Postgres, roaster: uuid.UUID) -> Source:
    """Its shop feed in the database."""
    url = "https://bluetokaicoffee.com"
    found = Source(natural_id(f"source:blue-tokai:{url}"), roaster, "blue-tokai", url, "shopify", "INR")
    with postgres.connect("test") as connection:
        execute(
            connection,
            "INSERT INTO product_sources (id, roaster_id, base_url, platform, currency) VALUES (%s, %s, %s, %s, %s)",
            (found.id, roaster, url, found.platform, found.currency),
        )
    return found


@pytest.fixture
def world(postgres: Postgres, source: Source) -> Iterator[World]:
    with postgres.connect("test") as connection:
        execute(connection, "UPDATE roasters SET active_from = '2025-09-01', active_to = '2025-10-05'")
        yield World(connection, source)
        connection.rollback()


@pytest.fixture
def coffee(postgres: Postgres, source: Source, tmp_path: Path) -> Iterator[CoffeeWorld]:
    with dg.DagsterInstance.ephemeral() as instance:
        found = CoffeeWorld(postgres, source, tmp_path, instance)
        yield found
        found.control.close()
