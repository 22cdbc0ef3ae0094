"""``backfill promote rollback``: take a run of the promotion back. Shows what it would do; writes with ``--apply``.

Applying is a run of the job that the UI has as well, so that it stands in the history of runs.
"""

import getpass
from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.table import Table

from backfill_pipelines.backfill.busy import PROCESS_TAG, this_process
from backfill_pipelines.backfill.failures import BackfillError
from backfill_pipelines.backfill.run_mode import CLI_TAG
from backfill_pipelines.cli_console import RED, STOPPED, console, reported
from backfill_pipelines.migration_resource import build_all_resources
from backfill_pipelines.receipts.promotion.jobs import ROLLBACK_OP, build_rollback_job
from backfill_pipelines.receipts.promotion.rollback_report import count_lines, detail_lines, next_line
from backfill_pipelines.receipts.promotion.rollback_run import NEEDED, Report, Request, RollbackWork
from backfill_pipelines.runner import QUIET, failure_text, open_instance
from backfill_pipelines.settings import Settings, read_settings
from backfill_pipelines.stores.dynamodb_pacing import ThrottledTooLong
from backfill_pipelines.stores.leases import LeaseLost, LeaseTaken

_STOPS = (LeaseTaken, LeaseLost, ThrottledTooLong)


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
    try:
        report = _applied(settings, resources, request) if apply else Report(_previewed(resources, request))
    except _STOPS as error:
        console.print(f"[red]{type(error).__name__}:[/red] {error}", highlight=False)
        raise typer.Exit(STOPPED) from error
    _show(report, request)
    if not report.is_green:
        raise typer.Exit(RED)


class _Named:
    """Resources by attribute, as a run has them."""

    def __init__(self, resources: dict[str, Any]) -> None:
        self.__dict__.update(resources)


def _previewed(resources: dict[str, Any], request: Request) -> Any:
    return RollbackWork(_Named(resources), request).preview()


def _applied(settings: Settings, resources: dict[str, Any], request: Request) -> Report:
    """Run the job in this process.

    Raises:
        BackfillError: what the job was refused or stopped with.
    """
    told: list[Report | BackfillError] = []
    config = {name: value for name, value in asdict(request).items() if value is not None and name != "asked_by"}
    with open_instance(settings) as instance:
        result = build_rollback_job(told.append).execute_in_process(
            run_config={**QUIET, "ops": {ROLLBACK_OP: {"config": config}}},
            instance=instance,
            resources=resources,
            tags={CLI_TAG: "true", PROCESS_TAG: this_process()},
            raise_on_error=False,
        )
    match told:
        case [Report() as report]:
            return report
        case [BackfillError() as error]:
            raise error
    raise BackfillError(f"the rollback did not end: {failure_text(result)}. Repair: run the same command again")


def _show(report: Report, request: Request) -> None:
    title = "rollback" if report.undone is not None else "rollback, dry run: nothing was written"
    table = Table(title=title, title_justify="left", show_header=False)
    table.add_column("")
    table.add_column("", justify="right", overflow="fold")
    for name, value in count_lines(report):
        table.add_row(name, value)
    console.print(table)
    for line in detail_lines(report):
        style = "red" if ": FAIL: " in line or line.startswith("kept: ") else None
        console.print(line, style=style, highlight=False, markup=False, soft_wrap=True)
    console.print(next_line(report, request), highlight=False, markup=False, soft_wrap=True)
