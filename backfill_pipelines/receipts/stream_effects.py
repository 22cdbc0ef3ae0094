"""What the table's stream handler makes of a change: how many messages, by the rules of the handler that is deployed.

Each message rebuilds vectors of a receipt, so that whoever writes says beforehand how many there will be. Inserting a
place or a label sends none, replacing one sends one if a field that the vectors carry changed, deleting one always
sends one. Lines, words and all else send nothing; newer handlers send for some deletions too.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from backfill_pipelines.receipts.items import Item
from backfill_pipelines.receipts.keys import text_of
from backfill_pipelines.receipts.place_reading import read_place

#: The fields of a place that the vectors of its lines and words carry.
PLACE_FIELDS = ("merchant_name", "merchant_category", "formatted_address", "phone_number", "place_id")
#: The fields of a label that the vectors of its word carry.
LABEL_FIELDS = ("label", "reasoning", "validation_status", "label_proposed_by", "label_consolidated_from")
#: The handler goes by what a sort key holds, in this order.
_PLACE, _LABEL, _COMPACTION = "RECEIPT_PLACE", "RECEIPT_WORD_LABEL", "COMPACTION_RUN"
_MARKS = {"#PLACE": _PLACE, "#LABEL#": _LABEL, "#COMPACTION_RUN#": _COMPACTION}
#: Deletions of these send with newer handlers, and nothing with the one whose rules are here.
VERSION_DEPENDENT = frozenset(("RECEIPT", "RECEIPT_LINE", "RECEIPT_WORD"))
#: A compaction is one of lines and one of words.
_COLLECTIONS = ("lines", "words")


@dataclass(frozen=True)
class Change:
    """An item before and after; None where there was none."""

    before: Item | None
    after: Item | None

    @property
    def item(self) -> Item:
        """Whichever there is, for its keys and its TYPE."""
        return self.after or self.before or {}

    @property
    def kind(self) -> str:
        """The event as the stream calls it."""
        return "INSERT" if self.before is None else "REMOVE" if self.after is None else "MODIFY"


def handled_as(item: Item) -> str | None:
    """What the handler takes an item for; None when it takes no notice.

    It looks for ``#PLACE`` anywhere in the sort key, so that a label whose name begins with PLACE is a place to it.
    """
    if not (text_of(item.get("PK")) or "").startswith("IMAGE#"):
        return None
    sort_key = text_of(item.get("SK")) or ""
    return next((name for mark, name in _MARKS.items() if mark in sort_key), None)


def messages(change: Change) -> int:
    """Messages that a change of one item sends."""
    taken_for = handled_as(change.item)
    return _HANDLED[taken_for](change) if taken_for else 0


def is_version_dependent(change: Change) -> bool:
    """Whether it depends on the version of the handler if the change sends a message."""
    return change.kind == "REMOVE" and text_of(change.item.get("TYPE")) in VERSION_DEPENDENT


def place_messages(before: Item | None, after: Item | None) -> int:
    """Messages that a change of one place item sends."""
    if before is None:
        return 0
    if after is None:
        return 1
    return int(_carried(before) != _carried(after))


def _of_place(change: Change) -> int:
    if text_of(change.item.get("TYPE")) == _LABEL and change.kind == "MODIFY":
        # A label does not parse as a place, and then every field looks changed.
        return int(change.before != change.after)
    return place_messages(change.before, change.after)


def _of_label(change: Change) -> int:
    if change.before is None or change.after is None:
        return int(change.kind == "REMOVE")
    return int(any(_text(change.before, name) != _text(change.after, name) for name in LABEL_FIELDS))


def _of_compaction(change: Change) -> int:
    """Two when a run is made, and two when it is complete."""
    if change.kind == "REMOVE":
        return 0
    return len(_COLLECTIONS) if change.kind == "INSERT" or _is_complete(change.item) else 0


def _is_complete(item: Item) -> bool:
    states = [_text(item, f"{name}_state") == "COMPLETED" for name in _COLLECTIONS]
    times = [bool(_text(item, f"{name}_finished_at")) for name in _COLLECTIONS]
    return all(states) or all(times)


_HANDLED: Mapping[str, Callable[[Change], int]] = {_PLACE: _of_place, _LABEL: _of_label, _COMPACTION: _of_compaction}


def _text(item: Item, name: str) -> str:
    return text_of(item.get(name)) or ""


def _carried(item: Item) -> list[object]:
    """The fields as the handler reads them: absent, NULL and empty are one."""
    place = read_place(item)
    return [getattr(place, name, None) for name in PLACE_FIELDS]
