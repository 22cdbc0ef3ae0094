"""Before-images of whole partitions: an image as it was before a run replaced it, so that a rollback can restore it.

promotion/before-images/{table}/{run}/{image_id}.json.gz, durable before the intents that name it.
"""

import gzip
import json
from collections.abc import Iterable
from typing import Any

from backfill_pipelines.backfill.failures import StoreError
from backfill_pipelines.receipts.before_images import decoded, encoded
from backfill_pipelines.receipts.items import Item, canonical_json, digest_of, item_digest
from backfill_pipelines.stores.objects import ObjectStore

FOLDER = "promotion/before-images"


def save_partition(objects: ObjectStore, table: str, run_id: str, image_id: str, items: Iterable[Item]) -> str:
    """Keep the items of an image; returns the reference that the ledger remembers."""
    reference = f"{FOLDER}/{table}/{run_id}/{image_id}.json.gz"
    found = sorted(items, key=lambda item: str(item["SK"]))
    said = {"digest": _digest(found), "items": [encoded(item) for item in found]}
    objects.write(reference, gzip.compress(canonical_json(said).encode("utf-8", "surrogatepass"), mtime=0))
    return reference


def load_partition(objects: ObjectStore, reference: str) -> dict[str, dict[str, Any]]:
    """The items of an image as they were, by sort key.

    Raises:
        StoreError: the file is not what was written.
    """
    ((_, content),) = objects.read([reference])
    said = json.loads(gzip.decompress(content))
    items = [decoded(item) for item in said["items"]]
    if _digest(items) != said["digest"]:
        raise StoreError(f"{reference} is not what was written. Repair: restore the file from the bucket's history")
    return {item["SK"]["S"]: item for item in items}


def _digest(items: Iterable[Item]) -> str:
    return digest_of([item_digest(item) for item in items])
