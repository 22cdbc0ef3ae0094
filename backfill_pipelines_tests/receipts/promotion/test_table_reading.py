"""A partition of the source table becomes what its export becomes, and carries whatever else its items have."""

from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from backfill_pipelines.receipts.items import Item, typed
from backfill_pipelines.receipts.promotion.entities import NEVER_MIGRATED_TYPES
from backfill_pipelines.receipts.promotion.fingerprints import items_fingerprint
from backfill_pipelines.receipts.promotion.planned_image import PlannedImage, Reason, SetAside
from backfill_pipelines.receipts.promotion.reading_rules import ReadingRules
from backfill_pipelines.receipts.promotion.table_reading import NO_TYPE, image_ids, partition_of, read_table_image
from backfill_pipelines_tests.receipts.promotion.exports import (
    ALL_BUCKETS,
    BUCKETS,
    IMAGE,
    RULES,
    needs_exports,
    planned,
    read_file,
    real_exports,
)
from backfill_pipelines_tests.receipts.receipt_tables import ReceiptsPlace

#: As if the source held its own bucket names.
AS_STORED = ReadingRules({name: name for name in ALL_BUCKETS.buckets})


def stored() -> list[Item]:
    """The items of the source that the small export is an export of."""
    return [one.item for one in planned(rules=AS_STORED).items]


def _changed(items: Iterable[Item], type_name: str, **changes: Any) -> list[Item]:
    """The items with those of a TYPE changed; ``...`` takes an attribute away."""
    return [_with(item, changes) if item["TYPE"] == {"S": type_name} else item for item in items]


def _with(item: Item, changes: Mapping[str, Any]) -> Item:
    whole = dict(item) | {name: value if value is ... else typed(value) for name, value in changes.items()}
    return {name: attribute for name, attribute in whole.items() if attribute is not ...}


def _read(items: Iterable[Item], rules: ReadingRules = RULES) -> PlannedImage | SetAside:
    return read_table_image(items, IMAGE, rules, origin="dev")


def _planned(items: Iterable[Item], rules: ReadingRules = RULES) -> PlannedImage:
    found = _read(items, rules)
    assert isinstance(found, PlannedImage), found
    return found


def _aside(items: Iterable[Item]) -> tuple[str, bool, str]:
    found = _read(items)
    assert isinstance(found, SetAside), found
    return found.reason, found.is_failure, found.detail


def _item(image: PlannedImage, type_name: str) -> Item:
    return next(one.item for one in image.items if one.type_name == type_name)


def test_a_partition_becomes_what_its_export_becomes() -> None:
    from_export, from_table = planned(), _planned(stored())
    assert from_table.digest_by_key == from_export.digest_by_key
    assert from_table.fingerprint == from_export.fingerprint
    assert from_table.counts == from_export.counts
    assert (from_table.write_units, from_table.embedding_rows) == (from_export.write_units, from_export.embedding_rows)
    assert from_table.items[-1].type_name == "IMAGE"
    assert from_table.origin == "dev"


@needs_exports
def test_the_public_exports_become_the_same_from_a_table() -> None:
    for file in real_exports():
        as_stored, from_export = read_file(file, AS_STORED), read_file(file, ALL_BUCKETS)
        assert isinstance(as_stored, PlannedImage)
        assert isinstance(from_export, PlannedImage)
        items = [one.item for one in as_stored.items]
        found = read_table_image(items, as_stored.image_id, ALL_BUCKETS, origin="dev")
        assert isinstance(found, PlannedImage)
        assert found.digest_by_key == from_export.digest_by_key
        assert found.fingerprint == from_export.fingerprint


def test_unknown_attributes_and_their_types_are_kept() -> None:
    items = _changed(stored(), "RECEIPT_PLACE", merchant_types={"store", "bakery"}, colour={"deep": [1, None, True]})
    place = _item(_planned(items), "RECEIPT_PLACE")
    assert place["merchant_types"] == {"SS": ["bakery", "store"]}
    assert place["colour"] == typed({"deep": [1, None, True]})
    receipt = _item(_planned(_changed(stored(), "RECEIPT", GSI4PK="IMAGE#x", GSI4SK="0_RECEIPT")), "RECEIPT")
    assert receipt["GSI4SK"] == {"S": "0_RECEIPT"}


def test_keys_are_made_anew_from_the_scalars() -> None:
    """Rows that an update of scalars alone left under stale index keys would be found in the wrong place."""
    items = _changed(stored(), "OCR_JOB", GSI1PK="OCR_JOB_STATUS#PENDING", GSI2PK="OCR_JOB_STATUS#PENDING")
    items = _changed(items, "RECEIPT_WORD", GSI1PK="EMBEDDING_STATUS#SUCCESS", embedding_status="SUCCESS")
    items = _changed(items, "RECEIPT_PLACE", GSI4PK="GEOHASH#zzzzzz", geohash="zzzzzz")
    assert _planned(items).digest_by_key == planned().digest_by_key


