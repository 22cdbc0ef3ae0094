"""The item store edge: what a table of items promises, in DynamoDB's low-level typed form.

Pure data and the protocol. Whose items they are, and which attributes they have, is not said here.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Any, Protocol

#: ``{"PK": {"S": "IMAGE#.."}, "n": {"N": "1"}}``: attribute name to one type and its value.
Item = Mapping[str, Mapping[str, Any]]
#: The key attributes of an item, and nothing else.
Key = Mapping[str, Mapping[str, Any]]

SCAN_SEGMENTS = 8


@dataclass(frozen=True)
class Consumed:
    """Capacity units of one or more calls, as the service metered them."""

    table: float = 0.0
    indexes: Mapping[str, float] = field(default_factory=dict)

    @property
    def total(self) -> float:
        """Units of the table and all indexes together."""
        return self.table + sum(self.indexes.values())

    def __add__(self, other: "Consumed") -> "Consumed":
        names = self.indexes.keys() | other.indexes.keys()
        indexes = {name: self.indexes.get(name, 0.0) + other.indexes.get(name, 0.0) for name in sorted(names)}
        return Consumed(self.table + other.table, indexes)


def total(parts: Iterable[Consumed]) -> Consumed:
    """The sum of what several calls consumed."""
    return reduce(Consumed.__add__, parts, Consumed())


@dataclass(frozen=True)
class Expression:
    """A condition or filter: text with ``#name`` and ``:value`` placeholders, and what they stand for."""

    text: str
    names: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        taken = [name for name in (*self.names, *self.values) if name.startswith(("#own", ":own"))]
        if taken:
            raise ValueError(f"placeholders that the store uses itself: {', '.join(taken)}")


@dataclass(frozen=True)
class Page:
    """One page of a scan or query. An empty page may be followed by others: only ``next_key`` None is the end."""

    items: tuple[Item, ...]
    count: int
    scanned: int
    next_key: Key | None
    consumed: Consumed
    segment: int = 0


@dataclass(frozen=True)
class BatchRead:
    """Items of a batch of keys, in no order; an absent item is not among them."""

    items: tuple[Item, ...]
    consumed: Consumed


@dataclass(frozen=True)
class BatchWritten:
    """What a batch of writes consumed, and how many rounds the service refused a part of it."""

    consumed: Consumed
    throttles: int


@dataclass(frozen=True)
class Query:
    """The items of one partition of the table or an index, in the order of the sort key.

    ``where`` is applied after a page was read and may not name the keys of what is queried.
    """

    partition: tuple[str, str]
    index: str | None = None
    sort_key: str | None = None
    begins_with: str | None = None
    where: Expression | None = None
    attributes: Sequence[str] | None = None
    page_size: int | None = None
    start: Key | None = None
    forward: bool = True

    def __post_init__(self) -> None:
        if (self.sort_key is None) != (self.begins_with is None):
            raise ValueError("a query by prefix names both sort_key and begins_with")


class ItemStore(Protocol):
    """A table of items. Reads of the table are strongly consistent; an index is eventually consistent.

    Every method raises an ``ItemStoreError`` of ``stores.item_errors`` when the store refuses or does not answer.
    """

    def get(self, key: Key) -> Item | None:
        """The item; None only when there is none."""
        ...

    def put(self, item: Item, when: Expression | None = None) -> Consumed:
        """Write one item, once, if the stored one is as ``when`` says; never tried again by itself."""
        ...

    def delete(self, key: Key, when: Expression | None = None) -> Consumed:
        """Delete one item, once, if the stored one is as ``when`` says; an absent item is no error without it."""
        ...

    def scan(
        self,
        *,
        where: Expression | None = None,
        attributes: Sequence[str] | None = None,
        segments: int = SCAN_SEGMENTS,
        page_size: int | None = None,
    ) -> Iterator[Page]:
        """Every item of the table, segments in parallel, pages as they come."""
        ...

    def query(self, query: Query) -> Iterator[Page]:
        """The pages of a query; asking for one page is taking the first."""
        ...

    def count(self, query: Query) -> int:
        """How many items the query finds, over all pages, without fetching them."""
        ...

    def batch_get(self, keys: Iterable[Key]) -> BatchRead:
        """Many items by key, unprocessed keys asked for again."""
        ...

    def batch_write(self, puts: Sequence[Item] = (), deletes: Sequence[Key] = ()) -> BatchWritten:
        """Many unconditional writes, unprocessed ones tried again; they overwrite what is there."""
        ...


def absent(key_attribute: str = "PK") -> Expression:
    """The condition that there is no item with this key."""
    return Expression("attribute_not_exists(#key)", {"#key": key_attribute})


def unchanged(before: Item, absent_attributes: Iterable[str] = ()) -> Expression:
    """The condition that every attribute of ``before`` is stored as it was read, and none of the others exists.

    DynamoDB cannot say "no other attribute": those that a writer may add are named by the caller.
    """
    if not before:
        raise ValueError("an item without attributes has nothing to compare: use absent()")
    names = {f"#a{number}": name for number, name in enumerate(before)}
    values = {f":a{number}": value for number, value in enumerate(before.values())}
    missing = {f"#x{number}": name for number, name in enumerate(sorted({*absent_attributes} - before.keys()))}
    terms = [f"{name} = {value}" for name, value in zip(names, values, strict=True)]
    terms += [f"attribute_not_exists({name})" for name in missing]
    return Expression(" AND ".join(terms), names | missing, values)


def attribute_contains(attribute: str, *texts: str) -> Expression:
    """The filter that an attribute holds one of the texts: DynamoDB cannot ask how a value ends.

    Use it with ``ending`` to ask for the ends of sort keys.
    """
    values = {f":t{number}": {"S": text} for number, text in enumerate(texts)}
    return Expression(
        " OR ".join(f"contains(#attribute, {name})" for name in values), {"#attribute": attribute}, values
    )


def ending(items: Iterable[Item], attribute: str, *suffixes: str) -> Iterator[Item]:
    """The items whose attribute ends with one of the suffixes: the exact half of ``attribute_contains``."""
    return (item for item in items if str(item.get(attribute, {}).get("S", "")).endswith(suffixes))
