"""Quarantined records: which there are, and how they are taken up again once their cause is corrected."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from backfill_pipelines.receipts.fetch_report import FetchReport
from backfill_pipelines.receipts.ledger import Entry, RecordLedger
from backfill_pipelines.receipts.migration_context import Migration, run_id_of
from backfill_pipelines.receipts.outcomes import Outcome, Reason
from backfill_pipelines.receipts.place_fetching import fetch_places, places_limit


def quarantined(ledger: RecordLedger, reasons: Iterable[Reason] = ()) -> list[Entry]:
    """The records set aside, for some reasons or any, in the order of all work."""
    wanted = set(reasons)
    entries = ledger.entries().values()
    return [e for e in entries if e.outcome is Outcome.QUARANTINED and (not wanted or Reason(e.reason) in wanted)]


def reopen(ledger: RecordLedger, reason: Reason) -> list[Entry]:
    """Let the next run take them up again. Nothing was written for them, so nothing is lost.

    A negative answer in the cache stays: a record whose place id was not corrected is set aside again, without a call,
    unless the API was asked anew (``ask_anew``).
    """
    found = quarantined(ledger, [reason])
    ledger.forget([entry.key for entry in found])
    return found


def ask_anew(migration: Migration, entries: Sequence[Entry], reason: Reason) -> FetchReport:
    """Ask the API again for ids of which it said that they have no place, within rate and budget."""
    return fetch_places(
        [entry.place_id for entry in entries],
        run_id=run_id_of(migration, f"quarantine retry {datetime.now(UTC).isoformat()}"),
        cache=migration.cache,
        client=migration.places.client(),
        ledger=migration.call_ledger(),
        limiter=places_limit(migration.control, migration.settings),
        settings=migration.settings,
        ask_again=frozenset({reason}),
    )
