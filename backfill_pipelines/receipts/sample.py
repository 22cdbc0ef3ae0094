"""Sample metadata rows: receipts of made-up merchants as the old system would have stored them, dirt included.

Deterministic by seed. The names and addresses are those that the stand-in of the Places API answers with, written as
a receipt would write them, so that a trial ends with places that agree with their receipts.
"""

import base64
import json
import random
import uuid
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from backfill_pipelines.stores.places_generated import generated_place

#: Of a hundred rows so many have no usable place id: one placeholder, one of each other kind in a thousand.
_NO_IDS = ("null", "", "N/A", "ChIJ..bad")
_NO_ID_SHARE = 0.01
_STATUSES = ("MATCHED", "MATCHED", "MATCHED", "MATCHED", "UNSURE", "")
_METHODS = ("PHONE_LOOKUP", "ADDRESS_LOOKUP", "NEARBY_LOOKUP", "TEXT_SEARCH", "INFERENCE", "")
_FIELDS = (["name"], ["name", "address"], ["Name", "phone-number"], ["merchant_name", "text_search"], [])


def sample_rows(records: int, places: int, seed: int = 0) -> Iterator[Mapping[str, Any]]:
    """Metadata rows, one a receipt; every place has one at least, and a few places have many.

    Args:
        records: How many rows.
        places: How many distinct places, at most as many as rows.
        seed: Equal for equal rows.

    Raises:
        ValueError: more places than records, or none at all.
    """
    if not 1 <= places <= records:
        raise ValueError(f"{records} records cannot be from {places} places")
    draw = random.Random(seed)
    for number in range(records):
        which = number if number < places else int(places * draw.random() ** 2)
        yield _row(number, sample_place_id(which, seed), draw, has_id=number < places or draw.random() >= _NO_ID_SHARE)


def sample_place_id(number: int, seed: int = 0) -> str:
    """A place id of Google's form and length."""
    digest = sha256(f"place:{seed}:{number}".encode()).digest()
    return f"ChIJ{base64.urlsafe_b64encode(digest).decode()[:23]}"


def write_sample(file: Path, records: int, places: int, seed: int = 0) -> None:
    """The rows as a file of JSON lines, as ``--seed`` takes it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w", encoding="utf-8") as lines:
        lines.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in sample_rows(records, places, seed))


def _row(number: int, place_id: str, draw: random.Random, *, has_id: bool) -> Mapping[str, Any]:
    place = generated_place(place_id)
    name = place["displayName"]["text"]
    return {
        "image_id": str(uuid.UUID(bytes=sha256(f"image:{number}:{draw.random()}".encode()).digest()[:16], version=4)),
        "receipt_id": 1 + number % 10 // 9,
        "place_id": place_id if has_id else draw.choice(_NO_IDS),
        "merchant_name": name.upper() if draw.random() < 1 / 3 else name,
        "matched_fields": draw.choice(_FIELDS),
        "timestamp": "2025-06-01T12:00:00+00:00",
        "merchant_category": "",
        "address": place["formattedAddress"],
        "phone_number": draw.choice([place["nationalPhoneNumber"], "N/A", ""]),
        "validated_by": draw.choice(_METHODS),
        "reasoning": "Found by a sample generator.",
        "validation_status": draw.choice(_STATUSES),
    }
