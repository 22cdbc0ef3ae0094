"""The gates of a bucket of promoted images, judged on what was read back of each image. Culprits are images and items.

A quarantined image is set aside and counted, and holds its bucket back from nothing: how many of them are too many is
the whole run's question, ``errors``.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from backfill_pipelines.backfill.gates import Gate, Measurement, all_measured
from backfill_pipelines.receipts.promotion.entities import NEVER_MIGRATED_TYPES
from backfill_pipelines.receipts.promotion.image_evidence import Evidence, Finding, ImageResult
from backfill_pipelines.receipts.promotion.image_outcomes import SETTLED, TERMS, ImageOutcome
from backfill_pipelines.receipts.promotion.promotion_rows import ImageEntry
from backfill_pipelines.receipts.ratio_gates import RatioJudgement, judge

_AGAIN = "Run the bucket again: what is whole is not written again."
_WRITER = "Find the other writer of these items; backfill promote rollback takes back what is still ours."
#: Of a run's images, fewer than this may be quarantined.
MOST_QUARANTINED = 0.01

GATES: Sequence[Gate] = (
    Gate(
        "every_image_is_settled",
        "Every image of the bucket is copied, identical, different or quarantined: none failed, parked or left.",
        "Mend what the reasons name, then run the bucket again: it takes up exactly these images.",
    ),
    Gate(
        "totals_reconcile",
        "The outcomes add up to the images of the manifest, and the ledger holds exactly the items that were written.",
        f"{_AGAIN} If it stays red, the ledger is not the one of this table.",
    ),
    Gate("copy_complete", "Per image and TYPE, planned items = written + equal ones that were there.", _AGAIN),
    Gate("fingerprint_equal", "The fingerprint of each image in the target equals its source's.", _WRITER),
    Gate("items_equal", "Every item of a copied image is read back, strongly consistent, as planned.", _WRITER),
    Gate(
        "embedding_keys",
        "Every line and word waits for its embedding under the index key that says so.",
        "An embedding that ran in between is no fault: backfill promote verify. Otherwise find the other writer.",
    ),
    Gate("place_before_words", "Places and labels were durable before a line or word became visible.", _WRITER),
    Gate("no_dev_buckets", "No attribute that names a bucket names one of the source.", "Correct the bucket map."),
    Gate("never_list_absent", "No item of a TYPE that is never migrated was created.", _WRITER),
)


@dataclass(frozen=True)
class BucketEvidence:
    """A bucket: its images in scope, what became of them, and what the ledger says."""

    images: int
    results: Sequence[ImageResult]
    entries: Sequence[ImageEntry]
    #: Written items of this run by image, and by TYPE.
    applied: Mapping[str, int]
    applied_types: Mapping[str, int]

    def of(self, outcome: ImageOutcome) -> list[ImageResult]:
        """The images with an outcome."""
        return [one for one in self.results if one.outcome is outcome]

    @property
    def seen(self) -> list[tuple[ImageResult, Evidence]]:
        """The images that were read back, whole."""
        return [(one, one.evidence) for one in self.results if one.evidence is not None]


def measure(gate: Gate, evidence: BucketEvidence) -> Measurement:
    """One gate on one bucket; a bucket without images has nothing to measure, and says so."""
    if not evidence.images:
        return Measurement(0, 0, 0, (), "not applicable: the source has no image in this bucket")
    return _MEASURES[gate.name](evidence)


def errors_judgement(quarantined: int, attempted: int, images: int) -> RatioJudgement:
    """The gate ``errors`` on a whole run: images set aside of those that had their turn.

    Args:
        quarantined: Set aside, without those that were accepted by name.
        attempted: Images that had their turn, accepted ones included.
        images: All in scope; when all had their turn nothing is left to guess.
    """
    return judge(quarantined, attempted, MOST_QUARANTINED, is_whole_population=attempted == images)


def _settled(evidence: BucketEvidence) -> Measurement:
    open_ = [one for one in evidence.results if one.outcome not in SETTLED]
    said = [f"{one.image_id} {one.outcome}: {one.reason} ({one.detail[:300]})" for one in open_]
    return all_measured(len(said), evidence.images, said)


def _totals(evidence: BucketEvidence) -> Measurement:
    wrong: list[str] = []
    counted = sum(one.outcome in TERMS for one in evidence.results)
    if counted != evidence.images:
        wrong.append(f"{evidence.images:,} images in scope, {counted:,} outcomes")
    for one in evidence.of(ImageOutcome.COPIED):
        written, equal = sum(one.written.values()), sum(one.already_equal.values())
        applied = evidence.applied.get(one.image_id, 0)
        if not written <= applied <= written + equal:
            wrong.append(f"{one.image_id}: {written:,} items written, {applied:,} in the ledger")
    return all_measured(len(wrong), evidence.images, wrong)


def _complete(evidence: BucketEvidence) -> Measurement:
    copied = evidence.of(ImageOutcome.COPIED)
    wrong = [f"{one.image_id} {text}" for one in copied for text in _incomplete(one)]
    return all_measured(len(wrong), sum(sum(one.planned.values()) for one in copied), wrong)


def _incomplete(one: ImageResult) -> list[str]:
    sums = {name: one.written.get(name, 0) + one.already_equal.get(name, 0) for name in one.planned}
    return [
        f"{name}: {one.planned[name]:,} planned, {there:,} written or there"
        for name, there in sums.items()
        if there != one.planned[name]
    ]


def _fingerprints(evidence: BucketEvidence) -> Measurement:
    wrong = [
        f"{one.image_id} is {seen.fingerprint_found[:16] or 'not whole'}, its source {seen.fingerprint_planned[:16]}"
        for one, seen in evidence.seen
        if seen.fingerprint_found != seen.fingerprint_planned
    ]
    return all_measured(len(wrong), len(evidence.seen), wrong)


def _found(name: str) -> Callable[[BucketEvidence], Measurement]:
    """The measure that adds up one finding of all images."""

    def measured(evidence: BucketEvidence) -> Measurement:
        findings: list[Finding] = [getattr(seen, name) for _, seen in evidence.seen]
        culprits = [text for finding in findings for text in finding.sample]
        return all_measured(sum(f.wrong for f in findings), sum(f.measured for f in findings), culprits)

    return measured


def _order(evidence: BucketEvidence) -> Measurement:
    begun = [entry for entry in evidence.entries if 3 in entry.begun]
    wrong = [
        f"{entry.image_id}: stage 2 done {entry.done.get(2, 'never')}, stage 3 begun {entry.begun[3]}"
        for entry in begun
        if not entry.done.get(2) or entry.done[2] >= entry.begun[3]
    ]
    return all_measured(len(wrong), len(begun), wrong)


def _never(evidence: BucketEvidence) -> Measurement:
    made = {name: n for name, n in evidence.applied_types.items() if name in NEVER_MIGRATED_TYPES}
    said = [f"the ledger has {n:,} items of {name}" for name, n in sorted(made.items())]
    in_ledger = all_measured(sum(made.values()), sum(evidence.applied_types.values()), said)
    return in_ledger.joined(_found("never")(evidence))


_MEASURES: Mapping[str, Callable[[BucketEvidence], Measurement]] = {
    "every_image_is_settled": _settled,
    "totals_reconcile": _totals,
    "copy_complete": _complete,
    "fingerprint_equal": _fingerprints,
    "items_equal": _found("items"),
    "embedding_keys": _found("embedding"),
    "place_before_words": _order,
    "no_dev_buckets": _found("buckets"),
    "never_list_absent": _never,
}
