"""``backfill coffee demo``."""

from backfill_pipelines import cli_coffee_operations as _operations
from backfill_pipelines.cli_coffee import coffee_app

__all__ = ["coffee_app"]

del _operations
