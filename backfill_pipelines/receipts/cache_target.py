"""A range of buckets of the places cache: the answers of the place ids whose first records are in them.

An id belongs to one bucket, that of its first record that needs a place, so that each is asked for once, whichever
buckets are run together. The records' own buckets find the answers in the cache.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, cast

import dagster as dg

from backfill_pipelines.backfill.admission import Admission
from backfill_pipelines.backfill.gates import Gate, Measurement, all_measured
from backfill_pipelines.backfill.outcome import Decision, RangeOutcome, StagedPartition, State
from backfill_pipelines.receipts.fetch_report import IdOutcome
from backfill_pipelines.receipts.items import digest_of
from backfill_pipelines.receipts.known_answers import KnownAnswers, fresh_entries
from backfill_pipelines.receipts.migration_context import (
    Migration,
    ended_when_stopped,
    load_or_refuse,
    names_of,
    needs_place,
)
from backfill_pipelines.receipts.place_config import FetchConfig
from backfill_pipelines.receipts.place_target import calls_of
from backfill_pipelines.receipts.places_cache import Entry
from backfill_pipelines.receipts.ratio_gates import RatioVerdict, judge
from backfill_pipelines.receipts.run_metadata import run_metadata
from backfill_pipelines.receipts.run_reports import RunReport, save_report

ASSET = "receipts/places_cache"
MOST_ERRORS = 0.01
_AGAIN = "Run the bucket again when the service answers or the budget allows: what is in the cache is not asked for."
GATES = (
    Gate("every_id_is_settled", "Every place id of the bucket has an answer, if only that there is none.", _AGAIN),
    Gate("error_rate", "Fewer than 1 % of the bucket's calls ended without an answer, all attempts used up.", _AGAIN),
)


@dataclass
class CacheTarget:
    """The buckets of one Dagster run; implements the kernel's ``RangeTarget``."""

    migration: Migration
    config: FetchConfig
    origin: str
    run_id: str
    dagster_run_id: str
    answers: KnownAnswers
    buckets: Sequence[str] = ()
    ids: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])
    before: frozenset[str] = frozenset()
    entries: Mapping[str, Entry] = field(default_factory=dict[str, Entry])
    _began: datetime = field(default_factory=lambda: datetime.now(UTC))

    def stage(self, partitions: Sequence[str]) -> Mapping[str, StagedPartition]:
        """Ask for what the cache does not hold."""
        owned = owners(self.migration)
        self.ids = {bucket: owned.get(bucket, []) for bucket in partitions}
        wanted = [place_id for ids in self.ids.values() for place_id in ids]
        self.before = frozenset(self._fresh(wanted))
        self.answers.of(wanted)
        self.entries = self._fresh(wanted)
        return {bucket: self._describe(bucket) for bucket in partitions}

    def measure(self, gate: Gate, partitions: Sequence[str]) -> Mapping[str, Measurement]:
        """One gate on each bucket."""
        return {bucket: self._measured(gate, bucket) for bucket in partitions}

    def publish(self, partitions: Sequence[str], *, force: bool) -> Mapping[str, Decision]:  # noqa: ARG002
        """Nothing is left to do: an answer counts once it is in the cache."""
        fetched = self.entries.keys() - self.before
        return {p: Decision.PUBLISHED if fetched & set(self.ids[p]) else Decision.ALREADY_DONE for p in partitions}

    def record(self, outcome: RangeOutcome) -> None:
        """Keep the report of the run; the call ledger has had each call as it was made."""
        save_report(self.migration.objects, self.report(red=outcome.red_gates))

    def run_metadata(self) -> Mapping[str, Any]:
        """Ids by outcome, calls, money."""
        return run_metadata(self.report())

    def report(self, stop: str = "", detail: str = "", red: Mapping[str, int] | None = None) -> RunReport:
        """What the run did so far."""
        calls = calls_of(self.answers.reports)
        tally = {name: {"": number} for name, number in calls.items() if name.startswith("ids_") and number}
        cached = {"ids_cache_fresh": {"": len(self.before)}} if self.before else {}
        open_ = sum(len(ids) for ids in self.ids.values()) - len(self.entries)
        would = {"would_call": {"": open_}} if open_ and not self.config.apply else {}
        return RunReport(
            origin=self.origin,
            dagster_run_id=self.dagster_run_id,
            daily_quota=self.migration.quota_left() if self.answers.reports else "",
            asset=ASSET,
            run_id=self.run_id,
            buckets=tuple(self.buckets),
            dry_run=not self.config.apply,
            tally=tally | cached | would,
            calls=calls,
            spent_usd=str(sum((one.spent_usd for one in self.answers.reports), start=Decimal(0))),
            seconds=(datetime.now(UTC) - self._began).total_seconds(),
            stop=stop,
            stop_detail=detail,
            red=dict(red or {}),
        )

    def _fresh(self, ids: Sequence[str]) -> Mapping[str, Entry]:
        return fresh_entries(self.migration.cache, self.migration.settings, ids)

    def _describe(self, bucket: str) -> StagedPartition:
        ids = self.ids[bucket]
        held = [self.entries[place_id] for place_id in ids if place_id in self.entries]
        negative = sum(not entry.is_ok for entry in held)
        state, reason = State.COMPLETE, ""
        if not ids:
            state, reason = State.EXPECTED_EMPTY, "no_id_has_its_first_record_here"
        elif len(held) < len(ids):
            state, reason = State.PARTIAL, f"{len(ids) - len(held)} of {len(ids)} ids have no answer"
        return StagedPartition(
            partition=bucket,
            state=state,
            rows=len(held),
            digest=digest_of([[entry.place_id, entry.status, entry.response_digest] for entry in held]),
            reason=reason,
            rows_expected=len(ids),
            quarantined=negative,
            is_open=not self.config.apply,
            metadata={"receipts/run": self.run_id, "receipts/place_ids": len(ids)},
        )

    def _measured(self, gate: Gate, bucket: str) -> Measurement:
        ids = self.ids[bucket]
        if not ids:
            return Measurement(0, 0, 0, (), "not applicable: no place id has its first record in this bucket")
        told = {i: one for report in self.answers.reports for i, one in report.fetched.items()}
        if gate.name == "error_rate":
            called = [told[i] for i in ids if i in told and told[i].outcome is not IdOutcome.CACHE_FRESH]
            failed = [f"{one.place_id} ({one.detail})" for one in called if one.outcome is IdOutcome.FAILED]
            is_red = judge(len(failed), len(called), MOST_ERRORS).verdict is RatioVerdict.FAIL
            return all_measured(len(failed) if is_red else 0, len(called), failed)
        missing = [i for i in ids if i not in self.entries]
        why = {i: f"{told[i].outcome}: {told[i].detail}" if i in told else "not asked for" for i in missing}
        return all_measured(len(missing), len(ids), [f"{i} {why[i]}" for i in missing])


def owners(migration: Migration) -> Mapping[str, list[str]]:
    """The place ids of each bucket: those whose first record that needs a place is in it."""
    owner: dict[str, str] = {}
    for row in migration.rows():
        if needs_place(row, enrich_stubs=migration.settings.enrich_stubs):
            owner.setdefault(row.place_id, row.bucket)
    found: dict[str, list[str]] = {}
    for place_id, bucket in owner.items():
        found.setdefault(bucket, []).append(place_id)
    return found


@contextmanager
def open_cache_target(context: dg.AssetExecutionContext, admission: Admission) -> Iterator[CacheTarget]:
    """The target of a run; a refused key ends it for good."""
    config = cast("FetchConfig", admission.config)
    migration = load_or_refuse(context.resources)
    origin, run_id = names_of(migration, context, applies=config.apply)
    answers = migration.answers(run_id, may_fetch=config.apply)
    target = CacheTarget(migration, config, origin, run_id, context.run.run_id, answers, list(context.partition_keys))
    with ended_when_stopped(migration.objects, target.report):
        yield target
