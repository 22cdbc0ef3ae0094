"""The bodies of one capture become items, page by page: checks of each body, variations, duplicates, hashes.

An item is a product as received; what it says is ``interpreting``'s.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

from backfill_pipelines.coffee.codes import (
    E_ENCODING,
    E_HASH_MISMATCH,
    E_HTTP_STATUS,
    E_OBSERVED_AT_BEFORE_SOURCE,
    E_OBSERVED_AT_FUTURE,
    E_SHAPE,
    W_DUPLICATE_PRODUCT,
)
from backfill_pipelines.coffee.decoding import Layout, Payload, Undecodable, payload_of
from backfill_pipelines.coffee.hashes import payload_hashes
from backfill_pipelines.coffee.model import Capture, Source
from backfill_pipelines.coffee.woocommerce import is_variation

#: How far the clock of a shop or a collector may be ahead of ours.
_CLOCK_SKEW = timedelta(minutes=5)
_HTTP_OK = range(200, 300)
_NOT_MODIFIED = 304


@dataclass(slots=True)
class Item:
    """A product of a body as received. Without an id of its own it is named by its place, ``#3``."""

    index: int
    layout: Layout
    product_id: str
    #: Of a canonical artifact the whole document; empty for an item that is no object.
    raw: Mapping[str, Any]
    raw_payload_hash: str = ""
    product_hash: str = ""
    #: Its variations as received on their own, where they were fetched.
    variations: Sequence[Mapping[str, Any]] = ()
    #: What is wrong with it before it is read.
    codes: tuple[str, ...] = ()


@dataclass
class Page:
    """What one body holds: its items, or why it says nothing."""

    capture: Capture
    payload: Payload | None = None
    failure: Undecodable | None = None
    items: list[Item] = field(default_factory=list[Item])


_Variations = Mapping[str, Sequence[Mapping[str, Any]]]


def read_pages(bodies: Iterable[tuple[Capture, bytes]], source: Source, now: datetime | None) -> Sequence[Page]:
    """Read the bodies of one capture, each product once: where it comes again, the last one counts.

    Args:
        bodies: The pages and answers for variations of one capture, in the order of their reception.
        source: Whose feed it is.
        now: For times in the future; None leaves that check out.
    """
    pages = [_opened(capture, body, source, now) for capture, body in bodies]
    variations = _variations(pages)
    for page in pages:
        if page.payload is not None:
            page.items = [*_items(page.payload, variations)]
    _drop_duplicates(pages)
    if variations:
        _add_orphans(pages)
    return pages


def _opened(capture: Capture, body: bytes, source: Source, now: datetime | None) -> Page:
    try:
        _check(capture, body, source, now)
        return Page(capture, payload=payload_of(body, _content_type(capture), source.platform))
    except Undecodable as failure:
        return Page(capture, failure=failure)


def _check(capture: Capture, body: bytes, source: Source, now: datetime | None) -> None:
    status, seen = capture.http_status, capture.observed_at
    is_confirmed = status == _NOT_MODIFIED and capture.completeness == "not_modified"
    if status is not None and status not in _HTTP_OK and not is_confirmed:
        raise Undecodable(E_HTTP_STATUS, f"the shop answered {status}")
    if len(body) != capture.body_len or hashlib.sha256(body).hexdigest() != capture.body_sha256:
        raise Undecodable(E_HASH_MISMATCH, f"{len(body)} bytes are not what was stored as {capture.storage_uri}")
    if source.active_from is not None and seen.date() < source.active_from:
        raise Undecodable(E_OBSERVED_AT_BEFORE_SOURCE, f"{seen.isoformat()} is before {source.active_from}")
    if now is not None and seen > now + _CLOCK_SKEW:
        raise Undecodable(E_OBSERVED_AT_FUTURE, f"{seen.isoformat()} is after now, {now.isoformat()}")


def _content_type(capture: Capture) -> str | None:
    return next((value for name, value in capture.headers.items() if name.lower() == "content-type"), None)


def _variations(pages: Iterable[Page]) -> _Variations:
    """Variations that were fetched on their own, by the id of their product."""
    found: defaultdict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for page in pages:
        for item in page.payload.items if page.payload is not None and page.payload.layout == "woocommerce" else ():
            if is_variation(item):
                found[_parent_of(item, page.capture.url)].append(item)
    return found


def _parent_of(variation: Mapping[str, Any], url: str) -> str:
    """The product's id: of the item itself, in older shops only in the address of the request."""
    return str(variation.get("parent") or parse_qs(urlsplit(url).query).get("parent", [""])[0])


def _items(payload: Payload, variations: _Variations) -> Iterable[Item]:
    for index, raw in enumerate(payload.items):
        if not isinstance(raw, dict):
            yield Item(index, payload.layout, f"#{index}", {}, codes=(E_SHAPE,))
        elif payload.layout != "woocommerce" or not is_variation(raw):
            yield _item(index, payload.layout, cast("dict[str, Any]", raw), variations)


def _item(index: int, layout: Layout, raw: dict[str, Any], variations: _Variations) -> Item:
    product = raw["product"] if layout == "canonical" else raw
    given = product.get("platform_product_id" if layout == "canonical" else "id")
    product_id = str(given).strip() if isinstance(given, str | int) else ""
    item = Item(index, layout, product_id or f"#{index}", raw, variations=variations.get(product_id, ()))
    try:
        item.raw_payload_hash, item.product_hash = payload_hashes(product)
    except UnicodeEncodeError:
        item.codes = (E_ENCODING,)
    except ValueError:
        item.codes = (E_SHAPE,)
    return item


def _drop_duplicates(pages: Sequence[Page]) -> None:
    last: dict[str, Item] = {}
    differing: set[str] = set()
    for item in (item for page in pages for item in page.items):
        earlier = last.get(item.product_id)
        if earlier is not None and earlier.product_hash != item.product_hash:
            differing.add(item.product_id)
        last[item.product_id] = item
    for page in pages:
        page.items = [item for item in page.items if last[item.product_id] is item]
    for product_id in differing:
        last[product_id].codes += (W_DUPLICATE_PRODUCT,)


def _add_orphans(pages: Sequence[Page]) -> None:
    """Variations whose product is in none of the pages stand for a product that cannot be read."""
    known = {item.product_id for page in pages for item in page.items}
    for page in pages:
        for index, raw in enumerate(page.payload.items if page.payload is not None else ()):
            parent = _parent_of(raw, page.capture.url) if is_variation(raw) else None
            if parent is not None and parent not in known:
                known.add(parent)
                page.items.append(Item(index, "woocommerce", parent or f"#{index}", {}, codes=(E_SHAPE,)))
