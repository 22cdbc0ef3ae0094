"""Before-images: an item as it was before a run of the migration replaced it, kept so that a rollback can restore it.

receipts/before-images/{plan}/{run}/{image_id}-{receipt_id}.json, written before the intent that names it.
"""

import base64
import json
from collections.abc import Mapping
from typing import Any

from backfill_pipelines.backfill.failures import StoreError
from backfill_pipelines.receipts.items import Item, canonical_json, item_digest
from backfill_pipelines.receipts.keys import RecordKey
from backfill_pipelines.stores.objects import ObjectStore

FOLDER = "receipts/before-images"


def save_before_image(objects: ObjectStore, plan_id: str, run_id: str, key: RecordKey, item: Item) -> str:
    """Keep an item; returns the reference that the ledger remembers."""
    reference = f"{FOLDER}/{plan_id}/{run_id}/{key.image_id}-{key.receipt_id:05d}.json"
    said = {"digest": item_digest(item), "item": encoded(item)}
    objects.write(reference, canonical_json(said).encode("utf-8", "surrogatepass"))
    return reference


def load_before_image(objects: ObjectStore, reference: str) -> dict[str, Any]:
    """An item as it was.

    Raises:
        StoreError: the file is not what was written.
    """
    ((_, content),) = objects.read([reference])
    said = json.loads(content)
    item = decoded(said["item"])
    if item_digest(item) != said["digest"]:
        raise StoreError(f"{reference} is not what was written. Repair: restore the file from the bucket's history")
    return item


def encoded(item: Item) -> dict[str, Any]:
    """An item as JSON holds it."""
    return _coded(item, _to_text)


def decoded(said: Mapping[str, Any]) -> dict[str, Any]:
    """An item from what JSON holds of it."""
    return _coded(said, base64.b64decode)


def _to_text(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _coded(value: Any, code: Any) -> Any:
    """The same attributes with every binary value coded: JSON has none."""
    if isinstance(value, Mapping):
        return {name: _binary(name, member, code) for name, member in value.items()}
    return [_coded(member, code) for member in value] if isinstance(value, list) else value


def _binary(name: str, member: Any, code: Any) -> Any:
    """A member of an attribute; ``B`` and ``BS`` are types only where their value is no attribute itself."""
    if name == "B" and not isinstance(member, Mapping):
        return code(member)
    if name == "BS" and not isinstance(member, Mapping):
        return [code(one) for one in member]
    return _coded(member, code)
