"""Where each bucket of a run stands: every eligible record under its outcome and reason, from the ledger alone."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import groupby

from backfill_pipelines.receipts.items import digest_of
from backfill_pipelines.receipts.keys import RecordKey
from backfill_pipelines.receipts.ledger import Entry
from backfill_pipelines.receipts.manifest import Row
from backfill_pipelines.receipts.outcomes import SETTLED, Outcome, Reason
from backfill_pipelines.receipts.record_preparing import key_of

#: Outcome and reason; the reason of a written record is empty.
Tally = Mapping[tuple[Outcome, str], int]


@dataclass(frozen=True)
class BucketState:
    """One bucket."""

    bucket: str
    rows: tuple[Row, ...]
    entries: Mapping[RecordKey, Entry]
    #: Eligible records that no run has attempted, and why this one did not.
    left: Mapping[RecordKey, Reason] = field(default_factory=dict[RecordKey, Reason])

    @property
    def eligible(self) -> tuple[Row, ...]:
        """The records that get a place."""
        return tuple(row for row in self.rows if row.eligible)

    @cached_property
    def tally(self) -> Tally:
        """Eligible records by outcome and reason; each is counted once."""
        found: Counter[tuple[Outcome, str]] = Counter()
        for row in self.eligible:
            found[self.outcome_of(key_of(row))] += 1
        return dict(sorted(found.items()))

    def outcome_of(self, key: RecordKey) -> tuple[Outcome, str]:
        """The outcome of one record; an intent of which nothing is known is a put that was not finished."""
        entry = self.entries.get(key)
        if entry is not None and entry.outcome is not None:
            return entry.outcome, entry.reason
        return Outcome.NOT_ATTEMPTED, str(self.left.get(key, Reason.STOPPED))

    @property
    def written(self) -> list[Entry]:
        """The entries whose items this plan has written."""
        return [entry for entry in self.entries.values() if entry.is_written]

    @cached_property
    def unsettled(self) -> list[RecordKey]:
        """The records that keep the bucket from being complete."""
        return [key for key in map(key_of, self.eligible) if self.outcome_of(key)[0] not in SETTLED]

    @property
    def is_cut(self) -> bool:
        """Whether all that it lacks was left out on purpose."""
        cut = (Outcome.NOT_ATTEMPTED, str(Reason.LIMIT))
        return bool(self.unsettled) and all(self.outcome_of(key) == cut for key in self.unsettled)

    @property
    def digest(self) -> str:
        """Equal when every record has the same outcome and the same content, whichever runs wrote it."""
        said = [
            [key.image_id, key.receipt_id, *map(str, self.outcome_of(key)), entry.content_digest if entry else ""]
            for key, entry in ((key, self.entries.get(key)) for key in map(key_of, self.eligible))
        ]
        return digest_of(said)


def bucket_states(
    buckets: Iterable[str], rows: Sequence[Row], entries: Mapping[RecordKey, Entry], left: Mapping[RecordKey, Reason]
) -> dict[str, BucketState]:
    """The state of each bucket; ``rows`` are in order."""
    grouped = {bucket: tuple(found) for bucket, found in groupby(rows, key=lambda row: row.bucket)}
    return {
        bucket: BucketState(
            bucket,
            grouped.get(bucket, ()),
            {key: entry for row in grouped.get(bucket, ()) if (entry := entries.get(key := key_of(row)))},
            {key: left[key] for row in grouped.get(bucket, ()) if (key := key_of(row)) in left},
        )
        for bucket in buckets
    }


def joined(tallies: Iterable[Tally]) -> Tally:
    """The sum of several tallies."""
    total: Counter[tuple[Outcome, str]] = Counter()
    for tally in tallies:
        total.update(tally)
    return dict(sorted(total.items()))
