"""Verdicts and materialisations in Dagster's event log: writing them for a range, reading the latest of each.

The only module that touches event-log calls which are not public API; each is pinned by a regression test.
"""

import logging
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import uuid4

import dagster as dg
from dagster._core.definitions.asset_checks.asset_check_evaluation import (
    AssetCheckEvaluationTargetMaterializationData,
)
from dagster._core.event_api import PartitionKeyFilter
from dagster._core.events import AssetObservationData, DagsterEvent, DagsterEventBatchMetadata, DagsterEventType
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus

from backfill_pipelines.backfill.failures import StoreError
from backfill_pipelines.backfill.gates import READ_BACK_GATE, Verdict, all_measured, read_back_gate

_EVALUATED = {AssetCheckExecutionRecordStatus.SUCCEEDED, AssetCheckExecutionRecordStatus.FAILED}


def record_verdicts(context: dg.AssetExecutionContext, key: dg.AssetKey, verdicts: Sequence[Verdict]) -> None:
    """One asset check evaluation for every verdict, aimed at its partition's latest materialisation.

    Without the target Dagster takes a verdict as stale and shows the partition as "Missing". The events go as one
    batch, which the batching event storage writes in one transaction.
    """
    _record(context, _said(context.instance, key, verdicts))


def record_evaluations(context: dg.AssetExecutionContext, evaluations: Sequence[dg.AssetCheckEvaluation]) -> None:
    """Evaluations of checks without partitions, as they are."""
    _record(context, [(evaluation, evaluation.description or "") for evaluation in evaluations])


def restate_verdicts(
    context: dg.AssetExecutionContext, checks: Sequence[dg.AssetCheckKey], partitions: Iterable[str]
) -> None:
    """Say again what was last said of partitions that this run has not touched.

    Dagster plans every check of a run, and a check that was planned and not evaluated is no pass: without this a dry
    run would take the green from what it only looked at. A partition that nothing was ever said of stays so.
    """
    storage = context.instance.event_log_storage
    found = [
        record.evaluation
        for partition in partitions
        for check in checks
        for record in storage.get_asset_check_execution_history(
            check, limit=1, status=_EVALUATED, partition_filter=PartitionKeyFilter(key=partition)
        )
    ]
    evaluations = [evaluation for evaluation in found if isinstance(evaluation, dg.AssetCheckEvaluation)]
    _record(context, [(evaluation, "as it was: nothing was changed by this run") for evaluation in evaluations])


def withdraw(run: dg.DagsterRun, instance: dg.DagsterInstance, key: dg.AssetKey, causes: Mapping[str, str]) -> None:
    """Take back that partitions are published: the summary check of each turns red, and downstream refuses it.

    Dagster cannot undo a materialisation; what every admission asks is the latest verdict. ``causes`` say why, by
    partition, and what to do; downstream repeats them. The verdicts are those of a run: of a partition's verdicts
    without a run the event storage takes one, and never a second.

    Raises:
        StoreError: a partition is green still.
    """
    targets = latest_materializations(instance, key, causes)
    verdicts = [
        Verdict(read_back_gate(), partition, all_measured(1, 1, [cause], "withdrawn"))
        for partition, cause in causes.items()
    ]
    events = [(_evaluation(key, one, targets.get(one.partition)), one.text) for one in verdicts]
    _report(run.run_id, instance, DagsterEventType.ASSET_CHECK_EVALUATION, events, run.job_name)
    check = dg.AssetCheckKey(key, READ_BACK_GATE)
    found = latest_verdicts(instance, [check])[check]
    # Read back: whoever withdraws is about to change the data on the strength of it.
    if still_green := sorted(partition for partition in causes if found.get(partition, True)):
        raise StoreError(
            f"{len(still_green)} partitions of {key.to_user_string()} could not be withdrawn, e.g. {still_green[0]}. "
            "Repair: see that the instance's event log can be written, then run again; nothing else was changed"
        )


def report_verdicts(
    instance: dg.DagsterInstance, run_id: str, job_name: str, key: dg.AssetKey, verdicts: Sequence[Verdict]
) -> None:
    """Verdicts in the name of a run that judges partitions without being a run of their asset."""
    _report(run_id, instance, DagsterEventType.ASSET_CHECK_EVALUATION, _said(instance, key, verdicts), job_name)


def observe(run: dg.DagsterRun, instance: dg.DagsterInstance, observations: Sequence[dg.AssetObservation]) -> None:
    """Say something of partitions in the name of a run that does not compute them."""
    events = [(AssetObservationData(one), one.description or "") for one in observations]
    _report(run.run_id, instance, DagsterEventType.ASSET_OBSERVATION, events, run.job_name)


def _report(
    run_id: str,
    instance: dg.DagsterInstance,
    kind: DagsterEventType,
    events: Sequence[tuple[Any, str]],
    job_name: str,
    **common: Any,
) -> None:
    """Events of a run as one batch: what each says, and its message; ``common`` is what they say of their step."""
    if not events:
        return
    first = DagsterEvent(kind.value, job_name, event_specific_data=events[0][0], pid=os.getpid(), **common)
    batch = uuid4().hex
    for position, (data, message) in enumerate(events, start=1):
        event = first._replace(event_specific_data=data, message=message)
        end = DagsterEventBatchMetadata(batch, position == len(events))
        instance.report_dagster_event(event, run_id, logging.DEBUG, batch_metadata=end)


