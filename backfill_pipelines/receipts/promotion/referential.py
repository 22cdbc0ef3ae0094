"""What must hold between the items of one image before any of them is written."""

from collections.abc import Iterator, Sequence

from backfill_pipelines.receipts.items import MOST_ITEM_BYTES, Item, item_size
from backfill_pipelines.receipts.promotion.entities import Entity
from backfill_pipelines.receipts.promotion.entity_keys import Identity
from backfill_pipelines.receipts.promotion.planned_image import ImageFault, Reason

#: An entity and which one of it.
Found = tuple[Entity, Identity]

_MOST_NAMED = 5


def require_whole(found: Sequence[Found]) -> None:
    """Every key once, every receipt and word that is referred to there, one receipt at least.

    Args:
        found: All items of the image, labels in upper case.

    Raises:
        ImageFault: the first rule that does not hold, with the keys that break it.
    """
    _require_none(Reason.DUPLICATE_KEY, "more than once", _duplicates(found))
    receipts = {identity["receipt_id"] for entity, identity in found if entity.list_name == "receipts"}
    if not receipts:
        raise ImageFault(Reason.EMPTY_IMAGE, "the image has no receipt")
    orphans = (_name(e, i) for e, i in found if "receipt_id" in i and i["receipt_id"] not in receipts)
    _require_none(Reason.RECEIPT_MISSING, "without its receipt", orphans)
    words = {_word(identity) for entity, identity in found if entity.list_name == "receipt_words"}
    labels = (_name(e, i) for e, i in found if "label" in i and _word(i) not in words)
    _require_none(Reason.WORD_MISSING, "without its word", labels)


def _duplicates(found: Sequence[Found]) -> Iterator[str]:
    seen: set[str] = set()
    for entity, identity in found:
        name = _name(entity, identity)
        if name in seen:
            yield name
        seen.add(name)


def _word(identity: Identity) -> tuple[int | str, ...]:
    return tuple(identity[name] for name in ("receipt_id", "line_id", "word_id"))


def _name(entity: Entity, identity: Identity) -> str:
    return entity.sort_key.format_map(identity)


def _require_none(reason: Reason, what: str, names: Iterator[str]) -> None:
    if found := sorted(names):
        more = f" and {len(found) - _MOST_NAMED} more" if len(found) > _MOST_NAMED else ""
        raise ImageFault(reason, f"{what}: {', '.join(found[:_MOST_NAMED])}{more}")


def require_size(item: Item) -> int:
    """Bytes of an item that DynamoDB takes.

    Raises:
        ImageFault: it is too large.
    """
    size = item_size(item)
    if size > MOST_ITEM_BYTES:
        raise ImageFault(
            Reason.ITEM_TOO_LARGE, f"{item['SK']['S']} has {size:,} bytes, at most {MOST_ITEM_BYTES:,} are written"
        )
    return size
