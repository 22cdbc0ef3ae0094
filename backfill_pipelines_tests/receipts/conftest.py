"""A receipts table that no other test has touched, and a migration over one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from backfill_pipelines_tests.receipts.receipt_tables import ReceiptsPlace
from backfill_pipelines_tests.receipts.writing_world import World, world


@pytest.fixture
def receipts(ministack_endpoint: str, ministack_state: Path, tmp_path: Path) -> ReceiptsPlace:
    """An empty table and an empty folder of objects."""
    return ReceiptsPlace(ministack_endpoint, ministack_state, tmp_path / "objects")


@pytest.fixture
def here(ministack_endpoint: str, ministack_state: Path, tmp_path: Path) -> Iterator[World]:
    """A migration of an empty table, ready to be loaded and run."""
    with world(ministack_endpoint, ministack_state, tmp_path) as made:
        yield made
