"""Plain values of an export as DynamoDB attributes: each kind accepts what it names and nothing else.

A kind returns None for an attribute that is left out. A number keeps the digits it has in the file: it is never a
binary float. No text is taken for a date.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from backfill_pipelines.receipts.items import MOST_DIGITS, Attribute, canonical_json, decimal_text, without_zeros

#: A plain value becomes an attribute, or none at all.
Kind = Callable[[Any], Attribute | None]

#: What DynamoDB stores: 1E-130 to 9.9E125.
_SMALLEST_EXPONENT, _LARGEST_EXPONENT = -130, 125
NULL: Attribute = {"NULL": True}
_POINT = frozenset(("x", "y"))
_BOX = _POINT | {"width", "height"}


class NumberText(str):
    """A number that is no integer, in the digits of the file."""

    __slots__ = ()


class InvalidValue(ValueError):
    """A value of another kind than its attribute has."""


def number(value: Any) -> Attribute:
    """N, exact.

    Raises:
        InvalidValue: it is no number, or DynamoDB could not keep all of its digits.
    """
    kind, text = type(value), str(value)
    if kind is not int and kind is not NumberText:
        raise InvalidValue("is no number")
    if len(text) > MOST_DIGITS or "e" in text or "E" in text:
        _require_exact(text)
        return {"N": decimal_text(text)}
    return {"N": without_zeros(text) if text[-1] == "0" else text}


def _require_exact(text: str) -> None:
    exact = Decimal(text)
    digits = "".join(map(str, exact.as_tuple().digits)).strip("0")
    if len(digits) > MOST_DIGITS:
        raise InvalidValue(f"has more than {MOST_DIGITS} digits")
    if exact and not _SMALLEST_EXPONENT <= exact.adjusted() <= _LARGEST_EXPONENT:
        raise InvalidValue("is out of the range of a number")


def text(value: Any) -> Attribute:
    """S, as it is."""
    if type(value) is not str:
        raise InvalidValue("is no text")
    if not value.isascii() and not value.isprintable():
        _require_characters(value)
    return {"S": value}


def _require_characters(value: str) -> None:
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise InvalidValue("holds half of a surrogate pair") from error


def flag(value: Any) -> Attribute:
    """BOOL."""
    if not isinstance(value, bool):
        raise InvalidValue("is neither true nor false")
    return {"BOOL": value}


def point(value: Any) -> Attribute:
    """M of x and y."""
    return _numbers(value, _POINT)


def box(value: Any) -> Attribute:
    """M of x, y, width and height."""
    return _numbers(value, _BOX)


def _numbers(value: Any, names: frozenset[str]) -> Attribute:
    if not isinstance(value, dict) or value.keys() != names:
        raise InvalidValue(f"does not have exactly {', '.join(sorted(names))}")
    return {"M": {name: number(member) for name, member in value.items()}}


def or_null(kind: Kind) -> Kind:
    """NULL for a missing value and for an empty text, else the kind."""
    return lambda value: NULL if value is None or value == "" else kind(value)


def or_absent(kind: Kind) -> Kind:
    """No attribute for a value that is missing or empty, else the kind."""
    return lambda value: None if value is None or value in ("", [], {}) else kind(value)


def words(value: Any) -> Attribute:
    """SS, sorted; a word twice counts once."""
    return {"SS": sorted(set(_texts(value)))}


def texts(value: Any) -> Attribute | None:
    """L of S in order, without blanks and without what was there before; none when nothing remains."""
    found = list(dict.fromkeys(one for one in _texts(value) if one.strip()))
    return {"L": [{"S": one} for one in found]} if found else None


def _texts(value: Any) -> list[str]:
    if not isinstance(value, list) or not all(type(one) is str for one in value):
        raise InvalidValue("is no list of texts")
    return value


def structure(value: Any) -> Attribute:
    """M, whatever it holds."""
    if not isinstance(value, dict):
        raise InvalidValue("is no map")
    return any_value(value)


def json_text(value: Any) -> Attribute:
    """S with the canonical JSON of a map: both generations of readers accept it."""
    if not isinstance(value, dict):
        raise InvalidValue("is no map")
    return {"S": canonical_json(_json(value))}


def _json(value: Any) -> Any:
    if isinstance(value, NumberText):
        raise InvalidValue("has a number that is not whole")
    if isinstance(value, dict):
        return {name: _json(member) for name, member in value.items()}
    return [_json(member) for member in value] if isinstance(value, list) else value


def any_value(value: Any) -> Attribute:
    """The attribute of a JSON value."""
    if isinstance(value, Mapping):
        return {"M": {name: any_value(member) for name, member in value.items()}}
    if isinstance(value, list):
        return {"L": [any_value(member) for member in value]}
    if value is None:
        return NULL
    if isinstance(value, bool):
        return flag(value)
    return text(value) if type(value) is str else number(value)


def dropped(value: Any) -> None:
    """No attribute: known, and left behind on purpose."""
