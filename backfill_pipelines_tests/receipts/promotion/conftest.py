"""A promotion's target that no other test has touched."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from backfill_pipelines_tests.receipts.promotion.copy_world import Copying, copying


@pytest.fixture
def target(ministack_endpoint: str, tmp_path: Path) -> Iterator[Copying]:
    """An empty table and an empty ledger."""
    with copying(ministack_endpoint, tmp_path) as made:
        yield made
