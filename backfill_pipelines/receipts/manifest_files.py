"""The files of a manifest: rows as JSON lines with their digest, and a run id that nobody else has. Any system's."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any

from backfill_pipelines.backfill.failures import StoreError
from backfill_pipelines.receipts.items import canonical_json
from backfill_pipelines.stores.objects import ObjectStore

_BEGUN = "begun.json"
_MOST_RUNS = 9_999

#: Rows and sha256 of a file.
FileFacts = Mapping[str, Any]


def take_run_id(objects: ObjectStore, folder: str, prefix: str, now: datetime) -> str:
    """The next run id of the day, ``{prefix}-YYYYMMDD-NNNN``, taken so that no other process gets it.

    Raises:
        StoreError: the day has no ids left.
    """
    for number in range(1, _MOST_RUNS + 1):
        run_id = f"{prefix}-{now:%Y%m%d}-{number:04d}"
        if objects.create(f"{folder}/{run_id}/{_BEGUN}", canonical_json({"at": now.isoformat()}).encode()):
            return run_id
    raise StoreError(f"all run ids of {now:%Y-%m-%d} are taken. Repair: go on tomorrow, or empty {folder}")


def write_lines(objects: ObjectStore, key: str, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Write rows, one a line; what is said of the file is what it is recognised by."""
    content = "".join(f"{canonical_json(row)}\n" for row in rows).encode("utf-8", "surrogatepass")
    objects.write(key, content)
    return {"rows": len(rows), "sha256": sha256(content).hexdigest()}


def read_lines(
    objects: ObjectStore, folder: str, files: Mapping[str, FileFacts], repair: str
) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """The rows of files, each compared with its digest, in the order of their names.

    Args:
        objects: Where they are.
        folder: Where below it.
        files: By name, what was said of each when it was written.
        repair: What to do about a file that is another.

    Raises:
        StoreError: a file is not what was written.
    """
    names = sorted(files)
    for name, (key, content) in zip(names, objects.read([f"{folder}/{name}" for name in names]), strict=True):
        if sha256(content).hexdigest() != files[name]["sha256"]:
            raise StoreError(f"{key} is not what was written. {repair}")
        text = content.decode("utf-8", "surrogatepass")
        yield name, [json.loads(line) for line in text.split("\n") if line]
