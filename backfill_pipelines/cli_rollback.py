"""What the rollback commands of the migration and of the promotion share: running, stopping, showing.

Applying is a run of the job that the UI has as well, so that it stands in the history of runs.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import dagster as dg
import typer
from rich.table import Table

from backfill_pipelines.cli_console import STOPPED, console, show_error
from backfill_pipelines.receipts.rollback_scope import RollbackStopped
from backfill_pipelines.runner import run_job
from backfill_pipelines.settings import Settings
from backfill_pipelines.stores.dynamodb_pacing import ThrottledTooLong
from backfill_pipelines.stores.leases import LeaseLost, LeaseTaken


@contextmanager
def stops_reported() -> Iterator[None]:
    """Exit code 4 for what stops a rollback without being a fault of it: a lease, throttling, a refusing table."""
    try:
        yield
    except (LeaseTaken, LeaseLost, ThrottledTooLong, RollbackStopped) as error:
        show_error(error)
        raise typer.Exit(STOPPED) from error


def applied(
    settings: Settings,
    resources: Mapping[str, Any],
    request: Any,
    build: Callable[[Callable[[Any], None]], dg.JobDefinition],
    op: str,
) -> Any:
    """The report of the job, run in this process.

    Raises:
        BackfillError: what the job was refused or stopped with.
    """
    config = {name: value for name, value in asdict(request).items() if value is not None and name != "asked_by"}
    return run_job(settings, build, {op: {"config": config}}, resources=resources, what="the rollback")


def show(
    *, is_applied: bool, counts: Iterable[tuple[str, str]], lines: Iterable[str], next_line: str, red: str
) -> None:
    """Counts as a table, then the details, those that begin with ``red`` or tell of a red gate in red."""
    title = "rollback" if is_applied else "rollback, dry run: nothing was written"
    table = Table(title=title, title_justify="left", show_header=False)
    table.add_column("")
    table.add_column("", justify="right", overflow="fold")
    for name, value in counts:
        table.add_row(name, value)
    console.print(table)
    for line in lines:
        style = "red" if ": FAIL: " in line or line.startswith(red) else None
        console.print(line, style=style, highlight=False, markup=False, soft_wrap=True)
    console.print(next_line, highlight=False, markup=False, soft_wrap=True)
