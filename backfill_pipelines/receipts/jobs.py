"""Jobs that a person launches in the UI: decide on a wave, take a run back, repair one record.

What writes to the table does nothing but show until ``apply`` is set.
"""

from collections.abc import Callable
from typing import Any

import dagster as dg
from pydantic import Field

from backfill_pipelines.backfill.failed_runs import step_failure
from backfill_pipelines.backfill.failures import BackfillError
from backfill_pipelines.receipts.decision_records import Choice, Decision, DecisionRefused
from backfill_pipelines.receipts.decisions import decide
from backfill_pipelines.receipts.keys import bucket_of, is_image_id
from backfill_pipelines.receipts.migration_assets import PLACES, build_migration_assets
from backfill_pipelines.receipts.migration_context import ORIGIN_TAG, RESOURCES
from backfill_pipelines.receipts.rollback_job import RollbackKind, rollback_job
from backfill_pipelines.receipts.rollback_report import detail_lines, report_metadata
from backfill_pipelines.receipts.rollback_run import NEEDED, Report, Request, RollbackWork
from backfill_pipelines.receipts.verification import evidence_for, plan_of
from backfill_pipelines.receipts.verification_asset import RESOURCES as VERIFIED
from backfill_pipelines.receipts.verification_asset import stores_of

DECIDE_JOB, ROLLBACK_JOB, REPAIR_JOB = "receipts_decide", "receipts_rollback", "receipts_repair_record"
ROLLBACK_OP = "rollback"

_DECIDE_TEXT = """Record a decision on a wave: proceed lets the next one begin, hold and rollback do not.

It rests on the newest verification of the wave; a red gate cannot be accepted, one that needs more data can, with a
reason. A decision is void once a bucket of the wave was written again or rolled back."""

_ROLLBACK_TEXT = """Take a run of the migration back: delete what it created, restore what it enriched.

Without `apply` it shows what it would do, and the number of stream messages that `accept_stream_events` must repeat.
Records that anybody changed since are kept and listed with their differences."""
_REPAIR_TEXT = """Write the place of one record, by the protocol and the gates of a wave, in a run of its own.

Without `apply` it shows what it would write."""


class DecideConfig(dg.Config):
    """What is decided, and by whom."""

    wave: int = Field(ge=1, le=4, description="The wave that is decided on.")
    decision: str = Field(description="proceed, hold or rollback.")
    who: str = Field(description="Who decides.")
    reason: str = Field(description="Why.")
    accept_need_more_data: str = Field(
        default="", description="Why it is right to proceed although a gate needs more data."
    )
    accept_records: list[str] = Field(
        default=[], description="Records without a place that are accepted by name, IMAGE_ID/RECEIPT_ID."
    )


class RollbackConfig(dg.Config):
    """What is taken back; every default is the safe choice."""

    run_id: str = Field(description="The run of the migration, rp-YYYYMMDD-NNNN.")
    wave: int | None = Field(default=None, description="Only the buckets of this wave.")
    buckets: str = Field(default="", description="Only these buckets, A-B, both ends included.")
    image_id: str = Field(default="", description="Only the records of this image.")
    receipt_id: int | None = Field(default=None, description="Only this receipt of the image.")
    limit: int | None = Field(default=None, ge=1, description="Most records that are taken back; default: all.")
    apply: bool = Field(default=False, description="Write. Without it the run only shows what it would do.")
    accept_stream_events: int | None = Field(
        default=None, ge=0, description="The number of stream messages that the preview has named."
    )
    confirm: str = Field(default="", description="The table's name; needed to write a production table.")
    despite_pause: bool = Field(default=False, description="Write although the places are paused.")

    def request(self, asked_by: str) -> Request:
        """As the rollback wants it."""
        return Request(asked_by=asked_by, **self.model_dump())


class RepairConfig(dg.Config):
    """Which record is repaired."""

    image_id: str = Field(description="The image of the receipt.")
    receipt_id: int = Field(ge=1, description="The receipt of the image.")
    apply: bool = Field(default=False, description="Write. Without it the run only shows what it would write.")
    fetch: bool = Field(default=False, description="Ask the Places API if the answer is not in the cache, on budget.")
    confirm: str = Field(default="", description="The table's name; needed to write a production table.")


