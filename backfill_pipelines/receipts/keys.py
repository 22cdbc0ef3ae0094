"""The identity of a record: read strictly from the keys of any of its items, and the bucket it belongs to."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from backfill_pipelines.receipts.items import Item

#: Partition keys of every asset: the first two hex digits of the image id.
BUCKETS = tuple(f"{number:02x}" for number in range(256))

_PK = re.compile(r"IMAGE#(.+)", re.DOTALL)
_UUID_4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", re.IGNORECASE)
#: Far beyond any receipt, and short enough to be read as a number at once.
_RECEIPT_ID = re.compile(r"[0-9]{1,30}")


class MalformedReason(StrEnum):
    """Why an item is about no receipt."""

    PK_UNPARSABLE = "pk_unparsable"
    SK_UNPARSABLE = "sk_unparsable"
    IMAGE_ID_NOT_UUID4 = "image_id_not_uuid4"
    RECEIPT_ID_NOT_POSITIVE = "receipt_id_not_positive"
    OTHER_TYPE = "other_type"


@dataclass(frozen=True)
class Malformed:
    """An item set aside by its key."""

    pk: str
    sk: str
    reason: MalformedReason


@dataclass(frozen=True, order=True)
class RecordKey:
    """One receipt; sorted as all work is done: by bucket, image, receipt."""

    bucket: str
    image_id: str
    receipt_id: int

    @classmethod
    def of(cls, image_id: str, receipt_id: int) -> "RecordKey":
        """The key of a record, with its bucket."""
        return cls(bucket_of(image_id), image_id, receipt_id)

    @property
    def name(self) -> str:
        """A record as people name it in a decision: ``image_id/receipt_id``."""
        return f"{self.image_id}/{self.receipt_id}"


def bucket_of(image_id: str) -> str:
    """The bucket of an image: uniform, since the first byte of a UUID of version 4 is random."""
    return image_id[:2].lower()


def is_image_id(text: str) -> bool:
    """Whether a text is a UUID of version 4, which the buckets rely on."""
    return _UUID_4.fullmatch(text) is not None


def record_key(item: Item, item_type: str, sk_suffix: str) -> RecordKey | Malformed:
    """Whose item it is; an absent TYPE is no fault, another one is, and a key counts only in its one spelling."""
    pk, sk = text_of(item.get("PK")) or "", text_of(item.get("SK")) or ""
    image = _PK.fullmatch(pk)
    image_id = image[1] if image else ""
    receipt_id = _receipt_id(sk, sk_suffix)
    faults = {
        MalformedReason.PK_UNPARSABLE: not image_id,
        MalformedReason.IMAGE_ID_NOT_UUID4: not is_image_id(image_id),
        MalformedReason.SK_UNPARSABLE: receipt_id is None,
        MalformedReason.RECEIPT_ID_NOT_POSITIVE: receipt_id == 0,
        MalformedReason.OTHER_TYPE: "TYPE" in item and text_of(item["TYPE"]) != item_type,
    }
    fault = next((reason for reason, is_so in faults.items() if is_so), None)
    return Malformed(pk, sk, fault) if fault else RecordKey.of(image_id, receipt_id or 0)


def _receipt_id(sk: str, suffix: str) -> int | None:
    """The number in a sort key; None unless the key is the one that the number would be written as."""
    digits = sk.removeprefix("RECEIPT#").removesuffix(suffix)
    if not _RECEIPT_ID.fullmatch(digits):
        return None
    return int(digits) if sk == f"RECEIPT#{int(digits):05d}{suffix}" else None


def text_of(attribute: Mapping[str, Any] | None) -> str | None:
    """The text of an S attribute; None for any other."""
    value = (attribute or {}).get("S")
    return value if isinstance(value, str) else None
