"""What the stand-in of the Places API knows: its places, the script of its misbehaviour, its meters, its log.

Independent of the client and of the price list of the migration on purpose: fields and SKUs are written down a second
time, so that an error in one of them shows.
"""

import time
from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from backfill_pipelines.stores.places_generated import generated_place

_MOST_LOG = 200_000
_QUOTA_ZONE = ZoneInfo("America/Los_Angeles")


class Does(StrEnum):
    """What a scripted answer is; the ones that need a value take it from ``Fault.value``."""

    NOT_FOUND = "not_found"
    INVALID_ID = "invalid_id"
    #: To the id in ``value``; with or without the old place's fields.
    MOVED = "moved"
    MOVED_WITH_PLACE = "moved_with_place"
    OTHER_ID = "other_id"
    HTML = "html"
    EMPTY = "empty"
    NO_ID = "no_id"
    NO_NAME = "no_name"
    NO_LOCATION = "no_location"
    BAD_LOCATION = "bad_location"
    #: No answer for ``value`` seconds (default: a minute), or a connection that ends without one.
    SILENCE = "silence"
    DROPPED = "dropped"
    #: With Retry-After ``value``, if there is one.
    RATE_LIMITED = "rate_limited"
    DAILY_QUOTA = "daily_quota"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    INVALID_KEY = "invalid_key"
    BAD_MASK = "bad_mask"
    #: An HTTP status of its own, from ``value``.
    STATUS = "status"


@dataclass
class Fault:
    """A scripted answer, for so many requests; without a number for all."""

    does: Does
    value: str = ""
    times: int | None = None

    def __post_init__(self) -> None:
        self.does = Does(self.does)

    def applies(self) -> bool:
        """Whether it still does; counts."""
        if self.times is None:
            return True
        self.times -= 1
        return self.times >= 0


@dataclass
class Script:
    """How the stand-in behaves."""

    key: str = "embedded"
    latency_seconds: float = 0.0
    #: Answered with 429 beyond this many requests in ``minute_seconds``, with ``retry_after`` if it is set.
    queries_per_minute: int | None = None
    minute_seconds: float = 60.0
    retry_after: str = ""
    daily_quota: int | None = None
    #: Ids without a body of their own: made up, or 404.
    makes_up_places: bool = True
    seed: int = 0
    by_id: dict[str, Fault] = field(default_factory=dict)
    #: By number of the request since the last reset, from 1; and from that number on.
    by_request: dict[int, Fault] = field(default_factory=dict)
    from_request: dict[int, Fault] = field(default_factory=dict)

    def change(self, values: Mapping[str, Any]) -> None:
        """Set what is named, as JSON gives it.

        Raises:
            ValueError: something is named that there is not, or a fault is none.
        """
        known = {one.name for one in fields(self)}
        if unknown := sorted(set(values) - known):
            raise ValueError(f"no {', '.join(unknown)}; there are {', '.join(sorted(known))}")
        for name, value in values.items():
            if name == "by_id":
                self.by_id |= {key: _fault(one) for key, one in value.items()}
            elif name in ("by_request", "from_request"):
                getattr(self, name).update({int(key): _fault(one) for key, one in value.items()})
            else:
                setattr(self, name, value)

    def fault(self, place_id: str, number: int) -> Fault | None:
        """The scripted answer to a request, if there is one."""
        beyond = [fault for first, fault in self.from_request.items() if number >= first]
        for found in (self.by_request.get(number), *beyond, self.by_id.get(place_id)):
            if found is not None and found.applies():
                return found
        return None


@dataclass(frozen=True)
class Logged:
    """One request as it was answered; ``status`` 0 is no answer."""

    number: int
    at: float
    place_id: str
    field_mask: str
    status: int
    sku: str