def build_decide_job() -> dg.JobDefinition:
    """The job that records a decision on a wave."""

    @dg.op(name="decide", required_resource_keys=set(VERIFIED), out=dg.Out(dg.Nothing))
    def decide_on_wave(context: dg.OpExecutionContext, config: DecideConfig) -> None:
        try:
            made = _decided(context.resources, config)
        except BackfillError as error:
            raise dg.Failure(str(error), allow_retries=False) from error
        lines = [line for result in made.evidence.results for line in result.lines]
        context.add_output_metadata(
            {
                "receipts/plan_id": made.plan_id,
                "receipts/wave": made.step,
                "receipts/decision": str(made.choice),
                "receipts/who": made.who,
                "receipts/expires_at": made.expires_at.isoformat(),
                "receipts/evidence": dg.MetadataValue.md("\n".join(["```", *lines, "```"])),
            }
        )

    @dg.job(name=DECIDE_JOB, description=_DECIDE_TEXT)
    def job() -> None:
        decide_on_wave()

    return job


def _decided(resources: Any, config: DecideConfig) -> Decision:
    """Record the decision.

    Raises:
        DecisionRefused: the evidence or the words forbid it.
    """
    if config.decision not in {str(choice) for choice in Choice}:
        raise DecisionRefused(f"{config.decision!r} is no decision. Repair: {', '.join(Choice)}")
    choice, stores = Choice(config.decision), stores_of(resources)
    plan = plan_of(stores.objects, resources.items.named())
    evidence = evidence_for(stores, plan, config.wave, choice, config.accept_records)
    return decide(
        stores.objects,
        plan,
        evidence,
        choice,
        who=config.who,
        reason=config.reason,
        accept_need_more_data=config.accept_need_more_data,
        accepted_records=config.accept_records,
    )


_ROLLBACK = RollbackKind(
    job=ROLLBACK_JOB,
    op=ROLLBACK_OP,
    description=_ROLLBACK_TEXT,
    asset=PLACES,
    config=RollbackConfig,
    resources=NEEDED,
    work=RollbackWork,
    shown=Report,
    metadata=report_metadata,
    lines=detail_lines,
)


def build_rollback_job(tell: Callable[[Report | BackfillError], None] = lambda _: None) -> dg.JobDefinition:
    """The job that takes a run back; ``tell`` is told what came of it, by a command that runs it."""
    return rollback_job(_ROLLBACK, tell)


def build_repair_job() -> dg.JobDefinition:
    """The job that writes the place of one record."""

    @dg.op(name="repair_record", required_resource_keys=set(RESOURCES), out=dg.Out(dg.Nothing))
    def repair_record(context: dg.OpExecutionContext, config: RepairConfig) -> None:
        if not is_image_id(config.image_id):
            raise dg.Failure(f"{config.image_id!r} is no image id. Repair: give its UUID", allow_retries=False)
        (places,) = [asset for asset in build_migration_assets() if asset.key == PLACES]
        # A run of its own: the UI shows the bucket, its gates and the report where all others of the asset are.
        result = dg.materialize(
            [places],
            instance=context.instance,
            partition_key=bucket_of(config.image_id),
            resources={name: getattr(context.resources, name) for name in sorted(RESOURCES)},
            run_config={"ops": {places.op.name: {"config": config.model_dump()}}},
            tags={ORIGIN_TAG: context.run_id},
            raise_on_error=False,
        )
        context.add_output_metadata({"receipts/dagster_run": result.run_id, "receipts/record": _name(config)})
        if not result.success:
            raise dg.Failure(f"{_name(config)}: {failure_of(result)}", allow_retries=False)

    @dg.job(name=REPAIR_JOB, description=_REPAIR_TEXT)
    def job() -> None:
        repair_record()

    return job


def build_jobs() -> list[dg.JobDefinition]:
    """Every job of the receipts that a person launches."""
    return [build_decide_job(), build_rollback_job(), build_repair_job()]


def _name(config: RepairConfig) -> str:
    return f"{config.image_id}/{config.receipt_id}"


def failure_of(result: dg.ExecuteInProcessResult) -> str:
    """Why the run of the asset failed."""
    if (found := step_failure(result)) is None:
        return f"run {result.run_id} failed before its step began"
    said, data = found
    return said or (data.error.message if data.error else "the step failed")
