"""The gated range run: one run computes a range of partitions, every partition is judged on its own.

``gated_asset`` builds the Dagster asset. Its run goes admission -> stage -> gates -> publish -> ledger -> events,
and ends in a failure that names the partitions that stayed red. What a partition is and where it is stored is the
business of the ``RangeTarget`` that a domain supplies.
"""

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

import dagster as dg

from backfill_pipelines.backfill.admission import (
    Admission,
    HistoryCheck,
    OwnCheck,
    PhaseGate,
    Upstream,
    admit,
    behind_gate,
)
from backfill_pipelines.backfill.failures import ReadBackError
from backfill_pipelines.backfill.gates import (
    Gate,
    Measurement,
    Verdict,
    all_measured,
    history_gate,
    judge,
    read_back_gate,
    upstream_gate,
)
from backfill_pipelines.backfill.metadata import partition_metadata
from backfill_pipelines.backfill.outcome import (
    Decision,
    PartitionOutcome,
    RangeOutcome,
    StagedPartition,
    failure_message,
)
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


TargetFactory = Callable[[dg.AssetExecutionContext, Admission], AbstractContextManager[RangeTarget]]


@dataclass(frozen=True)
class GatedSpec:
    """What Dagster shows of a gated asset, what it reads and what must be true of it."""

    key: dg.AssetKey
    description: str
    group: str
    gates: Sequence[Gate]
    upstreams: Sequence[Upstream] = ()
    kinds: frozenset[str] = frozenset()
    owners: Sequence[str] = ()
    code_version: str = "1"
    #: Whether the earlier dates that the table reads are whole; None for a table that reads its own date only.
    history: HistoryCheck | None = None
    #: What a backfill must have passed before the table is computed.
    phase_gate: PhaseGate | None = None
    #: What else a domain asks before a partition is computed.
    own_check: OwnCheck | None = None
    #: The command that runs some partitions again, for the text of a failure; by default one with dates.
    repair: Callable[[Sequence[str]], str] | None = None
    automation_condition: dg.AutomationCondition[Any] | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @property
    def name(self) -> str:
        """Name of the op, and what the command line calls the asset."""
        return "__".join(self.key.path)

    @property
    def all_gates(self) -> list[Gate]:
        """The asset's own gates between admission and read-back."""
        asks = self.upstreams or self.own_check
        first = [upstream_gate("Repair the upstream partition first.")] if asks else []
        second = [history_gate()] if self.history else []
        return [*first, *second, *self.gates, read_back_gate()]


def gated_asset(
    spec: GatedSpec,
    *,
    partitions_def: dg.PartitionsDefinition[Any],
    partitions_per_run: int,
    open_target: TargetFactory,
    required_resource_keys: set[str],
    config_type: type[GatedConfig] = RangeConfig,
    pool: str | None = None,
) -> dg.AssetsDefinition:
    """The Dagster asset of a spec: one range run at most ``partitions_per_run`` partitions long.

    ``config_type`` is what a launch may choose; the target finds the choices in its admission.

    Give parent and child different ``partitions_per_run``: Dagster puts assets of equal backfill policy into one
    run, and there a single red date of the parent would skip the child for the whole range.
    """
    asset_spec = dg.AssetSpec(
        spec.key,
        deps=_deps(spec),
        description=spec.description,
        group_name=spec.group,
        kinds=set(spec.kinds),
        owners=list(spec.owners),
        code_version=spec.code_version,
        metadata=dict(spec.metadata),
        automation_condition=spec.automation_condition,
        skippable=True,
    )

    def _gated(context: dg.AssetExecutionContext, config: GatedConfig) -> Iterator[dg.MaterializeResult[Any]]:
        yield from _run_range(context, spec, config, open_target)

    # Dagster takes the config's schema from the annotation.
    _gated.__annotations__["config"] = config_type
    return dg.multi_asset(
        name=spec.name,
        specs=[asset_spec],
        check_specs=[_check_spec(spec.key, gate, partitions_def) for gate in spec.all_gates],
        can_subset=True,
        partitions_def=partitions_def,
        backfill_policy=dg.BackfillPolicy.multi_run(partitions_per_run),
        required_resource_keys=required_resource_keys,
        # For infrastructure only: red partitions raise with allow_retries=False.
        retry_policy=dg.RetryPolicy(max_retries=1, delay=5),
        pool=pool,
    )(_gated)


