"""The manifest of a promotion: what the source holds, as files, one for each bucket of image ids.

promotion/manifest/{run_id}/begun.json        taken first: who has the run id
                           /bucket=XX.jsonl   one row for each image, in order
                           /strays.jsonl      what the source offers that is no image
                           /manifest.json     written last, and only when the gates are green: it makes it count
"""

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from backfill_pipelines.backfill.failures import BackfillError, StoreError
from backfill_pipelines.receipts.items import canonical_json, digest_of
from backfill_pipelines.receipts.manifest_files import FileFacts, read_lines
from backfill_pipelines.receipts.promotion.image_source import Entry
from backfill_pipelines.stores.objects import ObjectStore

FOLDER, PREFIX = "promotion/manifest", "pr"
STRAYS = "strays.jsonl"
_MANIFEST = "manifest.json"
_VERSION = 1
REPAIR = "Repair: backfill promote plan, or materialise promotion/export_inventory again"

OLDEST = timedelta(hours=24)

PLANNED, QUARANTINED, FAILED = "planned", "quarantined", "failed"


class ManifestMissing(BackfillError):
    """There is no manifest that may be worked from."""


@dataclass(frozen=True, kw_only=True)
class ImageRow:
    """One image of the manifest.

    Attributes:
        image_id: Which.
        bucket: Its partition.
        origin: Key of its file, or name of the table; several files are joined by ", ".
        files: How many entries of the source are about it.
        modified_at: When the file was written, ISO; empty for a partition.
        state: planned, quarantined or failed.
        reason: Why it is not planned.
        detail: Where, in words.
        fingerprint: Of the source.
        content_digest: Of all items it becomes.
        counts: Items of each list.
        embedding_rows: Lines and words that will wait.
        write_units: To write all items.
        not_migrated: Items left behind by design, by TYPE.
        accepted_losses: Rows left behind because the operator named them.
    """

    image_id: str
    bucket: str
    origin: str
    files: int
    modified_at: str
    state: str
    reason: str
    detail: str
    fingerprint: str
    content_digest: str
    counts: Mapping[str, int]
    embedding_rows: int
    write_units: int
    not_migrated: Mapping[str, int]
    accepted_losses: Mapping[str, int]

    @property
    def items(self) -> int:
        """How many items it becomes."""
        return sum(self.counts.values())

    @property
    def entry(self) -> Entry:
        """As the source offers it."""
        return Entry(self.image_id, self.origin, datetime.fromisoformat(self.modified_at) if self.modified_at else None)


@dataclass(frozen=True, kw_only=True)
class ExportManifest:
    """What ``manifest.json`` says of its files.

    Attributes:
        run_id: ``pr-YYYYMMDD-NNNN``.
        source: Folder or table.
        about: What could be checked of the source.
        settings_digest: Of the choices that it was taken with.
        taken_at: When.
        entries: How many entries the source offered.
        strays: Entries that are no image.
        by_state: Images planned, quarantined, failed.
        by_reason: Images that are not planned, by reason.
        counts: Items of planned images, list by list.
        embedding_rows: Lines and words of planned images.
        write_units: To write all planned images.
        not_migrated: Items left behind by design, by TYPE.
        accepted_losses: Rows left behind because the operator named them.
        files: Rows and sha256 of each file.
    """

    run_id: str
    source: str
    about: str
    settings_digest: str
    taken_at: datetime
    entries: int
    strays: int
    by_state: Mapping[str, int]
    by_reason: Mapping[str, int]
    counts: Mapping[str, int]
    embedding_rows: int
    write_units: int
    not_migrated: Mapping[str, int]
    accepted_losses: Mapping[str, int]
    files: Mapping[str, FileFacts]
    version: int = _VERSION

    @property
    def images(self) -> int:
        """All images, whatever became of them."""
        return sum(self.by_state.values())

    @property
    def digest(self) -> str:
        """Equal for equal content of the same source, whenever it was read."""
        return digest_of(
            {"v": self.version, "source": self.source, "files": {name: dict(f) for name, f in self.files.items()}}
        )

    @property
    def buckets(self) -> tuple[str, ...]:
        """Those that hold an image, in order."""
        return tuple(
            name.removeprefix("bucket=").removesuffix(".jsonl") for name in sorted(self.files) if name != STRAYS
        )


