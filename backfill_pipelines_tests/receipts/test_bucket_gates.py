"""Each gate of a bucket: green on good items, red on bad ones, and the culprit by its name."""

from dataclasses import replace
from typing import Any

import pytest

from backfill_pipelines.receipts.bucket_gates import GATES, Evidence, measure
from backfill_pipelines.receipts.bucket_states import BucketState, bucket_states
from backfill_pipelines.receipts.keys import RecordKey
from backfill_pipelines.receipts.ledger import Entry
from backfill_pipelines.receipts.manifest import Row
from backfill_pipelines.receipts.outcomes import Outcome, Reason
from backfill_pipelines.receipts.provenance import content_digest
from backfill_pipelines_tests.receipts.builders import AT, PLACE_ID, RUN, answer, build_any, metadata
from backfill_pipelines_tests.receipts.receipt_tables import image

BY_NAME = {gate.name: gate for gate in GATES}
KEYS = [RecordKey.of(image(7), number) for number in (1, 2)]


def item_of(key: RecordKey, **changes: Any) -> dict[str, Any]:
    """The item of a record; a change is an attribute under its type, or ``...`` for no attribute."""
    row = metadata(PK=f"IMAGE#{key.image_id}", SK=f"RECEIPT#{key.receipt_id:05d}#METADATA")
    built = build_any(row, answer())
    return {name: value for name, value in ({**built.item} | changes).items() if value is not ...}  # type: ignore[union-attr]


def entry_of(key: RecordKey, outcome: Outcome | None = Outcome.CREATED, reason: str = "", **changes: Any) -> Entry:
    values: dict[str, Any] = {
        "plan_id": "plan",
        "key": key,
        "place_id": PLACE_ID,
        "run_id": RUN,
        "kind": "create",
        "content_digest": content_digest(item_of(key)),
        "before_image": "",
        "outcome": outcome,
        "reason": reason,
        "detail": "",
        "size": 2000,
        "write_units": 12.0,
        "is_suspicious": False,
        "notes": (),
        "at": AT,
    }
    return Entry(**values | changes)


def row(key: RecordKey, *, eligible: bool = True, existing: str = "none") -> Row:
    reason = "eligible" if eligible else "place_id_missing"
    return Row(key.image_id, key.receipt_id, key.bucket, PLACE_ID, eligible, reason, "", existing, ())


def evidence(**changes: Any) -> Evidence:
    """Two records, both created and read back."""
    state = BucketState("07", tuple(map(row, KEYS)), {key: entry_of(key) for key in KEYS})
    return replace(
        Evidence(state, {key: item_of(key) for key in KEYS}, frozenset({RUN}), RUN, frozenset(), 2), **changes
    )


def with_item(**changes: Any) -> Evidence:
    """The second item is another one, and was meant to be."""
    item = item_of(KEYS[1], **changes)
    good = evidence()
    entries = {**good.state.entries, KEYS[1]: entry_of(KEYS[1], content_digest=content_digest(item))}
    return replace(good, items={**good.items, KEYS[1]: item}, state=replace(good.state, entries=entries))


def moved(latitude: str) -> Evidence:
    """The second item stands elsewhere, its geohash does not."""
    return with_item(latitude={"N": latitude})


@pytest.mark.parametrize("name", list(BY_NAME))
def test_every_gate_is_green_on_what_a_run_writes(name: str) -> None:
    seen = measure(BY_NAME[name], evidence())
    assert (seen.violations, seen.sample) == (0, ())
    assert seen.expected > 0


@pytest.mark.parametrize("name", [name for name in BY_NAME if name != "totals_reconcile"])
def test_a_bucket_without_eligible_records_says_that_it_has_nothing_to_measure(name: str) -> None:
    empty = BucketState("07", (row(KEYS[0], eligible=False),), {})
    seen = measure(BY_NAME[name], evidence(state=empty, items={}, ledger_applied=0))
    assert (seen.expected, seen.violations) == (0, 0)
    assert seen.note == "not applicable: the manifest has no eligible record in this bucket"


def test_totals_are_reconciled_even_in_an_empty_bucket() -> None:
    empty = BucketState("07", (), {})
    assert measure(BY_NAME["totals_reconcile"], evidence(state=empty, items={}, ledger_applied=0)).violations == 0


