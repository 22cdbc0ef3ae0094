"""The gated range run: one run computes a range of partitions, every partition is judged on its own.

``gated_asset`` builds the Dagster asset. Its run goes admission -> stage -> gates -> publish -> ledger -> events,
and ends in a failure that names the partitions that stayed red. What a partition is and where it is stored is the
business of the ``RangeTarget`` that a domain supplies.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

import dagster as dg

from backfill_pipelines.backfill.admission import Admission, admit, behind_gate
from backfill_pipelines.backfill.failures import ReadBackError, SettingsError
from backfill_pipelines.backfill.garbage import rare_collections
from backfill_pipelines.backfill.gated_spec import GatedSpec
from backfill_pipelines.backfill.gates import (
    Gate,
    Measurement,
    Verdict,
    all_measured,
    history_gate,
    judge,
    read_back_gate,
)
from backfill_pipelines.backfill.interrupts import ended_by_interrupts
from backfill_pipelines.backfill.metadata import partition_metadata
from backfill_pipelines.backfill.outcome import (
    Decision,
    PartitionOutcome,
    RangeOutcome,
    StagedPartition,
    failure_message,
)
from backfill_pipelines.backfill.pausing import Pause, pause_of, paused_failure, pausing_after_timeouts
from backfill_pipelines.backfill.run_mode import REPAIR_TAG, SKIP_DOWNSTREAM_TAG, GatedConfig, RangeConfig, RunMode
from backfill_pipelines.backfill.verdicts import attach_metadata, record_verdicts, restate_verdicts


class RangeTarget(Protocol):
    """Where a range of partitions is computed, measured and published."""

    def stage(self, partitions: Sequence[str]) -> Mapping[str, StagedPartition]:
        """Compute the partitions into staging; says what each now holds."""
        ...

    def measure(self, gate: Gate, partitions: Sequence[str]) -> Mapping[str, Measurement]:
        """Measure one gate on the staged partitions."""
        ...

    def publish(self, partitions: Sequence[str], *, force: bool) -> Mapping[str, Decision]:
        """Publish in one transaction and read back; partitions that did not change are left alone.

        Raises:
            ReadBackError: what came back is not what was staged; nothing was changed.
        """
        ...

    def record(self, outcome: RangeOutcome) -> None:
        """Write run history and verdicts to the domain's ledger; part of success."""
        ...

    def run_metadata(self) -> Mapping[str, Any]:
        """Metadata of the run as a whole: SQL, preview, column lineage."""
        ...


_RETRIES = 1

TargetFactory = Callable[[dg.AssetExecutionContext, Admission], AbstractContextManager[RangeTarget]]


def gated_asset(
    spec: GatedSpec,
    *,
    partitions_def: dg.PartitionsDefinition[Any],
    partitions_per_run: int,
    open_target: TargetFactory,
    required_resource_keys: set[str],
    config_type: type[GatedConfig] = RangeConfig,
) -> dg.AssetsDefinition:
    """The Dagster asset of a spec: one range run at most ``partitions_per_run`` partitions long.

    ``config_type`` is what a launch may choose; the target finds the choices in its admission.

    Give parent and child different ``partitions_per_run``: Dagster puts assets of equal backfill policy into one
    run, and there a single red date of the parent would skip the child for the whole range.
    """

    def _gated(context: dg.AssetExecutionContext, config: GatedConfig) -> Iterator[dg.MaterializeResult[Any]]:
        with pausing_after_timeouts(context, spec.key, _RETRIES), ended_by_interrupts(spec.key):
            yield from _run_range(context, spec, config, open_target)

    # Dagster takes the config's schema from the annotation.
    _gated.__annotations__["config"] = config_type
    return dg.multi_asset(
        name=spec.name,
        specs=spec.asset_specs(),
        check_specs=spec.check_specs(partitions_def),
        can_subset=True,
        partitions_def=partitions_def,
        backfill_policy=dg.BackfillPolicy.multi_run(partitions_per_run),
        required_resource_keys=required_resource_keys,
        # For infrastructure only: red partitions raise with allow_retries=False.
        retry_policy=dg.RetryPolicy(max_retries=_RETRIES, delay=5),
        pool=spec.pool,
    )(_gated)