def latest_target(
    instance: dg.DagsterInstance, key: dg.AssetKey
) -> AssetCheckEvaluationTargetMaterializationData | None:
    """The latest materialisation of an asset without partitions, at which a verdict is aimed."""
    records = instance.fetch_materializations(key, limit=1).records
    return _target(records[0]) if records else None


def _target(record: dg.EventLogRecord) -> AssetCheckEvaluationTargetMaterializationData:
    return AssetCheckEvaluationTargetMaterializationData(
        storage_id=record.storage_id, run_id=record.run_id, timestamp=record.timestamp
    )


def _record(context: dg.AssetExecutionContext, evaluations: Sequence[tuple[dg.AssetCheckEvaluation, str]]) -> None:
    """Evaluations in the name of the step, past its logger: a season's verdicts would be a fifth of its run there."""
    step = context.op_execution_context._step_execution_context  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
    _report(
        context.run.run_id,
        context.instance,
        DagsterEventType.ASSET_CHECK_EVALUATION,
        evaluations,
        step.job_name,
        step_handle=step.step.handle,
        node_handle=step.step.node_handle,
        step_kind_value=step.step.kind.value,
        logging_tags=step.event_tags,
    )


def attach_metadata(
    context: dg.AssetExecutionContext, key: dg.AssetKey, metadata: Mapping[str, Mapping[str, Any]]
) -> None:
    """Metadata for the materialisation of each partition of a range run.

    ``add_asset_metadata`` lists the partitions of the range anew for every one of them: a third of a second for a
    season. The partitions here are keys of the run, so the look-up is left out.
    """
    step = context.op_execution_context._step_execution_context  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
    kept = step._metadata_accumulator  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
    for partition, values in metadata.items():
        kept = kept.with_additional_asset_metadata(asset_key=key, metadata=values, partition_key=partition)
    step._metadata_accumulator = kept  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]


def _said(
    instance: dg.DagsterInstance, key: dg.AssetKey, verdicts: Sequence[Verdict]
) -> list[tuple[dg.AssetCheckEvaluation, str]]:
    """Verdicts as evaluations aimed at what is published now, each with its message."""
    targets = latest_materializations(instance, key, {verdict.partition for verdict in verdicts})
    return [
        (
            _evaluation(key, one, targets.get(one.partition)),
            one.text if not one.passed else f"{one.gate.name} is green for {one.partition}",
        )
        for one in verdicts
    ]


def _evaluation(key: dg.AssetKey, verdict: Verdict, target: Any) -> dg.AssetCheckEvaluation:
    return dg.AssetCheckEvaluation(
        asset_key=key,
        check_name=verdict.gate.name,
        passed=verdict.passed,
        metadata=verdict.metadata,
        description=None if verdict.passed else verdict.text,
        partition=verdict.partition,
        blocking=verdict.gate.blocking,
        severity=dg.AssetCheckSeverity.ERROR if verdict.gate.blocking else dg.AssetCheckSeverity.WARN,
        target_materialization_data=target,
    )


def latest_materializations(
    instance: dg.DagsterInstance, key: dg.AssetKey, partitions: Iterable[str]
) -> Mapping[str, AssetCheckEvaluationTargetMaterializationData]:
    """The latest materialisation of each partition that has one, from one query a thousand records."""
    wanted, found = set(partitions), dict[str, AssetCheckEvaluationTargetMaterializationData]()
    cursor: str | None = None
    while wanted - found.keys():
        page = instance.fetch_materializations(
            dg.AssetRecordsFilter(asset_key=key, asset_partitions=sorted(wanted - found.keys())),
            limit=1000,
            cursor=cursor,
        )
        for record in page.records:
            found.setdefault(str(record.partition_key), _target(record))
        if not page.has_more:
            break
        cursor = page.cursor
    return found


def latest_verdict(instance: dg.DagsterInstance, check: dg.AssetCheckKey, partition: str) -> bool | None:
    """Whether the latest evaluation of a check passed for a partition; None if there never was one."""
    return latest_verdicts(instance, [check])[check].get(partition)


def not_passed(instance: dg.DagsterInstance, checks: Sequence[dg.AssetCheckKey]) -> list[str]:
    """Names of checks without partitions whose latest run did not pass; one that was never run is not named."""
    latest = instance.event_log_storage.get_latest_asset_check_execution_by_key(list(checks))
    evaluations = {key: record.evaluation for key, record in latest.items()}
    return sorted(
        key.name
        for key, evaluation in evaluations.items()
        if not (isinstance(evaluation, dg.AssetCheckEvaluation) and evaluation.passed)
    )


def latest_verdicts(
    instance: dg.DagsterInstance, checks: Sequence[dg.AssetCheckKey]
) -> Mapping[dg.AssetCheckKey, Mapping[str, bool]]:
    """The latest verdict of every partition of the checks, from one query a check.

    An evaluation that was planned and never finished, because its run is under way or died, is no pass.
    """
    found: dict[dg.AssetCheckKey, dict[str, bool]] = {check: {} for check in checks}
    if not checks:
        return found
    for info in instance.event_log_storage.get_asset_check_partition_info(list(checks)):
        if info.partition_key is not None:
            passed = info.latest_execution_status == AssetCheckExecutionRecordStatus.SUCCEEDED
            found[info.check_key][info.partition_key] = passed
    return found
