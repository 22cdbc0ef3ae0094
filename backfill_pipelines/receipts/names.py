"""Reading the texts of a receipt: merchant slug, placeholders, street addresses, phone numbers. Pure functions.

How two names or two addresses compare is in ``matching``.
"""

import re
from functools import lru_cache

PLACEHOLDERS = frozenset(("null", "none", "nil", "undefined", "no_results", "invalid", "n/a", "na", "unknown", "-"))

_NOT_OF_A_SLUG = re.compile(r"[^A-Z0-9]+")
_DIRECTION = r"(?:N|S|E|W|NE|NW|SE|SW|North|South|East|West|Northeast|Northwest|Southeast|Southwest)\.?"
_SUFFIX = (
    r"(?:St|Street|Ave|Avenue|Blvd|Boulevard|Rd|Road|Dr|Drive|Ln|Lane|Way|Pkwy|Parkway|Hwy|Highway|Ct|Court"
    r"|Pl|Place|Ter|Terrace|Cir|Circle|Sq|Square|Trl|Trail|Plz|Plaza)\.?"
)
_UNIT = r"(?:#\s*|(?:Ste|Suite|Unit|Apt)\b\.?\s*#?\s*)[A-Z0-9-]+"
_STREET_ADDRESS = re.compile(
    rf"[0-9]{{1,6}}[A-Z]?\s+(?:{_DIRECTION}\s+)?(?:[^\W_][\w.'’-]*\s+){{1,4}}?{_SUFFIX}"
    rf"(?:\s+{_DIRECTION})?(?:,?\s*{_UNIT})?",
    re.IGNORECASE,
)
_PHONE = re.compile(r"\+?[0-9\s().\-‐-―/]+")
_US_DIGITS, _WITH_COUNTRY = 10, 11
_FEWEST_INTERNATIONAL, _MOST_INTERNATIONAL = 8, 15


@lru_cache(maxsize=4096)
def slug(name: str) -> str:
    """The merchant's partition of GSI1: ``Trader Joe's`` -> ``TRADER_JOE_S``; empty for a name without A-Z0-9."""
    return _NOT_OF_A_SLUG.sub("_", name.upper()).strip("_")


def is_placeholder(text: str) -> bool:
    """Whether a text stands for "no value", such as ``N/A`` or the word ``null``."""
    return text.strip().casefold() in PLACEHOLDERS


def usable(text: str) -> str:
    """The text without the space around it; empty when it is a placeholder."""
    return "" if is_placeholder(text) else text.strip()


def is_address_like(name: str) -> bool:
    """Whether a whole name is a street address, as Google names a place it knows nothing else of."""
    return _STREET_ADDRESS.fullmatch(name.strip()) is not None


def phone_digits(text: str) -> str:
    """The digits of a phone number, in order."""
    return re.sub(r"[^0-9]", "", text)


def usable_phone(text: str) -> str:
    """The phone number as written; empty for a placeholder, a bar code, or any text that cannot be dialled."""
    phone = usable(text)
    return phone if _PHONE.fullmatch(phone) and _can_be_dialled(phone) else ""


def _can_be_dialled(phone: str) -> bool:
    digits = phone_digits(phone)
    if phone.startswith("+"):
        return _FEWEST_INTERNATIONAL <= len(digits) <= _MOST_INTERNATIONAL
    return len(digits) == _US_DIGITS or (len(digits) == _WITH_COUNTRY and digits.startswith("1"))
