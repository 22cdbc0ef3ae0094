"""Which records of a run a rollback takes back: all, a wave's, those of some buckets, or of one image or receipt.

There is no way to choose by time: whatever was made meanwhile by anybody else is out of reach.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from backfill_pipelines.backfill.failures import BackfillError, StoreError
from backfill_pipelines.receipts.keys import BUCKETS, RecordKey, bucket_of, is_image_id
from backfill_pipelines.receipts.waves import Wave


class RollbackRefused(BackfillError):
    """The rollback may not be done as it was asked for; nothing was written."""


class RollbackStopped(StoreError):
    """The table as a whole refused in the middle of it; what was taken back until then stays so."""


@dataclass(frozen=True)
class Scope:
    """Which records of a run are taken back."""

    run_id: str
    #: None for all.
    buckets: frozenset[str] | None = None
    image_id: str = ""
    receipt_id: int | None = None
    name: str = "the whole run"

    def includes(self, key: RecordKey) -> bool:
        """Whether a record is meant."""
        return (
            (self.buckets is None or key.bucket in self.buckets)
            and self.image_id in ("", key.image_id)
            and self.receipt_id in (None, key.receipt_id)
        )


def scope_of(
    run_id: str,
    waves: Sequence[Wave],
    *,
    wave: int | None = None,
    buckets: str = "",
    image_id: str = "",
    receipt_id: int | None = None,
) -> Scope:
    """The scope of the options, at most one of which narrows it.

    Args:
        run_id: The run.
        waves: Those of its plan.
        wave: Number of a wave.
        buckets: ``A-B``, both ends included, or one bucket.
        image_id: All records of an image.
        receipt_id: Only this one of them.

    Raises:
        RollbackRefused: an option makes no sense.
    """
    if sum((wave is not None, bool(buckets), bool(image_id))) > 1 or (receipt_id is not None and not image_id):
        raise RollbackRefused(
            "the scope is ambiguous. Repair: give one of --wave, --buckets and --image-id; --receipt-id goes with "
            "--image-id"
        )
    if wave is not None:
        found = next((one for one in waves if one.number == wave), None)
        if found is None:
            raise RollbackRefused(f"there is no wave {wave}. Repair: --wave {waves[0].number} to {waves[-1].number}")
        return Scope(run_id, frozenset(found.buckets), name=f"wave {wave}")
    if buckets:
        first, _, last = buckets.partition("-")
        if first not in BUCKETS or (last or first) not in BUCKETS or first > (last or first):
            raise RollbackRefused(f"{buckets!r} are no buckets. Repair: --buckets 00-0f, from 00 to ff")
        return Scope(run_id, frozenset(b for b in BUCKETS if first <= b <= (last or first)), name=f"buckets {buckets}")
    if image_id and not is_image_id(image_id):
        raise RollbackRefused(f"{image_id!r} is no image id. Repair: give the UUID of an image")
    if image_id:
        name = f"image {image_id}" + (f", receipt {receipt_id}" if receipt_id is not None else "")
        return Scope(run_id, frozenset((bucket_of(image_id),)), image_id, receipt_id, name)
    return Scope(run_id)
