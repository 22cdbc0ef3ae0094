"""A receipts table that no other test has touched."""

from pathlib import Path

import pytest

from backfill_pipelines_tests.receipts.receipt_tables import ReceiptsPlace


@pytest.fixture
def receipts(ministack_endpoint: str, ministack_state: Path, tmp_path: Path) -> ReceiptsPlace:
    """An empty table and an empty folder of objects."""
    return ReceiptsPlace(ministack_endpoint, ministack_state, tmp_path / "objects")
