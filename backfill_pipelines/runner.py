"""Range runs from the command line: the same assets, gates and event log as a backfill launched in the UI.

Each asset of each chunk is a Dagster run of its own, in this process, on the persistent instance, so that the UI
shows it afterwards. Nothing is printed here; ``cli`` shows the progress.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import dagster as dg
import yaml
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG
from dagster_shared.error import SerializableErrorInfo

from backfill_pipelines.backfill.busy import ASSET_TAG, PROCESS_TAG, end_dead_runs, this_process
from backfill_pipelines.backfill.event_storage import enable_event_batches
from backfill_pipelines.backfill.failed_runs import step_failure
from backfill_pipelines.backfill.failures import BackfillError
from backfill_pipelines.backfill.gaps import consecutive
from backfill_pipelines.backfill.garbage import rare_collections
from backfill_pipelines.backfill.interrupts import INTERRUPTED
from backfill_pipelines.backfill.pausing import pause_of
from backfill_pipelines.backfill.run_mode import CLI_TAG
from backfill_pipelines.settings import PROJECT_ROOT, Settings

#: Dagster prints every event of an in-process run; the event log has them all the same.
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}

#: What Dagster wraps the error of a step in.
_WRAPPERS = frozenset({"RetryRequestedFromPolicy", "DagsterExecutionStepExecutionError"})


@dataclass(frozen=True)
class ChunkResult:
    """One run: asset, first and last partition, and the failure text when it was not all green."""

    asset: str
    first: str
    last: str
    size: int
    failure: str = ""


def prepare_home(settings: Settings) -> str:
    """Write the instance's dagster.yaml below the state folder, with absolute paths; returns DAGSTER_HOME."""
    home = settings.dagster_home.resolve()
    home.mkdir(parents=True, exist_ok=True)
    text = (PROJECT_ROOT / "dagster.yaml").read_text("utf-8")
    text = text.replace(".state/", f"{settings.state_dir.resolve()}/")
    yaml.safe_load(text)
    target = home / "dagster.yaml"
    if not target.exists() or target.read_text("utf-8") != text:
        target.write_text(text, "utf-8")
    return str(home)


@contextmanager
def open_instance(settings: Settings) -> Iterator[dg.DagsterInstance]:
    """The persistent instance of the deployment; runs of commands that were killed are no longer under way in it."""
    enable_event_batches()
    with dg.DagsterInstance.from_config(prepare_home(settings)) as instance:
        end_dead_runs(instance)
        yield instance


def run_asset(
    asset: dg.AssetsDefinition,
    partitions: Sequence[str],
    *,
    instance: dg.DagsterInstance,
    resources: Mapping[str, Any],
    config: Mapping[str, Any] | None = None,
    tags: Mapping[str, str] | None = None,
    longest: int | None = None,
    started: Callable[[str, str, str], None] = lambda *_: None,
) -> Iterator[ChunkResult]:
    """Run an asset over partitions, joined into ranges of neighbours.

    A range is no longer than the asset's backfill policy allows, or than ``longest``, which overrides it. One that was
    interrupted is the last.

    Raises:
        BackfillError: the asset has no partitions, or is paused.
    """
    definition = asset.partitions_def
    policy = asset.backfill_policy
    if definition is None or policy is None:
        raise BackfillError(f"{asset.key.to_user_string()} has no partitions to run")
    most = longest or policy.max_partitions_per_run or len(partitions)
    for keys in consecutive(partitions, definition.get_partition_keys(), most):
        paused = pause_of(instance, asset.key)
        if paused:
            raise BackfillError(f"stopped before {asset.key.to_user_string()} {keys[0]} to {keys[-1]}: {paused.text}")
        started(asset.key.to_user_string(), keys[0], keys[-1])
        chunk = _run_range(asset, keys, instance, resources, config or {}, tags or {})
        yield chunk
        if chunk.failure.startswith(INTERRUPTED):
            return


