"""The public exports become exactly the items, fingerprints and counts that the acceptance table says."""

import gzip
import json
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from backfill_pipelines.receipts.items import item_digest
from backfill_pipelines.receipts.promotion.entities import BY_TYPE, ENTITIES
from backfill_pipelines.receipts.promotion.fingerprints import items_fingerprint
from backfill_pipelines.receipts.promotion.planned_image import PlannedImage, Reason, SetAside
from backfill_pipelines.receipts.promotion.reading_rules import ReadingRules
from backfill_pipelines_tests.receipts.promotion.exports import (
    ALL_BUCKETS,
    BUCKETS,
    DATA,
    RULES,
    needs_exports,
    read_file,
    real_exports,
)

pytestmark = needs_exports

#: Image, items, lines and words that wait, first digits of the fingerprint.
WITH_FOREIGN_BUCKET = "88e95723-3beb-4dcb-ba4b-cf24b3b70565"
FULL = "33ca0e5b-3b1b-465c-adf8-1b2b82b47282"
VECTORS = {
    "07550815-fce8-445a-affe-3e3125625fae": (756, 339, "9160c1b457f50d02"),
    "6b415a15-6aa7-4cf3-932c-436cf28f9b0c": (455, 193, "7ecfc95a8e28d6fa"),
    WITH_FOREIGN_BUCKET: (185, 87, "09a531c373122e34"),
    "935fccdc-7022-4993-bb9d-27bfe682397f": (164, 61, "29950583bcf48803"),
    "ab732680-ad1d-410a-98e8-356a550d543b": (506, 228, "6282f71c7a13f28d"),
    FULL: (587, 89, "6a1fe380920f15fe"),
}
COUNTS = {
    "images": 6,
    "receipts": 8,
    "lines": 299,
    "words": 689,
    "letters": 207,
    "receipt_lines": 296,
    "receipt_words": 701,
    "receipt_letters": 228,
    "receipt_word_labels": 208,
    "receipt_metadatas": 7,
    "receipt_places": 0,
    "ocr_jobs": 2,
    "ocr_routing_decisions": 2,
}


@cache
def _read(*, knows_uploads: bool) -> tuple[PlannedImage | SetAside, ...]:
    return tuple(read_file(file, ALL_BUCKETS if knows_uploads else RULES) for file in real_exports())


def _planned(*, knows_uploads: bool = True) -> dict[str, PlannedImage]:
    found = _read(knows_uploads=knows_uploads)
    return {image.image_id: image for image in found if isinstance(image, PlannedImage)}


def test_every_image_has_the_items_the_waiting_rows_and_the_fingerprint_of_the_table() -> None:
    found = {
        image_id: (len(image.items), image.embedding_rows, image.fingerprint[:16])
        for image_id, image in _planned().items()
    }
    assert found == VECTORS


def test_every_entity_arrives() -> None:
    counts: Counter[str] = Counter()
    for image in _planned().values():
        counts.update(image.counts)
        assert Counter(BY_TYPE[one.type_name].list_name for one in image.items) == +Counter(image.counts)
        assert len({one.key for one in image.items}) == len(image.items)
    assert counts == Counter(COUNTS)
    assert sum(COUNTS.values()) == 2653


def test_the_counts_are_those_of_the_file() -> None:
    for file, image in zip(real_exports(), _planned().values(), strict=True):
        content = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
        lists = {name: len(rows) for name, rows in json.loads(content).items()}
        assert {**dict.fromkeys(ENTITIES, 0), **lists} == image.counts


def test_the_items_have_the_fingerprint_of_the_rows() -> None:
    for image_id, image in _planned().items():
        assert items_fingerprint(image_id, (one.item for one in image.items)) == image.fingerprint


def test_without_its_bucket_name_an_image_is_quarantined_and_the_others_are_not() -> None:
    found = _read(knows_uploads=False)
    aside = [one for one in found if isinstance(one, SetAside)]
    images = [one for one in found if isinstance(one, PlannedImage)]
    assert [(one.image_id, one.reason, one.is_failure) for one in aside] == [
        (WITH_FOREIGN_BUCKET, Reason.UNKNOWN_BUCKET, False)
    ]
    assert "upload-images-image-bucket-4bcea7e" in aside[0].detail
    assert (len(images), sum(len(one.items) for one in images), sum(one.embedding_rows for one in images)) == (
        5,
        2468,
        910,
    )


def test_with_the_sides_of_the_map_swapped_every_image_is_of_the_target() -> None:
    swapped = ReadingRules({target: source for source, target in BUCKETS.items()})
    reasons = [
        one.reason if isinstance(one, SetAside) else None for one in (read_file(f, swapped) for f in real_exports())
    ]
    assert reasons == [Reason.SOURCE_IS_TARGET_ENVIRONMENT] * len(VECTORS)


def test_lines_without_is_noise_are_no_noise() -> None:
    image = _planned()[WITH_FOREIGN_BUCKET]
    lines = [one.item for one in image.items if one.type_name == "RECEIPT_LINE"]
    assert [line["is_noise"] for line in lines] == [{"BOOL": False}] * 24


def test_no_bucket_of_the_source_is_left_in_any_item() -> None:
    for image in _planned(knows_uploads=False).values():
        names = {v["S"] for one in image.items for n, v in one.item.items() if n.endswith("_bucket") and "S" in v}
        assert names == set(BUCKETS.values())


def _reference_items() -> dict[str, dict[str, Any]]:
    items = json.loads((DATA / "dynamo_items_one_per_type.json").read_text("utf-8"))
    return {item["TYPE"]["S"]: item for item in items}


#: The reference was made before the texts of the export were blanked out and before its buckets were mapped.
BLANKED = {"sha256", "reasoning", "raw_s3_bucket", "cdn_s3_bucket"}


@pytest.mark.parametrize("type_name", [name for name in BY_TYPE if not name.startswith(("OCR_", "RECEIPT_PLACE"))])
def test_an_item_is_the_one_that_the_original_code_makes(type_name: str) -> None:
    reference = _reference_items()[type_name]
    key = (reference["PK"]["S"], reference["SK"]["S"])
    item = next(one.item for one in _planned()[FULL].items if one.key == key)
    kept = [{name: value for name, value in one.items() if name not in BLANKED} for one in (item, reference)]
    assert kept[0].keys() == kept[1].keys()
    assert item_digest(kept[0]) == item_digest(kept[1])


def test_reading_a_file_twice_says_the_same(tmp_path: Path) -> None:
    file = real_exports()[0]
    assert read_file(file) == read_file(file)
    packed = tmp_path / f"{file.name}.gz"
    packed.write_bytes(gzip.compress(file.read_bytes()))
    one, other = read_file(file), read_file(packed)
    assert isinstance(one, PlannedImage)
    assert isinstance(other, PlannedImage)
    assert one.digest_by_key == other.digest_by_key
