"""``backfill coffee plan|run|status|validate``: the four modes of the recovery from the command line."""

import uuid
from collections.abc import Callable
from contextlib import closing
from enum import StrEnum
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from backfill_pipelines.backfill.failures import SettingsError
from backfill_pipelines.cli_coffee_store import coffee_app
from backfill_pipelines.cli_console import RED, console, day_of, reported
from backfill_pipelines.coffee.backfill_ledger import LedgerRun, load_partitions, load_run, newest_runs
from backfill_pipelines.coffee.migrations import require_migrated
from backfill_pipelines.coffee.mode_jobs import build_mode_job, free_bytes
from backfill_pipelines.coffee.mode_report import ModeReport
from backfill_pipelines.coffee.modes import keep_plan
from backfill_pipelines.coffee.plans import Plan
from backfill_pipelines.coffee.scope import DataType, Mode, Scope
from backfill_pipelines.coffee_operations import build_backups
from backfill_pipelines.coffee_resource import coffee_resources
from backfill_pipelines.runner import run_job
from backfill_pipelines.settings import Settings, read_settings
from backfill_pipelines.stores.postgres import Connection
from backfill_pipelines.stores.resources import build_postgres

__all__ = ["coffee_app", "plan_and_apply"]

#: Failed partitions that are named.
SHOWN = 20


class PlanMode(StrEnum):
    """The modes that are planned."""

    INCREMENTAL = "incremental"
    FULL = "full"
    SELECTIVE = "selective"
    VALIDATION = "validation"


First = Annotated[str, typer.Option("--from", help="First day, YYYY-MM-DD.")]
Last = Annotated[str, typer.Option("--to", help="Last day, included.")]
Roasters = Annotated[list[str] | None, typer.Option("--roaster", help="Slug of a roaster; may be repeated.")]


@coffee_app.command()
@reported
def plan(
    mode: Annotated[PlanMode, typer.Argument(help="What kind of backfill.")],
    first: First,
    last: Last,
    roaster: Roasters = None,
    source: Annotated[list[str] | None, typer.Option(help="Base URL of a source; selective only.")] = None,
    product: Annotated[list[str] | None, typer.Option(help="The shop's id of a product; selective only.")] = None,
    data: Annotated[list[str] | None, typer.Option(help="prices, stock or content; selective only.")] = None,
    *,
    full: Annotated[bool, typer.Option("--full", help="A selective backfill in the manner of full.")] = False,
    retry_red: Annotated[
        bool, typer.Option("--retry-red", help="Take up red days although their bodies are the same.")
    ] = False,
    count_rows: Annotated[
        bool, typer.Option("--count-rows", help="Derive everything, and count the rows that would be written.")
    ] = False,
) -> None:
    """Make a plan and keep it: partitions by state, bytes, requests, disk, both times. Nothing is published."""
    data_types: tuple[DataType, ...] = tuple(data or ())  # pyright: ignore[reportAssignmentType]
    scope = Scope(
        mode.value,
        day_of(first),
        day_of(last),
        tuple(roaster or ()),
        tuple(source or ()),
        tuple(product or ()),
        data_types,
        "full" if full else "incremental",
        retry_red,
    )
    _show_plan(_planned(read_settings(), scope, count_rows=count_rows))


@coffee_app.command()
@reported
def run(
    plan_id: Annotated[str, typer.Argument(help="The plan; also one that was stopped, to go on with it.")],
    *,
    apply: Annotated[
        bool | None, typer.Option("--apply/--dry-run", help="Default: apply; in prod only show the plan.")
    ] = None,
) -> None:
    """Apply a plan, or go on with it. Exit code 0: all green; 1: partitions have failed; 2: refused."""
    settings = read_settings()
    found = _in_database(settings, lambda connection: load_run(connection, _uuid(plan_id)))
    applies = settings.deployment != "prod" if apply is None else apply
    if not applies:
        _show_run(settings, found)
        console.print("dry run: nothing was changed. Apply it with --apply", highlight=False)
        return
    _show_report(_apply(settings, found))


