"""Jobs of the promotion that a person launches in the UI: take a run back, repair one image.

What writes to the table does nothing but show until ``apply`` is set.
"""

from collections.abc import Callable

import dagster as dg
from pydantic import Field

from backfill_pipelines.backfill.failures import BackfillError
from backfill_pipelines.receipts.jobs import failure_of
from backfill_pipelines.receipts.keys import bucket_of, is_image_id
from backfill_pipelines.receipts.migration_context import ORIGIN_TAG
from backfill_pipelines.receipts.promotion.promotion_assets import PROMOTED_IMAGES, build_promoted_images
from backfill_pipelines.receipts.promotion.rollback_report import detail_lines, report_metadata
from backfill_pipelines.receipts.promotion.rollback_run import NEEDED, Report, Request, RollbackWork
from backfill_pipelines.receipts.rollback_job import RollbackKind, rollback_job

ROLLBACK_JOB, REPAIR_JOB = "promotion_rollback", "promotion_repair_image"
ROLLBACK_OP = "roll_promotion_back"

_ROLLBACK_TEXT = """Take a run of the promotion back: delete the images it created, restore those it replaced.

Without `apply` it shows what it would do, and the number of stream messages that `accept_stream_events` must repeat.
An image of which anything was changed or embedded since keeps all its items, and is listed with the differences."""
_REPAIR_TEXT = """Copy one image, by the protocol and the gates of all others, in a run of its own.

Also one that a killed run has left half copied. The plan must be in force.

Without `apply` it shows what it would write."""


class RollbackConfig(dg.Config):
    """What is taken back; every default is the safe choice."""

    run_id: str = Field(description="The run of the promotion, pr-YYYYMMDD-NNNN.")
    buckets: str = Field(default="", description="Only these buckets, A-B, both ends included.")
    image_ids: list[str] = Field(default=[], description="Only these images.")
    limit: int | None = Field(default=None, ge=1, description="Most images that are taken back; default: all.")
    include_embedded: bool = Field(
        default=False, description="Take lines and words back although they were embedded: their vectors stay behind."
    )
    apply: bool = Field(default=False, description="Write. Without it the run only shows what it would do.")
    accept_stream_events: int | None = Field(
        default=None, ge=0, description="The number of stream messages that the preview has named."
    )
    confirm: str = Field(default="", description="The table's name; needed to write a production table.")
    despite_pause: bool = Field(default=False, description="Write although the images are paused.")

    def request(self, asked_by: str) -> Request:
        """As the rollback wants it."""
        return Request(asked_by=asked_by, **self.model_dump())


class RepairConfig(dg.Config):
    """Which image is repaired."""

    image_id: str = Field(description="The image.")
    apply: bool = Field(default=False, description="Write. Without it the run only shows what it would write.")
    confirm: str = Field(default="", description="The target's name; needed to write a production table.")
    fingerprint: str = Field(default="", description="Of the reviewed plan; needed to write a production table.")


_ROLLBACK = RollbackKind(
    job=ROLLBACK_JOB,
    op=ROLLBACK_OP,
    description=_ROLLBACK_TEXT,
    asset=PROMOTED_IMAGES,
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
    """The job that copies one image."""
    images = build_promoted_images()
    needed = set(images.required_resource_keys)

    @dg.op(name="repair_image", required_resource_keys=needed, out=dg.Out(dg.Nothing))
    def repair_image(context: dg.OpExecutionContext, config: RepairConfig) -> None:
        if not is_image_id(config.image_id):
            raise dg.Failure(f"{config.image_id!r} is no image id. Repair: give its UUID", allow_retries=False)
        said = {"image_ids": [config.image_id], **config.model_dump(exclude={"image_id"})}
        # A run of its own: the UI shows the bucket, its gates and the report where all others of the asset are.
        result = dg.materialize(
            [images],
            instance=context.instance,
            partition_key=bucket_of(config.image_id),
            resources={name: getattr(context.resources, name) for name in sorted(needed) if name != "io_manager"},
            run_config={"ops": {images.op.name: {"config": said}}},
            tags={ORIGIN_TAG: context.run_id},
            raise_on_error=False,
        )
        context.add_output_metadata({"promotion/dagster_run": result.run_id, "promotion/image": config.image_id})
        if not result.success:
            raise dg.Failure(f"{config.image_id}: {failure_of(result)}", allow_retries=False)

    @dg.job(name=REPAIR_JOB, description=_REPAIR_TEXT)
    def job() -> None:
        repair_image()

    return job


def build_promotion_jobs() -> list[dg.JobDefinition]:
    """Every job of the promotion that a person launches."""
    return [build_rollback_job(), build_repair_job()]
