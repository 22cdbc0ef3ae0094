"""The gap-filling sensor: one builder for all systems. Stopped by default, started from the UI.

It decides from what the instance has recorded (verdicts, runs, backfills), never from memory of its own, and goes
upstream first: a partition is requested only when everything it reads is published and green.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition
from dagster._core.event_api import PartitionKeyFilter
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG, PRIORITY_TAG

from backfill_pipelines.backfill.admission import PhaseGate, Upstream, admitted, behind_gate
from backfill_pipelines.backfill.busy import busy_with
from backfill_pipelines.backfill.gaps import AssetState, Failures, GapPlan, GapPolicy, GapRequest, one_group, plan_gaps
from backfill_pipelines.backfill.gates import READ_BACK_GATE
from backfill_pipelines.backfill.pausing import pause_of
from backfill_pipelines.backfill.run_queue import BACKFILL_PRIORITY
from backfill_pipelines.backfill.verdicts import latest_verdicts

#: Tags of a run that a gap sensor asked for: which sensor, which range, how many partitions.
SENSOR_TAG = "backfill/gap_sensor"
RANGE_TAG = "backfill/gap_range"
SIZE_TAG = "backfill/gap_partitions"


@dataclass(frozen=True)
class Survey:
    """What a domain knows at a tick beyond the verdicts; the simplest is the partitions that ought to be complete."""

    expected: Sequence[str] = ()
    #: Green partitions that lack something since: gaps like any other.
    reopened: frozenset[str] = frozenset()
    #: Partitions that wait for something outside (a quota), until when. To wait is no failed attempt.
    parked: Mapping[str, datetime] = field(default_factory=dict[str, datetime])
    #: Runs that must come before anything can be said of gaps; nothing else is asked for at this tick.
    first: Sequence[dg.RunRequest] = ()
    #: Why nothing may be asked for; empty when it may.
    silent: str = ""
    #: What was seen, for the reason of a tick.
    seen: str = ""


Expected = Callable[[dg.SensorEvaluationContext], Sequence[str] | Survey]


def _never(partition: str) -> bool:  # noqa: ARG001
    return False


@dataclass(frozen=True)
class GapAsset:
    """An asset that a sensor keeps whole, and what it reads.

    ``history`` are upstreams of which every earlier partition of the same ``group_of`` (a season) is read. Behind a
    ``phase_gate`` only what ``is_live`` goes on without it.
    """

    key: dg.AssetKey
    partitions_def: dg.PartitionsDefinition[Any]
    upstreams: Sequence[Upstream] = ()
    history: Sequence[dg.AssetKey] = ()
    group_of: Callable[[str], str] = one_group
    phase_gate: PhaseGate | None = None
    is_live: Callable[[str], bool] = _never
    #: All partitions so that those which may share a run are neighbours, and what a run holds constant; for partitions
    #: of several dimensions. By default those of the definition, in its order.
    all_partitions: Callable[[dg.DagsterInstance], Sequence[str]] | None = None
    run_group: Callable[[str], str] = one_group
    #: Assets that are published together with it: a run of it is a run of them all.
    companions: Sequence[dg.AssetKey] = ()

    @property
    def name(self) -> str:
        """``dataset/table``."""
        return self.key.to_user_string()

    @property
    def keys(self) -> list[dg.AssetKey]:
        """Every asset that a run of it publishes."""
        return [self.key, *self.companions]

    @property
    def summary_check(self) -> dg.AssetCheckKey:
        """The check that is green exactly when a partition is published."""
        return dg.AssetCheckKey(self.key, READ_BACK_GATE)


def build_gap_sensor(
    *,
    name: str,
    description: str,
    assets: Sequence[GapAsset],
    expected: Expected,
    policy: GapPolicy,
    required_resource_keys: set[str] | None = None,
    first_jobs: Sequence[UnresolvedAssetJobDefinition] = (),
    also_busy_with: Sequence[dg.AssetKey] = (),
    run_config: Callable[[dg.SensorEvaluationContext], Mapping[str, Any]] = lambda _: {},
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    minimum_interval_seconds: int = 60,
) -> dg.SensorDefinition:
    """A sensor that requests range runs for the gaps of ``assets``, upstream first.

    ``expected`` gives the partitions that ought to be complete by now, or a survey. ``first_jobs`` are those that a
    survey may ask for first, and ``also_busy_with`` what they compute. ``run_config`` is that of the gaps' runs.
    """

    @dg.sensor(  # pyright: ignore[reportUnknownMemberType]
        name=name,
        description=description,
        jobs=[*(_job_of(asset) for asset in assets), *first_jobs],
        minimum_interval_seconds=minimum_interval_seconds,
        default_status=dg.DefaultSensorStatus.STOPPED,
        required_resource_keys=required_resource_keys,
    )
    def _sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        silent = _why_silent(context.instance, assets, also_busy_with)
        if silent:
            return dg.SkipReason(f"Silent: {silent}")
        now = clock()
        found = expected(context)
        survey = found if isinstance(found, Survey) else Survey(list(found))
        if survey.silent:
            return dg.SkipReason(f"Silent: {survey.silent}")
        if survey.first:
            context.log.info(survey.seen)
            return dg.SensorResult(run_requests=list(survey.first))
        states = [_surveyed(asset_state(context.instance, asset, survey.expected), survey, now) for asset in assets]
        plan = plan_gaps(states, policy, now, requested_today=requested_since_midnight(context.instance, name, now))
        seen = "; ".join([*plan.seen, *([survey.seen] if survey.seen else [])])
        if not plan.requests:
            return dg.SkipReason(f"Nothing to run. {seen}")
        context.log.info(seen)
        config = run_config(context)
        return dg.SensorResult(run_requests=run_requests(context.instance, name, assets, plan, config))

    return _sensor


def _why_silent(instance: dg.DagsterInstance, assets: Sequence[GapAsset], also_busy_with: Sequence[dg.AssetKey]) -> str:
    """A pause of any of the assets, or who else is at work on them."""
    keys = [key for asset in assets for key in asset.keys]
    paused = pause_of(instance, *keys)
    return paused.text if paused else busy_with(instance, [*keys, *also_busy_with])


def _job_name(key: dg.AssetKey) -> str:
    return f"{'__'.join(key.path)}_backfill"


def _job_of(asset: GapAsset) -> UnresolvedAssetJobDefinition:
    """A job of one asset: one job of assets with several backfill policies would take the smallest for all."""
    selection = dg.AssetSelection.assets(*asset.keys)
    return dg.define_asset_job(_job_name(asset.key), selection=selection)  # pyright: ignore[reportUnknownMemberType]


def asset_state(instance: dg.DagsterInstance, asset: GapAsset, expected: Sequence[str]) -> AssetState:
    """Complete, failed and blocked partitions of an asset."""
    verdicts = latest_verdicts(instance, [asset.summary_check])[asset.summary_check]
    complete = frozenset(key for key, passed in verdicts.items() if passed)
    gaps = [key for key in expected if key not in complete]
    ready = admitted(instance, asset.upstreams, gaps) - _behind_a_hole(instance, asset, expected, gaps)
    ready -= _behind_the_gate(instance, asset, gaps)
    return AssetState(
        name=asset.name,
        all_partitions=_all_partitions(instance, asset),
        expected=expected,
        complete=complete,
        failures={k: found for k in gaps if k in verdicts and (found := failures_of(instance, asset, k))},
        blocked=frozenset(gaps) - ready,
        run_group=asset.run_group,
    )


def _all_partitions(instance: dg.DagsterInstance, asset: GapAsset) -> Sequence[str]:
    if asset.all_partitions is not None:
        return asset.all_partitions(instance)
    return asset.partitions_def.get_partition_keys(dynamic_partitions_store=instance)


def _surveyed(state: AssetState, survey: Survey, now: datetime) -> AssetState:
    """A state with what the survey knows of it: reopened partitions are gaps, parked ones wait and have not failed."""
    complete = state.complete - survey.reopened
    waiting = {partition for partition, until in survey.parked.items() if now < until}
    failures = {key: found for key, found in state.failures.items() if key not in survey.parked}
    return replace(state, complete=complete, failures=failures, blocked=(state.blocked | waiting) - complete)


def _behind_a_hole(
    instance: dg.DagsterInstance, asset: GapAsset, expected: Sequence[str], gaps: Sequence[str]
) -> frozenset[str]:
    """Gaps after the first partition of their group that an upstream of the history lacks."""
    checks = [dg.AssetCheckKey(key, READ_BACK_GATE) for key in asset.history]
    first_hole: dict[str, str] = {}
    for verdicts in latest_verdicts(instance, checks).values():
        for partition in expected:
            if not verdicts.get(partition, False):
                group = asset.group_of(partition)
                first_hole[group] = min(partition, first_hole.get(group, partition))
    return frozenset(p for p in gaps if p > first_hole.get(asset.group_of(p), p))


def _behind_the_gate(instance: dg.DagsterInstance, asset: GapAsset, gaps: Sequence[str]) -> frozenset[str]:
    """Gaps of the past whose phase gate is not green."""
    past = [partition for partition in gaps if not asset.is_live(partition)]
    if asset.phase_gate is None or not past:
        return frozenset()
    measured = behind_gate(instance, asset.phase_gate, past)
    return frozenset(partition for partition in past if measured[partition].violations)


def failures_of(instance: dg.DagsterInstance, asset: GapAsset, partition: str) -> Failures | None:
    """Attempts since the partition was last complete; a run that died before its verdict counts as one."""
    history = instance.event_log_storage.get_asset_check_execution_history(
        asset.summary_check, limit=50, partition_filter=PartitionKeyFilter(key=partition)
    )
    attempts = 0
    for record in history:
        if record.status == AssetCheckExecutionRecordStatus.SUCCEEDED:
            break
        attempts += 1
    if not attempts:
        return None
    # The row was created when the run was planned; its event says when the verdict fell.
    event = history[0].event
    return Failures(attempts, datetime.fromtimestamp(event.timestamp if event else history[0].create_timestamp, UTC))


def requested_since_midnight(instance: dg.DagsterInstance, sensor: str, now: datetime) -> int:
    """Partitions that the sensor has asked for since midnight UTC."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    runs = instance.get_runs(dg.RunsFilter(tags={SENSOR_TAG: sensor}, created_after=midnight))
    return sum(int(run.tags.get(SIZE_TAG, "0")) for run in runs)


