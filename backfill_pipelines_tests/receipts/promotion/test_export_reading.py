"""An export is copied whole, or set aside with the reason and the place in the file; nothing is dropped silently."""

import gzip
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from backfill_pipelines.receipts.promotion.entities import ENTITIES, NEVER_MIGRATED
from backfill_pipelines.receipts.promotion.export_reading import read_export, stale_export
from backfill_pipelines.receipts.promotion.planned_image import PlannedImage, Reason, SetAside
from backfill_pipelines.receipts.promotion.reading_rules import ReadingRules
from backfill_pipelines_tests.receipts.promotion.exports import (
    BUCKETS,
    IMAGE,
    RAW,
    RULES,
    export,
    geometry,
    planned,
    read,
    rows,
)

OTHER = "0b5c5f9e-2b1a-4c8e-9d7e-1f2a3b4c5d6e"
NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)


def _aside(content: dict[str, Any], rules: ReadingRules = RULES) -> tuple[str, bool, str]:
    found = read(content, rules)
    assert isinstance(found, SetAside), found
    assert found.image_id == IMAGE
    return found.reason, found.is_failure, found.detail


def test_a_complete_export_becomes_one_item_for_every_row() -> None:
    image = planned()
    assert image.image_id == IMAGE
    assert image.counts == dict.fromkeys(ENTITIES, 1)
    assert len(image.items) == len(ENTITIES)
    assert image.embedding_rows == 2
    assert image.origin == f"{IMAGE}.json"
    assert (image.not_migrated, image.accepted_losses) == ({}, {})


def test_the_image_row_is_last_and_places_and_labels_are_before_lines_and_words() -> None:
    stages = [(one.stage, one.type_name) for one in planned().items]
    assert [stage for stage, _ in stages] == sorted(stage for stage, _ in stages)
    assert stages[-1] == (4, "IMAGE")
    assert {name for stage, name in stages if stage == 2} == {"RECEIPT_METADATA", "RECEIPT_PLACE", "RECEIPT_WORD_LABEL"}
    assert {name for stage, name in stages if stage == 3} == {"RECEIPT_LINE", "RECEIPT_WORD"}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b'{"images": [{"image_id": "3f52', Reason.UNREADABLE_EXPORT),
        (b"", Reason.UNREADABLE_EXPORT),
        (b"[]", Reason.UNREADABLE_EXPORT),
        (b'{"images": [], "images": []}', Reason.UNREADABLE_EXPORT),
        (b'{"images": [{"width": NaN}]}', Reason.UNREADABLE_EXPORT),
        (b"\xff\xfe\x00", Reason.UNREADABLE_EXPORT),
        (b'{"images": {}}', Reason.INVALID_ROW),
        (b'{"images": [1]}', Reason.INVALID_ROW),
        (b"{}", Reason.NO_IMAGE_ROW),
    ],
    ids=["truncated", "empty", "a list", "a list twice", "no number", "no text", "no list", "no rows", "no lists"],
)
def test_a_file_that_is_no_export_fails(content: bytes, reason: Reason) -> None:
    found = read_export(f"exports/{IMAGE}.json", content, RULES)
    assert isinstance(found, SetAside)
    assert (found.image_id, found.reason, found.is_failure) == (IMAGE, reason, True)
    assert found.detail.startswith(f"exports/{IMAGE}.json: ")


