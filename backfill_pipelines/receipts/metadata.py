"""RECEIPT_METADATA, the source: one tolerant read for whatever a row holds, and whether a record is eligible.

A row is never written here and never raises: what it lacks is empty, what is odd is a note, and only a row that
cannot be told which receipt it is about is set aside as malformed.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from backfill_pipelines.receipts.items import Item, digest_of
from backfill_pipelines.receipts.keys import Malformed, RecordKey, record_key, text_of
from backfill_pipelines.receipts.names import is_placeholder, usable

TYPE = "RECEIPT_METADATA"
SK_SUFFIX = "#METADATA"

_PLACE_ID = re.compile(r"[A-Za-z0-9_-]{10,}")

#: Text attributes, as stored; with the keys and matched_fields, all that a row is about.
TEXTS = (
    "place_id",
    "merchant_name",
    "merchant_category",
    "address",
    "phone_number",
    "validated_by",
    "timestamp",
    "reasoning",
    "canonical_place_id",
    "canonical_merchant_name",
    "canonical_address",
    "canonical_phone_number",
    "validation_status",
)
MATCHED_FIELDS = ("name", "phone", "address")
_OTHER_WORDS = {"merchant_name": "name", "phone_number": "phone"}
_DIGEST_LENGTH = 16


class ValidationStatus(StrEnum):
    """How sure the old system was of the place."""

    MATCHED = "MATCHED"
    UNSURE = "UNSURE"
    NO_MATCH = "NO_MATCH"


class ValidationMethod(StrEnum):
    """How the old system found the place."""

    PHONE_LOOKUP = "PHONE_LOOKUP"
    ADDRESS_LOOKUP = "ADDRESS_LOOKUP"
    NEARBY_LOOKUP = "NEARBY_LOOKUP"
    TEXT_SEARCH = "TEXT_SEARCH"
    INFERENCE = "INFERENCE"


class Eligibility(StrEnum):
    """Whether a record gets a place; the manifest's ``reason``."""

    ELIGIBLE = "eligible"
    PLACE_ID_MISSING = "place_id_missing"
    PLACE_ID_PLACEHOLDER = "place_id_placeholder"
    PLACE_ID_MALFORMED = "place_id_malformed"
    RECEIPT_MISSING = "receipt_missing"


@dataclass(frozen=True, kw_only=True)
class Metadata:
    """One row. Texts are stripped and placeholders empty, save for ``place_id``: there one is a reason of its own."""

    key: RecordKey
    place_id: str
    merchant_name: str
    merchant_category: str
    address: str
    phone_number: str
    reasoning: str
    timestamp: str
    canonical_place_id: str
    matched_fields: tuple[str, ...]
    validated_by: ValidationMethod
    validation_status: ValidationStatus
    source_digest: str
    #: Attributes that are not NULL, whatever they hold, and texts that only stand for "no value".
    present: frozenset[str]
    placeholders: frozenset[str]
    notes: tuple[str, ...] = ()

    @property
    def image_id(self) -> str:
        """The image of the receipt."""
        return self.key.image_id

    @property
    def receipt_id(self) -> int:
        """The number of the receipt on its image."""
        return self.key.receipt_id


def read_metadata(item: Item) -> Metadata | Malformed:
    """Read any item that stands where a metadata row should."""
    key = record_key(item, TYPE, SK_SUFFIX)
    if isinstance(key, Malformed):
        return key
    notes = [] if "TYPE" in item else ["type_absent"]
    stored = {name: _stored_text(item, name, notes) for name in TEXTS}
    raw_fields = _raw_matched_fields(item, notes)
    texts = {name: usable(text) for name, text in stored.items()}
    return Metadata(
        key=key,
        place_id=stored["place_id"].strip(),
        merchant_name=texts["merchant_name"],
        merchant_category=texts["merchant_category"],
        address=texts["address"],
        phone_number=texts["phone_number"],
        reasoning=texts["reasoning"],
        timestamp=_noted_timestamp(stored["timestamp"], notes),
        canonical_place_id=texts["canonical_place_id"],
        matched_fields=_normalised_fields(raw_fields),
        validated_by=_method(texts["validated_by"], notes),
        validation_status=_status(texts["validation_status"], notes),
        source_digest=source_digest(key, stored, raw_fields),
        present=frozenset(name for name, attribute in item.items() if not attribute.get("NULL")),
        placeholders=frozenset(name for name, text in stored.items() if is_placeholder(text)),
        notes=tuple(notes),
    )


def eligibility(metadata: Metadata, *, has_receipt: bool = True) -> Eligibility:
    """Whether a record gets a place; ``has_receipt`` stays True where the parent receipt is not required."""
    if not metadata.place_id:
        return Eligibility.PLACE_ID_MISSING
    if is_placeholder(metadata.place_id):
        return Eligibility.PLACE_ID_PLACEHOLDER
    if not _PLACE_ID.fullmatch(metadata.place_id):
        return Eligibility.PLACE_ID_MALFORMED
    return Eligibility.ELIGIBLE if has_receipt else Eligibility.RECEIPT_MISSING


def source_digest(key: RecordKey, stored: Mapping[str, str], raw_fields: list[str]) -> str:
    """Sixteen hex digits over all that the old system said of a receipt, texts as stored."""
    said = {"image_id": key.image_id, "receipt_id": key.receipt_id, "matched_fields": sorted(raw_fields) or ""}
    return digest_of(said | {name: stored.get(name, "") for name in TEXTS})[:_DIGEST_LENGTH]


def _stored_text(item: Item, name: str, notes: list[str]) -> str:
    attribute = item.get(name)
    text = text_of(attribute)
    if text is None and attribute is not None and "NULL" not in attribute:
        notes.append(f"{name}_not_text")
    return text or ""


def _raw_matched_fields(item: Item, notes: list[str]) -> list[str]:
    """The words of SS, of a list, or of a list as JSON text, as they are."""
    attribute = item.get("matched_fields") or {}
    if "SS" in attribute:
        return [str(word) for word in attribute["SS"]]
    if "L" in attribute:
        words = [text_of(member) for member in attribute["L"]]
    elif text := text_of(attribute):
        words = _json_words(text)
    else:
        words = [] if attribute.keys() <= {"NULL", "S"} else [None]
    if None in words:
        notes.append("matched_fields_unreadable")
    return [word for word in words if word is not None]


def _json_words(text: str) -> list[str | None]:
    """The members of a list as JSON text; None for what is no word."""
    if not text.strip():
        return []
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return [None]
    return [word if isinstance(word, str) else None for word in found] if isinstance(found, list) else [None]


def _normalised_fields(raw: list[str]) -> tuple[str, ...]:
    words = {re.sub(r"[\s-]+", "_", word.strip().lower()) for word in raw}
    found = {_OTHER_WORDS.get(word, word) for word in words}
    return tuple(name for name in MATCHED_FIELDS if name in found)


def _noted_timestamp(text: str, notes: list[str]) -> str:
    """The text as it is; only noted when it is no time, or nobody's time."""
    try:
        if datetime.fromisoformat(text).tzinfo is None:
            notes.append("timestamp_naive")
    except ValueError:
        notes.append("timestamp_unparsable" if text.strip() else "timestamp_missing")
    return text


def _status(text: str, notes: list[str]) -> ValidationStatus:
    if text in ValidationStatus.__members__:
        return ValidationStatus(text)
    notes.append("status_unknown")
    return ValidationStatus.UNSURE


def _method(text: str, notes: list[str]) -> ValidationMethod:
    if text in ValidationMethod.__members__:
        return ValidationMethod(text)
    notes.append("method_unknown")
    return ValidationMethod.INFERENCE
