"""The gates of a bucket of places, measured on its items as they are read back from the table.

Culprits are records, ``image_id/receipt_id``. A quarantined record is set aside and counted, and holds its bucket back
from nothing: how many of them are too many is the wave gate's question.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property

from backfill_pipelines.backfill.gates import Gate, Measurement, all_measured
from backfill_pipelines.receipts.bucket_states import BucketState
from backfill_pipelines.receipts.items import Item, floatless_digest
from backfill_pipelines.receipts.keys import RecordKey
from backfill_pipelines.receipts.ledger import Entry
from backfill_pipelines.receipts.outcomes import EQUATIONS, Outcome, Totals, imbalances
from backfill_pipelines.receipts.place import GEOHASH_LENGTH, ReceiptPlace, are_in_range, geohash_of, is_geohash
from backfill_pipelines.receipts.place_reading import Existing, read_place, wrong_keys
from backfill_pipelines.receipts.provenance import content_digest, mark_of
from backfill_pipelines.receipts.record_preparing import key_of

_RUN_AGAIN = "Run the bucket again: what is settled is not done twice. If it stays red, read the named records' rows."
_WRITER = "Find the other writer of these items; backfill receipts rollback takes back what is still ours."

SETTLED_GATE = Gate(
    "every_record_is_settled",
    "Every eligible record of the bucket is created, enriched, existing or quarantined: none failed, parked or left.",
    "Mend what the reasons name, then run the bucket again: it takes up exactly these records.",
)
GATES: Sequence[Gate] = (
    SETTLED_GATE,
    Gate(
        "totals_reconcile",
        "The counts of the manifest, the ledger and the table as read back add up, exactly.",
        f"{_RUN_AGAIN} A surplus place with our mark that the ledger does not know is the ledger of another plan.",
    ),
    Gate(
        "readback_equal",
        "Every item that this run has written is read back, strongly consistent, with the content of its intent.",
        _WRITER,
    ),
    Gate("keys_regenerate", "Every key and index attribute is what the item's scalars demand.", _WRITER),
    Gate("coordinates_valid", "Every written place has coordinates on the globe.", _WRITER),
    Gate("geohash_present", "Every written place has a geohash of six characters, and its index keys.", _WRITER),
    Gate("geohash_valid", "Every geohash is the cell of its place's coordinates, in geohash's alphabet.", _WRITER),
    Gate(
        "no_duplicates",
        "There is one place for a record, and the places of one place id say the same of it.",
        "Compare the named items. If Google has changed the place in between, refresh it: backfill receipts rollback "
        "of the older run, then run its buckets again.",
    ),
)
_OF_CALLS = tuple(field.name for field in fields(Totals) if field.name.startswith(("ids_", "http_", "distinct_")))
CALL_EQUATIONS = tuple(equation for equation in EQUATIONS if equation.total in _OF_CALLS)
BUCKET_EQUATIONS = tuple(equation for equation in EQUATIONS if equation not in CALL_EQUATIONS)
#: Attributes that come from the API alone, so that all records of a place id share them.
_FROM_THE_API = ("latitude", "longitude", "plus_code", "merchant_types", "business_status", "address_components")


@dataclass(frozen=True)
class Evidence:
    """A bucket and its items as read back, by record; absent ones are not in it."""

    state: BucketState
    items: Mapping[RecordKey, Item]
    #: The runs of the plan, by which its own marks are known; the run that is judged.
    runs: frozenset[str]
    run_id: str
    #: What this run has settled itself; its items are compared whatever wrote them first.
    settled_now: frozenset[RecordKey] = frozenset()
    #: Applied puts of the bucket as the ledger counts them in a statement of its own.
    ledger_applied: int = 0
    #: Equations of the run's calls that do not hold: they are no single bucket's, so every bucket has them.
    wrong_calls: tuple[str, ...] = ()

    @cached_property
    def written(self) -> Sequence[tuple[Entry, Item, ReceiptPlace | None]]:
        """What the plan has written and is there, with its entry and as it reads; None where it cannot be read."""
        found = [(entry, self.items[entry.key]) for entry in self.state.written if entry.key in self.items]
        read = [(entry, item, read_place(item)) for entry, item in found]
        return [(entry, item, place if isinstance(place, ReceiptPlace) else None) for entry, item, place in read]


def measure(gate: Gate, evidence: Evidence) -> Measurement:
    """One gate on one bucket; a bucket without eligible records has nothing to measure, and says so."""
    if not evidence.state.eligible and gate.name not in _MEASURED_ALWAYS:
        return Measurement(0, 0, 0, (), "not applicable: the manifest has no eligible record in this bucket")
    return _MEASURES[gate.name](evidence)


def totals_of(evidence: Evidence) -> Totals:
    """Every count of a bucket.

    Ids and calls are counted for runs, so their equations are not asked of a bucket; malformed rows have no bucket.
    """
    state, items = evidence.state, evidence.items
    outcomes = {outcome: sum(n for (one, _), n in state.tally.items() if one is outcome) for outcome in Outcome}
    created = {entry.key for entry in state.written if entry.outcome is Outcome.CREATED}
    before = {key_of(row) for row in state.rows if row.existing != Existing.NONE} - created
    strangers = {key for key in items.keys() - before - created if not _has_mark(items[key], evidence.runs)}
    return Totals(
        scanned_metadata=len(state.rows),
        eligible=len(state.eligible),
        ineligible=len(state.rows) - len(state.eligible),
        malformed=0,
        **{str(outcome): number for outcome, number in outcomes.items()},
        **dict.fromkeys(_OF_CALLS, 0),
        places_before=len(before),
        places_after=len(items),
        places_by_others=len(strangers),
        places_removed_by_others=len((before | created) - items.keys()),
        ledger_applied=evidence.ledger_applied,
    )


def _has_mark(item: Item, runs: frozenset[str]) -> bool:
    mark = mark_of(item.get("reasoning", {}).get("S", ""))
    return mark is not None and mark.run_id in runs


def _settled(evidence: Evidence) -> Measurement:
    state = evidence.state
    culprits = [_why(state, key) for key in state.unsettled]
    return all_measured(len(culprits), len(state.eligible), culprits)


def _why(state: BucketState, key: RecordKey) -> str:
    outcome, reason = state.outcome_of(key)
    entry = state.entries.get(key)
    detail = f" ({entry.detail})" if entry and entry.detail else ""
    return f"{key.name} {outcome}: {reason}{detail}"


def _totals(evidence: Evidence) -> Measurement:
    wrong = [*map(str, imbalances(totals_of(evidence), BUCKET_EQUATIONS)), *evidence.wrong_calls]
    return all_measured(len(wrong), len(EQUATIONS), wrong)


def _readback(evidence: Evidence) -> Measurement:
    """Items of earlier runs may have been changed by their owners since; that is counted, and no fault of this run."""
    culprits: list[str] = []
    changed = 0
    for entry in evidence.state.written:
        item = evidence.items.get(entry.key)
        if item is not None and content_digest(item) == entry.content_digest:
            continue
        if entry.run_id == evidence.run_id or entry.key in evidence.settled_now:
            culprits.append(f"{entry.key.name} {'is not there' if item is None else 'differs from its intent'}")
        else:
            changed += 1
    note = f"{changed} written by earlier runs were changed or removed since" if changed else ""
    return all_measured(len(culprits), len(evidence.state.written), culprits, note)


def _each(judge: Callable[[ReceiptPlace, Item], str]) -> Callable[[Evidence], Measurement]:
    """The measure that judges every written place; the judgement is empty or says what is wrong."""

    def measured(evidence: Evidence) -> Measurement:
        written = evidence.written
        culprits = [
            f"{entry.key.name} {why}"
            for entry, item, place in written
            if (why := judge(place, item) if place else "is unreadable")
        ]
        return all_measured(len(culprits), len(written), culprits)

    return measured


def _keys(place: ReceiptPlace, item: Item) -> str:
    return ", ".join(wrong_keys(item, place))


def _coordinates(place: ReceiptPlace, _: Item) -> str:
    if place.latitude is None or place.longitude is None:
        return "has no coordinates"
    return "" if are_in_range(place.latitude, place.longitude) else f"is at {place.latitude}, {place.longitude}"


def _geohash_present(place: ReceiptPlace, item: Item) -> str:
    stored = place.stored_geohash or ""
    if len(stored) != GEOHASH_LENGTH:
        return f"has geohash {stored!r}"
    return "" if "GSI4PK" in item and "GSI4SK" in item else "is not in GSI4"


def _geohash_valid(place: ReceiptPlace, _: Item) -> str:
    stored, right = place.stored_geohash or "", geohash_of(place.latitude, place.longitude)
    return "" if is_geohash(stored) and stored == right else f"has geohash {stored!r}, its coordinates are in {right!r}"


def _duplicates(evidence: Evidence) -> Measurement:
    written = evidence.written
    culprits = list(_other_identity(evidence.items))
    by_place: defaultdict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for entry, item, _ in written:
        said = floatless_digest({name: item[name] for name in _FROM_THE_API if name in item})
        by_place[entry.place_id][said].append(entry.key.name)
    for place_id, groups in by_place.items():
        if len(groups) > 1:
            named = ", ".join(names[0] for names in groups.values())
            culprits.append(f"{place_id} is described in {len(groups)} ways: {named}")
    return all_measured(len(culprits), len(evidence.items) + len(by_place), culprits)


def _other_identity(items: Mapping[RecordKey, Item]) -> Iterable[str]:
    """Items whose own attributes say that they are another record's: that record would have two."""
    for key, item in items.items():
        said = item.get("image_id", {}).get("S"), item.get("receipt_id", {}).get("N")
        if said not in ((key.image_id, str(key.receipt_id)), (None, None)):
            yield f"{key.name} says that it is {said[0]}/{said[1]}"


_MEASURES: Mapping[str, Callable[[Evidence], Measurement]] = {
    "every_record_is_settled": _settled,
    "totals_reconcile": _totals,
    "readback_equal": _readback,
    "keys_regenerate": _each(_keys),
    "coordinates_valid": _each(_coordinates),
    "geohash_present": _each(_geohash_present),
    "geohash_valid": _each(_geohash_valid),
    "no_duplicates": _duplicates,
}
_MEASURED_ALWAYS = frozenset({"totals_reconcile"})
