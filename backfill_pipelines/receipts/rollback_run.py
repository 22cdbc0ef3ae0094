"""A rollback from its options to its report: the command and the job are thin over it.

A dry run unless ``apply`` is set. Applying withdraws the buckets before the first write, so that nothing downstream
ever takes a half undone bucket for complete, whenever it is killed.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import dagster as dg

from backfill_pipelines.backfill.busy import busy_with
from backfill_pipelines.backfill.pausing import pause_of
from backfill_pipelines.backfill.verdicts import observe, withdraw
from backfill_pipelines.receipts.after_images import AfterImages
from backfill_pipelines.receipts.gate_results import GateResult
from backfill_pipelines.receipts.ledger import RecordLedger, plan_of
from backfill_pipelines.receipts.migration_assets import PLACES
from backfill_pipelines.receipts.migration_context import writer_lease
from backfill_pipelines.receipts.migration_settings import MigrationSettings
from backfill_pipelines.receipts.place_digests import read_digests
from backfill_pipelines.receipts.places_cache import PlacesCache
from backfill_pipelines.receipts.plans import latest_plan
from backfill_pipelines.receipts.put_records import pacer_for
from backfill_pipelines.receipts.rollback import Applied, RecordUndoer
from backfill_pipelines.receipts.rollback_gates import judge_rollback
from backfill_pipelines.receipts.rollback_ledger import RollbackLedger
from backfill_pipelines.receipts.rollback_preview import Preview, RecordLooker, count, look
from backfill_pipelines.receipts.rollback_scope import RollbackRefused, Scope, scope_of
from backfill_pipelines.receipts.rollback_steps import State, tally
from backfill_pipelines.receipts.write_rate import share_to_begin_with
from backfill_pipelines.stores.control import ControlStore
from backfill_pipelines.stores.dynamodb import DynamoItemStore
from backfill_pipelines.stores.dynamodb_pacing import WritePacer
from backfill_pipelines.stores.dynamodb_tables import TableState
from backfill_pipelines.stores.objects import ObjectStore

#: Metadata of the observation that says of a bucket in the UI that it was rolled back.
STATE = "receipts/state"
ROLLED_BACK = "rolled_back"
NEEDED = frozenset({"items", "objects", "control", "migration"})


@dataclass(frozen=True)
class Request:
    """What was asked for; every default is the safe choice."""

    run_id: str
    wave: int | None = None
    buckets: str = ""
    image_id: str = ""
    receipt_id: int | None = None
    limit: int | None = None
    apply: bool = False
    accept_stream_events: int | None = None
    confirm: str = ""
    #: A pause stops a rollback as it stops all work, unless the person who paused means to roll back meanwhile.
    despite_pause: bool = False
    asked_by: str = ""

    @property
    def command(self) -> str:
        """The command that asks for the same records, without what applying adds."""
        options = {
            "--wave": self.wave,
            "--buckets": self.buckets or None,
            "--image-id": self.image_id or None,
            "--receipt-id": self.receipt_id,
            "--limit": self.limit,
        }
        narrowed = "".join(f" {name} {value}" for name, value in options.items() if value is not None)
        return f"backfill receipts rollback --run {self.run_id}{narrowed}"


@dataclass(frozen=True)
class Report:
    """What came of it; a preview has neither ``applied`` nor gates."""

    preview: Preview
    applied: Applied | None = None
    gates: Sequence[GateResult] = field(default_factory=tuple[GateResult, ...])

    @property
    def is_green(self) -> bool:
        """Nothing is red. In a preview: the table holds nothing with the run's mark that the ledger does not know."""
        return all(gate.passed for gate in self.gates) and not self.preview.unknown_to_ledger

    @property
    def states(self) -> Mapping[str, int]:
        """Records by what became of them in this call, or would become."""
        if self.applied:
            return self.applied.states
        return tally([step.state for step in self.preview.steps.values()])


