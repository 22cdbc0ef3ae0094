"""The files of an image are asked for where its items will say that they are."""

from dataclasses import dataclass, field

import pytest

from backfill_pipelines.backfill.failures import StoreError
from backfill_pipelines.receipts.promotion.object_presence import missing_objects, objects_of
from backfill_pipelines.receipts.promotion.planned_image import Reason
from backfill_pipelines_tests.receipts.promotion.exports import IMAGE, PROD_CDN, PROD_RAW, export, planned, rows


@dataclass
class FakeBuckets:
    """Buckets that hold everything but some keys."""

    missing: frozenset[str] = frozenset()
    raises: bool = False
    asked: list[tuple[str, str]] = field(default_factory=list)

    def has(self, bucket: str, key: str) -> bool:
        if self.raises:
            raise StoreError("no answer")
        self.asked.append((bucket, key))
        return key not in self.missing


IN_BOTH = export(
    images=rows("images", cdn_s3_key="assets/a.jpg", cdn_medium_avif_s3_key="assets/a.avif"),
    receipts=rows("receipts", raw_s3_key="raw/r.png", cdn_webp_s3_key="assets/r.webp"),
)


def test_raw_and_cdn_files_of_image_and_receipts_are_asked_for_in_the_target() -> None:
    assert objects_of(one.item for one in planned(IN_BOTH).items) == [
        (PROD_RAW, "raw/a.png"),
        (PROD_RAW, "raw/r.png"),
        (PROD_CDN, "assets/a.avif"),
        (PROD_CDN, "assets/a.jpg"),
        (PROD_CDN, "assets/r.webp"),
    ]


def test_an_image_with_all_its_files_is_not_set_aside() -> None:
    buckets = FakeBuckets()
    assert missing_objects(planned(IN_BOTH), buckets) is None
    assert len(buckets.asked) == 5


def test_a_missing_file_sets_its_image_aside_and_is_named() -> None:
    found = missing_objects(planned(IN_BOTH), FakeBuckets(frozenset({"assets/r.webp", "raw/a.png"})))
    assert found is not None
    assert (found.image_id, found.reason, found.is_failure) == (IMAGE, Reason.OBJECT_MISSING, False)
    assert f"2 of 5 files are not in the target: {PROD_RAW}/raw/a.png, {PROD_CDN}/assets/r.webp;" in found.detail


def test_a_file_without_a_bucket_is_missing() -> None:
    content = export(images=rows("images", cdn_s3_bucket=None, cdn_s3_key="assets/a.jpg"))
    found = missing_objects(planned(content), FakeBuckets())
    assert found is not None
    assert "(no bucket)/assets/a.jpg" in found.detail


def test_a_bucket_that_does_not_answer_is_an_error() -> None:
    with pytest.raises(StoreError, match="no answer"):
        missing_objects(planned(), FakeBuckets(raises=True))
