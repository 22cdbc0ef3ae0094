"""The gates of a wave between ledger, source and table: do all counts add up, is the source as it was, who wrote what?

Pure, as ``table_gates``, whose ``Audit`` they read.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from backfill_pipelines.receipts.fetch_report import OF_REASON, HttpCounts, IdOutcome
from backfill_pipelines.receipts.gate_results import GateResult, GateVerdict, exact, not_applicable, ratio
from backfill_pipelines.receipts.keys import RecordKey
from backfill_pipelines.receipts.metadata import Eligibility, Metadata, eligibility
from backfill_pipelines.receipts.outcomes import Outcome, Reason, Totals, imbalances
from backfill_pipelines.receipts.place_reading import Existing
from backfill_pipelines.receipts.ratio_gates import judge
from backfill_pipelines.receipts.table_gates import Audit
from backfill_pipelines.receipts.wave_gates import Calls, key_of

RECONCILE, INTACT, MATCHES = "totals_reconcile", "metadata_intact", "ledger_matches_table"
DUAL_WRITE, DURATION = "dual_write", "duration"
MOST_MISSED = 0.01
LONGEST = timedelta(days=14)

WORDS: Mapping[str, str] = {
    RECONCILE: "Scanned rows, records, place ids, attempts and places: every equation of the counts holds exactly.",
    INTACT: "The metadata rows are what the manifest says; changes by the live application are listed.",
    MATCHES: "The places that carry the mark of a run are those that the ledger says it wrote.",
    DUAL_WRITE: "Of the receipts created since the plan began, at least 99 % got their place from the application.",
    DURATION: "How long the migration has taken; more than two weeks is a warning.",
}


@dataclass(frozen=True)
class Attempt:
    """One HTTP attempt of a run of the plan; status None is no answer."""

    place_id: str
    run_id: str
    http_status: int | None
    #: Settled, reserved or uncertain: on the bill, or it may be.
    is_counted: bool
    usd: Decimal


def calls_of(attempts: Sequence[Attempt]) -> Calls:
    """Place ids that were called, and those whose last attempt ended without an answer about the place."""
    last = {attempt.place_id: attempt for attempt in attempts}
    exhausted = [place_id for place_id, attempt in last.items() if not _is_answered(attempt.http_status)]
    return Calls(len(last), tuple(sorted(exhausted)))


def totals_reconcile(audit: Audit, attempts: Sequence[Attempt], cached: Mapping[str, Reason | None]) -> GateResult:
    """All equations over the waves so far.

    Args:
        audit: The table, manifest and ledger.
        attempts: Attempts of the plan's runs, oldest first.
        cached: What the cache says of place ids: the reason why one has no place, None for a place.
    """
    totals = count_totals(audit, attempts, cached)
    faults = [str(fault) for fault in imbalances(totals)]
    repair = (
        "a count that does not add up is a record, call or place that nobody accounts for: run the same wave again, "
        "which reads back what is not known; if it stays red, compare ledger and table by the names in the other gates"
    )
    text = f"{totals.eligible:,} eligible records, {totals.http_attempts:,} attempts, {totals.places_after:,} places"
    return exact(RECONCILE, text, faults, repair, **vars(totals))


def count_totals(audit: Audit, attempts: Sequence[Attempt], cached: Mapping[str, Reason | None]) -> Totals:
    """Every count of the waves so far, each from its own source."""
    place_ids = _place_ids(audit)
    outcomes = Counter(_outcome(audit, key) for key in place_ids)
    eligible_everywhere = sum(row.eligible for row in audit.rows)
    http = HttpCounts()
    for attempt in attempts:
        http.count(attempt.http_status)
    return Totals(
        # What the waves to come have left stands on neither side of the first equation.
        scanned_metadata=audit.manifest.scanned_metadata - eligible_everywhere + len(place_ids),
        eligible=len(place_ids),
        ineligible=len(audit.rows) - eligible_everywhere,
        malformed=sum(audit.manifest.malformed_by_reason.values()),
        **{str(outcome): outcomes[outcome] for outcome in Outcome},
        **_id_counts(audit, set(place_ids.values()), attempts_by_id(attempts), cached),
        http_attempts=len(attempts),
        http_200=http.http_200,
        http_4xx=http.http_4xx,
        http_429=http.http_429,
        http_5xx=http.http_5xx,
        http_no_answer=http.http_no_answer,
        **_place_counts(audit),
    )


def attempts_by_id(attempts: Iterable[Attempt]) -> dict[str, Attempt]:
    """The last attempt of each place id."""
    return {attempt.place_id: attempt for attempt in attempts}


def ledger_matches_table(audit: Audit) -> GateResult:
    """Marks in the table against written entries of the ledger; what the application changed since is listed."""
    places, metadata = audit.table.place_by_key, audit.metadata_by_key
    written = {key: entry for key, entry in audit.entries.items() if entry.is_written}
    stray = [
        f"{place.name}: mark of {place.mark.run_id if place.mark else ''}, not in the ledger"
        for place in audit.ours
        if place.key not in written or written[place.key].run_id != (place.mark.run_id if place.mark else "")
    ]
    gone = [key for key in written if key not in places]
    lost = [f"{key.name}: {written[key].outcome} by {written[key].run_id}, gone" for key in gone if key in metadata]
    taken_over = [key.name for key in written if key in places and places[key].mark is None]
    text = f"{len(audit.ours):,} marks, {len(written):,} written by the ledger"
    if taken_over:
        text += f"; {len(taken_over):,} written by others since: {', '.join(taken_over[:5])}"
    repair = (
        "a mark without an entry is from another control store: use that one (BACKFILL_CONTROL_URL), or delete the "
        "place; a place that is gone is written again by backfill receipts run --image-id ID --apply --fetch"
    )
    values = {"marks": len(audit.ours), "written": len(written), "written_by_others_since": len(taken_over)}
    return exact(MATCHES, text, [*stray, *lost], repair, **values)


def metadata_intact(audit: Audit) -> GateResult:
    """Rows against the manifest: a change is the application's own when the row says so by a later timestamp."""
    known = {key_of(row): row for row in audit.rows}
    found = audit.metadata_by_key
    changed = [key for key, row in known.items() if key in found and found[key].source_digest != row.source_digest]
    live = {key for key in changed if _is_later(found[key], audit.manifest.taken_at)}
    gone = [key for key in known if key not in found]
    deleted = {key for key in gone if audit.manifest.requires_receipt and key not in audit.table.receipts}
    new = [key for key in found if key not in known]
    faults = [
        f"{key.name}: changed, though its timestamp is older than the manifest" for key in changed if key not in live
    ]
    faults += [f"{key.name}: gone, though its receipt is there" for key in gone if key not in deleted]
    text = (
        f"{len(known):,} rows; by the application since: {len(new):,} new, {len(live):,} changed, {len(deleted):,} "
        "deleted with their receipt"
    )
    named = ", ".join(key.name for key in [*new, *sorted(live), *sorted(deleted)][:10])
    repair = (
        "this project never writes a metadata row: find out who did (point-in-time recovery shows the row before), "
        "restore it, then backfill receipts inventory"
    )
    return exact(
        INTACT, text + (f": {named}" if named else ""), faults, repair, rows=len(known), new=len(new), changed=len(live)
    )


