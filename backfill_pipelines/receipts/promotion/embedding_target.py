"""A range of buckets of the target table whose copied images are embedded: admitted, drained, measured, recorded.

The workflows take all that waits in the table, so that a range is one turn of them; each bucket is judged by its own
images. A bucket that is not promoted to its end is worked on and stays open, unless it is stuck.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, cast

import dagster as dg

from backfill_pipelines.backfill.admission import Admission, Upstream, admitted
from backfill_pipelines.backfill.failures import SettingsError
from backfill_pipelines.backfill.gates import Gate, Measurement, all_measured
from backfill_pipelines.backfill.outcome import Decision, RangeOutcome, StagedPartition, State
from backfill_pipelines.receipts.items import digest_of
from backfill_pipelines.receipts.migration_context import origin_of, writer_lease
from backfill_pipelines.receipts.promotion.begun_images import begun_images, begun_text
from backfill_pipelines.receipts.promotion.copied_images import CopiedImage, copied_images, missing_places
from backfill_pipelines.receipts.promotion.embedding import Backlog, Drained, backlog_of, drain, statuses_of
from backfill_pipelines.receipts.promotion.embedding_config import EmbedConfig
from backfill_pipelines.receipts.promotion.embedding_report import (
    NAMED,
    EmbeddingReport,
    counts,
    report_lines,
    save_embedding_report,
)
from backfill_pipelines.receipts.promotion.embedding_samples import Left, samples_text
from backfill_pipelines.receipts.promotion.embedding_settings import EmbeddingSettings
from backfill_pipelines.receipts.promotion.embedding_workflows import KINDS, Workflows
from backfill_pipelines.receipts.promotion.promotion_assets import PROMOTED_IMAGES
from backfill_pipelines.receipts.promotion.promotion_context import target_of
from backfill_pipelines.stores.control import ControlStore
from backfill_pipelines.stores.items import ItemStore
from backfill_pipelines.stores.leases import LeaseLost, LeaseTaken
from backfill_pipelines.stores.objects import ObjectStore
from backfill_pipelines.stores.step_functions import MachineMissing, StateMachines, WorkflowsDenied

DRAINED = Gate(
    "embedding_drained",
    "No line or word of the bucket's images waits for its embedding, noise left out, and none has failed to embed.",
    "Read the execution that is named in Step Functions, mend what it failed of, then: backfill promote embed --apply",
)
ACCOUNTED = Gate(
    "embedding_accounted",
    "Every line and word that was written is found in the index under some status: none is invisible to the workflows.",
    "Rows without an index key are never embedded: backfill promote verify names them.",
)
GATES: Sequence[Gate] = (DRAINED, ACCOUNTED)
_ACCOUNT_TRIES = 3


@dataclass
class EmbeddingTarget:
    """The buckets of one Dagster run; implements the kernel's ``RangeTarget``."""

    items: ItemStore
    table: str
    objects: ObjectStore
    control: ControlStore
    settings: EmbeddingSettings
    machines: Callable[[], StateMachines]
    config: EmbedConfig
    origin: str
    dagster_run_id: str
    #: Buckets whose promotion is published and green.
    promoted: frozenset[str] = frozenset()
    log: Callable[[str], None] = lambda _: None
    require_held: Callable[[], None] = lambda: None
    #: Shows what a dry run has found; it materialises nothing that could carry it.
    observe: Callable[[Mapping[str, Any]], None] = lambda _: None
    images: Sequence[CopiedImage] = ()
    buckets: Sequence[str] = ()
    before: Backlog = field(default_factory=lambda: Backlog(Left(), {}))
    drained: Drained | None = None
    #: What a dry run says of the workflows.
    would: Sequence[str] = ()
    _began: datetime = field(default_factory=lambda: datetime.now(UTC))

    def stage(self, partitions: Sequence[str]) -> Mapping[str, StagedPartition]:
        """Let the workflows embed the buckets' images, or say what would be started."""
        self.buckets = list(partitions)
        self.images = copied_images(self.control, self.table, buckets=partitions, run_id=self.config.run_id)
        ids = [image.image_id for image in self.images]
        self.before = backlog_of(self.items, ids)
        workflows = self._workflows(partitions[0])
        if self.config.apply:
            self.drained = drain(self.items, ids, workflows)
            self.log(self.drained.text)
        else:
            self.would = [text for kind in KINDS if (text := self._would(workflows, kind))]
        return {p: self._staged(p) for p in partitions}

    def measure(self, gate: Gate, partitions: Sequence[str]) -> Mapping[str, Measurement]:
        """One gate on each bucket."""
        of_gate = {DRAINED.name: self._drained, ACCOUNTED.name: self._accounted}[gate.name]
        return {p: of_gate(p) if self._of(p) else _nothing_to_measure() for p in partitions}

    def publish(self, partitions: Sequence[str], *, force: bool) -> Mapping[str, Decision]:  # noqa: ARG002
        """Nothing is left to do: what is green was embedded, by this run or before."""
        waited = {image.bucket for image in self.images if image.image_id in self.before.images}
        return {p: Decision.PUBLISHED if p in waited else Decision.ALREADY_DONE for p in partitions}

    def record(self, outcome: RangeOutcome) -> None:  # noqa: ARG002
        """Keep the report of the run; one that was refused has done nothing, and has none."""
        if self.config.apply and self.drained is None:
            return
        report = self.report
        save_embedding_report(self.objects, report)
        self.log("\n".join(report_lines(report)))
        if report.dry_run:
            self.observe(self.run_metadata())

    def run_metadata(self) -> Mapping[str, Any]:
        """The report, as the command line prints it."""
        text = "\n".join(report_lines(self.report))
        return {"promotion/embedding": dg.MetadataValue.md(f"```\n{text}\n```"), "promotion/run": self.run_id}

    @property
    def run_id(self) -> str:
        """The promotion that executions are named after: the one that was asked for, or the newest."""
        return self.config.run_id or max((image.run_id for image in self.images), default="none")

    @property
    def report(self) -> EmbeddingReport:
        """What the run did, or would do."""
        done = self.drained
        left = {} if done is None else done.images
        return EmbeddingReport(
            origin=self.origin,
            dagster_run_id=self.dagster_run_id,
            run_id=self.run_id,
            table=self.table,
            buckets=tuple(self.buckets),
            dry_run=not self.config.apply,
            images=len(self.images),
            embedding_rows=sum(image.embedding_rows for image in self.images),
            places=sum(len(image.places) for image in self.images),
            before=counts(self.before.of_run),
            overall_before=counts(self.before.overall),
            after=counts(sum(left.values(), Left())),
            overall_after=counts(done.overall) if done else {},
            executions=[one.text for one in done.executions] if done else self.would,
            samples=[samples_text([sample]) for sample in done.samples] if done else (),
            verdict=str(done.verdict) if done else "",
            cause=done.cause if done else "",
            left=[f"{name}: {one.waiting:,} NONE, {one.failed:,} FAILED" for name, one in left.items()][:NAMED],
            missing_places=self._missing,
            begun="" if self.config.apply else begun_text(self.table, begun_images(self.control, self.table)),
            seconds=(datetime.now(UTC) - self._began).total_seconds(),
        )

    @cached_property
    def _missing(self) -> list[str]:
        if self.config.apply:
            return []
        return [f"{image.image_id} {sk}" for image, sk in missing_places(self.items, self.images)][:NAMED]

    def _workflows(self, chunk: str) -> Workflows:
        arns = self.settings.arns(self.table)
        patience = self.settings.patience()
        return Workflows(self.machines(), arns, self.run_id, chunk, patience, self.log, self.require_held)

    def _would(self, workflows: Workflows, kind: str) -> str:
        """What a dry run says of a workflow."""
        waiting = self.before.of_run.of_kind(kind)
        if not waiting:
            return f"{kind} workflow: nothing waits"
        if running := workflows.machines.running(workflows.arns[kind]):
            return f"{kind} workflow: {running[0].text} would be waited for, {waiting:,} {kind}s are left"
        return f"{kind} workflow: would be started in {workflows.arns[kind]}, {waiting:,} {kind}s are left"

    def _of(self, bucket: str) -> list[CopiedImage]:
        return [image for image in self.images if image.bucket == bucket]

    def _left(self, bucket: str) -> Mapping[str, Left]:
        left = self.drained.images if self.drained else self.before.images
        return {image.image_id: left[image.image_id] for image in self._of(bucket) if image.image_id in left}

    def _staged(self, bucket: str) -> StagedPartition:
        images, left = self._of(bucket), self._left(bucket)
        kind, reason = State.COMPLETE, ""
        if not images:
            kind, reason = State.EXPECTED_EMPTY, "no_images"
        elif left:
            kind, reason = State.PARTIAL, f"{len(left)} of {len(images)} images are not embedded to the end"
        elif bucket not in self.promoted:
            kind, reason = State.PARTIAL, "the bucket is not promoted to its end"
        rows = sum(image.embedding_rows for image in images)
        return StagedPartition(
            partition=bucket,
            state=kind,
            rows=rows - sum(one.total for one in left.values()),
            digest=digest_of(sorted((image.image_id, image.embedding_rows) for image in images)),
            reason=reason,
            rows_expected=rows,
            is_open=not self.config.apply or (not left and (bool(self.config.run_id) or bucket not in self.promoted)),
            metadata={
                "promotion/run": self.run_id,
                "promotion/images": len(images),
                "promotion/waiting_before": sum(self.before.images.get(i.image_id, Left()).total for i in images),
            },
        )

    def _drained(self, bucket: str) -> Measurement:
        left, done = self._left(bucket), self.drained
        rows = sum(image.embedding_rows for image in self._of(bucket))
        said = [f"{name}: {one.waiting:,} NONE, {one.failed:,} FAILED" for name, one in left.items()]
        if left and done is not None:
            said.insert(0, done.text)
        waiting = sum(one.total for one in left.values())
        return all_measured(waiting, max(rows, waiting), said, done.text if done else "")

    def _accounted(self, bucket: str) -> Measurement:
        images, patience = self._of(bucket), self.settings.patience()
        found, lost = self._lost(images)
        for _ in range(_ACCOUNT_TRIES - 1):
            if not lost:
                break
            patience.until_next_poll()  # the index follows the table
            found, lost = self._lost(images)
        said = [f"{name}: {count:,} lines and words are in no status of the index" for name, count in lost.items()]
        note = ", ".join(f"{count:,} {status}" for status, count in found.items())
        return all_measured(sum(lost.values()), sum(image.embedding_rows for image in images), said, note)

    def _lost(self, images: Sequence[CopiedImage]) -> tuple[Mapping[str, int], Mapping[str, int]]:
        """Lines and words by status, and how many of each image are in none."""
        found = statuses_of(self.items, [image.image_id for image in images])
        lost = {i.image_id: i.embedding_rows - sum(found[i.image_id].values()) for i in images}
        total = Counter[str]()
        for one in found.values():
            total.update(one)
        return total, {name: count for name, count in lost.items() if count > 0}


