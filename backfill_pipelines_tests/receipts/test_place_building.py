"""From a row and an answer to a place: which source wins, what is quarantined, and that no answer raises."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backfill_pipelines.receipts.items import MOST_ITEM_BYTES, item_digest
from backfill_pipelines.receipts.place_building import Built, Quarantined
from backfill_pipelines.receipts.place_reading import read_place, wrong_keys
from backfill_pipelines_tests.receipts.builders import PLACE_ID, answer, build_any, built, metadata
from backfill_pipelines_tests.receipts.unhurried import UNHURRIED

ELSEWHERE = {
    "displayName": {"text": "Bow Street Barber"},
    "formattedAddress": "1 Bow St, London WC2E 8RF, UK",
    "internationalPhoneNumber": "+44 20 3026 5669",
    "nationalPhoneNumber": "020 3026 5669",
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


def quarantined(body: dict[str, Any], **row: Any) -> Quarantined:
    found = build_any(metadata(**row), body)
    assert isinstance(found, Quarantined), found
    return found


@settings(UNHURRIED, max_examples=300)
@given(st.dictionaries(st.sampled_from(sorted(answer())), JSON, max_size=6))
def test_whatever_an_answer_holds_it_becomes_a_place_or_a_reason(changes: dict[str, Any]) -> None:
    found = build_any(None, answer() | changes)
    if isinstance(found, Built):
        assert read_place(found.item) == found.place
        assert wrong_keys(found.item) == ()


@pytest.mark.parametrize(
    ("shown", "receipt", "expected", "notes"),
    [
        ("Green Grocer Ltd", "Green Grocer", "Green Grocer Ltd", ()),
        ("", "Green Grocer", "Green Grocer", ()),
        (" ", "Green Grocer", "Green Grocer", ()),
        ("酔瓉楼", "Green Grocer", "Green Grocer", ("name_non_latin",)),
        ("614 Gravier St", "Green Grocer", "Green Grocer", ("name_address_like",)),
        ("614 Gravier St", "null", "614 Gravier St", ("name_address_like",)),
        ("", "101 S Westlake Blvd", "101 S Westlake Blvd", ()),
    ],
)
def test_the_name_is_the_first_that_identifies_a_merchant(
    shown: str, receipt: str, expected: str, notes: tuple[str, ...]
) -> None:
    found = built(metadata(merchant_name=receipt), answer(displayName={"text": shown}))
    assert (found.place.merchant_name, found.notes) == (expected, notes)


@pytest.mark.parametrize("name", [{"displayName": {"text": "酔瓉楼"}}, {"displayName": ...}])
def test_a_record_that_nobody_can_name_is_quarantined(name: dict[str, Any]) -> None:
    assert quarantined(answer(**name), merchant_name="!!!").reason == "name_unslugable"


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        (..., "no_coordinates"),
        (None, "no_coordinates"),
        ({"latitude": 1.0}, "no_coordinates"),
        ({"latitude": 90.5, "longitude": 1.0}, "bad_coordinates"),
        ({"latitude": 1.0, "longitude": -181}, "bad_coordinates"),
        ({"latitude": float("nan"), "longitude": 1.0}, "bad_coordinates"),
        ({"latitude": "51.5", "longitude": 1.0}, "bad_coordinates"),
        ({"latitude": True, "longitude": 1.0}, "bad_coordinates"),
    ],
    ids=str,
)
def test_a_place_that_is_nowhere_is_quarantined(location: Any, reason: str) -> None:
    """An item without a geohash would break a must-have of the table."""
    assert quarantined(answer(location=location)).reason == reason


def test_zero_zero_is_a_place() -> None:
    assert built(None, answer(location={"latitude": 0, "longitude": 0})).place.geohash == "7zzzzz"


@pytest.mark.parametrize(
    ("field", "google", "receipt", "expected"),
    [
        ("formatted_address", {"formattedAddress": ...}, {}, "12 Market St, Springfield, CA 90001, USA"),
        ("formatted_address", {"formattedAddress": ...}, {"address": "N/A"}, ""),
        ("merchant_category", {"primaryType": ...}, {}, "store"),
        ("merchant_category", {"primaryType": ..., "types": ...}, {}, "Grocery"),
        ("merchant_category", {"primaryType": ..., "types": []}, {"merchant_category": "Unknown"}, ""),
        ("phone_number", {"nationalPhoneNumber": ...}, {"phone_number": "1-800-935-9935"}, "1-800-935-9935"),
        ("phone_number", {"nationalPhoneNumber": ...}, {"phone_number": "9899999980376"}, ""),
        ("phone_number", {"nationalPhoneNumber": ...}, {"phone_number": "N/A"}, ""),
        (
            "maps_url",
            {"googleMapsUri": ...},
            {},
            "https://www.google.com/maps/search/?api=1&query=34.1915,-118.624",
        ),
        ("plus_code", {"plusCode": {"compoundCode": "x"}}, {}, ""),
    ],
)
def test_what_google_lacks_comes_from_the_receipt(
    field: str, google: dict[str, Any], receipt: dict[str, Any], expected: str
) -> None:
    assert getattr(built(metadata(**receipt), answer(**google)).place, field) == expected


@pytest.mark.parametrize(
    ("status", "confidence"), [("MATCHED", "0.95"), ("UNSURE", "0.65"), ("NO_MATCH", "0.30"), ("odd", "0.65")]
)
def test_the_confidence_is_what_the_receipt_knew(status: str, confidence: str) -> None:
    assert built(metadata(validation_status=status)).place.confidence == Decimal(confidence)


@pytest.mark.parametrize(
    ("status", "expected"),
    [("MATCHED", ("UNSURE", "0.50")), ("UNSURE", ("UNSURE", "0.50")), ("NO_MATCH", ("NO_MATCH", "0.30"))],
)
def test_another_place_altogether_caps_the_confidence(status: str, expected: tuple[str, str]) -> None:
    place = built(metadata(validation_status=status), answer(**ELSEWHERE)).place
    assert (place.validation_status, str(place.confidence)) == expected


def test_the_receipts_own_phone_does_not_clear_a_suspicion() -> None:
    """A place without a phone takes the receipt's: compared with itself it would clear every such place."""
    phoneless = ELSEWHERE | {"internationalPhoneNumber": ..., "nationalPhoneNumber": ...}
    found = built(None, answer(**phoneless))
    assert found.place.phone_number == "(555) 010-0000"
    assert found.agreement.is_suspicious


