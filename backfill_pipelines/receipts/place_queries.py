"""How places are found through the four indexes: by merchant, place id, status, geohash cell.

Metadata rows share partitions of GSI1 and GSI2, so every query asks for TYPE as well. DynamoDB forbids a filter on a
key of the index that is queried: the status, which the documents look for within GSI3SK, is asked for by its own
attribute ``validation_status``, which GSI3SK was made from.
"""

from collections.abc import Callable, Iterator, Mapping

from backfill_pipelines.backfill.failures import BackfillError
from backfill_pipelines.receipts.names import slug
from backfill_pipelines.receipts.place import GEOHASH_LENGTH, TYPE
from backfill_pipelines.stores.items import Expression, Item, ItemStore, Query


class BadQuestion(BackfillError):
    """An argument that no place can be found by."""


def get_receipt_places_by_merchant(items: ItemStore, name: str, page_size: int | None = None) -> Iterator[Item]:
    """Places of a merchant, under any spelling with the same slug."""
    return _items(items, by_merchant(name, page_size))


def list_receipt_places_with_place_id(items: ItemStore, place_id: str, page_size: int | None = None) -> Iterator[Item]:
    """Places with a place id."""
    return _items(items, by_place_id(place_id, page_size))


def get_receipt_places_by_status(items: ItemStore, status: str, page_size: int | None = None) -> Iterator[Item]:
    """Places of a validation status, least confident first; reads the one partition that all places share."""
    return _items(items, by_status(status, page_size))


def get_receipt_places_by_geohash(items: ItemStore, geohash: str, page_size: int | None = None) -> Iterator[Item]:
    """Places within a cell; a finer cell is widened to the precision of the table.

    Raises:
        BadQuestion: the cell is coarser than the table's; it has no partition.
    """
    return _items(items, by_geohash(geohash, page_size))


def by_merchant(name: str, page_size: int | None = None) -> Query:
    """The query for a merchant."""
    if not slug(name):
        raise BadQuestion(f"{name!r} has no letter or digit of A-Z0-9. Repair: name the merchant in those")
    return Query(("GSI1PK", f"MERCHANT#{slug(name)}"), "GSI1", where=_is_place(), page_size=page_size)


def by_place_id(place_id: str, page_size: int | None = None) -> Query:
    """The query for a place id."""
    return Query(("GSI2PK", f"PLACE#{place_id}"), "GSI2", where=_is_place(), page_size=page_size)


def by_status(status: str, page_size: int | None = None) -> Query:
    """The query for a status."""
    where = Expression(
        "#type = :type AND #status = :status",
        {"#type": "TYPE", "#status": "validation_status"},
        {":type": {"S": TYPE}, ":status": {"S": status}},
    )
    return Query(("GSI3PK", "PLACE_VALIDATION"), "GSI3", where=where, page_size=page_size)


def by_geohash(geohash: str, page_size: int | None = None) -> Query:
    """The query for a cell."""
    if len(geohash) < GEOHASH_LENGTH:
        raise BadQuestion(
            f"{geohash!r} is coarser than the table's cells. Repair: give {GEOHASH_LENGTH} characters or more"
        )
    partition = ("GSI4PK", f"GEOHASH#{geohash[:GEOHASH_LENGTH]}")
    return Query(partition, "GSI4", where=_is_place(), page_size=page_size)


#: The query of each index, by what it takes.
QUERIES: Mapping[str, Callable[[str, int | None], Query]] = {
    "GSI1": by_merchant,
    "GSI2": by_place_id,
    "GSI3": by_status,
    "GSI4": by_geohash,
}


def _is_place() -> Expression:
    return Expression("#type = :type", {"#type": "TYPE"}, {":type": {"S": TYPE}})


def _items(items: ItemStore, query: Query) -> Iterator[Item]:
    return (item for page in items.query(query) for item in page.items)
