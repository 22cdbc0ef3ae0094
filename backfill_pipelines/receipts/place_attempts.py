"""One attempt at a place id: the request, what its answer means, and the cache entry if that settles the id.

What an attempt may cost, when it is sent and what follows from it is decided in ``place_fetching``.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from backfill_pipelines.receipts.outcomes import Reason
from backfill_pipelines.receipts.place import MOST_PARTITION_KEY_BYTES
from backfill_pipelines.receipts.place_answers import AnswerKind, Judged, judge
from backfill_pipelines.receipts.places_cache import OK, Entry, PlacesCache
from backfill_pipelines.receipts.prices import Tier, field_mask
from backfill_pipelines.stores.places import Answer, PlacesClient

_MOST_DETAIL = 500
#: Bytes of an id that the partition key ``PLACE#{id}`` of an index takes.
_MOST_ID_BYTES = MOST_PARTITION_KEY_BYTES - len("PLACE#")


@dataclass(frozen=True)
class Task:
    """A place id on its way: ``asked_id`` differs from it once it has moved."""

    place_id: str
    asked_id: str
    transient: int = 0
    bad: int = 0
    notes: tuple[str, ...] = ()

    @property
    def is_second_hop(self) -> bool:
        """Whether a move was followed already."""
        return self.asked_id != self.place_id or "id_moved" in self.notes


@dataclass(frozen=True)
class Attempt:
    """One answer, judged; ``entry`` is in the cache when the id is settled."""

    task: Task
    answer: Answer
    judged: Judged
    entry: Entry | None


@dataclass(frozen=True)
class Asker:
    """Sends attempts for one tier; used by any number of threads."""

    client: PlacesClient
    cache: PlacesCache
    tier: Tier
    with_photos: bool = False
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    @property
    def mask(self) -> str:
        """The fields asked for."""
        return field_mask(self.tier, with_photos=self.with_photos)

    def ask(self, task: Task) -> Attempt:
        """Send one request. When it settles the id, the cache holds the entry before this returns."""
        answer = self.client.get(task.asked_id, self.mask)
        asks_location = "location" in self.mask.split(",")
        judged = judge(task.asked_id, answer.status, answer.body, answer.error, asks_location=asks_location)
        entry = self._entry(task, answer, judged)
        if entry is not None:
            self.cache.write(entry)
        return Attempt(task, answer, judged, entry)

    def refuse_unaskable(self, place_ids: Iterable[str]) -> list[Entry]:
        """Settle the ids that no table and no URL can hold, without a call: a refusal of the URL would stop the run."""
        found = [self._unaskable(i, len(i.encode())) for i in place_ids if len(i.encode()) > _MOST_ID_BYTES]
        for entry in found:
            self.cache.write(entry)
        return found

    def _unaskable(self, place_id: str, size: int) -> Entry:
        return Entry(
            place_id=place_id,
            status=str(Reason.MALFORMED_ID),
            fetched_at=self.now().isoformat(),
            tier=str(self.tier),
            field_mask=self.mask,
            http_status=0,
            response_id="",
            response_digest="",
            detail=f"the id has {size:,} bytes, and no key of the table holds more than {_MOST_ID_BYTES:,}",
        )

    def _entry(self, task: Task, answer: Answer, judged: Judged) -> Entry | None:
        status = settled_status(task, judged.kind)
        if status is None:
            return None
        return Entry(
            place_id=task.place_id,
            status=status,
            fetched_at=self.now().isoformat(),
            tier=str(self.tier),
            field_mask=self.mask,
            http_status=answer.status or 0,
            response_id=judged.response_id or task.asked_id,
            response_digest=judged.digest,
            notes=tuple(dict.fromkeys((*task.notes, *judged.notes))),
            detail=judged.detail[:_MOST_DETAIL],
            body=judged.body if status == OK else None,
        )


def settled_status(task: Task, kind: AnswerKind) -> str | None:
    """What an answer settles the id as; None when it leaves the id open."""
    match kind:
        case AnswerKind.OK:
            return OK
        case AnswerKind.OBSOLETE_ID | AnswerKind.MALFORMED_ID:
            return str(kind)
        case AnswerKind.BAD_RESPONSE if task.bad:
            return str(Reason.BAD_RESPONSE)
        case AnswerKind.MOVED if task.is_second_hop:
            return str(Reason.MOVED_CHAIN)
    return None
