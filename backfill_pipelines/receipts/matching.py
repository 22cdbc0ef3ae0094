"""How far what Google says agrees with what the receipt said: the match classes of names and addresses."""

import re
from dataclasses import dataclass
from enum import StrEnum

from backfill_pipelines.receipts.names import phone_digits, slug

#: Words that say nothing about which merchant it is; ``S`` is what a slug leaves of ``'s``.
_EMPTY_WORDS = frozenset(("THE", "AND", "OF", "INC", "LLC", "CO", "S"))
_ENOUGH_OVERLAP = 0.5
_PHONE_DIGITS = 10
_HOUSE_NUMBER = re.compile(r"[0-9]+[A-Z]?")
_ZIP_CODE = re.compile(r"[0-9]{5}")
_UK_POSTCODE = re.compile(r"(?<![A-Z0-9])[A-Z]{1,2}[0-9][A-Z0-9]? [0-9][A-Z]{2}(?![A-Z0-9])")


class Match(StrEnum):
    """How two values of one field compare."""

    MATCH = "match"
    IMPROVEMENT = "improvement"
    SUSPICIOUS = "suspicious"
    NOT_COMPARABLE = "not_comparable"


@dataclass(frozen=True)
class Agreement:
    """The match classes of one place and its receipt."""

    name: Match
    address: Match

    @property
    def is_suspicious(self) -> bool:
        """Whether it may be another place altogether: name and address both disagree."""
        return self.name is Match.SUSPICIOUS and self.address is Match.SUSPICIOUS


@dataclass(frozen=True)
class Shown:
    """What one side says a place is called, where it is and how it is called up."""

    name: str
    address: str
    phone: str


def agreement(found: Shown, receipt: Shown) -> Agreement:
    """Compare a place with its receipt; an equal phone number clears a suspicion.

    The phone of ``found`` must be Google's own: a place that took over the receipt's phone would clear itself.
    """
    same_phone = _same_phone(found.phone, receipt.phone)
    return Agreement(
        _cleared(name_match(found.name, receipt.name), is_cleared=same_phone),
        _cleared(address_match(found.address, receipt.address), is_cleared=same_phone),
    )


def _cleared(match: Match, *, is_cleared: bool) -> Match:
    return Match.IMPROVEMENT if is_cleared and match is Match.SUSPICIOUS else match


def _same_phone(one: str, other: str) -> bool:
    first, second = phone_digits(one)[-_PHONE_DIGITS:], phone_digits(other)[-_PHONE_DIGITS:]
    return len(first) == _PHONE_DIGITS and first == second


def name_match(found: str, receipt: str) -> Match:
    """Compare two merchant names by their slugs."""
    one, other = slug(found), slug(receipt)
    if not one or not other:
        return Match.NOT_COMPARABLE
    if one == other:
        return Match.MATCH
    words = set(one.split("_")) - _EMPTY_WORDS, set(other.split("_")) - _EMPTY_WORDS
    return Match.IMPROVEMENT if _overlaps(*words) else Match.SUSPICIOUS


def address_match(found: str, receipt: str) -> Match:
    """Compare two postal addresses: as texts, then by house number and postal code."""
    one, other = _Address.of(found), _Address.of(receipt)
    if not one.words or not other.words:
        return Match.NOT_COMPARABLE
    same_house = one.house_number != "" and one.house_number == other.house_number
    same_code = one.postal_code != "" and one.postal_code == other.postal_code
    if one.words == other.words or (same_house and same_code):
        return Match.MATCH
    if same_code or (same_house and _overlaps(set(one.words), set(other.words))):
        return Match.IMPROVEMENT
    return Match.SUSPICIOUS


def _overlaps(one: set[str], other: set[str]) -> bool:
    smaller = min(len(one), len(other))
    return smaller > 0 and len(one & other) / smaller >= _ENOUGH_OVERLAP


@dataclass(frozen=True)
class _Address:
    """The words of an address, and which of them is what."""

    words: tuple[str, ...]
    house_number: str
    postal_code: str

    @classmethod
    def of(cls, text: str) -> "_Address":
        """Read an address. A five-digit number is a house number at the start, and a postal code after it."""
        words = tuple(slug(text).split("_")) if slug(text) else ()
        zip_at = max((at for at, word in enumerate(words) if at > 0 and _ZIP_CODE.fullmatch(word)), default=-1)
        house = next((w for at, w in enumerate(words) if at != zip_at and _HOUSE_NUMBER.fullmatch(w)), "")
        uk_codes = _UK_POSTCODE.findall(" ".join(words))
        return cls(words, house, words[zip_at] if zip_at > 0 else (uk_codes or [""])[-1])
