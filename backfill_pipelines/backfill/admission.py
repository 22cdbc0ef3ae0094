"""Admission: a partition is computed only when every upstream partition it reads is published and green.

A launched backfill never reaches a date whose parent failed; a person who materialises one by hand, a sensor, or a
retry would. So every gated asset asks here first. The answer is per partition: good neighbours go on.

Same-date upstreams and phase gates are judged by the event log, here. Whether the history that a table reads is
whole is judged by data; the domain brings that check (``HistoryCheck``).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import dagster as dg
from dagster._core.event_api import PartitionKeyFilter

from backfill_pipelines.backfill.gates import CAUSE, READ_BACK_GATE, SAMPLE_SIZE, Measurement
from backfill_pipelines.backfill.run_mode import GatedConfig, RunMode
from backfill_pipelines.backfill.verdicts import latest_verdicts

#: Check metadata of a phase gate: the first and the last partition that it has judged.
FIRST_PARTITION = "first_partition"
LAST_PARTITION = "last_partition"
#: Runs of a phase gate that are looked back on for its latest verdict.
_GATE_RUNS = 100


def same_partition(partition: str) -> Sequence[str]:
    """The window of an upstream that is read at the same partition only."""
    return (partition,)


@dataclass(frozen=True)
class Upstream:
    """An upstream gated asset and which of its partitions one partition reads.

    ``required`` is False for an optional input: it orders the work, but its absence is no obstacle. ``reads`` are the
    partitions that must be green by the event log; earlier ones are the business of a ``HistoryCheck``.
    """

    key: dg.AssetKey
    reads: Callable[[str], Sequence[str]] = same_partition
    required: bool = True

    @property
    def summary_check(self) -> dg.AssetCheckKey:
        """The one check that is green exactly when the latest run of a partition published it."""
        return dg.AssetCheckKey(self.key, READ_BACK_GATE)


@dataclass(frozen=True)
class PhaseGate:
    """The gate that a backfill must have passed before a table of the next phase is computed."""

    key: dg.AssetKey
    #: Name of the check that judges a partition, for example that of its season.
    check_name: Callable[[str], str]
    repair: str


@dataclass(frozen=True)
class HistoryReport:
    """What the history of each partition looks like, and the issues that its rows must carry."""

    measured: Mapping[str, Measurement]
    #: issue -> the partitions whose rows carry it
    issues: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])


HistoryCheck = Callable[[dg.AssetExecutionContext, Sequence[str], RunMode], HistoryReport]

#: A domain's own conditions on what may be computed, judged by data; red ones refuse a partition like a red upstream.
OwnCheck = Callable[[dg.AssetExecutionContext, Sequence[str], GatedConfig], Mapping[str, Measurement]]


@dataclass(frozen=True)
class Admission:
    """The partitions that may be computed, how, and the issues that their rows must carry."""

    partitions: Sequence[str]
    mode: RunMode = field(default_factory=RunMode)
    issues: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])
    #: The launch-time choices of the run, of the type that the asset was built with.
    config: GatedConfig = field(default_factory=GatedConfig)


def behind_gate(instance: dg.DagsterInstance, gate: PhaseGate, partitions: Sequence[str]) -> Mapping[str, Measurement]:
    """Whether the phase gate is green for each partition: measured, passed, and over that partition."""
    states = {
        name: _gate_state(instance, dg.AssetCheckKey(gate.key, name))
        for name in {gate.check_name(p) for p in partitions}
    }
    found: dict[str, Measurement] = {}
    for partition in partitions:
        name = gate.check_name(partition)
        problem, first, last = states[name]
        if not problem and first and partition < first:
            problem = f"was measured from {first} on only"
        if not problem and last and partition > last:
            problem = f"was measured up to {last} only"
        text = f"{gate.key.to_user_string()} {name} {problem}. Repair: {gate.repair}"
        found[partition] = Measurement(1, 0, 1, (text,)) if problem else Measurement(1, 1, 0)
    return found


def _gate_state(instance: dg.DagsterInstance, check: dg.AssetCheckKey) -> tuple[str, str, str]:
    """What is wrong with the latest verdict of a phase gate, and the first and last partition that it covers."""
    evaluation, is_running = _latest_evaluation(instance, check)
    if is_running:
        return "is being measured", "", ""
    if evaluation is None:
        return "has not been measured", "", ""
    first, last = (evaluation.metadata.get(name) for name in (FIRST_PARTITION, LAST_PARTITION))
    bounds = (str(first.value) if first else "", str(last.value) if last else "")
    return ("" if evaluation.passed else "is red", *bounds)


def _latest_evaluation(
    instance: dg.DagsterInstance, check: dg.AssetCheckKey
) -> tuple[dg.AssetCheckEvaluation | None, bool]:
    """The latest verdict of a gate's check, and whether a newer run is still at it.

    A gate that was asked about one season plans the checks of all: a run that ended without a verdict of this one
    was about another season, or died, and says nothing.
    """
    for record in instance.event_log_storage.get_asset_check_execution_history(check, limit=_GATE_RUNS):
        evaluation: object = record.evaluation
        if isinstance(evaluation, dg.AssetCheckEvaluation):
            return evaluation, False
        run = instance.get_run_by_id(record.run_id)
        if run is not None and not run.is_finished:
            return None, True
    return None, False


def admit(
    instance: dg.DagsterInstance, upstreams: Iterable[Upstream], partitions: Sequence[str]
) -> Mapping[str, Measurement]:
    """What each partition's upstreams look like: a measurement with the missing or red ones as violations."""
    required = [upstream for upstream in upstreams if upstream.required]
    verdicts = latest_verdicts(instance, [upstream.summary_check for upstream in required])
    return {p: _measure(instance, required, verdicts, p) for p in partitions}


