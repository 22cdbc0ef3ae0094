"""``backfill promote verify`` and ``rollback``: what came of a promotion, and taking it back.

Exit codes of ``verify``: 0 all gates green, 1 one is red, 2 refused, or a gate could not be measured.
"""

from typing import Annotated

import typer
from rich.table import Table

from backfill_pipelines.backfill.failures import BackfillError
from backfill_pipelines.cli_console import RED, console, reported
from backfill_pipelines.cli_promote import promote_app
from backfill_pipelines.cli_promote_rollback import rollback
from backfill_pipelines.migration_resource import build_all_resources
from backfill_pipelines.receipts.promotion.report_asset import build_promotion_report, report_lines, uneven_lines
from backfill_pipelines.receipts.promotion.verification_run import NEEDED, Verification
from backfill_pipelines.runner import failure_text, open_instance, run_unpartitioned
from backfill_pipelines.settings import read_settings

promote_app.command()(rollback)


@promote_app.command()
@reported
def verify(
    to: Annotated[str, typer.Option("--to", help="The target table; default BACKFILL_PROMOTION_TARGET_TABLE.")] = "",
    *,
    check_objects: Annotated[
        bool, typer.Option("--check-objects", help="Ask the target's buckets for every file of an image.")
    ] = False,
) -> None:
    """Read every image of the plan again and compare it, by its fingerprint, with what the source says."""
    settings = read_settings()
    resources = {name: one for name, one in build_all_resources(settings).items() if name in NEEDED}
    if to:
        resources["promotion"] = resources["promotion"].model_copy(update={"target_table": to})
    told: list[tuple[Verification, str]] = []
    report = build_promotion_report(lambda *found: told.append(found))
    with open_instance(settings) as instance:
        config = {"check_objects": check_objects}
        result = run_unpartitioned(report, instance=instance, resources=resources, config=config)
    if not told:
        raise BackfillError(f"the promotion could not be verified: {failure_text(result)}")
    ((found, key),) = told
    _show(found, key)
    if not found.is_green:
        raise typer.Exit(RED)


def _show(found: Verification, key: str) -> None:
    table = Table(title="verification", title_justify="left", show_header=False)
    table.add_column("")
    table.add_column("", justify="right", overflow="fold")
    for name, value in report_lines(found):
        table.add_row(name, value)
    console.print(table)
    for text in uneven_lines(found):
        console.print(text, highlight=False, markup=False, soft_wrap=True)
    for gate in found.gates:
        style = None if gate.passed else "red"
        console.print("\n".join(gate.lines), style=style, highlight=False, markup=False, soft_wrap=True)
    console.print(f"image by image: {key}\nnext: {found.next_command}", highlight=False, markup=False, soft_wrap=True)
