"""A range of partitions derived: bodies read, transformed, normalised, validated, and kept until they are published.

Nothing of the database changes: the staging tables that the gates measure are gone with their transaction.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

import dagster as dg

from backfill_pipelines.backfill.admission import Admission
from backfill_pipelines.backfill.gates import Gate, Measurement
from backfill_pipelines.backfill.outcome import Decision, RangeOutcome, StagedPartition, State
from backfill_pipelines.coffee import partition_gates
from backfill_pipelines.coffee.publishing import publish
from backfill_pipelines.coffee.recovery import Recovery, open_recovery
from backfill_pipelines.coffee.replay import VERSIONS, Day, Days, derive_days
from backfill_pipelines.coffee.scope import digest_of
from backfill_pipelines.coffee.staged_files import load_chunks, merged, save_chunk
from backfill_pipelines.coffee.staging import Chunk, render, stage
from backfill_pipelines.coffee.time_limits import time_limit
from backfill_pipelines.stores.postgres import Connection


@dataclass
class DeriveTarget:
    """The partitions of one Dagster run; implements the kernel's ``RangeTarget``."""

    recovery: Recovery
    connection: Connection
    days: Days | None = None
    chunks: dict[str, Chunk] = field(default_factory=dict[str, Chunk])
    #: Partitions that were derived from the same input before.
    kept: set[str] = field(default_factory=set[str])

    def stage(self, partitions: Sequence[str]) -> Mapping[str, StagedPartition]:
        """Derive what is not kept yet, keep it, and put all of it where the gates look."""
        self.days = self.recovery.load_days(partitions)
        self.chunks = chunks_of(self.recovery, self.days, self.kept)
        stage(self.connection, merged(self.chunks.values()))
        return {key: self._staged(day) for key, day in self.days.by_key.items()}

    def measure(self, gate: Gate, partitions: Sequence[str]) -> Mapping[str, Measurement]:
        """One gate on the staging tables."""
        empty = self.days.empty if self.days else ()
        return partition_gates.measure(self.connection, gate, partitions, expected_empty=empty)

    def publish(self, partitions: Sequence[str], *, force: bool) -> Mapping[str, Decision]:  # noqa: ARG002
        """What was derived is kept already; the next asset takes it from there."""
        return {p: Decision.ALREADY_DONE if p in self.kept else Decision.PUBLISHED for p in partitions}

    def record(self, outcome: RangeOutcome) -> None:
        """Keep in the ledger which partitions are red, and what of them is set aside for a person to look at."""
        self.recovery.settle_red(self.days, outcome)
        red = [self.chunks[one.partition] for one in outcome.failed if one.partition in self.chunks]
        if red and self.recovery.is_in_ledger and self.recovery.config.apply:
            with self.recovery.postgres.connect(self.recovery.application_name) as connection:
                publish(connection, stage(connection, merged(red)), (), self.recovery.run.id)

    def run_metadata(self) -> Mapping[str, Any]:
        """The rules in force."""
        return {"coffee/transform_version": VERSIONS.transform, "coffee/normalizer_version": VERSIONS.normalizer}

    def _staged(self, day: Day) -> StagedPartition:
        chunk = self.chunks[day.key]
        return StagedPartition(
            partition=day.key,
            state=State.COMPLETE if day.captures else State.EXPECTED_EMPTY,
            reason="" if day.captures else "no_capture",
            rows=len(chunk.products),
            digest=day.input_digest,
            quarantined=len(chunk.rejected),
            is_open=self.recovery.is_open(day.key),
            metadata={"coffee/bodies": len(day.captures), "coffee/variants": chunk.observations},
        )


def chunks_of(recovery: Recovery, days: Days, kept: set[str] | None = None) -> dict[str, Chunk]:
    """What each partition says, from what is kept of it or from its bodies; ``kept`` is told which were kept.

    A backfill of some products or sources derives for itself and keeps nothing: what it sees is not the whole day.
    """
    scope = recovery.run.scope
    digests = {key: _derived_from(day, days) for key, day in days.by_key.items()}
    found = dict(load_chunks(recovery.objects, digests)) if scope.is_whole else dict.fromkeys(digests)
    for key, chunk in found.items():
        if chunk is not None:
            (kept if kept is not None else set[str]()).add(key)
            continue
        day = days.by_key[key]
        with time_limit(key):
            bodies = derive_days(recovery.artifacts, [day], days.sources, scope.product_ids)
            found[key] = derived = render(bodies, VERSIONS)
        if scope.is_whole and day.captures:
            save_chunk(recovery.objects, key, derived, digests[key])
    return {key: chunk for key, chunk in found.items() if chunk is not None}


def _derived_from(day: Day, days: Days) -> str:
    """What a derivation is a function of: bodies and rules, and what the registry says of the sources."""
    sources = sorted({one.source_id for one in day.captures})
    return digest_of([day.input_digest, [asdict(days.sources[one]) for one in sources]])


@contextmanager
def open_derive_target(context: dg.AssetExecutionContext, admission: Admission) -> Iterator[DeriveTarget]:
    """The target of a run, with a connection whose transaction is rolled back in the end."""
    with (
        open_recovery(context, admission) as recovery,
        recovery.postgres.connect(recovery.application_name) as connection,
    ):
        yield DeriveTarget(recovery, connection)
        connection.rollback()
