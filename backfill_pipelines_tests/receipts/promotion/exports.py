"""Exports for tests: the public ones beside the project, and a small one written by hand."""

import json
from pathlib import Path
from typing import Any

import pytest

from backfill_pipelines.receipts.promotion.export_reading import read_export
from backfill_pipelines.receipts.promotion.planned_image import PlannedImage, SetAside
from backfill_pipelines.receipts.promotion.reading_rules import ReadingRules

DATA = Path(__file__).parents[4] / "shared" / "data" / "receipts"
needs_exports = pytest.mark.skipif(not DATA.is_dir(), reason=f"no exports in {DATA}")

RAW, CDN, UPLOADS = "raw-image-bucket-c779c32", "sitebucket-ad92f1f", "upload-images-image-bucket-4bcea7e"
PROD_RAW, PROD_CDN = "raw-image-bucket-0facc78", "sitebucket-778abc9"
BUCKETS = {RAW: PROD_RAW, CDN: PROD_CDN}
RULES = ReadingRules(BUCKETS)
ALL_BUCKETS = ReadingRules({**BUCKETS, UPLOADS: UPLOADS})

IMAGE = "3f52804b-2fad-4e00-92c8-b593da3a8ed3"
_CORNERS = ("top_right", "top_left", "bottom_right", "bottom_left")


def real_exports() -> list[Path]:
    """The six public files, in the order of their names."""
    return sorted([*(DATA / "exports").glob("*.json"), *(DATA / "exports_full").glob("*.json.gz")])


def read_file(file: Path, rules: ReadingRules = RULES) -> PlannedImage | SetAside:
    """A file as read."""
    return read_export(file.name, file.read_bytes(), rules)


def geometry(text: str) -> dict[str, Any]:
    """A text and where it stands."""
    return {
        "text": text,
        "bounding_box": {"x": 0.25, "y": 0.5, "width": 0.125, "height": 0.0625},
        **{corner: {"x": 0.25, "y": 0.5} for corner in _CORNERS},
        "angle_degrees": 0.0,
        "angle_radians": 0.0,
        "confidence": 0.5,
    }


def export(**changes: Any) -> dict[str, Any]:
    """A complete export of one receipt with one word; a change replaces a whole list, ``...`` takes it away."""
    files = {"width": 10, "height": 20, "timestamp_added": "2025-02-08T03:20:09.513471", "raw_s3_key": "raw/a.png"}
    files |= {"raw_s3_bucket": RAW, "cdn_s3_bucket": CDN, "cdn_s3_key": None, "sha256": "00"}
    word = {"line_id": 1, "word_id": 1}
    in_receipt = {"receipt_id": 1, **word}
    place = {"place_id": "ChIJAAAAAAAAAAAAAAAAAAAAAAA", "merchant_name": "Green Grocer"}
    lists: dict[str, list[dict[str, Any]]] = {
        "images": [{**files, "image_type": "SCAN"}],
        "receipts": [{"receipt_id": 1, **files, **{corner: {"x": 0.1, "y": 0.2} for corner in _CORNERS}}],
        "lines": [{"line_id": 1, **geometry("MILK")}],
        "words": [{**word, **geometry("MILK"), "extracted_data": None}],
        "letters": [{**word, "letter_id": 1, **geometry("M")}],
        "receipt_lines": [
            {"receipt_id": 1, "line_id": 1, **geometry("MILK"), "embedding_status": "SUCCESS", "is_noise": True}
        ],
        "receipt_words": [{**in_receipt, **geometry("MILK"), "extracted_data": None, "embedding_status": "NOISE"}],
        "receipt_letters": [{**in_receipt, "letter_id": 1, **geometry("M")}],
        "receipt_word_labels": [
            {
                **in_receipt,
                "label": "product_name",
                "reasoning": "",
                "timestamp_added": "2025-03-30T18:49:49",
                "validation_status": "VALID",
                "label_proposed_by": "me",
                "label_consolidated_from": None,
            }
        ],
        "receipt_metadatas": [
            {
                "receipt_id": 1,
                **place,
                "matched_fields": ["phone", "name"],
                "phone_number": "",
                "timestamp": "yesterday",
            }
        ],
        "receipt_places": [
            {
                "receipt_id": 1,
                **place,
                "validation_status": "MATCHED",
                "timestamp": "2025-12-20T00:00:00+00:00",
                "confidence": 0.95,
                "latitude": 34.1915,
                "longitude": -118.624,
                "geohash": "zzzzzz",
                "merchant_types": ["store", "grocery_store", "store", " "],
                "hours_data": {"periods": [{"open": {"minute": 0, "day": 1, "hour": 8}}]},
                "open_now": True,
            }
        ],
        "ocr_jobs": [
            {
                "job_id": "691bff40-95e5-4cc9-898e-9770d98574a6",
                "s3_bucket": RAW,
                "s3_key": "raw/a.png",
                "created_at": "2025-06-22T22:49:44",
                "updated_at": None,
                "status": "COMPLETED",
                "job_type": "FIRST_PASS",
                "receipt_id": None,
            }
        ],
        "ocr_routing_decisions": [
            {
                "job_id": "691bff40-95e5-4cc9-898e-9770d98574a6",
                "s3_bucket": RAW,
                "s3_key": "ocr/a.json",
                "created_at": "2025-06-22T22:49:49",
                "updated_at": None,
                "receipt_count": 1,
                "status": "COMPLETED",
            }
        ],
    }
    whole = {name: [{"image_id": IMAGE, **row} for row in rows] for name, rows in lists.items()}
    return {name: rows for name, rows in (whole | changes).items() if rows is not ...}


def rows(name: str, **changes: Any) -> list[dict[str, Any]]:
    """The rows of one list of that export with the first one changed; ``...`` takes a column away."""
    first, *others = export()[name]
    return [{column: value for column, value in (first | changes).items() if value is not ...}, *others]


def read(content: dict[str, Any] | None = None, rules: ReadingRules = RULES) -> PlannedImage | SetAside:
    """An export as read."""
    return read_export(f"{IMAGE}.json", json.dumps(export() if content is None else content).encode(), rules)


def planned(content: dict[str, Any] | None = None, rules: ReadingRules = RULES) -> PlannedImage:
    """An export that is good."""
    found = read(content, rules)
    assert isinstance(found, PlannedImage), found
    return found