def run_requests(
    instance: dg.DagsterInstance,
    sensor: str,
    assets: Sequence[GapAsset],
    plan: GapPlan,
    run_config: Mapping[str, Any] | None = None,
) -> list[dg.RunRequest]:
    """Range runs of a plan. The run key counts earlier runs of the range: Dagster drops a repeated key for ever."""
    by_name = {asset.name: asset for asset in assets}
    config = run_config or {}
    return [_run_request(instance, sensor, by_name[request.asset], request, config) for request in plan.requests]


def _run_request(
    instance: dg.DagsterInstance,
    sensor: str,
    asset: GapAsset,
    request: GapRequest,
    run_config: Mapping[str, Any],
) -> dg.RunRequest:
    gap = f"{request.asset}:{request.first}:{request.last}"
    earlier = instance.get_runs_count(dg.RunsFilter(tags={SENSOR_TAG: sensor, RANGE_TAG: gap}))
    return dg.RunRequest(
        job_name=_job_name(asset.key),
        run_key=f"{sensor}:{gap}:attempt-{earlier + 1}",
        asset_selection=asset.keys,
        run_config=dict(run_config),
        tags={
            ASSET_PARTITION_RANGE_START_TAG: request.first,
            ASSET_PARTITION_RANGE_END_TAG: request.last,
            SENSOR_TAG: sensor,
            RANGE_TAG: gap,
            SIZE_TAG: str(request.size),
            **({} if asset.is_live(request.first) else {PRIORITY_TAG: BACKFILL_PRIORITY}),
        },
    )
