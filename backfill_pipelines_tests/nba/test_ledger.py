"""What the run history says of a run that ended in an exception."""

import pytest

from backfill_pipelines.backfill.failures import GateNotMeasured, StoreBusy, StoreError
from backfill_pipelines.nba.ledger import crash_category


@pytest.mark.parametrize(
    ("error", "category"),
    [
        (StoreError("DuckDB refused a statement: IO Error"), "INFRASTRUCTURE"),
        (StoreBusy("another process holds the file"), "INFRASTRUCTURE"),
        (TimeoutError("timed out"), "INFRASTRUCTURE"),
        (ConnectionResetError("reset by peer"), "INFRASTRUCTURE"),
        (OSError(28, "No space left on device"), "RESOURCE_EXHAUSTION"),
        (MemoryError(), "RESOURCE_EXHAUSTION"),
        (StoreError("Out of Memory Error: failed to allocate"), "RESOURCE_EXHAUSTION"),
        (StoreError("403 Quota exceeded: loads for table"), "RESOURCE_EXHAUSTION"),
        (KeyError("points"), "PROCESSING_ERROR"),
        (ZeroDivisionError("division by zero"), "PROCESSING_ERROR"),
        (TypeError("no number"), "PROCESSING_ERROR"),
        (GateNotMeasured("gate zones_add_up gave no measurement"), "PROCESSING_ERROR"),
    ],
)
def test_a_crash_is_told_apart_by_what_trying_again_would_change(error: Exception, category: str) -> None:
    """A mistake of ours stops the backfill; called INFRASTRUCTURE it would be tried again, date after date."""
    assert crash_category(error) == category
