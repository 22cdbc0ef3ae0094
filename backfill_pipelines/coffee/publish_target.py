"""A range of partitions published: coffees, variants and prices in one transaction, judged partition by partition.

Staging, gates and publishing share one transaction, which ends with the target: what is red is held back in it, and
how each partition ended is written into the ledger by it.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import dagster as dg

from backfill_pipelines.backfill.admission import Admission
from backfill_pipelines.backfill.gates import Gate, Measurement
from backfill_pipelines.backfill.outcome import Decision, PartitionOutcome, RangeOutcome, StagedPartition, State
from backfill_pipelines.coffee import partition_gates
from backfill_pipelines.coffee.backfill_ledger import Settled, settle
from backfill_pipelines.coffee.derive_target import chunks_of
from backfill_pipelines.coffee.names import PRICES, VARIANTS
from backfill_pipelines.coffee.publishing import Counts, publish
from backfill_pipelines.coffee.range_runs import WRITTEN
from backfill_pipelines.coffee.recovery import Recovery, open_recovery, settled_ok, settled_red
from backfill_pipelines.coffee.replay import Day, Days
from backfill_pipelines.coffee.selecting import restrict
from backfill_pipelines.coffee.staged_files import merged
from backfill_pipelines.coffee.staging import Chunk, Staged, stage
from backfill_pipelines.stores.postgres import Connection, read_rows

_COUNTS = """SELECT c.partition, count(DISTINCT s.coffee_id) AS coffees, count(v.variant_id) AS variants,
  count(v.price) AS prices, bool_and(c.completeness IN ('complete', 'not_modified')) AS is_whole
FROM staged_captures c
LEFT JOIN staged_products s USING (artifact_no)
LEFT JOIN staged_variants v USING (product_no)
GROUP BY c.partition"""


@dataclass
class PublishTarget:
    """The partitions of one Dagster run; implements the kernel's ``RangeTarget``."""

    recovery: Recovery
    connection: Connection
    days: Days | None = None
    staged: Staged | None = None
    chunks: dict[str, Chunk] = field(default_factory=dict[str, Chunk])
    described: Mapping[str, StagedPartition] = field(default_factory=dict[str, StagedPartition])
    counts: Counts = field(default_factory=Counts)
    seconds: float = 0.0

    def stage(self, partitions: Sequence[str]) -> Mapping[str, StagedPartition]:
        """Copy what was derived into the staging tables of the publishing transaction."""
        self.days = self.recovery.load_days(partitions)
        self.chunks = chunks_of(self.recovery, self.days)
        began = time.monotonic()
        self.staged = stage(self.connection, merged(self.chunks.values()))
        self.seconds += time.monotonic() - began
        rows = {row["partition"]: row for row in read_rows(self.connection, _COUNTS)}
        self.described = {key: self._describe(day, rows.get(key, {})) for key, day in self.days.by_key.items()}
        return self.described

    def measure(self, gate: Gate, partitions: Sequence[str]) -> Mapping[str, Measurement]:
        """One gate on the staging tables."""
        empty = self.days.empty if self.days else ()
        return partition_gates.measure(self.connection, gate, partitions, expected_empty=empty)

    def publish(self, partitions: Sequence[str], *, force: bool) -> Mapping[str, Decision]:  # noqa: ARG002
        """Publish the green partitions and hold back the red; a savepoint takes it back when a read-back differs."""
        if self.staged is None:
            return {}
        left = [partition for partition in self.staged.partitions if self.recovery.is_open(partition)]
        began = time.monotonic()
        with self.connection.transaction():
            restrict(self.connection, self.recovery.run.scope)
            self.counts = publish(self.connection, self.staged, partitions, self.recovery.run.id, left=left)
        self.seconds += time.monotonic() - began
        changed = self.counts.inserted or self.counts.updated
        return dict.fromkeys(partitions, Decision.PUBLISHED if changed else Decision.ALREADY_DONE)

    def record(self, outcome: RangeOutcome) -> None:
        """Write how each partition ended into the ledger, in the transaction that publishes."""
        days = self.days.by_key if self.days else {}
        ended = [self._settled(days[key], one) for key, one in outcome.partitions.items() if key in days]
        self.recovery.red |= {one.partition for one in outcome.failed}
        settle(self.connection, self.recovery.run.id, [one for one in ended if one is not None])

    def run_metadata(self) -> Mapping[str, Any]:
        """Rows written, and the backfill that can be rolled back."""
        return {
            "coffee/backfill_run": str(self.recovery.run.id),
            WRITTEN: dg.MetadataValue.json(self.counts.written),
            "coffee/publish_seconds": self.seconds,
        }

    def _settled(self, day: Day, outcome: PartitionOutcome) -> Settled | None:
        """The ledger's row; none of a partition that was refused, left alone, or that has nothing to publish."""
        staged = self.described.get(day.key)
        if outcome.decision in (Decision.LEFT_OPEN, Decision.REFUSED) or staged is None:
            return None
        if not outcome.is_green:
            return settled_red(day, outcome)
        is_partial = staged.state in (State.PARTIAL, State.QUARANTINED)
        rows = self.chunks[day.key].observations
        return settled_ok(day, outcome, is_partial=is_partial, rows=rows) if day.captures else None

    def _describe(self, day: Day, seen: Mapping[str, Any]) -> StagedPartition:
        aside = len(self.chunks[day.key].rejected) if day.key in self.chunks else 0
        state, reason = State.COMPLETE, ""
        if not day.captures:
            state, reason = State.EXPECTED_EMPTY, "no_capture"
        elif aside:
            state, reason = State.QUARANTINED, f"{aside} set aside"
        elif not seen.get("is_whole"):
            state, reason = State.PARTIAL, ", ".join(sorted({str(one.completeness) for one in day.captures}))

        def described(rows: int, **more: Any) -> StagedPartition:
            return StagedPartition(
                partition=day.key,
                state=state,
                reason=reason,
                rows=rows,
                digest=day.input_digest,
                quarantined=aside,
                is_open=self.recovery.is_open(day.key),
                metadata={"coffee/bodies": len(day.captures)},
                **more,
            )

        beside = {VARIANTS: seen.get("variants", 0), PRICES: seen.get("prices", 0)}
        return described(
            seen.get("coffees", 0),
            companions={key.to_user_string(): described(rows) for key, rows in beside.items()},
        )


@contextmanager
def open_publish_target(context: dg.AssetExecutionContext, admission: Admission) -> Iterator[PublishTarget]:
    """The target of a run, with the transaction that publishes: committed at its end, rolled back by an exception."""
    with (
        open_recovery(context, admission, publishes=True) as recovery,
        recovery.postgres.connect(recovery.application_name) as connection,
    ):
        yield PublishTarget(recovery, connection)
        if not recovery.config.apply:
            connection.rollback()
