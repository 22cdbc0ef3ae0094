"""Verification of a wave: the table, the indexes, the ledgers and the source, measured together; and its record.

receipts/verification/{plan}/{wave}.json   the newest one of each wave, with the digest of what it was measured on

A decision rests on it. What each gate says is in ``wave_gates``, ``table_gates``, ``ledger_gates``, ``query_gates``
and ``projection``; how Dagster sees it in ``verification_asset``.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from backfill_pipelines.backfill.failures import BackfillError, GateNotMeasured
from backfill_pipelines.receipts import degradation, ledger_gates, projection, query_gates, table_gates, wave_gates
from backfill_pipelines.receipts.call_ledger import CallLedger
from backfill_pipelines.receipts.decision_records import Choice, DecisionRefused, Evidence
from backfill_pipelines.receipts.decisions import accepted_records, wave_digest
from backfill_pipelines.receipts.gate_results import GateResult, GateVerdict
from backfill_pipelines.receipts.items import canonical_json
from backfill_pipelines.receipts.ledger import RecordLedger
from backfill_pipelines.receipts.ledger_gates import Attempt
from backfill_pipelines.receipts.manifest import read_manifest, read_rows
from backfill_pipelines.receipts.migration_settings import MigrationSettings
from backfill_pipelines.receipts.places_cache import PlacesCache
from backfill_pipelines.receipts.plan_calls import attempts_in
from backfill_pipelines.receipts.plans import Plan, PlanRefused, begun_at, latest_plan
from backfill_pipelines.receipts.query_gates import Clock, measure_queries
from backfill_pipelines.receipts.run_reports import reports_of_runs
from backfill_pipelines.receipts.table_gates import Audit
from backfill_pipelines.receipts.table_rows import read_table
from backfill_pipelines.receipts.wave_gates import WaveScope, judge_wave
from backfill_pipelines.stores.control import ControlStore
from backfill_pipelines.stores.items import ItemStore
from backfill_pipelines.stores.objects import ObjectStore
from backfill_pipelines.stores.table_metrics import TableMetrics, Usage

FOLDER = "receipts/verification"
#: A decision to proceed rests on a verification at most this old.
OLDEST = timedelta(hours=24)
_LEAST_SPAN = timedelta(hours=1)

WORDS: Mapping[str, str] = {
    **wave_gates.WORDS,
    **table_gates.WORDS,
    **ledger_gates.WORDS,
    query_gates.CORRECT: "Every partition of the four indexes holds exactly the places that it should.",
    query_gates.PAGINATION: "Page by page, no place is skipped and none comes twice, whatever the size of a page.",
    query_gates.LATENCY: "99 of 100 single-page queries of each index take less than 100 ms.",
    **degradation.WORDS,
    **projection.WORDS,
}


@dataclass(frozen=True)
class Stores:
    """Where everything of a migration is."""

    items: ItemStore
    objects: ObjectStore
    control: ControlStore
    settings: MigrationSettings
    #: What measures the table; None where nothing does.
    metrics: TableMetrics | None = None

    def ledger(self, plan: Plan) -> RecordLedger:
        """The record ledger of a plan."""
        return RecordLedger(self.control, plan.plan_id)


@dataclass(frozen=True)
class Verification:
    """One wave, measured."""

    audit: Audit
    evidence: Evidence

    @property
    def red(self) -> list[GateResult]:
        """The gates that fail."""
        return self.evidence.of(GateVerdict.FAIL)


def plan_of(objects: ObjectStore, table: str) -> Plan:
    """The newest plan of a table.

    Raises:
        PlanRefused: there is none.
    """
    plan = latest_plan(objects, table)
    if plan is None:
        raise PlanRefused(f"{table} has no plan. Repair: backfill receipts inventory, then backfill receipts plan")
    return plan


def newest_wave(ledger: RecordLedger, plan: Plan) -> int:
    """The last wave that has been begun.

    Raises:
        GateNotMeasured: none has.
    """
    buckets = {key.bucket for key in ledger.entries()}
    begun = [wave.number for wave in plan.waves if buckets & set(wave.buckets)]
    if not begun:
        raise GateNotMeasured(
            f"{plan.plan_id} has written nothing yet, so there is nothing to verify. Repair: backfill receipts run "
            "--wave 1 --apply"
        )
    return begun[-1]


def load_audit(stores: Stores, plan: Plan, wave: int, now: datetime | None = None) -> Audit:
    """Read what the gates look at: the ledger first, then the table, so that a write in between shows."""
    if wave not in {found.number for found in plan.waves}:
        raise BackfillError(f"{plan.plan_id} has no wave {wave}. Repair: 1 to {plan.waves[-1].number}")
    ledger = stores.ledger(plan)
    manifest = read_manifest(stores.objects, plan.manifest_run_id)
    return Audit(
        scope=WaveScope(plan, wave),
        manifest=manifest,
        rows=read_rows(stores.objects, manifest),
        entries=ledger.entries(),
        table=read_table(stores.items),
        runs=ledger.runs(),
        started_at=begun_at(stores.objects, plan),
        now=now or datetime.now(UTC),
    )


def attempts_of(stores: Stores, plan_id: str, runs: Collection[str]) -> list[Attempt]:
    """HTTP attempts of the plan's runs and dry runs, oldest first."""
    return attempts_in(CallLedger.of(stores.control, stores.settings), plan_id, runs)


