"""``backfill receipts rollback``: take a run of the migration back. Shows what it would do; ``--apply`` writes."""

import getpass
from types import SimpleNamespace
from typing import Annotated

import typer

from backfill_pipelines.cli_console import RED, console, reported
from backfill_pipelines.cli_rollback import applied, show, stops_reported
from backfill_pipelines.migration_resource import build_all_resources
from backfill_pipelines.receipts.jobs import ROLLBACK_OP, build_rollback_job
from backfill_pipelines.receipts.rollback_report import count_lines, detail_lines, next_line
from backfill_pipelines.receipts.rollback_run import NEEDED, Report, Request, RollbackWork
from backfill_pipelines.settings import read_settings


@reported
def rollback(
    run: Annotated[str, typer.Option(help="The run of the migration, rp-YYYYMMDD-NNNN.")],
    wave: Annotated[int | None, typer.Option(help="Only the buckets of this wave.")] = None,
    buckets: Annotated[str, typer.Option(help="Only these buckets, A-B, both ends included.")] = "",
    image_id: Annotated[str, typer.Option(help="Only the records of this image.")] = "",
    receipt_id: Annotated[int | None, typer.Option(help="Only this receipt of the image.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Most records that are taken back.")] = None,
    accept_stream_events: Annotated[
        int | None, typer.Option(min=0, help="The number of stream messages that the preview has named.")
    ] = None,
    confirm: Annotated[str, typer.Option(help="The table's name; needed to write a production table.")] = "",
    *,
    count_only: Annotated[bool, typer.Option("--count-only", help="Count in the ledger; read no table.")] = False,
    apply: Annotated[bool, typer.Option("--apply", help="Write. Without it nothing is changed.")] = False,
    despite_pause: Annotated[
        bool, typer.Option("--despite-pause", help="Write although the places are paused.")
    ] = False,
) -> None:
    """Delete what a run created and restore what it enriched; whatever anybody changed since is kept and listed.

    Exit code 0: all gates green; 1: a gate is red; 2: refused; 4: stopped by a lease or by throttling.
    """
    settings = read_settings()
    request = Request(
        run_id=run,
        wave=wave,
        buckets=buckets,
        image_id=image_id,
        receipt_id=receipt_id,
        limit=limit,
        apply=apply,
        accept_stream_events=accept_stream_events,
        confirm=confirm,
        despite_pause=despite_pause,
        asked_by=getpass.getuser(),
    )
    resources = {name: found for name, found in build_all_resources(settings).items() if name in NEEDED}
    with stops_reported():
        if count_only:
            _show_counts(RollbackWork(SimpleNamespace(**resources), request))
            return
        resources["items"].require_answer()
        if apply:
            report = applied(settings, resources, request, build_rollback_job, ROLLBACK_OP)
        else:
            report = Report(RollbackWork(SimpleNamespace(**resources), request).preview())
    show(
        is_applied=bool(report.applied),
        counts=count_lines(report),
        lines=detail_lines(report),
        next_line=next_line(report, request),
        red="marked",
    )
    if not report.is_green:
        raise typer.Exit(RED)


def _show_counts(work: RollbackWork) -> None:
    for name, number in work.count().items():
        console.print(f"{name:32}{number:>10,}", highlight=False)
