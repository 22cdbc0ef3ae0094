"""The HTTP attempts of a plan, over all of its runs, dry runs and revisions, as the call ledger has them."""

from collections.abc import Collection
from decimal import Decimal

from backfill_pipelines.receipts.call_ledger import MICROS, CallLedger
from backfill_pipelines.receipts.call_rows import CallState
from backfill_pipelines.receipts.ledger_gates import Attempt
from backfill_pipelines.receipts.plans import is_dry_run_of


def attempts_in(ledger: CallLedger, plan_id: str, runs: Collection[str]) -> list[Attempt]:
    """Attempts of the plan's runs and dry runs, oldest first; one released without an answer was never sent."""
    found = [row for row in ledger.calls() if row.run_id in runs or is_dry_run_of(row.run_id, plan_id)]
    rows = [row for row in found if row.http_status is not None or row.state != CallState.RELEASED]
    return [
        Attempt(row.place_id, row.run_id, row.http_status, row.state != CallState.RELEASED, Decimal(row.price) / MICROS)
        for row in rows
    ]