def verify(stores: Stores, audit: Audit, clock: Clock | None = None) -> Verification:
    """Measure every gate of a wave.

    Raises:
        GateNotMeasured: a gate cannot be measured here.
        ItemStoreError: the table or an index does not answer.
    """
    plan, wave = audit.scope.plan, audit.scope.plan.waves[audit.scope.number - 1]
    no_degradation = _no_degradation(stores, audit)
    attempts = attempts_of(stores, plan.plan_id, audit.runs)
    cached = {i: e.reason for i, e in PlacesCache(stores.objects).read(sorted(_place_ids(audit))).items()}
    accepted = accepted_records(stores.objects, plan)
    ledger_results = judge_wave(
        audit.scope, audit.manifest, audit.rows, audit.entries, ledger_gates.calls_of(attempts), accepted
    )
    results = {result.gate: result for result in ledger_results}
    # Measured on the table, a gate of the same name stands for what the ledger remembers.
    for result in (
        table_gates.metadata_without_place(audit),
        table_gates.orphan_places(audit),
        table_gates.stub_places(audit),
        table_gates.no_duplicates(audit),
        table_gates.name_address_match(audit),
        table_gates.geohash_distribution(audit),
        ledger_gates.totals_reconcile(audit, attempts, cached),
        ledger_gates.metadata_intact(audit),
        ledger_gates.ledger_matches_table(audit),
        ledger_gates.dual_write(audit),
        ledger_gates.duration(audit),
        projection.cost_within_projection(projection.Metered.of(attempts, audit.entries), plan.estimate),
        *measure_queries(
            stores.items, audit.table.places, plan.plan_id, is_embedded=stores.settings.is_embedded, clock=clock
        ),
        no_degradation,
    ):
        results[result.gate] = result
    digest = wave_digest(audit.entries.values(), wave)
    return Verification(audit, Evidence(str(wave.number), digest, tuple(results[gate] for gate in WORDS)))


def save_verification(objects: ObjectStore, plan: Plan, verification: Verification) -> None:
    """Keep a verification for the decision that rests on it."""
    evidence = verification.evidence
    said = {"measured_at": verification.audit.now.isoformat(), "evidence": asdict(evidence)}
    content = canonical_json(said).encode("utf-8", "surrogatepass")
    objects.write(_key(plan, evidence.step), content)