def folder_of(run_id: str) -> str:
    """Where the files of a manifest are."""
    return f"{FOLDER}/{run_id}"


def bucket_file(bucket: str) -> str:
    """The name of a bucket's file."""
    return f"bucket={bucket}.jsonl"


def publish(objects: ObjectStore, manifest: ExportManifest) -> None:
    """Write the file that makes the manifest count."""
    said = asdict(manifest) | {"taken_at": manifest.taken_at.isoformat(), "digest": manifest.digest}
    sealed = said | {"seal": digest_of(said)}
    objects.write(f"{folder_of(manifest.run_id)}/{_MANIFEST}", canonical_json(sealed).encode())


def read_rows(
    objects: ObjectStore, manifest: ExportManifest, buckets: Collection[str] | None = None
) -> Iterator[ImageRow]:
    """The images of a manifest, in order, of some buckets or all, a file at a time.

    Raises:
        StoreError: a file is not what was written.
    """
    for bucket in manifest.buckets:
        if buckets is None or bucket in buckets:
            name = bucket_file(bucket)
            found = read_lines(objects, folder_of(manifest.run_id), {name: manifest.files[name]}, REPAIR)
            yield from (ImageRow(**line) for _, lines in found for line in lines)


def read_strays(objects: ObjectStore, manifest: ExportManifest) -> list[dict[str, Any]]:
    """What the source offers that is no image: origin and detail.

    Raises:
        StoreError: the file is not what was written.
    """
    files = {name: facts for name, facts in manifest.files.items() if name == STRAYS}
    return [line for _, lines in read_lines(objects, folder_of(manifest.run_id), files, REPAIR) for line in lines]


def latest_manifest(objects: ObjectStore, source: str) -> ExportManifest | None:
    """The newest published manifest of a source."""
    keys = [info.key for info in objects.find([FOLDER]) if info.key.endswith(f"/{_MANIFEST}")]
    for key in sorted(keys, reverse=True):
        ((_, content),) = objects.read([key])
        if json.loads(content)["source"] == source:
            return _published(content)
    return None


def read_manifest(objects: ObjectStore, run_id: str) -> ExportManifest:
    """The published manifest of a run, whatever its age.

    Raises:
        StoreError: it is not there, or not what was written.
    """
    for _, content in objects.read_present([f"{folder_of(run_id)}/{_MANIFEST}"]):
        return _published(content)
    raise StoreError(f"the manifest {run_id} is gone. {REPAIR}, then plan again")


def current_manifest(
    objects: ObjectStore, source: str, settings_digest: str, now: datetime | None = None
) -> ExportManifest:
    """The manifest to work from.

    Raises:
        ManifestMissing: there is none, or it is stale.
    """
    found = latest_manifest(objects, source)
    if found is None:
        raise ManifestMissing(f"{source} has no green manifest. {REPAIR}")
    if why := stale_because(found, settings_digest, now or datetime.now(UTC)):
        raise ManifestMissing(f"the manifest {found.run_id} of {source} is stale: {why}. {REPAIR}")
    return found


def stale_because(manifest: ExportManifest, settings_digest: str, now: datetime) -> str:
    """Why a manifest is not to be worked from; empty when it is."""
    if manifest.settings_digest != settings_digest:
        return (
            "it was taken with other settings (bucket map, accepted losses, source or age): give the same options again"
        )
    age = now - manifest.taken_at
    if age > OLDEST:
        return f"it was taken {age.total_seconds() / 3600:.1f} hours ago, more than {OLDEST.total_seconds() / 3600:.0f}"
    return ""


def _published(content: bytes) -> ExportManifest:
    said = json.loads(content)
    if said.pop("seal", "") != digest_of(said):
        raise StoreError(f"the manifest {said['run_id']} was changed. {REPAIR}")
    del said["digest"]
    return ExportManifest(**said | {"taken_at": datetime.fromisoformat(said["taken_at"])})
