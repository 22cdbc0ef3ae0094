"""A dry run: every item built and validated from what is known, nothing written; and the canary that is made of one."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from backfill_pipelines.receipts.bucket_writing import Selection
from backfill_pipelines.receipts.gate_results import GateResult
from backfill_pipelines.receipts.items import Item, canonical_json
from backfill_pipelines.receipts.keys import RecordKey
from backfill_pipelines.receipts.ledger import Entry, Settlement
from backfill_pipelines.receipts.outcomes import Outcome, Reason
from backfill_pipelines.receipts.place_building import Built, Quarantined
from backfill_pipelines.receipts.place_reading import Existing, existing_state
from backfill_pipelines.receipts.record_preparing import Prepared, Preparing, Ready
from backfill_pipelines.receipts.run_reports import nested
from backfill_pipelines.receipts.wave_gates import judge_canary
from backfill_pipelines.stores.dynamodb_batches import chunks

WOULD_CREATE, WOULD_ENRICH, WOULD_CALL = "would_create", "would_enrich", "would_call"
#: Built by a canary although the record has its place, which stays as it is.
BUILT_AGAIN = "built_again"
_SHOWN = 3


@dataclass
class DryRun:
    """What a run with the same choices would do."""

    counts: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])
    built: list[tuple[RecordKey, Built | Quarantined]] = field(default_factory=list[Any])
    #: Records that are neither built, nor quarantined, nor have a place.
    open: list[str] = field(default_factory=list[str])
    shown: tuple[Mapping[str, Any], ...] = ()
    write_units: int = 0

    @property
    def tally(self) -> Mapping[str, Mapping[str, int]]:
        """Records by what would become of them, and why."""
        return nested(dict(sorted(self.counts.items())))

    def canary(self) -> GateResult:
        """The verdict on the records of a canary; one that could not be built yet is no clean one."""
        found = judge_canary(self.built)
        if not self.open:
            return found
        culprits = (*found.culprits, *self.open)
        return GateResult(**vars(found) | {"verdict": type(found.verdict).FAIL, "culprits": culprits})

    def add(self, prepared: Prepared) -> None:
        """Count a batch."""
        for ready in prepared.ready:
            self.counts[_what_would_be(ready), ""] += 1
            self.built.append((ready.key, ready.built))
        for one in (*prepared.settled, *(s for group in prepared.resumed.values() for s in group)):
            self._count(one)
        for key, place_id in prepared.unanswered:
            self.counts[WOULD_CALL, ""] += 1
            self.open.append(f"{key.name}: {place_id} is not in the cache")
        self.shown += tuple(_sample(ready) for ready in prepared.ready[: max(0, _SHOWN - len(self.shown))])

    def _count(self, one: Settlement) -> None:
        self.counts[str(one.outcome), one.reason] += 1
        if one.outcome is Outcome.QUARANTINED:
            self.built.append((one.key, Quarantined(Reason(one.reason), one.detail)))
        elif one.outcome in (Outcome.FAILED, Outcome.PARKED):
            self.open.append(f"{one.key.name}: {one.reason} {one.detail}")


def look(preparing: Preparing, selection: Selection, known: Mapping[RecordKey, Entry], batch_size: int) -> DryRun:
    """Prepare every selected record and put none."""
    found = DryRun()
    for batch in chunks(selection.work, batch_size):
        found.add(preparing.prepare(batch, known))
    if selection.left:
        found.counts[str(Outcome.NOT_ATTEMPTED), str(Reason.LIMIT)] += len(selection.left)
    settled = sum(entry.is_settled for entry in known.values())
    if settled:
        found.counts["settled", "before"] += settled
    return found


def _what_would_be(ready: Ready) -> str:
    if ready.before is None:
        return WOULD_CREATE
    return WOULD_ENRICH if existing_state(ready.before, ready.place_id) is Existing.STUB else BUILT_AGAIN


def _sample(ready: Ready) -> dict[str, Any]:
    """An item as it would be written, and how it differs from what is there."""
    return {
        "record": ready.key.name,
        "kind": _what_would_be(ready).removeprefix("would_"),
        "size": ready.built.size,
        "item": ready.built.item,
        "diff": list(_diff(ready.before or {}, ready.built.item)) if ready.before else [],
    }


def _diff(before: Item, after: Item) -> Iterable[str]:
    for name in sorted({*before, *after}):
        if before.get(name) != after.get(name):
            yield f"{name}: {_shown(before.get(name))} -> {_shown(after.get(name))}"


def _shown(attribute: Any) -> str:
    return "absent" if attribute is None else canonical_json(attribute)