class State:
    """Everything of one stand-in."""

    def __init__(self, script: Script | None = None) -> None:
        self.script = script or Script()
        self.places: dict[str, bytes] = {}
        self.reset_meters()

    def reset_meters(self) -> None:
        """Count from the beginning; places and script stay."""
        self.requests = 0
        self.by_status: Counter[int] = Counter()
        self.billable: Counter[str] = Counter()
        self.log: deque[Logged] = deque(maxlen=_MOST_LOG)
        self._window: deque[float] = deque()
        self._day, self._today = "", 0

    def load(self, bodies: Iterable[Mapping[str, Any]]) -> int:
        """Answer with these bodies for their ids; says how many there are."""
        found = {str(body["id"]): orjson.dumps(body) for body in bodies}
        self.places |= found
        return len(found)

    def place(self, place_id: str) -> dict[str, Any] | None:
        """The whole place of an id; None when there is none."""
        stored = self.places.get(place_id)
        if stored is not None:
            return orjson.loads(stored)
        return generated_place(place_id, self.script.seed) if self.script.makes_up_places else None

    def is_too_fast(self) -> bool:
        """Whether this request is one more than a minute allows; counts it if not."""
        limit, now = self.script.queries_per_minute, time.monotonic()
        while self._window and self._window[0] <= now - self.script.minute_seconds:
            self._window.popleft()
        if limit is not None and len(self._window) >= limit:
            return True
        self._window.append(now)
        return False

    def is_over_quota(self) -> bool:
        """Whether this request is one more than a day allows; counts it if not."""
        day = f"{datetime.now(_QUOTA_ZONE):%Y-%m-%d}"
        if day != self._day:
            self._day, self._today = day, 0
        if self.script.daily_quota is not None and self._today >= self.script.daily_quota:
            return True
        self._today += 1
        return False

    def count(self, number: int, place_id: str, field_mask: str, status: int, sku: str) -> None:
        """Meter one answer."""
        self.by_status[status] += 1
        if status == 200:
            self.billable[sku] += 1
        self.log.append(Logged(number, time.time(), place_id, field_mask, status, sku if status == 200 else ""))

    def meters(self) -> dict[str, Any]:
        """All counts: requests, answers by status (0: none), billable answers by SKU."""
        return {
            "requests": self.requests,
            "by_status": {str(status): count for status, count in sorted(self.by_status.items())},
            "billable": dict(self.billable),
        }

    def logged(self) -> list[dict[str, Any]]:
        """The log as JSON has it."""
        return [asdict(one) for one in list(self.log)]


def _fault(value: Mapping[str, Any]) -> Fault:
    return Fault(**value)


_ID_FIELDS = {"id", "name", "movedPlace", "movedPlaceId", "attributions", "photos"}
_ESSENTIALS = {
    *("addressComponents", "addressDescriptor", "adrFormatAddress", "formattedAddress", "location", "plusCode"),
    *("postalAddress", "shortFormattedAddress", "types", "viewport"),
}
_PRO = {
    *("accessibilityOptions", "businessStatus", "containingPlaces", "displayName", "googleMapsLinks", "googleMapsUri"),
    *("iconBackgroundColor", "iconMaskBaseUri", "primaryType", "primaryTypeDisplayName", "pureServiceAreaBusiness"),
    *("subDestinations", "timeZone", "utcOffsetMinutes"),
}
_ENTERPRISE = {
    *("currentOpeningHours", "currentSecondaryOpeningHours", "internationalPhoneNumber", "nationalPhoneNumber"),
    *("priceLevel", "priceRange", "rating", "regularOpeningHours", "regularSecondaryOpeningHours"),
    *("userRatingCount", "websiteUri"),
}
_ATMOSPHERE = {"allowsDogs", "delivery", "dineIn", "editorialSummary", "outdoorSeating", "reviews", "takeout"}
#: From the cheapest to the dearest; a request is billed at the dearest of its fields.
SKU_FIELDS = (
    ("Place Details Essentials (IDs only)", _ID_FIELDS),
    ("Place Details Essentials", _ESSENTIALS),
    ("Place Details Pro", _PRO),
    ("Place Details Enterprise", _ENTERPRISE),
    ("Place Details Enterprise + Atmosphere", _ATMOSPHERE),
)
_SKU_OF = {name: number for number, (_, names) in enumerate(SKU_FIELDS) for name in names}


def unknown_fields(field_mask: str) -> list[str]:
    """Fields of a mask that a place does not have; a space is part of a name."""
    return [path for path in field_mask.split(",") if path != "*" and path.split(".")[0] not in _SKU_OF]


def sku_of(field_mask: str) -> str:
    """What a request with this mask is billed as."""
    paths = field_mask.split(",")
    dearest = len(SKU_FIELDS) - 1 if "*" in paths else max(_SKU_OF[path.split(".")[0]] for path in paths)
    return SKU_FIELDS[dearest][0]


def masked(place: Mapping[str, Any], field_mask: str) -> dict[str, Any]:
    """The fields of a place that a mask names."""
    paths = field_mask.split(",")
    if "*" in paths:
        return dict(place)
    shown: dict[str, Any] = {}
    for path in paths:
        name, _, inner = path.partition(".")
        if name in place:
            whole = place[name]
            part = {inner: whole[inner]} if inner and isinstance(whole, Mapping) and inner in whole else whole
            shown[name] = {**shown.get(name, {}), **part} if inner and isinstance(part, Mapping) else part
    return shown
