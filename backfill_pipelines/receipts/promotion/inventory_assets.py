"""The first asset of the promotion: what the source holds, image by image. Reads the source, writes no table."""

import base64
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from typing import Any

import dagster as dg

from backfill_pipelines.receipts.assessment_report import markdown
from backfill_pipelines.receipts.inventory_gates import Verdict
from backfill_pipelines.receipts.promotion.export_gates import DESCRIPTIONS, Found, judge_exports
from backfill_pipelines.receipts.promotion.export_inventory import Check, take_inventory
from backfill_pipelines.receipts.promotion.export_manifest import ExportManifest, publish, read_rows, read_strays
from backfill_pipelines.receipts.promotion.image_source import ImageSource, build_source
from backfill_pipelines.receipts.promotion.inventory_lines import aside_table, inventory_lines, states_by_bucket
from backfill_pipelines.receipts.promotion.object_presence import missing_objects
from backfill_pipelines.receipts.promotion.planned_image import PlannedImage
from backfill_pipelines.receipts.promotion.promotion_settings import PromotionSettings
from backfill_pipelines.stores.objects import ObjectStore

EXPORT_INVENTORY = dg.AssetKey(["promotion", "export_inventory"])
GROUP, OWNER = "receipts_promotion", "team:receipts"

_TEXT = """Every image that the source offers: what it becomes in the target, or why it is set aside.

Export files or the source table, read once and one image at a time. The manifest is kept as files, one for each
bucket of image ids; it counts only when both gates are green, for 24 hours and with the same settings."""


def build_export_inventory() -> dg.AssetsDefinition:
    """The inventory of the source."""

    @dg.asset(
        key=EXPORT_INVENTORY,
        group_name=GROUP,
        kinds={"s3", "python"},
        owners=[OWNER],
        description=_TEXT,
        check_specs=[
            dg.AssetCheckSpec(name, asset=EXPORT_INVENTORY, blocking=True, description=text)
            for name, text in DESCRIPTIONS.items()
        ],
        required_resource_keys={"items", "objects", "exports", "buckets", "promotion"},
    )
    def export_inventory(context: dg.AssetExecutionContext) -> Iterator[Any]:
        resources = context.resources
        settings, objects = resources.promotion, resources.objects
        source = build_source(settings, resources.exports, resources.items)
        check = partial(missing_objects, buckets=resources.buckets) if settings.check_objects else _no_check
        manifest, verdicts = write_inventory(source, settings, objects, datetime.now(UTC), check)
        for verdict in verdicts:
            yield dg.AssetCheckResult(
                asset_key=EXPORT_INVENTORY,
                check_name=verdict.gate,
                passed=verdict.passed,
                description=verdict.text,
                metadata=verdict.numbers,
            )
        if red := [verdict for verdict in verdicts if not verdict.passed]:
            text = "\n".join(f"{verdict.gate}: {verdict.text}" for verdict in red)
            raise dg.Failure(description=text, metadata={"red": [v.gate for v in red]}, allow_retries=False)
        yield dg.MaterializeResult(asset_key=EXPORT_INVENTORY, metadata=_about(objects, manifest))

    return export_inventory


def _no_check(_: PlannedImage) -> None:
    """Every image that can be planned is planned."""


def write_inventory(
    source: ImageSource,
    settings: PromotionSettings,
    objects: ObjectStore,
    now: datetime,
    check: Check | None = None,
) -> tuple[ExportManifest, list[Verdict]]:
    """Write the files, judge them as read back, and let the manifest count if both gates are green."""
    manifest = take_inventory(source, settings, objects, now, check or _no_check)
    found = Found.of(read_rows(objects, manifest))
    verdicts = judge_exports(manifest, found, read_strays(objects, manifest))
    if all(verdict.passed for verdict in verdicts):
        publish(objects, manifest)
    return manifest, verdicts


def _about(objects: ObjectStore, manifest: ExportManifest) -> dict[str, Any]:
    lines = inventory_lines(manifest)
    return {
        "promotion/inventory": dg.MetadataValue.md(markdown(lines)),
        "promotion/set_aside": dg.MetadataValue.md(aside_table(read_rows(objects, manifest))),
        "promotion/buckets": _picture(objects, manifest),
        "promotion/counts": dg.MetadataValue.json([asdict(line) for line in lines]),
        "promotion/manifest": manifest.run_id,
        "promotion/manifest_digest": manifest.digest,
        "promotion/source": manifest.source,
        "promotion/images": manifest.images,
        "promotion/items": sum(manifest.counts.values()),
        "promotion/by_state": dict(manifest.by_state),
        "promotion/by_reason": dict(manifest.by_reason),
        "dagster/row_count": manifest.images,
    }


def _picture(objects: ObjectStore, manifest: ExportManifest) -> dg.MarkdownMetadataValue:
    from backfill_pipelines.receipts.promotion.inventory_picture import draw_images  # loads matplotlib

    png = draw_images(states_by_bucket(read_rows(objects, manifest)), f"Images of {manifest.source}, bucket by bucket")
    return dg.MetadataValue.md(f"![images](data:image/png;base64,{base64.b64encode(png).decode()})")
