"""From what was read of an image to what will be written: transformed, checked, digested, in order. Pure."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from operator import attrgetter

from backfill_pipelines.receipts.capacity import WRITE_UNIT_BYTES, write_units
from backfill_pipelines.receipts.items import Attribute, Item, item_json
from backfill_pipelines.receipts.promotion.entities import ENTITIES, Entity
from backfill_pipelines.receipts.promotion.entity_keys import Identity
from backfill_pipelines.receipts.promotion.planned_image import ImageFault, PlannedImage, PlannedItem, Reason
from backfill_pipelines.receipts.promotion.reading_rules import ReadingRules
from backfill_pipelines.receipts.promotion.referential import require_size, require_whole
from backfill_pipelines.receipts.promotion.transformations import transformed

#: One thing of an image as read: what, which, and all that it has.
Read = tuple[Entity, Identity, Mapping[str, Attribute]]


def plan_image(
    image_id: str,
    read: Iterable[Read],
    rules: ReadingRules,
    *,
    fingerprint: str,
    origin: str,
    not_migrated: Mapping[str, int],
    accepted_losses: Mapping[str, int],
    spelled: Callable[[Item], bytes] = item_json,
) -> PlannedImage:
    """All items of an image as they will be written.

    Args:
        image_id: Whose they are.
        read: Every row or item that is copied.
        rules: The operator's rules.
        fingerprint: Of what the source says.
        origin: File or table.
        not_migrated: Items left behind by design, by TYPE.
        accepted_losses: Rows left behind because the operator named them.
        spelled: Canonical JSON of an item; ``floatless_json`` will do where numbers and sets have their one spelling.

    Raises:
        ImageFault: a rule that the image breaks.
    """
    rows = [(entity, _upper_label(identity), attributes) for entity, identity, attributes in read]
    items = _transformed(image_id, rows, rules)
    require_whole([(entity, identity) for entity, identity, _ in rows])
    planned = [planned_item(entity, item, spelled) for (entity, _, _), item in zip(rows, items, strict=True)]
    counts = Counter(entity.list_name for entity, _, _ in rows)
    return PlannedImage(
        image_id=image_id,
        items=tuple(sorted(planned, key=attrgetter("stage"))),
        counts={name: counts[name] for name in ENTITIES},
        embedding_rows=sum(counts[name] for name, entity in ENTITIES.items() if entity.is_embedded),
        fingerprint=fingerprint,
        write_units=sum(one.write_units for one in planned),
        not_migrated=not_migrated,
        accepted_losses=accepted_losses,
        origin=origin,
    )


def _upper_label(identity: Identity) -> Identity:
    return {**identity, "label": str(identity["label"]).upper()} if "label" in identity else identity


def _transformed(image_id: str, rows: Iterable[Read], rules: ReadingRules) -> list[Item]:
    """Every row; a source that is the target's environment says so, even if another bucket is unknown as well."""
    items: list[Item] = []
    unknown: ImageFault | None = None
    for entity, identity, attributes in rows:
        try:
            items.append(transformed(entity, image_id, identity, attributes, rules))
        except ImageFault as fault:
            if fault.reason is not Reason.UNKNOWN_BUCKET:
                raise
            unknown = unknown or fault
    if unknown:
        raise unknown
    return items


def planned_item(entity: Entity, item: Item, spelled: Callable[[Item], bytes] = item_json) -> PlannedItem:
    """An item with its place in the order, its digest and its cost.

    Raises:
        ImageFault: it is too large.
    """
    content = spelled(item)
    # JSON is longer than what DynamoDB counts: most items take one unit and need not be measured.
    size = require_size(item) if len(content) > WRITE_UNIT_BYTES else len(content)
    return PlannedItem(
        stage=entity.stage,
        type_name=entity.type_name,
        key=(item["PK"]["S"], item["SK"]["S"]),
        item=item,
        digest=hashlib.sha256(content).hexdigest(),
        write_units=write_units(size, indexes_of(item)),
    )


def indexes_of(item: Item) -> int:
    """How many indexes hold a copy of an item: those whose keys it has, and the one on TYPE."""
    return len([name for name in item if name.startswith("GSI") and name.endswith("PK")]) + ("TYPE" in item)
