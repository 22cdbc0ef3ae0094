"""The read-only assets of the migration: the inventory of the table, and what it says about the work ahead.

Nothing here writes to the table or calls an API. They load without a setting; a run without a table name fails and
names the variable.
"""

import base64
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import dagster as dg
from pydantic import Field

from backfill_pipelines.receipts.assessment import Assumptions, assess, estimate_of
from backfill_pipelines.receipts.assessment_report import (
    Line,
    count_lines,
    eligible_by_bucket,
    estimate_lines,
    markdown,
    wave_lines,
)
from backfill_pipelines.receipts.capacity import WriteLimits
from backfill_pipelines.receipts.inventory import Inventory, take_inventory
from backfill_pipelines.receipts.inventory_gates import DESCRIPTIONS, Verdict, judge_inventory
from backfill_pipelines.receipts.manifest import (
    Manifest,
    Row,
    count_files,
    current_manifest,
    new_run_id,
    publish,
    read_counts,
    read_rows,
    write_rows,
)
from backfill_pipelines.receipts.place_reading import Existing
from backfill_pipelines.receipts.places_cache import PlacesCache
from backfill_pipelines.receipts.prices import Tier
from backfill_pipelines.receipts.waves import WaveShares, plan_waves
from backfill_pipelines.stores.objects import ObjectStore

INVENTORY = dg.AssetKey(["receipts", "receipt_inventory"])
ASSESSMENT = dg.AssetKey(["receipts", "data_assessment"])
GROUP, OWNER = "receipts", "team:receipts"

_INVENTORY_TEXT = """Every receipt of the table: which one gets a place, and why the others do not.

One strongly consistent scan, read only. The manifest is kept as files, one for each bucket of image ids; it counts
only when both gates are green, for 24 hours."""
_ASSESSMENT_TEXT = """What the source holds and what the migration will take: counts, waves, calls, cost, time.

From the current manifest; no row is read again, nothing is called, nothing is written to the table."""


class InventoryConfig(dg.Config):
    """How the rows are judged."""

    require_parent_receipt: bool = Field(default=True, description="A record without a RECEIPT row gets no place.")


class AssessmentConfig(dg.Config):
    """What the estimate supposes."""

    tier: str = Field(default=str(Tier.FULL), description="Fields asked for: id_refresh, essentials, pro or full.")
    calls_used_this_month: int = Field(
        default=0, ge=0, description="Calls of this SKU that the month has seen already."
    )
    queries_per_minute: float = Field(default=300, gt=0, description="Places calls a minute.")
    write_utilisation: float = Field(default=0.5, gt=0, le=1, description="Share of the write limits that is used.")
    initial_share: float = Field(default=0.075, ge=0.05, le=0.10, description="Share of the records in wave 2.")
    major_share: float = Field(default=0.35, ge=0.20, le=0.50, description="Share of the records in wave 3.")

    def assumptions(self) -> Assumptions:
        """As the model wants them."""
        return Assumptions(
            tier=Tier(self.tier),
            calls_used_this_month=self.calls_used_this_month,
            queries_per_minute=self.queries_per_minute,
            limits=WriteLimits(utilisation=self.write_utilisation),
        )

    def shares(self) -> WaveShares:
        """As the model wants them, in decimal: 0.35 of 20 is 7."""
        return WaveShares(Decimal(str(self.initial_share)), Decimal(str(self.major_share)))


def build_receipt_assets() -> list[dg.AssetsDefinition]:
    """The inventory and the assessment."""
    return [_build_inventory(), _build_assessment()]


def _build_inventory() -> dg.AssetsDefinition:
    @dg.asset(
        key=INVENTORY,
        group_name=GROUP,
        kinds={"dynamodb", "python"},
        owners=[OWNER],
        description=_INVENTORY_TEXT,
        check_specs=[
            dg.AssetCheckSpec(name, asset=INVENTORY, blocking=True, description=text)
            for name, text in DESCRIPTIONS.items()
        ],
        required_resource_keys={"items", "objects"},
    )
    def receipt_inventory(context: dg.AssetExecutionContext, config: InventoryConfig) -> Iterator[Any]:
        items, objects = context.resources.items, context.resources.objects
        inventory = take_inventory(
            items.store(), items.named(), requires_receipt=config.require_parent_receipt, now=datetime.now(UTC)
        )
        manifest, verdicts = write_inventory(objects, inventory)
        for verdict in verdicts:
            yield dg.AssetCheckResult(
                asset_key=INVENTORY,
                check_name=verdict.gate,
                passed=verdict.passed,
                description=verdict.text,
                metadata=verdict.numbers,
            )
        if red := [verdict for verdict in verdicts if not verdict.passed]:
            text = "\n".join(f"{verdict.gate}: {verdict.text}" for verdict in red)
            raise dg.Failure(description=text, metadata={"red": [v.gate for v in red]}, allow_retries=False)
        yield dg.MaterializeResult(asset_key=INVENTORY, metadata=_about(manifest))

    return receipt_inventory


