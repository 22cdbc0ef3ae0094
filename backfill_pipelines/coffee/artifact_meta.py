"""What is known of a stored body beside its bytes, and the meta object that says so.

Pure: ids from natural keys, the place in the store, an answer as a capture, a capture as a meta and back.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson

from backfill_pipelines.coffee.model import Capture, Completeness, ObservedAtSource, Source, natural_id

COLLECTOR_VERSION = "1.0.0"
#: Headers that a replay or the next request needs; nothing else of an answer is kept, least of all its cookies.
KEPT_HEADERS = ("etag", "last-modified", "content-type", "retry-after", "x-wp-total", "x-wp-totalpages")


@dataclass(frozen=True)
class Answer:
    """What is known of an answer beside its bytes. Pages of one capture share its time, id and completeness."""

    url: str
    observed_at: datetime
    observed_at_source: ObservedAtSource = "response"
    completeness: Completeness = "unknown"
    page: int = 1
    #: None for the capture of this source at this time.
    capture_id: uuid.UUID | None = None
    http_status: int | None = 200
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


def capture_id_of(source_id: uuid.UUID, observed_at: datetime) -> uuid.UUID:
    """The id of a capture, which its pages share."""
    return natural_id(f"capture:{source_id}:{iso(observed_at)}")


def artifact_id_of(source_id: uuid.UUID, url: str, observed_at: datetime, sha256: str) -> uuid.UUID:
    """The id of an artifact from its replay key."""
    return natural_id(f"artifact:{source_id}:{url}:{iso(observed_at)}:{sha256}")


def iso(moment: datetime) -> str:
    """A time in UTC, in the one form that ids are made of."""
    return moment.astimezone(UTC).isoformat()


def stem_of(roaster_slug: str, answer: Answer | Capture, sha256: str) -> str:
    """Key of an answer's objects without their endings."""
    moment = answer.observed_at.astimezone(UTC)
    return f"raw/{roaster_slug}/{moment:%Y/%m/%d/%Y%m%dT%H%M%S%fZ}-p{answer.page}-{sha256[:12]}"


def capture_of(source: Source, answer: Answer, sha256: str, length: int, uri: str) -> Capture:
    """An answer whose body has this hash, length in bytes and place."""
    return Capture(
        id=artifact_id_of(source.id, answer.url, answer.observed_at, sha256),
        source_id=source.id,
        roaster_id=source.roaster_id,
        url=answer.url,
        page=answer.page,
        observed_at=answer.observed_at.astimezone(UTC),
        observed_at_source=answer.observed_at_source,
        capture_id=answer.capture_id or capture_id_of(source.id, answer.observed_at),
        completeness=answer.completeness,
        body_sha256=sha256,
        body_len=length,
        storage_uri=uri,
        http_status=answer.http_status,
        headers=_kept(answer.headers),
    )


def _kept(headers: Mapping[str, str]) -> Mapping[str, str]:
    lower = {name.lower(): value for name, value in headers.items()}
    return {name: lower[name] for name in KEPT_HEADERS if name in lower}


def meta_of(source: Source, capture: Capture) -> dict[str, Any]:
    """The meta of a capture, as JSON values."""
    return {
        "source_id": str(source.id),
        "base_url": source.base_url,
        "roaster_id": str(source.roaster_id),
        "roaster_slug": source.roaster_slug,
        "platform": source.platform,
        "url": capture.url,
        "page": capture.page,
        "observed_at": iso(capture.observed_at),
        "observed_at_source": capture.observed_at_source,
        "capture_id": str(capture.capture_id),
        "completeness": capture.completeness,
        "http_status": capture.http_status,
        "headers": dict(capture.headers),
        "sha256": capture.body_sha256,
        "length": capture.body_len,
        "body": capture.storage_uri,
        "collector_version": COLLECTOR_VERSION,
    }


def parsed_meta(content: bytes) -> Capture | None:
    """The capture of a meta; None when it is none."""
    try:
        return as_capture(orjson.loads(content))
    except (ValueError, KeyError, TypeError):
        return None


def as_capture(meta: Mapping[str, Any]) -> Capture:
    """The capture of a meta.

    Raises:
        KeyError, TypeError, ValueError: it is no meta.
    """
    source, observed_at = uuid.UUID(meta["source_id"]), datetime.fromisoformat(meta["observed_at"])
    return Capture(
        id=artifact_id_of(source, meta["url"], observed_at, meta["sha256"]),
        source_id=source,
        roaster_id=uuid.UUID(meta["roaster_id"]),
        url=meta["url"],
        page=meta["page"],
        observed_at=observed_at,
        observed_at_source=meta["observed_at_source"],
        capture_id=uuid.UUID(meta["capture_id"]),
        completeness=meta["completeness"],
        body_sha256=meta["sha256"],
        body_len=meta["length"],
        storage_uri=meta["body"],
        http_status=meta["http_status"],
        headers=meta["headers"],
    )
