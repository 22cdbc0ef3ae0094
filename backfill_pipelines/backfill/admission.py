"""Admission: a partition is computed only when every upstream partition it reads is published and green.

A launched backfill never reaches a date whose parent failed; a person who materialises one by hand, a sensor, or a
retry would. So every gated asset asks here first. The answer is per partition: good neighbours go on.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import dagster as dg
from dagster._core.event_api import PartitionKeyFilter

from backfill_pipelines.backfill.gates import CAUSE, READ_BACK_GATE, SAMPLE_SIZE, Measurement
from backfill_pipelines.backfill.verdicts import latest_verdicts


def same_partition(partition: str) -> Sequence[str]:
    """The window of an upstream that is read at the same partition only."""
    return (partition,)


@dataclass(frozen=True)
class Upstream:
    """An upstream gated asset and which of its partitions one partition reads.

    ``required`` is False for an optional input: it orders the work, but its absence is no obstacle.
    """

    key: dg.AssetKey
    reads: Callable[[str], Sequence[str]] = same_partition
    required: bool = True

    @property
    def summary_check(self) -> dg.AssetCheckKey:
        """The one check that is green exactly when the latest run of a partition published it."""
        return dg.AssetCheckKey(self.key, READ_BACK_GATE)


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
        return f"{name} {partition} is not published. Repair: backfill run {name} --date {partition}"
    # A verdict that somebody reported by hand has no culprits.
    cause = evaluation.metadata.get(CAUSE)
    return str(cause.value) if cause else f"{name} {partition}: {evaluation.description or 'reported as red by hand'}"
