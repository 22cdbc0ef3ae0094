"""What tests of several packages share: the embedded servers, one of a kind for the whole session."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import URL

from backfill_pipelines_tests.coffee.databases import fresh_database, running_server
from backfill_pipelines_tests.stores.item_servers import running_ministack, served


@pytest.fixture(scope="session")
def ministack_state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state folder in which the embedded server runs once ``ministack_endpoint`` was asked for."""
    return tmp_path_factory.mktemp("ministack")


@pytest.fixture(scope="session")
def ministack_endpoint(ministack_state: Path) -> Iterator[str]:
    """URL of the embedded server of items; tests that need it are skipped where it cannot be installed."""
    yield from served(running_ministack(ministack_state / "aws"))


@pytest.fixture(scope="session")
def postgres_folder() -> Iterator[Path]:
    """Folder of the embedded PostgreSQL of this session."""
    with running_server() as folder:
        yield folder


@pytest.fixture(params=["sqlite", "postgresql"])
def control_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """URL of an empty control store of each kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/deep/folder/control.db"
        return
    with fresh_database(request.getfixturevalue("postgres_folder"), "template1") as database:
        said = conninfo_to_dict(database.conninfo())
        query = {"host": str(said["host"]), "port": str(said["port"])}
        url = URL.create("postgresql+psycopg", str(said["user"]), database=database.database, query=query)
        yield url.render_as_string(hide_password=False)
