"""The codes of a capture's findings, and what they make of a product's and an artifact's status.

``E_`` makes a product invalid, ``R_`` asks for a review, ``W_`` is a warning. Codes of the normaliser (weights, roast,
grind, ..) are its own; here are those that other parts raise, and the rules that hold for all of them.
"""

from collections.abc import Iterable, Sequence

from backfill_pipelines.coffee.model import Status

E_SHAPE = "E_SHAPE"
E_ENCODING = "E_ENCODING"
E_TRUNCATED_JSON = "E_TRUNCATED_JSON"
E_NO_PRODUCT_ID = "E_NO_PRODUCT_ID"
E_NO_TITLE = "E_NO_TITLE"
E_NO_VARIANTS = "E_NO_VARIANTS"
E_PRICE_NEGATIVE = "E_PRICE_NEGATIVE"
E_PRICE_NOT_NUMBER = "E_PRICE_NOT_NUMBER"
E_OBSERVED_AT_UNKNOWN = "E_OBSERVED_AT_UNKNOWN"
E_OBSERVED_AT_FUTURE = "E_OBSERVED_AT_FUTURE"
E_OBSERVED_AT_BEFORE_SOURCE = "E_OBSERVED_AT_BEFORE_SOURCE"
E_HASH_MISMATCH = "E_HASH_MISMATCH"
E_HTTP_STATUS = "E_HTTP_STATUS"

R_CLASSIFY_UNDECIDED = "R_CLASSIFY_UNDECIDED"
R_CURRENCY_MISMATCH = "R_CURRENCY_MISMATCH"
R_ALL_PRICES_MISSING = "R_ALL_PRICES_MISSING"
R_PRICE_SPIKE = "R_PRICE_SPIKE"
R_CATALOGUE_DROP = "R_CATALOGUE_DROP"
R_VARIANT_COUNT_CHANGE = "R_VARIANT_COUNT_CHANGE"
R_PRICE_CONFLICT = "R_PRICE_CONFLICT"
R_UNKNOWN_FIELD_TYPE = "R_UNKNOWN_FIELD_TYPE"

W_PRICE_ZERO = "W_PRICE_ZERO"
W_PRICE_FROM_PARENT = "W_PRICE_FROM_PARENT"
W_VARIATION_PRICE_MISSING = "W_VARIATION_PRICE_MISSING"
W_COMPARE_AT_IGNORED = "W_COMPARE_AT_IGNORED"
W_DUPLICATE_PRODUCT = "W_DUPLICATE_PRODUCT"
W_DUPLICATE_VARIANT = "W_DUPLICATE_VARIANT"
W_OBSERVED_AT_ESTIMATED = "W_OBSERVED_AT_ESTIMATED"

#: Set aside variant by variant; the rest of their product is published.
VARIANT_LEVEL = frozenset((R_PRICE_CONFLICT, R_CURRENCY_MISMATCH))

_INVALID_SHARE = 0.5
_SEVERITY: tuple[Status, ...] = ("valid", "valid_with_warnings", "needs_review", "invalid")
_STATUS_OF_PREFIX: dict[str, Status] = {"E": "invalid", "R": "needs_review", "W": "valid_with_warnings"}


def status_of(codes: Iterable[str]) -> Status:
    """The status that the worst of the codes gives; valid without any."""
    return worst(_STATUS_OF_PREFIX[prefix] for prefix in {code[0] for code in codes})


def worst(statuses: Iterable[Status]) -> Status:
    """The gravest of some statuses; valid without any."""
    return _SEVERITY[max(map(_SEVERITY.index, statuses), default=0)]


def artifact_status(products: Sequence[Status], own_codes: Iterable[str]) -> Status:
    """The status of a body: of its own codes and its products.

    A minority of invalid products asks for a review: they are set aside, the others are good.
    """
    own = status_of(own_codes)
    invalid = sum(status == "invalid" for status in products)
    if own == "invalid" or invalid > len(products) * _INVALID_SHARE:
        return "invalid"
    return worst("needs_review" if status == "invalid" else status for status in (own, *products))


def quarantine_reason(code: str) -> str:
    """The reason under which something with this code is set aside: ``Q_`` and the code without its prefix."""
    return f"Q_{code[2:]}"


def errors_among(codes: Iterable[str]) -> tuple[str, ...]:
    """The codes that make a product invalid, in order."""
    return tuple(code for code in codes if code[0] == "E")
