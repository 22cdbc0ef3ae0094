"""The ``backfill`` command: what an operator types. Shows and asks; the work is done elsewhere."""

import shutil
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.markup import escape
from rich.table import Table

from backfill_pipelines import demo as main_job
from backfill_pipelines import web
from backfill_pipelines.backfill.failures import BackfillError
from backfill_pipelines.backfill.gates import UPSTREAM_GATE
from backfill_pipelines.backfill.pausing import pauses
from backfill_pipelines.cli_coffee_demo import coffee_app
from backfill_pipelines.cli_coffee_quarantine import quarantine_app
from backfill_pipelines.cli_console import RED, console, day_of, reported
from backfill_pipelines.cli_gaps import gaps_app
from backfill_pipelines.cli_gates import gates_app
from backfill_pipelines.cli_pause import pause, resume
from backfill_pipelines.cli_promote_demo import promote_app
from backfill_pipelines.cli_receipts_demo import receipts_app
from backfill_pipelines.cli_repair import repair_app
from backfill_pipelines.cli_services import about_services, start_services, stop_services
from backfill_pipelines.nba.accepted_gaps import accept_gap
from backfill_pipelines.nba.assets import build_assets
from backfill_pipelines.nba.seasons import game_dates
from backfill_pipelines.nba.status import NEVER_RUN, STALE, STATES, TableStatus, table_statuses
from backfill_pipelines.nba.warehouse_setup import set_up
from backfill_pipelines.runner import open_instance, prepare_home, run_asset
from backfill_pipelines.settings import Settings, read_settings
from backfill_pipelines.stores.resources import build_resources, build_warehouse

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Gated, resumable historical backfills.")
app.add_typer(gaps_app, name="gaps")
app.add_typer(gates_app, name="gate")
app.add_typer(repair_app, name="repair")
app.add_typer(receipts_app, name="receipts")
app.add_typer(coffee_app, name="coffee")
coffee_app.add_typer(quarantine_app, name="quarantine")
app.add_typer(promote_app, name="promote")
app.command()(pause)
app.command()(resume)

#: Open dates named for each table.
SHOWN = 10

Dates = Annotated[list[str] | None, typer.Option("--date", help="A partition, YYYY-MM-DD; may be repeated.")]
OnError = Literal["default", "continue", "stop"]
First = Annotated[str | None, typer.Option("--from", help="First partition of a range.")]
Last = Annotated[str | None, typer.Option("--to", help="Last partition of a range.")]


@app.command()
@reported
def up() -> None:
    """Create and start what the embedded deployment needs: state folder, warehouse tables, local servers."""
    settings = read_settings()
    home = prepare_home(settings)
    set_up(build_warehouse(settings))
    place = settings.duckdb_file if settings.warehouse == "duckdb" else settings.bigquery_project
    console.print(f"warehouse  {settings.warehouse} {place}\nfeeds      {settings.feeds_root}\ndagster    {home}")
    for name, where in start_services(settings).items():
        console.print(f"{name:11}{where}", highlight=False)


@app.command()
@reported
def down(
    *, purge: Annotated[bool, typer.Option("--purge", help="Delete the state folder with all its data.")] = False
) -> None:
    """Stop the UI and the servers that were started for this state folder; their data are kept."""
    settings = read_settings()
    pid = web.stop(settings)
    console.print(f"UI stopped, pid {pid}" if pid else "no UI was running")
    console.print("\n".join(stop_services(settings)), highlight=False)
    if purge and settings.state_dir.exists():
        shutil.rmtree(settings.state_dir)
        console.print(f"deleted {settings.state_dir}")


@app.command()
@reported
def status(first: First = None, last: Last = None) -> None:
    """Show every table: dates by state, rows, gates; exit code 1 when a date is not accounted for."""
    settings = read_settings()
    set_up(build_warehouse(settings))
    days = _between(main_job.days_of_feeds(settings), first, last)
    for name, where in about_services(settings).items():
        console.print(f"{name}  {where}", highlight=False)
    with open_instance(settings) as instance:
        for paused in pauses(instance):
            console.print(paused.text, style="yellow", highlight=False, markup=False)
    if not _show(settings, days):
        raise typer.Exit(RED)


