"""The bodies of one capture become canonical products, page by page: checks of each body, variations, duplicates."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

from backfill_pipelines.coffee.canonical import CanonicalProduct
from backfill_pipelines.coffee.canonical_artifact import artifact_product
from backfill_pipelines.coffee.codes import (
    E_ENCODING,
    E_HASH_MISMATCH,
    E_HTTP_STATUS,
    E_OBSERVED_AT_BEFORE_SOURCE,
    E_OBSERVED_AT_FUTURE,
    E_SHAPE,
    W_DUPLICATE_PRODUCT,
)
from backfill_pipelines.coffee.decoding import Payload, Undecodable, payload_of
from backfill_pipelines.coffee.hashes import payload_hashes
from backfill_pipelines.coffee.model import Capture, Source
from backfill_pipelines.coffee.products import Feed, id_text
from backfill_pipelines.coffee.shopify import shopify_product
from backfill_pipelines.coffee.woocommerce import is_variation, woo_product

#: How far the clock of a shop or a collector may be ahead of ours.
_CLOCK_SKEW = timedelta(minutes=5)
_HTTP_OK = range(200, 300)
_NOT_MODIFIED = 304

_Answers = Mapping[str, Sequence[Mapping[str, Any]]]


@dataclass(frozen=True, slots=True)
class Found:
    """A product of a body, with its hashes."""

    product: CanonicalProduct
    raw_payload_hash: str = ""
    product_hash: str = ""


@dataclass
class Page:
    """What one body holds: its products, or why it says nothing."""

    capture: Capture
    payload: Payload | None = None
    failure: Undecodable | None = None
    found: list[Found] = field(default_factory=list[Found])


def read_pages(bodies: Iterable[tuple[Capture, bytes]], source: Source, now: datetime | None) -> list[Page]:
    """Read the bodies of one capture, each product once: where it comes again, the last one counts.

    Args:
        bodies: The pages and answers for variations of one capture, in the order of their reception.
        source: Whose feed it is.
        now: For times in the future; None leaves that check out.
    """
    pages = [_opened(capture, body, source, now) for capture, body in bodies]
    answers = _variation_answers(pages)
    for page in pages:
        page.found = list(_products(page, Feed(source.base_url.rstrip("/"), _currency(page, source)), answers))
    _drop_duplicates(pages)
    _set_orphans_aside(pages, answers)
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
        raise Undecodable(
            E_HASH_MISMATCH, f"{len(body)} bytes are not those that {capture.storage_uri} was stored with"
        )
    if source.active_from is not None and seen.date() < source.active_from:
        raise Undecodable(E_OBSERVED_AT_BEFORE_SOURCE, f"{seen.isoformat()} is before {source.active_from}")
    if now is not None and seen > now + _CLOCK_SKEW:
        raise Undecodable(E_OBSERVED_AT_FUTURE, f"{seen.isoformat()} is after now, {now.isoformat()}")


def _content_type(capture: Capture) -> str | None:
    return next((value for name, value in capture.headers.items() if name.lower() == "content-type"), None)


def _currency(page: Page, source: Source) -> str:
    return source.currency_at(page.capture.observed_at)


def _variation_answers(pages: Iterable[Page]) -> _Answers:
    """Variations that were fetched on their own, by the id of their product."""
    answers: defaultdict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for page in pages:
        if page.payload is not None and page.payload.layout == "woocommerce":
            for item in page.payload.items:
                if is_variation(item):
                    answers[_parent_of(item, page.capture.url)].append(item)
    return answers


def _parent_of(item: Mapping[str, Any], url: str) -> str:
    if given := item.get("parent"):
        return id_text(given)
    return parse_qs(urlsplit(url).query).get("parent", [""])[0]


def _products(page: Page, feed: Feed, answers: _Answers) -> Iterable[Found]:
    payload = page.payload
    if payload is None:
        return
    for index, item in enumerate(payload.items):
        if not isinstance(item, dict):
            yield Found(_unreadable(index))
        elif not is_variation(item) or payload.layout != "woocommerce":
            yield _found(_canonical(payload, cast("dict[str, Any]", item), index, feed, answers))


def _canonical(payload: Payload, item: dict[str, Any], index: int, feed: Feed, answers: _Answers) -> CanonicalProduct:
    match payload.layout:
        case "shopify":
            return shopify_product(item, index, feed)
        case "woocommerce":
            return woo_product(item, index, feed, answers.get(str(item.get("id")), ()))
        case "canonical":
            return artifact_product(item, index, feed)


def _unreadable(index: int) -> CanonicalProduct:
    return CanonicalProduct(index, f"#{index}", "", "", None, "", (), (), (), {}, codes=(E_SHAPE,))


def _found(product: CanonicalProduct) -> Found:
    try:
        return Found(product, *payload_hashes(product.raw))
    except UnicodeEncodeError:
        return Found(replace(product, codes=(*product.codes, E_ENCODING)))
    except ValueError:
        return Found(replace(product, codes=(*product.codes, E_SHAPE)))


def _drop_duplicates(pages: Sequence[Page]) -> None:
    last: dict[str, tuple[int, str]] = {}
    differing: set[str] = set()
    for place, found in enumerate(found for page in pages for found in page.found):
        product_id = found.product.platform_product_id
        if product_id in last and last[product_id][1] != found.product_hash:
            differing.add(product_id)
        last[product_id] = (place, found.product_hash)
    places = iter(range(sum(len(page.found) for page in pages)))
    for page in pages:
        kept = [found for found in page.found if last[found.product.platform_product_id][0] == next(places)]
        page.found = [_marked(found) if found.product.platform_product_id in differing else found for found in kept]


def _marked(found: Found) -> Found:
    return replace(found, product=replace(found.product, codes=(*found.product.codes, W_DUPLICATE_PRODUCT)))


def _set_orphans_aside(pages: Sequence[Page], answers: _Answers) -> None:
    """Variations whose product is in none of the pages are a product that cannot be read."""
    known = {found.product.platform_product_id for page in pages for found in page.found}
    for page in pages:
        for index, item in enumerate(page.payload.items if page.payload is not None and answers else ()):
            parent = _parent_of(item, page.capture.url) if is_variation(item) else None
            if parent is not None and parent not in known:
                known.add(parent)
                orphan = replace(_unreadable(index), platform_product_id=parent or f"#{index}")
                page.found.append(Found(orphan))
