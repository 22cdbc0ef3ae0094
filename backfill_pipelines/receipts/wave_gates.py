"""The gates of a wave that the ledger decides: is it done, and are its ratios proven good?

Pure: rows, ledger entries and counts in, results out. Ratios are cumulative over the plan's waves so far, since a
small wave proves nothing; after the last one nothing is left to guess and the plain ratio decides. What is measured
on the table is in ``verification``, what follows from a result in ``decisions``.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from backfill_pipelines.receipts.gate_results import GateResult, exact, ratio
from backfill_pipelines.receipts.keys import RecordKey
from backfill_pipelines.receipts.ledger import Entry
from backfill_pipelines.receipts.manifest import Manifest, Row
from backfill_pipelines.receipts.outcomes import Outcome, Reason
from backfill_pipelines.receipts.place import geohash_of
from backfill_pipelines.receipts.place_building import CONFIDENCES, SUSPICIOUS_CONFIDENCE, Built, Quarantined
from backfill_pipelines.receipts.plans import Plan
from backfill_pipelines.receipts.ratio_gates import judge

CANARY_CLEAN, WAVE_COMPLETE, MALFORMED_RATIO = "canary_clean", "wave_complete", "malformed_ratio"
WITHOUT_PLACE_RATIO, NAME_ADDRESS = "metadata_without_place_ratio", "name_address_match"
ERROR_RATE, WRITE_ERROR_RATE = "error_rate", "write_error_rate"

#: Shares that may fail, each exclusive.
THRESHOLDS: Mapping[str, float] = {
    MALFORMED_RATIO: 0.01,
    WITHOUT_PLACE_RATIO: 0.02,
    NAME_ADDRESS: 0.05,
    ERROR_RATE: 0.01,
    WRITE_ERROR_RATE: 0.01,
}
WORDS: Mapping[str, str] = {
    WAVE_COMPLETE: "Every eligible record of the waves so far is settled: nothing failed, parked, or not attempted.",
    MALFORMED_RATIO: "Fewer than 1 % of the metadata rows cannot be told which receipt they are about.",
    WITHOUT_PLACE_RATIO: "Fewer than 2 % of the records are quarantined or hold another place; those accepted by name "
    "in a decision do not count.",
    NAME_ADDRESS: "Fewer than 5 % of our places disagree with their receipt in name and address.",
    ERROR_RATE: "Fewer than 1 % of the Places calls ended without an answer, all attempts used up.",
    WRITE_ERROR_RATE: "Fewer than 1 % of the attempted records failed.",
}
REPAIRS: Mapping[str, str] = {
    WAVE_COMPLETE: "backfill receipts run --wave N --apply --fetch takes up exactly what is not settled",
    MALFORMED_RATIO: "correct or delete these rows in the table, then backfill receipts inventory",
    WITHOUT_PLACE_RATIO: "correct the place_id of the metadata rows, then backfill receipts quarantine retry "
    "--reason REASON --apply and run the wave again; or accept a record by name: backfill receipts decide N proceed "
    "--accept-record IMAGE_ID/RECEIPT_ID",
    NAME_ADDRESS: "compare the listed receipts with their places; wrong place ids are corrected in the metadata, "
    "never here, and their records rolled back",
    ERROR_RATE: "wait until the Places API answers, then run the wave again: it takes up what failed",
    WRITE_ERROR_RATE: "read the errors of the listed records, then run the wave again: it takes up what failed",
}
_BUILD_ERRORS = frozenset((Reason.INVALID_ITEM, Reason.ITEM_TOO_LARGE))
_CONFIDENCES = frozenset((*CONFIDENCES.values(), SUSPICIOUS_CONFIDENCE))


@dataclass(frozen=True)
class Calls:
    """Calls of the plan's runs, and the place ids that no attempt got an answer for."""

    made: int
    exhausted: tuple[str, ...] = ()


@dataclass(frozen=True)
class WaveScope:
    """The waves of a plan up to one."""

    plan: Plan
    number: int

    @property
    def is_whole(self) -> bool:
        """The wave is the last: what it has measured is the whole population of the plan."""
        return self.number == self.plan.waves[-1].number

    @property
    def buckets(self) -> frozenset[str]:
        """Every bucket of the waves so far."""
        return frozenset(bucket for wave in self.plan.waves[: self.number] for bucket in wave.buckets)


def judge_wave(
    scope: WaveScope,
    manifest: Manifest,
    rows: Sequence[Row],
    entries: Mapping[RecordKey, Entry],
    calls: Calls,
    accepted: Collection[str] = (),
) -> list[GateResult]:
    """All gates that the ledger decides.

    Args:
        scope: Which waves.
        manifest: The inventory that the plan was made from.
        rows: Its rows.
        entries: What the ledger says of the plan's records.
        calls: What the call ledger says of its runs.
        accepted: Records accepted by name, ``image_id/receipt_id``.
    """
    eligible = [key_of(row) for row in rows if row.eligible and row.bucket in scope.buckets]
    found = [entries[key] for key in eligible if key in entries]
    open_records = [_unsettled(key, entries.get(key)) for key in eligible if not _is_settled(entries.get(key))]
    is_whole = scope.is_whole and not open_records
    return [
        exact(
            WAVE_COMPLETE,
            f"{len(eligible) - len(open_records):,} of {len(eligible):,} eligible records are settled",
            open_records,
            REPAIRS[WAVE_COMPLETE].replace("N", str(scope.number), 1),
            eligible=len(eligible),
        ),
        _malformed(manifest),
        without_place_ratio(found, accepted, is_whole=is_whole),
        _name_address(found, is_whole=is_whole),
        _error_rate(calls, is_whole=is_whole),
        _write_error_rate(found, is_whole=is_whole),
    ]


