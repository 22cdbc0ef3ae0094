"""The counts of a table by hand: shares of everything that is metadata, and estimates for what has no place yet."""

from decimal import Decimal

from backfill_pipelines.receipts.assessment import Assessed, Assumptions, Census, Share, assess, estimate
from backfill_pipelines.receipts.keys import Malformed, MalformedReason, RecordKey
from backfill_pipelines.receipts.metadata import Eligibility, Metadata, eligibility
from backfill_pipelines.receipts.place_reading import Existing
from backfill_pipelines.receipts.prices import Tier
from backfill_pipelines_tests.receipts.builders import IMAGE, PLACE_ID, metadata

OTHER_ID = "ChIJW__ceXS4toW__ceXS4t4kRF4oEJPDO31o"
CORRUPT = Malformed("IMAGE#1", "RECEIPT#00001#METADATA", MalformedReason.IMAGE_ID_NOT_UUID4)


def numbered(number: int, **changes: object) -> Metadata:
    return metadata(SK=f"RECEIPT#{number:05d}#METADATA", **changes)


ROWS = [
    numbered(1, merchant_name="IN-N-OUT", phone_number="N/A"),
    numbered(2, merchant_name="In-N-Out Burger", canonical_place_id="ChIJBBBBBBBBBBBBBBBBBBBBBBB"),
    numbered(3, place_id=OTHER_ID, address="null", phone_number=""),
    numbered(4, place_id="null", phone_number="12345"),
    numbered(5),
]
WITHOUT_RECEIPT = 5


def census(*, existing: Existing = Existing.NONE) -> Census:
    records = [Assessed(row, eligibility(row, has_receipt=row.receipt_id != WITHOUT_RECEIPT), existing) for row in ROWS]
    receipts = frozenset(RecordKey.of(IMAGE, number) for number in (1, 2, 3, 4, 9))
    return Census({"RECEIPT": 5, "RECEIPT_METADATA": 6}, records, (CORRUPT,), receipts)


def test_rows_are_counted_by_what_becomes_of_them() -> None:
    found = assess(census())
    assert (found.metadata_rows, found.eligible, found.ineligible) == (6, 3, 2)
    assert found.metadata_rows == found.eligible + found.ineligible + len(census().malformed)
    assert found.by_reason == {
        "eligible": 3,
        "place_id_missing": 0,
        "place_id_placeholder": 1,
        "place_id_malformed": 0,
        "receipt_missing": 1,
    }
    assert found.malformed_by_reason == {"image_id_not_uuid4": 1}
    assert (found.receipts_without_metadata, found.metadata_without_receipt) == (1, 1)


def test_a_placeholder_is_not_null_and_still_no_value() -> None:
    found = assess(census())
    assert (found.usable.place_id, found.not_null.place_id) == (Share(4, 6), Share(5, 6))
    assert (found.usable.address, found.not_null.address) == (Share(4, 6), Share(5, 6))
    assert found.usable.all_three == Share(3, 6)


def test_place_ids_are_those_of_eligible_records() -> None:
    found = assess(census()).place_ids
    assert (found.distinct, found.calls_saved, found.suspicious) == (2, Share(1, 3), (OTHER_ID,))
    assert found.most_used == ((PLACE_ID, 2), (OTHER_ID, 1))
    assert found.with_many_names == {PLACE_ID: ("IN-N-OUT", "In-N-Out Burger")}
    assert found.canonical_differs == 1


def test_coordinates_are_known_only_after_the_answers() -> None:
    assert assess(census()).with_coordinates is None
    assert assess(census(), frozenset({PLACE_ID})).with_coordinates == Share(2, 3)


def test_phones_and_renamed_keys() -> None:
    found = assess(census())
    phones = found.phones
    assert (phones.usable, phones.placeholder, phones.blank, phones.rejected) == (2, 1, 1, 1)
    assert found.renamed_keys == Share(2, 3)


def test_an_empty_table_has_shares_of_nothing() -> None:
    found = assess(Census({}, (), (), frozenset()))
    assert found.usable.place_id.percent == 0.0
    assert (found.eligible, found.place_ids.distinct) == (0, 0)
    assert estimate(Census({}, (), (), frozenset()), Assumptions()).seconds == 0


def test_the_estimate_is_for_records_without_a_place() -> None:
    found = estimate(census(), Assumptions(calls_used_this_month=999, mean_units=Decimal(3), mean_bytes=2_900))
    assert (found.places_to_create, found.calls) == (3, {"Place Details Enterprise": 2})
    assert (found.calls_cost, found.write_units, found.storage_bytes) == (Decimal("0.02"), 54, 3 * 3_000 * 6)
    assert found.seconds == 2 / 300 * 60
    assert estimate(census(existing=Existing.STUB), Assumptions()).places_to_create == 0


def test_cached_ids_need_no_call() -> None:
    found = estimate(census(), Assumptions(tier=Tier.PRO, fresh_ids=frozenset({PLACE_ID})))
    assert found.calls == {"Place Details Pro": 1}
    assert set(Eligibility) == {Eligibility(name) for name in assess(census()).by_reason}
