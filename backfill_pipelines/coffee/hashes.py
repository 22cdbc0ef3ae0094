"""The four hashes of a product: as received, without what changes by itself, normalised, and its prices.

All are SHA-256 of canonical JSON: sorted keys, UTF-8, no spaces, numbers as ``json.dumps`` writes them.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, cast

import orjson

from backfill_pipelines.coffee.descriptions import cleaned
from backfill_pipelines.coffee.model import VariantObservation

#: Two captures of an unchanged product differ in it everywhere.
_VOLATILE = "updated_at"
_MARKUP = "body_html"
_LOOK_INTO = frozenset((dict, list, float))


def canonical_json(value: Any) -> bytes:
    """A JSON value in its one form.

    Raises:
        ValueError: The value is no JSON: half of a surrogate pair, NaN or an infinity.
    """
    floats: list[float] = []
    _copied(value, floats)
    return _dumped(value, has_floats=bool(floats))


def payload_hashes(raw: Mapping[str, Any]) -> tuple[str, str]:
    """``raw_payload_hash`` and ``product_hash`` of a product as received.

    Raises:
        ValueError: As of ``canonical_json``.
    """
    floats: list[float] = []
    lasting = _copied(raw, floats)
    markup = lasting.get(_MARKUP)
    if isinstance(markup, str):
        lasting[_MARKUP] = cleaned(markup)
    has_floats = bool(floats)
    return _sha256(_dumped(raw, has_floats=has_floats)), _sha256(_dumped(lasting, has_floats=has_floats))


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
    return None if amount is None else f"{amount:.3f}"


def _copied(value: Any, floats: list[float]) -> Any:
    """A copy without volatile keys; the floats met are noted, since the fast writer has its own form for some."""
    if isinstance(value, dict):
        items = cast("dict[str, Any]", value).items()
        return {k: _copied(v, floats) if type(v) in _LOOK_INTO else v for k, v in items if k != _VOLATILE}
    if isinstance(value, list):
        return [_copied(v, floats) if type(v) in _LOOK_INTO else v for v in cast("list[Any]", value)]
    if isinstance(value, float):
        floats.append(value)
    return value


def _dumped(value: Any, *, has_floats: bool) -> bytes:
    if not has_floats:
        try:
            return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
        except TypeError:
            # Integers over 64 bits are fine for the slower writer, half a surrogate pair is not.
            pass
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.encode()


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
