"""One partition of the source table as the items it becomes: carried in typed form, whatever attributes they have.

What a table holds beyond the catalogue is kept on an item and refused as an item: an attribute travels, an item of a
TYPE that nobody knows fails its image.
"""

from collections.abc import Iterable, Iterator, Mapping

from backfill_pipelines.receipts.items import Attribute, Item, plain
from backfill_pipelines.receipts.keys import is_image_id, text_of
from backfill_pipelines.receipts.promotion.entities import BY_TYPE, NEVER_MIGRATED_TYPES, Entity
from backfill_pipelines.receipts.promotion.entity_keys import Identity, identity_of
from backfill_pipelines.receipts.promotion.fingerprints import items_fingerprint
from backfill_pipelines.receipts.promotion.planned_image import ImageFault, PlannedImage, Reason, SetAside
from backfill_pipelines.receipts.promotion.planning import Read, plan_image
from backfill_pipelines.receipts.promotion.reading_rules import ReadingRules
from backfill_pipelines.stores.items import Expression, ItemStore, Query

#: How an item without TYPE is named in ``accept_loss`` and in counts.
NO_TYPE = "(no TYPE)"
#: Longer than the sort key of any receipt, its metadata or its place; shorter than that of any of its lines.
_LONGEST_RECEIPT_KEY = 22
_IMAGES_AND_RECEIPTS = Expression(
    "begins_with(#pk, :image) AND (#sk = :row OR (begins_with(#sk, :receipt) AND size(#sk) <= :longest))",
    {"#pk": "PK", "#sk": "SK"},
    {
        ":image": {"S": "IMAGE#"},
        ":row": {"S": "IMAGE"},
        ":receipt": {"S": "RECEIPT#"},
        ":longest": {"N": str(_LONGEST_RECEIPT_KEY)},
    },
)


def image_ids(items: ItemStore) -> list[str]:
    """Every image of a table, in order: those that have an IMAGE row, and those that only have receipts.

    Raises:
        ItemStoreError: the scan is not complete. Half a list is none.
    """
    pages = items.scan(where=_IMAGES_AND_RECEIPTS, attributes=("PK",))
    found = {text_of(item.get("PK")) or "" for page in pages for item in page.items}
    return sorted(pk.removeprefix("IMAGE#") for pk in found)


def partition_of(items: ItemStore, image_id: str) -> list[Item]:
    """All items of an image, strongly consistent.

    Raises:
        ItemStoreError: they could not be read; an image is never taken for absent because of an error.
    """
    pages = items.query(Query(partition=("PK", f"IMAGE#{image_id}")))
    return [item for page in pages for item in page.items]


def read_table_image(
    items: Iterable[Item], image_id: str, rules: ReadingRules, *, origin: str
) -> PlannedImage | SetAside:
    """What the items of one partition become, or why the image is set aside.

    Args:
        items: All items of the partition.
        image_id: Whose they are.
        rules: The operator's rules.
        origin: The name of their table.
    """
    try:
        if not is_image_id(image_id):
            raise ImageFault(Reason.INVALID_IMAGE_ID, f"{image_id} is no UUID of version 4")
        found = list(items)
        _require_image(found)
        left_behind: dict[str, int] = {}
        losses: dict[str, int] = {}
        read = list(_read(found, image_id, rules, left_behind, losses))
        return plan_image(
            image_id,
            read,
            rules,
            fingerprint=items_fingerprint(image_id, found),
            origin=origin,
            not_migrated=left_behind,
            accepted_losses=losses,
        )
    except ImageFault as fault:
        return SetAside(image_id, fault.reason, f"{origin}: {fault.detail}")


def _require_image(items: list[Item]) -> None:
    if not any(text_of(item.get("SK")) == "IMAGE" for item in items):
        raise ImageFault(Reason.NO_IMAGE_ROW, f"the partition has no IMAGE row and {len(items)} other items")


def _read(
    items: Iterable[Item],
    image_id: str,
    rules: ReadingRules,
    left_behind: dict[str, int],
    losses: dict[str, int],
) -> Iterator[Read]:
    for item in items:
        name = text_of(item.get("TYPE")) or NO_TYPE
        sort_key = text_of(item.get("SK")) or "(no SK)"
        if name in NEVER_MIGRATED_TYPES:
            left_behind[name] = left_behind.get(name, 0) + 1
        elif name in rules.accept_loss:
            losses[name] = losses.get(name, 0) + 1
        elif entity := BY_TYPE.get(name):
            identity = _identity(entity, item, image_id, sort_key)
            yield entity, identity, _carried(entity, item, sort_key)
        else:
            raise ImageFault(
                Reason.UNKNOWN_TYPE, f'{sort_key} has TYPE {name}; --accept-loss "{name}" leaves such items behind'
            )


def _identity(entity: Entity, item: Item, image_id: str, sort_key: str) -> Identity:
    identity = identity_of(entity, sort_key)
    if identity is None or text_of(item.get("PK")) != f"IMAGE#{image_id}":
        raise ImageFault(Reason.INVALID_ROW, f"{sort_key} is no key of TYPE {entity.type_name} in this partition")
    for name in entity.stored_ids:
        expected = image_id if name == "image_id" else identity[name]
        if name in item and plain(item[name]) != expected:
            raise ImageFault(Reason.INVALID_ROW, f"{sort_key}: {name} is {plain(item[name])}, the key says {expected}")
    return identity


def _carried(entity: Entity, item: Item, sort_key: str) -> Mapping[str, Attribute]:
    """All attributes but the keys that the entity makes. An item of keys alone is what a failed update leaves."""
    if missing := sorted(entity.required.keys() - item.keys()):
        raise ImageFault(Reason.INVALID_ROW, f"{sort_key} has no {', '.join(missing)}")
    made = {"PK", "SK", "TYPE", *(f"GSI{number}{part}" for number in entity.indexes for part in ("PK", "SK"))}
    return {name: attribute for name, attribute in item.items() if name not in made}
