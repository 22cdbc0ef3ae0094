"""From a metadata row and Google's answer to a place: which value comes from where, and what cannot become one.

A record that cannot become a place is quarantined with a reason; nothing here raises for what an answer holds.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from backfill_pipelines.receipts.items import MOST_ITEM_BYTES, Item, decimal_text, item_size
from backfill_pipelines.receipts.matching import Agreement, Shown, agreement
from backfill_pipelines.receipts.metadata import Metadata, ValidationStatus
from backfill_pipelines.receipts.names import is_address_like, slug, usable_phone
from backfill_pipelines.receipts.outcomes import Reason
from backfill_pipelines.receipts.place import VIEWPORT, InvalidPlace, ReceiptPlace, are_in_range, to_item
from backfill_pipelines.receipts.provenance import Mark, marked_reasoning

CONFIDENCES: Mapping[ValidationStatus, Decimal] = {
    ValidationStatus.MATCHED: Decimal("0.95"),
    ValidationStatus.UNSURE: Decimal("0.65"),
    ValidationStatus.NO_MATCH: Decimal("0.30"),
}
#: Name and address both disagree with the receipt; the status is UNSURE then.
SUSPICIOUS_CONFIDENCE = Decimal("0.50")

_COMPONENT_TEXTS = ("longText", "shortText", "languageCode")
_PERIOD_POINTS, _POINT_PARTS = ("open", "close"), ("day", "hour", "minute")


@dataclass(frozen=True)
class Built:
    """A place ready to be written, how it compares with its receipt, and what was odd about it."""

    place: ReceiptPlace
    item: Item
    size: int
    agreement: Agreement
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Quarantined:
    """A record that gets no place, and what was found instead."""

    reason: Reason
    detail: str


def build(
    metadata: Metadata, answer: Mapping[str, Any], mark: Mark, *, photo_references_max: int = 0
) -> Built | Quarantined:
    """The place of an eligible record from the body of a 200 answer, written at the time of its mark."""
    location = _location(answer)
    if isinstance(location, Quarantined):
        return location
    notes = _answer_notes(metadata, answer)
    name = _merchant_name(metadata, _text(answer, "displayName", "text"), notes)
    if not name:
        return Quarantined(Reason.NAME_UNSLUGABLE, f"displayName {_text(answer, 'displayName', 'text')!r}")
    found = Shown(name, _text(answer, "formattedAddress"), _text(answer, "internationalPhoneNumber"))
    agreed = compare(metadata, found)
    status, confidence = _judged(metadata.validation_status, agreed)
    place = ReceiptPlace(
        merchant_name=name,
        confidence=confidence,
        validation_status=status,
        photo_references=_distinct(_text(photo, "name") for photo in _list(answer, "photos"))[:photo_references_max],
        **_from_metadata(metadata, mark),
        **_from_answer(metadata, answer, location, notes),
    )
    return _ready(place, agreed, notes)


def compare(metadata: Metadata, found: Shown) -> Agreement:
    """How a place agrees with its receipt; pass the place's ``phone_intl``, which is never the receipt's."""
    return agreement(found, Shown(metadata.merchant_name, metadata.address, usable_phone(metadata.phone_number)))


def _from_metadata(metadata: Metadata, mark: Mark) -> dict[str, Any]:
    return {
        "image_id": metadata.image_id,
        "receipt_id": metadata.receipt_id,
        "place_id": metadata.place_id,
        "timestamp": mark.at,
        "validated_by": metadata.validated_by,
        "reasoning": marked_reasoning(metadata, mark),
        "matched_fields": (*metadata.matched_fields, "place_id"),
    }


def _ready(place: ReceiptPlace, agreed: Agreement, notes: list[str]) -> Built | Quarantined:
    try:
        item = to_item(place)
    except InvalidPlace as error:
        return Quarantined(Reason.INVALID_ITEM, str(error))
    size = item_size(item)
    if size > MOST_ITEM_BYTES:
        return Quarantined(Reason.ITEM_TOO_LARGE, f"{size:,} bytes, at most {MOST_ITEM_BYTES:,}")
    return Built(place, item, size, agreed, tuple(notes))


def _answer_notes(metadata: Metadata, answer: Mapping[str, Any]) -> list[str]:
    is_moved = _text(answer, "movedPlaceId") or _text(answer, "id") not in ("", metadata.place_id)
    is_closed = _text(answer, "businessStatus") == "CLOSED_PERMANENTLY"
    return ["id_moved"] * bool(is_moved) + ["closed_permanently"] * is_closed


def _judged(status: ValidationStatus, agreed: Agreement) -> tuple[ValidationStatus, Decimal]:
    if agreed.is_suspicious and status is not ValidationStatus.NO_MATCH:
        return ValidationStatus.UNSURE, SUSPICIOUS_CONFIDENCE
    return status, CONFIDENCES[status]


def _merchant_name(metadata: Metadata, shown: str, notes: list[str]) -> str:
    """Google's name, the receipt's when Google has none that identifies a merchant; empty when nobody has one."""
    is_address = is_address_like(shown)
    if slug(shown) and not is_address:
        return shown
    if shown:
        notes.append("name_address_like" if is_address else "name_non_latin")
    if slug(metadata.merchant_name):
        return metadata.merchant_name
    return shown if is_address else ""


def _from_answer(
    metadata: Metadata, answer: Mapping[str, Any], location: tuple[Decimal, Decimal], notes: list[str]
) -> dict[str, Any]:
    """Everything of a place that is the same for all receipts from there, save what the metadata stands in for."""
    types = _distinct(text for text in _list(answer, "types") if isinstance(text, str))
    primary = _text(answer, "primaryType") or (types[0].strip() if types else "")
    hours = _opening_hours(answer)
    latitude, longitude = location
    return {
        "merchant_category": primary or metadata.merchant_category,
        "merchant_types": types,
        "formatted_address": _text(answer, "formattedAddress") or metadata.address,
        "short_address": _text(answer, "shortFormattedAddress"),
        "address_components": _address_components(answer),
        "latitude": latitude,
        "longitude": longitude,
        "plus_code": _text(answer, "plusCode", "globalCode"),
        "phone_number": _text(answer, "nationalPhoneNumber") or usable_phone(metadata.phone_number),
        "phone_intl": _text(answer, "internationalPhoneNumber"),
        "website": _text(answer, "websiteUri"),
        "maps_url": _text(answer, "googleMapsUri") or _search_url(latitude, longitude),
        "business_status": _text(answer, "businessStatus"),
        "hours_summary": _distinct(t for t in _list(hours, "weekdayDescriptions") if isinstance(t, str)),
        "hours_periods": _periods(hours),
        **_viewport(answer, notes),
    }


def _search_url(latitude: Decimal, longitude: Decimal) -> str:
    query = f"{decimal_text(latitude)},{decimal_text(longitude)}"
    return f"https://www.google.com/maps/search/?api=1&query={query}"


def _location(answer: Mapping[str, Any]) -> tuple[Decimal, Decimal] | Quarantined:
    latitude, longitude = _point(answer, "location")
    if latitude is None or longitude is None:
        return Quarantined(Reason.NO_COORDINATES, f"location {answer.get('location')!r}")
    if not are_in_range(latitude, longitude):
        return Quarantined(Reason.BAD_COORDINATES, f"location {answer.get('location')!r}")
    return latitude, longitude


def _viewport(answer: Mapping[str, Any], notes: list[str]) -> dict[str, Decimal]:
    """Both corners or none: half a rectangle is no view."""
    viewport = _map(answer, "viewport")
    north_east, south_west = _point(viewport, "high"), _point(viewport, "low")
    if not (are_in_range(*north_east) and are_in_range(*south_west)):
        notes.append("viewport_out_of_range")
        return {}
    values = [value for value in (*north_east, *south_west) if value is not None]
    return dict(zip(VIEWPORT, values, strict=True)) if len(values) == len(VIEWPORT) else {}


def _point(parent: Mapping[str, Any], name: str) -> tuple[Decimal | None, Decimal | None]:
    point = _map(parent, name)
    return _coordinate(point.get("latitude")), _coordinate(point.get("longitude"))


def _coordinate(value: Any) -> Decimal | None:
    """A coordinate as it was sent; NaN, which is out of every range, for what is no number."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return Decimal("NaN")
    number = Decimal(repr(value) if isinstance(value, float) else value)
    return Decimal(decimal_text(number)) if number.is_finite() else number


