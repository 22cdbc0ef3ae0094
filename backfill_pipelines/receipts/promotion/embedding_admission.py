"""May a bucket be embedded? Its images were copied, the places of all of them are there, a production table is named.

A line or word that is embedded before its place gets a vector without merchant and address, which nobody corrects. A
dry run asks for nothing: it is how one finds out.
"""

from collections.abc import Mapping, Sequence
from typing import Any, cast

import dagster as dg

from backfill_pipelines.backfill.admission import Upstream, admitted
from backfill_pipelines.backfill.failures import SettingsError
from backfill_pipelines.backfill.gates import Measurement, all_measured
from backfill_pipelines.backfill.run_mode import GatedConfig
from backfill_pipelines.receipts.promotion.copied_images import copied_images, missing_places
from backfill_pipelines.receipts.promotion.embedding_config import EmbedConfig
from backfill_pipelines.receipts.promotion.promotion_assets import PROMOTED_IMAGES
from backfill_pipelines.receipts.promotion.promotion_context import target_of


def embedding_admission(
    context: dg.AssetExecutionContext, partitions: Sequence[str], config: GatedConfig
) -> Mapping[str, Measurement]:
    """The conditions on embedding each bucket, with the violated ones in words."""
    choices, resources = cast("EmbedConfig", config), cast("Any", context.resources)
    if not choices.apply:
        return dict.fromkeys(partitions, all_measured(0, 1))
    try:
        table = target_of(resources.promotion, resources.items)
        resources.embedding.arns(table)
    except SettingsError as error:
        return dict.fromkeys(partitions, all_measured(1, 1, [str(error)]))
    items = resources.items.store(table)
    confirmation = unconfirmed(table, resources, choices.confirm)
    images = copied_images(resources.control, table, buckets=partitions)
    lacking: dict[str, list[str]] = {p: [] for p in partitions}
    for image, sk in missing_places(items, images):
        lacking[image.bucket].append(
            f"{image.image_id} {sk} is not there: it was copied, and somebody deleted it. "
            "Repair: restore the place or roll the image back, then backfill promote embed --apply"
        )
    promoted = admitted(context.instance, [Upstream(PROMOTED_IMAGES)], partitions)
    copied = {image.bucket for image in images}
    for partition in partitions:
        if partition not in promoted and partition not in copied:
            lacking[partition].append(
                f"promotion/promoted_images {partition} is not published and no image of it was copied. "
                f"Repair: backfill promote run --buckets {partition} --apply"
            )
    places = {p: sum(len(image.places) for image in images if image.bucket == p) for p in partitions}
    return {p: _measured([confirmation, *lacking[p]], places[p]) for p in partitions}


def unconfirmed(table: str, resources: Any, confirm: str) -> str:
    """Why the workflows of a production table may not be started; empty when its name was given once more."""
    names = set(resources.promotion.production_names(table))
    if not names or confirm == table:
        return ""
    if table not in names and resources.items.as_table(table).describe().arn not in names:
        return ""
    said = f"{confirm!r} was given" if confirm else "nothing was given"
    return f"{table} is a production table: its name is needed as confirmation, {said}. Repair: --confirm"


def _measured(texts: Sequence[str], places: int) -> Measurement:
    found = [text for text in texts if text]
    return all_measured(len(found), max(places, len(found), 1), found, f"{places:,} places verified present")
