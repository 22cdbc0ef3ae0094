"""Who wrote a place: the mark that ends its ``reasoning``, and the digest that is equal whoever wrote it.

The mark is in ``reasoning`` because it is free text to every reader; one attribute that a reader does not know makes
it fail a whole page.
"""

import re
from dataclasses import dataclass

from backfill_pipelines.receipts.items import Item, floatless_digest, item_digest
from backfill_pipelines.receipts.metadata import Metadata

_MARK = re.compile(r"\[run=([A-Za-z0-9_-]{1,64});at=([^;\]]+);src=([0-9a-f]{16})\]$")
_RUN_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True)
class Mark:
    """Which run wrote a place, when, and from which state of the source."""

    run_id: str
    at: str
    source_digest: str

    def __post_init__(self) -> None:
        if find_mark(str(self)) is None:
            raise ValueError(f"no readable mark: {self}")

    def __str__(self) -> str:
        return f"[run={self.run_id};at={self.at};src={self.source_digest}]"


def is_run_id(text: str) -> bool:
    """Whether a text may be a run id."""
    return _RUN_ID.fullmatch(text) is not None


def find_mark(reasoning: str) -> "re.Match[str] | None":
    """Where a reasoning carries a mark."""
    return _MARK.search(reasoning)


def mark_of(reasoning: str) -> Mark | None:
    """The mark of a reasoning; None when this project did not write it."""
    found = find_mark(reasoning)
    return Mark(*found.groups()) if found else None


def marked_reasoning(metadata: Metadata, mark: Mark) -> str:
    """The reasoning of a place that was built from a metadata row."""
    return f"Backfilled from ReceiptMetadata ({metadata.reasoning or 'no reasoning'}) {mark}"


def without_mark(reasoning: str) -> str:
    """The reasoning that every run would write."""
    return _MARK.sub("", reasoning)


def content_digest(item: Item) -> str:
    """The digest of what a place says: without the time it was written and the mark of the run that wrote it."""
    return item_digest(_content(item))


def built_digest(item: Item) -> str:
    """The same of an item that this project has just built, and has spelled in the one way."""
    return floatless_digest(_content(item))


def _content(item: Item) -> Item:
    content = {name: attribute for name, attribute in item.items() if name != "timestamp"}
    reasoning = content.get("reasoning", {}).get("S")
    if reasoning is not None:
        content["reasoning"] = {"S": without_mark(reasoning)}
    return content
