"""``backfill coffee demo``: the whole recovery on generated shops or real captures, command by command.

Every step is a command that an operator would type, printed before it is run. It has a state folder of its own, with
its own embedded PostgreSQL, store of bodies and history of runs; nothing else is touched. A shop on this machine is
fetched live.
"""

import os
import shlex
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from backfill_pipelines.backfill.failures import BackfillError, SettingsError
from backfill_pipelines.cli_coffee import coffee_app
from backfill_pipelines.cli_coffee_fetch import coffee_app as with_every_command
from backfill_pipelines.cli_console import BROKEN, console, reported
from backfill_pipelines.cli_services import stop_services
from backfill_pipelines.coffee.backfill_ledger import newest_runs
from backfill_pipelines.coffee.sample import SampleSize
from backfill_pipelines.coffee.try_out import (
    LIVE,
    Trial,
    captured_trial,
    generated_trial,
    live_products,
    live_registry,
)
from backfill_pipelines.settings import read_settings
from backfill_pipelines.stores.resources import build_postgres
from backfill_pipelines.stores.shop_standin import shop_in_thread
from backfill_pipelines.stores.shop_standin_state import shop_of

__all__ = ["coffee_app", "with_every_command"]

#: Places that a trial has of its own.
_OWN = ("ARTIFACTS_URL", "BACKUPS_DIR", "CONTROL_URL", "OBJECTS_URL", "COFFEE_LEGACY_URL", "COFFEE_MANIFEST")


@dataclass(frozen=True)
class Step:
    """One command; ``code`` is the exit code that belongs to it, ``why`` what it shows."""

    arguments: Sequence[str]
    why: str = ""
    code: int = 0


def steps(trial: Trial, live: Path, today: str) -> Iterator[Step]:
    """The commands, in order; the id of a plan is asked for when it was made."""
    days = ("--from", str(trial.first), "--to", str(trial.last))
    yield Step(["migrate"])
    yield Step(["sources", "--load", str(trial.registry)])
    for folder, manifest in trial.imports:
        known = ["--manifest", str(manifest)] if manifest else []
        yield Step(["import", str(folder), *known, "--dry-run"], "what the files are, nothing written")
        yield Step(["import", str(folder), *known])
    yield Step(["plan", "incremental", *days, "--count-rows"], "what is missing, what it costs; nothing published")
    first = _newest()
    yield Step(["run", first, "--dry-run"])
    yield Step(["run", first])
    yield Step(["plan", "incremental", *days], "a second time there is nothing to do")
    yield Step(["run", _newest()])
    yield Step(["status"])
    yield Step(["validate", *days], "everything read, derived and judged again; nothing changed")
    yield Step(["plan", "full", *days])
    full = _newest()
    yield Step(["run", full], "refused: a full backfill needs a backup that was verified by a restore", BROKEN)
    yield Step(["backup", "--apply"], "dumped, restored into a database of its own, compared")
    yield Step(["drill"])
    yield Step(["run", full], "derived again beside the live tables: the same rows, so 0 are written")
    yield Step(["sources", "--load", str(live)])
    yield Step(["fetch", LIVE], "a shop is asked over HTTP, politely, as the schedule of the live intake does")
    fetched = _newest()
    yield Step(["rollback", fetched], "what a rollback would do")
    yield Step(["rollback", fetched, "--apply"])
    yield Step(["plan", "incremental", "--from", today, "--to", today, "--roaster", LIVE], "the body is still stored")
    yield Step(["run", _newest()], "replayed from the store, the shop is not asked again")
    yield from (Step(["orphans"]), Step(["verify"]), Step(["metrics"]))


@coffee_app.command()
@reported
def demo(
    roasters: Annotated[int, typer.Option(min=1, help="Generated roasters.")] = 3,
    weeks: Annotated[int, typer.Option(min=3, help="Weeks of their history.")] = 8,
    products: Annotated[int, typer.Option(min=1, help="Products of each.")] = 25,
    captures: Annotated[Path | None, typer.Option(help="Folder of real captures, instead of generated ones.")] = None,
    shops: Annotated[Path | None, typer.Option(help="Registry of the shops of those captures (JSON).")] = None,
    manifest: Annotated[Path | None, typer.Option(help="Import manifest of those captures (JSON).")] = None,
) -> None:
    """Recover a coffee database on the embedded PostgreSQL, command by command, in a state folder of its own."""
    settings = read_settings()
    if not settings.embeds_postgres:
        raise SettingsError("the demo has a database of its own. Repair: leave BACKFILL_POSTGRES unset")
    began, now = time.monotonic(), datetime.now(UTC)
    state = (settings.state_dir / f"coffee-demo-{now:%Y%m%d%H%M%S}").absolute()
    size = SampleSize(roasters=roasters, weeks=weeks, products=products)
    if captures is None:
        trial = generated_trial(state / "input", size)
    else:
        trial = captured_trial(state / "input", captures, shops, manifest)
    with _own_state(state), shop_in_thread(shop_of(live_products(size))) as live:
        for step in steps(trial, live_registry(state / "input", live.url, now), str(now.date())):
            _take(step)
    console.print(
        f"[bold green]done[/bold green] in {time.monotonic() - began:.0f} s. To look at it: "
        f"BACKFILL_STATE_DIR={shlex.quote(str(state))} backfill ui",
        highlight=False,
        soft_wrap=True,
    )


def _take(step: Step) -> None:
    """Run one command as if it had been typed.

    Raises:
        BackfillError: it did not end as it must.
    """
    console.rule(f"[bold]$ backfill coffee {shlex.join(step.arguments)}", align="left")
    if step.why:
        console.print(f"# {step.why}", style="dim", highlight=False)
    code: Any = coffee_app(list(step.arguments), standalone_mode=False)
    if (code or 0) != step.code:
        command = f"backfill coffee {shlex.join(step.arguments)}"
        raise BackfillError(f"{command} ended with {code or 0}, not {step.code}. Repair: read what it says above")


def _newest() -> str:
    """The id of the plan that was made last."""
    with build_postgres(read_settings()).connect("coffee:demo") as connection:
        return str(newest_runs(connection, 1)[0].id)


@contextmanager
def _own_state(state: Path) -> Iterator[None]:
    """A state folder of its own for the block; its servers are stopped at the end, and start again when needed."""
    before = dict(os.environ)
    for name in _OWN:
        os.environ.pop(f"BACKFILL_{name}", None)
    os.environ["BACKFILL_STATE_DIR"] = str(state)
    try:
        yield
    finally:
        stop_services(read_settings())
        os.environ.clear()
        os.environ.update(before)
