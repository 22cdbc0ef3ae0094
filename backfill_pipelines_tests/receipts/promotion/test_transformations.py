"""What changes between source and target is what the documents say, and nothing else does."""

import json
from decimal import Decimal
from typing import Any

import pytest

from backfill_pipelines.receipts.items import Item, item_digest, plain
from backfill_pipelines.receipts.place_reading import read_place, wrong_keys
from backfill_pipelines.receipts.promotion.entities import BY_TYPE, ENTITIES
from backfill_pipelines.receipts.promotion.entity_keys import identity_of, keys_of
from backfill_pipelines.receipts.promotion.export_reading import read_export
from backfill_pipelines.receipts.promotion.fingerprints import items_fingerprint
from backfill_pipelines.receipts.promotion.planned_image import PlannedImage
from backfill_pipelines_tests.receipts.promotion.exports import (
    DATA,
    IMAGE,
    PROD_CDN,
    PROD_RAW,
    RULES,
    export,
    needs_exports,
    planned,
    rows,
)


def _item(name: str, content: dict[str, Any] | None = None) -> Item:
    type_name = ENTITIES[name].type_name
    return next(one.item for one in planned(content).items if one.type_name == type_name)


def test_buckets_become_those_of_the_target_and_null_stays_null() -> None:
    item = _item("images", export(images=rows("images", cdn_s3_bucket=None)))
    assert (item["raw_s3_bucket"], item["cdn_s3_bucket"]) == ({"S": PROD_RAW}, {"NULL": True})
    assert _item("receipts")["cdn_s3_bucket"] == {"S": PROD_CDN}
    assert _item("ocr_jobs")["s3_bucket"] == _item("ocr_routing_decisions")["s3_bucket"] == {"S": PROD_RAW}


@pytest.mark.parametrize("status", ["SUCCESS", "PENDING", "FAILED", "NOISE", "NONE", ...])
def test_lines_and_words_wait_for_their_embedding_whatever_they_were(status: Any) -> None:
    for name, part in (("receipt_lines", "LINE"), ("receipt_words", "WORD")):
        item = _item(name, export(**{name: rows(name, embedding_status=status)}))
        assert item["embedding_status"] == {"S": "NONE"}
        assert item["GSI1PK"] == {"S": "EMBEDDING_STATUS#NONE"}
        assert item["GSI1SK"] == {"S": f"{part}#IMAGE#{IMAGE}#{item['SK']['S']}"}


@pytest.mark.parametrize(("stored", "expected"), [(True, True), (False, False), (..., False)])
def test_noise_stays_noise_and_what_does_not_say_so_is_none(stored: Any, expected: bool) -> None:
    item = _item("receipt_lines", export(receipt_lines=rows("receipt_lines", is_noise=stored)))
    assert item["is_noise"] == {"BOOL": expected}


@pytest.mark.parametrize(
    ("stored", "attribute", "sort_key"),
    [
        (..., {"NULL": True}, "NUM_RECEIPTS#00000"),
        (None, {"NULL": True}, "NUM_RECEIPTS#00000"),
        (2, {"N": "2"}, "NUM_RECEIPTS#00002"),
    ],
)
def test_a_missing_count_of_receipts_is_null_and_zero_in_the_index(stored: Any, attribute: Any, sort_key: str) -> None:
    item = _item("images", export(images=rows("images", receipt_count=stored)))
    assert (item["receipt_count"], item["GSI3SK"]) == (attribute, {"S": sort_key})


def test_a_label_is_upper_case_and_padded_in_its_index() -> None:
    item = _item("receipt_word_labels")
    word = f"IMAGE#{IMAGE}#RECEIPT#00001#LINE#00001#WORD#00001"
    assert item["SK"] == {"S": "RECEIPT#00001#LINE#00001#WORD#00001#LABEL#PRODUCT_NAME"}
    assert item["GSI1PK"] == {"S": "LABEL#PRODUCT_NAME" + "_" * 22}
    assert len(item["GSI1PK"]["S"]) == 40
    assert item["GSI1SK"] == item["GSI2SK"] == {"S": word}
    assert item["GSI3SK"] == {"S": f"{word}#LABEL#PRODUCT_NAME"}
    assert item["reasoning"] == {"NULL": True}


