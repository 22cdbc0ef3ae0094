"""Small items and answers written by hand, each a good one until a test changes it."""

from typing import Any

from backfill_pipelines.receipts.items import Item, typed
from backfill_pipelines.receipts.keys import Malformed
from backfill_pipelines.receipts.metadata import Metadata, read_metadata
from backfill_pipelines.receipts.place_building import Built, Quarantined, build
from backfill_pipelines.receipts.provenance import Mark

IMAGE = "3f52804b-2fad-4e00-92c8-b593da3a8ed3"
PLACE_ID = "ChIJAAAAAAAAAAAAAAAAAAAAAAA"
AT = "2026-01-05T12:00:00+00:00"
RUN = "rp-20260105-0001"


def metadata_item(**changes: Any) -> dict[str, Any]:
    """A complete row; a change is a plain value, an attribute under its type, or ``...`` for no attribute."""
    values: dict[str, Any] = {
        "PK": f"IMAGE#{IMAGE}",
        "SK": "RECEIPT#00001#METADATA",
        "TYPE": "RECEIPT_METADATA",
        "place_id": PLACE_ID,
        "merchant_name": "Green Grocer",
        "merchant_category": "Grocery",
        "address": "12 Market St, Springfield, CA 90001, USA",
        "phone_number": "(555) 010-0000",
        "matched_fields": {"SS": ["name", "phone"]},
        "validated_by": "TEXT_SEARCH",
        "validation_status": "MATCHED",
        "timestamp": "2025-04-23T21:55:47.827833+00:00",
        "reasoning": "Found by its name.",
    }
    found = {name: value for name, value in (values | changes).items() if value is not ...}
    return {name: value if isinstance(value, dict) else dict(typed(value)) for name, value in found.items()}


def metadata(**changes: Any) -> Metadata:
    """The row as read."""
    found = read_metadata(metadata_item(**changes))
    assert not isinstance(found, Malformed)
    return found


def answer(**changes: Any) -> dict[str, Any]:
    """The body of a 200 answer about the same shop; ``...`` takes a field away."""
    body: dict[str, Any] = {
        "id": PLACE_ID,
        "displayName": {"text": "Green Grocer", "languageCode": "en"},
        "formattedAddress": "12 Market St, Springfield, CA 90001, USA",
        "shortFormattedAddress": "12 Market St, Springfield",
        "addressComponents": [
            {"longText": "12", "shortText": "12", "types": ["street_number"], "languageCode": "en-US"},
        ],
        "location": {"latitude": 34.1915, "longitude": -118.624},
        "viewport": {
            "high": {"latitude": 34.1929, "longitude": -118.6226},
            "low": {"latitude": 34.1902, "longitude": -118.6253},
        },
        "plusCode": {"globalCode": "8553598G+J9"},
        "types": ["store", "grocery_store", "store", " "],
        "primaryType": "grocery_store",
        "businessStatus": "OPERATIONAL",
        "nationalPhoneNumber": "(555) 010-0000",
        "internationalPhoneNumber": "+1 555-010-0000",
        "websiteUri": "https://example.com/",
        "googleMapsUri": "https://maps.google.com/?cid=1",
        "regularOpeningHours": {
            "openNow": True,
            "weekdayDescriptions": ["Monday: 8:00\u202fAM\u2009\u2013\u200910:00\u202fPM"],
            "periods": [{"open": {"day": 1, "hour": 8, "minute": 0}, "close": {"day": 1, "hour": 22, "minute": 0}}],
        },
    }
    return {name: value for name, value in (body | changes).items() if value is not ...}


def mark_for(row: Metadata, run_id: str = RUN, at: str = AT) -> Mark:
    """The mark of a run that builds from this row."""
    return Mark(run_id, at, row.source_digest)


def built(row: Metadata | None = None, body: dict[str, Any] | None = None, **options: Any) -> Built:
    """A place that must come about."""
    found = build_any(row, body, **options)
    assert isinstance(found, Built), found
    return found


def build_any(row: Metadata | None = None, body: dict[str, Any] | None = None, **options: Any) -> Built | Quarantined:
    """A place, or why there is none."""
    row = row or metadata()
    return build(row, body if body is not None else answer(), mark_for(row), **options)


def place_item(**changes: Any) -> dict[str, Any]:
    """The item of a good place; a change is an attribute under its type, or ``...`` for no attribute."""
    item: Item = built().item
    return {name: value for name, value in ({**item} | changes).items() if value is not ...}
