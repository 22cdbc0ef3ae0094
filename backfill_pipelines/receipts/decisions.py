"""Decisions of people between waves: which may be taken, and whether the next wave may begin.

A decision rests on evidence and is void once that has changed: the digest covers every ledger entry of the wave's
buckets, so that a record that was written again, repaired or rolled back shows; a run that changed nothing does not.
How the evidence is measured is in ``wave_gates``, how a decision is kept in ``decision_records``.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from backfill_pipelines.backfill.failures import BackfillError
from backfill_pipelines.receipts.decision_records import (
    Choice,
    Decision,
    DecisionRefused,
    Evidence,
    latest_decision,
    save,
    step_name,
)
from backfill_pipelines.receipts.gate_results import GateResult, GateVerdict
from backfill_pipelines.receipts.items import digest_of
from backfill_pipelines.receipts.ledger import Entry, RecordLedger
from backfill_pipelines.receipts.plans import Plan
from backfill_pipelines.receipts.waves import Wave
from backfill_pipelines.stores.objects import ObjectStore

CANARY = "canary"
#: How long a decision may be acted on.
VALID_FOR = timedelta(days=7)
_HOLDING = (GateVerdict.FAIL, GateVerdict.NEED_MORE_DATA)


class Role(StrEnum):
    """Who signs that the migration is complete."""

    ENGINEERING = "engineering"
    DATA = "data"
    OPERATIONS = "operations"


class WaveNotReleased(BackfillError):
    """The wave may not be written yet."""


def wave_digest(entries: Iterable[Entry], wave: Wave) -> str:
    """The digest of what the ledger says of a wave's buckets; any later change of one record changes it."""
    buckets = frozenset(wave.buckets)
    said = [
        [e.key.name, e.place_id, e.run_id, e.kind, e.content_digest, str(e.outcome), e.reason, e.at]
        for e in sorted(entries, key=lambda entry: entry.key)
        if e.key.bucket in buckets
    ]
    return digest_of({"buckets": [wave.first_bucket, wave.last_bucket], "entries": said})


def canary_digest(plan: Plan) -> str:
    """What a canary proves something about: the choices and the format. A new inventory does not void it."""
    return digest_of(
        {"settings": plan.settings_digest, "schema": plan.schema_version, "table": plan.table_arn, "step": CANARY}
    )


def decide(
    objects: ObjectStore,
    plan: Plan,
    evidence: Evidence,
    choice: Choice,
    *,
    who: str,
    reason: str,
    accept_need_more_data: str = "",
    accepted_records: Sequence[str] = (),
    now: datetime | None = None,
) -> Decision:
    """Record a decision.

    Raises:
        DecisionRefused: it does not say who or why, a gate forbids it, or somebody else decided at the same moment.
    """
    _require_words(evidence.step, who, reason)
    if choice is Choice.PROCEED:
        _require_evidence(plan.plan_id, evidence, accept_need_more_data)
    at = now or datetime.now(UTC)
    before = latest_decision(objects, plan.plan_id, evidence.step)
    decision = Decision(
        plan_id=plan.plan_id,
        step=evidence.step,
        revision=before.revision + 1 if before else 1,
        choice=choice,
        who=who.strip(),
        at=at,
        reason=reason.strip(),
        expires_at=at + VALID_FOR,
        evidence=evidence,
        accept_need_more_data=accept_need_more_data.strip(),
        accepted_records=tuple(sorted({*accepted_records, *(before.accepted_records if before else ())})),
    )
    save(objects, decision)
    return decision


def record_canary(
    objects: ObjectStore, plan: Plan, results: Sequence[GateResult], *, who: str, now: datetime | None = None
) -> Decision:
    """Record a canary: clean lets the first wave begin, anything else holds it. ``who`` is the run that made it."""
    evidence = Evidence(CANARY, canary_digest(plan), tuple(results))
    red = [result.gate for result in results if result.verdict is not GateVerdict.PASS]
    choice, reason = (Choice.HOLD, f"not clean: {', '.join(red)}") if red else (Choice.PROCEED, "clean")
    return decide(objects, plan, evidence, choice, who=who, reason=reason, now=now)


def sign_off(
    objects: ObjectStore,
    ledger: RecordLedger,
    plan: Plan,
    role: Role,
    *,
    who: str,
    reason: str,
    now: datetime | None = None,
) -> Decision:
    """Sign that the migration is complete.

    Every wave must be decided proceed on evidence that still holds; only the last decision must not have expired,
    since the others have been acted on.

    Raises:
        DecisionRefused: a wave has no such decision, or this person has signed for another role.
    """
    at = now or datetime.now(UTC)
    moments = {wave: at if wave is plan.waves[-1] else None for wave in plan.waves}
    if blocked := [text for wave in plan.waves if (text := _why_not(objects, ledger, plan, wave, moments[wave]))]:
        raise DecisionRefused(f"{plan.plan_id} is not complete. " + " ".join(blocked))
    for other in Role:
        signed = latest_decision(objects, plan.plan_id, _signature(other))
        if signed and other is not role and signed.who == who.strip():
            raise DecisionRefused(
                f"{signed.who} has signed {plan.plan_id} for {other} already. Repair: three people sign, "
                f"{', '.join(Role)}; name the {role} lead with --who"
            )
    evidence = Evidence(_signature(role), plan_digest(ledger, plan), ())
    return decide(objects, plan, evidence, Choice.PROCEED, who=who, reason=reason, now=at)


