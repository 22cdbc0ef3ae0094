"""``backfill repair``: what a corrected file makes stale, and rebuilding exactly that. Shows and asks."""

from collections.abc import Sequence
from typing import Annotated

import dagster as dg
import typer
from rich.table import Table

from backfill_pipelines.backfill.failures import BackfillError
from backfill_pipelines.backfill.repair import Mark
from backfill_pipelines.backfill.run_mode import REPAIR_TAG
from backfill_pipelines.cli_console import RED, console, day_of, reported
from backfill_pipelines.nba.assets import build_assets
from backfill_pipelines.nba.catalog import Entry
from backfill_pipelines.nba.repair import Plan, plan_repair
from backfill_pipelines.nba.repair_ledger import Repair
from backfill_pipelines.nba.repair_run import Rerun, TableResult, all_open, begin, same_roots, work_off
from backfill_pipelines.nba.warehouse_setup import set_up
from backfill_pipelines.runner import open_instance, run_asset
from backfill_pipelines.settings import Settings, read_settings
from backfill_pipelines.stores.resources import build_resources, build_warehouse

repair_app = typer.Typer(no_args_is_help=True, help="Rebuild what a corrected file makes stale, and nothing else.")

Pipeline = Annotated[str, typer.Argument(help="The pipeline: nba.")]
Dates = Annotated[str, typer.Option("--dates", help="Corrected dates, YYYY-MM-DD, joined by commas.")]
TableName = Annotated[str, typer.Option("--table", help="dataset.table whose input was corrected.")]


@repair_app.command()
@reported
def plan(
    pipeline: Pipeline,
    table: TableName,
    dates: Dates,
    *,
    mark: Annotated[bool, typer.Option("--mark", help="Mark the partitions as stale, for a later run.")] = False,
) -> None:
    """Show every table and date that is stale when some dates of a table are corrected, and why. Writes nothing."""
    settings = _settings(pipeline)
    found = _planned(settings, table, dates)
    _show_plan(found)
    if mark:
        repair_id = begin(build_warehouse(settings), found)
        console.print(f"marked as stale: repair {repair_id}. Next: backfill repair run nba", highlight=False)


@repair_app.command()
@reported
def run(
    pipeline: Pipeline,
    table: Annotated[str, typer.Option("--table", help="dataset.table whose input was corrected.")] = "",
    dates: Annotated[str, typer.Option("--dates", help="Corrected dates, joined by commas.")] = "",
    fingerprint: Annotated[str, typer.Option("--plan", help="Refuse unless the plan still has this fingerprint.")] = "",
) -> None:
    """Mark what is stale and rebuild it in the order of the work; without --table go on with every open repair.

    Exit code 1 when something is still stale at the end. Going on does not read the corrected files again: when one of
    them was the cause, give --table and --dates once more.
    """
    settings = _settings(pipeline)
    if (dates or fingerprint) and not table:
        raise BackfillError("no table given. Repair: name the corrected table with --table, or go on without --dates")
    chosen = _marked(settings, table, dates, fingerprint) if table or dates else _left_open(settings)
    if not chosen:
        console.print("nothing is stale")
        return
    results = []
    with open_instance(settings) as instance:
        for result in work_off(build_warehouse(settings), chosen, _rerun(settings, instance), _started):
            results.append(result)
            _show_result(result)
    if not _summary(results):
        _say_again([repair for repair in all_open(build_warehouse(settings)) if repair.repair_id in chosen])
        raise typer.Exit(RED)


@repair_app.command()
@reported
def status(pipeline: Pipeline) -> None:
    """List the open repairs; exit code 1 when there is one."""
    repairs = all_open(build_warehouse(_settings(pipeline)))
    if not repairs:
        console.print("nothing is stale")
        return
    table = Table("repair", "corrected", "marked at", *Mark, title=f"{len(repairs)} open repairs")
    for repair in repairs:
        table.add_row(repair.repair_id, _roots_text(repair), f"{repair.marked_at:%Y-%m-%d %H:%M}", *_counts(repair))
    console.print(table)
    console.print("Next, where the process was killed: backfill repair run nba; where a file was corrected once more:")
    for command in dict.fromkeys(map(_command, repairs)):
        console.print(f"  {command}", highlight=False, soft_wrap=True)
    raise typer.Exit(RED)


def _settings(pipeline: str) -> Settings:
    """Settings of a deployment whose warehouse has the stale ledger."""
    if pipeline != "nba":
        raise BackfillError(f"no repairs of {pipeline!r}. Repair: use nba")
    settings = read_settings()
    set_up(build_warehouse(settings))
    return settings