def _check_spec(key: dg.AssetKey, gate: Gate, partitions_def: dg.PartitionsDefinition[Any]) -> dg.AssetCheckSpec:
    with warnings.catch_warnings():
        # Partitioned check specs are preview in Dagster 1.13; the tests pin every fact that is relied on.
        warnings.simplefilter("ignore", dg.PreviewWarning)
        return dg.AssetCheckSpec(
            gate.name,
            asset=key,
            description=gate.description,
            blocking=gate.blocking,
            partitions_def=partitions_def,
        )


def _deps(spec: GatedSpec) -> list[dg.AssetDep]:
    """Dagster's dependencies: every upstream at the same partition, the phase gate, and for history the asset itself.

    A table that reads earlier dates depends on its own previous partition instead of on a window of its upstreams:
    Dagster then launches its dates in order, and none after a failed one; and a backfill of a season does not target
    the first dates of the next, as it does with a window.
    """
    found = [dg.AssetDep(upstream.key) for upstream in spec.upstreams]
    if spec.history:
        previous = dg.TimeWindowPartitionMapping(start_offset=-1, end_offset=-1)
        found.append(dg.AssetDep(spec.key, partition_mapping=previous))
    if spec.phase_gate:
        found.append(dg.AssetDep(spec.phase_gate.key))
    return found


def _run_range(
    context: dg.AssetExecutionContext, spec: GatedSpec, config: GatedConfig, open_target: TargetFactory
) -> Iterator[dg.MaterializeResult[Any]]:
    mode = config.mode(context.run.tags, reads_history=spec.history is not None)
    # Before anything is published: automation looks at the tags of the run that published.
    context.instance.add_run_tags(context.run.run_id, {SKIP_DOWNSTREAM_TAG: str(mode.skip_downstream).lower()})
    partitions = list(context.partition_keys)
    outcomes, admission = _admission(context, spec, partitions, config, mode)
    with open_target(context, admission) as target:
        if admission.partitions:
            _audit(target, spec, outcomes, admission.partitions)
            judged = [p for p in admission.partitions if not outcomes[p].is_left_open]
            _publish(target, spec, outcomes, judged, mode)
        outcome = RangeOutcome({partition: outcomes[partition] for partition in partitions})
        target.record(outcome)
        run_metadata: Mapping[str, Any] = target.run_metadata() if outcome.green else {}
    context.log.info("%s: %s", spec.key.to_user_string(), dict(outcome.tally))
    yield from _materialize(context, spec.key, outcome, run_metadata)
    if mode.dry_run:
        restate_verdicts(context, [dg.AssetCheckKey(spec.key, gate.name) for gate in spec.all_gates], partitions)
    else:
        record_verdicts(context, spec.key, [v for p in partitions for v in outcomes[p].verdicts])
    if outcome.failed:
        raise dg.Failure(
            description=failure_message(spec.key.to_user_string(), outcome.failed, len(partitions), repair=spec.repair),
            metadata={"failed_partitions": [o.partition for o in outcome.failed], **outcome.tally},
            allow_retries=False,
        )


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
    for gate in spec.gates if judged else ():
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
    """One materialisation for every green partition; the output itself only when that is all of them."""
    green = outcome.green
    metadata = {p: partition_metadata(outcome.partitions[p]) for p in green}
    if green:
        # The UI shows the newest materialisation's: once a run is enough, and keeps the event log small.
        metadata[green[-1]] |= dict(run_metadata)
    if len(green) == len(outcome.partitions):
        attach_metadata(context, key, metadata)
        yield dg.MaterializeResult(asset_key=key)
        return
    for partition in green:
        context.log_event(dg.AssetMaterialization(key, partition=partition, metadata=metadata[partition]))
