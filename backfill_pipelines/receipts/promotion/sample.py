"""Sample exports: images of made-up receipts as the export script would have written them. Deterministic by seed.

Their proportions are those of real images: of a hundred items 77 are letters, and a word is there twice, on the image
and on its receipt.
"""

import gzip
import json
import random
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from backfill_pipelines.receipts.promotion.entities import ENTITIES
from backfill_pipelines.receipts.sample import sample_place_id
from backfill_pipelines.stores.places_generated import generated_place

#: Items of a real image, on average.
ITEMS = 2_300

_WORDS = ("MILK", "BREAD", "TOTAL", "TAX", "VISA", "THANK", "YOU", "BANANAS", "ORG", "4.99", "12.50", "SUBTOTAL", "QTY")
_LABELS = ("PRODUCT_NAME", "LINE_TOTAL", "GRAND_TOTAL", "TAX", "MERCHANT_NAME", "DATE", "QUANTITY", "PLACE_NAME")
_STATUSES = ("VALID", "VALID", "INVALID", "NEEDS_REVIEW", "NONE")
_EMBEDDING = ("SUCCESS", "SUCCESS", "SUCCESS", "NONE", "PENDING", "FAILED")
_WORDS_OF_A_LINE = (1, 4)
_LABEL_SHARE, _NOISE_SHARE, _SECOND_RECEIPT_SHARE, _OCR_SHARE = 0.34, 0.02, 0.2, 0.1
_NO_METADATA_SHARE, _PLACE_SHARE = 0.04, 0.5
_WIDTH, _HEIGHT = 2480, 3508
_START = datetime(2025, 2, 8, 3, 20)  # noqa: DTZ001 - some of the original times have no offset
_PLACES = 40


@dataclass(frozen=True)
class SampleBuckets:
    """The buckets that the samples say they are from."""

    raw: str = "sample-raw-dev"
    cdn: str = "sample-cdn-dev"


def sample_image_id(number: int, seed: int = 0) -> str:
    """A UUID of version 4."""
    return str(uuid.UUID(bytes=sha256(f"promoted:{seed}:{number}".encode()).digest()[:16], version=4))


def sample_export(
    number: int, items: int = ITEMS, seed: int = 0, buckets: SampleBuckets | None = None
) -> Mapping[str, list[dict[str, Any]]]:
    """The export of one image, list by list.

    Args:
        number: Which image.
        items: How many items it becomes at least; a line more is not begun beyond them.
        seed: Equal for equal exports.
        buckets: What the files are said to be in.
    """
    return _Image(sample_image_id(number, seed), seed, number, buckets or SampleBuckets()).filled(items)


