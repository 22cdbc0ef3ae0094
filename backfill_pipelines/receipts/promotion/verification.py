"""Every image of a plan's manifest against the target: read strongly, by fingerprint. Looks, and writes no table.

An image at a time in each worker; what is kept of it is small. What follows from it is ``verification_gates``'.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import StrEnum

from backfill_pipelines.backfill.failures import BackfillError
from backfill_pipelines.receipts.items import Item, item_digest
from backfill_pipelines.receipts.keys import bucket_of, text_of
from backfill_pipelines.receipts.promotion.entities import BY_TYPE, EMBEDDING_STATUS
from backfill_pipelines.receipts.promotion.export_manifest import FAILED, PLANNED, ImageRow
from backfill_pipelines.receipts.promotion.fingerprints import items_fingerprint
from backfill_pipelines.receipts.promotion.image_evidence import bucket_names
from backfill_pipelines.receipts.promotion.image_state import IMAGE_SK, partial, read_partition, section_diff
from backfill_pipelines.receipts.promotion.object_presence import AsksBuckets, absent_objects, objects_of
from backfill_pipelines.receipts.promotion.planned_image import PlannedImage, SetAside
from backfill_pipelines.receipts.promotion.promotion_ledger import PromotionLedger
from backfill_pipelines.receipts.promotion.promotion_rows import ItemState, Kind, LedgerItem
from backfill_pipelines.receipts.promotion.rollback_rules import is_embedded_since
from backfill_pipelines.stores.items import ItemStore

_NAMED = 5


class Found(StrEnum):
    """What the target holds of an image of the manifest."""

    #: As the source says, and written by the promotion.
    COPIED = "copied"
    #: As the source says, and written by others.
    IDENTICAL = "identical"
    DIFFERS = "differs"
    MISSING = "missing"
    #: Items without the IMAGE row: of the promotion, or not of it alone.
    PARTIAL = "partial"
    PARTIAL_FOREIGN = "partial_foreign"
    QUARANTINED = "quarantined"
    FAILED = "failed"


@dataclass(frozen=True)
class ImageCheck:
    """One image, compared.

    Attributes:
        image_id: Which.
        found: What the target holds of it.
        reason: Why it was set aside, or why it is not there.
        detail: How it differs, list by list; what is missing.
        run_id: The run that answers for it; empty for an image of others.
        items: Items in its partition.
        statuses: Lines and words by embedding status, noise left out.
        changed: Items that the promotion wrote and that are gone, or differ in more than their embedding.
        dev_buckets: Attributes that name a bucket of the source.
        wrong_keys: Lines and words whose index key is not that of their status.
        absent_objects: Files that are not in the target's buckets; None when nobody asked.
    """

    image_id: str
    found: Found
    reason: str = ""
    detail: str = ""
    run_id: str = ""
    items: int = 0
    statuses: Mapping[str, int] = field(default_factory=dict[str, int])
    changed: tuple[str, ...] = ()
    dev_buckets: tuple[str, ...] = ()
    wrong_keys: tuple[str, ...] = ()
    absent_objects: tuple[str, ...] | None = None

    @property
    def bucket(self) -> str:
        """The partition that the image belongs to."""
        return bucket_of(self.image_id)

    @property
    def is_ours(self) -> bool:
        """Whether the promotion has written it."""
        return bool(self.run_id)


@dataclass
class ImageChecker:
    """Compares images; safe to use from many threads."""

    items: ItemStore
    ledger: PromotionLedger
    #: Names of buckets that must not be in the target.
    source_buckets: frozenset[str]
    #: Reads an image of the source again, for the difference.
    read_source: Callable[[ImageRow], PlannedImage | SetAside]
    #: Where files are asked for; None when they are not to be.
    buckets: AsksBuckets | None = None
    workers: int = 10

    def check_all(self, rows: Sequence[ImageRow]) -> list[ImageCheck]:
        """All images, in their order.

        Raises:
            StoreError: table, ledger or a bucket does not answer: nothing is said about an image then.
        """
        with ThreadPoolExecutor(self.workers, "verify") as pool:
            return list(pool.map(self.check, rows))

    def check(self, row: ImageRow) -> ImageCheck:
        """One image."""
        if row.state != PLANNED:
            found = Found.FAILED if row.state == FAILED else Found.QUARANTINED
            return ImageCheck(row.image_id, found, row.reason, row.detail)
        stored, known = read_partition(self.items, row.image_id), self.ledger.items(row.image_id)
        if not stored:
            return ImageCheck(row.image_id, Found.MISSING, self._gone(row.image_id))
        digests = {sk: item_digest(item) for sk, item in stored.items()}
        if IMAGE_SK not in stored:
            seen = partial(stored, digests, known)
            return ImageCheck(
                row.image_id, Found(str(seen.state)), "no IMAGE row", seen.detail or f"{len(stored):,} items"
            )
        return self._whole(row, stored, digests, known)

    def _whole(
        self, row: ImageRow, stored: Mapping[str, Item], digests: Mapping[str, str], known: Sequence[LedgerItem]
    ) -> ImageCheck:
        run_id = max((one.run_id for one in known if one.state is ItemState.WRITTEN), default="")
        is_equal = items_fingerprint(row.image_id, stored.values()) == row.fingerprint
        found = (Found.COPIED if run_id else Found.IDENTICAL) if is_equal else Found.DIFFERS
        waiting = [item for item in stored.values() if _is_embedded(item)]
        statuses = Counter(_status(item) for item in waiting if item.get("is_noise") != {"BOOL": True})
        return ImageCheck(
            row.image_id,
            found,
            detail="" if is_equal else self._difference(row, stored),
            run_id=run_id,
            items=len(stored),
            statuses=dict(statuses),
            changed=tuple(sorted(_changed(known, stored, digests))),
            dev_buckets=tuple(
                f"{row.image_id} {sk} {name} is {value}"
                for sk, item in stored.items()
                for name, value in bucket_names(item)
                if value in self.source_buckets
            ),
            wrong_keys=tuple(
                f"{row.image_id} {text_of(item.get('SK'))} is {_status(item)}, its key {text_of(item.get('GSI1PK'))}"
                for item in waiting
                if text_of(item.get("GSI1PK")) != f"EMBEDDING_STATUS#{_status(item)}"
            ),
            absent_objects=self._absent(stored),
        )

    def _absent(self, stored: Mapping[str, Item]) -> tuple[str, ...] | None:
        if self.buckets is None:
            return None
        return tuple(f"{bucket}/{key}" for bucket, key in absent_objects(objects_of(stored.values()), self.buckets))

    def _gone(self, image_id: str) -> str:
        """What the ledger knows of an image of which nothing is there."""
        entries = sorted(self.ledger.images(image_id=image_id), key=lambda entry: entry.at)
        last = next((entry for entry in reversed(entries) if entry.outcome is not None), None)
        return f"{last.outcome} by {last.run_id}" if last else "never copied"

    def _difference(self, row: ImageRow, stored: Mapping[str, Item]) -> str:
        """How the target's rows differ from the source's, list by list."""
        try:
            planned = self.read_source(row)
        except BackfillError as error:
            return f"the source cannot be read again: {error}"
        if isinstance(planned, SetAside):
            return f"the source cannot be read again: {planned.reason}: {planned.detail}"
        if planned.fingerprint != row.fingerprint:
            return f"{planned.origin} is not what it was when the plan was made. Repair: backfill promote plan"
        return section_diff(planned, stored)


def _changed(known: Sequence[LedgerItem], stored: Mapping[str, Item], digests: Mapping[str, str]) -> list[str]:
    """Items that some run has written last, and that are not as written; what an embedding changes is no change."""
    newest: dict[str, LedgerItem] = {}
    for row in sorted(known, key=lambda one: one.run_id):
        if row.state is ItemState.WRITTEN:
            newest[row.sk] = row
    found: list[str] = []
    for sk, row in newest.items():
        item = stored.get(sk)
        if row.kind is Kind.REMOVE:
            found += [f"{sk} is there again"] if item is not None else []
        elif item is None:
            found.append(f"{sk} is gone")
        elif digests[sk] != row.digest and not is_embedded_since(row, item):
            found.append(f"{sk} was changed")
    return found


def _is_embedded(item: Item) -> bool:
    entity = BY_TYPE.get(text_of(item.get("TYPE")) or "")
    return entity is not None and entity.is_embedded


def _status(item: Item) -> str:
    return text_of(item.get(EMBEDDING_STATUS)) or "(none)"


def image_line(check: ImageCheck) -> str:
    """An image for people."""
    said = ": ".join(part for part in (check.reason, check.detail) if part)
    more = f"; {len(check.changed):,} items changed since, e.g. {', '.join(check.changed[:_NAMED])}"
    return f"{check.image_id} {check.found}{f' {said}' if said else ''}{more if check.changed else ''}"
