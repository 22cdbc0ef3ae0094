"""``backfill receipts``: what the receipts table holds and what the place migration will take. Reads; writes no table.

``--seed`` fills a table of its own on the embedded server, never another.
"""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict
from decimal import Decimal
from itertools import groupby
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from backfill_pipelines.backfill.failures import BackfillError, SettingsError
from backfill_pipelines.cli_console import RED, console, reported
from backfill_pipelines.cli_receipts_rollback import rollback
from backfill_pipelines.migration_resource import build_migration
from backfill_pipelines.receipts.assessment_report import Line
from backfill_pipelines.receipts.assets import (
    INVENTORY,
    AssessmentConfig,
    build_receipt_assets,
    counts_of,
    work_lines,
)
from backfill_pipelines.receipts.call_ledger import CallLedger
from backfill_pipelines.receipts.daily_quota import daily_quota
from backfill_pipelines.receipts.inventory import take_inventory
from backfill_pipelines.receipts.key_proof import is_proof, prove_key
from backfill_pipelines.receipts.manifest import latest_manifest, row_of
from backfill_pipelines.receipts.prices import Tier
from backfill_pipelines.receipts.try_out import SPEC, seed_items
from backfill_pipelines.runner import failure_text, open_instance, run_unpartitioned
from backfill_pipelines.settings import Settings, read_settings
from backfill_pipelines.stores.dynamodb_resource import DynamoDB
from backfill_pipelines.stores.resources import build_control, build_items, build_objects, build_places

receipts_app = typer.Typer(no_args_is_help=True, help="The receipts table: what it holds, what its migration takes.")
receipts_app.command("rollback")(rollback)


@receipts_app.callback()
def receipts() -> None:
    """The receipts table: what it holds, what its migration takes."""


@receipts_app.command()
@reported
def assess(
    seed: Annotated[Path | None, typer.Option(help="Metadata rows as JSON lines, for a try-out table.")] = None,
    tier: Annotated[Tier, typer.Option(help="How much of a place will be asked for.")] = Tier.FULL,
    calls_used: Annotated[int, typer.Option(min=0, help="Calls of this SKU in this month so far.")] = 0,
    qpm: Annotated[float, typer.Option(min=1, help="Places calls a minute.")] = 300.0,
    *,
    require_receipt: Annotated[bool, typer.Option(help="A record without a RECEIPT row gets no place.")] = True,
) -> None:
    """Scan the table and print every count, the waves, the calls, the cost and the time; nothing is written."""
    settings = read_settings()
    items = build_items(settings)
    table = _seeded(settings, items, seed) if seed else items.named()
    items.require_answer(table)
    inventory = take_inventory(items.store(table), table, requires_receipt=require_receipt)
    config = AssessmentConfig(tier=str(tier), calls_used_this_month=calls_used, queries_per_minute=qpm)
    rows = [row_of(record) for record in inventory.census.records]
    console.print(f"{table}, {inventory.taken_at:%Y-%m-%d %H:%M} UTC", highlight=False)
    show_lines([*counts_of(inventory, build_objects(settings)), *work_lines(rows, config)], "data assessment")
    for row in inventory.census.malformed:
        console.print(f"malformed: {asdict(row)}", highlight=False, markup=False)


@receipts_app.command()
@reported
def inventory(
    *,
    require_receipt: Annotated[bool, typer.Option(help="A record without a RECEIPT row gets no place.")] = True,
) -> None:
    """Scan the table and write the manifest, as the asset in the UI does; exit code 1 when a gate is red."""
    settings = read_settings()
    items, objects = build_items(settings), build_objects(settings)
    items.require_answer()
    (asset,) = [found for found in build_receipt_assets() if found.key == INVENTORY]
    with open_instance(settings) as instance:
        result = run_unpartitioned(
            asset,
            instance=instance,
            resources={"items": items, "objects": objects},
            config={"require_parent_receipt": require_receipt},
        )
        red = [found for found in result.get_asset_check_evaluations() if not found.passed]
        if not result.success and not red:
            raise BackfillError(f"{INVENTORY.to_user_string()} could not be measured: {failure_text(result)}")
    if red:
        console.print(failure_text(result), style="red", highlight=False, markup=False)
        raise typer.Exit(RED)
    if manifest := latest_manifest(objects, items.named()):
        for name, value in (*manifest.by_reason.items(), *manifest.malformed_by_reason.items()):
            console.print(f"{name:24}{value:>10,}", highlight=False)
        console.print(f"{manifest.run_id} digest {manifest.digest}\n{objects.url}", highlight=False, soft_wrap=True)


