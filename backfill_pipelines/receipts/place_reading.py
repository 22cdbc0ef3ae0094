"""RECEIPT_PLACE as read: one tolerant read for the items of every writer, their keys judged, their state classified."""

import json
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any

from backfill_pipelines.receipts import place as target
from backfill_pipelines.receipts.items import Attribute, Item, plain
from backfill_pipelines.receipts.keys import Malformed, record_key, text_of
from backfill_pipelines.receipts.place import ReceiptPlace, keys_of

_KEY_ATTRIBUTES = ("PK", "SK", "TYPE", *(f"GSI{number}{part}" for number in (1, 2, 3, 4) for part in ("PK", "SK")))


class Existing(StrEnum):
    """What stands in the table under a record's key."""

    NONE = "none"
    FULL = "full"
    STUB = "stub"
    CONFLICT = "conflict"


def read_place(item: Item) -> ReceiptPlace | Malformed:
    """Read any item that stands where a place should: SS, L or JSON text for lists, M or JSON text for maps."""
    key = record_key(item, target.TYPE, target.SK_SUFFIX)
    if isinstance(key, Malformed):
        return key
    notes: list[str] = []
    texts = {name: text_of(item.get(name)) or "" for name in (*target.REQUIRED_TEXTS, *target.OPTIONAL_TEXTS)}
    stored_geohash = texts.pop("geohash")
    lists: dict[str, Any] = {name: _texts(item, name, notes) for name in target.LISTS}
    numbers: dict[str, Any] = {name: _number(item, name, notes) for name in target.COORDINATES}
    return ReceiptPlace(
        **texts | {"image_id": key.image_id},
        **lists,
        **numbers,
        receipt_id=key.receipt_id,
        confidence=_number(item, "confidence", notes) or Decimal(0),
        address_components=_maps(item, "address_components", "components", notes),
        hours_periods=_maps(item, "hours_data", "periods", notes),
        stored_geohash=stored_geohash,
        notes=tuple(notes),
    )


def existing_state(item: Item | None, place_id: str) -> Existing:
    """What an existing place means for a record with this place id: a stub is one that nobody filled in."""
    if item is None:
        return Existing.NONE
    place = read_place(item)
    if isinstance(place, Malformed) or place.place_id != place_id:
        return Existing.CONFLICT
    is_stub = place.confidence == 0 and not place.validation_status and place.latitude is None
    return Existing.STUB if is_stub else Existing.FULL


def regenerated_keys(item: Item, place: ReceiptPlace | None = None) -> Item:
    """The keys that the scalars of a place demand; empty for an item whose identity cannot be read.

    ``place`` is the item as it reads, where that is known.
    """
    found = place or read_place(item)
    return {} if isinstance(found, Malformed) else keys_of(found, found.stored_geohash or "")


def wrong_keys(item: Item, place: ReceiptPlace | None = None) -> tuple[str, ...]:
    """The key attributes that are not what the scalars demand, missing and surplus ones too."""
    right = regenerated_keys(item, place)
    return tuple(name for name in _KEY_ATTRIBUTES if item.get(name) != right.get(name))


def _number(item: Item, name: str, notes: list[str]) -> Decimal | None:
    attribute = item.get(name, {"NULL": True})
    if "NULL" in attribute:
        return None
    try:
        number = Decimal(str(attribute["N"]))
    except (KeyError, InvalidOperation):
        number = Decimal("NaN")
    if not number.is_finite():
        notes.append(f"{name}_unreadable")
        return None
    return number


def _texts(item: Item, name: str, notes: list[str]) -> tuple[str, ...]:
    members = _json_or_plain(item.get(name, {"NULL": True}), name, notes)
    if members is None:
        return ()
    if not isinstance(members, list) or not all(isinstance(member, str) for member in members):
        notes.append(f"{name}_unreadable")
    return tuple(m for m in members if isinstance(m, str)) if isinstance(members, list) else ()


def _maps(item: Item, name: str, member: str, notes: list[str]) -> tuple[Mapping[str, Any], ...]:
    """The maps of a list within a map; the old generations' bare list is accepted too."""
    found = _json_or_plain(item.get(name, {"NULL": True}), name, notes)
    members = found.get(member) if isinstance(found, dict) else found
    if members is None:
        return ()
    if not isinstance(members, list) or not all(isinstance(one, dict) for one in members):
        notes.append(f"{name}_unreadable")
    return tuple(one for one in members if isinstance(one, dict)) if isinstance(members, list) else ()


def _json_or_plain(attribute: Attribute, name: str, notes: list[str]) -> Any:
    """The value of an attribute, JSON text read; None for whatever is empty or unreadable."""
    text = text_of(attribute)
    if text is None:
        return _plain(attribute, name, notes)
    if not text.strip():
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        notes.append(f"{name}_malformed_json")
        return None


def _plain(attribute: Attribute, name: str, notes: list[str]) -> Any:
    try:
        return plain(attribute)
    except (InvalidOperation, TypeError):
        notes.append(f"{name}_unreadable")
        return None