def _run_range(
    context: dg.AssetExecutionContext, spec: GatedSpec, config: GatedConfig, open_target: TargetFactory
) -> Iterator[dg.MaterializeResult[Any]]:
    _unless_paused(spec, _pause(context, spec), "before it was computed")
    mode = _mode(context, spec, config)
    # Before anything is published: automation looks at the tags of the run that published.
    context.instance.add_run_tags(context.run.run_id, {SKIP_DOWNSTREAM_TAG: str(mode.skip_downstream).lower()})
    partitions = _partitions(context, spec)
    outcomes, admission = _admission(context, spec, partitions, config, mode)
    outcome, run_metadata = RangeOutcome({p: outcomes[p] for p in partitions}), dict[str, Any]()
    with rare_collections(), open_target(context, admission) as target:
        if admission.partitions:
            _audit(target, spec, outcomes, admission.partitions)
        # The last moment to stop: a pause is no outcome of a partition, so the ledger does not hear of it.
        paused = _pause(context, spec)
        if not paused:
            judged = [p for p in admission.partitions if not outcomes[p].is_left_open]
            _publish(target, spec, outcomes, judged, mode)
            target.record(outcome)
            run_metadata |= target.run_metadata() if outcome.green else {}
    _unless_paused(spec, paused, "between its gates and publishing")
    context.log.info("%s: %s", spec.key.to_user_string(), dict(outcome.tally))
    for key in spec.keys:
        yield from _materialize(context, key, outcome, run_metadata)
    if mode.dry_run:
        restate_verdicts(context, spec.checks, partitions)
    for key in () if mode.dry_run else spec.keys:
        record_verdicts(context, key, [v for p in partitions for v in spec.verdicts_of(key, outcomes[p])])
    if outcome.failed:
        raise dg.Failure(
            description=failure_message(spec.key.to_user_string(), outcome.failed, len(partitions), repair=spec.repair),
            metadata={"failed_partitions": [o.partition for o in outcome.failed], **outcome.tally},
            allow_retries=False,
        )


def _partitions(context: dg.AssetExecutionContext, spec: GatedSpec) -> list[str]:
    """The partitions of the run; a range of several dimensions whose ends are in no order has none at all."""
    partitions = list(context.partition_keys)
    if not partitions:
        raise dg.Failure(
            f"{spec.key.to_user_string()}: the range of this run holds no partition, so nothing was done. Repair: give "
            "a first partition that comes before the last in every dimension",
            allow_retries=False,
        )
    return partitions


def _mode(context: dg.AssetExecutionContext, spec: GatedSpec, config: GatedConfig) -> RunMode:
    """The mode of the run; choices that do not go together fail it at once: a retry would choose the same."""
    try:
        return config.mode(context.run.tags, reads_history=spec.history is not None)
    except SettingsError as error:
        raise dg.Failure(f"{spec.key.to_user_string()}: {error}", allow_retries=False) from error


def _pause(context: dg.AssetExecutionContext, spec: GatedSpec) -> Pause | None:
    """The pause that any asset of the run is under."""
    return pause_of(context.instance, *spec.keys)


def _unless_paused(spec: GatedSpec, paused: Pause | None, where: str) -> None:
    if paused:
        raise paused_failure(spec.key, paused, where)


def _admission(
    context: dg.AssetExecutionContext,
    spec: GatedSpec,
    partitions: Sequence[str],
    config: GatedConfig,
    mode: RunMode,
) -> tuple[dict[str, PartitionOutcome], Admission]:
    """Outcomes that start with the admission verdicts, and the partitions that may be computed."""
    outcomes = {p: PartitionOutcome(p, Decision.HELD_BACK) for p in partitions}
    admitted, issues = list(partitions), dict[str, Sequence[str]]()
    if spec.upstreams or spec.own_check:
        measured = dict(admit(context.instance, spec.upstreams, partitions))
        if spec.own_check:
            own = spec.own_check(context, partitions, config)
            measured = {p: measured[p].joined(own[p]) for p in partitions}
        if spec.phase_gate and mode.backfill and REPAIR_TAG not in context.run.tags:
            gate = behind_gate(context.instance, spec.phase_gate, partitions)
            measured = {p: measured[p].joined(gate[p]) for p in partitions}
        admitted = _refuse(spec.all_gates[0], measured, outcomes, admitted)
    if spec.history and admitted:
        report = spec.history(context, admitted, mode)
        # With strict mode off the holes are shown and marked in the rows, and block nothing.
        gate_in_force = history_gate(blocking=mode.strict or mode.backfill)
        admitted, issues = _refuse(gate_in_force, report.measured, outcomes, admitted), dict(report.issues)
    return outcomes, Admission(admitted, mode, issues, config)


