"""Making the next thing while the last one is used: Python derives and renders while PostgreSQL publishes."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
_END = object()


def ahead(items: Iterable[Item]) -> Iterator[Item]:
    """The items, each made in a thread while the one before it is used: two are in memory at a time.

    An error of the making is raised at its place in the order. Leaving early waits for the item that is being made.
    """
    made = iter(items)
    with ThreadPoolExecutor(1, "ahead") as pool:
        following = pool.submit(next, made, _END)
        while (item := following.result()) is not _END:
            following = pool.submit(next, made, _END)
            yield item  # type: ignore[misc]
