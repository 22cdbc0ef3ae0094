"""``backfill receipts quarantine``: the records that were set aside, and taking them up again."""

from types import SimpleNamespace
from typing import Annotated

import typer
from rich.table import Table

from backfill_pipelines.backfill.failures import BackfillError
from backfill_pipelines.cli_console import console, reported
from backfill_pipelines.migration_resource import build_all_resources
from backfill_pipelines.receipts.migration_context import Migration, load_migration
from backfill_pipelines.receipts.outcomes import REASONS, Outcome, Reason
from backfill_pipelines.receipts.quarantine import Reopened, quarantined, reopen
from backfill_pipelines.settings import read_settings

quarantine_app = typer.Typer(no_args_is_help=True, help="Records that were set aside, by reason.")


@quarantine_app.command("list")
@reported
def show(reason: Annotated[str, typer.Option(help="Only these, e.g. obsolete_id.")] = "") -> None:
    """Every quarantined record with its reason and what was found instead of a place."""
    table = Table(title="quarantined records", title_justify="left")
    for name in ("record", "reason", "place id", "detail"):
        table.add_column(name, overflow="fold")
    for entry in quarantined(_migration(), [_reason(reason)] if reason else ()):
        table.add_row(entry.key.name, entry.reason, entry.place_id, entry.detail)
    console.print(table)


@quarantine_app.command()
@reported
def retry(
    reason: Annotated[str, typer.Option(help="Why they were set aside, e.g. no_coordinates.")],
    *,
    apply: Annotated[bool, typer.Option("--apply", help="Reopen them. Without it they are only listed.")] = False,
    fetch: Annotated[bool, typer.Option("--fetch", help="Ask the API anew for their ids, on budget.")] = False,
) -> None:
    """Take quarantined records up again, once their cause is corrected; the decisions on their waves are void."""
    migration, why = _migration(), _reason(reason)
    found = reopen(migration, why, may_fetch=fetch) if apply else Reopened(tuple(quarantined(migration, [why])))
    for entry in found.records:
        console.print(entry.key.name, highlight=False, markup=False)
    calls = f" after {found.fetch.http.http_attempts:,} calls" if found.fetch else ""
    done = f"reopened{calls}; next: backfill receipts run" if apply else "would be reopened. Use --apply"
    console.print(f"{len(found.records):,} records {done}", highlight=False)


def _reason(text: str) -> Reason:
    try:
        return Reason(text)
    except ValueError as error:
        known = ", ".join(sorted(REASONS[Outcome.QUARANTINED]))
        raise BackfillError(f"{text!r} is no reason. Repair: name one of {known}") from error


def _migration() -> Migration:
    return load_migration(SimpleNamespace(**build_all_resources(read_settings())))
