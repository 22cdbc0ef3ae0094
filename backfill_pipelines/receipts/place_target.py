"""A range of buckets of the receipts table: how its places are written, measured, published and recorded.

The table has no staging: a conditional put of a new item is the publication. So a bucket is staged by the write
protocol, judged on what is read back, and "published" means that it is complete and green.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from functools import cached_property
from typing import Any, cast

import dagster as dg

from backfill_pipelines.backfill.admission import Admission
from backfill_pipelines.backfill.gates import Gate, Measurement
from backfill_pipelines.backfill.outcome import Decision, RangeOutcome, StagedPartition, State
from backfill_pipelines.receipts import bucket_gates
from backfill_pipelines.receipts.bucket_states import BucketState, bucket_states, joined
from backfill_pipelines.receipts.bucket_writing import BucketWriter, Selection, Written, select
from backfill_pipelines.receipts.decisions import accepted_records, record_canary
from backfill_pipelines.receipts.dry_run import DryRun, look
from backfill_pipelines.receipts.fetch_report import FetchReport
from backfill_pipelines.receipts.items import Item
from backfill_pipelines.receipts.keys import RecordKey
from backfill_pipelines.receipts.known_answers import KnownAnswers
from backfill_pipelines.receipts.ledger import Entry
from backfill_pipelines.receipts.manifest import Row
from backfill_pipelines.receipts.migration_context import (
    Migration,
    ended_when_stopped,
    load_or_refuse,
    names_of,
    wanted_ids,
    writer_lease,
)
from backfill_pipelines.receipts.outcomes import WRITTEN, Outcome, Reason
from backfill_pipelines.receipts.place import table_key
from backfill_pipelines.receipts.place_config import PlaceConfig
from backfill_pipelines.receipts.put_records import RecordPutter, pacer_for
from backfill_pipelines.receipts.record_preparing import Preparing, key_of
from backfill_pipelines.receipts.run_metadata import run_metadata
from backfill_pipelines.receipts.run_reports import RunReport, nested, save_report
from backfill_pipelines.receipts.stop_rules import StopRules
from backfill_pipelines.receipts.write_rate import remember_share, share_to_begin_with

ASSET = "receipts/receipt_places"


@dataclass
class PlaceTarget:
    """The buckets of one Dagster run; implements the kernel's ``RangeTarget``."""

    migration: Migration
    config: PlaceConfig
    origin: str
    run_id: str
    dagster_run_id: str
    answers: KnownAnswers
    buckets: Sequence[str] = ()
    require_held: Callable[[], None] = lambda: None
    log: Callable[[str], None] = lambda _: None
    #: Shows what a dry run has found; it materialises nothing that could carry it.
    observe: Callable[[Mapping[str, Any]], None] = lambda _: None
    written: Written = field(default_factory=Written)
    selection: Selection = field(default_factory=lambda: Selection((), ()))
    dry: DryRun | None = None
    states: Mapping[str, BucketState] = field(default_factory=dict[str, BucketState])
    _items: Mapping[RecordKey, Item] | None = None
    _evidences: dict[str, bucket_gates.Evidence] = field(default_factory=dict[str, bucket_gates.Evidence])
    _began: datetime = field(default_factory=lambda: datetime.now(UTC))

    def stage(self, partitions: Sequence[str]) -> Mapping[str, StagedPartition]:
        """Write the buckets' places, or say what would be written."""
        rows = self.migration.rows(partitions)
        # A canary is about the first records, whether they are written or not: it can be made again at any time.
        known = {} if self.config.canary else self.migration.ledger.entries(buckets=partitions)
        self.selection = select(
            rows,
            known,
            limit=self.config.limit,
            image_id=self.config.image_id,
            receipt_id=self.config.receipt_id,
        )
        self.answers.of(wanted_ids(self.selection.work, self.migration.settings))
        if self.config.apply:
            self._write(known)
        else:
            self.dry = look(self._preparing(), self.selection, known, self._batch_size(partitions))
        return self._staged(partitions, rows)

    def measure(self, gate: Gate, partitions: Sequence[str]) -> Mapping[str, Measurement]:
        """One gate on each bucket, on items that are read once for all gates."""
        return {p: bucket_gates.measure(gate, self._evidence(p)) for p in partitions}

    def publish(self, partitions: Sequence[str], *, force: bool) -> Mapping[str, Decision]:  # noqa: ARG002
        """Nothing is left to do: what is green was written by the protocol, now or before."""
        touched = {key.bucket for key in self.written.settled}
        return {p: Decision.PUBLISHED if p in touched else Decision.ALREADY_DONE for p in partitions}

    def record(self, outcome: RangeOutcome) -> None:
        """Keep the report of the run, and a canary's verdict; the ledger has had each outcome as it came."""
        red = dict(outcome.red_gates)
        if self.config.canary and self.dry is not None:
            result = self.dry.canary()
            record_canary(self.migration.objects, self.migration.plan, [result], who=self.dagster_run_id)
            self.log("\n".join(result.lines))
            red |= {} if result.passed else {result.gate: 1}
        report = self.report(red=red)
        save_report(self.migration.objects, report)
        if self.dry is not None:
            self.observe(run_metadata(report))

    def run_metadata(self) -> Mapping[str, Any]:
        """Outcomes, calls, write units and progress of the run."""
        return run_metadata(self.report())

    def report(self, stop: str = "", detail: str = "", red: Mapping[str, int] | None = None) -> RunReport:
        """What the run did so far."""
        tally = self.dry.tally if self.dry else nested(joined(state.tally for state in self.states.values()))
        return RunReport(
            origin=self.origin,
            dagster_run_id=self.dagster_run_id,
            daily_quota=self.migration.quota_left() if self.answers.reports else "",
            asset=ASSET,
            run_id=self.run_id,
            buckets=tuple(self.buckets),
            dry_run=not self.config.apply,
            tally=tally,
            eligible=sum(len(state.eligible) for state in self.states.values()),
            calls=calls_of(self.answers.reports),
            spent_usd=str(sum((one.spent_usd for one in self.answers.reports), Decimal(0))),
            write_units=self.written.write_units,
            refused_puts=self.written.refused_puts,
            seconds=(datetime.now(UTC) - self._began).total_seconds(),
            attempted=len(self.selection.work),
            stop=stop or self.written.stop,
            stop_detail=detail or self.written.stop_detail,
            ratio=self.written.ratio,
            samples=tuple(sample.text for sample in self.written.samples),
            red=dict(red or {}),
            shown=self.dry.shown if self.dry else (),
        )

    def _write(self, known: Mapping[RecordKey, Entry]) -> None:
        migration, settings = self.migration, self.migration.settings
        population = sum(wave.records for wave in migration.plan.waves)
        accepted = len(accepted_records(migration.objects, migration.plan))
        share = share_to_begin_with(migration.control, migration.table)
        putter = RecordPutter(
            migration.items,
            pacer_for(migration.state, settings.write_utilisation, share, is_embedded=migration.is_table_embedded),
            workers=settings.write_workers,
            enrich_stubs=settings.enrich_stubs,
        )
        writer = BucketWriter(
            ledger=migration.ledger,
            objects=migration.objects,
            preparing=self._preparing(),
            putter=putter,
            rules=StopRules(migration.ledger.tally(), known, population=population, accepted=accepted),
            require_held=self.require_held,
            log=self.log,
            api_errors=lambda: sum(report.http.errors for report in list(self.answers.reports)),
        )
        self.written = writer.written
        try:
            writer.write(self.selection.work, known, self._batch_size([row.bucket for row in self.selection.work]))
        finally:
            putter.close()
            remember_share(migration.control, migration.table, putter.share)

    def _preparing(self) -> Preparing:
        return Preparing(
            self.migration.items,
            self.answers,
            self.run_id,
            photo_references_max=self.migration.settings.photo_references_max,
            enrich_stubs=self.migration.settings.enrich_stubs,
            requires_receipt=self.migration.manifest.requires_receipt,
            looks_first=not self.config.apply,
            rebuilds=self.config.canary,
        )

    def _batch_size(self, buckets: Sequence[str]) -> int:
        """The size that was asked for, or that of the first wave that is written."""
        waves = [self.migration.plan.wave_of(bucket).batch_size for bucket in sorted(buckets)]
        return self.config.batch_size or (waves[0] if waves else 1)

    def _staged(self, partitions: Sequence[str], rows: Sequence[Row]) -> Mapping[str, StagedPartition]:
        entries = self.migration.ledger.entries(buckets=partitions)
        left = {key_of(row): Reason.LIMIT for row in self.selection.left}
        self.states = bucket_states(partitions, rows, entries, left)
        return {p: self._describe(state) for p, state in self.states.items()}

    def _describe(self, state: BucketState) -> StagedPartition:
        quarantined = sum(n for (outcome, _), n in state.tally.items() if outcome is Outcome.QUARANTINED)
        kind, reason = State.COMPLETE, ""
        if not state.eligible:
            kind, reason = State.EXPECTED_EMPTY, "no_eligible_records"
        elif state.unsettled:
            kind, reason = State.PARTIAL, f"{len(state.unsettled)} of {len(state.eligible)} records are not settled"
        elif quarantined:
            kind, reason = State.QUARANTINED, f"{quarantined} set aside"
        return StagedPartition(
            partition=state.bucket,
            state=kind,
            rows=sum(n for (outcome, _), n in state.tally.items() if outcome in WRITTEN),
            digest=state.digest,
            reason=reason,
            rows_expected=len(state.eligible),
            quarantined=quarantined,
            is_open=not self.config.apply or state.is_cut,
            metadata=self._bucket_metadata(state),
        )

    def _bucket_metadata(self, state: BucketState) -> Mapping[str, Any]:
        settled = self.written.settled
        units = sum(settled[key].write_units for key in state.entries if key in settled)
        return {
            "receipts/run": self.run_id,
            "receipts/plan": f"{self.migration.plan.plan_id} revision {self.migration.plan.revision}",
            "receipts/eligible": len(state.eligible),
            "receipts/outcomes": dg.MetadataValue.json(nested(state.tally)),
            "receipts/write_units": units,
        }

    def _evidence(self, bucket: str) -> bucket_gates.Evidence:
        """What all gates of a bucket look at, put together once."""
        if bucket not in self._evidences:
            items, state = self._read_back(), self.states[bucket]
            self._evidences[bucket] = bucket_gates.Evidence(
                state,
                {key: items[key] for key in map(key_of, state.rows) if key in items},
                self._plan_runs,
                self.run_id,
                frozenset(self.written.settled),
                self._applied.get(bucket, 0),
                tuple(wrong_calls(self.answers.reports)),
            )
        return self._evidences[bucket]

    @cached_property
    def _plan_runs(self) -> frozenset[str]:
        return frozenset(self.migration.ledger.runs())

    @cached_property
    def _applied(self) -> Mapping[str, int]:
        """Written records of each bucket, counted in the ledger after the writing."""
        return self.migration.ledger.applied(self.states)

    def _read_back(self) -> Mapping[RecordKey, Item]:
        """Every place of the buckets' records, by strongly consistent reads."""
        if self._items is None:
            keys = [key_of(row) for state in self.states.values() for row in state.rows]
            found = self.migration.items.batch_get(table_key(key.image_id, key.receipt_id) for key in keys).items
            stored = {(item["PK"]["S"], item["SK"]["S"]): item for item in found}
            named = {key: table_key(key.image_id, key.receipt_id) for key in keys}
            at = {key: (name["PK"]["S"], name["SK"]["S"]) for key, name in named.items()}
            self._items = {key: stored[where] for key, where in at.items() if where in stored}
        return self._items


