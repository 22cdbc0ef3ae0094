"""The edge to shops: one GET, one answer. How fast and how often to ask, and what a body means, is not decided here.

A body is kept exactly as it came, undone of its transfer's compression; a body that was cut short is no answer.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import TracebackType
from urllib.parse import urlsplit

import httpx

from backfill_pipelines.stores.places import retry_after_seconds

CONNECT_SECONDS, READ_SECONDS = 5.0, 15.0
#: A body that trickles in is given up after this long.
BODY_SECONDS = 120.0
MOST_BYTES = 64 * 1024 * 1024
#: First of the user agent; robots.txt addresses it by this token.
AGENT = "backfill-pipelines"
#: Headers that are kept with a body.
KEPT_HEADERS = ("etag", "last-modified", "content-type", "retry-after", "x-wp-total", "x-wp-totalpages")

_CONNECTIONS = 16
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


@dataclass(frozen=True)
class ShopAnswer:
    """What came back for one request; ``status`` None when nothing whole did, then ``error`` says why."""

    url: str
    status: int | None
    body: bytes = b""
    #: Those of KEPT_HEADERS that were sent, in lower case.
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    #: When the answer's headers were there, by this machine's clock: what a capture is stamped with.
    received_at: datetime | None = None
    seconds: float = 0.0
    retry_after_seconds: float | None = None
    error: str = ""
    #: Without an answer: whether the request can never have one.
    is_final: bool = False
    #: Where a redirect leads.
    location: str = ""


class _TooLarge(httpx.RequestError):
    """The body is larger than any feed page."""


class _TooSlow(httpx.ReadTimeout):
    """The body did not end in time."""


_FINAL = (_TooLarge, httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.LocalProtocolError, UnicodeError)


class ShopClient:
    """Asks shops; used by any number of threads. Redirects are not followed: another host has its own rules."""

    def __init__(
        self,
        *,
        contact: str = "",
        connect_seconds: float = CONNECT_SECONDS,
        read_seconds: float = READ_SECONDS,
        body_seconds: float = BODY_SECONDS,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Opens nothing yet; ``contact`` is a URL or mail address by which a shop reaches who runs this."""
        self._body_seconds = body_seconds
        self._clock = clock
        agent = f"{AGENT}/0.1" + (f" (+{contact})" if contact else "")
        timeout = httpx.Timeout(read_seconds, connect=connect_seconds)
        limits = httpx.Limits(max_connections=_CONNECTIONS, max_keepalive_connections=_CONNECTIONS)
        headers = {"User-Agent": agent, "Accept": "application/json"}
        # A proxy of the environment leads to the shops, never to a server of this machine.
        self._outside = httpx.Client(headers=headers, timeout=timeout, limits=limits)
        self._here = httpx.Client(headers=headers, timeout=timeout, limits=limits, trust_env=False)

    def get(self, url: str, *, headers: Mapping[str, str] | None = None) -> ShopAnswer:
        """Ask once.

        Args:
            url: With its query, as it is to be sent.
            headers: Beside the client's own, such as If-None-Match.
        """
        begun = time.monotonic()
        try:
            http = self._here if urlsplit(url).hostname in _LOOPBACK else self._outside
            with http.stream("GET", url, headers=dict(headers or {})) as answer:
                received_at = self._clock()
                body = self._body(answer, begun)
        except (httpx.RequestError, httpx.InvalidURL, UnicodeError) as error:
            said = f"{type(error).__name__.lstrip('_')}: {error}".rstrip(": ")
            return ShopAnswer(
                url, None, seconds=time.monotonic() - begun, error=said, is_final=isinstance(error, _FINAL)
            )
        return ShopAnswer(
            url,
            answer.status_code,
            body,
            {name: answer.headers[name] for name in KEPT_HEADERS if name in answer.headers},
            received_at,
            time.monotonic() - begun,
            retry_after_seconds(answer.headers.get("Retry-After"), received_at),
            location=answer.headers.get("Location", ""),
        )

    def close(self) -> None:
        """Close its connections."""
        self._outside.close()
        self._here.close()

    def __enter__(self) -> "ShopClient":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _body(self, answer: httpx.Response, begun: float) -> bytes:
        parts, size = list[bytes](), 0
        for part in answer.iter_bytes():
            size += len(part)
            if size > MOST_BYTES:
                raise _TooLarge(f"more than {MOST_BYTES} bytes")
            if time.monotonic() - begun > self._body_seconds:
                raise _TooSlow(f"the body did not end within {self._body_seconds:.0f} s")
            parts.append(part)
        return b"".join(parts)