class RollbackWork:
    """The stores and the scope of one rollback."""

    def __init__(self, resources: Any, request: Request) -> None:
        """Find the run and its plan.

        Raises:
            RollbackRefused: there is no such run, or the scope makes no sense.
        """
        self.request = request
        self.table: str = resources.items.named()
        self.objects: ObjectStore = resources.objects
        self.settings: MigrationSettings = resources.migration
        self._control: ControlStore = resources.control
        self._resources = resources
        plan_id, plan = plan_of(self._control, request.run_id), latest_plan(self.objects, self.table)
        if plan_id is None or plan is None or plan.plan_id != plan_id:
            known = list(RecordLedger(self._control, plan.plan_id).runs()) if plan else []
            raise RollbackRefused(
                f"{self.table} has seen no run {request.run_id}. Repair: --run with one of {', '.join(known) or 'none'}"
            )
        self.ledger = RecordLedger(self._control, plan_id)
        self.rollbacks = RollbackLedger(self._control, self.ledger, request.run_id, request.asked_by)
        self.scope: Scope = scope_of(
            request.run_id,
            plan.waves,
            wave=request.wave,
            buckets=request.buckets,
            image_id=request.image_id,
            receipt_id=request.receipt_id,
        )

    def count(self) -> Mapping[str, int]:
        """Records of the scope, from the ledgers alone: the table is not read."""
        return count(self.ledger, self.rollbacks, self.scope)

    def preview(self) -> Preview:
        """What applying it would do; reads the table, writes nothing."""
        items: DynamoItemStore = self._resources.items.store()
        cache = PlacesCache(self.objects)
        return look(
            items=items,
            objects=self.objects,
            ledger=self.ledger,
            rollbacks=self.rollbacks,
            scope=self.scope,
            after_images=AfterImages(items, cache, photo_references_max=self.settings.photo_references_max),
            limit=self.request.limit,
        )

    def apply(
        self, instance: dg.DagsterInstance, run: dg.DagsterRun, log: Callable[[str], None] = lambda _: None
    ) -> Report:
        """Take the records back and prove it; ``run`` is the Dagster run in whose name.

        Raises:
            RollbackRefused: a run is under way, the places are paused, or the number of stream messages was not
                accepted. Paused meanwhile, it ends before the next batch, and the same command goes on.
            LeaseTaken: somebody else writes into the table.
        """
        state: TableState = self._resources.items.as_table().describe()
        names = self.settings.production_tables
        require_confirmed(names, self.table, state.arn, self.request.confirm, self.request.command)
        self._require_no_pause(instance)
        if busy := busy_with(instance, [PLACES], run):
            raise RollbackRefused(
                f"a run writes places: {busy}. Repair: wait until it ends, or cancel it, then run again"
            )
        holder = self.request.asked_by or "backfill receipts rollback"
        with writer_lease(self._control, self.table, holder, f"rollback of {self.request.run_id}") as lease:
            preview = self.preview()
            preview.require_accepted(self.request.accept_stream_events)
            self._withdraw(instance, run, preview)
            log(f"{len(preview.steps):,} records, {preview.events_to_come:,} stream messages")

            def require_allowed() -> None:
                lease.require_held()
                self._require_no_pause(instance)

            report = self._undo(preview, state, require_allowed, log)
        self._observe(instance, run, report)
        return report

    def _require_no_pause(self, instance: dg.DagsterInstance) -> None:
        if not self.request.despite_pause:
            require_no_pause(instance, PLACES)

    def _undo(
        self, preview: Preview, state: TableState, require_allowed: Callable[[], None], log: Callable[[str], None]
    ) -> Report:
        items: DynamoItemStore = self._resources.items.store()
        undoer = RecordUndoer(
            items=items,
            looker=RecordLooker(items, self.objects),
            rollbacks=self.rollbacks,
            pacer=self._pacer(state),
            workers=self.settings.write_workers,
            require_held=require_allowed,
            log=log,
        )
        applied = undoer.undo(preview)
        point = [*preview.entries, *preview.done] if self.scope.image_id else None
        after = read_digests(items, self.scope.run_id, point)
        return Report(preview, applied, judge_rollback(preview, applied, after, self.objects))

    def _pacer(self, state: TableState) -> WritePacer:
        """At the rate that the last writer of the table has left."""
        is_embedded = self._resources.items.embedded is not None
        share = share_to_begin_with(self._control, self.table)
        return pacer_for(state, self.settings.write_utilisation, share, is_embedded=is_embedded)

    def _withdraw(self, instance: dg.DagsterInstance, run: dg.DagsterRun, preview: Preview) -> None:
        """The buckets that lose a record are complete no longer, from before the first write on."""
        buckets = sorted({step.key.bucket for step in preview.steps.values() if step.state is not State.CHANGED_SINCE})
        why = f"is {ROLLED_BACK}: {self.request.run_id} was taken back. Repair: backfill receipts run --apply --buckets"
        withdraw(run, instance, PLACES, {bucket: f"bucket {bucket} {why} {bucket}" for bucket in buckets})

    def _observe(self, instance: dg.DagsterInstance, run: dg.DagsterRun, report: Report) -> None:
        """What became of each bucket, for its page in the UI."""
        by_bucket: dict[str, list[State]] = {}
        for one in report.applied.undone.values() if report.applied else ():
            if one.state:
                by_bucket.setdefault(one.key.bucket, []).append(one.state)
        observe(run, instance, [self._observation(bucket, states) for bucket, states in sorted(by_bucket.items())])

    def _observation(self, bucket: str, states: Sequence[State]) -> dg.AssetObservation:
        metadata: dict[str, Any] = {f"receipts/{name}": number for name, number in tally(states).items() if number}
        if any(state is not State.CHANGED_SINCE for state in states):
            asked_by = self.request.asked_by
            metadata |= {STATE: ROLLED_BACK, "receipts/run": self.request.run_id, "receipts/asked_by": asked_by}
        return dg.AssetObservation(PLACES, partition=bucket, metadata=metadata, description="rollback")


def require_no_pause(instance: dg.DagsterInstance, asset: dg.AssetKey) -> None:
    """A pause of the asset stops what takes it back, as it stops all work on it.

    Raises:
        RollbackRefused: it is paused.
    """
    if paused := pause_of(instance, asset):
        raise RollbackRefused(
            f"{paused.text}; what was taken back so far stays, and the same command goes on. To roll back while "
            "everybody else is kept from writing, add --despite-pause"
        )


def require_confirmed(production: Collection[str], table: str, arn: str, confirm: str, command: str) -> None:
    """Whoever writes into a production table says its name.

    Raises:
        RollbackRefused: it was not said, or another one was.
    """
    is_production = bool({table, arn} & {*production})
    if (is_production or confirm) and confirm != table:
        raise RollbackRefused(
            f"{table} is {'a production table' if is_production else 'not ' + confirm}. Repair: {command} --apply "
            f"--confirm {table}"
        )
