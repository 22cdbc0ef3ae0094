"""RECEIPT_PLACE, the target: the entity, its keys, the strict item that is written, the tolerant read of any item.

Where an entity's values come from is in ``place_building``; who wrote an item is in ``provenance``.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

import geohash2

from backfill_pipelines.receipts.items import Attribute, Item, floatless_json, typed
from backfill_pipelines.receipts.keys import RecordKey, is_image_id
from backfill_pipelines.receipts.metadata import ValidationMethod, ValidationStatus
from backfill_pipelines.receipts.names import slug

TYPE = "RECEIPT_PLACE"
SK_SUFFIX = "#PLACE"
PLACES_API_VERSION = "v1"
GEOHASH_LENGTH = 6
GEOHASH_ALPHABET = "0123456789bcdefghjkmnpqrstuvwxyz"
INDEXES = ("GSI1", "GSI2", "GSI3", "GSI4", "GSITYPE")

MOST_LATITUDE, MOST_LONGITUDE = Decimal(90), Decimal(180)
#: What DynamoDB accepts as the partition and as the sort key of a table or an index.
MOST_PARTITION_KEY_BYTES, MOST_SORT_KEY_BYTES = 2048, 1024
_MOST_BYTES_OF_CHARACTER = 4

#: S, or NULL when empty.
OPTIONAL_TEXTS = (
    "merchant_category",
    "formatted_address",
    "short_address",
    "phone_number",
    "phone_intl",
    "website",
    "maps_url",
    "business_status",
    "plus_code",
    "validated_by",
    "reasoning",
    "places_api_version",
    "geohash",
)
REQUIRED_TEXTS = ("image_id", "place_id", "merchant_name", "validation_status", "timestamp")
LISTS = ("merchant_types", "matched_fields", "hours_summary", "photo_references")
VIEWPORT = ("viewport_ne_lat", "viewport_ne_lng", "viewport_sw_lat", "viewport_sw_lng")
COORDINATES = ("latitude", "longitude", *VIEWPORT)


class InvalidPlace(ValueError):
    """A place that must not be written; the message lists every rule it breaks."""


@dataclass(frozen=True, kw_only=True)
class ReceiptPlace:
    """Which place a receipt is from, with everything Google says about that place."""

    image_id: str
    receipt_id: int
    place_id: str
    merchant_name: str
    confidence: Decimal
    validation_status: str
    timestamp: str
    merchant_category: str = ""
    merchant_types: tuple[str, ...] = ()
    formatted_address: str = ""
    short_address: str = ""
    address_components: tuple[Mapping[str, Any], ...] = ()
    latitude: Decimal | None = None
    longitude: Decimal | None = None
    viewport_ne_lat: Decimal | None = None
    viewport_ne_lng: Decimal | None = None
    viewport_sw_lat: Decimal | None = None
    viewport_sw_lng: Decimal | None = None
    plus_code: str = ""
    phone_number: str = ""
    phone_intl: str = ""
    website: str = ""
    maps_url: str = ""
    business_status: str = ""
    hours_summary: tuple[str, ...] = ()
    hours_periods: tuple[Mapping[str, Any], ...] = ()
    photo_references: tuple[str, ...] = ()
    matched_fields: tuple[str, ...] = ()
    validated_by: str = ""
    reasoning: str = ""
    places_api_version: str = PLACES_API_VERSION
    #: As stored, when the entity was read from an item; never written.
    stored_geohash: str | None = field(default=None, compare=False)
    notes: tuple[str, ...] = field(default=(), compare=False)

    @property
    def geohash(self) -> str:
        """The cell of the coordinates; empty unless both are there."""
        return geohash_of(self.latitude, self.longitude)

    @property
    def key(self) -> RecordKey:
        """The identity of the record."""
        return RecordKey.of(self.image_id, self.receipt_id)


@lru_cache(maxsize=4096)
def geohash_of(latitude: Decimal | None, longitude: Decimal | None) -> str:
    """Six characters of geohash2, the reference on cell borders; zero is a coordinate like any other."""
    if latitude is None or longitude is None:
        return ""
    return geohash2.encode(float(latitude), float(longitude), GEOHASH_LENGTH)


def table_key(image_id: str, receipt_id: int) -> Item:
    """The key of a record's place."""
    return {"PK": {"S": f"IMAGE#{image_id}"}, "SK": {"S": f"RECEIPT#{receipt_id:05d}{SK_SUFFIX}"}}