def _opening_hours(answer: Mapping[str, Any]) -> Mapping[str, Any]:
    """The regular hours; this week's when there are none."""
    regular, current = _map(answer, "regularOpeningHours"), _map(answer, "currentOpeningHours")
    return regular if regular.get("periods") or regular.get("weekdayDescriptions") else current


def _periods(hours: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    """When a place opens and closes, without the dates of one week; a period without end is a 24-hour place."""
    cut = (
        {name: _point_of_time(period[name]) for name in _PERIOD_POINTS if isinstance(period.get(name), Mapping)}
        for period in _list(hours, "periods")
        if isinstance(period, Mapping)
    )
    return tuple(period for period in cut if period.get("open"))


def _point_of_time(point: Mapping[str, Any]) -> dict[str, int]:
    parts = {name: point.get(name) for name in _POINT_PARTS}
    return {name: part for name, part in parts.items() if isinstance(part, int) and not isinstance(part, bool)}


def _address_components(answer: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    components = (_component(one) for one in _list(answer, "addressComponents") if isinstance(one, Mapping))
    return tuple(component for component in components if component)


def _component(sent: Mapping[str, Any]) -> dict[str, Any]:
    component: dict[str, Any] = {name: text for name in _COMPONENT_TEXTS if (text := _text(sent, name))}
    types = list(_distinct(text for text in _list(sent, "types") if isinstance(text, str)))
    return component | ({"types": types} if types else {})


def _distinct(texts: Iterable[str]) -> tuple[str, ...]:
    """The texts in their order, without blanks and repetitions; the texts themselves stay as they are."""
    return tuple(dict.fromkeys(text for text in texts if text.strip()))


def _map(parent: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = parent.get(name)
    return value if isinstance(value, Mapping) else {}


def _list(parent: Mapping[str, Any], name: str) -> list[Any]:
    value = parent.get(name)
    return value if isinstance(value, list) else []


def _text(parent: Any, *path: str) -> str:
    """The stripped text at the end of a path; empty for anything else."""
    for name in path:
        parent = parent.get(name) if isinstance(parent, Mapping) else None
    return parent.strip() if isinstance(parent, str) else ""
