"""Lines and words that wait for their embedding: how many, noise left out, as the embedding workflows would find them.

An index answers, so that what was written a moment ago may be missing from the count.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from backfill_pipelines.receipts.promotion.entities import NOT_EMBEDDED
from backfill_pipelines.stores.items import Expression, ItemStore, Query

INDEX = "GSI1"
#: Beginnings of the index's sort key, by what waits.
PREFIXES = ("LINE#", "WORD#")


def remaining(
    items: ItemStore, status: str = NOT_EMBEDDED, image_id: str = "", prefixes: Sequence[str] = PREFIXES
) -> int:
    """Lines and words of a status, of one image or of the whole table."""
    of_image = f"IMAGE#{image_id}#" if image_id else ""
    return sum(items.count(_waiting(status, prefix + of_image)) for prefix in prefixes)


def _waiting(status: str, prefix: str) -> Query:
    return Query(
        partition=(f"{INDEX}PK", f"EMBEDDING_STATUS#{status}"),
        index=INDEX,
        sort_key=f"{INDEX}SK",
        begins_with=prefix,
        where=Expression("#noise <> :yes", {"#noise": "is_noise"}, {":yes": {"BOOL": True}}),
    )


#: Every status that a line or word can have.
STATUSES = ("NONE", "PENDING", "SUCCESS", "FAILED", "NOISE")


def by_status(items: ItemStore, image_id: str) -> Mapping[str, int]:
    """All lines and words of an image that the index has, noise included, by status."""
    counted = {
        status: sum(
            items.count(replace(_waiting(status, f"{prefix}IMAGE#{image_id}#"), where=None)) for prefix in PREFIXES
        )
        for status in STATUSES
    }
    return {status: count for status, count in counted.items() if count}
