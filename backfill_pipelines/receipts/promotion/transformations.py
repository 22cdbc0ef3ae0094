"""What changes on the way from the source to the target, and nothing else does. Pure; export and table alike."""

from collections.abc import Mapping
from decimal import Decimal

from backfill_pipelines.receipts.items import Attribute
from backfill_pipelines.receipts.keys import text_of
from backfill_pipelines.receipts.names import slug
from backfill_pipelines.receipts.place import are_in_range, geohash_of, too_long_keys
from backfill_pipelines.receipts.promotion.attribute_values import NULL
from backfill_pipelines.receipts.promotion.entities import EMBEDDING_STATUS, NOT_EMBEDDED, Entity
from backfill_pipelines.receipts.promotion.entity_keys import Identity, keys_of, sort_key_of
from backfill_pipelines.receipts.promotion.planned_image import ImageFault, Reason
from backfill_pipelines.receipts.promotion.reading_rules import ReadingRules


def transformed(
    entity: Entity, image_id: str, identity: Identity, attributes: Mapping[str, Attribute], rules: ReadingRules
) -> dict[str, Attribute]:
    """The item of the target, keys included.

    Args:
        entity: What it is.
        image_id: Whose it is.
        identity: Which one it is.
        attributes: All it has in the source, without keys that the entity makes.
        rules: The operator's rules.

    Raises:
        ImageFault: a bucket has no counterpart, a place could not be found by its indexes, or a key is too long.
    """
    found = dict(attributes)
    if "label" in identity:
        identity = {**identity, "label": str(identity["label"]).upper()}
    for name in entity.buckets:
        if bucket := text_of(found.get(name)):
            where = f"{entity.list_name} {sort_key_of(entity, identity)} {name}"
            found[name] = {"S": target_bucket(bucket, rules.buckets, where)}
    if entity.is_embedded:
        found[EMBEDDING_STATUS] = {"S": NOT_EMBEDDED}
        found.setdefault("is_noise", {"BOOL": False})
    if entity.type_name == "IMAGE":
        found.setdefault("receipt_count", NULL)
    if entity.type_name == "RECEIPT_WORD_LABEL" and text_of(found.get("reasoning")) == "":
        found["reasoning"] = NULL
    if entity.type_name == "RECEIPT_PLACE":
        found["geohash"] = _geohash(found, sort_key_of(entity, identity))
    keys = keys_of(entity, image_id, identity, found)
    if too_long := next(iter(too_long_keys(keys)), None):
        raise ImageFault(Reason.INVALID_ROW, f"{entity.list_name} {sort_key_of(entity, identity)[:80]}: {too_long}")
    return {**found, **keys}


def target_bucket(bucket: str, buckets: Mapping[str, str], where: str) -> str:
    """The bucket of the target that holds what this one holds.

    Raises:
        ImageFault: nobody said which one, or the source is the target's environment already.
    """
    if bucket in buckets:
        return buckets[bucket]
    if bucket in buckets.values():
        raise ImageFault(
            Reason.SOURCE_IS_TARGET_ENVIRONMENT, f"{where} is {bucket}, a bucket of the target: export from the source"
        )
    raise ImageFault(
        Reason.UNKNOWN_BUCKET,
        f"{where} is {bucket}, which has no counterpart. Repair: --bucket-map {bucket}=COUNTERPART, "
        f"or {bucket}={bucket} to keep the name",
    )


def _geohash(attributes: Mapping[str, Attribute], sort_key: str) -> Attribute:
    """The cell of the coordinates, whatever was stored."""
    if not slug(text_of(attributes.get("merchant_name")) or ""):
        raise ImageFault(Reason.INVALID_PLACE, f"{sort_key}: its merchant name has no slug, no index would find it")
    latitude, longitude = (_decimal(attributes.get(name)) for name in ("latitude", "longitude"))
    if not are_in_range(latitude, longitude):
        raise ImageFault(Reason.INVALID_PLACE, f"{sort_key}: its coordinates are out of range")
    cell = geohash_of(latitude, longitude)
    return {"S": cell} if cell else NULL


def _decimal(attribute: Attribute | None) -> Decimal | None:
    return Decimal(attribute["N"]) if attribute and "N" in attribute else None