def test_googles_phone_does() -> None:
    found = built(None, answer(**ELSEWHERE | {"internationalPhoneNumber": "+1 555-010-0000"}))
    assert (found.agreement.name, found.agreement.address) == ("improvement", "improvement")
    assert found.place.validation_status == "MATCHED"


def test_matched_fields_claim_only_what_was_matched() -> None:
    assert built(metadata(matched_fields={"SS": ["Address", "Name"]})).place.matched_fields == (
        "name",
        "address",
        "place_id",
    )
    assert built(metadata(matched_fields=...)).place.matched_fields == ("place_id",)


def test_a_moved_place_keeps_the_requested_id() -> None:
    """The metadata row stands under that id in the same index."""
    for body in (answer(id="ChIJBBBBBBBBBBBBBBBBBBBBBBB"), answer(movedPlaceId="ChIJBBBBBBBBBBBBBBBBBBBBBBB")):
        found = built(None, body)
        assert (found.place.place_id, found.notes) == (PLACE_ID, ("id_moved",))


def test_a_closed_place_is_written_and_noted() -> None:
    found = built(None, answer(businessStatus="CLOSED_PERMANENTLY"))
    assert (found.place.business_status, found.notes) == ("CLOSED_PERMANENTLY", ("closed_permanently",))


def test_a_viewport_off_the_globe_is_left_out() -> None:
    found = built(None, answer(viewport={"high": {"latitude": 91, "longitude": 0}, "low": {}}))
    assert found.notes == ("viewport_out_of_range",)
    assert "viewport_ne_lat" not in found.item
    assert "viewport_ne_lat" not in built(None, answer(viewport={"high": {"latitude": 9, "longitude": 0}})).item


def test_hours_keep_the_week_and_lose_the_dates() -> None:
    overnight = {"open": {"day": 5, "hour": 18, "minute": 0}, "close": {"day": 6, "hour": 2, "minute": 30}}
    dated = {name: point | {"date": {"day": 1}, "truncated": True} for name, point in overnight.items()}
    open_day_and_night = {"open": {"day": 0, "hour": 0, "minute": 0}}
    current = {"periods": [dated, open_day_and_night, {"close": {"day": 1}}, "x"], "weekdayDescriptions": ["Friday: …"]}
    found = built(None, answer(regularOpeningHours=..., currentOpeningHours=current)).place
    assert found.hours_periods == (overnight, open_day_and_night)
    assert found.hours_summary == ("Friday: …",)
    assert built(None, answer(currentOpeningHours=current)).place.hours_summary[0].startswith("Monday: 8:00\u202fAM")


def test_an_answer_of_a_cheap_tier_makes_a_place_too() -> None:
    cheap = {name: value for name, value in answer().items() if name in ("id", "location", "formattedAddress")}
    place = built(None, cheap).place
    assert (place.merchant_name, place.merchant_category, place.hours_summary) == ("Green Grocer", "Grocery", ())


def test_too_large_and_invalid_items_are_quarantined() -> None:
    assert quarantined(answer(websiteUri="x" * MOST_ITEM_BYTES)).reason == "item_too_large"
    assert quarantined(answer(), place_id="x" * 3000).reason == "invalid_item"
    assert quarantined(answer(websiteUri="\ud800")).reason == "invalid_item"


def test_the_same_input_makes_the_same_item() -> None:
    assert item_digest(built().item) == item_digest(built().item)