def dual_write(audit: Audit) -> GateResult:
    """Records that appeared since the plan began: the application itself must have given them their place."""
    known = {key_of(row) for row in audit.rows if row.existing == Existing.NONE}
    created = [row for row in audit.table.metadata if _is_later(row, audit.started_at) and _is_eligible(row)]
    places = audit.table.place_by_key
    missed = [row for row in created if not (place := places.get(row.key)) or place.mark is not None]
    values = {"created_since": len(created), "known_without_place": sum(row.key in known for row in created)}
    if not created:
        text = f"not_applicable: 0 receipts were created since {audit.started_at:%Y-%m-%d %H:%M} UTC"
        return not_applicable(DUAL_WRITE, text, **values)
    named = [f"{row.key.name}: {'ours' if row.key in places else 'no place'}" for row in missed]
    repair = (
        "the application does not write places for these receipts: see its dual-write errors. The receipts themselves "
        "are filled by the next inventory and run"
    )
    return ratio(DUAL_WRITE, judge(len(missed), len(created), MOST_MISSED), named, repair, **values)


def duration(audit: Audit) -> GateResult:
    """Days since the plan was made; never red."""
    elapsed = audit.now - audit.started_at
    days = elapsed.total_seconds() / 86_400
    text = f"{days:.1f} days since {audit.started_at:%Y-%m-%d %H:%M} UTC"
    warning = f"; warning: longer than {LONGEST.days} days" if elapsed > LONGEST else ""
    return GateResult(DURATION, GateVerdict.PASS, text + warning, {"days": round(days, 2), "is_late": bool(warning)})


