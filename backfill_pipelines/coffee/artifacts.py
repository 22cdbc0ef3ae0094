"""The store of bodies: one object for each answer of a shop, exactly the bytes received, beside it what it is.

``raw/<roaster>/<YYYY>/<MM>/<DD>/<time>-p<page>-<sha256[:12]>.json.gz`` and ``.meta.json``. The body is written first
and the meta second, so that a meta always has its body; a body without a meta was interrupted, is ignored and named.
Rows of the database are ``artifact_rows``'s; the store alone is enough to make them again.
"""

import gzip
import hashlib
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import orjson

from backfill_pipelines.backfill.failures import BackfillError
from backfill_pipelines.coffee.artifact_meta import (
    Answer,
    as_capture,
    capture_of,
    iso,
    meta_of,
    parsed_meta,
    stem_of,
)
from backfill_pipelines.coffee.codes import E_HASH_MISMATCH
from backfill_pipelines.coffee.model import Capture, Source
from backfill_pipelines.stores.objects import ObjectStore

__all__ = ["Answer", "ArtifactError", "Artifacts", "BodyDamaged", "BodyMissing", "Listing", "Loaded"]

_BODY, _META = ".json.gz", ".meta.json"
_LEVEL = 6


class ArtifactError(BackfillError):
    """A stored body is not what it should be; ``code`` is the artifact's."""

    code = E_HASH_MISMATCH


class BodyMissing(ArtifactError):
    """There is no such object."""


class BodyDamaged(ArtifactError):
    """The object is not the bytes that were received."""


@dataclass(frozen=True)
class Loaded:
    """A body that was read back, or why it cannot be used."""

    capture: Capture
    body: bytes = b""
    error: ArtifactError | None = None


@dataclass(frozen=True)
class Listing:
    """What the store holds: captures in order of time, and what is not whole, by key."""

    captures: Sequence[Capture]
    bodies_without_meta: Sequence[str] = ()
    metas_without_body: Sequence[str] = ()
    unreadable_metas: Sequence[str] = ()


class Artifacts:
    """The bodies below one root."""

    def __init__(self, objects: ObjectStore) -> None:
        self._objects = objects

    def save_body(self, source: Source, body: bytes, answer: Answer) -> Capture:
        """Store the bytes of an answer; the same answer again changes nothing, and mends a damaged body.

        Raises:
            ArtifactError: another answer has this place already.
        """
        sha256 = hashlib.sha256(body).hexdigest()
        key = stem_of(source.roaster_slug, answer, sha256)
        capture = capture_of(source, answer, sha256, len(body), key + _BODY)
        before = self._meta(key)
        if before is not None and as_capture(before).id != capture.id:
            raise ArtifactError(
                f"{key}{_META} is of {before['url']} of source {before['source_id']}, not of {answer.url}. Repair: "
                "store one of the two under a later page number"
            )
        if before is None or self.load(as_capture(before)).error:
            self._objects.write(key + _BODY, gzip.compress(body, _LEVEL, mtime=0))
        if before != meta_of(source, capture):
            self.describe(source, capture)
        return capture

    def describe(self, source: Source, capture: Capture) -> None:
        """Write the meta of a capture whose body is there, because something of it became known later."""
        stem = stem_of(source.roaster_slug, capture, capture.body_sha256)
        self._objects.write(stem + _META, orjson.dumps(meta_of(source, capture), option=orjson.OPT_INDENT_2))

    def save_confirmation(self, source: Source, confirmed: Capture, answer: Answer) -> Capture:
        """Store that a shop answered 304: a meta that repeats hash and place of the body it confirms."""
        answer = replace(answer, completeness="not_modified", http_status=304)
        capture = capture_of(source, answer, confirmed.body_sha256, confirmed.body_len, confirmed.storage_uri)
        self.describe(source, capture)
        return capture

    def load_body(self, capture: Capture) -> bytes:
        """The bytes of a capture, which are those of its hash.

        Raises:
            BodyMissing: they are gone.
            BodyDamaged: they are others.
        """
        loaded = self.load(capture)
        if loaded.error:
            raise loaded.error
        return loaded.body

    def load(self, capture: Capture) -> Loaded:
        """As ``load_body``, with the error as a value."""
        return next(self.load_bodies([capture]))

    def load_bodies(self, captures: Sequence[Capture]) -> Iterator[Loaded]:
        """The bytes of many captures, in their order, read in batches; one that is damaged stops no other."""
        found = self._objects.read_present([capture.storage_uri for capture in captures])
        following = next(found, None)
        for capture in captures:
            if following is None or following[0] != capture.storage_uri:
                yield Loaded(capture, error=_missing(capture))
                continue
            yield _checked(capture, following[1])
            following = next(found, None)

    def listing(self, roaster_slug: str, days: Sequence[date] = ()) -> Listing:
        """What is stored of a roaster, on some days or at all."""
        prefixes = [f"raw/{roaster_slug}/{day:%Y/%m/%d}" for day in days] or [f"raw/{roaster_slug}"]
        keys = {info.key for info in self._objects.find(prefixes)}
        metas = sorted(key for key in keys if key.endswith(_META))
        read = {key: parsed_meta(content) for key, content in self._objects.read(metas)}
        lacking = {
            key
            for key, capture in read.items()
            if capture and capture.completeness != "not_modified" and capture.storage_uri not in keys
        }
        captures = [capture for key, capture in read.items() if capture and key not in lacking]
        bodies = (key for key in keys if key.endswith(_BODY))
        return Listing(
            sorted(captures, key=lambda capture: (capture.observed_at, capture.page, str(capture.id))),
            sorted(key for key in bodies if key.removesuffix(_BODY) + _META not in keys),
            sorted(lacking),
            [key for key, capture in read.items() if capture is None],
        )

    def _meta(self, stem: str) -> dict[str, Any] | None:
        """The meta that is stored; None when there is none that can be read."""
        for _, content in self._objects.read_present([stem + _META]):
            return orjson.loads(content) if parsed_meta(content) else None
        return None


def _missing(capture: Capture) -> BodyMissing:
    return BodyMissing(
        f"the body {capture.storage_uri} of {capture.url} at {iso(capture.observed_at)} is not in the store. Repair: "
        "restore it from a copy of the store (BACKFILL_ARTIFACTS_URL), or import its file again; the rows made of it "
        "stay"
    )


def _checked(capture: Capture, content: bytes) -> Loaded:
    try:
        body = gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        return Loaded(capture, error=_damaged(capture, f"cannot be unpacked ({error})"))
    sha256 = hashlib.sha256(body).hexdigest()
    if sha256 != capture.body_sha256:
        return Loaded(capture, error=_damaged(capture, f"has the hash {sha256}, recorded is {capture.body_sha256}"))
    return Loaded(capture, body)


def _damaged(capture: Capture, what: str) -> BodyDamaged:
    return BodyDamaged(
        f"{E_HASH_MISMATCH}: the body {capture.storage_uri} of {capture.url} {what}. Repair: restore it from a copy of "
        "the store, or import its file again"
    )
