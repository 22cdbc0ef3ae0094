"""``backfill promote demo``: a whole promotion of generated exports on the embedded servers, command by command.

Every step is a command that an operator would type, printed before it is run. In the middle a copy is killed without
warning, to see that the next one goes on; at the end the run is taken back.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated, Any

import typer

from backfill_pipelines.backfill.failures import BackfillError, SettingsError
from backfill_pipelines.cli_console import RED, console, reported
from backfill_pipelines.cli_promote_check import promote_app
from backfill_pipelines.migration_resource import build_all_resources
from backfill_pipelines.receipts.promotion.promotion_ledger import PromotionLedger
from backfill_pipelines.receipts.promotion.rollback_run import Request, RollbackWork
from backfill_pipelines.receipts.promotion.sample import SampleBuckets, write_samples
from backfill_pipelines.receipts.try_out import SPEC
from backfill_pipelines.settings import PROJECT_ROOT, Settings, read_settings
from backfill_pipelines.stores.control import ControlStore
from backfill_pipelines.stores.resources import build_items

_POLL_SECONDS = 0.02


@promote_app.command()
@reported
def demo(
    images: Annotated[int, typer.Option(min=2, help="Generated images.")] = 40,
    items: Annotated[int, typer.Option(min=20, help="Items of each of them, about.")] = 500,
    *,
    kill: Annotated[bool, typer.Option(help="Kill a copy in the middle, and go on.")] = True,
) -> None:
    """Promote generated exports on the embedded servers, command by command, and take the promotion back."""
    settings = read_settings()
    if settings.items != "embedded" or settings.step_functions_endpoint:
        raise SettingsError(
            "the demo writes a table of the embedded server. Repair: leave BACKFILL_ITEMS and "
            "BACKFILL_STEP_FUNCTIONS_ENDPOINT unset"
        )
    began = time.monotonic()
    with _environment(_prepared(settings, images, items)) as table:
        for arguments in (["plan"], ["run"]):
            _type(arguments)
        if kill:
            _killed(settings, table)
        for arguments in (["run", "--apply"], ["verify"], ["run", "--apply"], ["embed"], ["embed", "--apply"]):
            _type(arguments)
        _type(["verify"])
        first, *earlier = _runs(settings, table)
        _type(["rollback", first])
        for run_id in (first, *earlier):
            _roll_back(run_id)
    console.print(
        f"[bold green]done[/bold green] in {time.monotonic() - began:.0f} s; the second copy had nothing to write, and "
        "the target is as empty as it was"
    )


def _type(arguments: Sequence[str]) -> None:
    """Run one command as if it had been typed.

    Raises:
        typer.Exit: it did not end well.
    """
    _announce(arguments)
    code: Any = promote_app(list(arguments), standalone_mode=False)
    if code:
        raise typer.Exit(code if isinstance(code, int) else RED)


def _announce(arguments: Sequence[str]) -> None:
    console.rule(f"[bold]$ backfill promote {' '.join(arguments)}", align="left")


def _prepared(settings: Settings, images: int, items: int) -> Mapping[str, str]:
    """Exports in a folder, an empty table: the settings of the commands to come."""
    name = f"demo-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}"
    folder = Path(settings.state_dir) / "samples" / name
    buckets = SampleBuckets()
    files = sum(1 for _ in write_samples(folder, images, items, seed=int(time.time()), buckets=buckets))
    table = f"promoted-{name}"
    build_items(settings).as_table(table).ensure(SPEC)
    named = {buckets.raw: buckets.raw.replace("dev", "prod"), buckets.cdn: buckets.cdn.replace("dev", "prod")}
    said = {
        "BACKFILL_PROMOTION_EXPORTS_URL": str(folder),
        "BACKFILL_PROMOTION_TARGET_TABLE": table,
        "BACKFILL_PROMOTION_BUCKETS": json.dumps(named),
    }
    console.print(f"{files:,} exports are in {folder}", highlight=False, soft_wrap=True)
    for variable, value in said.items():
        console.print(f"export {variable}='{value}'", highlight=False, markup=False, soft_wrap=True)
    return said


@contextmanager
def _environment(said: Mapping[str, str]) -> Iterator[str]:
    """The settings of the commands inside the block; gives the table."""
    before = {name: os.environ.get(name) for name in said}
    os.environ.update(said)
    try:
        yield said["BACKFILL_PROMOTION_TARGET_TABLE"]
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _killed(settings: Settings, table: str) -> None:
    """Begin a copy in a process of its own, and kill it once it has written the first items."""
    _announce(["run", "--apply"])
    program = "from backfill_pipelines.cli import app; app()"
    command = [sys.executable, "-c", program, "promote", "run", "--apply"]
    child = subprocess.Popen(  # noqa: S603 - our own command
        command, cwd=PROJECT_ROOT, env=dict(os.environ), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    while child.poll() is None and not _has_begun(settings, table):
        time.sleep(_POLL_SECONDS)
    if child.poll() is None:
        child.send_signal(signal.SIGKILL)
        child.wait()
        console.print(f"[bold]kill -9 {child.pid}[/bold]: {_written(settings, table)}; the same command goes on")
    elif child.returncode:
        raise BackfillError(f"the copy ended with exit code {child.returncode} before it could be killed")


def _has_begun(settings: Settings, table: str) -> bool:
    """Whether some stage of some image is written."""
    with _ledger(settings, table) as ledger:
        return any(entry.done for entry in ledger.images())


def _written(settings: Settings, table: str) -> str:
    with _ledger(settings, table) as ledger:
        entries = ledger.images()
        whole = sum(4 in entry.done for entry in entries)
        return f"{whole:,} images were whole, {len(entries) - whole:,} were not"


def _runs(settings: Settings, table: str) -> list[str]:
    """The runs that have written something, the newest first: a later one may rest on an earlier one."""
    with _ledger(settings, table) as ledger:
        return [run_id for run_id in sorted(ledger.runs(), reverse=True) if ledger.applied(run_id)]


def _roll_back(run_id: str) -> None:
    """Look, then take it back, embedded lines and words included, with the number that the look has named."""
    _type(["rollback", run_id, "--include-embedded"])
    resources = build_all_resources(read_settings())
    try:
        request = Request(run_id, include_embedded=True)
        messages = RollbackWork(SimpleNamespace(**resources), request).preview().messages
    finally:
        resources["control"].close()
    _type(["rollback", run_id, "--include-embedded", "--apply", "--accept-stream-events", str(messages)])


@contextmanager
def _ledger(settings: Settings, table: str) -> Iterator[PromotionLedger]:
    control = ControlStore(url=settings.control_store_url)
    try:
        yield PromotionLedger(control, table)
    finally:
        control.close()