def _planned(settings: Settings, table: str, dates: str) -> Plan:
    days = [day_of(text.strip()) for text in dates.split(",") if text.strip()]
    return plan_repair(build_warehouse(settings), table, days)


def _marked(settings: Settings, table: str, dates: str, fingerprint: str) -> list[str]:
    """The new repair, and the interrupted ones of the same dates."""
    found = _planned(settings, table, dates)
    if fingerprint and fingerprint != found.fingerprint:
        raise BackfillError(
            f"the plan has the fingerprint {found.fingerprint}, not {fingerprint}: the warehouse has changed. "
            f"Repair: backfill repair plan nba --table {table} --dates {dates}"
        )
    warehouse = build_warehouse(settings)
    interrupted = [repair.repair_id for repair in same_roots(all_open(warehouse), found.found.roots)]
    new = begin(warehouse, found)
    console.print(f"repair {new}: {len(found.found.partitions):,} partitions are stale", highlight=False)
    return [*interrupted, new]


def _left_open(settings: Settings) -> list[str]:
    return [repair.repair_id for repair in all_open(build_warehouse(settings))]


def _rerun(settings: Settings, instance: dg.DagsterInstance) -> Rerun:
    """Run the table's asset, as ``backfill run`` does: its gates, its event log, its history."""
    assets = {tuple(asset.key.path): asset for asset in build_assets(settings.warehouse)}
    resources = build_resources(settings)

    def rerun(entry: Entry, partitions: Sequence[str]) -> list[str]:
        asset = assets[tuple(entry.contract.asset_key)]
        chunks = run_asset(asset, partitions, instance=instance, resources=resources, tags={REPAIR_TAG: "true"})
        return [chunk.failure for chunk in chunks if chunk.failure]

    return rerun


def _started(table: str, count: int) -> None:
    console.print(f"{table}: {count:,} dates to rebuild", highlight=False)


def _show_plan(found: Plan) -> None:
    closure = found.found
    title = "stale when " + ", ".join(map(str, closure.roots)) + " changes"
    table = Table("table", "first", "last", title=title)
    table.add_column("dates", justify="right")
    table.add_column("why", overflow="fold")
    for name, days in closure.by_table.items():
        first = next(p for p in closure.partitions if p.table == name)
        chain = " <- ".join(map(str, closure.chain(first)))
        table.add_row(name, str(days[0]), str(days[-1]), f"{len(days):,}", chain)
    console.print(table)
    console.print(
        f"{found.counted:,} partitions of computed tables, {len(closure.partitions) - found.counted:,} of raw tables; "
        f"about {found.estimated_seconds:,.1f} s by the run history, less where nothing changes; "
        f"fingerprint {found.fingerprint}",
        highlight=False,
    )


def _show_result(result: TableResult) -> None:
    parts = {
        "changed": result.rebuilt,
        "rebuilt without a change": result.unchanged,
        "cut off": result.cut_off,
        "[red]still stale[/red]": result.failed,
        "[red]waiting for what they read[/red]": result.waiting,
    }
    text = ", ".join(f"{len(days):,} {name}" for name, days in parts.items() if days)
    console.print(f"{result.table}: {text}", highlight=False)
    for failure in result.failures:
        console.print(f"[red]{failure}[/red]", highlight=False)


def _summary(results: Sequence[TableResult]) -> bool:
    """The last lines of a repair; True when nothing of it is stale any more."""
    changed, same, cut, left = (
        sum(len(days) for result in results for days in chosen(result))
        for chosen in (
            lambda result: (result.rebuilt,),
            lambda result: (result.unchanged,),
            lambda result: (result.cut_off,),
            lambda result: (result.failed, result.waiting),
        )
    )
    console.print(f"{changed:,} changed, {same:,} rebuilt without a change, {cut:,} cut off, {left:,} still stale")
    console.print("[red]not repaired[/red]" if left else "[green]repaired[/green]")
    return not left


def _say_again(repairs: Sequence[Repair]) -> None:
    """The commands that read the corrected files again: they may be the cause that had to be mended."""
    commands = dict.fromkeys(_command(repair) for repair in repairs)
    console.print("Repair: mend the causes named above, then:", highlight=False)
    for command in commands:
        console.print(f"  {command}", highlight=False, soft_wrap=True)


def _command(repair: Repair) -> str:
    dates = ",".join(str(root.day) for root in repair.roots)
    return f"backfill repair run nba --table {repair.roots[0].table} --dates {dates}"


def _roots_text(repair: Repair) -> str:
    return ", ".join(map(str, repair.roots))


def _counts(repair: Repair) -> list[str]:
    marks = list(repair.marks.values())
    return [f"{marks.count(mark):,}" for mark in Mark]
