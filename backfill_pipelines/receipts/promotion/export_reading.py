"""One export file as the items it becomes: plain rows by list, without keys, every attribute accounted for.

The format is strict: whatever the catalogue does not name fails the image, unless the operator accepts its loss.
"""

import gzip
import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from backfill_pipelines.receipts.items import Attribute, floatless_json
from backfill_pipelines.receipts.keys import is_image_id
from backfill_pipelines.receipts.promotion.attribute_values import InvalidValue, NumberText, number
from backfill_pipelines.receipts.promotion.entities import ENTITIES, NEVER_MIGRATED, TEXT_IDS, Entity
from backfill_pipelines.receipts.promotion.entity_keys import MOST_ID, Identity
from backfill_pipelines.receipts.promotion.fingerprints import rows_fingerprint
from backfill_pipelines.receipts.promotion.planned_image import ImageFault, PlannedImage, Reason, SetAside
from backfill_pipelines.receipts.promotion.planning import Read, plan_image
from backfill_pipelines.receipts.promotion.reading_rules import ReadingRules

SUFFIXES = (".json", ".json.gz")

Lists = Mapping[str, Sequence[Mapping[str, Any]]]


def image_id_of(name: str) -> str:
    """The stem of a file's name, which is the id of its image."""
    base = name.rsplit("/", 1)[-1]
    return base.removesuffix(".gz").removesuffix(".json")


def read_export(name: str, content: bytes, rules: ReadingRules) -> PlannedImage | SetAside:
    """What an export becomes, or why it is set aside.

    Args:
        name: Of the file, ``{image_id}.json`` or ``{image_id}.json.gz``, with or without folders.
        content: Its bytes.
        rules: The operator's rules.
    """
    image_id = image_id_of(name)
    try:
        lists, losses = _known_lists(_document(name, content), rules)
        _require_image(image_id, lists)
        left_behind = {NEVER_MIGRATED[one]: len(lists[one]) for one in NEVER_MIGRATED if lists.get(one)}
        rows = {one: rows for one, rows in lists.items() if one in ENTITIES}
        read = list(_read_rows(image_id, rows, rules, losses))
        return plan_image(
            image_id,
            read,
            rules,
            fingerprint=rows_fingerprint(image_id, rows),
            origin=name,
            not_migrated=left_behind,
            accepted_losses=losses,
            spelled=floatless_json,
        )
    except ImageFault as fault:
        return SetAside(image_id, fault.reason, f"{name}: {fault.detail}")


def stale_export(
    name: str, modified_at: datetime, now: datetime, max_age: timedelta, *, is_in_source: bool | None
) -> SetAside | None:
    """Why an export is not to be trusted any more: too old, or of an image that the source no longer has.

    Args:
        name: Of the file.
        modified_at: When it was written.
        now: The present.
        max_age: Up to which it counts.
        is_in_source: Whether the source table has the image; None where it cannot be asked.
    """
    if is_in_source is False:
        detail = f"{name}: the source table has no such image any more, it was deleted after the export"
    elif now - modified_at > max_age:
        days = max_age / timedelta(days=1)
        detail = f"{name}: written {modified_at:%Y-%m-%d %H:%M}, more than {days:g} days ago; export it again"
    else:
        return None
    return SetAside(image_id_of(name), Reason.STALE_EXPORT, detail)