def _build_assessment() -> dg.AssetsDefinition:
    @dg.asset(
        key=ASSESSMENT,
        deps=[INVENTORY],
        group_name=GROUP,
        kinds={"python"},
        owners=[OWNER],
        description=_ASSESSMENT_TEXT,
        required_resource_keys={"items", "objects"},
    )
    def data_assessment(context: dg.AssetExecutionContext, config: AssessmentConfig) -> dg.MaterializeResult[Any]:
        objects: ObjectStore = context.resources.objects
        manifest = current_manifest(objects, context.resources.items.named())
        rows = read_rows(objects, manifest)
        counted = [Line(**line) for line in read_counts(objects, manifest)]
        lines = [*counted, *work_lines(rows, config)]
        return dg.MaterializeResult(
            metadata={
                "receipts/assessment": dg.MetadataValue.md(markdown(lines)),
                "receipts/buckets": _picture(rows, config.shares(), manifest),
                "receipts/counts": dg.MetadataValue.json([asdict(line) for line in lines]),
                "receipts/manifest": manifest.run_id,
                "receipts/manifest_digest": manifest.digest,
            }
        )

    return data_assessment


def write_inventory(objects: ObjectStore, inventory: Inventory) -> tuple[Manifest, list[Verdict]]:
    """Write the files, judge them as read back, and let the manifest count if both gates are green."""
    manifest = write_rows(objects, new_run_id(objects, inventory.taken_at), inventory)
    verdicts = judge_inventory(manifest, count_files(objects, manifest), inventory.census.malformed)
    if all(verdict.passed for verdict in verdicts):
        publish(objects, manifest, [asdict(line) for line in counts_of(inventory, objects)])
    return manifest, verdicts


def counts_of(inventory: Inventory, objects: ObjectStore) -> list[Line]:
    """What the scan says of the source; what it cannot say, coordinates, is answered from the cached places."""
    census = inventory.census
    located = PlacesCache(objects).located(record.metadata.place_id for record in census.records if record.is_eligible)
    return count_lines(assess(census, located), inventory.rows_scanned, inventory.consumed.total)


def work_lines(rows: Sequence[Row], config: AssessmentConfig) -> list[Line]:
    """What the manifest says of the work: its waves, and what they will take."""
    missing = [row.place_id for row in rows if row.eligible and row.existing == Existing.NONE]
    assumptions = config.assumptions()
    waves = wave_lines(eligible_by_bucket([row.bucket for row in rows if row.eligible]), config.shares())
    return [*waves, *estimate_lines(estimate_of(missing, assumptions), assumptions)]


def _about(manifest: Manifest) -> dict[str, Any]:
    return {
        "receipts/manifest": manifest.run_id,
        "receipts/manifest_digest": manifest.digest,
        "receipts/metadata_rows": manifest.scanned_metadata,
        "receipts/rows_scanned": manifest.rows_scanned,
        "receipts/read_units": manifest.read_units,
        "receipts/by_reason": dict(manifest.by_reason),
        "receipts/malformed_by_reason": dict(manifest.malformed_by_reason),
        "receipts/existing_places": dict(manifest.existing),
    }


def _picture(rows: Sequence[Row], shares: WaveShares, manifest: Manifest) -> dg.MarkdownMetadataValue:
    from backfill_pipelines.receipts.bucket_picture import draw_buckets  # loads matplotlib

    counts = eligible_by_bucket([row.bucket for row in rows if row.eligible])
    png = draw_buckets(counts, plan_waves(counts, shares), f"Eligible records of {manifest.table}, bucket by bucket")
    return dg.MetadataValue.md(f"![buckets](data:image/png;base64,{base64.b64encode(png).decode()})")
