"""``backfill receipts quarantine``: the records that were set aside, and taking them up again."""

import os
from types import SimpleNamespace
from typing import Annotated, Any

import typer
from rich.table import Table

from backfill_pipelines.cli_console import console, reported
from backfill_pipelines.migration_resource import build_all_resources
from backfill_pipelines.receipts.ledger import RecordLedger
from backfill_pipelines.receipts.migration_context import load_migration, writer_lease
from backfill_pipelines.receipts.outcomes import Reason
from backfill_pipelines.receipts.plans import PlanRefused, latest_plan
from backfill_pipelines.receipts.quarantine import ask_anew, quarantined, reopen
from backfill_pipelines.settings import read_settings

quarantine_app = typer.Typer(no_args_is_help=True, help="Records that were set aside, by reason.")


@quarantine_app.command("list")
@reported
def show(reason: Annotated[Reason | None, typer.Option(help="Only these.")] = None) -> None:
    """Every quarantined record with its reason and what was found instead of a place."""
    table = Table(title="quarantined records", title_justify="left")
    for name in ("record", "reason", "place id", "detail"):
        table.add_column(name, overflow="fold")
    resources = build_all_resources(read_settings())
    try:
        for entry in quarantined(_ledger(resources), [reason] if reason else ()):
            table.add_row(entry.key.name, entry.reason, entry.place_id, entry.detail)
    finally:
        resources["control"].close()
    console.print(table)


@quarantine_app.command()
@reported
def retry(
    reason: Annotated[Reason, typer.Option(help="Why they were set aside.")],
    *,
    apply: Annotated[bool, typer.Option("--apply", help="Reopen them. Without it they are only listed.")] = False,
    fetch: Annotated[bool, typer.Option("--fetch", help="Ask the API anew for their ids, on budget.")] = False,
) -> None:
    """Take quarantined records up again, once their cause is corrected; the decisions on their waves are void."""
    resources = build_all_resources(read_settings())
    control, table = resources["control"], resources["items"].named()
    try:
        ledger = _ledger(resources)
        found, calls = quarantined(ledger, [reason]), ""
        if apply:
            with writer_lease(control, table, f"cli-{os.getpid()}", "reopening quarantined records"):
                if fetch:
                    report = ask_anew(load_migration(SimpleNamespace(**resources)), found, reason)
                    calls = f" after {report.http.http_attempts:,} calls"
                found = reopen(ledger, reason)
    finally:
        control.close()
    for entry in found:
        console.print(entry.key.name, highlight=False, markup=False)
    done = f"reopened{calls}; next: backfill receipts run" if apply else "would be reopened. Use --apply"
    console.print(f"{len(found):,} records {done}", highlight=False)


def _ledger(resources: dict[str, Any]) -> RecordLedger:
    """The ledger of the table's plan, whether or not the plan may still be applied."""
    table = resources["items"].named()
    plan = latest_plan(resources["objects"], table)
    if plan is None:
        raise PlanRefused(f"{table} has no plan, so nothing was set aside. Repair: backfill receipts plan")
    return RecordLedger(resources["control"], plan.plan_id)