def run_unpartitioned(
    asset: dg.AssetsDefinition,
    *,
    instance: dg.DagsterInstance,
    resources: Mapping[str, Any],
    config: Mapping[str, Any] | None = None,
) -> dg.ExecuteInProcessResult:
    """Run an asset without partitions; a failure is in the result."""
    return _materialize(asset, instance, resources, {}, config or {})


def _materialize(
    asset: dg.AssetsDefinition,
    instance: dg.DagsterInstance,
    resources: Mapping[str, Any],
    tags: Mapping[str, str],
    config: Mapping[str, Any],
) -> dg.ExecuteInProcessResult:
    with rare_collections():
        return dg.materialize(
            [asset],
            instance=instance,
            resources=dict(resources),
            tags={**_command_line_tags(asset), **tags},
            run_config={**QUIET, "ops": {asset.op.name: {"config": dict(config)}}},
            raise_on_error=False,
        )


def _run_range(
    asset: dg.AssetsDefinition,
    keys: Sequence[str],
    instance: dg.DagsterInstance,
    resources: Mapping[str, Any],
    config: Mapping[str, Any],
    tags: Mapping[str, str],
) -> ChunkResult:
    result = _materialize(
        asset,
        instance,
        resources,
        {ASSET_PARTITION_RANGE_START_TAG: keys[0], ASSET_PARTITION_RANGE_END_TAG: keys[-1], **tags},
        config,
    )
    failure = "" if result.success else failure_text(result)
    return ChunkResult(asset.key.to_user_string(), keys[0], keys[-1], len(keys), failure)


def run_job(
    settings: Settings,
    build: Callable[[Callable[[Any], None]], dg.JobDefinition],
    ops: Mapping[str, Any],
    *,
    resources: Mapping[str, Any],
    what: str,
    again: str = "run the same command again",
    tags: Mapping[str, str] | None = None,
) -> Any:
    """Run a job of the UI in this process, so that it stands in the history of runs; what it told its caller.

    ``what`` and ``again`` say what did not end, and the repair, when it told nothing.

    Raises:
        BackfillError: what it was refused or stopped with, or that it told nothing.
    """
    told: list[Any] = []
    with open_instance(settings) as instance:
        result = build(told.append).execute_in_process(
            run_config={**QUIET, **({"ops": dict(ops)} if ops else {})},
            instance=instance,
            resources=dict(resources),
            tags={CLI_TAG: "true", PROCESS_TAG: this_process(), **(tags or {})},
            raise_on_error=False,
        )
    match told:
        case [BackfillError() as error]:
            raise error
        case [report]:
            return report
    raise BackfillError(f"{what} did not end: {failure_text(result)}. Repair: {again}")


def _command_line_tags(asset: dg.AssetsDefinition) -> dict[str, str]:
    return {CLI_TAG: "true", ASSET_TAG: asset.key.to_user_string(), PROCESS_TAG: this_process()}


def failure_text(result: dg.ExecuteInProcessResult) -> str:
    """The description of the failure that ended a run, or what crashed."""
    if (found := step_failure(result)) is None:
        return "the run failed before its step began"
    said, data = found
    return said or (_crash_text(data.error, result.run_id) if data.error else "the step failed")


def _crash_text(error: SerializableErrorInfo, run_id: str) -> str:
    """What went wrong, below what Dagster and clients wrap it in; its stack trace is in the events of the run."""
    chain = list(_chain(error))
    ours = (one for one in chain if one.message.startswith(f"{__package__}."))
    error = next(ours, None) or next((one for one in chain if one.cls_name not in _WRAPPERS), chain[-1])
    _, _, said = error.message.strip().partition(": ")
    text = f"{error.cls_name}: {said or error.message.strip()}"
    if "Repair:" in text:
        return text
    return f"{text}\nRepair: mend the cause, then give the command again; run {run_id} in the UI has the stack trace"


def _chain(error: SerializableErrorInfo) -> Iterator[SerializableErrorInfo]:
    found: SerializableErrorInfo | None = error
    while found is not None:
        yield found
        found = found.cause
