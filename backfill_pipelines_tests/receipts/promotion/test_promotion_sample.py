"""Sample exports are good exports, in the proportions of real ones, and the same again for the same seed."""

from pathlib import Path

import pytest

from backfill_pipelines.receipts.promotion.export_reading import read_export
from backfill_pipelines.receipts.promotion.planned_image import PlannedImage
from backfill_pipelines.receipts.promotion.reading_rules import ReadingRules
from backfill_pipelines.receipts.promotion.sample import (
    ITEMS,
    SampleBuckets,
    sample_export,
    sample_image_id,
    write_samples,
)

RULES = ReadingRules({"sample-raw-dev": "sample-raw-prod", "sample-cdn-dev": "sample-cdn-prod"})


def _read(file: Path) -> PlannedImage:
    found = read_export(file.name, file.read_bytes(), RULES)
    assert isinstance(found, PlannedImage), found
    return found


@pytest.mark.parametrize("items", [1, 40, ITEMS])
def test_a_sample_becomes_as_many_items_as_were_asked_for(tmp_path: Path, items: int) -> None:
    for file in write_samples(tmp_path, 1 if items == ITEMS else 4, items):
        assert items <= len(_read(file).items) <= items + 90


def test_samples_have_the_proportions_of_real_images(tmp_path: Path) -> None:
    images = [_read(file) for file in write_samples(tmp_path, 2)]
    total = sum(len(image.items) for image in images)
    letters = sum(image.counts["letters"] + image.counts["receipt_letters"] for image in images)
    assert 0.7 <= letters / total <= 0.85
    assert 0.01 <= sum(image.counts["receipt_word_labels"] for image in images) / total <= 0.04


def test_some_images_have_places_two_receipts_ocr_rows_and_noise() -> None:
    exports = [sample_export(number, 300) for number in range(60)]
    for name, fewest in (("receipt_places", 15), ("ocr_jobs", 1), ("receipt_metadatas", 50)):
        assert sum(bool(export[name]) for export in exports) >= fewest, name
    assert any(len(export["receipts"]) == 2 for export in exports)
    assert any(row["is_noise"] for export in exports for row in export["receipt_words"])
    assert len({export["images"][0]["image_id"] for export in exports}) == len(exports)


def test_equal_seeds_give_equal_samples(tmp_path: Path) -> None:
    assert sample_export(3, 100, seed=7) == sample_export(3, 100, seed=7)
    assert sample_export(3, 100, seed=7) != sample_export(3, 100, seed=8)
    one, other = (list(write_samples(tmp_path / name, 2, 50, is_packed=True)) for name in ("one", "other"))
    assert [file.name for file in one] == [f"{sample_image_id(number)}.json.gz" for number in range(2)]
    assert [file.read_bytes() for file in one] == [file.read_bytes() for file in other]
    assert _read(one[0]).image_id == sample_image_id(0)


def test_samples_name_the_buckets_they_are_given() -> None:
    export = sample_export(0, 1, buckets=SampleBuckets("raw-a", "cdn-a"))
    assert (export["images"][0]["raw_s3_bucket"], export["receipts"][0]["cdn_s3_bucket"]) == ("raw-a", "cdn-a")
