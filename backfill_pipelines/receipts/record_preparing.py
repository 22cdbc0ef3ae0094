"""What is to be done with a batch of records: re-read, compared with what stands in the table, built. Writes nothing.

The rows of the manifest say which records; what counts is what a strongly consistent read finds now. A dry run ends
here. What is done with it is ``put_records``'s.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Protocol

from backfill_pipelines.receipts import metadata as source
from backfill_pipelines.receipts.items import Item
from backfill_pipelines.receipts.keys import RecordKey
from backfill_pipelines.receipts.ledger import Entry, Settlement
from backfill_pipelines.receipts.manifest import Row
from backfill_pipelines.receipts.metadata import Eligibility, Metadata, eligibility, read_metadata
from backfill_pipelines.receipts.outcomes import Outcome, Reason, outcome_of
from backfill_pipelines.receipts.place import table_key
from backfill_pipelines.receipts.place_building import Built, build
from backfill_pipelines.receipts.place_reading import Existing, existing_state
from backfill_pipelines.receipts.provenance import Mark, built_digest, content_digest, mark_of
from backfill_pipelines.stores.items import ItemStore

CREATE, ENRICH = "create", "enrich"
WRITTEN_AS = {CREATE: Outcome.CREATED, ENRICH: Outcome.ENRICHED}
REASON_OF = {
    Existing.FULL: Reason.EXISTING,
    Existing.STUB: Reason.EXISTING_STUB,
    Existing.CONFLICT: Reason.EXISTING_CONFLICT,
}


@dataclass(frozen=True)
class Answer:
    """What is known of a place id: the body of its 200 answer, or the reason why there is none."""

    body: Mapping[str, Any] | None = None
    reason: Reason | None = None
    detail: str = ""


class Answers(Protocol):
    """Where answers come from: the cache, and the API where that is allowed."""

    def of(self, place_ids: Sequence[str]) -> Mapping[str, Answer]:
        """An answer for each id of which one is known; an id that is missing has to be asked for first."""
        ...


@dataclass(frozen=True)
class Ready:
    """A record whose item is built; ``before`` is the stub that it replaces."""

    key: RecordKey
    place_id: str
    built: Built
    before: Item | None = None

    @property
    def kind(self) -> str:
        """What the ledger calls the put."""
        return CREATE if self.before is None else ENRICH

    @cached_property
    def digest(self) -> str:
        """The content digest of what is put."""
        return built_digest(self.built.item)

    def settled(self, outcome: Outcome | Reason, *, units: float = 0.0, detail: str = "") -> Settlement:
        """What became of it."""
        reason, outcome = (outcome, outcome_of(outcome)) if isinstance(outcome, Reason) else ("", outcome)
        return Settlement(
            self.key,
            self.place_id,
            outcome,
            str(reason),
            detail,
            size=self.built.size,
            write_units=units,
            is_suspicious=self.built.agreement.is_suspicious,
            notes=self.built.notes,
        )


@dataclass
class Prepared:
    """A batch: what is to be put, what is settled without a put, and what cannot be told without a call."""

    ready: list[Ready] = field(default_factory=list[Ready])
    settled: list[Settlement] = field(default_factory=list[Settlement])
    #: Settlements of intents of an earlier run, by that run: their items carry its mark.
    resumed: dict[str, list[Settlement]] = field(default_factory=dict[str, list[Settlement]])
    #: Records whose place id nobody has asked for.
    unanswered: list[tuple[RecordKey, str]] = field(default_factory=list[tuple[RecordKey, str]])


@dataclass(frozen=True)
class Preparing:
    """How records are prepared in one run; its id and the time go into the mark of every item."""

    items: ItemStore
    answers: Answers
    run_id: str
    photo_references_max: int = 0
    enrich_stubs: bool = False
    #: A record without its RECEIPT row gets no place, as in the inventory.
    requires_receipt: bool = True
    #: Look at the table even where the manifest says that there is nothing: a dry run has no put to find out.
    looks_first: bool = False
    #: Build also where a place is: a canary asks whether records can be built, not whether they have to be.
    rebuilds: bool = False
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def prepare(self, rows: Sequence[Row], known: Mapping[RecordKey, Entry]) -> Prepared:
        """Read a batch anew and say what is to be done with each record of it."""
        keys = {key_of(row): row for row in rows}
        looked_up = [key for key, row in keys.items() if self._is_looked_up(row, known.get(key))]
        wanted = [metadata_key(key) for key in keys] + [table_key(key.image_id, key.receipt_id) for key in looked_up]
        stored = self._read(wanted + ([receipt_key(key) for key in keys] if self.requires_receipt else []))
        found = Prepared()
        fresh = {key: self._decide(key, row, known.get(key), stored, found) for key, row in keys.items()}
        metadata = {key: row for key, row in fresh.items() if row is not None}
        answers = self.answers.of(list(dict.fromkeys(row.place_id for row in metadata.values())))
        for key, row in metadata.items():
            self._build(row, answers.get(row.place_id), _place(stored, key), found)
        return found

    def _is_looked_up(self, row: Row, entry: Entry | None) -> bool:
        is_open = entry is not None and entry.outcome is None
        return self.looks_first or is_open or row.existing != Existing.NONE

    def _read(self, keys: Sequence[Item]) -> Mapping[tuple[str, str], Item]:
        return {_identity(item): item for item in self.items.batch_get(keys).items}

    def _decide(
        self,
        key: RecordKey,
        row: Row,
        entry: Entry | None,
        stored: Mapping[tuple[str, str], Item],
        found: Prepared,
    ) -> Metadata | None:
        """The metadata of a record that is to be built; None when its outcome is known already."""
        place = _place(stored, key)
        if entry is not None and place is not None and is_put_of(entry, place):
            found.resumed.setdefault(entry.run_id, []).append(
                Settlement(key, entry.place_id, WRITTEN_AS[entry.kind], size=entry.size, detail="read back")
            )
            return None
        has_receipt = not self.requires_receipt or _identity(receipt_key(key)) in stored
        now = read_row(stored.get(_identity(metadata_key(key))), has_receipt=has_receipt)
        if not isinstance(now, Metadata):
            found.settled.append(Settlement(key, row.place_id, *_of(Reason.SOURCE_CHANGED), detail=now))
            return None
        state = existing_state(place, now.place_id)
        if self.rebuilds or state is Existing.NONE or (state is Existing.STUB and self.enrich_stubs):
            return now
        found.settled.append(Settlement(key, now.place_id, *_of(REASON_OF[state])))
        return None

    def _build(self, row: Metadata, answer: Answer | None, before: Item | None, found: Prepared) -> None:
        if answer is None:
            found.unanswered.append((row.key, row.place_id))
            return
        if answer.body is None:
            reason = answer.reason or Reason.BAD_RESPONSE
            found.settled.append(Settlement(row.key, row.place_id, *_of(reason), detail=answer.detail))
            return
        mark = Mark(self.run_id, self.now().isoformat(), row.source_digest)
        built = build(row, answer.body, mark, photo_references_max=self.photo_references_max)
        if isinstance(built, Built):
            found.ready.append(Ready(row.key, row.place_id, built, before))
        else:
            found.settled.append(Settlement(row.key, row.place_id, *_of(built.reason), detail=built.detail))


def is_put_of(entry: Entry, item: Item) -> bool:
    """Whether an item is what an intent without outcome was about to put: its mark, and its content."""
    mark = mark_of(item.get("reasoning", {}).get("S", ""))
    is_open = entry.outcome is None and entry.kind in WRITTEN_AS
    return is_open and mark is not None and mark.run_id == entry.run_id and content_digest(item) == entry.content_digest


def read_row(item: Item | None, *, has_receipt: bool = True) -> Metadata | str:
    """The metadata row as it is now; the text says why there is nothing to build from.

    ``has_receipt`` stays True where the parent receipt is not required.
    """
    if item is None:
        return "the metadata row is gone since the inventory"
    row = read_metadata(item)
    if not isinstance(row, Metadata):
        return f"the metadata row is malformed since the inventory: {row.reason}"
    reason = eligibility(row, has_receipt=has_receipt)
    return row if reason is Eligibility.ELIGIBLE else f"the record is not eligible since the inventory: {reason}"


def key_of(row: Row) -> RecordKey:
    """The identity of a manifest row."""
    return RecordKey.of(row.image_id, row.receipt_id)


def metadata_key(key: RecordKey) -> Item:
    """The key of a record's metadata row."""
    sort_key = f"RECEIPT#{key.receipt_id:05d}{source.SK_SUFFIX}"
    return {"PK": {"S": f"IMAGE#{key.image_id}"}, "SK": {"S": sort_key}}


def receipt_key(key: RecordKey) -> Item:
    """The key of the receipt that a record is about."""
    return {"PK": {"S": f"IMAGE#{key.image_id}"}, "SK": {"S": f"RECEIPT#{key.receipt_id:05d}"}}


def _place(stored: Mapping[tuple[str, str], Item], key: RecordKey) -> Item | None:
    return stored.get(_identity(table_key(key.image_id, key.receipt_id)))


def _identity(item: Item) -> tuple[str, str]:
    return item["PK"]["S"], item["SK"]["S"]


def _of(reason: Reason) -> tuple[Outcome, str]:
    return outcome_of(reason), str(reason)
