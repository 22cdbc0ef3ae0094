"""``backfill coffee``: restart, clean-up and backups from the command line. Each shows; it changes with ``--apply``.

Exit code 0: done, or nothing to object to; 1: something is red; 2: refused.
"""

import getpass
from typing import Annotated, Any

import typer
from rich.table import Table

from backfill_pipelines.cli_coffee_store import coffee_app
from backfill_pipelines.cli_console import RED, console, reported
from backfill_pipelines.coffee.backing_up import about
from backfill_pipelines.coffee.backup_drill import put_in_place, restore_beside
from backfill_pipelines.coffee.metrics import prometheus_text, read_metrics
from backfill_pipelines.coffee.operations import Report
from backfill_pipelines.coffee_operations import build_backups, operate
from backfill_pipelines.settings import read_settings

__all__ = ["coffee_app"]

overrides_app = typer.Typer(no_args_is_help=True, help="What persons have set of coffees (table field_overrides).")
coffee_app.add_typer(overrides_app, name="overrides")

Apply = Annotated[bool, typer.Option("--apply", help="Do it. Without it nothing is changed.")]


@coffee_app.command()
@reported
def pause(
    reason: Annotated[str, typer.Option(help="Why; schedules and sensors say it while they skip.")],
    *,
    apply: Apply = False,
) -> None:
    """Keep schedules and sensors of the live intake from taking anything in; work under way finishes."""
    _run("coffee_pause_intake", reason=reason, apply=apply)


@coffee_app.command()
@reported
def resume(*, apply: Apply = False) -> None:
    """Let schedules and sensors of the live intake take in again."""
    _run("coffee_resume_intake", apply=apply)


@coffee_app.command()
@reported
def reap(*, apply: Apply = False) -> None:
    """End runs whose lease has run out as crashed, and let their partitions wait to be done again."""
    _run("coffee_reap_crashed", apply=apply)


@coffee_app.command()
@reported
def supersede(
    roaster: Annotated[str, typer.Option(help="Slug of a roaster.")] = "",
    day: Annotated[str, typer.Option(help="Only this day, YYYY-MM-DD.")] = "",
    backfill_run: Annotated[str, typer.Option(help="Only runs of this backfill.")] = "",
    token: Annotated[str, typer.Option(help="What the command has printed without --apply.")] = "",
    *,
    apply: Apply = False,
) -> None:
    """Mark failed runs and invalid artifacts that a newer success has made irrelevant; deletes nothing."""
    _run("coffee_supersede_failed", roaster=roaster, day=day, backfill_run=backfill_run, token=token, apply=apply)


@coffee_app.command()
@reported
def orphans() -> None:
    """Count and name rows that belong to nothing; replay is the only repair."""
    _run("coffee_report_orphans")


@coffee_app.command()
@reported
def verify() -> None:
    """See whether the recovery may go on after a restart; exit code 1 when something is red or cannot be seen."""
    _run("coffee_verify_restart")


@overrides_app.command("apply")
@reported
def apply_overrides(
    roaster: Annotated[str, typer.Option(help="Slug of a roaster; default: all.")] = "", *, apply: Apply = False
) -> None:
    """Give effect to what persons have set (field_overrides), instead of at the next publishing."""
    _run("coffee_apply_overrides", roaster=roaster, apply=apply)


@coffee_app.command()
@reported
def rollback(
    run_id: Annotated[str, typer.Argument(help="Id of the backfill, of backfill coffee status.")],
    *,
    apply: Apply = False,
) -> None:
    """Take a backfill back; rows that were changed since are listed and not restored."""
    _run("coffee_rollback_run", run_id=run_id, apply=apply)


@coffee_app.command()
@reported
def backup(*, apply: Apply = False) -> None:
    """Back the database up, verify the backup by a restore, then prune old ones."""
    _run("coffee_backup", apply=apply)


@coffee_app.command()
@reported
def drill(
    backup_id: Annotated[str, typer.Argument(help="Id of a backup; default: the newest.")] = "",
) -> None:
    """Restore a backup into a database of its own, compare it with its manifest, drop that database."""
    _run("coffee_backup_drill", backup_id=backup_id)


@coffee_app.command()
@reported
def prune(*, apply: Apply = False) -> None:
    """Delete backups older than a week, never the last good one."""
    _run("coffee_prune_backups", apply=apply)


@coffee_app.command()
@reported
def backups() -> None:
    """List the backups, the newest first, and what is left of failed ones."""
    folder = build_backups(read_settings()).folder
    for one in folder.backups():
        for line in about(one):
            console.print(line, highlight=False, markup=False, soft_wrap=True)
    for path in (*[folder.failure(one) for one in folder.failed()], *folder.unfinished()):
        console.print(f"no backup: {path.name}", style="yellow", highlight=False, markup=False, soft_wrap=True)


@coffee_app.command()
@reported
def restore(
    backup_id: Annotated[str, typer.Argument(help="Id of a backup, of backfill coffee backups.")],
    confirm: Annotated[
        str, typer.Option(help="Name of the live database: the restored one takes it, the live one is kept aside.")
    ] = "",
) -> None:
    """Restore a backup beside the live database and verify it; it takes the live one's name only when confirmed."""
    found = build_backups(read_settings())
    restored = restore_beside(found, backup_id)
    live = found.postgres.database_name
    console.print(f"restored and verified: {restored.database}, beside {live}", highlight=False, soft_wrap=True)
    if not confirm:
        command = f"backfill coffee restore {backup_id} --confirm {live}"
        console.print(f"to put it in the place of {live}: {command}", highlight=False, soft_wrap=True)
        return
    kept_as = put_in_place(found, restored, confirm)
    console.print(f"{live} is the restored one now; what it was is kept as {kept_as}", highlight=False, soft_wrap=True)


@coffee_app.command()
@reported
def metrics() -> None:
    """Print every metric as Prometheus reads it; what cannot be measured is NaN or absent, with why on stderr."""
    backups = build_backups(read_settings())
    samples, health = read_metrics(backups.postgres, backups.clock(), backups)
    typer.echo(prometheus_text(samples), nl=False)
    if health.reasons:
        typer.echo(f"health: {health.text}", err=True)


def _run(job: str, **config: Any) -> None:
    report = operate(read_settings(), job, config, asked_by=getpass.getuser())
    show(report)
    if not report.is_green:
        raise typer.Exit(RED)


def show(report: Report) -> None:
    """Print a report: counts before and after, then its lines."""
    changes = report.applied or report.before != report.after
    title = report.title if report.applied else f"{report.title}{', dry run' if changes else ''}: nothing was changed"
    console.print(title, style="bold", highlight=False, markup=False, soft_wrap=True)
    table = Table()
    table.add_column("")
    for name in ("before", "after"):
        table.add_column(name, justify="right")
    for name, before, after in report.rows:
        table.add_row(name, f"{before:,}", f"{after:,}")
    console.print(table)
    for line in report.lines:
        style = "red" if line.startswith("RED") else None
        console.print(line, style=style, highlight=False, markup=False, soft_wrap=True)
