"""Bytes of a shop's answer become a payload: encodings, broken JSON, and what kind of list its root is.

What the items mean is ``shopify``'s, ``woocommerce``'s and ``canonical_artifact``'s. Nothing is ever decoded by
replacing bytes, and nothing here fails because of a single item.
"""

import codecs
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.message import Message
from typing import Any, Literal, cast

import orjson

from backfill_pipelines.coffee.codes import E_ENCODING, E_SHAPE, E_TRUNCATED_JSON

Layout = Literal["shopify", "woocommerce", "canonical"]

#: A cut text fails within an escape or a literal at its very end.
_LONGEST_TOKEN = 6
_CANONICAL_KEYS = frozenset(("source", "roaster_domain", "scraped_at"))
#: A source of one of these platforms never turns into the other by what one answer looks like.
_LAYOUTS_OF: Mapping[str, frozenset[str]] = {
    "shopify": frozenset(("shopify", "canonical")),
    "woocommerce": frozenset(("woocommerce", "canonical")),
}


class Undecodable(ValueError):
    """A body that says nothing: the code and why, for the artifact's errors and its quarantine row."""

    def __init__(self, code: str, why: str) -> None:
        super().__init__(f"{code}: {why}")
        self.code = code
        self.why = why


@dataclass(frozen=True)
class Payload:
    """A decoded body: its layout and its items as received (of a canonical artifact, the whole of it)."""

    layout: Layout
    items: Sequence[Any]


def payload_of(body: bytes, content_type: str | None, platform: str) -> Payload:
    """Decode a body and tell its layout.

    Args:
        body: The bytes received, uncompressed.
        content_type: Of the answer, for bodies that are not UTF-8.
        platform: Of the source; a body of the other platform is refused.

    Raises:
        Undecodable: With the code and the reason.
    """
    payload = _recognised(_without_nul(body, _loaded(body, content_type)))
    allowed = _LAYOUTS_OF.get(platform)
    if payload.items and allowed is not None and payload.layout not in allowed:
        raise Undecodable(E_SHAPE, f"a {payload.layout} list from a {platform} source")
    return payload


def _loaded(body: bytes, content_type: str | None) -> Any:
    try:
        return orjson.loads(body.removeprefix(codecs.BOM_UTF8))
    except orjson.JSONDecodeError:
        return _loaded_text(_text_of(body, content_type))


def _loaded_text(text: str) -> Any:
    """Read what the fast parser refuses: half of a surrogate pair or NaN in one product must not cost the page."""
    try:
        # What is no number stays a text, which is an error only where a number is read.
        return json.loads(text, parse_constant=str)
    except RecursionError as error:
        raise Undecodable(E_SHAPE, "nested too deeply") from error
    except json.JSONDecodeError as error:
        is_cut = text.lstrip()[:1] in ("{", "[", "") and _fails_at_its_end(text, error)
        raise Undecodable(E_TRUNCATED_JSON if is_cut else E_SHAPE, f"{error}; {len(text)} characters") from error


def _fails_at_its_end(text: str, error: json.JSONDecodeError) -> bool:
    if error.msg == "Extra data":
        return False
    return error.msg.startswith("Unterminated string") or error.pos >= len(text.rstrip()) - _LONGEST_TOKEN


def _text_of(body: bytes, content_type: str | None) -> str:
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if error.reason == "unexpected end of data":
            raise Undecodable(E_TRUNCATED_JSON, f"cut within a character after {error.start} bytes") from error
        return _text_in_charset(body, _charset_of(content_type), error)


def _text_in_charset(body: bytes, charset: str | None, reason: UnicodeDecodeError) -> str:
    if charset is None:
        raise Undecodable(E_ENCODING, f"not UTF-8 ({reason}), and no charset in its content-type") from reason
    try:
        return body.decode(charset)
    except (LookupError, UnicodeError) as error:
        raise Undecodable(E_ENCODING, f"neither UTF-8 ({reason}) nor {charset} ({error})") from error


def _charset_of(content_type: str | None) -> str | None:
    message = Message()
    message["content-type"] = content_type or "application/json"
    charset = message.get_content_charset()
    return None if charset in (None, "utf-8", "utf8") else charset


def _without_nul(body: bytes, value: Any) -> Any:
    r"""Drop ``\u0000``, which no text of PostgreSQL can hold; a body without one is returned as it is."""
    return _stripped_of_nul(value) if b"\\u0000" in body else value


def _stripped_of_nul(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\0", "")
    if isinstance(value, list):
        return [_stripped_of_nul(item) for item in cast("list[Any]", value)]
    if isinstance(value, dict):
        return {_stripped_of_nul(k): _stripped_of_nul(v) for k, v in cast("dict[str, Any]", value).items()}
    return value


def _recognised(root: Any) -> Payload:
    if isinstance(root, list):
        return _woo_list(cast("list[Any]", root))
    if not isinstance(root, dict):
        raise Undecodable(E_SHAPE, f"the root is {type(root).__name__}, neither an object nor a list")
    document = cast("dict[str, Any]", root)
    products = document.get("products")
    if isinstance(products, list):
        items = cast("list[Any]", products)
        return Payload("woocommerce" if _is_woo(items) else "shopify", items)
    if isinstance(document.get("product"), dict):
        if _CANONICAL_KEYS & document.keys():
            return Payload("canonical", [document])
        return Payload("shopify", [document["product"]])
    raise Undecodable(E_SHAPE, f"an object with {', '.join(sorted(document)[:8]) or 'no keys'}: no list of products")


def _woo_list(items: list[Any]) -> Payload:
    if items and not _is_woo(items):
        raise Undecodable(E_SHAPE, f"a list of {len(items)} items, none of them with prices")
    return Payload("woocommerce", items)


def _is_woo(items: Sequence[Any]) -> bool:
    return any(isinstance(item, dict) and "prices" in item for item in items)