def _document(name: str, content: bytes) -> Mapping[str, Any]:
    try:
        text = gzip.decompress(content) if name.endswith(".gz") else content
        found = json.loads(
            text,
            parse_float=NumberText,
            parse_constant=_refuse_constant,
            object_pairs_hook=_once_each,
        )
    except (ValueError, OSError, EOFError, zlib.error, RecursionError) as error:
        raise ImageFault(Reason.UNREADABLE_EXPORT, f"is no whole JSON file: {error}") from error
    if not isinstance(found, dict):
        raise ImageFault(Reason.UNREADABLE_EXPORT, "is no JSON object of lists")
    return found


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no number")


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object; a name twice would lose the first value without a word."""
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{next(name for name in names if names.count(name) > 1)!r} stands twice in one object")
    return found


def _known_lists(document: Mapping[str, Any], rules: ReadingRules) -> tuple[Lists, dict[str, int]]:
    """The lists that the catalogue names; of the others those that are empty or accepted are left out."""
    lists: dict[str, Sequence[Mapping[str, Any]]] = {}
    losses: dict[str, int] = {}
    for name, rows in document.items():
        if name in ENTITIES or name in NEVER_MIGRATED:
            lists[name] = _rows_of(name, rows)
        elif rows and name not in rules.accept_loss:
            raise ImageFault(Reason.UNKNOWN_LIST, f"list {name} is unknown; --accept-loss {name} leaves it behind")
        elif rows:
            losses[name] = len(rows) if isinstance(rows, list) else 1
    return lists, losses


def _rows_of(name: str, rows: Any) -> Sequence[Mapping[str, Any]]:
    if rows is None:
        return ()
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ImageFault(Reason.INVALID_ROW, f"{name} is no list of rows")
    return rows


def _require_image(image_id: str, lists: Lists) -> None:
    images = lists.get("images") or ()
    if len(images) != 1:
        raise ImageFault(Reason.NO_IMAGE_ROW, f"has {len(images)} rows in images, exactly one is needed")
    if images[0].get("image_id") != image_id:
        raise ImageFault(Reason.STEM_MISMATCH, f"is of image {images[0].get('image_id')}, not of {image_id}")
    if not is_image_id(image_id):
        raise ImageFault(Reason.INVALID_IMAGE_ID, f"{image_id} is no UUID of version 4")


def _read_rows(image_id: str, lists: Lists, rules: ReadingRules, losses: dict[str, int]) -> Iterator[Read]:
    for name, entity in ENTITIES.items():
        for number_in_list, row in enumerate(lists.get(name) or ()):
            where = f"{name}[{number_in_list}]"
            if row.get("image_id") != image_id:
                raise ImageFault(Reason.FOREIGN_ROW, f"{where} is of image {row.get('image_id')}")
            if not row.keys() <= entity.known:
                _accept_unknown(entity, row, where, rules, losses)
            yield entity, _identity(entity, row, where), _attributes(entity, row, where)


def _accept_unknown(
    entity: Entity, row: Mapping[str, Any], where: str, rules: ReadingRules, losses: dict[str, int]
) -> None:
    for attribute in sorted(row.keys() - entity.known):
        name = f"{entity.list_name}.{attribute}"
        if name not in rules.accept_loss:
            raise ImageFault(
                Reason.UNKNOWN_ATTRIBUTE, f"{where} has {attribute}, which is unknown; --accept-loss {name} drops it"
            )
        losses[name] = losses.get(name, 0) + 1


def _identity(entity: Entity, row: Mapping[str, Any], where: str) -> Identity:
    found = {name: row.get(name) for name in entity.ids}
    for name, value in found.items():
        is_good = isinstance(value, str) and value.strip() if name in TEXT_IDS else _is_id(value)
        if not is_good:
            rule = "text" if name in TEXT_IDS else "positive number"
            raise ImageFault(Reason.INVALID_ROW, f"{where}: {name} is {value!r}, no {rule}")
    return found  # pyright: ignore[reportReturnType] - checked just above


def _is_id(value: Any) -> bool:
    return type(value) is int and 0 < value <= MOST_ID


def _attributes(entity: Entity, row: Mapping[str, Any], where: str) -> dict[str, Attribute]:
    if missing := sorted(entity.required.keys() - row.keys()):
        raise ImageFault(Reason.INVALID_ROW, f"{where} has no {', '.join(missing)}")
    found: dict[str, Attribute] = {}
    for kinds in (entity.required, entity.optional):
        for name, kind in kinds.items():
            if name in row:
                try:
                    attribute = kind(row[name])
                except InvalidValue as fault:
                    raise ImageFault(Reason.INVALID_ROW, f"{where}: {name} {fault}") from fault
                if attribute is not None:
                    found[name] = attribute
    for name in entity.stored_ids:
        found[name] = {"S": row[name]} if name == "image_id" else number(row[name])
    return found
