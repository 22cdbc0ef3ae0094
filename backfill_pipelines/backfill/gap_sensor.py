"""The gap-filling sensor: one builder for all systems. Stopped by default, started from the UI.

It decides from what the instance has recorded (verdicts, runs, backfills), never from memory of its own, and goes
upstream first: a partition is requested only when everything it reads is published and green.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition
from dagster._core.event_api import PartitionKeyFilter
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG, PRIORITY_TAG

from backfill_pipelines.backfill.admission import PhaseGate, Upstream, admitted, behind_gate
from backfill_pipelines.backfill.busy import busy_with
from backfill_pipelines.backfill.gaps import AssetState, Failures, GapPlan, GapPolicy, GapRequest, plan_gaps
from backfill_pipelines.backfill.gates import READ_BACK_GATE
from backfill_pipelines.backfill.pausing import pause_of
from backfill_pipelines.backfill.run_queue import BACKFILL_PRIORITY
from backfill_pipelines.backfill.verdicts import latest_verdicts

#: Tags of a run that a gap sensor asked for: which sensor, which range, how many partitions.
SENSOR_TAG = "backfill/gap_sensor"
RANGE_TAG = "backfill/gap_range"
SIZE_TAG = "backfill/gap_partitions"

Expected = Callable[[dg.SensorEvaluationContext], Sequence[str]]


def _one_group(partition: str) -> str:  # noqa: ARG001
    return ""


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
    group_of: Callable[[str], str] = _one_group
    phase_gate: PhaseGate | None = None
    is_live: Callable[[str], bool] = _never

    @property
    def name(self) -> str:
        """``dataset/table``."""
        return self.key.to_user_string()

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
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> dg.SensorDefinition:
    """A sensor that requests range runs for the gaps of ``assets``, upstream first.

    ``expected`` gives the partitions that ought to be complete by now.
    """

    @dg.sensor(  # pyright: ignore[reportUnknownMemberType]
        name=name,
        description=description,
        jobs=[_job_of(asset.key) for asset in assets],
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.STOPPED,
        required_resource_keys=required_resource_keys,
    )
    def _sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        silent = _why_silent(context.instance, assets)
        if silent:
            return dg.SkipReason(f"Silent: {silent}")
        now = clock()
        wanted = list(expected(context))
        states = [asset_state(context.instance, asset, wanted) for asset in assets]
        plan = plan_gaps(states, policy, now, requested_today=requested_since_midnight(context.instance, name, now))
        if not plan.requests:
            return dg.SkipReason("Nothing to run. " + "; ".join(plan.seen))
        context.log.info("; ".join(plan.seen))
        return dg.SensorResult(run_requests=run_requests(context.instance, name, assets, plan))

    return _sensor


def _why_silent(instance: dg.DagsterInstance, assets: Sequence[GapAsset]) -> str:
    """A pause of any of the assets, or who else is at work on them."""
    keys = [asset.key for asset in assets]
    paused = next((found for key in keys if (found := pause_of(instance, key))), None)
    return paused.text if paused else busy_with(instance, keys)


def _job_name(key: dg.AssetKey) -> str:
    return f"{'__'.join(key.path)}_backfill"


def _job_of(key: dg.AssetKey) -> UnresolvedAssetJobDefinition:
    """A job of one asset: one job of assets with several backfill policies would take the smallest for all."""
    selection = dg.AssetSelection.assets(key)
    return dg.define_asset_job(_job_name(key), selection=selection)  # pyright: ignore[reportUnknownMemberType]


def asset_state(instance: dg.DagsterInstance, asset: GapAsset, expected: Sequence[str]) -> AssetState:
    """Complete, failed and blocked partitions of an asset."""
    verdicts = latest_verdicts(instance, [asset.summary_check])[asset.summary_check]
    complete = frozenset(key for key, passed in verdicts.items() if passed)
    gaps = [key for key in expected if key not in complete]
    ready = admitted(instance, asset.upstreams, gaps) - _behind_a_hole(instance, asset, expected, gaps)
    ready -= _behind_the_gate(instance, asset, gaps)
    return AssetState(
        name=asset.name,
        all_partitions=asset.partitions_def.get_partition_keys(),
        expected=expected,
        complete=complete,
        failures={k: found for k in gaps if k in verdicts and (found := failures_of(instance, asset, k))},
        blocked=frozenset(gaps) - ready,
    )


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
    instance: dg.DagsterInstance, sensor: str, assets: Sequence[GapAsset], plan: GapPlan
) -> list[dg.RunRequest]:
    """Range runs of a plan. The run key counts earlier runs of the range: Dagster drops a repeated key for ever."""
    by_name = {asset.name: asset for asset in assets}
    return [_run_request(instance, sensor, by_name[request.asset], request) for request in plan.requests]


def _run_request(instance: dg.DagsterInstance, sensor: str, asset: GapAsset, request: GapRequest) -> dg.RunRequest:
    gap = f"{request.asset}:{request.first}:{request.last}"
    earlier = instance.get_runs_count(dg.RunsFilter(tags={SENSOR_TAG: sensor, RANGE_TAG: gap}))
    return dg.RunRequest(
        job_name=_job_name(asset.key),
        run_key=f"{sensor}:{gap}:attempt-{earlier + 1}",
        asset_selection=[asset.key],
        tags={
            ASSET_PARTITION_RANGE_START_TAG: request.first,
            ASSET_PARTITION_RANGE_END_TAG: request.last,
            SENSOR_TAG: sensor,
            RANGE_TAG: gap,
            SIZE_TAG: str(request.size),
            **({} if asset.is_live(request.first) else {PRIORITY_TAG: BACKFILL_PRIORITY}),
        },
    )
