"""``backfill receipts demo``: the whole migration on a table to try things out on, command by command.

Every step is a command that an operator would type, printed before it is run. Local servers only. Rows and answers are
generated, or those of files: metadata rows, and bodies of places that the stand-in answers with.
"""

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from backfill_pipelines.backfill.failures import SettingsError
from backfill_pipelines.cli_console import RED, console, reported
from backfill_pipelines.cli_receipts_check import receipts_app
from backfill_pipelines.receipts.metadata import Eligibility, Metadata, eligibility, read_metadata
from backfill_pipelines.receipts.sample import write_sample
from backfill_pipelines.receipts.try_out import SPEC, place_bodies, read_bodies, seed_items
from backfill_pipelines.settings import Settings, read_settings
from backfill_pipelines.stores.embedded_places import EmbeddedPlaces, StandInControl
from backfill_pipelines.stores.items import Item
from backfill_pipelines.stores.resources import build_items

_WAVES = ("1", "2", "3", "4")
_ROLES = ("engineering", "data", "operations")
_DECIDED = ("--who", "demo", "--reason", "a trial on generated rows")
#: What a small wave cannot prove is accepted by name, as a person would have to.
_SMALL = ("--accept-need-more-data", "a trial of few records proves no ratio")


def steps(run: Sequence[str] = ("--apply", "--fetch")) -> Iterator[list[str]]:
    """The commands of a migration, in order, as the documents ask for them."""
    yield from (["inventory"], ["plan"], ["attest", "--who", "demo", "--item", "all"], ["preflight", "--enable-pitr"])
    yield ["run", "--canary"]
    for wave in _WAVES:
        yield ["run", "--wave", wave, *run]
        yield ["verify", "--wave", wave]
        yield ["decide", wave, "proceed", *_DECIDED, *_SMALL]
    for role in _ROLES:
        yield ["decide", "completion", "proceed", "--role", role, "--who", f"{role} lead", "--reason", "all green"]
    yield from (["cost"], ["budget"])


@receipts_app.command()
@reported
def demo(
    records: Annotated[int, typer.Option(min=10, help="Generated metadata rows.")] = 1000,
    places: Annotated[int, typer.Option(min=1, help="Distinct places among them.")] = 200,
    rows: Annotated[Path | None, typer.Option(help="Metadata rows as JSON lines, instead of generated ones.")] = None,
    bodies: Annotated[
        Path | None, typer.Option(help="Bodies of places as JSON lines: the k-th is the answer of the k-th place id.")
    ] = None,
    refuse: Annotated[list[str] | None, typer.Option(help="A place id that the stand-in calls malformed.")] = None,
    *,
    echo: Annotated[bool, typer.Option(help="Bodies say the name and address of the first row of their id.")] = True,
) -> None:
    """Migrate a table on the embedded servers, command by command; then see that nothing is left to do."""
    settings = read_settings()
    if settings.items != "embedded" or settings.places != "embedded":
        raise SettingsError(
            "the demo writes a table of the embedded server. Repair: leave BACKFILL_ITEMS and BACKFILL_PLACES unset"
        )
    began = time.monotonic()
    file = rows or _generated(settings, records, places)
    content, items = seed_items(file)
    script_places(settings, read_bodies(bodies) if bodies else None, items, refuse or (), echoes=echo)
    with _receipts_table(_seeded(settings, f"{content}-{int(time.time())}", file, items)):
        for arguments in (*steps(), ["run", "--wave", "4", "--apply", "--fetch"]):
            if code := _type(arguments):
                raise typer.Exit(code if isinstance(code, int) else RED)
    console.print(f"[bold green]done[/bold green] in {time.monotonic() - began:.0f} s; the last run had nothing to do")


def _type(arguments: Sequence[str]) -> Any:
    """Run one command as if it had been typed; its exit code."""
    shown = " ".join(f'"{word}"' if " " in word else word for word in arguments)
    console.rule(f"[bold]$ backfill receipts {shown}", align="left")
    return receipts_app(list(arguments), standalone_mode=False)


def _generated(settings: Settings, records: int, places: int) -> Path:
    file = Path(settings.state_dir) / "samples" / f"receipts-{records}-{places}-{int(time.time())}.jsonl"
    write_sample(file, records, min(places, records), seed=int(time.time()))
    return file


def script_places(
    settings: Settings,
    bodies: Sequence[Mapping[str, Any]] | None,
    items: Sequence[Item],
    refused: Sequence[str],
    *,
    echoes: bool,
) -> None:
    """Let the stand-in answer with the bodies, and refuse what it is to refuse."""
    if bodies is None and not refused:
        return
    api = StandInControl(EmbeddedPlaces(settings.embedded_places_dir).endpoint())
    if bodies is not None:
        read = [row for item in items if isinstance(row := read_metadata(item), Metadata)]
        eligible = [row for row in read if eligibility(row) is Eligibility.ELIGIBLE]
        number = api.load(place_bodies(eligible, bodies, echoes=echoes).values())
        console.print(f"{number:,} bodies are loaded into the Places stand-in", highlight=False)
    api.script(by_id={place_id: {"does": "invalid_id"} for place_id in refused})


def _seeded(settings: Settings, table: str, file: Path, rows: Sequence[Item]) -> str:
    """A table of the rows, made anew: the demo begins with no place in it."""
    items = build_items(settings)
    items.as_table(table).ensure(SPEC)
    items.store(table).batch_write(rows)
    console.print(f"{len(rows):,} items of {file} are in the table {table}", highlight=False, soft_wrap=True)
    console.print(f"to go on with it: export BACKFILL_RECEIPTS_TABLE={table}", highlight=False, soft_wrap=True)
    return table


@contextmanager
def _receipts_table(name: str) -> Iterator[None]:
    """The table of the commands inside the block."""
    before = os.environ.get("BACKFILL_RECEIPTS_TABLE")
    os.environ["BACKFILL_RECEIPTS_TABLE"] = name
    try:
        yield
    finally:
        if before is None:
            del os.environ["BACKFILL_RECEIPTS_TABLE"]
        else:
            os.environ["BACKFILL_RECEIPTS_TABLE"] = before