def plan_digest(ledger: RecordLedger, plan: Plan) -> str:
    """The digest of what the ledger says of all waves."""
    entries = list(ledger.entries().values())
    return digest_of([wave_digest(entries, wave) for wave in plan.waves])


def missing_signatures(
    objects: ObjectStore, ledger: RecordLedger, plan: Plan, now: datetime | None = None
) -> list[str]:
    """The sign-offs that completion still lacks, each with its command; empty when it is complete."""
    digest, at = plan_digest(ledger, plan), now or datetime.now(UTC)
    found: list[str] = []
    for role in Role:
        signed = latest_decision(objects, plan.plan_id, _signature(role))
        why = _void_because(signed, digest, at) if signed else f"the {role} lead has not signed"
        if why:
            found.append(
                f"{why}. Repair: backfill receipts decide completion proceed --role {role} --who .. --reason .."
            )
    return found


def require_released(
    objects: ObjectStore, ledger: RecordLedger, plan: Plan, wave: int, now: datetime | None = None
) -> None:
    """Admission of a wave: the step before it was decided, on evidence that still holds.

    Raises:
        WaveNotReleased: says why, and the command to type.
    """
    at = now or datetime.now(UTC)
    if wave == 1:
        why = _canary_missing(objects, plan, at)
    else:
        before = next(found for found in plan.waves if found.number == wave - 1)
        why = _why_not(objects, ledger, plan, before, at)
    if why:
        raise WaveNotReleased(f"wave {wave} of {plan.plan_id} is not released: {why}")


def accepted_records(objects: ObjectStore, plan: Plan) -> frozenset[str]:
    """Every record that a decision of the plan has accepted by name."""
    found = (latest_decision(objects, plan.plan_id, str(wave.number)) for wave in plan.waves)
    return frozenset(name for decision in found if decision for name in decision.accepted_records)


def _canary_missing(objects: ObjectStore, plan: Plan, now: datetime) -> str:
    made = latest_decision(objects, plan.plan_id, CANARY)
    command = "Repair: backfill receipts run --canary"
    if made is None:
        return f"no canary was run. {command}"
    if made.choice is not Choice.PROCEED:
        return f"the canary of {made.at:%Y-%m-%d %H:%M} UTC was {made.reason}. {command}, once that is corrected"
    why = _void_because(made, canary_digest(plan), now, "settings or the format of a place have changed")
    return f"{why}. {command}" if why else ""


def _why_not(objects: ObjectStore, ledger: RecordLedger, plan: Plan, wave: Wave, now: datetime | None) -> str:
    """Why a wave does not let the next one begin, empty when it does; without a time nothing has expired."""
    made = latest_decision(objects, plan.plan_id, str(wave.number))
    measure = f"backfill receipts verify --wave {wave.number}"
    command = f"backfill receipts decide {wave.number} proceed --who NAME --reason TEXT"
    if made is None:
        return f"wave {wave.number} is not decided. Repair: {measure}, then {command}"
    if made.choice is not Choice.PROCEED:
        return (
            f"wave {wave.number} was decided {made.choice} by {made.who} at {made.at:%Y-%m-%d %H:%M} UTC "
            f"({made.reason}). Repair: correct that, {measure}, then {command}"
        )
    if why := _blocked_by(made.evidence, made.accept_need_more_data):
        return f"wave {wave.number}: {why}. Repair: {measure}, then {command}"
    why = _void_because(made, wave_digest(ledger.entries(buckets=wave.buckets).values(), wave), now)
    return f"{why}. Repair: {measure}, then {command}" if why else ""


def _void_because(
    made: Decision, digest: str, now: datetime | None, changed: str = "a bucket was written again or rolled back"
) -> str:
    name = f"the decision of {made.who} on {step_name(made.step)} of {made.at:%Y-%m-%d %H:%M} UTC"
    if made.evidence.digest != digest:
        return f"{name} is void: {changed} since"
    if now is not None and now >= made.expires_at:
        return f"{name} has expired: it was valid until {made.expires_at:%Y-%m-%d %H:%M} UTC"
    return ""


def _require_words(step: str, who: str, reason: str) -> None:
    if not who.strip() or not reason.strip():
        raise DecisionRefused(
            f"a decision on {step_name(step)} says who decided and why. Repair: --who NAME --reason TEXT"
        )


def _require_evidence(plan_id: str, evidence: Evidence, accepted: str) -> None:
    if why := _blocked_by(evidence, accepted):
        lines = [line for result in evidence.results if result.verdict in _HOLDING for line in result.lines]
        raise DecisionRefused("\n".join([f"{plan_id}, {step_name(evidence.step)}: {why}", *lines]))


def _blocked_by(evidence: Evidence, accepted: str) -> str:
    """Why the evidence forbids to go on; empty when it does not."""
    if red := [result.gate for result in evidence.of(GateVerdict.FAIL)]:
        return f"{', '.join(red)} FAIL, which nobody can accept: it is corrected and measured again"
    open_ = [result.gate for result in evidence.of(GateVerdict.NEED_MORE_DATA)]
    if open_ and not accepted.strip():
        return f"{', '.join(open_)} NEED_MORE_DATA: accept that with --accept-need-more-data REASON, or hold"
    return ""


def _signature(role: Role) -> str:
    return f"completion-{role}"
