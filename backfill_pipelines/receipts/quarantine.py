"""Quarantined records: which there are, and how they are taken up again once their cause is mended."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from backfill_pipelines.backfill.failures import BackfillError
from backfill_pipelines.receipts.fetch_report import FetchReport
from backfill_pipelines.receipts.ledger import Entry
from backfill_pipelines.receipts.migration_context import Migration, run_id_of, writer_lease
from backfill_pipelines.receipts.outcomes import REASONS, Outcome, Reason
from backfill_pipelines.receipts.place_fetching import fetch_places, places_limit
from backfill_pipelines.receipts.places_cache import NEGATIVE


@dataclass(frozen=True)
class Reopened:
    """The records that the next run takes up, and what the API said anew of their ids."""

    records: tuple[Entry, ...]
    fetch: FetchReport | None = None


def quarantined(migration: Migration, reasons: Iterable[Reason] = ()) -> list[Entry]:
    """The quarantined records of the plan, of some reasons or all, in the order of all work."""
    wanted = set(reasons)
    entries = migration.ledger.entries().values()
    return [e for e in entries if e.outcome is Outcome.QUARANTINED and (not wanted or Reason(e.reason) in wanted)]


def reopen(migration: Migration, reason: Reason, *, may_fetch: bool) -> Reopened:
    """Let the next run take the records of a reason up again.

    Nothing was written for them, so nothing is lost. A negative answer in the cache stays, and sets a record whose
    place id was not corrected aside again: with ``may_fetch`` the API is asked anew, on budget.

    Raises:
        BackfillError: it is no reason of a quarantined record.
        LeaseTaken: somebody writes at the moment.
    """
    if reason not in REASONS[Outcome.QUARANTINED]:
        known = ", ".join(sorted(REASONS[Outcome.QUARANTINED]))
        raise BackfillError(f"no record is quarantined as {reason}. Repair: name one of {known}")
    with writer_lease(migration.control, migration.table, "quarantine retry", f"reopening {reason}"):
        found = quarantined(migration, [reason])
        report = _asked_anew(migration, found, reason) if may_fetch and str(reason) in NEGATIVE else None
        migration.ledger.forget([entry.key for entry in found])
    return Reopened(tuple(found), report)


def _asked_anew(migration: Migration, entries: Sequence[Entry], reason: Reason) -> FetchReport:
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
