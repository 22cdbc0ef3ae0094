"""The job that takes a run back, of the migration and of the promotion alike; what is taken back is each one's own."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import dagster as dg

from backfill_pipelines.backfill.busy import ASSET_TAG
from backfill_pipelines.backfill.failures import BackfillError
from backfill_pipelines.receipts.migration_assets import WRITER_POOL


@dataclass(frozen=True)
class RollbackKind:
    """What the rollbacks of one system are made of."""

    job: str
    #: Dagster wants the names of all ops of a code location to differ.
    op: str
    description: str
    asset: dg.AssetKey
    #: Its ``request(asked_by)`` is what ``work`` takes; its ``apply`` says whether anything is written.
    config: type[dg.Config]
    resources: Collection[str]
    #: (resources, request) -> what has ``preview()``, and ``apply(instance, run, log)`` that gives a report.
    work: Callable[[Any, Any], Any]
    #: The report of a preview alone; it has ``is_green``.
    shown: Callable[[Any], Any]
    metadata: Callable[[Any, Any], Mapping[str, Any]]
    lines: Callable[[Any], Sequence[str]]


def rollback_job(kind: RollbackKind, tell: Callable[[Any], None]) -> dg.JobDefinition:
    """The job; ``tell`` is told the report or the error, by a command that runs it."""

    def rollback(context: dg.OpExecutionContext, config: Any) -> None:
        request = config.request(f"run {context.run_id}")
        try:
            work = kind.work(context.resources, request)
            report = work.apply(context.instance, context.run, context.log.info) if config.apply else None
            report = report or kind.shown(work.preview())
        except BackfillError as error:
            tell(error)
            raise dg.Failure(str(error), allow_retries=False) from error
        tell(report)
        metadata = kind.metadata(report, request)
        context.add_output_metadata(metadata)
        if not report.is_green:
            raise dg.Failure("\n".join(kind.lines(report)), metadata=metadata, allow_retries=False)

    # Dagster takes the config's schema from the annotation.
    rollback.__annotations__["config"] = kind.config
    needed = set(kind.resources)
    op = dg.op(name=kind.op, required_resource_keys=needed, out=dg.Out(dg.Nothing), pool=WRITER_POOL)(rollback)

    # Whoever asks who is at work on the asset is told of it.
    @dg.job(name=kind.job, description=kind.description, tags={ASSET_TAG: kind.asset.to_user_string()})
    def job() -> None:
        op()

    return job
