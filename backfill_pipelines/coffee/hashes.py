"""The four hashes of a product: as received, without what changes by itself, normalised, and its prices.

All are SHA-256 of canonical JSON.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, cast

import orjson

from backfill_pipelines.coffee.descriptions import cleaned
from backfill_pipelines.coffee.model import VariantObservation

#: Two captures of an unchanged product differ in it everywhere. A quote before the name and a colon after it are never
#: found within a text, whose own quotes are escaped.
_VOLATILE = b'"updated_at":'
_VOLATILE_TEXT = re.compile(rb',"updated_at":"[^"\\]*"')
_MARKUP = "body_html"
_MARKUP_KEY = b'"body_html":'


def canonical_json(value: Any) -> bytes:
    """A JSON value in its one form: sorted keys, UTF-8, no spaces, numbers in their shortest form.

    Raises:
        ValueError: A text of it is half of a surrogate pair, which no encoding has.
    """
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except TypeError:
        # Integers over 64 bits are fine for the slower writer; it refuses what is no JSON as well.
        text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        return text.encode()


def payload_hashes(raw: Mapping[str, Any]) -> tuple[str, str]:
    """``raw_payload_hash`` and ``product_hash`` of a product as received.

    Raises:
        ValueError: As of ``canonical_json``.
    """
    received = canonical_json(raw)
    return _sha256(received), _sha256(_lasting(received, raw))


def _lasting(received: bytes, raw: Mapping[str, Any]) -> bytes:
    """The canonical JSON without volatile keys and with the markup's text; cut out of the bytes where that is plain."""
    lasting = _VOLATILE_TEXT.sub(b"", received)
    markup = raw.get(_MARKUP)
    start = lasting.find(_MARKUP_KEY)
    if _VOLATILE in lasting or (markup is None) != (start < 0) or lasting.find(_MARKUP_KEY, start + 1) > 0:
        return canonical_json(lasting_part(raw) | ({_MARKUP: cleaned(markup)} if isinstance(markup, str) else {}))
    if not isinstance(markup, str):
        return lasting
    start += len(_MARKUP_KEY)
    end = start + len(orjson.dumps(markup))
    return b"".join((lasting[:start], orjson.dumps(cleaned(markup)), lasting[end:]))


def lasting_part(value: Any) -> Any:
    """A JSON value without what changes by itself, at any depth."""
    if isinstance(value, dict):
        return {k: lasting_part(v) for k, v in cast("dict[str, Any]", value).items() if k != "updated_at"}
    if isinstance(value, list):
        return [lasting_part(v) for v in cast("list[Any]", value)]
    return value


def content_hash(fields: Mapping[str, Any], normalizer_version: str) -> str:
    """The hash of normalised fields; a new version of the normaliser changes it."""
    return _sha256(canonical_json({**fields, "normalizer_version": normalizer_version}))


def price_hash(variants: Iterable[VariantObservation]) -> str:
    """The hash of what a product costs, whatever the order of its variants and the zeros of its prices."""
    rows = [
        (v.platform_variant_id, _text(v.price), _text(v.compare_at_price), v.currency, v.in_stock) for v in variants
    ]
    rows.sort()
    return _sha256(orjson.dumps(rows))


def _text(amount: Decimal | None) -> str | None:
    """All amounts have three digits after the point, so that equal ones have equal texts."""
    return None if amount is None else str(amount)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
