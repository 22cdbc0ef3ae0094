"""A rollback of a promotion from its options to its report: the command and the job are thin over it.

A dry run unless ``apply`` is set. Applying withdraws the buckets before the first write, so that nothing downstream
ever takes a half undone bucket for complete, whenever it is killed.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import dagster as dg

from backfill_pipelines.backfill.busy import busy_with
from backfill_pipelines.backfill.failures import BackfillError
from backfill_pipelines.backfill.gates import READ_BACK_GATE
from backfill_pipelines.backfill.verdicts import latest_verdicts, observe, withdraw
from backfill_pipelines.receipts.gate_results import GateResult
from backfill_pipelines.receipts.items import Item
from backfill_pipelines.receipts.keys import bucket_of
from backfill_pipelines.receipts.migration_context import writer_lease
from backfill_pipelines.receipts.promotion.export_manifest import ImageRow, read_manifest, read_rows
from backfill_pipelines.receipts.promotion.image_source import build_source
from backfill_pipelines.receipts.promotion.image_undoing import ImageUndoer
from backfill_pipelines.receipts.promotion.planned_image import PlannedImage
from backfill_pipelines.receipts.promotion.promotion_context import target_of
from backfill_pipelines.receipts.promotion.promotion_ledger import PromotionLedger
from backfill_pipelines.receipts.promotion.promotion_plans import latest_plan
from backfill_pipelines.receipts.promotion.promotion_settings import PromotionSettings
from backfill_pipelines.receipts.promotion.rollback_gates import judge_rollback
from backfill_pipelines.receipts.promotion.rollback_ledger import ROLLED_BACK, RollbackLedger, Undone
from backfill_pipelines.receipts.promotion.rollback_preview import (
    ImageLooker,
    Preview,
    Scope,
    candidates,
    look,
    refused_unless_known,
    scope_of,
)
from backfill_pipelines.receipts.promotion.stage_writing import StageWriter
from backfill_pipelines.receipts.put_records import pacer_for
from backfill_pipelines.receipts.rollback_run import require_confirmed, require_no_pause
from backfill_pipelines.receipts.rollback_scope import RollbackRefused, RollbackStopped
from backfill_pipelines.receipts.write_rate import share_to_begin_with
from backfill_pipelines.stores.control import ControlStore
from backfill_pipelines.stores.dynamodb import DynamoItemStore
from backfill_pipelines.stores.dynamodb_tables import TableState
from backfill_pipelines.stores.item_errors import ItemStoreError
from backfill_pipelines.stores.objects import ObjectStore

PROMOTED_IMAGES = dg.AssetKey(["promotion", "promoted_images"])
EMBEDDINGS = dg.AssetKey(["promotion", "embeddings"])
#: Metadata of the observation that says of a bucket in the UI that it was rolled back.
STATE = "promotion/state"
NEEDED = frozenset({"items", "objects", "control", "exports", "promotion"})


@dataclass(frozen=True)
class Request:
    """What was asked for; every default is the safe choice."""

    run_id: str
    buckets: str = ""
    image_ids: Sequence[str] = ()
    limit: int | None = None
    include_embedded: bool = False
    apply: bool = False
    accept_stream_events: int | None = None
    confirm: str = ""
    #: A pause stops a rollback as it stops all work, unless the person who paused means to roll back meanwhile.
    despite_pause: bool = False
    asked_by: str = ""

    @property
    def command(self) -> str:
        """The command that asks for the same images, without what applying adds."""
        options = [f" --buckets {self.buckets}"] if self.buckets else []
        options += [f" --image {one}" for one in self.image_ids]
        options += [f" --limit {self.limit}"] if self.limit is not None else []
        options += [" --include-embedded"] if self.include_embedded else []
        return f"backfill promote rollback {self.run_id}{''.join(options)}"


@dataclass(frozen=True)
class Report:
    """What came of it; a preview has neither ``undone`` nor gates."""

    preview: Preview
    undone: Mapping[str, Undone] | None = None
    gates: Sequence[GateResult] = field(default_factory=tuple[GateResult, ...])
    seconds: float = 0.0

    @property
    def is_green(self) -> bool:
        """Nothing is red."""
        return all(gate.passed for gate in self.gates)


class RollbackWork:
    """The stores and the scope of one rollback."""

    def __init__(self, resources: Any, request: Request) -> None:
        """Find the run.

        Raises:
            RollbackRefused: there is no such run, or the scope makes no sense.
        """
        self.request = request
        self.settings: PromotionSettings = resources.promotion
        self.table = target_of(self.settings, resources.items)
        self.objects: ObjectStore = resources.objects
        self._control: ControlStore = resources.control
        self._resources = resources
        self.ledger = PromotionLedger(self._control, self.table)
        refused_unless_known(self.ledger, request.run_id)
        self.rollbacks = RollbackLedger(self._control, self.table, request.run_id, request.asked_by)
        self.scope: Scope = scope_of(request.run_id, buckets=request.buckets, image_ids=request.image_ids)

    def preview(self) -> Preview:
        """What applying it would do; reads the table, writes nothing."""
        return look(
            self._looker,
            self.rollbacks,
            self.scope,
            after_images=self._written,
            limit=self.request.limit,
            workers=self.settings.workers,
        )

    def apply(
        self, instance: dg.DagsterInstance, run: dg.DagsterRun, log: Callable[[str], None] = lambda _: None
    ) -> Report:
        """Take the images back and prove it; ``run`` is the Dagster run in whose name.

        Raises:
            RollbackRefused: a run is under way, the images are paused, or the number of stream messages was not
                accepted. Paused meanwhile, it ends before the next stage, and the same command goes on.
            LeaseTaken: somebody else writes into the table.
        """
        state: TableState = self._resources.items.as_table(self.table).describe()
        names = self.settings.production_names(self.table)
        require_confirmed(names, self.table, state.arn, self.request.confirm, self.request.command)
        self._require_no_pause(instance)
        if busy := busy_with(instance, [PROMOTED_IMAGES], run):
            raise RollbackRefused(
                f"a run copies images: {busy}. Repair: wait until it ends, or cancel it, then run again"
            )
        holder = self.request.asked_by or "backfill promote rollback"
        with writer_lease(self._control, self.table, holder, f"rollback of {self.request.run_id}") as lease:
            preview = self.preview()
            preview.require_accepted(self.request.accept_stream_events)
            self._withdraw(instance, run, preview)
            log(f"{len(preview.to_write):,} images, {preview.messages:,} stream messages")

            def require_allowed() -> None:
                lease.require_held()
                self._require_no_pause(instance)

            report = self._undo(preview, state, require_allowed, log)
        self._observe(instance, run, report)
        return report

    @cached_property
    def _looker(self) -> ImageLooker:
        items: DynamoItemStore = self._resources.items.store(self.table)
        return ImageLooker(items, self.objects, self.ledger, self.request.run_id, self.request.include_embedded)

    def _undo(
        self, preview: Preview, state: TableState, require_allowed: Callable[[], None], log: Callable[[str], None]
    ) -> Report:
        began, items = time.monotonic(), self._looker.items
        is_embedded = self._resources.items.embedded is not None
        share = share_to_begin_with(self._control, self.table)
        pacer = pacer_for(state, self.settings.write_utilisation, share, is_embedded=is_embedded)
        undoer = ImageUndoer(
            looker=self._looker,
            objects=self.objects,
            rollbacks=self.rollbacks,
            writer=StageWriter(items, pacer),
            workers=self.settings.workers,
            require_held=require_allowed,
            log=log,
        )
        entries = candidates(self.ledger, self.scope)
        chosen = [entry for name, entry in entries.items() if name in preview.images]
        try:
            undone = undoer.run(chosen)
        except ItemStoreError as error:
            raise RollbackStopped(
                f"{error}. {len(undoer.done):,} of {len(chosen):,} images had been gone through until then; the same "
                "command goes on, and takes nothing back twice"
            ) from error
        gates = judge_rollback(preview, undone, items, self.objects)
        return Report(preview, undone, gates, time.monotonic() - began)

    def _require_no_pause(self, instance: dg.DagsterInstance) -> None:
        if not self.request.despite_pause:
            require_no_pause(instance, PROMOTED_IMAGES)

    def _withdraw(self, instance: dg.DagsterInstance, run: dg.DagsterRun, preview: Preview) -> None:
        """The buckets that lose an image are complete no longer, nor embedded, from before the first write on."""
        buckets = sorted({bucket_of(name) for name in preview.to_write})
        why = f"is {ROLLED_BACK}: {self.request.run_id} was taken back. Repair: backfill promote run --apply --buckets"
        withdraw(run, instance, PROMOTED_IMAGES, {one: f"bucket {one} {why} {one}" for one in buckets})
        check = dg.AssetCheckKey(EMBEDDINGS, READ_BACK_GATE)
        green = latest_verdicts(instance, [check])[check]
        embedded = {one: f"bucket {one} {why} {one}, then backfill promote embed" for one in buckets if green.get(one)}
        if embedded:
            withdraw(run, instance, EMBEDDINGS, embedded)

    def _observe(self, instance: dg.DagsterInstance, run: dg.DagsterRun, report: Report) -> None:
        """What became of each bucket, for its page in the UI."""
        by_bucket: dict[str, list[Undone]] = {}
        for one in (report.undone or {}).values():
            by_bucket.setdefault(one.bucket, []).append(one)
        observe(run, instance, [self._observation(bucket, found) for bucket, found in sorted(by_bucket.items())])

    def _observation(self, bucket: str, found: Iterable[Undone]) -> dg.AssetObservation:
        outcomes = Counter(str(one.outcome) for one in found)
        metadata: dict[str, Any] = {f"promotion/images_{name}": number for name, number in outcomes.items()}
        if outcomes[ROLLED_BACK]:
            metadata |= {STATE: ROLLED_BACK, "promotion/run": self.request.run_id}
            metadata |= {"promotion/asked_by": self.request.asked_by}
        return dg.AssetObservation(PROMOTED_IMAGES, partition=bucket, metadata=metadata, description="rollback")

    def _written(self, image_id: str) -> Mapping[str, Item]:
        """What the plan's source still says of an image, for a diff; nothing when it cannot be asked."""
        try:
            row = self._rows_of_plan.get(image_id)
            planned = self._source.read(row.entry) if row else None
        except BackfillError:
            return {}
        return {one.key[1]: one.item for one in planned.items} if isinstance(planned, PlannedImage) else {}

    @cached_property
    def _source(self) -> Any:
        return build_source(self.settings, self._resources.exports, self._resources.items)

    @cached_property
    def _rows_of_plan(self) -> Mapping[str, ImageRow]:
        plan = latest_plan(self.objects, self.table)
        if plan is None:
            return {}
        manifest = read_manifest(self.objects, plan.manifest_run_id)
        return {row.image_id: row for row in read_rows(self.objects, manifest, self.scope.buckets)}
