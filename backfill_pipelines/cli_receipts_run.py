"""``backfill receipts plan`` and ``run``: the migration from the command line, thin over its assets.

Exit codes of ``run``: 0 all green, 1 a gate is red or records failed, 2 refused, 3 parked (go on later with the same
command), 4 stopped (key or request refused, writer lease, throttling, a ratio proven to be too high).
"""

import re
import uuid
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Annotated, Any

import dagster as dg
import typer

from backfill_pipelines.backfill.failures import BackfillError
from backfill_pipelines.cli_console import console, reported
from backfill_pipelines.cli_receipts import assess, receipts_app, show_lines
from backfill_pipelines.cli_receipts_ids import refresh
from backfill_pipelines.cli_receipts_quarantine import quarantine_app
from backfill_pipelines.cli_receipts_summary import exit_code, show_summary
from backfill_pipelines.migration_resource import build_all_resources
from backfill_pipelines.receipts.keys import BUCKETS, bucket_of, is_image_id
from backfill_pipelines.receipts.manifest import current_manifest
from backfill_pipelines.receipts.migration_assets import CACHE, PLACES, PLAN, build_migration_assets
from backfill_pipelines.receipts.migration_context import ORIGIN_TAG, RESOURCES, Migration, load_migration
from backfill_pipelines.receipts.migration_plan import present_lines
from backfill_pipelines.receipts.place_admission import released, unconfirmed, unknown_record
from backfill_pipelines.receipts.plans import latest_plan
from backfill_pipelines.receipts.run_reports import RunReport, load_reports
from backfill_pipelines.receipts.waves import CANARY_BATCH_SIZE, CANARY_RECORDS
from backfill_pipelines.runner import ChunkResult, failure_text, open_instance, run_asset, run_unpartitioned
from backfill_pipelines.settings import Settings, read_settings

receipts_app.add_typer(quarantine_app, name="quarantine")
receipts_app.command("refresh-ids")(refresh)

_BUCKETS = re.compile(r"([0-9a-f]{2})(?:-([0-9a-f]{2}))?")


@receipts_app.command()
@reported
def plan(
    initial_share: Annotated[float, typer.Option(min=0.05, max=0.10, help="Share of the records in wave 2.")] = 0.075,
    major_share: Annotated[float, typer.Option(min=0.20, max=0.50, help="Share of the records in wave 3.")] = 0.35,
) -> None:
    """Make the plan from the current manifest, cache and settings, and print it: waves, calls, units, money, time."""
    settings = read_settings()
    resources = _resources(settings)
    items, objects = resources["items"], resources["objects"]
    items.require_answer()
    manifest = current_manifest(objects, items.named())
    config = {"initial_share": initial_share, "major_share": major_share}
    with open_instance(settings) as instance:
        result = run_unpartitioned(_asset(PLAN), instance=instance, resources=resources, config=config)
    if not result.success:
        raise BackfillError(failure_text(result))
    if made := latest_plan(objects, items.named()):
        lines = present_lines(made, manifest, objects, resources["control"], resources["migration"])
        show_lines(lines, "plan of the migration")


@receipts_app.command()
@reported
def run(
    wave: Annotated[int | None, typer.Option(min=1, max=4, help="The buckets of this wave of the plan.")] = None,
    buckets: Annotated[str, typer.Option(help="Buckets: 00, 00-0f, or several of them with commas.")] = "",
    image_id: Annotated[str, typer.Option(help="Only the records of this image.")] = "",
    receipt_id: Annotated[int | None, typer.Option(min=1, help="Only this receipt of the image.")] = None,
    confirm: Annotated[str, typer.Option(help="The table's name, once more, to write a production table.")] = "",
    limit: Annotated[int | None, typer.Option(min=1, help="Most records taken up by this command.")] = None,
    batch_size: Annotated[int | None, typer.Option(min=1, max=1000, help="Records of one transaction.")] = None,
    buckets_per_run: Annotated[
        int | None,
        typer.Option(min=1, max=256, help="Most buckets of one Dagster run; else 64 to fetch, 16 to write."),
    ] = None,
    *,
    canary: Annotated[bool, typer.Option("--canary", help="Dry run of the first 100, which wave 1 waits for.")] = False,
    apply: Annotated[bool, typer.Option("--apply", help="Write. Without it nothing is written.")] = False,
    fetch: Annotated[bool, typer.Option("--fetch", help="Ask the Places API for what the cache lacks.")] = False,
    count_only: Annotated[bool, typer.Option("--count-only", help="Count the table; no call, no write.")] = False,
) -> None:
    """Write the places of a wave, of some buckets or of one image; a dry run unless told to apply."""
    if count_only:
        assess()
        return
    named = {"--wave": wave, "--buckets": buckets, "--image-id": image_id, "--limit": limit, "--apply": apply}
    _require_sense(canary, receipt_id, image_id, [option for option, value in named.items() if value])
    settings = read_settings()
    resources = _resources(settings)
    resources["items"].require_answer()
    migration = load_migration(SimpleNamespace(**resources))
    chosen = list(BUCKETS) if canary else _chosen(migration, wave, buckets, image_id)
    if unknown := unknown_record(migration, image_id, receipt_id):
        raise BackfillError(unknown)
    config: dict[str, Any] = {"apply": apply, "fetch": fetch or canary, "confirm": confirm, "image_id": image_id}
    config |= {name: value for name, value in (("batch_size", batch_size), ("receipt_id", receipt_id)) if value}
    if canary:
        config |= {"canary": True, "batch_size": batch_size or CANARY_BATCH_SIZE}
        limit = CANARY_RECORDS
    if config["fetch"]:
        resources["places"].client()  # a missing key is said before anything is begun
    with open_instance(settings) as instance:
        if apply:
            _require_allowed(instance, migration, chosen, confirm)
        reports, failures = _run(instance, resources, chosen, config, limit, buckets_per_run)
    show_summary(reports, failures)
    raise typer.Exit(exit_code(reports, failures))