def admitted(instance: dg.DagsterInstance, upstreams: Iterable[Upstream], partitions: Sequence[str]) -> frozenset[str]:
    """The partitions whose upstreams are all green; the cheap question, without the reasons."""
    required = [upstream for upstream in upstreams if upstream.required]
    verdicts = latest_verdicts(instance, [upstream.summary_check for upstream in required])
    return frozenset(
        p for p in partitions if all(verdicts[u.summary_check].get(n, False) for u in required for n in u.reads(p))
    )


def _measure(
    instance: dg.DagsterInstance,
    upstreams: Sequence[Upstream],
    verdicts: Mapping[dg.AssetCheckKey, Mapping[str, bool]],
    partition: str,
) -> Measurement:
    wanted = [(upstream, needed) for upstream in upstreams for needed in upstream.reads(partition)]
    lacking = [(u, needed) for u, needed in wanted if not verdicts[u.summary_check].get(needed, False)]
    # Upstreams of one date often share one cause: say it once. Each look-up is a query: a sample is enough.
    causes = tuple(dict.fromkeys(_cause(instance, upstream, needed) for upstream, needed in lacking[:SAMPLE_SIZE]))
    return Measurement(len(wanted), len(wanted) - len(lacking), len(lacking), causes)


def _cause(instance: dg.DagsterInstance, upstream: Upstream, partition: str) -> str:
    """Why an upstream partition does not count: the red gate at the root of it, in that gate's words."""
    name = upstream.key.to_user_string()
    check = upstream.summary_check
    records = instance.event_log_storage.get_latest_asset_check_execution_by_key(
        [check], partition_filter=PartitionKeyFilter(key=partition)
    )
    record = records.get(check)
    evaluation: object = record.evaluation if record else None
    # A planned evaluation is that of a run which is under way, or died: nothing is known of it.
    if not isinstance(evaluation, dg.AssetCheckEvaluation):
        repair = f"Repair: backfill run {name} --date {partition}"
        return f"Upstream {name} is not complete for {partition}: not published. {repair}"
    # A verdict that somebody reported by hand has no culprits.
    cause = evaluation.metadata.get(CAUSE)
    return str(cause.value) if cause else f"{name} {partition}: {evaluation.description or 'reported as red by hand'}"
