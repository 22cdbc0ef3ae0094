"""Keys and index attributes of an entity: made from its identity and scalars, and an identity read from a sort key."""

import re
from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from typing import Any

from backfill_pipelines.receipts.items import Attribute
from backfill_pipelines.receipts.keys import text_of
from backfill_pipelines.receipts.names import slug
from backfill_pipelines.receipts.promotion.entities import TEXT_IDS, Entity

#: Identity of a row within its image: numbers, and texts for a label and a job.
Identity = Mapping[str, int | str]

#: Far beyond any receipt, line or word, and short enough for a key.
_MOST_DIGITS = 18
MOST_ID = 10**_MOST_DIGITS - 1

_FIELD = re.compile(r"{(\w+)(?::[^}]*)?}")


def sort_key_of(entity: Entity, identity: Identity) -> str:
    """SK of a row."""
    return entity.sort_key.format_map(identity)


def keys_of(
    entity: Entity, image_id: str, identity: Identity, attributes: Mapping[str, Attribute]
) -> dict[str, Attribute]:
    """PK, SK, TYPE and every index attribute of a row; an index of a place only where there is something to find."""
    sort_key = sort_key_of(entity, identity)
    names = {**_scalars(entity, attributes), **identity, "image_id": image_id, "SK": sort_key}
    if entity.type_name == "RECEIPT_WORD_LABEL":
        names["WORD_SK"] = sort_key[: sort_key.index("#LABEL#")]
    keys = {"PK": f"IMAGE#{image_id}", "SK": sort_key, "TYPE": entity.type_name}
    for number, (partition, sort) in entity.indexes.items():
        if not _is_sparse(partition, names):
            keys[f"GSI{number}PK"] = partition.format_map(names)
            keys[f"GSI{number}SK"] = sort.format_map(names)
    return {name: {"S": value} for name, value in keys.items()}


def _is_sparse(partition: str, names: Mapping[str, Any]) -> bool:
    return any(f"{{{name}}}" in partition and not names[name] for name in ("place_id", "geohash"))


def _scalars(entity: Entity, attributes: Mapping[str, Attribute]) -> dict[str, Any]:
    """What the forms of the indexes need beside the identity."""
    found: dict[str, Any] = {}
    for name in _wanted(entity):
        attribute = attributes.get(name, {})
        found[name] = Decimal(attribute["N"]) if "N" in attribute else text_of(attribute) or ""
    match entity.type_name:
        case "IMAGE":
            found["receipt_count"] = int(found["receipt_count"] or 0)
        case "RECEIPT_METADATA":
            found["MERCHANT"] = metadata_merchant(attributes)
        case "RECEIPT_PLACE":
            found["SLUG"] = slug(text_of(attributes.get("merchant_name")) or "")
            found["confidence"] = found["confidence"] or Decimal(0)
    return found


def metadata_merchant(attributes: Mapping[str, Attribute]) -> str:
    """A merchant as metadata spells it in GSI1: only spaces are replaced, unlike the slug of a place."""
    names = (text_of(attributes.get(name)) for name in ("canonical_merchant_name", "merchant_name"))
    return next((name for name in names if name), "").upper().replace(" ", "_")


@cache
def _wanted_of(forms: tuple[tuple[str, str], ...]) -> frozenset[str]:
    return frozenset(name for form in forms for part in form for name in _FIELD.findall(part))


def _wanted(entity: Entity) -> frozenset[str]:
    return _wanted_of(tuple(entity.indexes.values())) & (entity.required.keys() | entity.optional.keys())


@cache
def _pattern(form: str) -> re.Pattern[str]:
    """The form of a sort key as it is read: numbers of five digits or more, a label or job to the end."""
    # split() gives texts and names of fields in turns
    parts = (_part(part) if number % 2 else re.escape(part) for number, part in enumerate(_FIELD.split(form)))
    return re.compile("".join(parts), re.DOTALL)


def _part(name: str) -> str:
    digits = f"[0-9]{{5,{_MOST_DIGITS}}}"
    return f"(?P<{name}>{'.+' if name in TEXT_IDS else digits})"


def identity_of(entity: Entity, sort_key: str) -> Identity | None:
    """The identity that a sort key spells; None unless the key is the one that the identity is written as."""
    found = _pattern(entity.sort_key).fullmatch(sort_key)
    if found is None:
        return None
    identity = {name: part if name in TEXT_IDS else int(part) for name, part in found.groupdict().items()}
    return identity if sort_key_of(entity, identity) == sort_key else None
