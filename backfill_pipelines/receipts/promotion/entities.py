"""The catalogue of what belongs to an image: export list, TYPE, stage, keys, attributes. Data, and lookups in it.

How keys come from the catalogue is in ``entity_keys``; what changes on the way to the target in ``transformations``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

from backfill_pipelines.receipts.promotion import attribute_values as kinds
from backfill_pipelines.receipts.promotion.attribute_values import Kind

EMBEDDING_STATUS, NOT_EMBEDDED = "embedding_status", "NONE"
IMAGE_STAGE = 4

#: Texts that a sort key holds; every other part of it is a positive number.
TEXT_IDS = frozenset(("label", "job_id"))


@dataclass(frozen=True, kw_only=True)
class Entity:
    """One kind of item of an image.

    Attributes:
        list_name: The list of an export that holds its rows.
        type_name: TYPE of its items.
        stage: 1 to 4; every stage is durable before the next.
        sort_key: Form of SK; its fields are the identity of a row within its image.
        indexes: For each index number the forms of its partition and sort key.
        required: Attributes that every row has, with their kinds.
        optional: Attributes that a row may lack.
        stored_ids: Parts of the identity that are attributes too, not only in the key.
        compared: Columns of a row that the fingerprint covers.
        buckets: Attributes that name an S3 bucket.
    """

    list_name: str
    type_name: str
    stage: int
    sort_key: str
    indexes: Mapping[int, tuple[str, str]]
    required: Mapping[str, Kind]
    optional: Mapping[str, Kind]
    ids: tuple[str, ...] = ()
    stored_ids: tuple[str, ...] = ()
    compared: tuple[str, ...] = ()
    buckets: tuple[str, ...] = ()

    @cached_property
    def known(self) -> frozenset[str]:
        """Every column that a row of an export may have."""
        return frozenset((*self.ids, *self.required, *self.optional, "image_id"))

    @property
    def is_embedded(self) -> bool:
        """Whether the embedding workflows wait for items of this kind."""
        return EMBEDDING_STATUS in self.optional


_TEXT_OR_NULL, _NUMBER_OR_NULL = kinds.or_null(kinds.text), kinds.or_null(kinds.number)
_NUMBER_OR_ABSENT, _TEXTS_OR_ABSENT = kinds.or_absent(kinds.number), kinds.or_absent(kinds.texts)

_CDN_KEYS = tuple(
    f"cdn{size}{form}_s3_key" for size in ("", "_thumbnail", "_small", "_medium") for form in ("", "_webp", "_avif")
)
_FILES_REQUIRED = {
    "width": kinds.number,
    "height": kinds.number,
    "timestamp_added": kinds.text,
    "raw_s3_bucket": kinds.text,
    "raw_s3_key": kinds.text,
}
_FILES_OPTIONAL = dict.fromkeys(("sha256", "cdn_s3_bucket", *_CDN_KEYS), _TEXT_OR_NULL)
_FILE_BUCKETS = ("raw_s3_bucket", "cdn_s3_bucket")
_CORNERS = dict.fromkeys(("top_right", "top_left", "bottom_right", "bottom_left"), kinds.point)
_GEOMETRY = {
    "text": kinds.text,
    "bounding_box": kinds.box,
    **_CORNERS,
    **dict.fromkeys(("angle_degrees", "angle_radians", "confidence"), kinds.number),
}
_EXTRACTED = {"extracted_data": kinds.or_null(kinds.structure)}
_EMBEDDED = {EMBEDDING_STATUS: kinds.text, "is_noise": kinds.flag}
_IMAGE, _IN_IMAGE, _WAITING = "IMAGE#{image_id}", "IMAGE#{image_id}#{SK}", "EMBEDDING_STATUS#{embedding_status}"
_RECEIPT, _LINE, _WORD = ("receipt_id",), ("line_id",), ("line_id", "word_id")

_LIST_OF_ENTITIES = (
    Entity(
        list_name="images",
        type_name="IMAGE",
        stage=IMAGE_STAGE,
        sort_key="IMAGE",
        indexes={
            1: (_IMAGE, "IMAGE"),
            2: (_IMAGE, "IMAGE"),
            3: ("IMAGE#{image_type}", "NUM_RECEIPTS#{receipt_count:05d}"),
        },
        required={**_FILES_REQUIRED, "image_type": kinds.text},
        optional={**_FILES_OPTIONAL, "receipt_count": _NUMBER_OR_NULL},
        buckets=_FILE_BUCKETS,
    ),
    Entity(
        list_name="receipts",
        type_name="RECEIPT",
        stage=1,
        sort_key="RECEIPT#{receipt_id:05d}",
        indexes={1: (_IMAGE, "{SK}"), 2: ("RECEIPT", _IN_IMAGE)},
        required={**_FILES_REQUIRED, **_CORNERS},
        optional=_FILES_OPTIONAL,
        ids=_RECEIPT,
        compared=("receipt_id",),
        buckets=_FILE_BUCKETS,
    ),
    Entity(
        list_name="lines",
        type_name="LINE",
        stage=1,
        sort_key="LINE#{line_id:05d}",
        indexes={1: (_IMAGE, "{SK}")},
        required=_GEOMETRY,
        optional={},
        ids=_LINE,
        compared=(*_LINE, "text"),
    ),
    Entity(
        list_name="words",
        type_name="WORD",
        stage=1,
        sort_key="LINE#{line_id:05d}#WORD#{word_id:05d}",
        indexes={2: (_IMAGE, "{SK}")},
        required=_GEOMETRY,
        optional=_EXTRACTED,
        ids=_WORD,
        compared=(*_WORD, "text"),
    ),
    Entity(
        list_name="letters",
        type_name="LETTER",
        stage=1,
        sort_key="LINE#{line_id:05d}#WORD#{word_id:05d}#LETTER#{letter_id:05d}",
        indexes={},
        required=_GEOMETRY,
        optional={},
        ids=(*_WORD, "letter_id"),
        compared=(*_WORD, "letter_id", "text"),
    ),
    Entity(
        list_name="receipt_lines",
        type_name="RECEIPT_LINE",
        stage=3,
        sort_key="RECEIPT#{receipt_id:05d}#LINE#{line_id:05d}",
        indexes={1: (_WAITING, "LINE#" + _IN_IMAGE), 3: ("IMAGE#{image_id}#RECEIPT#{receipt_id:05d}", "LINE")},
        required=_GEOMETRY,
        optional=_EMBEDDED,
        ids=(*_RECEIPT, *_LINE),
        stored_ids=("image_id", *_RECEIPT, *_LINE),
        compared=(*_RECEIPT, *_LINE, "text"),
    ),
    Entity(
        list_name="receipt_words",
        type_name="RECEIPT_WORD",
        stage=3,
        sort_key="RECEIPT#{receipt_id:05d}#LINE#{line_id:05d}#WORD#{word_id:05d}",
        indexes={
            1: (_WAITING, "WORD#" + _IN_IMAGE),
            2: ("RECEIPT", _IN_IMAGE),
            3: ("IMAGE#{image_id}#RECEIPT#{receipt_id:05d}", "WORD"),
        },
        required=_GEOMETRY,
        optional={**_EXTRACTED, **_EMBEDDED},
        ids=(*_RECEIPT, *_WORD),
        stored_ids=("image_id", *_RECEIPT, *_WORD),
        compared=(*_RECEIPT, *_WORD, "text"),
    ),
    Entity(
        list_name="receipt_letters",
        type_name="RECEIPT_LETTER",
        stage=1,
        sort_key="RECEIPT#{receipt_id:05d}#LINE#{line_id:05d}#WORD#{word_id:05d}#LETTER#{letter_id:05d}",
        indexes={},
        required=_GEOMETRY,
        optional={},
        ids=(*_RECEIPT, *_WORD, "letter_id"),
        compared=(*_RECEIPT, *_WORD, "letter_id", "text"),
    ),
    Entity(
        list_name="receipt_word_labels",
        type_name="RECEIPT_WORD_LABEL",
        stage=2,
        sort_key="RECEIPT#{receipt_id:05d}#LINE#{line_id:05d}#WORD#{word_id:05d}#LABEL#{label}",
        indexes={
            1: ("LABEL#{label:_<34}", "IMAGE#{image_id}#{WORD_SK}"),
            2: ("RECEIPT", "IMAGE#{image_id}#{WORD_SK}"),
            3: ("VALIDATION_STATUS#{validation_status}", _IN_IMAGE),
        },
        required={"timestamp_added": kinds.text, "validation_status": kinds.text},
        optional=dict.fromkeys(("reasoning", "label_proposed_by", "label_consolidated_from"), _TEXT_OR_NULL),
        ids=(*_RECEIPT, *_WORD, "label"),
        compared=(*_RECEIPT, *_WORD, "label", "validation_status"),
    ),
    Entity(
        list_name="receipt_metadatas",
        type_name="RECEIPT_METADATA",
        stage=2,
        sort_key="RECEIPT#{receipt_id:05d}#METADATA",
        indexes={
            1: ("MERCHANT#{MERCHANT}", _IN_IMAGE),
            2: ("PLACE#{place_id}", _IN_IMAGE),
            3: ("MERCHANT_VALIDATION", "STATUS#{validation_status}"),
        },
        required={},
        optional={
            **dict.fromkeys(
                (
                    *("place_id", "merchant_name", "merchant_category", "address", "phone_number", "validated_by"),
                    *("timestamp", "reasoning", "canonical_place_id", "canonical_merchant_name", "canonical_address"),
                    *("canonical_phone_number", "validation_status"),
                ),
                _TEXT_OR_NULL,
            ),
            "matched_fields": kinds.or_absent(kinds.words),
        },
        ids=_RECEIPT,
        compared=("receipt_id", "place_id", "merchant_name"),
    ),
    Entity(
        list_name="receipt_places",
        type_name="RECEIPT_PLACE",
        stage=2,
        sort_key="RECEIPT#{receipt_id:05d}#PLACE",
        indexes={
            1: ("MERCHANT#{SLUG}", _IN_IMAGE),
            2: ("PLACE#{place_id}", _IN_IMAGE),
            3: ("PLACE_VALIDATION", "CONFIDENCE#{confidence:.4f}#STATUS#{validation_status}#IMAGE#{image_id}"),
            4: ("GEOHASH#{geohash}", "PLACE#{place_id}"),
        },
        required={
            **dict.fromkeys(("place_id", "merchant_name", "validation_status", "timestamp"), kinds.text),
            "confidence": kinds.number,
        },
        optional={
            **dict.fromkeys(
                (
                    *("merchant_category", "formatted_address", "short_address", "phone_number", "phone_intl"),
                    *("website", "maps_url", "business_status", "plus_code", "validated_by", "reasoning"),
                    *("places_api_version", "geohash"),
                ),
                _TEXT_OR_NULL,
            ),
            **dict.fromkeys(
                ("merchant_types", "matched_fields", "hours_summary", "photo_references"), _TEXTS_OR_ABSENT
            ),
            **dict.fromkeys(("latitude", "longitude", "viewport_ne_lat", "viewport_ne_lng"), _NUMBER_OR_ABSENT),
            **dict.fromkeys(("viewport_sw_lat", "viewport_sw_lng"), _NUMBER_OR_ABSENT),
            "address_components": kinds.or_absent(kinds.structure),
            "hours_data": kinds.or_absent(kinds.json_text),
            "open_now": kinds.dropped,  # a state at fetch time, false minutes later
        },
        ids=_RECEIPT,
        stored_ids=("image_id", *_RECEIPT),
        compared=("receipt_id", "place_id", "merchant_name"),
    ),
    Entity(
        list_name="ocr_jobs",
        type_name="OCR_JOB",
        stage=1,
        sort_key="OCR_JOB#{job_id}",
        indexes={1: ("OCR_JOB_STATUS#{status}", "{SK}"), 2: ("OCR_JOB_STATUS#{status}", "{SK}")},
        required=dict.fromkeys(("s3_bucket", "s3_key", "created_at", "status", "job_type"), kinds.text),
        optional={"updated_at": _TEXT_OR_NULL, "receipt_id": _NUMBER_OR_NULL},
        ids=("job_id",),
        compared=("job_id",),
        buckets=("s3_bucket",),
    ),
    Entity(
        list_name="ocr_routing_decisions",
        type_name="OCR_ROUTING_DECISION",
        stage=1,
        sort_key="ROUTING#{job_id}",
        indexes={1: ("OCR_ROUTING_DECISION_STATUS#{status}", "{SK}")},
        required=dict.fromkeys(("s3_bucket", "s3_key", "created_at", "status"), kinds.text),
        optional={"updated_at": _TEXT_OR_NULL, "receipt_count": _NUMBER_OR_NULL},
        ids=("job_id",),
        compared=("job_id",),
        buckets=("s3_bucket",),
    ),
)

#: In the order in which counts are told.
ENTITIES: Mapping[str, Entity] = MappingProxyType({entity.list_name: entity for entity in _LIST_OF_ENTITIES})
BY_TYPE: Mapping[str, Entity] = MappingProxyType({entity.type_name: entity for entity in _LIST_OF_ENTITIES})

#: What the target makes for itself, or must never see; the list an export would hold it in.
NEVER_MIGRATED: Mapping[str, str] = MappingProxyType(
    {
        "compaction_runs": "COMPACTION_RUN",
        "compaction_locks": "COMPACTION_LOCK",
        "embedding_batch_results": "EMBEDDING_BATCH_RESULT",
        "jobs": "JOB",
        "job_metrics": "JOB_METRIC",
        "places_cache": "PLACES_CACHE",
    }
)
NEVER_MIGRATED_TYPES = frozenset(NEVER_MIGRATED.values())