def _refuse(
    gate: Gate, measured: Mapping[str, Measurement], outcomes: Mapping[str, PartitionOutcome], partitions: Sequence[str]
) -> list[str]:
    """Add the gate's verdicts to the outcomes; partitions with a red one are refused, the others returned."""
    admitted: list[str] = []
    for verdict in judge(gate, measured, partitions):
        outcome = outcomes[verdict.partition]
        outcome.verdicts.append(verdict)
        if not verdict.is_red:
            admitted.append(verdict.partition)
            continue
        outcome.decision = Decision.REFUSED
        outcome.verdicts.append(_not_published(verdict.partition, verdict.measurement.sample))
    return admitted


def _audit(
    target: RangeTarget, spec: GatedSpec, outcomes: Mapping[str, PartitionOutcome], admitted: Sequence[str]
) -> None:
    """Stage the admitted partitions and measure every gate of the asset on those that are to be judged."""
    for partition, staged in target.stage(admitted).items():
        outcomes[partition].staged = staged
    judged = [p for p in admitted if not outcomes[p].is_left_open]
    for gate in spec.measured_gates if judged else ():
        for verdict in judge(gate, target.measure(gate, judged), judged):
            outcomes[verdict.partition].verdicts.append(verdict)
    for partition in set(admitted) - set(judged):
        outcomes[partition].decision = Decision.LEFT_OPEN
        outcomes[partition].verdicts.clear()


def _publish(
    target: RangeTarget,
    spec: GatedSpec,
    outcomes: dict[str, PartitionOutcome],
    admitted: Sequence[str],
    mode: RunMode,
) -> None:
    """Publish what is green and close every outcome with the read-back verdict."""
    if not admitted:
        return
    red = [p for p in admitted if outcomes[p].red]
    green = [p for p in admitted if p not in red and not (mode.stop_on_error and red and p > red[0])]
    try:
        decisions, mismatch = target.publish(green, force=mode.force), ""
    except ReadBackError as error:
        decisions, mismatch = {}, str(error)
    for partition in admitted:
        outcome = outcomes[partition]
        if partition in decisions:
            outcome.decision = decisions[partition]
            outcome.verdicts.extend(judge(read_back_gate(), {partition: all_measured(0, 1)}, [partition]))
        else:
            cause = f"{spec.key.to_user_string()} {partition}: {mismatch or outcome.failure_text}"
            outcome.verdicts.append(_not_published(partition, [cause]))


def _not_published(partition: str, causes: Sequence[str]) -> Verdict:
    """The read-back verdict of a partition that stays unpublished; downstream admission repeats the causes."""
    return Verdict(read_back_gate(), partition, all_measured(1, 1, causes, "not published"))


def _materialize(
    context: dg.AssetExecutionContext,
    key: dg.AssetKey,
    outcome: RangeOutcome,
    run_metadata: Mapping[str, Any],
) -> Iterator[dg.MaterializeResult[Any]]:
    """One materialisation for every green partition; the output itself only when that is all of them.

    An asset that is published with the one that was asked for has no output in the run, and its events all the same.
    """
    green = outcome.green
    metadata = {p: partition_metadata(outcome.partitions[p], key.to_user_string()) for p in green}
    if green:
        # The UI shows the newest materialisation's: once a run is enough, and keeps the event log small.
        metadata[green[-1]] |= dict(run_metadata)
    if len(green) == len(outcome.partitions) and key in context.selected_asset_keys:
        attach_metadata(context, key, metadata)
        yield dg.MaterializeResult(asset_key=key)
        return
    for partition in green:
        context.log_event(dg.AssetMaterialization(key, partition=partition, metadata=metadata[partition]))
