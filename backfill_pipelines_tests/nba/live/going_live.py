"""A season that goes live: its first dates from a backfill behind the gates, the newest one from the gap sensors."""

import warnings
from collections.abc import Iterator, Sequence
from datetime import date, timedelta

import dagster as dg
from typer.testing import CliRunner

from backfill_pipelines.cli import app
from backfill_pipelines.definitions import build_defs
from backfill_pipelines.runner import open_instance
from backfill_pipelines.settings import Settings

#: Opening night to the first date of phase 4, and the date after it, which comes by itself.
FIRST, LAST_OF_BACKFILL, LIVE_DAY = date(2022, 10, 18), date(2022, 11, 1), date(2022, 11, 2)
TODAY = LIVE_DAY + timedelta(days=1)


def backfill() -> None:
    """The main job over the first dates: every phase, and the gates between them."""
    done = CliRunner().invoke(
        app, ["demo", "--from", str(FIRST), "--to", str(LAST_OF_BACKFILL)], catch_exceptions=False
    )
    assert done.exit_code == 0, done.output


def go_live(settings: Settings) -> list[str]:
    """Tick the gap sensors until none of them asks for anything; the assets that were run, in order.

    Requests of one tick share a run, which changes nothing but the time that a test takes.
    """
    definitions, done = build_defs(settings), list[str]()
    with open_instance(settings) as instance:
        for sensor in definitions.sensors or ():
            if sensor.name.startswith("nba_") and sensor.name.endswith("_gap_sensor"):
                for requests in _ticks(instance, definitions, sensor):
                    assert {_bounds(request) for request in requests} == {(str(LIVE_DAY), str(LIVE_DAY))}
                    keys = [key for request in requests for key in request.asset_selection or ()]
                    assert _run(instance, definitions, keys, {**requests[0].tags, "dagster/sensor_name": sensor.name})
                    done += [key.to_user_string() for key in keys]
    return done


def _ticks(
    instance: dg.DagsterInstance, definitions: dg.Definitions, sensor: dg.SensorDefinition
) -> Iterator[Sequence[dg.RunRequest]]:
    repository, feeds = definitions.get_repository_def(), (definitions.resources or {})["feeds"]
    while True:
        context = dg.build_sensor_context(instance=instance, repository_def=repository, resources={"feeds": feeds})
        requests = sensor.evaluate_tick(context).run_requests
        if not requests:
            return
        yield requests


def _bounds(request: dg.RunRequest) -> tuple[str, str]:
    first, last = (request.tags[f"dagster/asset_partition_range_{side}"] for side in ("start", "end"))
    return first, last


def _run(
    instance: dg.DagsterInstance, definitions: dg.Definitions, keys: Sequence[dg.AssetKey], tags: dict[str, str]
) -> bool:
    assets = [asset for asset in definitions.assets or () if isinstance(asset, dg.AssetsDefinition)]
    with warnings.catch_warnings():
        # Tables of a phase in one run: their policies differ, and none is as short as one date.
        warnings.filterwarnings("ignore", message="Asset job .* varying BackfillPolicies")
        return dg.materialize(
            [asset for asset in assets if asset.keys <= set(keys)],
            instance=instance,
            resources=definitions.resources,
            tags=tags,
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
            raise_on_error=False,
        ).success
