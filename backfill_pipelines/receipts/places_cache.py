"""Answers of the Places API, kept by place id in the object store: what was answered once serves all records and runs.

receipts/places/{first two hex digits of sha256(place_id)}/{place_id}.json

Negative answers are kept as well: an id that Google does not know is not asked for again until the answer is too old.
Whether to call, and what a call costs, is not decided here.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import quote

import orjson

from backfill_pipelines.receipts.outcomes import Reason
from backfill_pipelines.stores.objects import ObjectStore

FOLDER = "receipts/places"
OK = "ok"
#: What an id can be settled as without a place.
NEGATIVE = frozenset(map(str, (Reason.OBSOLETE_ID, Reason.MALFORMED_ID, Reason.BAD_RESPONSE, Reason.MOVED_CHAIN)))

_VERSION = 1
_KEPT_IN_MEMORY = 5_000
_MOST_NAME = 200


@dataclass(frozen=True)
class Entry:
    """What is known of one place id: ``status`` is ``ok`` or a reason for which it has no place."""

    place_id: str
    status: str
    fetched_at: str
    tier: str
    field_mask: str
    http_status: int
    #: The id of the answer, which differs for a place that has moved.
    response_id: str
    response_digest: str
    notes: tuple[str, ...] = ()
    detail: str = ""
    body: Mapping[str, Any] | None = None

    @property
    def is_ok(self) -> bool:
        """Whether there is a place."""
        return self.status == OK

    @property
    def reason(self) -> Reason | None:
        """Why the records of the id get no place; None for a place."""
        return None if self.is_ok else Reason(self.status)

    def age(self, now: datetime) -> timedelta:
        """How long ago it was fetched."""
        return now - datetime.fromisoformat(self.fetched_at)

    def is_fresh(self, now: datetime, max_age: timedelta, field_mask: str) -> bool:
        """Whether it answers a request with this mask: young enough, and all of its fields were asked for.

        A negative answer speaks of the id, whatever fields were asked for.
        """
        covers = not self.is_ok or set(field_mask.split(",")) <= set(self.field_mask.split(","))
        return covers and self.age(now) <= max_age


def entry_key(place_id: str, folder: str = FOLDER) -> str:
    """Where the entry of an id is; names are safe as files, and long ids keep theirs short."""
    digest = sha256(place_id.encode()).hexdigest()
    name = quote(place_id, safe="")
    name = name if len(name) <= _MOST_NAME else f"{name[: _MOST_NAME // 2]}~{digest[:32]}"
    return f"{folder}/{digest[:2]}/{name}.json"


class PlacesCache:
    """The entries of one folder of an object store; used by any number of threads."""

    def __init__(self, objects: ObjectStore, folder: str = FOLDER) -> None:
        self._objects = objects
        self._folder = folder
        self._lock = threading.Lock()
        self._recent: OrderedDict[str, Entry] = OrderedDict()

    def read(self, place_ids: Iterable[str], *, again: bool = False) -> dict[str, Entry]:
        """The entries that there are, by id, whatever their age.

        Args:
            place_ids: Ids to look up, many at once.
            again: Ask the store although an entry is in memory: another process may have written since.
        """
        wanted = list(dict.fromkeys(place_ids))
        found = {} if again else self._remembered(wanted)
        keys = {entry_key(place_id, self._folder): place_id for place_id in wanted if place_id not in found}
        for key, content in self._objects.read_present(list(keys)):
            entry = _entry(content)
            # A file system that ignores case may hand out another id's file; a damaged one is as good as none.
            if entry is not None and entry.place_id == keys[key]:
                found[entry.place_id] = entry
                self._remember(entry)
        return {place_id: found[place_id] for place_id in wanted if place_id in found}

    def located(self, place_ids: Iterable[str]) -> frozenset[str] | None:
        """The ids whose place has a location, whatever its age; None while nothing is in the cache."""
        if not self._objects.find([self._folder]):
            return None
        found = self.read(place_ids)
        return frozenset(key for key, entry in found.items() if entry.body is not None and entry.body.get("location"))

    def fresh(
        self,
        place_ids: Iterable[str],
        *,
        max_age: timedelta,
        field_mask: str,
        now: datetime | None = None,
        again: bool = False,
    ) -> dict[str, Entry]:
        """The entries that answer a request with this mask today, by id."""
        moment = now or datetime.now(UTC)
        found = self.read(place_ids, again=again)
        return {key: entry for key, entry in found.items() if entry.is_fresh(moment, max_age, field_mask)}

    def write(self, entry: Entry) -> None:
        """Keep an entry, on the disk when this returns."""
        # Not ``asdict``: it copies the body piece by piece.
        content = {"v": _VERSION, **vars(entry)}
        self._objects.write(entry_key(entry.place_id, self._folder), orjson.dumps(content))
        self._remember(entry)

    def _remembered(self, place_ids: Iterable[str]) -> dict[str, Entry]:
        with self._lock:
            return {place_id: self._recent[place_id] for place_id in place_ids if place_id in self._recent}

    def _remember(self, entry: Entry) -> None:
        with self._lock:
            self._recent[entry.place_id] = entry
            self._recent.move_to_end(entry.place_id)
            while len(self._recent) > _KEPT_IN_MEMORY:
                self._recent.popitem(last=False)


def _entry(content: bytes) -> Entry | None:
    try:
        values = orjson.loads(content)
        if values.pop("v") != _VERSION:
            return None
        entry = Entry(**values)
        entry.age(datetime.now(UTC))
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
    return replace(entry, notes=tuple(entry.notes)) if entry.status == OK or entry.status in NEGATIVE else None
