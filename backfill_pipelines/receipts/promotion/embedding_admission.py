"""May a bucket be embedded? Its images were copied, their places are there, no image of the table is half there.

A line or word that is embedded before its place gets a vector without merchant and address, which nobody corrects. A
production table is named once more. A dry run asks for nothing: it is how one finds out.
"""

from collections.abc import Mapping, Sequence
from typing import Any, cast

import dagster as dg

from backfill_pipelines.backfill.admission import Upstream, admitted
from backfill_pipelines.backfill.failures import SettingsError
from backfill_pipelines.backfill.gates import Measurement, all_measured
from backfill_pipelines.backfill.run_mode import GatedConfig
from backfill_pipelines.receipts.migration_context import writer_of
from backfill_pipelines.receipts.promotion.begun_images import begun_images, begun_text
from backfill_pipelines.receipts.promotion.copied_images import copied_images, places_lacking
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
    of_table = refusals_of_table(table, resources, choices.confirm)
    images = copied_images(resources.control, table, buckets=partitions)
    lacking: dict[str, list[str]] = {p: [] for p in partitions}
    promoted = admitted(context.instance, [Upstream(PROMOTED_IMAGES)], partitions)
    copied = {image.bucket for image in images}
    for partition in partitions:
        if partition not in promoted and partition not in copied:
            lacking[partition].append(
                f"promotion/promoted_images {partition} is not published and no image of it was copied. "
                f"Repair: backfill promote run --buckets {partition} --apply"
            )
    places = {p: sum(len(image.places) for image in images if image.bucket == p) for p in partitions}
    return {p: _measured([*of_table, *lacking[p]], places[p]) for p in partitions}


def refusals_of_table(table: str, resources: Any, confirm: str) -> list[str]:
    """Why no bucket of a table may be embedded, for the workflows take the whole table; empty when any may."""
    everything = copied_images(resources.control, table)
    lacking = places_lacking(resources.items.store(table), everything)
    return [text for text in (unconfirmed(table, resources, confirm), _half_there(resources, table), lacking) if text]


def unconfirmed(table: str, resources: Any, confirm: str) -> str:
    """Why the workflows of a production table may not be started; empty when its name was given once more."""
    names = set(resources.promotion.production_names(table))
    if not names or confirm == table:
        return ""
    if table not in names and resources.items.as_table(table).describe().arn not in names:
        return ""
    said = f"{confirm!r} was given" if confirm else "nothing was given"
    return f"{table} is a production table: its name is needed as confirmation, {said}. Repair: --confirm"


def _half_there(resources: Any, table: str) -> str:
    """Images that are begun; while somebody writes it is the lease that refuses, and it names him."""
    if writer_of(resources.control, table) is not None:
        return ""
    return begun_text(table, begun_images(resources.control, table))


def _measured(texts: Sequence[str], places: int) -> Measurement:
    found = [text for text in texts if text]
    return all_measured(len(found), max(places, len(found), 1), found, f"{places:,} places verified present")