def test_missing_attributes_get_what_the_rules_say() -> None:
    items = _changed(stored(), "RECEIPT_LINE", is_noise=...)
    items = _changed(items, "IMAGE", receipt_count=...)
    image = _planned(_changed(items, "RECEIPT_WORD_LABEL", reasoning=""))
    assert _item(image, "RECEIPT_LINE")["is_noise"] == {"BOOL": False}
    assert _item(image, "IMAGE")["receipt_count"] == {"NULL": True}
    assert _item(image, "RECEIPT_WORD_LABEL")["reasoning"] == {"NULL": True}


def _other(type_name: Any, sort_key: str = "OTHER#1") -> Item:
    return _with({"PK": {"S": f"IMAGE#{IMAGE}"}, "SK": {"S": sort_key}}, {"TYPE": type_name})


def test_what_is_never_migrated_is_counted_and_left_behind() -> None:
    others = [_other(name, f"{name}#{number}") for name in sorted(NEVER_MIGRATED_TYPES) for number in (1, 2)]
    image = _planned([*stored(), *others])
    assert image.not_migrated == dict.fromkeys(NEVER_MIGRATED_TYPES, 2)
    assert image.digest_by_key == planned().digest_by_key


@pytest.mark.parametrize(("type_name", "name"), [("RECEIPT_SUMMARY", "RECEIPT_SUMMARY"), (..., NO_TYPE), ("", NO_TYPE)])
def test_an_item_of_no_known_type_fails_unless_its_loss_is_accepted(type_name: Any, name: str) -> None:
    items = [*stored(), _other(type_name)]
    reason, is_failure, detail = _aside(items)
    assert (reason, is_failure) == (Reason.UNKNOWN_TYPE, True)
    assert name in detail
    accepted = _planned(items, ReadingRules(BUCKETS, frozenset({name})))
    assert accepted.accepted_losses == {name: 1}
    assert accepted.digest_by_key == planned().digest_by_key


@pytest.mark.parametrize(
    ("items", "reason"),
    [
        ([], Reason.NO_IMAGE_ROW),
        ([item for item in stored() if item["TYPE"] != {"S": "IMAGE"}], Reason.NO_IMAGE_ROW),
        ([*stored(), _other("RECEIPT", "RECEIPT#1")], Reason.INVALID_ROW),
        (_changed(stored(), "LINE", PK="IMAGE#other"), Reason.INVALID_ROW),
        (_changed(stored(), "RECEIPT_WORD", word_id=9), Reason.INVALID_ROW),
        (_changed(stored(), "RECEIPT_WORD", text=...), Reason.INVALID_ROW),
        (_changed(stored(), "RECEIPT", raw_s3_bucket="elsewhere"), Reason.UNKNOWN_BUCKET),
        (_changed(stored(), "RECEIPT", raw_s3_bucket="raw-image-bucket-0facc78"), Reason.SOURCE_IS_TARGET_ENVIRONMENT),
        ([item for item in stored() if not item["TYPE"]["S"].startswith("RECEIPT")], Reason.EMPTY_IMAGE),
        ([item for item in stored() if item["TYPE"] != {"S": "RECEIPT"}], Reason.EMPTY_IMAGE),
        ([item for item in stored() if item["TYPE"] != {"S": "RECEIPT_WORD"}], Reason.WORD_MISSING),
    ],
    ids=[
        *("nothing", "no image", "key in another spelling", "key of another image", "key and attribute differ"),
        *("an item of keys alone", "foreign bucket", "bucket of the target", "no receipts", "orphans", "no word"),
    ],
)
def test_a_partition_that_is_not_whole_is_set_aside(items: list[Item], reason: Reason) -> None:
    assert _aside(items)[0] == reason


def test_an_image_that_is_no_uuid_is_set_aside() -> None:
    found = read_table_image(stored(), "image-1", RULES, origin="dev")
    assert isinstance(found, SetAside)
    assert found.reason == Reason.INVALID_IMAGE_ID


def test_images_are_found_by_their_row_or_by_their_receipts(receipts: ReceiptsPlace) -> None:
    receipts.load(stored())
    receipts.load([{"PK": {"S": "IMAGE#0orphan"}, "SK": {"S": "RECEIPT#00001"}}])
    receipts.load([{"PK": {"S": "JOB#1"}, "SK": {"S": "JOB"}}, {"PK": {"S": "IMAGE#x"}, "SK": {"S": "LINE#00001"}}])
    assert image_ids(receipts.store) == ["0orphan", IMAGE]
    found = partition_of(receipts.store, IMAGE)
    assert items_fingerprint(IMAGE, found) == planned().fingerprint
    assert _planned(found).digest_by_key == planned().digest_by_key