@coffee_app.command()
@reported
def status(plan_id: Annotated[str | None, typer.Argument(help="A backfill; default: the newest ten.")] = None) -> None:
    """Show backfills: mode, state, progress; of one also its partitions and the causes of what failed."""
    settings = read_settings()
    if plan_id:
        _show_run(settings, _in_database(settings, lambda connection: load_run(connection, _uuid(plan_id))))
        return
    table = Table(title="backfills of the coffee recovery", title_justify="left")
    for name in ("id", "mode", "days", "status", "progress"):
        table.add_column(name, overflow="fold")
    for one in _in_database(settings, newest_runs):
        days = f"{one.scope.first} to {one.scope.last}"
        table.add_row(str(one.id), one.kind, days, one.status, escape(_progress_of(one)))
    console.print(table)


@coffee_app.command()
@reported
def validate(first: First, last: Last, roaster: Roasters = None) -> None:
    """Read, derive and judge again what is stored; nothing is changed. Exit code 1 when a gate is red."""
    plan_and_apply(read_settings(), Scope("validation", day_of(first), day_of(last), tuple(roaster or ())))


def plan_and_apply(settings: Settings, scope: Scope) -> None:
    """Plan a scope, apply it at once and show what came of it; a red one ends the command."""
    planned = _planned(settings, scope)
    _show_report(_apply(settings, _in_database(settings, lambda connection: load_run(connection, planned.id))))


def _planned(settings: Settings, scope: Scope, *, count_rows: bool = False) -> Plan:
    resources = coffee_resources(settings)
    postgres = resources["postgres"]
    with closing(resources["control"]), postgres.connect("coffee:cli") as connection:
        require_migrated(connection)
        return keep_plan(
            connection, resources["artifacts"], scope, free_bytes=free_bytes(postgres), count_rows=count_rows
        )


def _apply(settings: Settings, found: LedgerRun) -> ModeReport:
    """Run the job of the mode in this process.

    Raises:
        BackfillError: what it was refused or stopped with.
    """
    mode: Mode = found.scope.mode
    resources, require_backup = coffee_resources(settings), build_backups(settings).require_fresh
    with closing(resources["control"]):
        return run_job(
            settings,
            lambda tell: build_mode_job(mode, require_backup, tell, _show_line),
            {f"{mode}_backfill": {"config": {"plan_id": str(found.id), "apply": True}}},
            resources=resources,
            what="the backfill",
            again=f"backfill coffee run {found.id}",
        )


def _show_line(text: str) -> None:
    console.print(text, highlight=False, markup=False, soft_wrap=True)


def _show_plan(found: Plan) -> None:
    table = Table(title=f"plan {found.id}", title_justify="left", show_header=False)
    table.add_column("")
    table.add_column("", overflow="fold")
    for name, value in found.lines():
        table.add_row(name, escape(value))
    console.print(table)
    console.print(f"apply it: backfill coffee run {found.id}", highlight=False, soft_wrap=True)


def _show_run(settings: Settings, found: LedgerRun) -> None:
    partitions = _in_database(settings, lambda connection: load_partitions(connection, found.id))
    scope = found.scope
    console.print(f"{found.id}  {found.kind}  {scope.first} to {scope.last}  {found.status}", highlight=False)
    console.print(_progress_of(found), highlight=False, markup=False)
    counts: dict[str, int] = {}
    for one in partitions:
        counts[one.state] = counts.get(one.state, 0) + 1
    for state, count in sorted(counts.items()):
        console.print(f"{state:16}{count:>8,}", highlight=False)
    failed = [one for one in partitions if one.error]
    for one in failed[:SHOWN]:
        console.print(f"{one.key}: {one.error}", style="red", highlight=False, markup=False, soft_wrap=True)
    if len(failed) > SHOWN:
        console.print(f"and {len(failed) - SHOWN} more", highlight=False)


def _progress_of(found: LedgerRun) -> str:
    totals = found.totals or {}
    if text := totals.get("progress", {}).get("text"):
        return str(text)
    if error := totals.get("error"):
        return str(error)
    states = ", ".join(f"{count:,} {state}" for state, count in sorted(totals.get("states", {}).items()))
    return states or ("not begun" if found.status == "planned" else "nothing to do")


def _show_report(report: ModeReport) -> None:
    for line in report.lines():
        console.print(line, highlight=False, markup=False, soft_wrap=True)
    if not report.is_green:
        raise typer.Exit(RED)


def _in_database(settings: Settings, ask: Callable[[Connection], Any]) -> Any:
    with build_postgres(settings).connect("coffee:cli") as connection:
        require_migrated(connection)
        return ask(connection)


def _uuid(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError as error:
        raise SettingsError(f"{text!r} is no id. Repair: copy it from backfill coffee status") from error