def keys_of(place: ReceiptPlace, geohash: str) -> Item:
    """Every key and index attribute, from scalars alone; GSI2 and GSI4 only where they have something to index."""
    image = f"IMAGE#{place.image_id}"
    receipt = f"{image}#RECEIPT#{place.receipt_id:05d}{SK_SUFFIX}"
    texts = {
        "TYPE": TYPE,
        "GSI1PK": f"MERCHANT#{slug(place.merchant_name)}",
        "GSI1SK": receipt,
        "GSI3PK": "PLACE_VALIDATION",
        "GSI3SK": f"CONFIDENCE#{place.confidence:.4f}#STATUS#{place.validation_status}#{image}",
    }
    if place.place_id:
        texts |= {"GSI2PK": f"PLACE#{place.place_id}", "GSI2SK": receipt}
    if geohash:
        texts |= {"GSI4PK": f"GEOHASH#{geohash}", "GSI4SK": f"PLACE#{place.place_id}"}
    return {**table_key(place.image_id, place.receipt_id), **{name: {"S": text} for name, text in texts.items()}}


def to_item(place: ReceiptPlace) -> Item:
    """The item to write.

    Raises:
        InvalidPlace: the place breaks a rule of the format.
    """
    has_keys = place.confidence.is_finite() and are_in_range(place.latitude, place.longitude)
    geohash = place.geohash if has_keys else ""
    keys = keys_of(place, geohash) if has_keys else {}
    if broken := (*_broken_rules(place), *too_long_keys(keys)):
        raise InvalidPlace("; ".join(broken))
    item = {**keys, **_attributes(place, geohash)}
    try:
        floatless_json(item).decode()
    except UnicodeDecodeError as error:
        raise InvalidPlace("a text holds half of a surrogate pair") from error
    return item


def _attributes(place: ReceiptPlace, geohash: str) -> dict[str, Attribute]:
    values: dict[str, Any] = {name: str(getattr(place, name)) for name in REQUIRED_TEXTS}
    values |= {"receipt_id": place.receipt_id, "confidence": place.confidence}
    texts = {name: geohash if name == "geohash" else str(getattr(place, name)) for name in OPTIONAL_TEXTS}
    values |= {name: text or None for name, text in texts.items()}
    found: dict[str, Any] = {name: list(getattr(place, name)) for name in LISTS}
    found |= {name: getattr(place, name) for name in COORDINATES}
    found["address_components"] = {"components": place.address_components} if place.address_components else None
    hours = {"periods": place.hours_periods}
    found["hours_data"] = floatless_json(hours).decode("utf-8", "surrogatepass") if place.hours_periods else None
    values |= {name: value for name, value in found.items() if value is not None and value != []}
    return {name: typed(value) for name, value in values.items()}


def _broken_rules(place: ReceiptPlace) -> Iterable[str]:
    rules = {
        "image_id is no UUID of version 4": is_image_id(place.image_id),
        "receipt_id is not positive": place.receipt_id > 0,
        "the merchant name has no slug": bool(slug(place.merchant_name)),
        "confidence is not within 0 and 1": place.confidence.is_finite() and 0 <= place.confidence <= 1,
        "validation_status is unknown": place.validation_status in ValidationStatus.__members__,
        "validated_by is unknown": place.validated_by in {"", *ValidationMethod.__members__},
        "timestamp is no time with an offset": _is_moment(place.timestamp),
        "one coordinate is missing": (place.latitude is None) == (place.longitude is None),
        "a coordinate is out of range": are_in_range(place.latitude, place.longitude)
        and are_in_range(place.viewport_ne_lat, place.viewport_ne_lng)
        and are_in_range(place.viewport_sw_lat, place.viewport_sw_lng),
    }
    yield from (rule for rule, holds in rules.items() if not holds)


def too_long_keys(keys: Item) -> Iterable[str]:
    """The keys that DynamoDB would refuse; a place id may have any length, a key may not."""
    for name, attribute in keys.items():
        most = MOST_SORT_KEY_BYTES if name.endswith("SK") else MOST_PARTITION_KEY_BYTES
        text = attribute["S"]
        if len(text) * _MOST_BYTES_OF_CHARACTER > most and len(text.encode("utf-8", "surrogatepass")) > most:
            yield f"{name} is longer than {most} bytes"


def are_in_range(latitude: Decimal | None, longitude: Decimal | None) -> bool:
    """Whether coordinates are on the globe; absent ones are no fault."""
    limits = ((latitude, MOST_LATITUDE), (longitude, MOST_LONGITUDE))
    return all(value is None or (value.is_finite() and abs(value) <= most) for value, most in limits)


def _is_moment(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def is_geohash(text: str) -> bool:
    """Whether a text is a cell of this table's precision."""
    return re.fullmatch(f"[{GEOHASH_ALPHABET}]{{{GEOHASH_LENGTH}}}", text) is not None
