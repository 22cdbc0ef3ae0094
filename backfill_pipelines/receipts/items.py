"""Items in DynamoDB's low-level typed form: plain values and back, canonical JSON, digest, size.

Pure rules of the format, for any entity. Which attributes an entity has is said in ``metadata`` and ``place``; reading
and writing a table is the store's.
"""

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from decimal import Context, Decimal
from typing import Any

import orjson

#: One attribute: ``{"S": "text"}``, ``{"N": "1"}``, ``{"NULL": True}``, ...
Attribute = Mapping[str, Any]
#: ``{"PK": {"S": "IMAGE#.."}, "receipt_id": {"N": "1"}}``.
Item = Mapping[str, Attribute]

#: What this project is ready to write; DynamoDB itself refuses at 400 KB.
MOST_ITEM_BYTES = 380 * 1024

#: A list or map costs this much, and each of its members one more.
_CONTAINER_BYTES, _MEMBER_BYTES = 3, 1
MOST_DIGITS = 38
_NUMBERS = Context(prec=MOST_DIGITS)
#: Attributes that can be spelled in one way only: nearly all of them, so they are asked for first.
_OF_ONE_SPELLING = frozenset(("S", "NULL", "BOOL"))
#: A number that only has to lose its trailing zeros, as nearly all are.
_PLAIN_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?", re.ASCII)


def decimal_text(value: Decimal | float | str) -> str:
    """A number as DynamoDB stores it: plain decimal, at most 38 digits, no exponent, no trailing zeros.

    Raises:
        ValueError: it is no finite number.
    """
    if isinstance(value, str) and len(value) <= MOST_DIGITS and _PLAIN_NUMBER.fullmatch(value):
        return without_zeros(value)
    number = _NUMBERS.plus(_decimal(value))
    if not number.is_finite():
        raise ValueError(f"{value!r} is no finite number")
    return "0" if number.is_zero() else without_zeros(format(number, "f"))


def without_zeros(text: str) -> str:
    """A plain decimal without trailing zeros, and without the sign of a zero."""
    plain = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if plain == "-0" else plain


def _decimal(value: Decimal | float | str) -> Decimal:
    """The number as written: a float counts as its shortest text, not as its binary expansion."""
    try:
        return Decimal(repr(value) if isinstance(value, float) else value)
    except ArithmeticError as error:
        raise ValueError(f"{value!r} is no number") from error


def typed(value: Any) -> Attribute:
    """A plain value as an attribute; a set of texts becomes SS, any other collection L or M.

    Raises:
        TypeError: DynamoDB has no type for it.
    """
    match value:
        case None:
            return {"NULL": True}
        case bool():
            return {"BOOL": value}
        case str():
            return {"S": str(value)}
        case int() | float() | Decimal():
            return {"N": decimal_text(value)}
        case bytes():
            return {"B": value}
        case set() | frozenset():
            return {"SS": sorted(value)}
        case list() | tuple():
            return {"L": [typed(member) for member in value]}
        case Mapping():
            return {"M": {name: typed(member) for name, member in value.items()}}
    raise TypeError(f"no attribute type for {type(value).__name__}")


def plain(attribute: Attribute) -> Any:
    """The plain value of an attribute: sets as sorted lists, numbers as Decimal, an unknown type as it is."""
    kind, value = next(iter(attribute.items()))
    match kind:
        case "NULL":
            return None
        case "N":
            return Decimal(value)
        case "NS":
            return sorted(Decimal(member) for member in value)
        case "SS" | "BS":
            return sorted(value)
        case "L":
            return [plain(member) for member in value]
        case "M":
            return {name: plain(member) for name, member in value.items()}
    return value


def canonical_json(value: Any) -> str:
    """One spelling of a JSON value: keys sorted, no spaces, characters as they are."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def digest_of(value: Any) -> str:
    """Sha256, in hex, of the canonical JSON of a value."""
    return hashlib.sha256(canonical_json(value).encode("utf-8", "surrogatepass")).hexdigest()


def floatless_json(value: Any) -> bytes:
    """The canonical JSON of a value without binary floats, as bytes, in the same order: ten times as fast.

    Only floats are spelled in another way by orjson; an item holds no number but as text. Of an item whose numbers,
    sets and bytes have their one spelling it is what ``item_json`` says.
    """
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except TypeError:  # half of a surrogate pair, or a number of more than 64 bits
        return canonical_json(value).encode("utf-8", "surrogatepass")


def floatless_digest(value: Any) -> str:
    """The digest of a value without binary floats: what ``digest_of`` says, faster."""
    return hashlib.sha256(floatless_json(value)).hexdigest()


def item_json(item: Item) -> bytes:
    """The canonical JSON of an item: equal for every spelling of its numbers and every order of its sets."""
    return floatless_json({name: one_spelling(attribute) for name, attribute in item.items()})


def item_digest(item: Item) -> str:
    """The digest of an item's canonical JSON."""
    return hashlib.sha256(item_json(item)).hexdigest()


def one_spelling(attribute: Attribute) -> Attribute:
    """An attribute as the digest sees it: numbers, sets and bytes each in one way."""
    kind, value = next(iter(attribute.items()))
    if kind in _OF_ONE_SPELLING:
        return attribute
    match kind:
        case "N":
            return {kind: decimal_text(value)}
        case "NS":
            return {kind: sorted(map(decimal_text, value))}
        case "SS":
            return {kind: sorted(value)}
        case "B":
            return {kind: base64.b64encode(value).decode()}
        case "BS":
            return {kind: sorted(base64.b64encode(member).decode() for member in value)}
        case "L":
            return {kind: [one_spelling(member) for member in value]}
        case "M":
            return {kind: {name: one_spelling(member) for name, member in value.items()}}
    return attribute


def item_size(item: Item) -> int:
    """Bytes of an item as DynamoDB counts them for limits and capacity: names and values."""
    size = 0
    for name, attribute in item.items():
        for kind, value in attribute.items():
            size += _text_bytes(name) + (_number_bytes(value) if kind == "N" else _value_bytes(kind, value))
    return size


def _value_bytes(kind: str, value: Any) -> int:
    match kind:
        case "S":
            return _text_bytes(value)
        case "M":
            return _CONTAINER_BYTES + _MEMBER_BYTES * len(value) + item_size(value)
        case "N":
            return _number_bytes(value)
        case "B":
            return len(value)
        case "SS":
            return sum(map(_text_bytes, value))
        case "NS":
            return sum(map(_number_bytes, value))
        case "BS":
            return sum(map(len, value))
        case "L":
            return _CONTAINER_BYTES + sum(
                _MEMBER_BYTES + _value_bytes(*part) for member in value for part in member.items()
            )
    return 1


def _text_bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def _number_bytes(text: str) -> int:
    """One byte for two significant digits, one more for the number and one for a minus sign."""
    plain = decimal_text(text) if "e" in text or "E" in text else text
    digits = plain.replace(".", "").strip(" +-0")
    return (len(digits) + 1) // 2 + 1 + ("-" in plain)