@app.command()
@reported
def demo(
    feeds: Annotated[Path | None, typer.Option(help="Folder of raw feed files; default: sample feeds.")] = None,
    season: Annotated[list[str] | None, typer.Option(help="Seasons of the sample feeds.")] = None,
    first: First = None,
    last: Last = None,
) -> None:
    """Run every phase over the days of the feeds; a red phase gate stops it; exit code 0 only if all is green."""
    settings = read_settings()
    main_job.place_feeds(settings, feeds, season or [], console)
    set_up(build_warehouse(settings))
    days = _between(main_job.days_of_feeds(settings), first, last)
    done = main_job.run_all(settings, days, console)
    if not _show(settings, days) or not done:
        raise typer.Exit(RED)


@app.command()
@reported
def run(
    asset: Annotated[str, typer.Argument(help="dataset/table, as the UI names it.")],
    dates: Dates = None,
    first: First = None,
    last: Last = None,
    *,
    force: Annotated[bool, typer.Option(help="Write partitions again although their content is the same.")] = False,
    on_error: Annotated[
        OnError, typer.Option(help="'continue' past red partitions, 'stop' at the first, or the table's own 'default'.")
    ] = "default",
    backfill_mode: Annotated[
        bool, typer.Option(help="History must be whole, day-to-day checks are left out; or as in the live season.")
    ] = True,
    strict_mode: Annotated[
        bool, typer.Option(help="Off, with --no-backfill-mode: dates with holes in their history go through, marked.")
    ] = True,
    reason: Annotated[str, typer.Option(help="Why strict mode is off; kept with the verdict.")] = "",
    skip_downstream: Annotated[
        bool | None, typer.Option(help="Keep automation from going on with the dates. Default: as the backfill mode.")
    ] = None,
) -> None:
    """Run one asset over some partitions; exit code 1 when one of them is red."""
    settings = read_settings()
    found = {definition.key.to_user_string(): definition for definition in build_assets()}
    if asset not in found:
        raise BackfillError(f"no asset {asset}. Repair: use one of\n  " + "\n  ".join(found))
    partitions = _chosen(dates, first, last)
    set_up(build_warehouse(settings))
    failures = []
    with open_instance(settings) as instance:
        chunks = run_asset(
            found[asset],
            partitions,
            instance=instance,
            resources=build_resources(settings),
            config={
                "force": force,
                "on_error": on_error,
                "backfill_mode": backfill_mode,
                "strict_mode": strict_mode,
                "reason": reason,
                **({} if skip_downstream is None else {"skip_downstream": skip_downstream}),
            },
        )
        for result in chunks:
            console.print(f"{result.asset} {result.first} to {result.last}: {'red' if result.failure else 'green'}")
            failures += [result.failure] if result.failure else []
    for failure in failures:
        console.print(failure, style="red", highlight=False, markup=False)
    if failures:
        raise typer.Exit(RED)


@app.command("accept-gap")
@reported
def accept(
    table: Annotated[str, typer.Argument(help="dataset.table with the hole.")],
    day: Annotated[str, typer.Argument(help="Its date, YYYY-MM-DD.")],
    game_id: Annotated[str, typer.Argument(help="The game that cannot be had, YYYYMMDD_AWAY_HOME.")],
    reason: Annotated[str, typer.Option(help="Why it cannot be had.")],
    by: Annotated[str, typer.Option(help="Who accepts it.")],
    expires_on: Annotated[str | None, typer.Option(help="Last day on which the acceptance holds.")] = None,
) -> None:
    """Accept a hole in a raw table: the only way past a red raw date."""
    settings = read_settings()
    set_up(build_warehouse(settings))
    accept_gap(
        build_warehouse(settings),
        table=table,
        day=day_of(day),
        game_id=game_id,
        reason=reason,
        accepted_by=by,
        expires_on=day_of(expires_on) if expires_on else None,
    )
    console.print(f"accepted: {table} {day} {game_id}. Next: backfill run {table.replace('.', '/')} --date {day}")


