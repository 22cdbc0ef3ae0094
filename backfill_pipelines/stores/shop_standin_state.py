"""What a stand-in of a shop knows: its products, its robots.txt, the script of its misbehaviour, its log.

Independent of the client on purpose: what pages, totals and refusals look like is written down a second time.
"""

import copy
import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from itertools import pairwise
from typing import Any, Literal

import orjson


class Does(StrEnum):
    """What a scripted answer is; the ones that need a value take it from ``Fault.value``."""

    #: 429 or 503; with Retry-After ``value`` (seconds), or a date so many seconds from now.
    RATE_LIMITED = "rate_limited"
    UNAVAILABLE = "unavailable"
    RATE_LIMITED_UNTIL = "rate_limited_until"
    UNAVAILABLE_UNTIL = "unavailable_until"
    #: An HTTP status of its own, from ``value``; a redirect to ``value``.
    STATUS = "status"
    REDIRECT = "redirect"
    #: The connection ends after half of the body, or without an answer.
    CUT = "cut"
    DROPPED = "dropped"
    #: The right answer, ``value`` seconds late.
    SLOW = "slow"
    #: 200 with something else than a feed.
    WRONG_JSON = "wrong_json"
    HTML = "html"
    EMPTY_LIST = "empty_list"
    NO_TOTAL = "no_total"
    WRONG_TOTAL = "wrong_total"


@dataclass
class Fault:
    """A scripted answer, for so many requests; without a number for all."""

    does: Does
    value: str = ""
    times: int | None = None

    def applies(self) -> bool:
        """Whether it still does; counts."""
        if self.times is None:
            return True
        self.times -= 1
        return self.times >= 0


@dataclass(frozen=True)
class Logged:
    """One request: when it came and how it was answered; ``status`` 0 is no whole answer."""

    number: int
    at: float
    #: Path and query as they came.
    target: str
    status: int
    headers: Mapping[str, str]


@dataclass
class Shop:
    """Everything of one stand-in; a test changes it while it serves."""

    platform: Literal["shopify", "woocommerce"]
    products: list[dict[str, Any]]
    #: None answers 404.
    robots: str | None = None
    sends_etags: bool = True
    sends_last_modified: bool = True
    has_variation_responses: bool = True
    #: A proxy in front that drops the query: every page is the first.
    ignores_pages: bool = False
    #: By number of the request since the last reset, from 1; by a part of path and query.
    by_request: dict[int, Fault] = field(default_factory=dict)
    by_target: dict[str, Fault] = field(default_factory=dict)
    changed_at: datetime = field(default_factory=lambda: datetime.now(UTC).replace(microsecond=0))
    log: list[Logged] = field(default_factory=list)
    requests: int = 0
    open_now: int = 0
    most_open: int = 0

    def reset(self) -> None:
        """Meters, log and script from the beginning; products stay."""
        self.by_request, self.by_target = {}, {}
        self.log, self.requests, self.most_open = [], 0, 0

    def fault(self, target: str, number: int) -> Fault | None:
        """The scripted answer to a request, if there is one."""
        by_target = [fault for part, fault in self.by_target.items() if part in target]
        for found in (self.by_request.get(number), *by_target):
            if found is not None and found.applies():
                return found
        return None

    def change_prices(self, factor: float) -> None:
        """Every price times a factor: the feed is another one from now on."""
        for product in self.products:
            for variant in product.get("variants", ()):
                variant["price"] = f"{float(variant['price']) * factor:.2f}"
            if "prices" in product:
                product["prices"]["price"] = str(round(int(product["prices"]["price"]) * factor))
        self.changed_at = datetime.now(UTC).replace(microsecond=0)

    def page(self, query: Mapping[str, str]) -> tuple[bytes, int]:
        """The body of a page and the total it announces (Woo)."""
        if self.platform == "shopify":
            shown = _cut(self.products, int(query.get("limit", 30)), self._number(query))
            return orjson.dumps({"products": shown}), len(self.products)
        listed = self.variations(int(query["parent"])) if query.get("type") == "variation" else self.products
        return orjson.dumps(_cut(listed, int(query.get("per_page", 10)), self._number(query))), len(listed)

    def variations(self, parent: int) -> list[dict[str, Any]]:
        """Variation rows as the Store API gives them: without attributes, which stand in the parent's list."""
        found = next((product for product in self.products if product["id"] == parent), None)
        return [] if found is None else [_variation(found, own["id"]) for own in found["variations"]]

    def targets(self) -> list[str]:
        """Path and query of every request so far but robots.txt."""
        return [one.target for one in self.log if not one.target.startswith("/robots.txt")]

    def gaps(self) -> list[float]:
        """Seconds between one request and the next."""
        moments = sorted(one.at for one in self.log)
        return [later - earlier for earlier, later in pairwise(moments)]

    def count(self, number: int, at: float, target: str, status: int, headers: Mapping[str, str]) -> None:
        """Log one answer."""
        self.log.append(Logged(number, at, target, status, headers))

    def _number(self, query: Mapping[str, str]) -> int:
        return 1 if self.ignores_pages else int(query.get("page", 1))


def etag_of(body: bytes) -> str:
    """A strong validator of a body."""
    return f'"{hashlib.sha256(body).hexdigest()[:20]}"'


def shop_of(payload: Any, **values: Any) -> Shop:
    """A shop that serves a capture: ``{"products": [..]}`` of Shopify or a list of Store API products."""
    payload = copy.deepcopy(payload)
    if isinstance(payload, Mapping):
        return Shop("shopify", list(payload["products"]), **values)
    return Shop("woocommerce", list(payload), **values)


def now() -> float:
    """Seconds since the epoch, for the log."""
    return time.time()


def _cut(listed: Sequence[dict[str, Any]], limit: int, page: int) -> list[dict[str, Any]]:
    return list(listed[(page - 1) * limit : page * limit])


def _variation(parent: Mapping[str, Any], number: int) -> dict[str, Any]:
    own = {"id": number, "parent": parent["id"], "type": "variation", "attributes": [], "variations": []}
    return {**parent, **own, "sku": f"V{number}", "has_options": False}
