"""Taking the inventory of a source: every image read once, one in memory at a time, written down bucket by bucket."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any

from backfill_pipelines.receipts.keys import bucket_of, is_image_id
from backfill_pipelines.receipts.manifest_files import FileFacts, take_run_id, write_lines
from backfill_pipelines.receipts.promotion.entities import ENTITIES
from backfill_pipelines.receipts.promotion.export_manifest import (
    FAILED,
    FOLDER,
    PLANNED,
    PREFIX,
    QUARANTINED,
    STRAYS,
    ExportManifest,
    ImageRow,
    bucket_file,
    folder_of,
)
from backfill_pipelines.receipts.promotion.image_source import Entry, ImageSource
from backfill_pipelines.receipts.promotion.planned_image import PlannedImage, Reason, SetAside
from backfill_pipelines.receipts.promotion.promotion_settings import PromotionSettings
from backfill_pipelines.stores.objects import ObjectStore

#: A further look at a planned image, which may set it aside.
Check = Callable[[PlannedImage], SetAside | None]


@dataclass
class _Sums:
    """What is counted while rows are written and forgotten."""

    by_state: Counter[str] = field(default_factory=Counter)
    by_reason: Counter[str] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)
    not_migrated: Counter[str] = field(default_factory=Counter)
    accepted_losses: Counter[str] = field(default_factory=Counter)
    embedding_rows: int = 0
    write_units: int = 0

    def add(self, rows: Iterable[ImageRow]) -> None:
        """Count the rows of a bucket."""
        for row in rows:
            self.by_state[row.state] += 1
            self.by_reason.update([row.reason] if row.reason else [])
            self.counts.update(row.counts)
            self.not_migrated.update(row.not_migrated)
            self.accepted_losses.update(row.accepted_losses)
            self.embedding_rows += row.embedding_rows
            self.write_units += row.write_units


def take_inventory(
    source: ImageSource,
    settings: PromotionSettings,
    objects: ObjectStore,
    now: datetime,
    check: Check = lambda _: None,
) -> ExportManifest:
    """Read every image and write every file but the last: the manifest counts for nobody before ``publish``.

    Args:
        source: Where the images are.
        settings: The choices that the manifest will hold for.
        objects: Where its files go.
        now: The present.
        check: A further look at an image that can be planned.

    Raises:
        StoreError: the source cannot be read. Half an inventory is none.
    """
    entries = source.entries()
    sums = _Sums()
    images = [entry for entry in entries if is_image_id(entry.image_id)]
    strays = list(_strays(entries, settings, sums))
    run_id = take_run_id(objects, FOLDER, PREFIX, now)
    files: dict[str, FileFacts] = {}
    in_order = sorted(images, key=lambda entry: (bucket_of(entry.image_id), entry.image_id))
    for bucket, of_bucket in groupby(in_order, key=lambda entry: bucket_of(entry.image_id)):
        rows = list(_rows(list(of_bucket), source, now, check))
        files[bucket_file(bucket)] = _write(objects, run_id, bucket_file(bucket), [asdict(row) for row in rows])
        sums.add(rows)
    if strays:
        files[STRAYS] = _write(objects, run_id, STRAYS, [{"origin": stray.origin} for stray in strays])
    return ExportManifest(
        run_id=run_id,
        source=source.name,
        about=source.about,
        settings_digest=settings.digest,
        taken_at=now,
        entries=len(images) + len(strays),
        strays=len(strays),
        by_state={state: sums.by_state[state] for state in (PLANNED, QUARANTINED, FAILED)},
        by_reason=dict(sorted(sums.by_reason.items())),
        counts={name: sums.counts[name] for name in ENTITIES},
        embedding_rows=sums.embedding_rows,
        write_units=sums.write_units,
        not_migrated=dict(sorted(sums.not_migrated.items())),
        accepted_losses=dict(sorted(sums.accepted_losses.items())),
        files=files,
    )


def _strays(entries: Sequence[Entry], settings: PromotionSettings, sums: _Sums) -> Iterator[Entry]:
    """Entries that name no image; one whose loss is accepted is counted and let be."""
    for entry in entries:
        if not is_image_id(entry.image_id):
            if entry.origin in settings.accept_loss:
                sums.accepted_losses[entry.origin] += 1
            else:
                yield entry


def _write(objects: ObjectStore, run_id: str, name: str, rows: Sequence[Mapping[str, Any]]) -> FileFacts:
    return write_lines(objects, f"{folder_of(run_id)}/{name}", rows)


def _rows(entries: Sequence[Entry], source: ImageSource, now: datetime, check: Check) -> Iterator[ImageRow]:
    for image_id, same in groupby(entries, key=lambda entry: entry.image_id):
        found = list(same)
        yield row_of(found, _read_one(image_id, found, source, now, check))


def _read_one(
    image_id: str, entries: Sequence[Entry], source: ImageSource, now: datetime, check: Check
) -> PlannedImage | SetAside:
    if len(entries) > 1:
        names = ", ".join(entry.origin for entry in entries)
        return SetAside(image_id, Reason.DUPLICATE_EXPORT, f"{names}: one image, {len(entries)} files; keep the newest")
    (entry,) = entries
    if stale := source.stale(entry, now):
        return stale
    image = source.read(entry)
    return image if isinstance(image, SetAside) else check(image) or image


def row_of(entries: Sequence[Entry], found: PlannedImage | SetAside) -> ImageRow:
    """An image as its row; an image that is set aside counts no items."""
    is_planned = isinstance(found, PlannedImage)
    modified = entries[0].modified_at
    return ImageRow(
        image_id=found.image_id,
        bucket=found.bucket,
        origin=", ".join(entry.origin for entry in entries),
        files=len(entries),
        modified_at=modified.isoformat() if modified and len(entries) == 1 else "",
        state=PLANNED if is_planned else FAILED if found.is_failure else QUARANTINED,
        reason="" if is_planned else str(found.reason),
        detail="" if is_planned else found.detail,
        fingerprint=found.fingerprint if is_planned else "",
        content_digest=found.content_digest if is_planned else "",
        counts=dict(found.counts) if is_planned else {},
        embedding_rows=found.embedding_rows if is_planned else 0,
        write_units=found.write_units if is_planned else 0,
        not_migrated=dict(found.not_migrated) if is_planned else {},
        accepted_losses=dict(found.accepted_losses) if is_planned else {},
    )
