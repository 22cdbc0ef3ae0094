"""What all platforms share on the way to a canonical product: ids, names, addresses, what is kept as received."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from backfill_pipelines.coffee.codes import (
    E_NO_PRODUCT_ID,
    E_NO_TITLE,
    E_PRICE_NOT_NUMBER,
    E_SHAPE,
    R_UNKNOWN_FIELD_TYPE,
)
from backfill_pipelines.coffee.hashes import lasting_part
from backfill_pipelines.coffee.normaliser.texts import fold
from backfill_pipelines.coffee.raw_models import Path, RawModel, dotted

#: Options that count deliveries: never a pack, always a subscription.
_DELIVERY_OPTIONS = frozenset(("installments", "frequency of delivery", "deliveries"))
_KEPT = ("product_type", "vendor", "published_at", "created_at")
_PRICE = "price"
_INT32 = 2**31


@dataclass(frozen=True, slots=True)
class Feed:
    """What a product needs to know of its source: where it is, and its currency at the time of the capture."""

    base_url: str
    currency: str


@lru_cache(maxsize=4096)
def is_delivery_option(name: str) -> bool:
    """Whether an option's name says that its value counts deliveries."""
    return fold(name) in _DELIVERY_OPTIONS


def id_text(given: int | str | None) -> str:
    """An id as text; empty when there is none."""
    return "" if given is None else str(given).strip()


def last_part(url: str | None) -> str:
    """The last part of an address's path; empty when there is none."""
    try:
        return urlsplit(url or "").path.rstrip("/").rsplit("/", 1)[-1]
    except ValueError:
        return ""


def identity_codes(product_id: str, name: str) -> tuple[str, ...]:
    """What a product lacks to be one."""
    return tuple(code for code, given in ((E_NO_PRODUCT_ID, product_id), (E_NO_TITLE, name)) if not given)


def stock_count(given: int | None) -> int | None:
    """A number of pieces, below zero when oversold; None where it is more than the column holds."""
    return given if given is not None and -_INT32 <= given < _INT32 else None


def odd_codes(odd: Sequence[Path]) -> tuple[str, ...]:
    """Codes of fields that have another type than the models know: a price or a variant must not be guessed."""
    return tuple(dict.fromkeys(_odd_code(path) for path in odd))


def _odd_code(path: Path) -> str:
    if path[-1] == _PRICE:
        return E_PRICE_NOT_NUMBER
    is_whole_variant = len(path) == 2 and path[0] in ("variants", "variations")
    return E_SHAPE if is_whole_variant else R_UNKNOWN_FIELD_TYPE


def source_raw(product: RawModel, odd: Sequence[Path]) -> dict[str, Any]:
    """What is kept as received beside the coffee: a few facts, every field that is not declared, what was left out.

    ``updated_at`` is never kept, or no two captures would agree.
    """
    kept = {name: value for name in _KEPT if (value := getattr(product, name, None))}
    kept.update(lasting_part(product.model_extra or {}))
    if odd:
        kept["unknown_field_types"] = [dotted(path) for path in odd]
    return kept
