"""Quarantined records: which they are by reason, and reopening them once their cause is corrected."""

from backfill_pipelines.receipts.keys import RecordKey
from backfill_pipelines.receipts.ledger import RecordLedger
from backfill_pipelines.receipts.outcomes import Outcome, Reason


def quarantined(ledger: RecordLedger, reason: Reason) -> list[RecordKey]:
    """The records set aside for a reason, in the order of all work."""
    entries = ledger.entries().items()
    return [key for key, entry in entries if entry.outcome is Outcome.QUARANTINED and entry.reason == reason]


def reopen(ledger: RecordLedger, reason: Reason) -> list[RecordKey]:
    """Let the next run take them up again. Nothing was written for them, so nothing is lost.

    A negative answer in the cache stays: a record whose place id was not corrected is set aside again, without a call.
    """
    found = quarantined(ledger, reason)
    ledger.forget(found)
    return found
