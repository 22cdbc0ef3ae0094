"""The object store edge: files under one root, a local folder or a bucket, through fsspec.

Raw feeds are read; manifests and reports are written as well, below a root of their own.
Keys are relative to the root and the same everywhere. Nothing here knows what the files contain.
"""

import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import dagster as dg
import fsspec
from fsspec.implementations.local import LocalFileSystem
from pydantic import Field, PrivateAttr

from backfill_pipelines.backfill.failures import StoreError

#: Listings and reads in flight at once; a bucket answers each in tens of milliseconds.
CONCURRENCY = 16
#: Files read at a time, so that a season of a feed never sits in memory as a whole.
READ_BATCH = 500

Result = TypeVar("Result")


@dataclass(frozen=True)
class ObjectInfo:
    """One object: key below the root, size in bytes, time of its last change (UTC)."""

    key: str
    size: int
    modified: datetime


class ObjectStore(dg.ConfigurableResource):
    """Files below one root."""

    url: str = Field(description="Root of the files: a folder, or gs://bucket/prefix.")
    is_own: bool = Field(default=False, description="This project fills it, so that it may not exist yet.")
    what: str = Field(default="the feed folder", description="What the root is, for people.")
    repair: str = Field(
        default="set BACKFILL_FEEDS_URL to the folder or bucket that holds the raw files, or generate sample feeds: "
        "backfill demo",
        description="What to do when the root does not exist.",
    )
    endpoint: str | None = Field(default=None, description="Endpoint of a bucket emulator; None for the real service.")
    _opened: tuple[Any, str] | None = PrivateAttr(default=None)

    def find(self, prefixes: Iterable[str]) -> list[ObjectInfo]:
        """All objects below the prefixes (folders), in key order; a missing folder has none.

        Raises:
            StoreError: the root itself does not exist or cannot be read.
        """
        self._require_root()
        found = self._each(self._list_local if self._is_local else self._list_one, list(prefixes))
        return sorted((info for part in found for info in part), key=lambda info: info.key)

    def read(self, keys: Sequence[str]) -> Iterator[tuple[str, bytes]]:
        """Contents of the objects, in the order of the keys, a batch at a time.

        ``cat_file`` one by one in threads: ``cat`` would expand the square brackets in some feeds' file names.
        """
        for start in range(0, len(keys), READ_BATCH):
            batch = keys[start : start + READ_BATCH]
            yield from zip(batch, self._each(self._content, batch), strict=True)

    def read_or_say(self, keys: Sequence[str]) -> Iterator[tuple[str, bytes | OSError]]:
        """As ``read``, with an error in the place of an object that is gone or not ours to read."""
        for start in range(0, len(keys), READ_BATCH):
            batch = keys[start : start + READ_BATCH]
            yield from zip(batch, self._each(self._content_or_error, batch), strict=True)

    def read_present(self, keys: Sequence[str]) -> Iterator[tuple[str, bytes]]:
        """Contents of those of the objects that exist, in the order of the keys; an absent one is no error."""
        for start in range(0, len(keys), READ_BATCH):
            batch = keys[start : start + READ_BATCH]
            for key, content in zip(batch, self._each(self._content_if_present, batch), strict=True):
                if content is not None:
                    yield key, content

    def write(self, key: str, content: bytes) -> None:
        """Write an object, whole or not at all; one that is there is replaced."""
        filesystem, root = self._filesystem
        if self._is_local:
            target = Path(root, key)
            _temporary(target, content).replace(target)
        else:
            filesystem.pipe_file(f"{root}/{key}", content)

    def create(self, key: str, content: bytes) -> bool:
        """Write an object unless there is one, whoever else tries at the same time; False when there is."""
        filesystem, root = self._filesystem
        try:
            if not self._is_local:
                filesystem.pipe_file(f"{root}/{key}", content, mode="create")
                return True
            target = Path(root, key)
            written = _temporary(target, content)
            try:
                os.link(written, target)
            finally:
                written.unlink()
        except FileExistsError:
            return False
        return True

    @property
    def _filesystem(self) -> tuple[Any, str]:
        if self._opened is None:
            options: dict[str, Any] = {}
            if self.endpoint:
                # gcsfs asks a bucket's kind over gRPC, which an emulator never answers.
                os.environ.setdefault("GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT", "false")
                options = {"endpoint_url": self.endpoint, "token": "anon"}
            filesystem, root = fsspec.core.url_to_fs(self.url, **options)
            self._opened = filesystem, str(root).rstrip("/")
        return self._opened

    def _require_root(self) -> None:
        filesystem, root = self._filesystem
        if not self.is_own and not filesystem.exists(root):
            raise StoreError(f"{self.what} {self.url} does not exist. Repair: {self.repair}")

    @property
    def _is_local(self) -> bool:
        return isinstance(self._filesystem[0], LocalFileSystem)

    def _each(self, work: Callable[[str], Result], names: Sequence[str]) -> list[Result]:
        """The work for every name: at the same time on a bucket, one by one in a folder, where threads only wait."""
        if self._is_local:
            return [work(name) for name in names]
        with ThreadPoolExecutor(CONCURRENCY) as pool:
            return list(pool.map(work, names))

    def _content(self, key: str) -> bytes:
        filesystem, root = self._filesystem
        return Path(root, key).read_bytes() if self._is_local else filesystem.cat_file(f"{root}/{key}")

    def _content_or_error(self, key: str) -> bytes | OSError:
        try:
            return self._content(key)
        except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
            return error

    def _content_if_present(self, key: str) -> bytes | None:
        try:
            return self._content(key)
        except FileNotFoundError:
            return None

    def _list_local(self, prefix: str) -> list[ObjectInfo]:
        root = self._filesystem[1]
        return [ObjectInfo(path[len(root) + 1 :], size, moment) for path, size, moment in _walk(f"{root}/{prefix}")]

    def _list_one(self, prefix: str) -> list[ObjectInfo]:
        filesystem, root = self._filesystem
        filesystem.invalidate_cache(f"{root}/{prefix}")
        found = filesystem.find(f"{root}/{prefix}", detail=True)
        return [ObjectInfo(path[len(root) + 1 :], int(info["size"]), _modified(info)) for path, info in found.items()]


def _temporary(target: Path, content: bytes) -> Path:
    """The content on the disk, beside where it is to be."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=target.parent, prefix=".writing-", delete=False) as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return Path(file.name)


def _walk(folder: str) -> Iterator[tuple[str, int, datetime]]:
    """Path, size and last change of the files below a folder, as fsspec lists them but three times as fast."""
    try:
        entries = list(os.scandir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(entry.path)
            continue
        try:
            own = entry.stat(follow_symlinks=False)
        except FileNotFoundError:  # gone since the folder was read: an upload's temporary name
            continue
        yield entry.path, _size(entry, own), datetime.fromtimestamp(own.st_mtime, UTC)


def _size(entry: "os.DirEntry[str]", own: os.stat_result) -> int:
    """Bytes of the file that an entry leads to; a link that leads nowhere is listed, and told when it is read."""
    try:
        return entry.stat().st_size
    except OSError:
        return own.st_size


def _modified(info: dict[str, Any]) -> datetime:
    """Last change: ``mtime`` is epoch seconds of a local file, a datetime or ISO text of a bucket's object."""
    value = info.get("mtime") or info.get("updated") or info.get("LastModified")
    if isinstance(value, int | float):
        return datetime.fromtimestamp(value, UTC)
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
