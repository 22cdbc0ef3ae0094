"""What one run did with an image, why, and the equation that all counts of a run satisfy."""

from collections.abc import Mapping
from enum import StrEnum


class ImageState(StrEnum):
    """What the target table holds of an image, by one strongly consistent query of its partition."""

    ABSENT = "absent"
    #: Items without the IMAGE row, all of them written by runs of this ledger.
    PARTIAL = "partial"
    #: Items without the IMAGE row, of which the ledger does not know all, or knows them with other content.
    PARTIAL_FOREIGN = "partial_foreign"
    IDENTICAL = "identical"
    DIFFERS = "differs"


class ImageOutcome(StrEnum):
    """What became of an image in a run."""

    COPIED = "copied"
    IDENTICAL = "identical"
    DIFFERS = "differs"
    QUARANTINED = "quarantined"
    FAILED = "failed"
    PARKED = "parked"
    NOT_ATTEMPTED = "not_attempted"
    #: An unfinished copy that a later run has brought to its end; counted there, and in no equation here.
    RESUMED = "resumed"
    #: Taken back since; what it was before is in the ledger of rollbacks, and no equation counts it.
    ROLLED_BACK = "rolled_back"


#: Reasons beside those of the model's set-aside images.
SOURCE_CHANGED = "source_changed"
PARKED_BACKLOG = "parked_backlog"
THROTTLED = "throttled"
WRITE_ERROR = "write_error"
ITEM_REFUSED = "invalid_item"
IMAGE_ROW_TAKEN = "image_row_taken"
READ_BACK_DIFFERS = "read_back_differs"
REPLACED = "replaced"
WOULD_REPLACE = "would_replace"
REPLACE_REFUSED = "replace_refused"
CHANGED_MEANWHILE = "changed_meanwhile"
#: The whole run was ended by an error while it was at work on the image.
INTERRUPTED = "interrupted"
STOPPED = "stopped"
#: Looked at, and it would be copied.
DRY_RUN = "dry_run"
NOT_ASKED = "not_asked_for"

#: A bucket is materialised when all its images are one of these.
SETTLED = frozenset((ImageOutcome.COPIED, ImageOutcome.IDENTICAL, ImageOutcome.DIFFERS, ImageOutcome.QUARANTINED))
#: The terms of the equation; their sum is the images in scope.
TERMS = tuple(outcome for outcome in ImageOutcome if outcome not in (ImageOutcome.RESUMED, ImageOutcome.ROLLED_BACK))


def imbalance(in_scope: int, tally: Mapping[ImageOutcome, int]) -> str:
    """Why the outcomes do not add up to the images in scope; empty when they do."""
    counted = sum(tally.get(outcome, 0) for outcome in TERMS)
    if counted == in_scope:
        return ""
    terms = " + ".join(f"{outcome} {tally.get(outcome, 0):,}" for outcome in TERMS)
    return f"images in scope {in_scope:,} is not {terms} = {counted:,}"
