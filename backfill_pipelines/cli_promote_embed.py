"""``backfill promote embed``: the embedding workflows for copied images, thin over their asset.

Exit codes: 0 embedded, 1 stuck or failed, 2 refused (a place is missing, a confirmation), 3 not known yet (go on later
with the same command), 4 stopped (Step Functions or the table did not answer).
"""

import uuid
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Annotated, Any

import dagster as dg
import typer

from backfill_pipelines.backfill.admission import Upstream, admitted
from backfill_pipelines.backfill.failures import BackfillError
from backfill_pipelines.backfill.gates import UPSTREAM_GATE
from backfill_pipelines.cli_console import BROKEN, PARKED, RED, STOPPED, console, reported
from backfill_pipelines.cli_receipts_run import chosen_buckets
from backfill_pipelines.migration_resource import build_all_resources
from backfill_pipelines.receipts.keys import BUCKETS
from backfill_pipelines.receipts.migration_context import ORIGIN_TAG
from backfill_pipelines.receipts.promotion.copied_images import copied_images
from backfill_pipelines.receipts.promotion.embedding_admission import refusals_of_table
from backfill_pipelines.receipts.promotion.embedding_assets import RESOURCES, build_embeddings
from backfill_pipelines.receipts.promotion.embedding_report import (
    EmbeddingReport,
    load_embedding_reports,
    report_lines,
)
from backfill_pipelines.receipts.promotion.promotion_assets import PROMOTED_IMAGES
from backfill_pipelines.receipts.promotion.promotion_context import target_of
from backfill_pipelines.receipts.promotion.promotion_settings import PromotionSettings
from backfill_pipelines.receipts.ratio_gates import RatioVerdict as DrainVerdict
from backfill_pipelines.runner import ChunkResult, open_instance, run_asset
from backfill_pipelines.settings import Settings, read_settings


@reported
def embed(
    run: Annotated[str, typer.Option("--run", help="Only images that this promotion copied; default all.")] = "",
    buckets: Annotated[str, typer.Option(help="Buckets: 00, 00-0f, or several of them with commas; default all.")] = "",
    to: Annotated[str, typer.Option("--to", help="The target table; default BACKFILL_PROMOTION_TARGET_TABLE.")] = "",
    confirm: Annotated[str, typer.Option(help="The target's name, once more, for a production table.")] = "",
    *,
    apply: Annotated[
        bool, typer.Option("--apply", "--execute", help="Start the workflows. Without it nothing is started.")
    ] = False,
) -> None:
    """Embed the lines and words of copied images and watch until none waits; a dry run unless told to apply."""
    settings = read_settings()
    resources = _resources(settings, to)
    table = target_of(resources["promotion"], resources["items"])
    resources["items"].require_answer(table)
    config = {"apply": apply, "confirm": confirm, "run_id": run}
    with open_instance(settings) as instance:
        chosen = _chosen(instance, resources, table, buckets, run)
        # What the asset would refuse, of every bucket, is said once and before anything is begun.
        if apply and (found := refusals_of_table(table, SimpleNamespace(**resources), confirm)):
            raise BackfillError("refused, nothing was started:\n" + "\n".join(found))
        reports, failures = _run(instance, resources, chosen, config)
    for report in reports:
        for text in report_lines(report):
            console.print(text, highlight=False, markup=False, soft_wrap=True)
    for chunk in failures:
        console.print(f"failed: {chunk.failure}", style="red", highlight=False, markup=False, soft_wrap=True)
    raise typer.Exit(_exit_code(reports, failures))


def _resources(settings: Settings, to: str) -> dict[str, Any]:
    found = {name: one for name, one in build_all_resources(settings).items() if name in RESOURCES}
    if to:
        known: PromotionSettings = found["promotion"]
        said: dict[str, Any] = {**known.model_dump(), "target_table": to}
        found["promotion"] = PromotionSettings(**said)
    return found


def _chosen(
    instance: dg.DagsterInstance, resources: Mapping[str, Any], table: str, buckets: str, run: str
) -> list[str]:
    """The buckets of copied images, of all or of those that were named, and the empty ones promoted between them."""
    wanted = chosen_buckets(buckets) if buckets else list(BUCKETS)
    found = sorted({image.bucket for image in copied_images(resources["control"], table, buckets=wanted, run_id=run)})
    if not found:
        which = f"by {run} " if run else ""
        where = f" in {buckets}" if buckets else ""
        raise BackfillError(
            f"no image was copied {which}into {table}{where}: nothing is to be embedded. "
            "Repair: backfill promote run --apply, or name another run, table or bucket"
        )
    between = wanted[wanted.index(found[0]) : wanted.index(found[-1]) + 1]
    return sorted({*found, *admitted(instance, [Upstream(PROMOTED_IMAGES)], between)})


def _run(
    instance: dg.DagsterInstance, resources: Mapping[str, Any], chosen: Sequence[str], config: Mapping[str, Any]
) -> tuple[list[EmbeddingReport], list[ChunkResult]]:
    """All buckets in one turn of the workflows, as far as their keys are neighbours."""
    origin, failures = f"cli-{uuid.uuid4().hex[:12]}", list[ChunkResult]()
    reports: list[EmbeddingReport] = []
    for chunk in run_asset(
        build_embeddings(),
        chosen,
        instance=instance,
        resources=resources,
        config=config,
        tags={ORIGIN_TAG: origin},
        longest=len(BUCKETS),
    ):
        failures += [chunk] if chunk.failure else []
        before, reports = len(reports), load_embedding_reports(resources["objects"], origin)
        if chunk.failure and len(reports) == before:
            break  # Refused or stopped, which the next range would be as well.
    return reports, failures


def _exit_code(reports: Sequence[EmbeddingReport], failures: Sequence[ChunkResult]) -> int:
    verdicts = {report.verdict for report in reports}
    if DrainVerdict.FAIL in verdicts:
        return RED
    if any(UPSTREAM_GATE in chunk.failure for chunk in failures):
        return BROKEN
    if DrainVerdict.NEED_MORE_DATA in verdicts:
        return PARKED
    if failures:
        return RED if len(reports) >= len(failures) else STOPPED
    return 0