@pytest.mark.parametrize(
    ("name", "seen", "culprit"),
    [
        ("readback_equal", with_item, "differs from its intent"),
        ("keys_regenerate", lambda: with_item(GSI1PK={"S": "MERCHANT#OTHER"}), "GSI1PK"),
        ("coordinates_valid", lambda: with_item(latitude=...), "has no coordinates"),
        ("coordinates_valid", lambda: moved("91"), "is at 91, -118.624"),
        ("geohash_present", lambda: with_item(geohash={"NULL": True}), "has geohash ''"),
        ("geohash_present", lambda: with_item(geohash={"S": "9q5ds"}), "has geohash '9q5ds'"),
        ("geohash_present", lambda: with_item(GSI4PK=..., GSI4SK=...), "is not in GSI4"),
        ("geohash_valid", lambda: moved("35"), "has geohash '9q5ds8', its coordinates are in '9q5xhe'"),
        ("geohash_valid", lambda: with_item(geohash={"S": "aaaaaa"}), "has geohash 'aaaaaa'"),
        ("no_duplicates", lambda: with_item(receipt_id={"N": "9"}), f"says that it is {image(7)}/9"),
        ("no_duplicates", lambda: with_item(plus_code={"S": "other"}), "is described in 2 ways"),
    ],
)
def test_a_red_gate_names_the_record(name: str, seen: Any, culprit: str) -> None:
    found = (
        seen()
        if name != "readback_equal"
        else evidence(items={KEYS[0]: item_of(KEYS[0]), KEYS[1]: {**item_of(KEYS[1]), "website": {"S": "x"}}})
    )
    result = measure(BY_NAME[name], found)
    assert result.violations == 1
    assert culprit in result.sample[0]
    assert KEYS[1].name in result.sample[0]


def test_an_item_that_is_gone_is_named() -> None:
    result = measure(BY_NAME["readback_equal"], evidence(items={KEYS[0]: item_of(KEYS[0])}))
    assert result.sample == (f"{KEYS[1].name} is not there",)


def test_what_others_changed_since_an_earlier_run_is_counted_and_no_fault_of_this_one() -> None:
    result = measure(BY_NAME["readback_equal"], evidence(items={KEYS[0]: item_of(KEYS[0])}, run_id="rp-20260106-0001"))
    assert result.violations == 0
    assert result.note == "1 written by earlier runs were changed or removed since"


@pytest.mark.parametrize(
    ("entry", "culprit"),
    [
        (entry_of(KEYS[1], Outcome.FAILED, "write_error", detail="500"), "failed: write_error (500)"),
        (entry_of(KEYS[1], Outcome.PARKED, "parked_budget"), "parked: parked_budget"),
        (entry_of(KEYS[1], None), "not_attempted: stopped"),
    ],
)
def test_a_record_that_is_not_settled_is_named_with_its_reason(entry: Entry, culprit: str) -> None:
    state = replace(evidence().state, entries={KEYS[0]: entry_of(KEYS[0]), KEYS[1]: entry})
    result = measure(BY_NAME["every_record_is_settled"], evidence(state=state))
    assert result.sample == (f"{KEYS[1].name} {culprit}",)


def test_a_quarantined_record_holds_its_bucket_back_from_nothing() -> None:
    entries = {KEYS[0]: entry_of(KEYS[0]), KEYS[1]: entry_of(KEYS[1], Outcome.QUARANTINED, Reason.OBSOLETE_ID)}
    found = evidence(
        state=replace(evidence().state, entries=entries), items={KEYS[0]: item_of(KEYS[0])}, ledger_applied=1
    )
    assert [measure(gate, found).violations for gate in GATES] == [0] * len(GATES)


@pytest.mark.parametrize(
    ("changes", "equation"),
    [
        ({"ledger_applied": 3}, "ledger_applied = created + enriched: 3 is not 2 (+1)"),
        ({"wrong_calls": ("http_attempts: 3 is not 2",)}, "http_attempts: 3 is not 2"),
    ],
)
def test_counts_that_do_not_add_up_are_named(changes: dict[str, Any], equation: str) -> None:
    assert measure(BY_NAME["totals_reconcile"], evidence(**changes)).sample == (equation,)


def test_a_place_with_our_mark_that_the_ledger_does_not_know_does_not_add_up() -> None:
    state = replace(evidence().state, entries={KEYS[0]: entry_of(KEYS[0])}, left={KEYS[1]: Reason.LIMIT})
    (culprit,) = measure(BY_NAME["totals_reconcile"], evidence(state=state, ledger_applied=1)).sample
    assert culprit.startswith("places_after = places_before + created + places_by_others")
    assert culprit.endswith("2 is not 1 (+1)")


def test_places_of_others_and_removed_ones_add_up() -> None:
    other = item_of(KEYS[1], reasoning={"S": "by the live system"})
    state = replace(
        evidence().state, entries={KEYS[0]: entry_of(KEYS[0]), KEYS[1]: entry_of(KEYS[1], Outcome.EXISTING, "existing")}
    )
    assert (
        measure(BY_NAME["totals_reconcile"], evidence(state=state, items={KEYS[1]: other}, ledger_applied=1)).violations
        == 0
    )


def test_the_digest_of_a_bucket_is_of_outcomes_and_contents_and_not_of_runs() -> None:
    rows = list(map(row, KEYS))
    one = bucket_states(["07"], rows, {key: entry_of(key) for key in KEYS}, {})["07"]
    two = bucket_states(["07"], rows, {key: entry_of(key, run_id="rp-20260106-0001") for key in KEYS}, {})["07"]
    other = bucket_states(["07"], rows, {key: entry_of(key, content_digest="x") for key in KEYS}, {})["07"]
    assert one.digest == two.digest != other.digest
