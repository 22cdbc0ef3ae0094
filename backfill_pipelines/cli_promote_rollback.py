"""``backfill promote rollback``: take a run of the promotion back. Shows what it would do; ``--apply`` writes."""

import getpass
from types import SimpleNamespace
from typing import Annotated

import typer

from backfill_pipelines.cli_console import RED, reported
from backfill_pipelines.cli_rollback import applied, show, stops_reported
from backfill_pipelines.migration_resource import build_all_resources
from backfill_pipelines.receipts.promotion.jobs import ROLLBACK_OP, build_rollback_job
from backfill_pipelines.receipts.promotion.rollback_report import count_lines, detail_lines, next_line
from backfill_pipelines.receipts.promotion.rollback_run import NEEDED, Report, Request, RollbackWork
from backfill_pipelines.settings import read_settings


@reported
def rollback(
    run_id: Annotated[str, typer.Argument(help="The run of the promotion, pr-YYYYMMDD-NNNN.")],
    buckets: Annotated[str, typer.Option(help="Only these buckets, A-B, both ends included.")] = "",
    image: Annotated[list[str] | None, typer.Option("--image", help="Only this image; repeat.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Most images that are taken back.")] = None,
    accept_stream_events: Annotated[
        int | None, typer.Option(min=0, help="The number of stream messages that the preview has named.")
    ] = None,
    confirm: Annotated[str, typer.Option(help="The table's name; needed to write a production table.")] = "",
    to: Annotated[str, typer.Option("--to", help="The target table; default BACKFILL_PROMOTION_TARGET_TABLE.")] = "",
    *,
    include_embedded: Annotated[
        bool, typer.Option("--include-embedded", help="Also lines and words that were embedded since.")
    ] = False,
    apply: Annotated[bool, typer.Option("--apply", "--execute", help="Write. Without it nothing is changed.")] = False,
    despite_pause: Annotated[
        bool, typer.Option("--despite-pause", help="Write although the images are paused.")
    ] = False,
) -> None:
    """Delete the images that a run created and restore those it replaced; an image that changed since stays whole.

    Exit code 0: all gates green; 1: a gate is red; 2: refused; 4: stopped by a lease or by throttling.
    """
    settings = read_settings()
    request = Request(
        run_id=run_id,
        buckets=buckets,
        image_ids=image or [],
        limit=limit,
        include_embedded=include_embedded,
        apply=apply,
        accept_stream_events=accept_stream_events,
        confirm=confirm,
        despite_pause=despite_pause,
        asked_by=getpass.getuser(),
    )
    resources = {name: found for name, found in build_all_resources(settings).items() if name in NEEDED}
    if to:
        resources["promotion"] = resources["promotion"].model_copy(update={"target_table": to})
    with stops_reported():
        if apply:
            report = applied(settings, resources, request, build_rollback_job, ROLLBACK_OP)
        else:
            report = Report(RollbackWork(SimpleNamespace(**resources), request).preview())
    show(
        is_applied=report.undone is not None,
        counts=count_lines(report),
        lines=detail_lines(report),
        next_line=next_line(report, request),
        red="kept: ",
    )
    if not report.is_green:
        raise typer.Exit(RED)
