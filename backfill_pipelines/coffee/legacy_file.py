"""A file of the old scraper as the import sees it: its layout, the shop's answer in it, and what it says of itself.

Values only; ``legacy_layouts`` makes them.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, cast

from backfill_pipelines.coffee.model import Completeness, Platform

Layout = Literal["fetcher", "metadata", "page", "woo_list", "export", "wrapper", "canonical"]

_PLATFORMS: tuple[Platform, ...] = ("shopify", "woocommerce", "custom", "other")


class Unreadable(ValueError):
    """A file that is no layout of the old scraper: the code and why."""

    def __init__(self, code: str, why: str) -> None:
        super().__init__(f"{code}: {why}")
        self.code = code
        self.why = why


@dataclass(frozen=True)
class Failure:
    """A file that says that something failed, and no products."""

    kind: Literal["fetch", "validation"]
    errors: Sequence[str]
    detail: Mapping[str, Any]


@dataclass(frozen=True)
class LegacyFile:
    """What a file is. ``body`` are the bytes to store, ``items`` its products as received."""

    layout: Layout
    body: bytes
    items: Sequence[Any] = ()
    platform: Platform | None = None
    completeness: Completeness = "unknown"
    #: The time that the file itself records for the answer; never one of the file system.
    recorded_at: datetime | None = None
    started_at: datetime | None = None
    #: Whose it may be: slugs, ids or domains, most certain first.
    owners: Sequence[str] = ()
    #: Address of a single product.
    url: str | None = None
    failure: Failure | None = None

    @property
    def fingerprint(self) -> str:
        """Equal for files that hold the same products, however they are wrapped and written."""
        canonical = json.dumps(list(self.items), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()

    @property
    def newest_update(self) -> datetime | None:
        """The greatest ``updated_at`` in the products: no later than the answer. None when there is none."""
        return max((moment for text in _updates(self.items) if (moment := moment_of(text))), default=None)


def known_platform(value: Any) -> Platform | None:
    """A platform of ours; None for anything else."""
    return next((platform for platform in _PLATFORMS if platform == value), None)


def texts_of(document: Mapping[str, Any], *names: str) -> tuple[str, ...]:
    """Those of the values that are texts and not empty."""
    return tuple(value for name in names if isinstance(value := document.get(name), str) and value)


def moment_of(value: Any) -> datetime | None:
    """A time with its zone, in UTC; a time without one could be any of a day's hours, and is none."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return moment.astimezone(UTC) if moment.tzinfo else None


def _updates(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in cast("dict[str, Any]", value).items():
            if key == "updated_at" and isinstance(inner, str):
                yield inner
            else:
                yield from _updates(inner)
    elif isinstance(value, list):
        for inner in cast("list[Any]", value):
            yield from _updates(inner)
