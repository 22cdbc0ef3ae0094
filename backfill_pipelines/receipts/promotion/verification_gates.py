"""The gates of a promotion's verification, judged on images that were read again. Pure."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence

from backfill_pipelines.receipts.gate_results import GateResult, exact, not_applicable, ratio
from backfill_pipelines.receipts.promotion.image_gates import errors_judgement
from backfill_pipelines.receipts.promotion.verification import Found, ImageCheck, image_line

RUN_AGAIN = "backfill promote run --apply: it takes up what is missing or half copied"
ERRORS = "errors"
PRESENT = (Found.COPIED, Found.IDENTICAL, Found.DIFFERS)
_OPEN = (Found.MISSING, Found.PARTIAL, Found.PARTIAL_FOREIGN)

WORDS = {
    "images_reconcile": "Images of the manifest = copied + identical + differs + missing + partial + quarantined + "
    "failed; none failed.",
    ERRORS: "Fewer than 1 % of the images are quarantined, those left out that were accepted by name.",
    "every_image_is_whole": "Every image that can be promoted is in the target with its IMAGE row.",
    "fingerprint_equal": "Every image that the promotion wrote still says what its source says.",
    "embedding_keys": "The index key of every line and word is that of its embedding status.",
    "no_dev_buckets": "No attribute of a promoted image names a bucket of the source.",
    "objects_present": "Every file that a promoted image names is in the target's buckets (asked with check_objects).",
}


def judge_images(checks: Sequence[ImageCheck], images: int, accepted: Collection[str] = ()) -> list[GateResult]:
    """Every gate.

    Args:
        checks: The images, compared.
        images: How many the manifest has.
        accepted: Images that may be quarantined.
    """
    errors = _errors(checks, images, accepted)
    return [errors if name == ERRORS else _GATES[name](checks, images) for name in WORDS]


def tally(checks: Sequence[ImageCheck]) -> Mapping[str, int]:
    """Images by what was found of them; every state is named."""
    counts = Counter(check.found for check in checks)
    return {str(found): counts[found] for found in Found}


def _reconcile(checks: Sequence[ImageCheck], images: int) -> GateResult:
    text = f"{images:,} images = " + " + ".join(f"{number:,} {name}" for name, number in tally(checks).items())
    wrong = [] if len(checks) == images else [f"{len(checks):,} images were compared"]
    failed = [image_line(check) for check in checks if check.found is Found.FAILED]
    repair = "correct the source, or accept what is lost by name (--accept-loss), then backfill promote plan"
    return exact("images_reconcile", text, [*wrong, *failed], repair)


def _errors(checks: Sequence[ImageCheck], images: int, accepted: Collection[str]) -> GateResult:
    """Of images that are set aside nothing is there to be judged: without this, all of them set aside is all green."""
    aside = [check for check in checks if check.found is Found.QUARANTINED]
    counted = [image_line(check) for check in aside if check.image_id not in accepted]
    repair = (
        "mend what the reasons name, or accept the images by name (BACKFILL_PROMOTION_ACCEPTED_IMAGES), then "
        "backfill promote plan"
    )
    about = f"{len(aside) - len(counted):,} accepted by name"
    return ratio(ERRORS, errors_judgement(len(counted), images, images), counted, repair, about)


def _whole(checks: Sequence[ImageCheck], images: int) -> GateResult:  # noqa: ARG001
    wanted = [check for check in checks if check.found in (*PRESENT, *_OPEN)]
    open_ = [image_line(check) for check in wanted if check.found in _OPEN]
    text = f"{len(wanted) - len(open_):,} of {len(wanted):,} images are there and whole"
    return exact("every_image_is_whole", text, open_, RUN_AGAIN)


def _fingerprints(checks: Sequence[ImageCheck], images: int) -> GateResult:  # noqa: ARG001
    ours = [check for check in checks if check.is_ours]
    wrong = [image_line(check) for check in ours if check.found is Found.DIFFERS]
    others = sum(check.found is Found.DIFFERS and not check.is_ours for check in checks)
    text = f"{len(ours) - len(wrong):,} of {len(ours):,} images of the promotion are equal; {others:,} of others differ"
    repair = (
        "see who changed them; to overwrite: backfill promote run --replace IMAGE; to take them back: rollback --image"
    )
    return exact("fingerprint_equal", text, wrong, repair, differ_of_others=others)


def _keys(checks: Sequence[ImageCheck], images: int) -> GateResult:  # noqa: ARG001
    rows = sum(sum(check.statuses.values()) for check in checks)
    wrong = [text for check in checks for text in check.wrong_keys]
    repair = "the named rows are found under a status that they do not have: write status and GSI1 keys together"
    return exact("embedding_keys", f"{rows:,} lines and words, {len(wrong):,} under another status", wrong, repair)


def _buckets(checks: Sequence[ImageCheck], images: int) -> GateResult:  # noqa: ARG001
    wrong = [text for check in checks for text in check.dev_buckets]
    seen = sum(check.found in PRESENT for check in checks)
    repair = "roll the image back, correct BACKFILL_PROMOTION_BUCKETS, plan and run again"
    return exact("no_dev_buckets", f"{seen:,} images, {len(wrong):,} names of the source", wrong, repair)


def _objects(checks: Sequence[ImageCheck], images: int) -> GateResult:  # noqa: ARG001
    asked = [(check.image_id, check.absent_objects) for check in checks if check.absent_objects is not None]
    if not asked:
        return not_applicable("objects_present", "nobody asked for the files: --check-objects does")
    wrong = [f"{image_id} {name}" for image_id, absent in asked for name in absent]
    repair = "copy the named files into the target's buckets; the promotion copies none"
    return exact("objects_present", f"files of {len(asked):,} images, {len(wrong):,} are not there", wrong, repair)


_GATES: Mapping[str, Callable[[Sequence[ImageCheck], int], GateResult]] = {
    "images_reconcile": _reconcile,
    "every_image_is_whole": _whole,
    "fingerprint_equal": _fingerprints,
    "embedding_keys": _keys,
    "no_dev_buckets": _buckets,
    "objects_present": _objects,
}
