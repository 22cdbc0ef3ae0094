"""PostgreSQL's COPY text format: values become the fields of a line.

Hand-made because a replay renders some 800,000 lines: a driver's adaptation of each value costs more than the server's
whole share of the work. NUL cannot be stored in PostgreSQL; it is shown as U+FFFD.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any

import orjson

NULL = "\\N"
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\0": "\ufffd"})
_PLAIN: dict[bool | None, str] = {None: NULL, True: "t", False: "f"}


@lru_cache(maxsize=1 << 16)
def text(value: str | None) -> str:
    """A text, or NULL."""
    return NULL if value is None else value.translate(_ESCAPES)


@lru_cache(maxsize=1 << 14)
def number(value: Decimal | int | None) -> str:
    """A whole number or an amount in plain digits, or NULL."""
    return NULL if value is None else f"{value:f}" if isinstance(value, Decimal) else str(value)


def boolean(value: bool | None) -> str:  # noqa: FBT001  (the value itself, not a switch)
    """A truth value, or NULL."""
    return _PLAIN[value]


@lru_cache(maxsize=1 << 12)
def array(values: tuple[str, ...]) -> str:
    """A text[] of codes: words without blanks, quotes or braces."""
    return "{" + ",".join(values) + "}"


def json(value: Any) -> str:
    """A jsonb value."""
    encoded = orjson.dumps(value)
    if b"\\u0000" in encoded:
        encoded = orjson.dumps(_without_nul(value))
    return encoded.decode().replace("\\", "\\\\")


def _without_nul(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\0", "\ufffd")
    if isinstance(value, Mapping):
        return {_without_nul(key): _without_nul(inner) for key, inner in value.items()}
    if isinstance(value, Sequence):
        return [_without_nul(inner) for inner in value]
    return value
