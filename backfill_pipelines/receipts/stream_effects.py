"""What the table's stream handler makes of a change: how many messages, by the rules of the handler that is deployed.

Each message rebuilds vectors of a receipt, so that whoever writes says beforehand how many there will be. Inserting a
place sends none, replacing one sends one if a field that the vectors carry changed, deleting one always sends one.
"""

from backfill_pipelines.receipts.items import Item
from backfill_pipelines.receipts.place_reading import read_place

#: The fields of a place that the vectors of its lines and words carry.
PLACE_FIELDS = ("merchant_name", "merchant_category", "formatted_address", "phone_number", "place_id")


def place_messages(before: Item | None, after: Item | None) -> int:
    """Messages that a change of one place item sends."""
    if before is None:
        return 0
    if after is None:
        return 1
    return int(_carried(before) != _carried(after))


#: The fields of a label that the vectors of its word carry.
LABEL_FIELDS = ("label", "reasoning", "validation_status", "label_proposed_by", "label_consolidated_from")


def label_messages(before: Item | None, after: Item | None) -> int:
    """Messages that a change of one label sends. The handler takes one whose name begins with PLACE for a place."""
    if before is None:
        return 0
    if after is None:
        return 1
    if "#LABEL#PLACE" in str(before.get("SK", {}).get("S", "")):
        return place_messages(before, after)
    return int(any(_text(before, name) != _text(after, name) for name in LABEL_FIELDS))


def _text(item: Item, name: str) -> str:
    """A text as the handler reads it: absent, NULL and empty are one."""
    return str(item.get(name, {}).get("S", ""))


def _carried(item: Item) -> list[object]:
    """The fields as the handler reads them: absent, NULL and empty are one."""
    place = read_place(item)
    return [getattr(place, name, None) for name in PLACE_FIELDS]
