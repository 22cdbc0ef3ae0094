"""Items of every writer read alike: old generations' sets and JSON texts, stubs, stale keys, and what is broken."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backfill_pipelines.receipts.keys import Malformed
from backfill_pipelines.receipts.place import COORDINATES, LISTS, OPTIONAL_TEXTS, ReceiptPlace
from backfill_pipelines.receipts.place_reading import Existing, existing_state, read_place, regenerated_keys, wrong_keys
from backfill_pipelines_tests.receipts.builders import PLACE_ID, built, place_item
from backfill_pipelines_tests.receipts.test_metadata import ATTRIBUTES
from backfill_pipelines_tests.receipts.unhurried import UNHURRIED

ATTRIBUTE_NAMES = st.sampled_from(
    [*LISTS, *COORDINATES, *OPTIONAL_TEXTS, "confidence", "hours_data", "address_components", "open_now", "GSI3SK"]
)


def read(**changes: Any) -> ReceiptPlace:
    found = read_place(place_item(**changes))
    assert isinstance(found, ReceiptPlace)
    return found


@settings(UNHURRIED, max_examples=300)
@given(st.dictionaries(ATTRIBUTE_NAMES, ATTRIBUTES, max_size=6))
def test_whatever_a_place_holds_it_reads(changes: dict[str, Any]) -> None:
    assert read(**changes).place_id == PLACE_ID
    assert isinstance(wrong_keys(place_item(**changes)), tuple)


def test_what_is_written_reads_back_equal() -> None:
    assert read() == built().place
    assert read().stored_geohash == "9q5ds8"


@pytest.mark.parametrize(
    "stored",
    [
        {"SS": ["b", "a"]},
        {"L": [{"S": "a"}, {"S": "b"}]},
        {"S": '["a", "b"]'},
    ],
    ids=["SS", "L", "JSON"],
)
def test_lists_of_all_generations_read_alike(stored: dict[str, Any]) -> None:
    place = read(merchant_types=stored)
    assert (place.merchant_types, place.notes) == (("a", "b"), ())


@pytest.mark.parametrize("empty", [..., {"NULL": True}, {"S": ""}, {"S": " "}, {"L": []}, {"S": "[]"}], ids=str)
def test_lists_of_nothing_read_alike(empty: Any) -> None:
    place = read(hours_summary=empty)
    assert (place.hours_summary, place.notes) == ((), ())


@pytest.mark.parametrize(
    ("stored", "note"),
    [
        ({"S": "[1"}, "photo_references_malformed_json"),
        ({"S": "7"}, "photo_references_unreadable"),
        ({"N": "7"}, "photo_references_unreadable"),
        ({"L": [{"N": "7"}]}, "photo_references_unreadable"),
    ],
    ids=str,
)
def test_a_broken_list_is_empty_with_a_note(stored: dict[str, Any], note: str) -> None:
    place = read(photo_references=stored)
    assert (place.photo_references, place.notes) == ((), (note,))


def test_maps_read_from_json_text_and_from_maps() -> None:
    periods = ({"open": {"day": 1, "hour": 8, "minute": 0}},)
    text = json.dumps({"periods": list(periods)})
    opened = {"M": {name: {"N": str(value)} for name, value in periods[0]["open"].items()}}
    as_map = {"M": {"periods": {"L": [{"M": {"open": opened}}]}}}
    assert read(hours_data={"S": text}).hours_periods == read(hours_data=as_map).hours_periods == periods
    assert read(hours_data={"S": "{}"}).hours_periods == ()
    assert read(hours_data={"S": "{"}).notes == ("hours_data_malformed_json",)
    assert read(address_components={"M": {"components": {"S": "x"}}}).notes == ("address_components_unreadable",)


@pytest.mark.parametrize("broken", [{"S": "34.1"}, {"N": "x"}, {"N": "NaN"}], ids=str)
def test_a_broken_number_is_absent_with_a_note(broken: dict[str, Any]) -> None:
    place = read(latitude=broken)
    assert (place.latitude, place.notes) == (None, ("latitude_unreadable",))


def test_an_item_of_another_kind_is_no_place() -> None:
    assert isinstance(read_place(place_item(SK={"S": "RECEIPT#00001#METADATA"})), Malformed)
    assert isinstance(read_place(place_item(TYPE={"S": "RECEIPT_METADATA"})), Malformed)
    assert isinstance(read_place(place_item(TYPE=...)), ReceiptPlace)


def test_the_keys_of_a_good_place_are_those_of_its_scalars() -> None:
    assert wrong_keys(place_item()) == ()
    assert regenerated_keys(place_item()).items() <= place_item().items()


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"GSI1PK": {"S": "MERCHANT#OTHER"}}, ("GSI1PK",)),
        ({"merchant_name": {"S": "Other"}}, ("GSI1PK",)),
        ({"confidence": {"N": "0.8"}}, ("GSI3SK",)),
        ({"GSI2PK": ..., "GSI2SK": ...}, ("GSI2PK", "GSI2SK")),
        ({"geohash": {"NULL": True}}, ("GSI4PK", "GSI4SK")),
        ({"place_id": {"S": ""}}, ("GSI2PK", "GSI2SK", "GSI4SK")),
        ({"TYPE": ...}, ("TYPE",)),
    ],
    ids=str,
)
def test_stale_missing_and_surplus_keys_are_named(changes: dict[str, Any], wrong: tuple[str, ...]) -> None:
    assert wrong_keys(place_item(**changes)) == wrong


def test_a_confidence_in_another_spelling_makes_the_same_keys() -> None:
    assert wrong_keys(place_item(confidence={"N": "0.950"})) == ()


STUB = {"confidence": {"N": "0"}, "validation_status": {"S": ""}, "latitude": ..., "longitude": ...}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, Existing.FULL),
        (STUB, Existing.STUB),
        (STUB | {"confidence": {"N": "0.0"}}, Existing.STUB),
        (STUB | {"validation_status": {"S": "UNSURE"}}, Existing.FULL),
        (STUB | {"place_id": {"S": ""}}, Existing.CONFLICT),
        ({"place_id": {"S": "ChIJBBBBBBBBBBBBBBBBBBBBBBB"}}, Existing.CONFLICT),
    ],
    ids=str,
)
def test_an_existing_place_is_full_a_stub_or_somebody_elses(changes: dict[str, Any], expected: Existing) -> None:
    assert existing_state(place_item(**changes), PLACE_ID) is expected
    assert existing_state(None, PLACE_ID) is Existing.NONE


def test_numbers_read_as_they_are_stored() -> None:
    assert read(longitude={"N": "-0.12207499999999999"}).longitude == Decimal("-0.12207499999999999")
