"""The manifest: an inventory as files, one for each bucket, which every later step works from.

receipts/manifest/{run_id}/begun.json        taken first: who has the run id
                          /bucket=XX.jsonl   one row for each record, in the order of all work
                          /malformed.jsonl   rows set aside by their keys
                          /counts.json       the counts of the assessment
                          /manifest.json     written last, and only when the gates are green: it makes it count
"""

import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any

from backfill_pipelines.backfill.failures import BackfillError, StoreError
from backfill_pipelines.receipts import metadata as source
from backfill_pipelines.receipts.assessment import Assessed
from backfill_pipelines.receipts.inventory import Inventory
from backfill_pipelines.receipts.items import canonical_json, digest_of
from backfill_pipelines.receipts.manifest_files import read_lines, take_run_id, write_lines
from backfill_pipelines.receipts.metadata import Eligibility
from backfill_pipelines.receipts.place_reading import Existing
from backfill_pipelines.stores.objects import ObjectStore

FOLDER = "receipts/manifest"
_MALFORMED, COUNTS, _MANIFEST = "malformed.jsonl", "counts.json", "manifest.json"
_VERSION = 1
_REPAIR = "Repair: backfill receipts inventory"

OLDEST = timedelta(hours=24)
MOST_DRIFT = 0.005


class ManifestMissing(BackfillError):
    """There is no manifest that may be worked from."""


@dataclass(frozen=True)
class Row:
    """One record of the manifest."""

    image_id: str
    receipt_id: int
    bucket: str
    place_id: str
    eligible: bool
    reason: str
    source_digest: str
    existing: str
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Totals:
    """The rows of a manifest, counted in its files."""

    eligible: int
    ineligible: int
    malformed: int
    distinct_keys: int

    @property
    def rows(self) -> int:
        """All of them."""
        return self.eligible + self.ineligible + self.malformed


@dataclass(frozen=True)
class Manifest:
    """What ``manifest.json`` says of its files."""

    run_id: str
    table: str
    taken_at: datetime
    scanned_metadata: int
    rows_scanned: int
    read_units: float
    requires_receipt: bool
    by_reason: Mapping[str, int]
    malformed_by_reason: Mapping[str, int]
    existing: Mapping[str, int]
    places: int
    #: Rows and sha256 of each file.
    files: Mapping[str, Mapping[str, Any]]
    #: Of the scanned rows, those that an index by TYPE holds; None in manifests from before it was counted.
    metadata_with_type: int | None = None
    version: int = _VERSION

    @property
    def digest(self) -> str:
        """Equal for equal content of the same table, whenever it was scanned."""
        return digest_of({"v": self.version, "table": self.table, "files": {k: dict(v) for k, v in self.files.items()}})


def new_run_id(objects: ObjectStore, now: datetime) -> str:
    """The next run id of the day, ``rp-YYYYMMDD-NNNN``, taken so that no other process gets it."""
    return take_run_id(objects, FOLDER, "rp", now)


def write_rows(objects: ObjectStore, run_id: str, inventory: Inventory) -> Manifest:
    """Write every file but the last: the manifest counts for nobody before ``publish``."""
    census = inventory.census
    files: dict[str, Mapping[str, Any]] = {}
    for bucket, records in groupby(census.records, lambda record: record.metadata.key.bucket):
        rows = [asdict(row_of(record)) for record in records]
        files[f"bucket={bucket}.jsonl"] = write_lines(objects, _key(run_id, f"bucket={bucket}.jsonl"), rows)
    if census.malformed:
        malformed = [asdict(row) for row in census.malformed]
        files[_MALFORMED] = write_lines(objects, _key(run_id, _MALFORMED), malformed)
    reasons = Counter(record.reason for record in census.records)
    states = Counter(record.existing for record in census.records)
    return Manifest(
        run_id=run_id,
        table=inventory.table,
        taken_at=inventory.taken_at,
        scanned_metadata=inventory.scanned_metadata,
        rows_scanned=inventory.rows_scanned,
        read_units=inventory.consumed.total,
        requires_receipt=inventory.requires_receipt,
        by_reason={str(reason): reasons[reason] for reason in Eligibility},
        malformed_by_reason=dict(sorted(Counter(str(row.reason) for row in census.malformed).items())),
        existing={str(state): states[state] for state in Existing},
        places=inventory.places,
        files=files,
        metadata_with_type=census.rows_by_type.get(source.TYPE, 0),
    )


def row_of(record: Assessed) -> Row:
    """A record as its row."""
    metadata = record.metadata
    return Row(
        image_id=metadata.image_id,
        receipt_id=metadata.receipt_id,
        bucket=metadata.key.bucket,
        place_id=metadata.place_id,
        eligible=record.is_eligible,
        reason=str(record.reason),
        source_digest=metadata.source_digest,
        existing=str(record.existing),
        notes=metadata.notes,
    )


