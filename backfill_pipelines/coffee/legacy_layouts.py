"""Files that the old scraper left behind: what layout each is, which bytes of it are the shop's answer, what it says.

Pure: no store, no clock, no file times. When a body was observed and whose it is, ``legacy_import`` decides.
"""

import codecs
import json
import re
from collections.abc import Mapping, Sequence
from json.decoder import JSONDecoder
from typing import Any, cast

import orjson

from backfill_pipelines.coffee.codes import E_ENCODING, E_SHAPE, E_TRUNCATED_JSON
from backfill_pipelines.coffee.legacy_file import (
    Failure,
    LegacyFile,
    Unreadable,
    known_platform,
    moment_of,
    texts_of,
)
from backfill_pipelines.coffee.model import Completeness, Platform

#: ``<roaster>_<platform>_<YYYYmmdd_HHMMSS>_<status>``, read from its end, as ids of roasters hold underscores too.
_FETCHER_NAME = re.compile(r"(?P<roaster>.+)_(?P<platform>[^_]+)_\d{8}_\d{6}_(?P<status>success|failed)\.json")
_FETCHER_KEYS = frozenset(("completed_at", "success", "fetch_all"))
_METADATA_KEYS = frozenset(("response_filename", "content_hash"))
_WRAPPER_KEYS = frozenset(("artifact_data", "validation_errors"))
_CANONICAL_KEYS = frozenset(("source", "roaster_domain", "scraped_at"))
#: Parameters by which a fetch asked for less than the catalogue.
_FILTERS = (
    "created_at_min",
    "updated_at_min",
    "published_at_min",
    "after",
    "before",
    "fields",
    "collection",
    "category",
)
#: Parameters that end a fetch after so many products, or after so many pages of ``_PAGE``.
_PRODUCT_CAPS, _PAGE_CAP = ("max_products", "product_limit", "max_items"), "max_pages"
_PAGE = {"shopify": 250, "woocommerce": 100}
#: A cut text fails within an escape or a literal at its very end.
_LONGEST_TOKEN = 6
#: The old fetcher ended every catalogue here.
_MOST_PAGES = 1000


def recognise(name: str, content: bytes) -> LegacyFile:
    """What a file of this name and content is.

    Raises:
        Unreadable: It cannot be decoded, or is of no layout.
    """
    text, root = _decoded(content)
    if isinstance(root, list):
        return _list(content, cast("list[Any]", root))
    if not isinstance(root, dict):
        raise Unreadable(E_SHAPE, f"the root is {type(root).__name__}, neither an object nor a list")
    document = cast("dict[str, Any]", root)
    keys = document.keys()
    if keys >= _METADATA_KEYS:
        return LegacyFile("metadata", content)
    if keys >= _WRAPPER_KEYS:
        return _wrapper(text, document)
    if keys >= _FETCHER_KEYS:
        return _fetcher(name, content, document)
    if isinstance(document.get("product"), dict):
        return _single(content, document)
    if isinstance(document.get("products"), list):
        return _export(content, document) if "export_timestamp" in keys else _page(content, document["products"])
    raise Unreadable(E_SHAPE, f"an object with {', '.join(sorted(document)[:8]) or 'no keys'} is no known layout")


def _decoded(content: bytes) -> tuple[str, Any]:
    try:
        text = content.removeprefix(codecs.BOM_UTF8).decode()
    except UnicodeDecodeError as error:
        raise Unreadable(E_ENCODING, f"not UTF-8 ({error}), and a file has no content-type") from error
    try:
        return text, orjson.loads(text)
    except orjson.JSONDecodeError:
        return text, _slowly(text)


def _slowly(text: str) -> Any:
    """What the fast parser refuses and the other reads: half a surrogate pair, NaN."""
    try:
        return json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        is_cut = text.lstrip()[:1] in ("{", "[", "") and _fails_at_its_end(text, error)
        raise Unreadable(E_TRUNCATED_JSON if is_cut else E_SHAPE, f"{error}; {len(text)} characters") from error


def _fails_at_its_end(text: str, error: Exception) -> bool:
    if not isinstance(error, json.JSONDecodeError):
        return False
    return error.msg.startswith("Unterminated string") or error.pos >= len(text.rstrip()) - _LONGEST_TOKEN


def _list(body: bytes, items: list[Any]) -> LegacyFile:
    if not any(isinstance(item, dict) and _minor_unit(cast("dict[str, Any]", item)) for item in items):
        raise Unreadable(E_SHAPE, f"a list of {len(items)} items, none of them with prices of the Store API")
    return LegacyFile("woo_list", body, items, "woocommerce")


def _minor_unit(item: Mapping[str, Any]) -> bool:
    prices = item.get("prices")
    return isinstance(prices, dict) and "currency_minor_unit" in prices


def _page(body: bytes, items: list[Any]) -> LegacyFile:
    return LegacyFile("page", body, items, _platform_of(items))


