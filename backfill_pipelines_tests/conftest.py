"""What tests of several packages share: the embedded server of items, one for the whole session."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from backfill_pipelines_tests.stores.item_servers import running_ministack, served


@pytest.fixture(scope="session")
def ministack_state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state folder in which the embedded server runs once ``ministack_endpoint`` was asked for."""
    return tmp_path_factory.mktemp("ministack")


@pytest.fixture(scope="session")
def ministack_endpoint(ministack_state: Path) -> Iterator[str]:
    """URL of the embedded server of items; tests that need it are skipped where it cannot be installed."""
    yield from served(running_ministack(ministack_state / "aws"))