def judge_canary(built: Iterable[tuple[RecordKey, Built | Quarantined]]) -> GateResult:
    """The canary: everything that could be built was, with a confidence that the rules know and the cell of its place.

    A record that the API knows no place for is no build error: the wave gates count it.
    """
    results = list(built)
    culprits = [f"{key.name}: {fault}" for key, result in results if (fault := _fault(result))]
    set_aside = sum(isinstance(result, Quarantined) for _, result in results)
    text = f"{len(results):,} records, {len(results) - set_aside:,} built, {set_aside:,} set aside"
    repair = "correct what the first line names, then backfill receipts run --canary"
    if not results:
        culprits = ["no record was built: a canary of nothing proves nothing"]
    return exact(CANARY_CLEAN, text, culprits, repair, records=len(results), quarantined=set_aside)


def key_of(row: Row) -> RecordKey:
    """The identity of a manifest row."""
    return RecordKey.of(row.image_id, row.receipt_id)


def _fault(result: Built | Quarantined) -> str:
    if isinstance(result, Quarantined):
        return f"{result.reason}: {result.detail}" if result.reason in _BUILD_ERRORS else ""
    place = result.place
    if place.confidence not in _CONFIDENCES:
        return f"confidence {place.confidence} is none of {', '.join(map(str, sorted(_CONFIDENCES)))}"
    stored, right = result.item.get("geohash", {}).get("S", ""), geohash_of(place.latitude, place.longitude)
    return "" if right and stored == right else f"geohash {stored!r} is not {right!r}"


def _is_settled(entry: Entry | None) -> bool:
    return entry is not None and entry.is_settled


def _unsettled(key: RecordKey, entry: Entry | None) -> str:
    if entry is None:
        return f"{key.name}: not attempted"
    return f"{key.name}: {entry.outcome or 'intent without outcome'} {entry.reason} {entry.detail}".rstrip()


def _malformed(manifest: Manifest) -> GateResult:
    counts = manifest.malformed_by_reason
    judged = judge(
        sum(counts.values()), manifest.scanned_metadata, THRESHOLDS[MALFORMED_RATIO], is_whole_population=True
    )
    named = [f"{reason}: {count:,} rows" for reason, count in counts.items()]
    return ratio(MALFORMED_RATIO, judged, named, REPAIRS[MALFORMED_RATIO], f"rows in {manifest.run_id}/malformed.jsonl")


def without_place_ratio(found: Sequence[Entry], accepted: Collection[str], *, is_whole: bool) -> GateResult:
    """Settled records that got no place of their own, but for those accepted by name."""
    settled = [entry for entry in found if entry.is_settled]
    missing = [e for e in settled if e.outcome is Outcome.QUARANTINED or e.reason == Reason.EXISTING_CONFLICT]
    counted = [entry for entry in missing if entry.key.name not in accepted]
    judged = judge(len(counted), len(settled), THRESHOLDS[WITHOUT_PLACE_RATIO], is_whole_population=is_whole)
    waived = len(missing) - len(counted)
    return ratio(
        WITHOUT_PLACE_RATIO,
        judged,
        [f"{entry.key.name}: {entry.reason} {entry.place_id} {entry.detail}".rstrip() for entry in counted],
        REPAIRS[WITHOUT_PLACE_RATIO],
        f"{waived:,} accepted by name" if waived else "",
        accepted_by_name=waived,
    )


def _name_address(found: Sequence[Entry], *, is_whole: bool) -> GateResult:
    written = [entry for entry in found if entry.is_written]
    odd = [f"{entry.key.name}: {entry.place_id}" for entry in written if entry.is_suspicious]
    judged = judge(len(odd), len(written), THRESHOLDS[NAME_ADDRESS], is_whole_population=is_whole)
    return ratio(NAME_ADDRESS, judged, odd, REPAIRS[NAME_ADDRESS])


def _error_rate(calls: Calls, *, is_whole: bool) -> GateResult:
    judged = judge(len(calls.exhausted), calls.made, THRESHOLDS[ERROR_RATE], is_whole_population=is_whole)
    return ratio(ERROR_RATE, judged, calls.exhausted, REPAIRS[ERROR_RATE])


def _write_error_rate(found: Sequence[Entry], *, is_whole: bool) -> GateResult:
    attempted = [entry for entry in found if entry.is_settled or entry.outcome is Outcome.FAILED]
    failed = [entry for entry in attempted if entry.outcome is Outcome.FAILED]
    judged = judge(len(failed), len(attempted), THRESHOLDS[WRITE_ERROR_RATE], is_whole_population=is_whole)
    named = [f"{entry.key.name}: {entry.reason} {entry.detail}".rstrip() for entry in failed]
    return ratio(WRITE_ERROR_RATE, judged, named, REPAIRS[WRITE_ERROR_RATE])
