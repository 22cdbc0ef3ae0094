"""What an answer of the Places API means for its place id: the table of outcomes, as a pure function.

Only an answer that speaks of the place itself ever settles an id. Everything else, be it the key, the request, the
rate or the service, concerns the run: no id is called obsolete because a proxy said 404.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import Any

import orjson

MOST_RETRY_AFTER_SECONDS = 300.0
_SHOWN = 300


class AnswerKind(StrEnum):
    """The rows of the table."""

    OK = "ok"
    MOVED = "moved"
    BAD_RESPONSE = "bad_response"
    OBSOLETE_ID = "obsolete_id"
    MALFORMED_ID = "malformed_id"
    CONFIG_ERROR = "config_error"
    AUTH_ERROR = "auth_error"
    RATE_LIMITED = "rate_limited"
    QUOTA_USED_UP = "quota_used_up"
    TRANSIENT = "transient"


@dataclass(frozen=True)
class Judged:
    """One answer: what it is, and what it says."""

    kind: AnswerKind
    #: The place as answered, of ``ok`` and ``moved``.
    body: Mapping[str, Any] | None = None
    #: The id of the answer, or the one that the place moved to.
    response_id: str = ""
    notes: tuple[str, ...] = ()
    #: What was found instead, for people; never holds the key.
    detail: str = ""
    digest: str = ""


_MASK = re.compile(r"field\s?_?mask|'fields' parameter|\bfields parameter\b", re.IGNORECASE)
_KEY = re.compile(r"api[_ ]key", re.IGNORECASE)
_ID = re.compile(r"place[_ ]?id\b", re.IGNORECASE)
_QUOTA = re.compile(r"per[_ ]?(day|month)|\b(daily|monthly)\b", re.IGNORECASE)
_NO_SUCH_METHOD = re.compile(r"method not found", re.IGNORECASE)

_OK, _SERVER_FAULT = range(200, 300), range(500, 600)


def judge(
    requested_id: str, status: int | None, content: bytes, error: str = "", *, asks_location: bool = True
) -> Judged:
    """The outcome of one answer.

    Args:
        requested_id: The id that was asked for.
        status: HTTP status; None when there was no answer.
        content: The body as received.
        error: Why there was no answer.
        asks_location: Whether the field mask held ``location``: without, its absence says nothing.
    """
    digest = sha256(content).hexdigest()
    if status is None:
        return Judged(AnswerKind.TRANSIENT, detail=error or "no answer", digest=digest)
    if status in _OK:
        return _place(requested_id, content, digest, asks_location=asks_location)
    text = _error_text(content)
    return Judged(_refusal(requested_id, status, content, text), detail=f"HTTP {status}: {text}", digest=digest)


def _place(requested_id: str, content: bytes, digest: str, *, asks_location: bool) -> Judged:
    body = _json(content)
    found = body.get("id") if isinstance(body, dict) else None
    if not isinstance(body, dict) or not isinstance(found, str) or not found.strip():
        what = "no JSON object" if not isinstance(body, dict) else "no id"
        return Judged(AnswerKind.BAD_RESPONSE, detail=f"{what}, {len(content):,} bytes, sha256 {digest}", digest=digest)
    moved_to = body.get("movedPlaceId")
    moved_to = moved_to.strip() if isinstance(moved_to, str) else ""
    notes = ("id_moved",) if moved_to or found != requested_id else ()
    if moved_to and asks_location and not body.get("location"):
        return Judged(AnswerKind.MOVED, body, moved_to, notes, f"moved to {moved_to}", digest)
    return Judged(AnswerKind.OK, body, moved_to or found, notes, "", digest)


def _refusal(requested_id: str, status: int, content: bytes, text: str) -> AnswerKind:
    """By status; 400 and 404 only concern the id when the API itself says so."""
    if status in (401, 403):
        return AnswerKind.AUTH_ERROR
    if status == 429:
        return AnswerKind.QUOTA_USED_UP if _QUOTA.search(text) else AnswerKind.RATE_LIMITED
    if status in _SERVER_FAULT:
        return AnswerKind.TRANSIENT
    told = _error(content).get("status")
    if status == 404 and told == "NOT_FOUND" and not _NO_SUCH_METHOD.search(text):
        return AnswerKind.OBSOLETE_ID
    if status == 400 and told == "INVALID_ARGUMENT":
        return _invalid_argument(requested_id, text)
    return AnswerKind.CONFIG_ERROR


def _invalid_argument(requested_id: str, text: str) -> AnswerKind:
    """Google answers 400 to a wrong key as well, and to a wrong mask with the id in the path."""
    if _KEY.search(text.replace(requested_id, "")):
        return AnswerKind.AUTH_ERROR
    if _MASK.search(text):
        return AnswerKind.CONFIG_ERROR
    return AnswerKind.MALFORMED_ID if requested_id in text or _ID.search(text) else AnswerKind.CONFIG_ERROR


def _error(content: bytes) -> Mapping[str, Any]:
    body = _json(content)
    error = body.get("error") if isinstance(body, dict) else None
    return error if isinstance(error, dict) else {}


def _error_text(content: bytes) -> str:
    """Message and details of Google's error body; the beginning of any other body."""
    error = _error(content)
    if not error:
        return content[:_SHOWN].decode("utf-8", "replace").strip() or "no body"
    details = error.get("details")
    more = f" {json.dumps(details, ensure_ascii=False)}" if details else ""
    return f"{error.get('status', '')} {error.get('message', '')}{more}".strip()


def _json(content: bytes) -> Any:
    """The value of a body; None for what is no JSON, or cannot be kept as such: half a character, endless nesting."""
    try:
        found = orjson.loads(content)
        orjson.dumps(found)
    except (ValueError, TypeError):
        return None
    return found