def _nothing_to_measure() -> Measurement:
    return Measurement(0, 0, 0, (), "not applicable: no image of this bucket was copied")


@contextmanager
def open_embedding_target(context: dg.AssetExecutionContext, admission: Admission) -> Iterator[EmbeddingTarget]:
    """The target of a run, under the writer lease when it starts workflows: nothing is copied beside an embedding.

    A machine that is not there or not ours to start, and another writer, end it for good.
    """
    config = cast("EmbedConfig", admission.config)
    try:
        target = _target(context, config)
        if not (config.apply and admission.partitions):
            yield target
            return
        holder, purpose = f"the embedding of {target.table}", f"Dagster run {target.dagster_run_id}"
        with writer_lease(target.control, target.table, holder, purpose) as lease:
            target.require_held = lease.require_held
            # Once more: somebody may have written, and been killed, since the admission looked.
            if why := begun_text(target.table, begun_images(target.control, target.table)):
                raise SettingsError(why)
            yield target
    except (SettingsError, MachineMissing, WorkflowsDenied, LeaseTaken, LeaseLost) as error:
        raise dg.Failure(description=str(error), allow_retries=False) from error


def _target(context: dg.AssetExecutionContext, config: EmbedConfig) -> EmbeddingTarget:
    resources: Any = context.resources
    table, partitions = target_of(resources.promotion, resources.items), list(context.partition_keys)
    return EmbeddingTarget(
        items=resources.items.store(table),
        table=table,
        objects=resources.objects,
        control=resources.control,
        settings=resources.embedding,
        machines=resources.step_functions.machines,
        config=config,
        origin=origin_of(context.run.run_id, context.run.tags),
        dagster_run_id=context.run.run_id,
        promoted=admitted(context.instance, [Upstream(PROMOTED_IMAGES)], partitions),
        log=context.log.info,
        observe=lambda shown: context.log_event(dg.AssetObservation(["promotion", "embeddings"], metadata=dict(shown))),
        buckets=partitions,
    )
