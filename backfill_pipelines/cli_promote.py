"""``backfill promote``: images from the dev table's exports, or the table itself, into the prod table.

Exit codes of ``run``: 0 all green, 1 a gate is red or too much was set aside, 2 refused, 3 parked for the embedding
backlog (go on later with the same command), 4 stopped (writer lease, throttling, Ctrl-C, a refusing table).
"""

import uuid
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Annotated, Any

import dagster as dg
import typer

from backfill_pipelines.backfill.failures import BackfillError, SettingsError
from backfill_pipelines.backfill.gates import READ_BACK_GATE, UPSTREAM_GATE
from backfill_pipelines.cli_console import BROKEN, PARKED, RED, STOPPED, console, reported
from backfill_pipelines.cli_promote_embed import embed
from backfill_pipelines.cli_receipts_run import chosen_buckets
from backfill_pipelines.migration_resource import build_all_resources, build_exports
from backfill_pipelines.receipts.keys import BUCKETS, bucket_of, is_image_id
from backfill_pipelines.receipts.migration_context import ORIGIN_TAG
from backfill_pipelines.receipts.promotion.image_gates import errors_judgement
from backfill_pipelines.receipts.promotion.image_outcomes import (
    DRY_RUN,
    PARKED_BACKLOG,
    REPLACE_REFUSED,
    TERMS,
    ImageOutcome,
)
from backfill_pipelines.receipts.promotion.plan_asset import work_of
from backfill_pipelines.receipts.promotion.promotion_admission import refusals
from backfill_pipelines.receipts.promotion.promotion_assets import (
    build_export_inventory,
    build_promoted_images,
)
from backfill_pipelines.receipts.promotion.promotion_context import (
    RESOURCES,
    Promotion,
    load_promotion,
    require_source_unchanged,
    target_of,
)
from backfill_pipelines.receipts.promotion.promotion_plans import make_plan, save_plan
from backfill_pipelines.receipts.promotion.promotion_reports import PromotionReport, joined, load_reports
from backfill_pipelines.receipts.promotion.promotion_settings import PromotionSettings
from backfill_pipelines.receipts.promotion.promotion_summary import summary
from backfill_pipelines.receipts.ratio_gates import RatioVerdict
from backfill_pipelines.runner import ChunkResult, failure_text, open_instance, run_asset, run_unpartitioned
from backfill_pipelines.settings import Settings, read_settings

promote_app = typer.Typer(no_args_is_help=True, help="Images from the dev table into the prod table.")
promote_app.command()(embed)

#: Red gates that follow from images that are not settled.
_FOLLOW = {"every_image_is_settled", READ_BACK_GATE}

Export = Annotated[
    str, typer.Option("--export", help="Folder of export files; default BACKFILL_PROMOTION_EXPORTS_URL.")
]
FromTable = Annotated[str, typer.Option("--from-table", help="The source table itself, instead of export files.")]
To = Annotated[str, typer.Option("--to", help="The target table; default BACKFILL_PROMOTION_TARGET_TABLE.")]
Mapped = Annotated[list[str] | None, typer.Option("--bucket-map", help="An S3 bucket's counterpart, dev=prod; repeat.")]
Losses = Annotated[list[str] | None, typer.Option("--accept-loss", help="What may be left behind, by name; repeat.")]
Age = Annotated[float | None, typer.Option("--max-export-age", min=0.001, help="Days up to which an export counts.")]
Checks = Annotated[bool, typer.Option("--check-objects", help="Ask the target's buckets for every file of an image.")]


@promote_app.callback()
def promote() -> None:
    """Images from the dev table into the prod table."""


@promote_app.command()
@reported
def plan(
    export: Export = "",
    from_table: FromTable = "",
    to: To = "",
    bucket_map: Mapped = None,
    accept_loss: Losses = None,
    max_export_age: Age = None,
    *,
    check_objects: Checks = False,
) -> None:
    """Read every image of the source, look what the target holds of it, and keep that as the plan to be applied."""
    settings = read_settings()
    choices = (export, from_table, to, bucket_map or [], accept_loss or [], max_export_age, check_objects)
    resources = _resources(settings, *choices)
    with open_instance(settings) as instance:
        _take_inventory(instance, resources)
        promotion = load_promotion(SimpleNamespace(**resources), needs_plan=False)
        report, failures = _run(instance, resources, _buckets_of(promotion, "", []), {})
    _show(report, failures)
    if failures:
        raise typer.Exit(RED)
    made = make_plan(promotion.objects, promotion.manifest, promotion.table, promotion.state.arn, work_of(report))
    save_plan(promotion.objects, made)
    console.print(
        f"plan {made.plan_id} revision {made.revision}, target {made.table_arn}\nfingerprint {made.fingerprint}",
        highlight=False,
        soft_wrap=True,
    )


