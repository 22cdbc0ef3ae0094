"""What keeps the recovery whole by itself: the gap sensor and the schedules of the live intake."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import dagster as dg
from pydantic import Field

from backfill_pipelines.backfill.admission import Upstream
from backfill_pipelines.backfill.gap_sensor import GapAsset, Survey, build_gap_sensor
from backfill_pipelines.backfill.gaps import GapPolicy
from backfill_pipelines.coffee.assets import build_coffee_assets
from backfill_pipelines.coffee.evidence import load_expected_set, load_shops
from backfill_pipelines.coffee.expected_set import RoasterDay, days_between, parse_partition, partition_key
from backfill_pipelines.coffee.intake import intake
from backfill_pipelines.coffee.names import (
    COFFEES,
    FIRST_DAY,
    PRICES,
    PRODUCT_ARTIFACTS,
    ROASTERS,
    SCRAPE_ARTIFACTS,
    VARIANTS,
    roaster_days,
)
from backfill_pipelines.coffee.range_runs import run_range
from backfill_pipelines.coffee.recovery import RESOURCES
from backfill_pipelines.coffee.replay import VERSIONS
from backfill_pipelines.coffee.states import DayState
from backfill_pipelines.stores.postgres import Postgres

#: How far back the sensor looks for gaps.
LOOKBACK = timedelta(days=35)
#: Days that the sensor can do something about; a partial or quarantined one waits for new input or a person.
_DUE = (DayState.MISSING, DayState.STALE)
#: The schedules come first. A shop with a cadence of its own is on none of them, and is asked after this time.
AFTER_SCHEDULE = timedelta(hours=1)
INTAKE_JOB = "coffee_intake"
#: The tag of range runs that the intake launched: its Dagster run.
INTAKE_TAG = "coffee/intake"

_SENSOR_TEXT = """Requests range runs, one roaster each, for days that lack a capture or are stale, and for shops that
no schedule has asked an hour after a tick of their own cadence. Silent while the
intake is paused, a run of the same assets is under way, or an asset is paused."""


def _utc_now() -> datetime:
    return datetime.now(UTC)


def build_coffee_gap_sensor(clock: Callable[[], datetime] = _utc_now) -> dg.SensorDefinition:
    """The gap-filling sensor of the recovery."""
    partitions = roaster_days()
    common: dict[str, Any] = {
        "partitions_def": partitions,
        "all_partitions": lambda instance: _roaster_by_roaster(instance, clock()),
        "run_group": lambda key: parse_partition(key)[1],
    }
    return build_gap_sensor(
        name="coffee_gap_sensor",
        description=_SENSOR_TEXT,
        assets=[
            GapAsset(SCRAPE_ARTIFACTS, **common),
            GapAsset(PRODUCT_ARTIFACTS, upstreams=[Upstream(SCRAPE_ARTIFACTS)], **common),
            GapAsset(COFFEES, upstreams=[Upstream(PRODUCT_ARTIFACTS)], companions=[VARIANTS, PRICES], **common),
        ],
        expected=lambda context: survey(context, clock()),
        policy=GapPolicy(partitions_per_run=31),
        required_resource_keys={"postgres"},
        clock=clock,
    )


def survey(context: dg.SensorEvaluationContext, now: datetime) -> Survey:
    """The days that are due, by the database; a green verdict of a stale day does not count."""
    postgres = cast("Postgres", getattr(context.resources, "postgres"))  # noqa: B009
    first = max((now - LOOKBACK).date(), datetime.fromisoformat(FIRST_DAY).date())
    with postgres.connect("coffee:gap-sensor") as connection:
        if paused := intake(connection).text:
            return Survey(silent=paused)
        known = set(context.instance.get_dynamic_partitions(str(ROASTERS.name)))
        shops = load_shops(connection)
        missing = sorted({roaster.slug for roaster in shops.roasters} - known)
        if missing:
            context.instance.add_dynamic_partitions(str(ROASTERS.name), missing)
        found = load_expected_set(connection, shops, first, now.date(), VERSIONS, now)
    due = [day.key for day in found.of(*_DUE, DayState.NOT_DUE) if day.state in _DUE or _is_open(day, now)]
    return Survey(due, reopened=frozenset(due), seen="; ".join(f"{n} {state}" for state, n in found.counts.items()))


def _is_open(day: RoasterDay, now: datetime) -> bool:
    """Whether a tick of the day was let pass by the schedules, and can still be fetched for."""
    return any(tick.at + AFTER_SCHEDULE <= now <= tick.window_end for tick in day.ticks)


def _roaster_by_roaster(instance: dg.DagsterInstance, now: datetime) -> Sequence[str]:
    """Every partition so that the days of a roaster are neighbours."""
    days = days_between(datetime.fromisoformat(FIRST_DAY).date(), now.date())
    slugs = instance.get_dynamic_partitions(str(ROASTERS.name))
    return [partition_key(day, slug) for slug in slugs for day in days]


def build_coffee_schedules(clock: Callable[[], datetime] = _utc_now) -> list[dg.ScheduleDefinition]:
    """The live intake: the weekly look at prices and the monthly one at whole catalogues."""
    return [
        _schedule("coffee_prices_weekly", "0 4 * * 0", "price", clock),
        _schedule("coffee_full_monthly", "0 3 1 * *", "full", clock),
    ]


def _schedule(name: str, cron: str, kind: str, clock: Callable[[], datetime]) -> dg.ScheduleDefinition:
    @dg.schedule(
        name=name,
        job_name=INTAKE_JOB,
        cron_schedule=cron,
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.STOPPED,
        required_resource_keys={"postgres"},
        description=f"Asks every shop that has a {kind} tick today and is not captured yet. Skips while the intake is "
        "paused.",
    )
    def _tick(context: dg.ScheduleEvaluationContext) -> list[dg.RunRequest] | dg.SkipReason:
        return intake_requests(context, kind, clock())

    return _tick


def intake_requests(
    context: dg.ScheduleEvaluationContext, kind: str, now: datetime
) -> list[dg.RunRequest] | dg.SkipReason:
    """A run for each roaster whose tick of a kind is open; or why there is none."""
    postgres = cast("Postgres", getattr(context.resources, "postgres"))  # noqa: B009
    with postgres.connect("coffee:schedule") as connection:
        if paused := intake(connection).text:
            return dg.SkipReason(paused)
        shops = load_shops(connection)
        found = load_expected_set(connection, shops, (now - timedelta(days=2)).date(), now.date(), VERSIONS, now)
    due = [
        day
        for day in found.of(DayState.NOT_DUE, DayState.MISSING)
        if any(tick.kind == kind and tick.at <= now <= tick.window_end for tick in day.ticks)
    ]
    if not due:
        return dg.SkipReason(f"no {kind} tick is open, or all are captured")
    return [_request(day.key, kind, now) for day in due]


def _request(key: str, kind: str, now: datetime) -> dg.RunRequest:
    config = {"ops": {"take_in": {"config": {"partition": key}}}}
    return dg.RunRequest(run_key=f"{kind}:{key}:{now:%Y-%m-%dT%H}", run_config=config)


class IntakeConfig(dg.Config):
    """Which roaster's day is taken in."""

    partition: str = Field(description="The partition, YYYY-MM-DD|roaster.")


def build_intake_job() -> dg.JobDefinition:
    """The job of the schedules: fetch, derive and publish a roaster's day, by a range run of each asset.

    One job of all three assets would be one run, in which a red parent skips its children without a verdict.
    """

    @dg.op(required_resource_keys=set(RESOURCES), out=dg.Out(dg.Nothing))
    def take_in(context: dg.OpExecutionContext, config: IntakeConfig) -> None:
        resources = {name: getattr(context.resources, name) for name in sorted(RESOURCES)}
        context.instance.add_dynamic_partitions(str(ROASTERS.name), [parse_partition(config.partition)[1]])
        failures = list[str]()
        for asset in build_coffee_assets():
            found = run_range(
                asset,
                [config.partition],
                instance=context.instance,
                resources=resources,
                config={"apply": True},
                tags={INTAKE_TAG: context.run_id},
            )
            failures += [found.failure] if found.failure else []
        if failures:
            # Those of later assets follow from the first.
            raise dg.Failure(failures[0], allow_retries=False)

    @dg.job(name=INTAKE_JOB, description="Fetch, derive and publish one roaster's day.")
    def job() -> None:
        take_in()

    return job