def write_samples(
    folder: Path,
    images: int,
    items: int = ITEMS,
    seed: int = 0,
    buckets: SampleBuckets | None = None,
    *,
    is_packed: bool = False,
) -> Iterator[Path]:
    """Write exports one after the other, each as it is asked for; ``list()`` writes all of them."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(images):
        content = json.dumps(sample_export(number, items, seed, buckets)).encode()
        image_id = sample_image_id(number, seed)
        file = folder / (f"{image_id}.json.gz" if is_packed else f"{image_id}.json")
        file.write_bytes(gzip.compress(content, mtime=0) if is_packed else content)
        yield file


class _Image:
    """One image while it is made up."""

    def __init__(self, image_id: str, seed: int, number: int, buckets: SampleBuckets) -> None:
        self._id, self._buckets, self._number = image_id, buckets, number
        self._draw = random.Random(f"{seed}:{number}")
        self._place_id = sample_place_id(self._draw.randrange(_PLACES), seed)
        self._time = _START + timedelta(minutes=number)
        self._lists: dict[str, list[dict[str, Any]]] = {name: [] for name in ENTITIES}
        self._count = 0

    def filled(self, items: int) -> Mapping[str, list[dict[str, Any]]]:
        """All lists, with that many items together at least."""
        self._add("images", **self._files(""), image_type=self._draw.choice(("SCAN", "SCAN", "PHOTO")))
        receipts = 2 if self._draw.random() < _SECOND_RECEIPT_SHARE else 1
        for receipt_id in range(1, receipts + 1):
            self._receipt(receipt_id)
        if self._draw.random() < _OCR_SHARE:
            self._ocr()
        line_id = 0
        while self._count < items or not line_id:
            line_id += 1
            self._line(line_id, 1 + line_id % receipts)
        return self._lists

    def _add(self, name: str, **row: Any) -> None:
        self._lists[name].append({"image_id": self._id, **row})
        self._count += 1

    def _receipt(self, receipt_id: int) -> None:
        of_receipt = {"receipt_id": receipt_id}
        self._add("receipts", **of_receipt, **self._files(f"_RECEIPT_{receipt_id:05d}"), **self._corners())
        place = generated_place(self._place_id)
        about = {
            "place_id": self._place_id,
            "merchant_name": place["displayName"]["text"],
            "phone_number": place["nationalPhoneNumber"],
            "validation_status": "MATCHED",
            "timestamp": f"{self._time.isoformat()}+00:00",
        }
        if self._draw.random() >= _NO_METADATA_SHARE:
            address = {"address": place["formattedAddress"], "matched_fields": ["name", "phone"]}
            self._add("receipt_metadatas", **of_receipt, **about, **address, validated_by="TEXT_SEARCH", reasoning="")
        if self._draw.random() < _PLACE_SHARE:
            spot = place["location"]
            where = {"latitude": spot["latitude"], "longitude": spot["longitude"], "merchant_types": place["types"]}
            self._add("receipt_places", **of_receipt, **about, **where, confidence=0.95)

    def _line(self, line_id: int, receipt_id: int) -> None:
        words = [self._draw.choice(_WORDS) for _ in range(self._draw.randint(*_WORDS_OF_A_LINE))]
        text = " ".join(words)
        self._add("lines", line_id=line_id, **self._geometry(text))
        self._add(
            "receipt_lines",
            receipt_id=receipt_id,
            line_id=line_id,
            **self._geometry(text),
            embedding_status=self._draw.choice(_EMBEDDING),
            is_noise=False,
        )
        for word_id, word in enumerate(words, 1):
            self._word({"line_id": line_id, "word_id": word_id}, receipt_id, word)

    def _word(self, ids: Mapping[str, int], receipt_id: int, word: str) -> None:
        on_receipt = {"receipt_id": receipt_id, **ids}
        self._add("words", **ids, **self._geometry(word), extracted_data=None)
        waiting = {"embedding_status": self._draw.choice(_EMBEDDING), "is_noise": self._draw.random() < _NOISE_SHARE}
        self._add("receipt_words", **on_receipt, **self._geometry(word), extracted_data=None, **waiting)
        for letter_id, letter in enumerate(word, 1):
            self._add("letters", **ids, letter_id=letter_id, **self._geometry(letter))
            self._add("receipt_letters", **on_receipt, letter_id=letter_id, **self._geometry(letter))
        if self._draw.random() < _LABEL_SHARE:
            self._add(
                "receipt_word_labels",
                **on_receipt,
                label=self._draw.choice(_LABELS),
                reasoning=self._draw.choice(("Made up by a sample generator.", None)),
                timestamp_added=self._time.isoformat(),
                validation_status=self._draw.choice(_STATUSES),
                label_proposed_by="SAMPLE",
                label_consolidated_from=None,
            )

    def _ocr(self) -> None:
        job_id = str(uuid.UUID(int=self._draw.getrandbits(128), version=4))
        about = {"job_id": job_id, "s3_bucket": self._buckets.raw, "created_at": self._time.isoformat()}
        about |= {"updated_at": None, "status": "COMPLETED"}
        key = f"{self._id}.json"
        self._add("ocr_jobs", **about, s3_key=f"raw/{self._id}.png", job_type="FIRST_PASS", receipt_id=None)
        self._add("ocr_routing_decisions", **about, s3_key=f"ocr_results/{key}", receipt_count=1)

    def _files(self, suffix: str) -> dict[str, Any]:
        keys = {
            f"cdn{size}{form}_s3_key": f"assets/{self._id}{suffix}{size}.{form.removeprefix('_') or 'jpg'}"
            for size in ("", "_thumbnail", "_small", "_medium")
            for form in ("", "_webp", "_avif")
        }
        return {
            "width": _WIDTH,
            "height": _HEIGHT,
            "timestamp_added": f"{self._time.isoformat()}+00:00",
            "raw_s3_bucket": self._buckets.raw,
            "raw_s3_key": f"raw/{self._id}{suffix}.png",
            "sha256": sha256(f"{self._id}{suffix}".encode()).hexdigest(),
            "cdn_s3_bucket": self._buckets.cdn,
            **keys,
        }

    def _corners(self) -> dict[str, Any]:
        names = ("top_right", "top_left", "bottom_right", "bottom_left")
        return {name: {"x": self._draw.random(), "y": self._draw.random()} for name in names}

    def _geometry(self, text: str) -> dict[str, Any]:
        angle = self._draw.uniform(-2, 2)
        return {
            "text": text,
            "bounding_box": {name: self._draw.random() for name in ("x", "width", "y", "height")},
            **self._corners(),
            "angle_degrees": angle,
            "angle_radians": angle / 57.29577951308232,
            "confidence": self._draw.choice((0.3, 0.5, 1.0)),
        }