def _platform_of(items: Sequence[Any]) -> Platform | None:
    if not items:
        return None
    is_woo = any(isinstance(item, dict) and "prices" in item for item in items)
    return "woocommerce" if is_woo else "shopify"


def _export(body: bytes, document: Mapping[str, Any]) -> LegacyFile:
    """An export's own timestamp is that of a monotonic clock: it says nothing of the day."""
    items = cast("list[Any]", document["products"])
    stats = document.get("stats")
    total = cast("dict[str, Any]", stats).get("products_total") if isinstance(stats, dict) else None
    is_filtered = isinstance(total, int) and total > len(items)
    return LegacyFile(
        "export",
        body,
        items,
        _platform_of(items),
        "filtered" if is_filtered else "unknown",
        owners=texts_of(document, "roaster_slug"),
    )


def _single(body: bytes, document: dict[str, Any]) -> LegacyFile:
    """A canonical artifact; the hashes in it are not read."""
    product = cast("dict[str, Any]", document["product"])
    if not _CANONICAL_KEYS & document.keys():
        return LegacyFile("page", body, [product], "shopify", "partial")
    return LegacyFile(
        "canonical",
        body,
        [document],
        known_platform(product.get("platform")) or known_platform(document.get("source")),
        "partial",
        recorded_at=moment_of(document.get("scraped_at")),
        owners=texts_of(document, "roaster_domain"),
        url=product.get("source_url") if isinstance(product.get("source_url"), str) else None,
    )


def _wrapper(text: str, document: dict[str, Any]) -> LegacyFile:
    """A rejected artifact: the answer in it if there is one, else the evidence that something was wrong."""
    payload = document["artifact_data"]
    has_list = isinstance(payload, list) or (isinstance(payload, dict) and isinstance(payload.get("products"), list))
    if has_list:
        inner = recognise("", _value_of(text, "artifact_data").encode())
        return LegacyFile(
            "wrapper",
            inner.body,
            inner.items,
            inner.platform,
            inner.completeness,
            inner.recorded_at,
            owners=inner.owners,
        )
    said = document["validation_errors"]
    errors = [str(error) for error in cast("list[Any]", said)] if isinstance(said, list) else [str(said)]
    return LegacyFile(
        "wrapper",
        text.encode(),
        recorded_at=moment_of(document.get("validated_at")),
        owners=texts_of(cast("dict[str, Any]", payload), "roaster_domain", "roaster_id")
        if isinstance(payload, dict)
        else (),
        failure=Failure("validation", errors, document),
    )


def _value_of(text: str, key: str) -> str:
    """The text of a value of the root object, as it was written."""
    decoder, position = JSONDecoder(), text.index("{") + 1
    while True:
        position = _skip(text, position, " \t\r\n,")
        name, position = decoder.raw_decode(text, position)
        begin = _skip(text, position, " \t\r\n:")
        _, position = decoder.raw_decode(text, begin)
        if name == key:
            return text[begin:position]


def _skip(text: str, position: int, signs: str) -> int:
    while text[position] in signs:
        position += 1
    return position


def _fetcher(name: str, body: bytes, document: dict[str, Any]) -> LegacyFile:
    match = _FETCHER_NAME.fullmatch(name.rsplit("/", 1)[-1].rsplit("\\", 1)[-1])
    products = document.get("products")
    items = cast("list[Any]", products) if isinstance(products, list) else []
    named = (match["roaster"],) if match else ()
    platform = known_platform(document.get("platform")) or known_platform(match["platform"] if match else None)
    failed = document.get("success") is not True or (match is not None and match["status"] == "failed")
    failure = Failure("fetch", texts_of(document, "error") or ("the file says that it failed",), document)
    return LegacyFile(
        "fetcher",
        body,
        () if failed else items,
        platform,
        "unknown" if failed else _completeness(document, items, platform),
        moment_of(document.get("completed_at")),
        moment_of(document.get("started_at")),
        tuple(dict.fromkeys((*texts_of(document, "roaster_id"), *named, *texts_of(document, "base_url")))),
        failure=failure if failed else None,
    )


def _completeness(document: Mapping[str, Any], items: Sequence[Any], platform: Platform | None) -> Completeness:
    """How much of the catalogue a fetch that succeeded has: all of it only if nothing speaks against it."""
    found = document.get("fetch_params")
    parameters = cast("dict[str, Any]", found) if isinstance(found, dict) else {}
    if any(parameters.get(name) for name in _FILTERS):
        return "filtered"
    count = document.get("product_count")
    if isinstance(count, int) and count != len(items):
        return "partial"
    page = _PAGE.get(platform or "", min(_PAGE.values()))
    caps = [parameters[name] for name in _PRODUCT_CAPS if isinstance(parameters.get(name), int)]
    pages = parameters.get(_PAGE_CAP)
    if len(items) >= min([*caps, page * min(_MOST_PAGES, pages if isinstance(pages, int) else _MOST_PAGES)]):
        return "partial"
    return "complete" if items and document.get("fetch_all") is True else "unknown"