@app.command()
@reported
def ui(port: Annotated[int | None, typer.Option(help="Port; default BACKFILL_UI_PORT or 3000.")] = None) -> None:
    """Open the Dagster UI with its daemon on http://localhost:3000; everything persists between starts."""
    settings = read_settings()
    set_up(build_warehouse(settings))
    raise typer.Exit(web.serve(settings, port or settings.ui_port))


def _show(settings: Settings, days: Sequence[str]) -> bool:
    """Print the status table; True when everything is accounted for and green."""
    statuses = table_statuses(build_warehouse(settings), [date.fromisoformat(day) for day in days])
    table = Table(title=f"{len(days)} days, {days[0]} to {days[-1]}" if days else "no days")
    table.add_column("table", no_wrap=True)
    for name in (*STATES, "rows", "gates passed", "failed", "advisory"):
        table.add_column(name, justify="right")
    for item in statuses:
        _add_row(table, item)
    console.print(table)
    for item in statuses:
        _explain(item)
    green = all(item.is_green for item in statuses)
    console.print("[green]all gates are green[/green]" if green else "[red]not all gates are green[/red]")
    return green


def _explain(item: TableStatus) -> None:
    """Name the open dates of a table: each cause in words, dates that wait for an upstream or a repair as a count."""
    waiting = [day for day, why in item.unexplained if why.startswith(UPSTREAM_GATE)]
    never_run = [day for day, why in item.unexplained if why == NEVER_RUN]
    stale = {day: why for day, why in item.unexplained if why.startswith(STALE)}
    told = {*waiting, *never_run, *stale}
    causes = [(day, why) for day, why in item.unexplained if day not in told]
    if stale:
        bounds, first = f"{min(stale)} to {max(stale)}", escape(stale[min(stale)])
        console.print(f"[red]{item.table}[/red] on {len(stale)} dates, {bounds}, the first {first}", highlight=False)
    if never_run:
        # Behind a red phase gate that is every date of every table: one line says it.
        bounds = f"{never_run[0]} to {never_run[-1]}"
        console.print(f"[red]{item.table}[/red]: never run on {len(never_run)} dates, {bounds}", highlight=False)
    for day, why in causes[:SHOWN]:
        console.print(f"[red]{item.table} {day}[/red]: {escape(why)}", highlight=False)
    if len(causes) > SHOWN:
        console.print(f"[red]{item.table}[/red]: and {len(causes) - SHOWN} more dates", highlight=False)
    if waiting:
        named = ", ".join(str(day) for day in waiting[:SHOWN])
        text = f"waits for its upstream on {len(waiting)} dates: {named}"
        console.print(f"[red]{item.table}[/red] {text}", highlight=False)


def _add_row(table: Table, item: TableStatus) -> None:
    table.add_row(
        item.table,
        *(str(item.states[state]) for state in STATES),
        f"{item.rows:,}",
        f"{item.gates_passed:,}",
        f"[red]{item.gates_failed}[/red]" if item.gates_failed else "0",
        f"[yellow]{item.gates_advisory}[/yellow]" if item.gates_advisory else "0",
    )


def _chosen(dates: Sequence[str] | None, first: str | None, last: str | None) -> list[str]:
    """Partitions named one by one, or all partitions of a range."""
    every = game_dates().get_partition_keys()
    chosen = [str(day_of(day)) for day in dates] if dates else _between(every, first, last) if first or last else []
    unknown = [day for day in chosen if day not in every]
    if unknown or not chosen:
        raise BackfillError(
            f"{', '.join(unknown) or 'nothing'} chosen. Repair: give --date or --from/--to of days inside a season "
            f"({every[0]} to {every[-1]})"
        )
    return chosen


def _between(days: Sequence[str], first: str | None, last: str | None) -> list[str]:
    """The days of a range, which are all without bounds.

    Raises:
        BackfillError: a bound is no date, or there is no day between them.
    """
    low = str(day_of(first)) if first else days[0]
    high = str(day_of(last)) if last else days[-1]
    found = [day for day in days if low <= day <= high]
    if not found:
        raise BackfillError(
            f"no day from {low} to {high}. Repair: give --from/--to inside a season ({days[0]} to {days[-1]}), the "
            "first before the last"
        )
    return found
