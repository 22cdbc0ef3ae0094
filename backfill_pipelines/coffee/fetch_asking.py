"""Asking a shop for one page within a fetch: what came back becomes a body, a confirmation or a failed page; counted.

Paces, robots.txt and repetitions are ``stores.polite_shops``'; which pages there are is ``feed_walk``'s.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from backfill_pipelines.coffee.codes import E_HTTP_STATUS
from backfill_pipelines.coffee.feed_walk import DISALLOWED, PageFailed
from backfill_pipelines.coffee.pauses import PAUSED
from backfill_pipelines.stores.polite_shops import Asked, HostRules, PoliteShops, RobotsDisallow
from backfill_pipelines.stores.shop_http import ShopAnswer

NO_ANSWER, RATE_LIMITED = "no_answer", "rate_limited"
_MOST_NOTED = 10


@dataclass
class FetchStats:
    """What a fetch cost and met; under the names of the metrics that are made of it."""

    requests: int = 0
    bytes: int = 0
    fetch_latency_seconds: list[float] = field(default_factory=list[float])
    #: By status, or ``none`` for no whole answer.
    fetch_errors_total: Counter[str] = field(default_factory=Counter[str])
    rate_limit_errors_total: int = 0
    noted: list[str] = field(default_factory=list[str])

    def count(self, asked: Asked, url: str) -> None:
        """Count the tries that led to an answer."""
        for one in asked.tries:
            self.requests += 1
            self.fetch_latency_seconds.append(one.seconds)
            if one.status not in (200, 304):
                self.fetch_errors_total[str(one.status or "none")] += 1
                self.noted.append(f"{url}: {one.status or one.error}")
            self.rate_limit_errors_total += one.status == 429
        self.bytes += len(asked.answer.body)

    def as_json(self) -> dict[str, Any]:
        """For ``stats_json``: latencies as count, sum and largest, in seconds."""
        latencies = self.fetch_latency_seconds
        return {
            "requests": self.requests,
            "bytes": self.bytes,
            "fetch_latency_seconds": {
                "count": len(latencies),
                "sum": round(sum(latencies), 3),
                "max": round(max(latencies, default=0.0), 3),
            },
            "fetch_errors_total": dict(self.fetch_errors_total),
            "rate_limit_errors_total": self.rate_limit_errors_total,
            "errors": self.noted[-_MOST_NOTED:],
        }


@dataclass
class Asking:
    """Asks one host within one fetch."""

    shops: PoliteShops
    rules: HostRules
    most_open: int
    #: No request for the first page begins after the one, none at all after the other.
    begin_until: datetime
    until: datetime
    stats: FetchStats
    #: Why no other page may be asked for; empty when it may.
    paused: Callable[[], str] = lambda: ""
    _has_begun: bool = False

    def answer(self, url: str, validators: Mapping[str, str] | None = None) -> ShopAnswer:
        """An answer with status 200; or 304, if validators were sent.

        Raises:
            PageFailed: anything else, after all repetitions.
        """
        if paused := self.paused():
            raise PageFailed(PAUSED, f"stopped before {url}: {paused}")
        until = self.until if self._has_begun else self.begin_until
        try:
            asked = self.shops.get(url, self.rules, most_open=self.most_open, headers=validators, until=until)
        except RobotsDisallow as error:
            raise PageFailed(DISALLOWED, str(error)) from error
        self.stats.count(asked, url)
        answer = asked.answer
        if answer.status == 200 or (answer.status == 304 and validators):
            self._has_begun = True
            return answer
        tries = f"after {len(asked.tries)} tries" if len(asked.tries) > 1 else "at once"
        if answer.status is None:
            raise PageFailed(NO_ANSWER, f"{url} gave no whole answer, {tries}: {answer.error}")
        code = RATE_LIMITED if answer.status == 429 else E_HTTP_STATUS
        moved = f" and leads to {answer.location}: correct base_url of the source" if answer.location else ""
        raise PageFailed(code, f"{url} answered {answer.status}, {tries}{moved}", answer.status)
