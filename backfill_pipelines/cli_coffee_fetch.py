"""``backfill coffee fetch``: look at a shop now, as the schedules of the live intake do."""

from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from backfill_pipelines.backfill.busy import PROCESS_TAG, this_process
from backfill_pipelines.backfill.failures import BackfillError
from backfill_pipelines.backfill.run_mode import CLI_TAG
from backfill_pipelines.cli_coffee_operations import coffee_app
from backfill_pipelines.cli_console import RED, console, reported
from backfill_pipelines.coffee.assets import build_coffee_assets
from backfill_pipelines.coffee.evidence import load_expected_set, load_shops
from backfill_pipelines.coffee.expected_set import RoasterDay
from backfill_pipelines.coffee.intake import intake
from backfill_pipelines.coffee.migrations import require_migrated
from backfill_pipelines.coffee.names import ROASTERS
from backfill_pipelines.coffee.range_runs import run_range
from backfill_pipelines.coffee.replay import VERSIONS
from backfill_pipelines.coffee.states import DayState
from backfill_pipelines.coffee_resource import coffee_resources
from backfill_pipelines.runner import open_instance
from backfill_pipelines.settings import Settings, read_settings
from backfill_pipelines.stores.postgres import Postgres

__all__ = ["coffee_app"]

#: Ticks that are looked for: no window is open for longer.
_LOOKBACK = timedelta(days=7)


@coffee_app.command()
@reported
def fetch(
    roaster: Annotated[str, typer.Argument(help="Slug of the roaster.")],
    *,
    apply: Annotated[
        bool | None, typer.Option("--apply/--dry-run", help="Ask and publish; default: yes, in prod only say what.")
    ] = None,
) -> None:
    """Ask the shop of a roaster whose tick is open and not captured, and publish; exit code 1 when a day is red."""
    settings = read_settings()
    resources = coffee_resources(settings)
    with closing(resources["control"]):
        days = _open_days(resources["postgres"], roaster)
        applies = settings.deployment != "prod" if apply is None else apply
        for day in days:
            console.print(f"{day.key}: {day.state}, {day.reason}", highlight=False, markup=False)
        if not days:
            console.print("no tick is open, or all are captured", highlight=False)
        red = [said for day in days if applies and (said := _taken_in(settings, resources, day.key))]
    for said in red:
        console.print(said, style="red", highlight=False, markup=False, soft_wrap=True)
    if red:
        raise typer.Exit(RED)


def _open_days(postgres: Postgres, roaster: str) -> list[RoasterDay]:
    """Days of the roaster whose tick's window is open and that lack a capture.

    Raises:
        BackfillError: the intake is paused.
    """
    now = datetime.now(UTC)
    with postgres.connect("coffee:fetch") as connection:
        require_migrated(connection)
        if paused := intake(connection).text:
            raise BackfillError(f"{paused}. Repair: backfill coffee resume --apply, once that is over")
        shops = load_shops(connection, [roaster])
        found = load_expected_set(connection, shops, (now - _LOOKBACK).date(), now.date(), VERSIONS, now)
    return [day for day in found.of(DayState.NOT_DUE, DayState.MISSING) if day.is_fetchable(now)]


def _taken_in(settings: Settings, resources: dict[str, object], key: str) -> str:
    """Search, derive and publish a day; why it is red, if it is."""
    with open_instance(settings) as instance:
        instance.add_dynamic_partitions(str(ROASTERS.name), [key.partition("|")[2]])
        for asset in build_coffee_assets():
            ended = run_range(
                asset,
                [key],
                instance=instance,
                resources=resources,
                config={"apply": True},
                tags={CLI_TAG: "true", PROCESS_TAG: this_process()},
            )
            console.print(f"{key} {asset.op.name}: {'red' if ended.failure else 'green'}", highlight=False)
            if ended.failure:
                return ended.failure
    return ""