def _require_sense(canary: bool, receipt_id: int | None, image_id: str, given: Sequence[str]) -> None:  # noqa: FBT001
    """Options that would be passed over are refused."""
    if canary and given:
        raise BackfillError(
            f"a canary is a dry run of the first {CANARY_RECORDS} records. Repair: leave out {', '.join(given)}"
        )
    if receipt_id is not None and not image_id:
        raise BackfillError("--receipt-id without --image-id names no record. Repair: give both")


def _run(
    instance: dg.DagsterInstance,
    resources: Mapping[str, Any],
    chosen: Sequence[str],
    config: Mapping[str, Any],
    limit: int | None,
    longest: int | None = None,
) -> tuple[list[RunReport], list[ChunkResult]]:
    """Fill the cache, then write, range after range, until all is done or a run says to stop."""
    origin = f"cli-{uuid.uuid4().hex[:12]}"
    objects, failures = resources["objects"], list[ChunkResult]()
    tags = {ORIGIN_TAG: origin}
    if config["apply"] and config["fetch"] and limit is None and not config["image_id"]:
        failures += _ranges(instance, resources, CACHE, chosen, {"apply": True}, tags, longest=longest)
        if any(report.stop for report in load_reports(objects, origin)):
            return load_reports(objects, origin), failures
    if limit is None:
        until_stop = (objects, origin)
        failures += _ranges(instance, resources, PLACES, chosen, config, tags, longest=longest, until_stop=until_stop)
        return load_reports(objects, origin), failures
    policy = _asset(PLACES).backfill_policy
    longest = len(chosen) if config.get("canary") else longest or (policy.max_partitions_per_run if policy else 1)
    for start in range(0, len(chosen), longest or 1):
        reports = load_reports(objects, origin)
        left = limit - sum(report.attempted for report in reports)
        if left <= 0 or any(report.stop for report in reports):
            break
        part = chosen[start : start + (longest or 1)]
        failures += _ranges(instance, resources, PLACES, part, {**config, "limit": left}, tags, longest=longest)
    return load_reports(objects, origin), failures


def _ranges(
    instance: dg.DagsterInstance,
    resources: Mapping[str, Any],
    key: dg.AssetKey,
    chosen: Sequence[str],
    config: Mapping[str, Any],
    tags: Mapping[str, str],
    *,
    longest: int | None = None,
    until_stop: tuple[Any, str] | None = None,
) -> list[ChunkResult]:
    """Run an asset range after range; gives the ranges that failed."""
    failed: list[ChunkResult] = []
    chunks = run_asset(
        _asset(key),
        chosen,
        instance=instance,
        resources=resources,
        config=config,
        tags=tags,
        longest=longest,
        started=lambda asset, first, last: console.print(f"{asset}  {first}-{last}", highlight=False),
    )
    for chunk in chunks:
        failed += [chunk] if chunk.failure else []
        if until_stop and any(report.stop for report in load_reports(*until_stop)):
            break
    return failed


def _require_allowed(instance: dg.DagsterInstance, migration: Migration, chosen: Sequence[str], confirm: str) -> None:
    """What the assets would refuse is said before anything is begun."""
    reasons = [
        unconfirmed(migration, confirm),
        *(t for texts in released(instance, migration, chosen).values() for t in texts),
    ]
    if found := list(dict.fromkeys(reason for reason in reasons if reason)):
        raise BackfillError("refused, nothing was written:\n" + "\n".join(found))


def _chosen(migration: Migration, wave: int | None, buckets: str, image_id: str) -> list[str]:
    """The buckets of exactly one way to name them."""
    if sum((wave is not None, bool(buckets), bool(image_id))) != 1:
        raise BackfillError("name what to run in one way. Repair: --canary, --wave, --buckets, or --image-id")
    if wave is not None:
        return list(migration.plan.waves[wave - 1].buckets)
    if image_id:
        if not is_image_id(image_id):
            raise BackfillError(f"{image_id!r} is no image id. Repair: give the UUID as it stands in the keys")
        return [bucket_of(image_id)]
    return chosen_buckets(buckets)


def chosen_buckets(text: str) -> list[str]:
    """Buckets as an operator names them: ``00``, ``00-0f``, several of them with commas.

    Raises:
        BackfillError: they are none.
    """
    return sorted({bucket for part in text.split(",") for bucket in _range(part.strip().lower())})


def _range(text: str) -> Sequence[str]:
    match = _BUCKETS.fullmatch(text)
    first, last = (match[1], match[2] or match[1]) if match else ("", "")
    if not match or first > last:
        raise BackfillError(f"{text!r} are no buckets. Repair: two hex digits, or a range like 00-0f")
    return BUCKETS[BUCKETS.index(first) : BUCKETS.index(last) + 1]


def _asset(key: dg.AssetKey) -> dg.AssetsDefinition:
    return next(asset for asset in build_migration_assets() if asset.key == key)


def _resources(settings: Settings) -> dict[str, Any]:
    return {name: resource for name, resource in build_all_resources(settings).items() if name in RESOURCES}