@promote_app.command()
@reported
def run(
    export: Export = "",
    from_table: FromTable = "",
    to: To = "",
    bucket_map: Mapped = None,
    accept_loss: Losses = None,
    max_export_age: Age = None,
    image: Annotated[list[str] | None, typer.Option("--image", help="Only this image; repeat.")] = None,
    buckets: Annotated[str, typer.Option(help="Buckets: 00, 00-0f, or several of them with commas; default all.")] = "",
    fingerprint: Annotated[
        str, typer.Option("--fingerprint", "--plan", help="Of the reviewed plan; needed for a production table.")
    ] = "",
    confirm: Annotated[str, typer.Option(help="The target's name, once more, to write a production table.")] = "",
    replace: Annotated[
        list[str] | None, typer.Option("--replace", help="An image of which the target holds other content; repeat.")
    ] = None,
    accept_stream_events: Annotated[
        int | None, typer.Option(min=0, help="Messages that replacing was said to send.")
    ] = None,
    dead_letters: Annotated[
        int | None, typer.Option(min=0, help="Messages in the compaction's dead-letter queues, as you read them.")
    ] = None,
    *,
    check_objects: Checks = False,
    embed: Annotated[bool, typer.Option("--embed", help="Embed and wait when too many rows wait.")] = False,
    apply: Annotated[bool, typer.Option("--apply", "--execute", help="Write. Without it nothing is written.")] = False,
) -> None:
    """Copy the images of the source that the target does not have; a dry run unless told to apply."""
    settings = read_settings()
    choices = (export, from_table, to, bucket_map or [], accept_loss or [], max_export_age, check_objects)
    resources = _resources(settings, *choices)
    config: dict[str, Any] = {"apply": apply, "confirm": confirm, "fingerprint": fingerprint}
    config |= {"image_ids": _images(image or [], replace or []), "replace": replace or [], "embed": embed}
    given = {"accept_stream_events": accept_stream_events, "dead_letters": dead_letters}
    config |= {name: value for name, value in given.items() if value is not None}
    with open_instance(settings) as instance:
        if not apply:
            _take_inventory(instance, resources)
        promotion = load_promotion(SimpleNamespace(**resources), needs_plan=apply)
        chosen = _buckets_of(promotion, buckets, config["image_ids"])
        _require_offered(promotion, config["image_ids"])
        if apply:
            _require_allowed(promotion, confirm, fingerprint)
        report, failures = _run(instance, resources, chosen, config)
    _show(report, failures)
    raise typer.Exit(_exit_code(report, failures, promotion.settings))


def _resources(
    settings: Settings,
    export: str,
    from_table: str,
    to: str,
    bucket_map: Sequence[str],
    accept_loss: Sequence[str],
    max_export_age: float | None,
    check_objects: bool,  # noqa: FBT001
) -> dict[str, Any]:
    """The resources of the settings, with what the command line says instead."""
    if export and from_table:
        raise SettingsError("--export and --from-table are two sources. Repair: give one of them")
    found = {name: one for name, one in build_all_resources(settings).items() if name in {*RESOURCES, "buckets"}}
    known: PromotionSettings = found["promotion"]
    said: dict[str, Any] = {
        "buckets": {**known.buckets, **dict(_pair(text) for text in bucket_map)},
        "accept_loss": [*known.accept_loss, *accept_loss],
        "check_objects": known.check_objects or check_objects,
    }
    said |= {"source": "table", "source_table": from_table} if from_table else {}
    said |= {"source": "files"} if export else {}
    said |= {"target_table": to} if to else {}
    said |= {"max_export_age_days": max_export_age} if max_export_age is not None else {}
    found["promotion"] = PromotionSettings(**(known.model_dump() | said))
    if export:
        found["exports"] = build_exports(export)
    # What is not named is said before every image of the source is read.
    target_of(found["promotion"], found["items"])
    return found


def _pair(text: str) -> tuple[str, str]:
    source, equals, target = text.partition("=")
    if not (source and equals and target):
        raise SettingsError(f"{text!r} maps no bucket. Repair: --bucket-map dev-name=prod-name")
    return source, target


def _take_inventory(instance: dg.DagsterInstance, resources: Mapping[str, Any]) -> None:
    """Materialise the inventory, as the UI does."""
    result = run_unpartitioned(build_export_inventory(), instance=instance, resources=resources)
    if not result.success:
        raise BackfillError(f"the source cannot be promoted from:\n{failure_text(result)}")


