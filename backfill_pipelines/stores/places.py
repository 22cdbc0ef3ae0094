"""The Places API edge: one request, one answer. What an answer means, and whether to ask again, is not decided here.

A client is used by any number of threads. The key is sent with each request and appears nowhere else: in no error, no
log line, no representation.
"""

import os
import re
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import dagster as dg
import httpx
from pydantic import Field, PrivateAttr

from backfill_pipelines.backfill.failures import SettingsError

PRODUCTION_URL = "https://places.googleapis.com"
CONNECT_SECONDS, READ_SECONDS = 10.0, 30.0
#: What the embedded stand-in takes for a key; it guards nothing.
EMBEDDED_KEY = "embedded"

_CONNECTIONS = 64
_SENDABLE_KEY = re.compile(r"[\x21-\x7e]+")
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


@dataclass(frozen=True)
class Answer:
    """What came back for one request; ``status`` None when nothing did, then ``error`` says why."""

    status: int | None
    body: bytes = b""
    retry_after_seconds: float | None = None
    error: str = ""


class PlacesClient:
    """Place Details of one API and key."""

    def __init__(
        self, base_url: str, key: str, *, connect_seconds: float = CONNECT_SECONDS, read_seconds: float = READ_SECONDS
    ) -> None:
        """Opens nothing yet.

        Raises:
            SettingsError: the key is empty or cannot be sent as a header.
        """
        if not _SENDABLE_KEY.fullmatch(key):
            raise SettingsError(
                "the Places API key is missing, or holds spaces or other signs that no key has. Repair: set "
                "BACKFILL_PLACES_KEY to the key alone"
            )
        self.base_url = base_url.rstrip("/")
        self._key = key.encode()
        # A proxy of the environment leads to Google, never to a server of this machine.
        self._http = httpx.Client(
            headers={"X-Goog-Api-Key": key, "Accept": "application/json"},
            timeout=httpx.Timeout(read_seconds, connect=connect_seconds),
            limits=httpx.Limits(max_connections=_CONNECTIONS, max_keepalive_connections=_CONNECTIONS),
            trust_env=urlsplit(self.base_url).hostname not in _LOOPBACK,
            follow_redirects=False,
        )

    def get(self, place_id: str, field_mask: str) -> Answer:
        """Ask once for a place.

        Args:
            place_id: Google's id, percent-encoded here.
            field_mask: Field names with commas between them, without spaces or a prefix.
        """
        url = f"{self.base_url}/v1/places/{quote(place_id, safe='')}"
        try:
            answer = self._http.get(url, headers={"X-Goog-FieldMask": field_mask})
        except (httpx.RequestError, httpx.InvalidURL) as error:
            return Answer(None, error=f"{type(error).__name__}: {error}".rstrip(": "))
        # A refusal that quotes the key would take it into ledgers and logs.
        content = answer.content if answer.is_success else answer.content.replace(self._key, b"(key)")
        return Answer(answer.status_code, content, retry_after_seconds(answer.headers.get("Retry-After")))

    def close(self) -> None:
        """Close its connections."""
        self._http.close()

    def __repr__(self) -> str:
        return f"PlacesClient({self.base_url!r})"


def retry_after_seconds(value: str | None, now: datetime | None = None) -> float | None:
    """Seconds of a Retry-After header, which holds seconds or a date; None without one that can be read."""
    if value is None:
        return None
    if value.strip().isdigit():
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - (now or datetime.now(UTC))).total_seconds())


class Places(dg.ConfigurableResource):
    """The Places API as the settings say, or the embedded stand-in, which is started when it is needed."""

    endpoint: str | None = Field(default=PRODUCTION_URL, description="URL of the API; None for the embedded stand-in.")
    key_variable: str = Field(default="BACKFILL_PLACES_KEY", description="Environment variable that holds the key.")
    embedded: str | None = Field(default=None, description="Folder of the embedded stand-in; None where there is none.")
    _lock: Any = PrivateAttr(default_factory=threading.Lock)
    _client: PlacesClient | None = PrivateAttr(default=None)

    def client(self) -> PlacesClient:
        """The client, one for all threads; nothing is sent yet, but the stand-in is started.

        Raises:
            SettingsError: there is no key.
            ServerNotRunning: the stand-in does not start.
        """
        with self._lock:
            if self._client is None:
                self._client = self._made()
            return self._client

    @property
    def is_embedded(self) -> bool:
        """Whether answers come from the stand-in of the state folder."""
        return self.endpoint is None

    def close(self) -> None:
        """Close the client; the next use makes another."""
        with self._lock:
            if self._client is not None:
                self._client.close()
                self._client = None

    def teardown_after_execution(self, context: dg.InitResourceContext) -> None:  # noqa: ARG002
        """Leave no connection open behind a run."""
        self.close()

    def _made(self) -> PlacesClient:
        if self.endpoint is not None:
            return PlacesClient(self.endpoint, os.environ.get(self.key_variable, "").strip())
        if self.embedded is None:
            raise SettingsError("the Places API has neither an endpoint nor a folder. Repair: set BACKFILL_PLACES")
        from backfill_pipelines.stores.embedded_places import EmbeddedPlaces

        return PlacesClient(EmbeddedPlaces(Path(self.embedded)).endpoint(), EMBEDDED_KEY)