def test_no_text_is_taken_for_a_date() -> None:
    texts = {"text": "20250419T101530Z"}
    assert _item("words", export(words=rows("words", **texts)))["text"] == {"S": "20250419T101530Z"}
    assert _item("receipt_metadatas")["timestamp"] == {"S": "yesterday"}
    assert _item("images")["timestamp_added"] == {"S": "2025-02-08T03:20:09.513471"}


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("0.1", "0.1"),
        ("-0.0", "0"),
        ("1.50", "1.5"),
        ("1e-7", "0.0000001"),
        ("0.12345678901234567890123456789012345678", "0.12345678901234567890123456789012345678"),
        ("12345678901234567890", "12345678901234567890"),
        ("2.5E3", "2500"),
    ],
)
def test_numbers_keep_every_digit(written: str, stored: str) -> None:
    content = json.dumps(export()).replace('"confidence": 0.5', f'"confidence": {written}')
    image = read_export(f"{IMAGE}.json", content.encode(), RULES)
    assert isinstance(image, PlannedImage), image
    assert next(one.item for one in image.items if one.type_name == "LINE")["confidence"] == {"N": stored}


@pytest.mark.parametrize("written", ["1." + "1" * 38, "1e126", "1e-131"])
def test_a_number_that_would_not_be_kept_exactly_fails(written: str) -> None:
    content = json.dumps(export()).replace('"confidence": 0.5', f'"confidence": {written}')
    image = read_export(f"{IMAGE}.json", content.encode(), RULES)
    assert not isinstance(image, PlannedImage)
    assert "confidence" in image.detail


def test_a_place_is_found_by_its_own_cell_and_keeps_the_order_of_its_lists() -> None:
    item = _item("receipt_places")
    assert item["geohash"] == {"S": "9q5ds8"}
    assert item["GSI4PK"] == {"S": "GEOHASH#9q5ds8"}
    assert item["merchant_types"] == {"L": [{"S": "store"}, {"S": "grocery_store"}]}
    assert item["hours_data"] == {"S": '{"periods":[{"open":{"day":1,"hour":8,"minute":0}}]}'}
    assert "open_now" not in item
    assert wrong_keys(item) == ()
    place = read_place(item)
    assert place.notes == ()  # pyright: ignore[reportAttributeAccessIssue]


def test_a_stub_of_a_place_is_carried_as_the_stub_it_is() -> None:
    stub = {"validation_status": "", "confidence": 0, "latitude": ..., "longitude": ..., "place_id": ""}
    item = _item("receipt_places", export(receipt_places=rows("receipt_places", **stub)))
    assert item["geohash"] == {"NULL": True}
    assert item["GSI3SK"] == {"S": f"CONFIDENCE#0.0000#STATUS##IMAGE#{IMAGE}"}
    assert not item.keys() & {"GSI2PK", "GSI2SK", "GSI4PK", "GSI4SK"}


@pytest.mark.parametrize(
    ("changes", "partition"),
    [
        ({}, "MERCHANT#GREEN_GROCER"),
        ({"canonical_merchant_name": "In-N-Out Burger"}, "MERCHANT#IN-N-OUT_BURGER"),
        ({"merchant_name": None}, "MERCHANT#"),
    ],
    ids=str,
)
def test_metadata_is_found_by_its_merchant_in_the_old_spelling(changes: dict[str, Any], partition: str) -> None:
    item = _item("receipt_metadatas", export(receipt_metadatas=rows("receipt_metadatas", **changes)))
    assert item["GSI1PK"] == {"S": partition}
    assert item["GSI1SK"] == item["GSI2SK"] == {"S": f"IMAGE#{IMAGE}#RECEIPT#00001#METADATA"}
    assert item["matched_fields"] == {"SS": ["name", "phone"]}
    assert item["phone_number"] == {"NULL": True}


def test_metadata_without_a_place_id_is_in_no_index_of_places() -> None:
    content = export(receipt_metadatas=rows("receipt_metadatas", place_id="", matched_fields=[]))
    assert not _item("receipt_metadatas", content).keys() & {"GSI2PK", "GSI2SK", "matched_fields"}


