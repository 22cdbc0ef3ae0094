"""The main job from the command line: feeds in place, every phase over every expected day, the gates between them."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import dagster as dg
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from backfill_pipelines.backfill.failures import BackfillError
from backfill_pipelines.cli_gates import run_gate
from backfill_pipelines.nba.assets import build_assets
from backfill_pipelines.nba.automation import expected_days
from backfill_pipelines.nba.catalog import ANALYTICS_PHASE, CATALOG, PRECOMPUTE_PHASE, RAW_PHASE
from backfill_pipelines.nba.sample import write_feeds
from backfill_pipelines.nba.sample.calendar import WINDOWS
from backfill_pipelines.runner import ChunkResult, open_instance, run_asset
from backfill_pipelines.settings import Settings
from backfill_pipelines.stores.resources import build_resources

SAMPLE_SEASON = "2022-23"
_LIVE_GATE = 3


def place_feeds(settings: Settings, feeds: Path | None, seasons: Sequence[str], console: Console) -> None:
    """Link the given feed folder into the state folder, or generate sample feeds when there are none.

    Raises:
        BackfillError: the folder does not exist, is not what would be read, or the sample has no such season; or other
            feeds are in the way.
    """
    root = settings.state_dir / "feeds"
    root.parent.mkdir(parents=True, exist_ok=True)
    if feeds is not None:
        if settings.feeds_url is not None:
            raise BackfillError(
                f"BACKFILL_FEEDS_URL is {settings.feeds_url}, so that {feeds} would not be read. Repair: unset one of "
                "the two"
            )
        _link(root, feeds.expanduser().resolve())
    elif seasons and settings.feeds_url is None:
        _have_sample(root, seasons, console)
    elif settings.feeds_url is None and not root.exists():
        _have_sample(root, [SAMPLE_SEASON], console)


def _have_sample(root: Path, seasons: Sequence[str], console: Console) -> None:
    """Sample feeds of the seasons; those that are there are taken."""
    unknown = [season for season in seasons if season not in WINDOWS]
    if unknown:
        raise BackfillError(f"no sample of season {', '.join(unknown)}. Repair: use {', '.join(WINDOWS)}")
    if root.exists():
        absent = [season for season in seasons if not (root / "nba-com/schedule-cdn" / season).is_dir()]
        if absent:
            raise BackfillError(
                f"{root} already holds feeds, without {', '.join(absent)}. Repair: backfill down --purge, or set "
                "BACKFILL_STATE_DIR to another folder"
            )
        return
    if root.is_symlink():
        raise BackfillError(
            f"{root} leads to {root.readlink()}, which is gone. Repair: bring it back, or give FEEDS=DIR another folder"
        )
    console.print(f"Generating sample feeds of {', '.join(seasons)} into {root}")
    unfinished = root.with_name("feeds.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    written = write_feeds(unfinished, seasons=tuple(seasons))
    unfinished.rename(root)
    console.print(f"  {sum(written.files.values())} files")


def _link(root: Path, feeds: Path) -> None:
    if not feeds.is_dir():
        raise BackfillError(f"the feed folder {feeds} does not exist. Repair: give FEEDS=DIR an existing folder")
    if root.is_symlink():
        root.unlink()
    elif root.exists():
        raise BackfillError(
            f"{root} already holds sample feeds, and the warehouse rows of them. Repair: backfill down --purge, or "
            "set BACKFILL_STATE_DIR to another folder"
        )
    root.symlink_to(feeds, target_is_directory=True)


def days_of_feeds(settings: Settings) -> list[str]:
    """The days that the feeds make expected.

    Raises:
        BackfillError: there is no season schedule among the feeds.
    """
    feeds = build_resources(settings)["feeds"]
    days = expected_days(feeds)
    if not days:
        raise BackfillError(
            f"no season schedule in {settings.feeds_root}. Repair: put the files under "
            "nba-com/schedule-cdn/<season>/, or leave FEEDS empty for sample feeds"
        )
    return days


def run_all(settings: Settings, days: Sequence[str], console: Console) -> bool:
    """Run every phase over the days, upstream first, and measure its gate; True when everything is green.

    A red date does not stop its neighbours; a red gate stops the next phase. The last gate is measured and shown: it
    waits for automation, and for a season that is not over.
    """
    resources, is_green = build_resources(settings), True
    scope = {"first_date": days[0], "last_date": days[-1]}
    with open_instance(settings) as instance:
        for number, phase in enumerate((RAW_PHASE, ANALYTICS_PHASE, PRECOMPUTE_PHASE)):
            names = {dg.AssetKey(entry.contract.asset_key) for entry in CATALOG if entry.phase == phase}
            with _progress(console) as progress:
                for asset in build_assets():
                    if asset.key in names:
                        is_green &= not _run_one(asset, days, instance, resources, progress)
            if not run_gate(settings, instance, number, scope, with_evidence=False):
                return False
        console.print("Gate 3 is about live operation, which comes after this backfill and decides nothing here:")
        run_gate(settings, instance, _LIVE_GATE, scope, with_evidence=False)
    return is_green


def _run_one(
    asset: dg.AssetsDefinition,
    days: Sequence[str],
    instance: dg.DagsterInstance,
    resources: dict[str, object],
    progress: Progress,
) -> list[ChunkResult]:
    name = asset.key.to_user_string()
    bar = progress.add_task(name, total=len(days))
    failed = []
    for result in run_asset(asset, days, instance=instance, resources=resources):
        progress.advance(bar, result.size)
        if result.failure:
            failed.append(result)
            progress.update(bar, description=f"[red]{name}")
            progress.console.print(f"[red]{_headline(result.failure)}", highlight=False)
    return failed


def _headline(failure: str) -> str:
    """The first two lines of a failure: what failed and the first reason."""
    return "\n".join(failure.splitlines()[:2])


def _progress(console: Console) -> Progress:
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("dates"),
        TimeElapsedColumn(),
        console=console,
    )