def _outcome(audit: Audit, key: RecordKey) -> Outcome | None:
    """None is an intent of which nothing is known, which no equation has a place for."""
    entry = audit.entries.get(key)
    return Outcome.NOT_ATTEMPTED if entry is None else entry.outcome


def _place_ids(audit: Audit) -> dict[RecordKey, str]:
    """The records that the equations are about: the eligible ones of the waves so far, and all that the ledger knows.

    A record may have left the manifest after it was settled.
    """
    found = {key: entry.place_id for key, entry in audit.entries.items()}
    buckets = audit.scope.buckets
    return found | {key_of(row): row.place_id for row in audit.rows if row.eligible and row.bucket in buckets}


def _id_counts(
    audit: Audit, place_ids: set[str], last: Mapping[str, Attempt], cached: Mapping[str, Reason | None]
) -> dict[str, int]:
    """What became of each place id; one that nobody took up is counted in the sum alone."""
    parked = {entry.place_id for entry in audit.entries.values() if entry.outcome is Outcome.PARKED}
    counts: Counter[IdOutcome] = Counter()
    for place_id in place_ids:
        if place_id in cached:
            reason = cached[place_id]
            settled = IdOutcome.OK if reason is None else OF_REASON[reason]
            counts[settled if place_id in last else IdOutcome.CACHE_FRESH] += 1
        elif place_id in last:
            counts[IdOutcome.FAILED] += 1
        elif place_id in parked:
            counts[IdOutcome.PARKED] += 1
    names = [outcome for outcome in IdOutcome if outcome is not IdOutcome.NOT_ATTEMPTED]
    return {"distinct_place_ids": len(place_ids), **{f"ids_{outcome}": counts[outcome] for outcome in names}}


def _place_counts(audit: Audit) -> dict[str, int]:
    """The places before and after, by whom they came and went."""
    now = audit.table.place_by_key
    before = {key_of(row) for row in audit.rows if row.existing != Existing.NONE}
    created = {key for key, entry in audit.entries.items() if entry.outcome is Outcome.CREATED}
    before -= created & set(now)
    # Places that no metadata row belongs to: the manifest counts them and does not name them.
    unnamed = max(0, audit.manifest.places - sum(row.existing != Existing.NONE for row in audit.rows))
    marked = {place.key for place in audit.ours}
    others = [place for place in audit.table.places if place.key not in before | created | marked]
    removed = len(before - set(now)) + len(created - set(now))
    applied = sum(entry.is_written and bool(entry.kind) for entry in audit.entries.values())
    return {
        "places_before": len(before) + unnamed,
        "places_after": len(audit.table.places),
        "places_by_others": len(others) - unnamed,
        "places_removed_by_others": removed,
        "ledger_applied": applied,
    }


def _is_answered(status: int | None) -> bool:
    return status is not None and status < 500 and status != 429


def _is_eligible(row: Metadata) -> bool:
    return eligibility(row) is Eligibility.ELIGIBLE


def _is_later(row: Metadata, moment: datetime) -> bool:
    """Whether a row says that it was written after a moment; a time without an offset is UTC's."""
    try:
        written = datetime.fromisoformat(row.timestamp)
    except ValueError:
        return False
    return (written if written.tzinfo else written.replace(tzinfo=UTC)) > moment
