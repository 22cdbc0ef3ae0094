"""What one image becomes in the target, item by item, or why it is set aside. Values only, no rules."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from backfill_pipelines.backfill.failures import BackfillError
from backfill_pipelines.receipts.items import Item, digest_of
from backfill_pipelines.receipts.keys import bucket_of


class Reason(StrEnum):
    """Why an image is not planned."""

    UNREADABLE_EXPORT = "unreadable_export"
    NO_IMAGE_ROW = "no_image_row"
    STEM_MISMATCH = "stem_mismatch"
    INVALID_IMAGE_ID = "invalid_image_id"
    FOREIGN_ROW = "foreign_row"
    INVALID_ROW = "invalid_row"
    UNKNOWN_LIST = "unknown_list"
    UNKNOWN_TYPE = "unknown_type"
    UNKNOWN_ATTRIBUTE = "unknown_attribute"
    UNKNOWN_BUCKET = "unknown_bucket"
    SOURCE_IS_TARGET_ENVIRONMENT = "source_is_target_environment"
    STALE_EXPORT = "stale_export"
    DUPLICATE_EXPORT = "duplicate_export"
    DUPLICATE_KEY = "duplicate_key"
    RECEIPT_MISSING = "receipt_missing"
    WORD_MISSING = "word_missing"
    EMPTY_IMAGE = "empty_image"
    INVALID_PLACE = "invalid_place"
    ITEM_TOO_LARGE = "item_too_large"
    OBJECT_MISSING = "object_missing"


#: The source is understood, and is not to be promoted as it is; every other reason is a failure of its image.
QUARANTINED = frozenset(
    (
        Reason.UNKNOWN_BUCKET,
        Reason.SOURCE_IS_TARGET_ENVIRONMENT,
        Reason.STALE_EXPORT,
        Reason.DUPLICATE_KEY,
        Reason.RECEIPT_MISSING,
        Reason.WORD_MISSING,
        Reason.EMPTY_IMAGE,
        Reason.INVALID_PLACE,
        Reason.ITEM_TOO_LARGE,
        Reason.OBJECT_MISSING,
    )
)


class ImageFault(BackfillError):
    """A rule that an image breaks; whoever reads the image makes a ``SetAside`` of it."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True)
class SetAside:
    """An image that is not copied: quarantined, or failed."""

    image_id: str
    reason: Reason
    detail: str

    @property
    def is_failure(self) -> bool:
        """Whether the image fails its bucket; a quarantined one is only counted."""
        return self.reason not in QUARANTINED

    @property
    def bucket(self) -> str:
        """Of the partition that the image belongs to."""
        return bucket_of(self.image_id)


@dataclass(frozen=True)
class PlannedItem:
    """One item as it will be written, in low-level typed form.

    Attributes:
        stage: 1 to 4, the order of writing.
        type_name: Its TYPE.
        key: PK and SK.
        item: All attributes, keys included.
        digest: Of the item, sha256 in hex.
        write_units: What one put of it takes, with its indexes.
    """

    stage: int
    type_name: str
    key: tuple[str, str]
    item: Item
    digest: str
    write_units: int


@dataclass(frozen=True, kw_only=True)
class PlannedImage:
    """All that one image becomes.

    Attributes:
        image_id: A UUID of version 4.
        items: In the order of their stages, the IMAGE row last.
        counts: Items of each export list, lists without rows included.
        embedding_rows: Lines and words that will wait for their embedding.
        fingerprint: Of what the source says, sha256 in hex; equal to that of the items in the target.
        write_units: What writing all items takes.
        not_migrated: Items left behind by design, by TYPE.
        accepted_losses: Rows left behind because the operator named them: list, TYPE or ``list.attribute``.
        origin: The file or table it was read from.
    """

    image_id: str
    items: tuple[PlannedItem, ...]
    counts: Mapping[str, int]
    embedding_rows: int
    fingerprint: str
    write_units: int
    origin: str
    not_migrated: Mapping[str, int] = field(default_factory=dict)
    accepted_losses: Mapping[str, int] = field(default_factory=dict)

    @property
    def bucket(self) -> str:
        """The partition that the image belongs to."""
        return bucket_of(self.image_id)

    @property
    def digest_by_key(self) -> Mapping[tuple[str, str], str]:
        """What a read-back must find."""
        return {planned.key: planned.digest for planned in self.items}

    @property
    def content_digest(self) -> str:
        """Of all items together: another one means that another image would be written."""
        return digest_of(sorted(planned.digest for planned in self.items))

    def of_stage(self, stage: int) -> Iterator[PlannedItem]:
        """The items of one stage."""
        return (planned for planned in self.items if planned.stage == stage)