def evidence_for(
    stores: Stores,
    plan: Plan,
    wave: int,
    choice: Choice,
    accepted: Collection[str] = (),
    now: datetime | None = None,
) -> Evidence:
    """The evidence for a decision: the newest verification, with the records that are accepted by name left out.

    Raises:
        DecisionRefused: to proceed needs a verification of the wave as it is now; says the command.
    """
    found = plan.waves[wave - 1]
    entries = stores.ledger(plan).entries()
    digest = wave_digest(entries.values(), found)
    measured = _load(stores.objects, plan, str(wave))
    command = f"Repair: backfill receipts verify --wave {wave}"
    if measured is None or measured[1].digest != digest:
        if choice is not Choice.PROCEED:
            return Evidence(str(wave), digest, ())
        why = "was not verified" if measured is None else "has changed since it was verified"
        raise DecisionRefused(f"wave {wave} of {plan.plan_id} {why}. {command}")
    measured_at, evidence = measured
    if choice is Choice.PROCEED and (now or datetime.now(UTC)) - measured_at > OLDEST:
        hours = OLDEST.total_seconds() / 3600
        raise DecisionRefused(
            f"wave {wave} of {plan.plan_id} was verified at {measured_at:%Y-%m-%d %H:%M} UTC, more than {hours:.0f} "
            f"hours ago. {command}"
        )
    return Evidence(evidence.step, digest, _without_accepted(stores, plan, wave, evidence.results, accepted))


def _without_accepted(
    stores: Stores, plan: Plan, wave: int, results: Sequence[GateResult], accepted: Collection[str]
) -> tuple[GateResult, ...]:
    """The results with the one ratio judged anew that a person may take records out of."""
    scope = WaveScope(plan, wave)
    manifest = read_manifest(stores.objects, plan.manifest_run_id)
    names = {*accepted, *accepted_records(stores.objects, plan)}
    known = stores.ledger(plan).entries()
    rows = read_rows(stores.objects, manifest)
    if unknown := sorted(names - {key.name for key in known}):
        raise DecisionRefused(f"the ledger knows no record {', '.join(unknown)}. Repair: IMAGE_ID/RECEIPT_ID")
    judged = {result.gate: result for result in judge_wave(scope, manifest, rows, known, wave_gates.Calls(0), names)}
    gate = wave_gates.WITHOUT_PLACE_RATIO
    return tuple(judged[gate] if result.gate == gate else result for result in results)


def _no_degradation(stores: Stores, audit: Audit) -> GateResult:
    """Compare the application before and during the runs."""
    if stores.settings.is_embedded:
        return degradation.embedded()
    if stores.metrics is None:
        raise GateNotMeasured(
            f"{degradation.NO_DEGRADATION}: nothing measures this table. Repair: verify with the real service and the "
            "right to read CloudWatch metrics (cloudwatch:GetMetricData)"
        )
    spans = degradation.writing_spans(audit.runs, audit.entries.values())
    during = [stores.metrics.read(*span) for span in spans]
    refused = sum(report.refused_puts for report in reports_of_runs(stores.objects, audit.runs))
    return degradation.no_degradation(stores.metrics.read(*_before(audit.runs, audit.now)), during, refused)


def _before(runs: Mapping[str, str], now: datetime) -> tuple[datetime, datetime]:
    """Before the first run, for as long as it is ago and at least an hour."""
    begun = datetime.fromisoformat(min(runs.values(), default=now.isoformat()))
    return begun - max(_LEAST_SPAN, now - begun), begun


def usage_of(metrics: TableMetrics, runs: Mapping[str, str], now: datetime) -> tuple[Usage, Usage]:
    """The table before the first run, for as long as the runs have taken and at least an hour, and since then."""
    before = _before(runs, now)
    return metrics.read(*before), metrics.read(before[1], now)


def _place_ids(audit: Audit) -> set[str]:
    return {row.place_id for row in audit.rows if row.eligible} | {entry.place_id for entry in audit.entries.values()}


def _load(objects: ObjectStore, plan: Plan, step: str) -> tuple[datetime, Evidence] | None:
    key = _key(plan, step)
    if not any(info.key == key for info in objects.find([f"{FOLDER}/{plan.plan_id}"])):
        return None
    ((_, content),) = objects.read([key])
    said: dict[str, Any] = json.loads(content)
    return datetime.fromisoformat(said["measured_at"]), Evidence.from_json(said["evidence"])


def _key(plan: Plan, step: str) -> str:
    return f"{FOLDER}/{plan.plan_id}/{step}.json"