def test_everything_else_is_as_it_was() -> None:
    """Each attribute of each row, but for those that the rules change, reads back as the value of the export."""
    changed = {"embedding_status", "is_noise", "label", "geohash", "merchant_types", "hours_data", "open_now"}
    for name, entity in ENTITIES.items():
        row, item = export()[name][0], _item(name)
        for column, value in row.items():
            if column in item and column not in {*changed, *entity.buckets, "matched_fields"}:
                assert _same(plain(item[column]), value), (name, column)
        unaccounted = row.keys() - item.keys() - set(entity.ids) - {"image_id", "open_now"}
        assert not unaccounted, name


def _same(stored: Any, value: Any) -> bool:
    if isinstance(value, dict):
        return stored.keys() == value.keys() and all(_same(stored[name], value[name]) for name in value)
    if isinstance(value, float):
        return stored == Decimal(repr(value))
    return stored == (None if value == "" else value)


@needs_exports
@pytest.mark.parametrize("type_name", list(BY_TYPE))
def test_keys_are_those_of_the_original_code_for_every_type(type_name: str) -> None:
    items = json.loads((DATA / "dynamo_items_one_per_type.json").read_text("utf-8"))
    item = next(one for one in items if one["TYPE"]["S"] == type_name)
    entity = BY_TYPE[type_name]
    identity = identity_of(entity, item["SK"]["S"])
    assert identity is not None
    keys = keys_of(entity, item["PK"]["S"].removeprefix("IMAGE#"), identity, item)
    is_key = {name for name in item if name in {"PK", "SK", "TYPE"} or name.startswith("GSI")}
    assert keys == {name: item[name] for name in is_key}
    assert item.keys() - is_key - set(entity.stored_ids) <= entity.known


@pytest.mark.parametrize(
    ("name", "sort_key"),
    [
        ("receipts", "RECEIPT#1"),
        ("receipts", "RECEIPT#000001"),
        ("receipts", "RECEIPT#00001#PLACE"),
        ("receipt_lines", "RECEIPT#00001#LINE#1"),
        ("words", "LINE#00001#WORD#00001#LETTER#00001"),
        ("ocr_jobs", "ROUTING#x"),
    ],
)
def test_a_sort_key_in_another_spelling_is_no_identity(name: str, sort_key: str) -> None:
    assert identity_of(ENTITIES[name], sort_key) is None


def test_the_fingerprint_sees_words_labels_and_places_and_not_what_legitimately_differs() -> None:
    as_it_is = planned().fingerprint
    same = [
        export(receipt_lines=rows("receipt_lines", embedding_status="NONE", is_noise=False)),
        export(images=rows("images", cdn_s3_bucket=None)),
        export(words=rows("words", angle_degrees=90)),
        export(receipt_word_labels=rows("receipt_word_labels", reasoning="why", label="PRODUCT_NAME")),
        export(receipt_metadatas=rows("receipt_metadatas", timestamp="today")),
    ]
    assert {planned(content).fingerprint for content in same} == {as_it_is}
    others = [
        export(words=rows("words", text="MILKS")),
        export(receipt_word_labels=rows("receipt_word_labels", validation_status="INVALID")),
        export(receipt_word_labels=rows("receipt_word_labels", label="TOTAL")),
        export(receipt_places=rows("receipt_places", merchant_name="Other")),
        export(receipt_metadatas=...),
        export(ocr_jobs=rows("ocr_jobs", job_id="other")),
    ]
    assert len({planned(content).fingerprint for content in others} | {as_it_is}) == len(others) + 1


def test_items_under_a_key_that_cannot_be_read_make_another_fingerprint() -> None:
    image = planned()
    items = [one.item for one in image.items]
    assert items_fingerprint(IMAGE, items) == image.fingerprint
    stray = {"PK": {"S": f"IMAGE#{IMAGE}"}, "SK": {"S": "RECEIPT#1"}, "TYPE": {"S": "RECEIPT"}}
    assert items_fingerprint(IMAGE, [*items, stray]) != image.fingerprint
    run = {**stray, "TYPE": {"S": "COMPACTION_RUN"}}
    assert items_fingerprint(IMAGE, [*items, run]) == image.fingerprint


def test_the_digest_of_a_planned_item_is_that_of_the_item_as_read_back() -> None:
    assert all(one.digest == item_digest(one.item) for one in planned().items)