def test_a_packed_export_is_read_as_the_plain_one_and_a_truncated_one_fails() -> None:
    content = json.dumps(export()).encode()
    packed = gzip.compress(content)
    whole = read_export(f"{IMAGE}.json.gz", packed, RULES)
    cut = read_export(f"{IMAGE}.json.gz", packed[: len(packed) // 2], RULES)
    not_packed = read_export(f"{IMAGE}.json.gz", content, RULES)
    assert isinstance(whole, PlannedImage)
    assert whole.items == planned().items
    assert [one.reason for one in (cut, not_packed) if isinstance(one, SetAside)] == [Reason.UNREADABLE_EXPORT] * 2


@pytest.mark.parametrize("images", [..., [], [*rows("images"), *rows("images")]], ids=["absent", "empty", "two"])
def test_an_export_needs_exactly_one_image(images: Any) -> None:
    reason, is_failure, _ = _aside(export(images=images))
    assert (reason, is_failure) == (Reason.NO_IMAGE_ROW, True)


def test_an_export_under_the_name_of_another_image_fails() -> None:
    reason, is_failure, detail = _aside(export(images=rows("images", image_id=OTHER)))
    assert (reason, is_failure) == (Reason.STEM_MISMATCH, True)
    assert OTHER in detail


def test_an_image_id_that_is_no_uuid_4_fails() -> None:
    content = json.dumps(export()).replace(IMAGE, "image-1").encode()
    found = read_export("image-1.json", content, RULES)
    assert isinstance(found, SetAside)
    assert (found.reason, found.is_failure) == (Reason.INVALID_IMAGE_ID, True)


@pytest.mark.parametrize("name", [name for name in ENTITIES if name != "images"])
def test_a_row_of_another_image_fails(name: str) -> None:
    reason, is_failure, detail = _aside(export(**{name: rows(name, image_id=OTHER)}))
    assert (reason, is_failure) == (Reason.FOREIGN_ROW, True)
    assert f"{name}[0]" in detail


@pytest.mark.parametrize("name", [name for name in ENTITIES if name != "images"])
def test_a_key_that_stands_twice_quarantines_the_image(name: str) -> None:
    reason, is_failure, detail = _aside(export(**{name: rows(name) * 2}))
    assert (reason, is_failure) == (Reason.DUPLICATE_KEY, False)
    assert "more than once: " in detail


def test_labels_that_differ_only_in_case_are_one_key() -> None:
    both = [*rows("receipt_word_labels", label="total"), *rows("receipt_word_labels", label="Total")]
    reason, _, detail = _aside(export(receipt_word_labels=both))
    assert reason == Reason.DUPLICATE_KEY
    assert "RECEIPT#00001#LINE#00001#WORD#00001#LABEL#TOTAL" in detail


def test_an_unknown_list_fails_unless_it_is_empty_or_its_loss_is_accepted() -> None:
    barcodes = {"receipt_barcodes": [{"image_id": IMAGE}, {"image_id": IMAGE}]}
    reason, is_failure, detail = _aside(export(**barcodes))
    assert (reason, is_failure) == (Reason.UNKNOWN_LIST, True)
    assert "receipt_barcodes" in detail
    assert planned(export(receipt_barcodes=[])).items == planned().items
    accepted = planned(export(**barcodes), ReadingRules(BUCKETS, frozenset({"receipt_barcodes"})))
    assert accepted.accepted_losses == {"receipt_barcodes": 2}
    assert accepted.items == planned().items


@pytest.mark.parametrize("name", list(ENTITIES))
def test_an_unknown_attribute_fails_unless_its_loss_is_accepted(name: str) -> None:
    content = export(**{name: rows(name, colour="red")})
    reason, is_failure, detail = _aside(content)
    assert (reason, is_failure) == (Reason.UNKNOWN_ATTRIBUTE, True)
    assert f"{name}[0] has colour" in detail
    accepted = planned(content, ReadingRules(BUCKETS, frozenset({f"{name}.colour"})))
    assert accepted.accepted_losses == {f"{name}.colour": 1}
    assert accepted.items == planned().items


def test_a_list_that_is_never_migrated_is_counted_and_left_behind() -> None:
    image = planned(export(**{name: [{"id": 1}, {"id": 2}] for name in NEVER_MIGRATED}))
    assert image.not_migrated == dict.fromkeys(NEVER_MIGRATED.values(), 2)
    assert image.items == planned().items


BUCKET_ATTRIBUTES = [
    *((name, bucket) for name in ("images", "receipts") for bucket in ("raw_s3_bucket", "cdn_s3_bucket")),
    *((name, "s3_bucket") for name in ("ocr_jobs", "ocr_routing_decisions")),
]


@pytest.mark.parametrize(("name", "attribute"), BUCKET_ATTRIBUTES)
def test_a_foreign_bucket_quarantines_the_image_unless_it_is_named(name: str, attribute: str) -> None:
    content = export(**{name: rows(name, **{attribute: "elsewhere"})})
    reason, is_failure, detail = _aside(content)
    assert (reason, is_failure) == (Reason.UNKNOWN_BUCKET, False)
    assert attribute in detail
    assert "Repair: --bucket-map elsewhere=COUNTERPART, or elsewhere=elsewhere to keep the name" in detail
    kept = planned(content, ReadingRules({**BUCKETS, "elsewhere": "elsewhere"}))
    item = next(one.item for one in kept.items if one.type_name == ENTITIES[name].type_name)
    assert item[attribute] == {"S": "elsewhere"}


@pytest.mark.parametrize(("name", "attribute"), BUCKET_ATTRIBUTES)
def test_a_bucket_of_the_target_quarantines_the_image(name: str, attribute: str) -> None:
    content = export(**{name: rows(name, **{attribute: BUCKETS[RAW]})})
    assert _aside(content)[:2] == (Reason.SOURCE_IS_TARGET_ENVIRONMENT, False)


def test_an_image_without_receipts_is_quarantined() -> None:
    content = export(**{name: [] for name in ENTITIES if name.startswith("receipt")})
    assert _aside(content)[:2] == (Reason.EMPTY_IMAGE, False)


@pytest.mark.parametrize("name", [name for name in ENTITIES if name.startswith("receipt_")])
def test_what_belongs_to_a_receipt_that_is_not_there_quarantines_the_image(name: str) -> None:
    reason, is_failure, detail = _aside(export(**{name: rows(name, receipt_id=7)}))
    assert (reason, is_failure) == (Reason.RECEIPT_MISSING, False)
    assert "RECEIPT#00007#" in detail


def test_a_label_without_its_word_quarantines_the_image() -> None:
    reason, is_failure, detail = _aside(export(receipt_word_labels=rows("receipt_word_labels", word_id=9)))
    assert (reason, is_failure) == (Reason.WORD_MISSING, False)
    assert "WORD#00009#LABEL#PRODUCT_NAME" in detail


def test_receipts_without_metadata_places_labels_or_letters_are_no_fault() -> None:
    content = export(**dict.fromkeys(("letters", "receipt_letters", "receipt_word_labels", "receipt_places"), ...))
    assert planned(content).counts["receipt_places"] == 0


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("receipts", {"receipt_id": ...}),
        ("lines", {"line_id": 0}),
        ("lines", {"line_id": 10**18}),
        ("words", {"word_id": "1"}),
        ("letters", {"letter_id": True}),
        ("receipt_word_labels", {"label": " "}),
        ("ocr_jobs", {"job_id": None}),
        ("lines", {"text": ...}),
        ("lines", {"text": None}),
        ("words", {"bounding_box": {"x": 1, "y": 2}}),
        ("words", {"top_left": {"x": 1, "y": "2"}}),
        ("words", {"extracted_data": "text"}),
        ("receipt_words", {"is_noise": "no"}),
        ("images", {"width": "10"}),
        ("receipt_metadatas", {"matched_fields": "name"}),
        ("receipt_places", {"hours_data": {"hour": 1.5}}),
        ("receipt_places", {"address_components": ["one"]}),
        ("receipt_word_labels", {"label": "L" * 1025}),
    ],
    ids=str,
)
def test_a_value_of_another_kind_fails_and_is_named(name: str, changes: dict[str, Any]) -> None:
    reason, is_failure, detail = _aside(export(**{name: rows(name, **changes)}))
    assert (reason, is_failure) == (Reason.INVALID_ROW, True)
    assert name in detail


