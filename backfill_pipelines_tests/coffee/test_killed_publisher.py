"""A process that is killed while it publishes leaves nothing half done, and the next one ends in the same state."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from backfill_pipelines.coffee.digests import state_digest
from backfill_pipelines.coffee.model import Source
from backfill_pipelines.coffee.publishing import Counts
from backfill_pipelines.stores.postgres import Postgres
from backfill_pipelines_tests.coffee.databases import fresh_database
from backfill_pipelines_tests.coffee.observed import StagedBody, add_shop, at, body, product, publish_all, rows, shop

#: Publishes the second capture and kills itself right after one of the statements.
KILLED = """
import os, signal, sys
from backfill_pipelines.coffee import publishing
from backfill_pipelines.stores.postgres import Postgres
from backfill_pipelines_tests.coffee.observed import publish_all, shop
from backfill_pipelines_tests.coffee.test_killed_publisher import second
run_file, step = publishing.run_file, sys.argv[3]
def killing(connection, name, *values):
    found = run_file(connection, name, *values)
    if name == step:
        os.kill(os.getpid(), signal.SIGKILL)
    return found
publishing.run_file = killing
publish_all(Postgres(embedded=sys.argv[1], database=sys.argv[2]), second(shop("blue-tokai")))
"""
STEPS = (
    "publish/product_artifacts",
    "publish/variant_observations",
    "publish/prices",
    "publish/apply_coffees",
    "publish/apply_variants",
    "history_rules/catalogue_drops",
)


def first(source: Source) -> StagedBody:
    return body(source, at(1), [product("1", {"11": "100"}), product("2", {"21": "50"})])


def second(source: Source) -> StagedBody:
    return body(source, at(8), [product("1", {"11": "170", "12": "5"}, slug="b"), product("3", {"31": "9"})])


def digest(postgres: Postgres) -> str:
    with postgres.connect("test") as connection:
        return state_digest(connection)


@pytest.fixture(scope="module")
def uninterrupted(postgres_folder: Path) -> tuple[str, str]:
    """The digests after the first and after both captures."""
    source = shop("blue-tokai")
    with fresh_database(postgres_folder) as database:
        add_shop(database, source)
        publish_all(database, first(source))
        before = digest(database)
        publish_all(database, second(source))
        return before, digest(database)


@pytest.mark.parametrize("step", STEPS)
def test_a_killed_publisher_leaves_nothing_half_done(
    postgres: Postgres, uninterrupted: tuple[str, str], step: str
) -> None:
    source = shop("blue-tokai")
    add_shop(postgres, source)
    publish_all(postgres, first(source))
    command = [sys.executable, "-c", KILLED, str(postgres.embedded), postgres.database, step]
    root = Path(__file__).parents[2]
    assert subprocess.run(command, check=False, timeout=300, cwd=root).returncode == -signal.SIGKILL
    assert digest(postgres) == uninterrupted[0]
    assert rows(postgres, "SELECT observed_at FROM product_artifacts WHERE observed_at > %s", at(1)) == []
    assert publish_all(postgres, second(source)).prices == 3
    assert digest(postgres) == uninterrupted[1]
    assert publish_all(postgres, second(source)) == Counts()