def calls_of(reports: Sequence[FetchReport]) -> Mapping[str, int]:
    """The counts of several fetches; each id was asked for in one of them."""
    counts = [report.counts() for report in reports]
    return {name: sum(one[name] for one in counts) for name in counts[0]} if counts else {}


def wrong_calls(reports: Sequence[FetchReport]) -> Iterator[str]:
    """Equations of ids and attempts that do not hold."""
    for report in reports:
        counts = report.counts()
        for equation in bucket_gates.CALL_EQUATIONS:
            expected = sum(counts[name] for name in equation.plus)
            if counts[equation.total] != expected:
                yield f"{equation}: {counts[equation.total]:,} is not {expected:,}"


@contextmanager
def open_place_target(context: dg.AssetExecutionContext, admission: Admission) -> Iterator[PlaceTarget]:
    """The target of a run, under the writer lease when it writes; what stops a run for good is not tried again."""
    config = cast("PlaceConfig", admission.config)
    migration = load_or_refuse(context.resources)
    origin, run_id = names_of(migration, context, applies=config.apply)
    target = PlaceTarget(
        migration=migration,
        config=config,
        origin=origin,
        run_id=run_id,
        dagster_run_id=context.run.run_id,
        answers=migration.answers(run_id, may_fetch=config.fetch),
        buckets=list(context.partition_keys),
        log=context.log.info,
        observe=lambda shown: context.log_event(dg.AssetObservation(ASSET.split("/"), metadata=shown)),
    )
    with ended_when_stopped(migration.objects, target.report):
        if not (config.apply and admission.partitions):
            yield target
            return
        with writer_lease(migration.control, migration.table, run_id, f"Dagster run {context.run.run_id}") as lease:
            target.require_held = lease.require_held
            yield target
