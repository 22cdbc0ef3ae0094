"""The entity and its item: keys, geohash, types of attributes, and the rules that keep a bad item out of the table."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from backfill_pipelines.receipts.items import item_size
from backfill_pipelines.receipts.place import InvalidPlace, geohash_of, is_geohash, keys_of, to_item
from backfill_pipelines_tests.receipts.builders import AT, IMAGE, PLACE_ID, answer, built, metadata

GSI_SK = f"IMAGE#{IMAGE}#RECEIPT#00001#PLACE"


@pytest.mark.parametrize(
    ("latitude", "longitude", "expected"),
    [
        ("51.510383", "-0.122075", "gcpvj1"),
        ("51.5118418", "-0.1285724", "gcpvj1"),
        ("51.5146665", "-0.1249446", "gcpvj1"),
        ("51.5111633", "-0.1287309", "gcpvj1"),
        ("51.5138529", "-0.1181894", "gcpvj3"),
        ("40.7128", "-74.0060", "dr5reg"),
        ("34.1915", "-118.624", "9q5ds8"),
        ("0", "0", "7zzzzz"),
        ("90", "180", "zzzzzz"),
        ("-90", "-180", "000000"),
    ],
)
def test_geohashes(latitude: str, longitude: str, expected: str) -> None:
    """On cell borders other libraries differ: (0, 0) is s00000 for them."""
    assert geohash_of(Decimal(latitude), Decimal(longitude)) == expected
    assert is_geohash(expected)


def test_half_a_point_has_no_geohash() -> None:
    assert geohash_of(None, Decimal(1)) == geohash_of(Decimal(1), None) == ""
    assert not is_geohash("")
    assert not is_geohash("gcpvja")
    assert not is_geohash("gcpvj11")


def test_every_key_comes_from_the_scalars() -> None:
    place = built().place
    assert keys_of(place, place.geohash) == {
        "PK": {"S": f"IMAGE#{IMAGE}"},
        "SK": {"S": "RECEIPT#00001#PLACE"},
        "TYPE": {"S": "RECEIPT_PLACE"},
        "GSI1PK": {"S": "MERCHANT#GREEN_GROCER"},
        "GSI1SK": {"S": GSI_SK},
        "GSI2PK": {"S": f"PLACE#{PLACE_ID}"},
        "GSI2SK": {"S": GSI_SK},
        "GSI3PK": {"S": "PLACE_VALIDATION"},
        "GSI3SK": {"S": f"CONFIDENCE#0.9500#STATUS#MATCHED#IMAGE#{IMAGE}"},
        "GSI4PK": {"S": "GEOHASH#9q5ds8"},
        "GSI4SK": {"S": f"PLACE#{PLACE_ID}"},
    }


def test_sparse_indexes_leave_out_what_they_cannot_index() -> None:
    place = replace(built().place, place_id="", latitude=None, longitude=None)
    assert not {"GSI2PK", "GSI2SK", "GSI4PK", "GSI4SK"} & to_item(place).keys()


def test_the_item_has_the_types_that_both_generations_of_readers_accept() -> None:
    item = built().item
    assert item["merchant_types"] == {"L": [{"S": "store"}, {"S": "grocery_store"}]}
    assert item["confidence"] == {"N": "0.95"}
    assert item["receipt_id"] == {"N": "1"}
    assert item["hours_data"] == {
        "S": '{"periods":[{"close":{"day":1,"hour":22,"minute":0},"open":{"day":1,"hour":8,"minute":0}}]}'
    }
    assert item["address_components"] == {
        "M": {
            "components": {
                "L": [
                    {
                        "M": {
                            "longText": {"S": "12"},
                            "shortText": {"S": "12"},
                            "languageCode": {"S": "en-US"},
                            "types": {"L": [{"S": "street_number"}]},
                        }
                    }
                ]
            }
        }
    }
    assert item["latitude"] == {"N": "34.1915"}
    assert item["timestamp"] == {"S": AT}
    assert "open_now" not in item


def test_empty_texts_are_null_and_empty_collections_absent() -> None:
    place = replace(built().place, website="", hours_summary=(), hours_periods=(), address_components=())
    item = to_item(place)
    assert item["website"] == {"NULL": True}
    assert not {"hours_summary", "hours_data", "address_components", "photo_references"} & item.keys()


def test_no_attribute_is_unknown_to_the_readers() -> None:
    """They build their entity from every attribute: one more, and a whole page raises."""
    known = """PK SK TYPE GSI1PK GSI1SK GSI2PK GSI2SK GSI3PK GSI3SK GSI4PK GSI4SK image_id receipt_id place_id
        merchant_name merchant_category merchant_types formatted_address short_address address_components latitude
        longitude geohash viewport_ne_lat viewport_ne_lng viewport_sw_lat viewport_sw_lng plus_code phone_number
        phone_intl website maps_url business_status open_now hours_summary hours_data photo_references matched_fields
        validated_by validation_status confidence reasoning timestamp places_api_version"""
    assert built().item.keys() <= set(known.split())


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"image_id": "3f52804b-2fad-1e00-92c8-b593da3a8ed3"}, "UUID"),
        ({"receipt_id": 0}, "receipt_id"),
        ({"merchant_name": "酔瓉楼"}, "slug"),
        ({"merchant_name": "A" * 3000}, "GSI1PK is longer than 2048 bytes"),
        ({"place_id": "x" * 1100}, "GSI4SK is longer than 1024 bytes"),
        ({"confidence": Decimal("1.01")}, "confidence"),
        ({"confidence": Decimal("NaN")}, "confidence"),
        ({"validation_status": "VALID"}, "validation_status"),
        ({"validated_by": "GPT"}, "validated_by"),
        ({"timestamp": "2026-01-05T12:00:00"}, "offset"),
        ({"timestamp": "now"}, "offset"),
        ({"latitude": None}, "one coordinate"),
        ({"latitude": Decimal("90.1")}, "out of range"),
        ({"viewport_ne_lng": Decimal("Infinity")}, "out of range"),
        ({"website": "https://example.com/\ud800"}, "surrogate"),
    ],
)
def test_a_place_that_breaks_a_rule_is_not_written(changes: dict[str, Any], rule: str) -> None:
    with pytest.raises(InvalidPlace, match=rule):
        to_item(replace(built().place, **changes))


def test_all_broken_rules_are_named_at_once() -> None:
    with pytest.raises(InvalidPlace, match=r"receipt_id.*; .*slug"):
        to_item(replace(built().place, receipt_id=-1, merchant_name="!"))


def test_zero_is_a_coordinate() -> None:
    place = replace(built().place, latitude=Decimal(0), longitude=Decimal(0))
    assert to_item(place)["GSI4PK"] == {"S": "GEOHASH#7zzzzz"}
    assert to_item(place)["latitude"] == {"N": "0"}


def test_photos_are_what_makes_an_item_large() -> None:
    body = {"photos": [{"name": f"places/x/photos/{'a' * 430}{n}"} for n in range(10)]}
    without = built(metadata(), answer(**body))
    with_photos = built(metadata(), answer(**body), photo_references_max=3)
    assert "photo_references" not in without.item
    assert len(with_photos.place.photo_references) == 3
    assert with_photos.size - without.size > 3 * 440
    assert with_photos.size == item_size(with_photos.item)
