"""The fingerprint of an image: equal for source and target when they say the same, whatever legitimately differs.

Buckets, embedding status, times, reasoning and geometry are left out: they change on the way, or are covered by the
digests of the items.
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from backfill_pipelines.receipts.items import Item, floatless_digest, floatless_json
from backfill_pipelines.receipts.keys import text_of
from backfill_pipelines.receipts.promotion.entities import BY_TYPE, ENTITIES, Entity
from backfill_pipelines.receipts.promotion.entity_keys import identity_of

_VERSION = 1
_LISTS = tuple(entity for entity in ENTITIES.values() if entity.compared)

#: The values of a row in the columns that are compared, in the order of the catalogue.
Row = Sequence[Any]


def rows_fingerprint(image_id: str, lists: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    """The fingerprint of what an export says; a missing list is an empty one."""
    return _fingerprint(image_id, {e.list_name: [_row(e, row) for row in lists.get(e.list_name) or ()] for e in _LISTS})


def items_fingerprint(image_id: str, items: Iterable[Item]) -> str:
    """The fingerprint of what a table holds of an image, items of other types left out."""
    return _fingerprint(image_id, compared_rows(items))


def compared_rows(items: Iterable[Item]) -> Mapping[str, list[Row]]:
    """The compared rows of items, list by list. An item under a key that cannot be read is equal to no other."""
    lists: dict[str, list[Row]] = {entity.list_name: [] for entity in _LISTS}
    for item in items:
        entity = BY_TYPE.get(text_of(item.get("TYPE")) or "")
        if entity is not None and entity.compared:
            lists[entity.list_name].append(_row_of_item(entity, item))
    return lists


def _row_of_item(entity: Entity, item: Item) -> Row:
    sort_key = text_of(item.get("SK")) or ""
    identity = identity_of(entity, sort_key)
    if identity is None:
        return [sort_key]
    return _row(entity, {name: _plain(item, name) for name in entity.compared} | dict(identity))


def _plain(item: Item, name: str) -> str | int:
    attribute = item.get(name, {})
    return int(Decimal(attribute["N"])) if "N" in attribute else text_of(attribute) or ""


def _row(entity: Entity, row: Mapping[str, Any]) -> Row:
    """The values of a row; an absent text is an empty one, a label is upper case."""
    values = ((name, row.get(name)) for name in entity.compared)
    return [str(value).upper() if name == "label" else "" if value is None else value for name, value in values]


def _fingerprint(image_id: str, lists: Mapping[str, Sequence[Row]]) -> str:
    in_order = {name: sorted(rows, key=floatless_json) for name, rows in lists.items()}
    return floatless_digest({"v": _VERSION, "image_id": image_id, **in_order})