def test_half_of_a_surrogate_pair_fails() -> None:
    assert _aside(export(lines=rows("lines", text="\ud800")))[0] == Reason.INVALID_ROW


@pytest.mark.parametrize(
    "changes",
    [{"merchant_name": "라뒤레"}, {"latitude": 91, "longitude": 0}, {"latitude": 0, "longitude": -181}],
    ids=str,
)
def test_a_place_that_no_index_would_find_quarantines_the_image(changes: dict[str, Any]) -> None:
    assert _aside(export(receipt_places=rows("receipt_places", **changes)))[:2] == (Reason.INVALID_PLACE, False)


def test_an_item_that_is_too_large_quarantines_the_image() -> None:
    reason, is_failure, detail = _aside(export(lines=[{"image_id": IMAGE, "line_id": 1, **geometry("x" * 400_000)}]))
    assert (reason, is_failure) == (Reason.ITEM_TOO_LARGE, False)
    assert "LINE#00001 has 400," in detail


@pytest.mark.parametrize(
    ("age", "is_in_source", "is_stale"),
    [
        (timedelta(days=7), None, False),
        (timedelta(days=7, seconds=1), True, True),
        (timedelta(0), False, True),
        (timedelta(0), True, False),
    ],
    ids=["as old as may be", "too old", "deleted in the source", "fresh"],
)
def test_an_export_goes_stale_by_its_age_and_with_its_image(
    age: timedelta, is_in_source: bool | None, is_stale: bool
) -> None:
    found = stale_export(f"{IMAGE}.json", NOW - age, NOW, timedelta(days=7), is_in_source=is_in_source)
    assert (found is not None) == is_stale
    if found:
        assert (found.image_id, found.reason, found.is_failure) == (IMAGE, Reason.STALE_EXPORT, False)