def _run(
    instance: dg.DagsterInstance, resources: Mapping[str, Any], chosen: Sequence[str], config: Mapping[str, Any]
) -> tuple[PromotionReport, list[ChunkResult]]:
    """Range after range, until all is done or a run says to stop."""
    origin, objects, failures = f"cli-{uuid.uuid4().hex[:12]}", resources["objects"], list[ChunkResult]()
    # One range as long as it is asked for: images of many buckets are copied side by side.
    for chunk in run_asset(
        build_promoted_images(),
        chosen,
        instance=instance,
        resources=resources,
        config=config,
        tags={ORIGIN_TAG: origin},
        longest=len(BUCKETS),
    ):
        failures += [chunk] if chunk.failure else []
        if any(report.stop for report in load_reports(objects, origin)):
            break
    reports = load_reports(objects, origin)
    if not reports:
        raise BackfillError("\n".join(chunk.failure for chunk in failures) or "nothing was run")
    return joined(reports), failures


def _buckets_of(promotion: Promotion, buckets: str, image_ids: Sequence[str]) -> list[str]:
    """The buckets that were named, or all from the first image to the last: one range, so that it is one run."""
    if image_ids:
        of_images = sorted(bucket_of(image_id) for image_id in image_ids)
        return chosen_buckets(f"{of_images[0]}-{of_images[-1]}")
    held = promotion.manifest.buckets
    return chosen_buckets(buckets or f"{held[0]}-{held[-1]}")


def _require_offered(promotion: Promotion, image_ids: Sequence[str]) -> None:
    """An image that the source does not have would be copied by doing nothing."""
    offered = {row.image_id for row in promotion.rows({bucket_of(image_id) for image_id in image_ids})}
    if missing := [image_id for image_id in image_ids if image_id not in offered]:
        raise BackfillError(
            f"{promotion.manifest.source} has no {', '.join(missing)}. Repair: export it, or name another image"
        )


def _images(image: Sequence[str], replace: Sequence[str]) -> list[str]:
    wrong = [one for one in (*image, *replace) if not is_image_id(one)]
    if wrong:
        raise BackfillError(f"{wrong[0]!r} is no image id. Repair: give the UUID as it stands in the keys")
    return sorted({*image, *replace})


def _require_allowed(promotion: Promotion, confirm: str, fingerprint: str) -> None:
    """What the asset would refuse is said before anything is begun."""
    if found := refusals(promotion, confirm, fingerprint):
        raise BackfillError("refused, nothing was written:\n" + "\n".join(found))
    require_source_unchanged(promotion, BUCKETS)


def _show(report: PromotionReport, failures: Sequence[ChunkResult]) -> None:
    console.print(summary(report), highlight=False, markup=False, soft_wrap=True)
    for text in report.named:
        console.print(text, highlight=False, markup=False, soft_wrap=True)
    if report.stop:
        console.print(f"{report.stop}: {report.stop_detail}", style="red", highlight=False, markup=False)
    for chunk in failures:
        if not _is_said(chunk, report):
            console.print(f"failed: {chunk.failure}", style="red", highlight=False, markup=False)


def _is_said(chunk: ChunkResult, report: PromotionReport) -> bool:
    """Whether the stop of the run says it already, and not once more for every bucket."""
    if report.stop == PARKED_BACKLOG:
        return report.red.keys() <= _FOLLOW and not report.count(ImageOutcome.FAILED)
    return bool(report.stop) and report.stop_detail in chunk.failure


def _exit_code(report: PromotionReport, failures: Sequence[ChunkResult], settings: PromotionSettings) -> int:
    """0 green, 1 red, 2 refused, 3 parked, 4 stopped; of several the one that has to be looked at first."""
    if report.stop and report.stop != PARKED_BACKLOG:
        return STOPPED
    tally = {outcome: report.count(outcome) for outcome in TERMS}
    accepted = len({*settings.accepted_images} & {*report.quarantined})
    waiting = report.tally.get(str(ImageOutcome.NOT_ATTEMPTED), {})
    left = tally[ImageOutcome.PARKED] + sum(n for reason, n in waiting.items() if reason != DRY_RUN)
    quarantined = tally[ImageOutcome.QUARANTINED] - accepted
    judged = errors_judgement(quarantined, report.images - left, report.images)
    if judged.failures:
        console.print(f"errors: quarantined {judged}", highlight=False, markup=False)
    red = report.red.keys() - _FOLLOW - {UPSTREAM_GATE}
    if tally[ImageOutcome.FAILED] or red or (judged.failures and judged.verdict is not RatioVerdict.PASS):
        return RED
    is_refused = REPLACE_REFUSED in report.tally.get(str(ImageOutcome.DIFFERS), {})
    if UPSTREAM_GATE in report.red or is_refused:
        return BROKEN
    if tally[ImageOutcome.PARKED]:
        return PARKED
    return RED if failures else 0
