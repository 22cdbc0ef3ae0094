"""What is known of one image at the end of its turn: counts and culprits, small, so that the image itself can go.

Measured on the items as they are in the table, by a strongly consistent read; the gates judge it afterwards.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from backfill_pipelines.backfill.gates import SAMPLE_SIZE
from backfill_pipelines.receipts.items import Item
from backfill_pipelines.receipts.keys import bucket_of, text_of
from backfill_pipelines.receipts.promotion.entities import (
    BY_TYPE,
    EMBEDDING_STATUS,
    NEVER_MIGRATED_TYPES,
    NOT_EMBEDDED,
)
from backfill_pipelines.receipts.promotion.image_outcomes import ImageOutcome, ImageState
from backfill_pipelines.receipts.promotion.image_state import Observed
from backfill_pipelines.receipts.promotion.planned_image import PlannedImage


@dataclass(frozen=True)
class Finding:
    """How many of how many things are wrong, with the first of the culprits."""

    measured: int = 0
    wrong: int = 0
    sample: tuple[str, ...] = ()

    @classmethod
    def of(cls, measured: int, culprits: Iterable[str]) -> "Finding":
        """A finding of all culprits, of which some are kept."""
        found = list(culprits)
        return cls(measured, len(found), tuple(found[:SAMPLE_SIZE]))


@dataclass(frozen=True)
class Evidence:
    """An image as it was read back, against what was planned."""

    fingerprint_planned: str
    fingerprint_found: str
    #: Items of the plan that are not in the table, or not as planned.
    items: Finding
    #: Lines and words whose embedding status, or the index key of it, is not as it must be.
    embedding: Finding
    #: Attributes that name a bucket of the source.
    buckets: Finding
    #: Items of a TYPE that is never migrated and that this ledger has written.
    never: Finding


@dataclass(frozen=True)
class ImageResult:
    """One image's turn in a run."""

    image_id: str
    outcome: ImageOutcome
    reason: str = ""
    detail: str = ""
    state: ImageState | None = None
    #: Rows of each export list; empty for an image that was set aside.
    counts: Mapping[str, int] = field(default_factory=dict[str, int])
    not_migrated: Mapping[str, int] = field(default_factory=dict[str, int])
    accepted_losses: Mapping[str, int] = field(default_factory=dict[str, int])
    embedding_rows: int = 0
    #: By TYPE: what the plan of the image holds, what this turn wrote, and what was there already, ours and equal.
    planned: Mapping[str, int] = field(default_factory=dict[str, int])
    written: Mapping[str, int] = field(default_factory=dict[str, int])
    already_equal: Mapping[str, int] = field(default_factory=dict[str, int])
    #: Estimated of a dry run, metered of a written image.
    write_units: float = 0.0
    stream_messages: int = 0
    evidence: Evidence | None = None

    @property
    def bucket(self) -> str:
        """The partition that the image belongs to."""
        return bucket_of(self.image_id)


def evidence_of(
    planned: PlannedImage,
    seen: Observed,
    *,
    source_buckets: Collection[str],
    is_new: bool,
    is_replaced: bool = False,
    ours: Collection[str] = (),
) -> Evidence:
    """What an image's partition says, once it was read.

    Args:
        planned: What was to be written.
        seen: The partition as it was read.
        source_buckets: Names of buckets that must not be in the target.
        is_new: Written by this turn, so that every item is as planned; an image that was there before may have been
            embedded since.
        is_replaced: Written by this turn over what was there, whose embeddings it has kept.
        ours: Sort keys that the ledger has written.
    """
    wanted, compares = {item.key[1]: item.digest for item in planned.items}, is_new or is_replaced
    wrong = [
        f"{planned.image_id} {sk} {'is not there' if sk not in seen.digests else 'is not as planned'}"
        for sk, digest in wanted.items()
        if compares and seen.digests.get(sk) != digest
    ]
    waiting = [(sk, item) for sk, item in seen.items.items() if _is_embedded(item)]
    names = [(sk, name, value) for sk, item in seen.items.items() for name, value in bucket_names(item)]
    owned = set(ours)
    never = [
        f"{planned.image_id} {sk}"
        for sk, item in seen.items.items()
        if sk in owned and text_of(item.get("TYPE")) in NEVER_MIGRATED_TYPES
    ]
    return Evidence(
        planned.fingerprint,
        seen.fingerprint,
        Finding.of(len(wanted) if compares else 0, wrong),
        Finding.of(
            len(waiting),
            [f"{planned.image_id} {sk} {why}" for sk, item in waiting if (why := _wrong_status(item, is_new=is_new))],
        ),
        Finding.of(
            len(names),
            [f"{planned.image_id} {sk} {name} is {value}" for sk, name, value in names if value in source_buckets],
        ),
        Finding.of(len(seen.items), never),
    )


def by_type(planned: PlannedImage, sks: Collection[str] | None = None) -> dict[str, int]:
    """Planned items by TYPE, all or some of them."""
    return dict(Counter(item.type_name for item in planned.items if sks is None or item.key[1] in sks))


def bucket_names(item: Item) -> list[tuple[str, str]]:
    """The attributes of an item that name an S3 bucket."""
    return [(name, value["S"]) for name, value in item.items() if name.endswith("_bucket") and "S" in value]


def _is_embedded(item: Item) -> bool:
    entity = BY_TYPE.get(text_of(item.get("TYPE")) or "")
    return entity is not None and entity.is_embedded


def _wrong_status(item: Item, *, is_new: bool) -> str:
    """Why a line or word would not be found by the embedding workflows, or would be found twice."""
    status, key = text_of(item.get(EMBEDDING_STATUS)), text_of(item.get("GSI1PK"))
    if is_new and status != NOT_EMBEDDED:
        return f"has {EMBEDDING_STATUS} {status}"
    return "" if key == f"EMBEDDING_STATUS#{status}" else f"has {EMBEDDING_STATUS} {status} and GSI1PK {key}"
