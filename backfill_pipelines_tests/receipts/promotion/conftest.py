"""A promotion's target that no other test has touched."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from backfill_pipelines_tests.receipts.promotion.copy_world import Copying, copying
from backfill_pipelines_tests.receipts.promotion.desk import Desk, desk_of


@pytest.fixture
def target(ministack_endpoint: str, tmp_path: Path) -> Iterator[Copying]:
    """An empty table and an empty ledger."""
    with copying(ministack_endpoint, tmp_path) as made:
        yield made


@pytest.fixture(scope="module")
def state(ministack_state: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One state folder for all tests of a module: making a Dagster home takes seconds."""
    folder = tmp_path_factory.mktemp("state")
    (folder / "aws").symlink_to(ministack_state / "aws")
    return folder


@pytest.fixture
def desk(ministack_endpoint: str, tmp_path: Path, state: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """An operator's environment, with an empty target."""
    with desk_of(ministack_endpoint, tmp_path, state, monkeypatch) as made:
        yield made