def publish(objects: ObjectStore, manifest: Manifest, counts: Sequence[Mapping[str, Any]]) -> None:
    """Write the counts, then the file that makes the manifest count."""
    objects.write(_key(manifest.run_id, COUNTS), canonical_json(list(counts)).encode())
    said = asdict(manifest) | {"taken_at": manifest.taken_at.isoformat(), "digest": manifest.digest}
    objects.write(_key(manifest.run_id, _MANIFEST), canonical_json(said).encode())


def read_rows(objects: ObjectStore, manifest: Manifest, buckets: Collection[str] | None = None) -> list[Row]:
    """The records of a manifest, in order, of some buckets or all, each file compared with its digest.

    Raises:
        StoreError: a file is not what was written.
    """
    wanted = None if buckets is None else {f"bucket={bucket}.jsonl" for bucket in buckets}
    names = [name for name in manifest.files if name != _MALFORMED and (wanted is None or name in wanted)]
    return [
        Row(**{**line, "notes": tuple(line["notes"])})
        for _, lines in _read_files(objects, manifest, names)
        for line in lines
    ]


def count_files(objects: ObjectStore, manifest: Manifest) -> Totals:
    """Count a manifest in its files, as they are read back."""
    records, malformed = read_rows(objects, manifest), 0
    if _MALFORMED in manifest.files:
        malformed = sum(len(lines) for _, lines in _read_files(objects, manifest, [_MALFORMED]))
    eligible = sum(row.eligible for row in records)
    keys = {(row.image_id, row.receipt_id) for row in records}
    return Totals(eligible, len(records) - eligible, malformed, len(keys))


def read_counts(objects: ObjectStore, manifest: Manifest) -> list[dict[str, Any]]:
    """The counts of the assessment."""
    ((_, content),) = objects.read([_key(manifest.run_id, COUNTS)])
    return json.loads(content)


def latest_manifest(objects: ObjectStore, table: str) -> Manifest | None:
    """The newest published manifest of a table."""
    keys = [info.key for info in objects.find([FOLDER]) if info.key.endswith(f"/{_MANIFEST}")]
    for _, content in objects.read(sorted(keys, reverse=True)):
        if json.loads(content)["table"] == table:
            return _published(content)
    return None


def read_manifest(objects: ObjectStore, run_id: str) -> Manifest:
    """The published manifest of a run, whatever its age.

    Raises:
        StoreError: it is not there, or not what was written.
    """
    keys = [info.key for info in objects.find([f"{FOLDER}/{run_id}"]) if info.key == _key(run_id, _MANIFEST)]
    if not keys:
        raise StoreError(f"the manifest {run_id} is gone. {_REPAIR}, then plan again")
    ((_, content),) = objects.read(keys)
    return _published(content)


def current_manifest(
    objects: ObjectStore, table: str, now: datetime | None = None, metadata_rows: int | None = None
) -> Manifest:
    """The manifest to work from.

    Raises:
        ManifestMissing: there is none, or it is stale.
    """
    found = latest_manifest(objects, table)
    if found is None:
        raise ManifestMissing(f"{table} has no green manifest. {_REPAIR}")
    if why := stale_because(found, now or datetime.now(UTC), metadata_rows):
        raise ManifestMissing(stale_text(found, why))
    return found


def stale_text(manifest: Manifest, why: str) -> str:
    """That a manifest is stale, in words, and the command that helps."""
    return f"the manifest {manifest.run_id} of {manifest.table} is stale: {why}. {_REPAIR}"


def stale_because(manifest: Manifest, now: datetime, metadata_rows: int | None = None) -> str:
    """Why a manifest is too old to work from; empty when it is not. ``metadata_rows`` is a new count of the table."""
    age = now - manifest.taken_at
    if age > OLDEST:
        return f"it was taken {age.total_seconds() / 3600:.1f} hours ago, more than {OLDEST.total_seconds() / 3600:.0f}"
    if metadata_rows is None:
        return ""
    drift = abs(metadata_rows - manifest.scanned_metadata)
    if drift > MOST_DRIFT * manifest.scanned_metadata:
        return f"it counts {manifest.scanned_metadata:,} metadata rows, the table has {metadata_rows:,}"
    return ""


def _published(content: bytes) -> Manifest:
    said = json.loads(content)
    digest = said.pop("digest")
    found = Manifest(**said | {"taken_at": datetime.fromisoformat(said["taken_at"])})
    if found.digest != digest:
        raise StoreError(f"the manifest {found.run_id} was changed. {_REPAIR}")
    return found


def _read_files(
    objects: ObjectStore, manifest: Manifest, wanted: Sequence[str]
) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    files = {name: manifest.files[name] for name in wanted}
    return read_lines(objects, f"{FOLDER}/{manifest.run_id}", files, _REPAIR)


def _key(run_id: str, name: str) -> str:
    return f"{FOLDER}/{run_id}/{name}"
