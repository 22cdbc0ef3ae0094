"""``backfill pause`` and ``backfill resume``: stop runs before they publish, in every process."""

import getpass
from typing import Annotated

import typer

from backfill_pipelines.backfill import pausing
from backfill_pipelines.backfill.failures import BackfillError
from backfill_pipelines.cli_console import console, reported
from backfill_pipelines.runner import open_instance
from backfill_pipelines.settings import Settings, read_settings

Scope = Annotated[str, typer.Argument(help="A dataset or dataset/table, as the UI names it. Default: everything.")]


@reported
def pause(
    scope: Scope = "",
    reason: Annotated[str, typer.Option(help="Why; every stopped run says it.")] = "",
    by: Annotated[str, typer.Option(help="Who; default: the user of this process.")] = "",
) -> None:
    """Stop work: a run under way ends before it publishes, no run starts, gap sensors are silent."""
    settings = read_settings()
    _known(settings, scope)
    with open_instance(settings) as instance:
        found = pausing.pause(instance, scope, reason=reason, by=by or getpass.getuser())
    console.print(found.text, highlight=False, markup=False)


@reported
def resume(scope: Scope = "") -> None:
    """Let a scope go on, everything by default; what was stopped is run again by whoever ran it."""
    with open_instance(read_settings()) as instance:
        ended = pausing.resume(instance, scope)
        left = pausing.pauses(instance)
    for found in ended:
        console.print(f"resumed: {found.scope or 'everything'}, paused since {found.since}", highlight=False)
    if not ended:
        console.print(f"{scope or 'nothing'} is not paused" if scope else "nothing is paused", highlight=False)
    for found in left:
        console.print(f"still paused: {found.text}", highlight=False, markup=False)


def _known(settings: Settings, scope: str) -> None:
    """A misspelt scope would pause nothing and say so to nobody."""
    from backfill_pipelines.definitions import build_defs  # everything Dagster loads: not for every command

    keys = [spec.key for asset in build_defs(settings).assets or () for spec in getattr(asset, "specs", ())]
    names = {"/".join(key.path[:length]) for key in keys for length in range(1, len(key.path) + 1)}
    if scope and scope not in names:
        raise BackfillError(f"no asset or dataset {scope}. Repair: use one of {', '.join(sorted(names))}")
