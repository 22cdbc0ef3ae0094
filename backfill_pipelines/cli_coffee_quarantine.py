"""``backfill coffee quarantine``: what was set aside, and what a person decides of it."""

import getpass
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from backfill_pipelines.cli_coffee import plan_and_apply
from backfill_pipelines.cli_console import console, day_of, reported
from backfill_pipelines.coffee.judging import Decision, SetAside, judge, load_rows
from backfill_pipelines.coffee.migrations import require_migrated
from backfill_pipelines.coffee.scope import Scope
from backfill_pipelines.settings import Settings, read_settings
from backfill_pipelines.stores.resources import build_postgres

quarantine_app = typer.Typer(no_args_is_help=True, help="What was set aside, and what a person decides of it.")

Ids = Annotated[list[int], typer.Argument(help="Ids of rows, of backfill coffee quarantine list.")]
Why = Annotated[str, typer.Option(help="Why; it is kept with the row.")]
Apply = Annotated[bool, typer.Option("--apply", help="Decide. Without it the rows are only shown.")]


@quarantine_app.command("list")
@reported
def show(
    roaster: Annotated[str | None, typer.Option(help="Slug of a roaster.")] = None,
    day: Annotated[str | None, typer.Option(help="Only this day, YYYY-MM-DD.")] = None,
    state: Annotated[str, typer.Option(help="open, released, rejected or superseded.")] = "open",
) -> None:
    """Show rows of the quarantine: what is wrong with which product, variant or capture."""
    with build_postgres(read_settings()).connect("coffee:cli") as connection:
        require_migrated(connection)
        found = load_rows(connection, roaster=roaster, day=day_of(day) if day else None, state=state)
    _show(found, f"{len(found):,} rows of the quarantine, {state}")


@quarantine_app.command()
@reported
def release(ids: Ids, why: Why = "", *, apply: Apply = False) -> None:
    """Let pass what was looked at, and run its days again. Exit code 1 when one of them is red all the same."""
    found = _decide(read_settings(), ids, "released", why, apply=apply)
    for slug, day in sorted({(one.slug, one.day) for one in found if one.artifact_id}) if apply else ():
        plan_and_apply(read_settings(), Scope("incremental", day, day, (slug,), retry_red=True))


@quarantine_app.command()
@reported
def reject(ids: Ids, why: Why = "", *, apply: Apply = False) -> None:
    """Say that what was set aside is wrong and stays so; a reason is needed."""
    found = _decide(read_settings(), ids, "rejected", why, apply=apply)
    for slug, day in sorted({(one.slug, one.day) for one in found if one.reason == "Q_PRICE_CONFLICT"}):
        command = f"backfill coffee plan incremental --from {day} --to {day} --roaster {slug} --retry-red"
        console.print(f"so that the other price counts, run the plan of: {command}", highlight=False, soft_wrap=True)


def _decide(settings: Settings, ids: list[int], decision: Decision, why: str, *, apply: bool) -> list[SetAside]:
    with build_postgres(settings).connect("coffee:cli") as connection:
        require_migrated(connection)
        found = judge(connection, ids, decision, why=why, by=getpass.getuser(), at=datetime.now(UTC))
        if not apply:
            connection.rollback()
    _show(found, f"{len(found):,} rows {decision}" if apply else f"dry run, would be {decision}; use --apply")
    return found


def _show(found: list[SetAside], title: str) -> None:
    table = Table(title=title, title_justify="left")
    for name in ("id", "day", "roaster", "reason", "of", "why"):
        table.add_column(name, overflow="fold")
    for one in found:
        table.add_row(str(one.id), one.day.isoformat(), one.slug, one.reason, escape(one.subject), escape(one.why))
    console.print(table)