@receipts_app.command()
@reported
def budget(
    *,
    resume: Annotated[
        bool, typer.Option("--resume", help="Prove the key by one free call, and let stopped runs call again.")
    ] = False,
) -> None:
    """Show Places calls and dollars by month, SKU and run; exit code 1 while all calls are stopped."""
    settings = read_settings()
    control, migration = build_control(settings), build_migration(settings)
    with closing(control):
        ledger = CallLedger.of(control, migration)
        if resume:
            _prove_key(settings, ledger)
        _show_spend(ledger)
        console.print(f"quota of the day: {daily_quota(ledger, migration).text}", highlight=False)
        stop = ledger.stopped()
    if stop is not None:
        console.print(
            f"all calls are stopped, {stop.kind}: {stop}. Repair: correct it, then backfill receipts budget --resume",
            style="red",
            highlight=False,
            markup=False,
        )
        raise typer.Exit(RED)


def _prove_key(settings: Settings, ledger: CallLedger) -> None:
    with closing(build_places(settings)) as places:
        judged = prove_key(places.client(), ledger)
    if not is_proof(judged):
        raise BackfillError(
            f"the key is not proven: {judged.kind}, {judged.detail}. Repair: correct BACKFILL_PLACES_KEY or "
            "BACKFILL_PLACES_ENDPOINT, then try again"
        )


def _show_spend(ledger: CallLedger) -> None:
    table = Table(title=f"Places calls, budget ${ledger.budget_usd} a month", title_justify="left")
    for name in ("month", "SKU", "run"):
        table.add_column(name)
    for name in ("attempts", "settled", "released", "uncertain", "under way", "USD"):
        table.add_column(name, justify="right")
    rows = ledger.spend()
    for month, found in groupby(rows, lambda row: row.month):
        of_month = list(found)
        for row in of_month:
            counts = (row.attempts, row.settled, row.released, row.uncertain, row.reserved)
            table.add_row(
                month, row.sku, escape(row.run_id), *(f"{count:,}" for count in counts), f"{row.spent_usd:.2f}"
            )
        total = sum((row.spent_usd for row in of_month), Decimal(0))
        attempts = sum(row.attempts for row in of_month)
        table.add_row(f"[bold]{month}[/bold]", "all", "", f"{attempts:,}", "", "", "", "", f"[bold]{total:.2f}[/bold]")
        table.add_section()
    console.print(table)


def _seeded(settings: Settings, items: DynamoDB, file: Path) -> str:
    """The table of the file's rows, on the embedded server and nowhere else."""
    if settings.items != "embedded":
        raise SettingsError(
            "--seed fills a table of the embedded server. Repair: leave BACKFILL_ITEMS and "
            "BACKFILL_DYNAMODB_ENDPOINT unset, or leave --seed away"
        )
    table, rows = seed_items(file)
    items.as_table(table).ensure(SPEC)
    items.store(table).batch_write(rows)
    return table


def show_lines(lines: Sequence[Line], title: str) -> None:
    """Lines as a table, section by section."""
    table = Table(title=title, title_justify="left")
    table.add_column("")
    table.add_column("count", justify="right")
    table.add_column("share", justify="right", no_wrap=True)
    for section, found in groupby(lines, lambda line: line.section):
        table.add_section()
        table.add_row(f"[bold]{escape(section)}[/bold]")
        for line in found:
            table.add_row(f"  {escape(line.name)}", escape(line.shown), line.share)
    console.print(table)
