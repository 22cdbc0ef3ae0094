"""Decision records: what was decided about a step of the migration, on which evidence, by whom, until when.

receipts/waves/{plan}/{step}/revision-NNNNNN.json   every decision, none of them ever changed
                     /{step}.json                   a copy of the newest, to look at; nothing reads it

A step is ``canary``, a wave's number, or ``completion-{role}``. What may be decided is in ``decisions``.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from backfill_pipelines.backfill.failures import BackfillError
from backfill_pipelines.receipts.gate_results import GateResult, GateVerdict
from backfill_pipelines.receipts.items import canonical_json, digest_of
from backfill_pipelines.stores.objects import ObjectStore

FOLDER = "receipts/waves"


class Choice(StrEnum):
    """What was decided about a wave."""

    PROCEED = "proceed"
    HOLD = "hold"
    ROLLBACK = "rollback"


class DecisionRefused(BackfillError):
    """The decision may not be taken on this evidence."""


@dataclass(frozen=True)
class Evidence:
    """What a decision rests on: all gates of the step, and the digest of what they were measured on."""

    step: str
    digest: str
    results: tuple[GateResult, ...]

    def of(self, verdict: GateVerdict) -> list[GateResult]:
        """The gates that say so."""
        return [result for result in self.results if result.verdict is verdict]

    @classmethod
    def from_json(cls, said: Mapping[str, Any]) -> "Evidence":
        """Evidence as it was written."""
        results = tuple(
            GateResult(**one | {"verdict": GateVerdict(one["verdict"]), "culprits": tuple(one["culprits"])})
            for one in said["results"]
        )
        return cls(said["step"], said["digest"], results)


@dataclass(frozen=True)
class Decision:
    """One decision, as recorded."""

    plan_id: str
    step: str
    revision: int
    choice: Choice
    who: str
    at: datetime
    reason: str
    expires_at: datetime
    evidence: Evidence
    #: Why proceeding without enough data is right; empty when nothing was accepted.
    accept_need_more_data: str = ""
    #: Records without a place that are accepted as such, ``image_id/receipt_id``.
    accepted_records: tuple[str, ...] = ()


def latest_decision(objects: ObjectStore, plan_id: str, step: str) -> Decision | None:
    """The newest decision about a step."""
    keys = sorted(info.key for info in objects.find([_folder(plan_id, step)]))
    return _read(objects, keys[-1]) if keys else None


def decisions(objects: ObjectStore, plan_id: str, step: str) -> list[Decision]:
    """Every decision about a step, oldest first."""
    return [_read(objects, info.key) for info in objects.find([_folder(plan_id, step)])]


def save(objects: ObjectStore, decision: Decision) -> None:
    """Add a decision to its step.

    Raises:
        DecisionRefused: somebody else added one at the same moment.
    """
    said = asdict(decision) | {"at": decision.at.isoformat(), "expires_at": decision.expires_at.isoformat()}
    said |= {"record_digest": digest_of(said)}
    content = canonical_json(said).encode("utf-8", "surrogatepass")
    folder = _folder(decision.plan_id, decision.step)
    if not objects.create(f"{folder}/revision-{decision.revision:06d}.json", content):
        raise DecisionRefused(
            f"somebody else decided on {step_name(decision.step)} of {decision.plan_id} at the same moment. "
            "Repair: look at that decision, then decide again"
        )
    objects.write(f"{folder}.json", content)


def step_name(step: str) -> str:
    """A step as people call it."""
    return f"wave {step}" if step.isdigit() else step


def _folder(plan_id: str, step: str) -> str:
    return f"{FOLDER}/{plan_id}/{step}"


def _read(objects: ObjectStore, key: str) -> Decision:
    ((_, content),) = objects.read([key])
    said: dict[str, Any] = json.loads(content)
    digest = said.pop("record_digest")
    if digest_of(said) != digest:
        raise DecisionRefused(f"{key} was changed by hand. Repair: restore it, or delete it and decide again")
    return Decision(
        **said
        | {
            "choice": Choice(said["choice"]),
            "at": datetime.fromisoformat(said["at"]),
            "expires_at": datetime.fromisoformat(said["expires_at"]),
            "evidence": Evidence.from_json(said["evidence"]),
            "accepted_records": tuple(said["accepted_records"]),
        }
    )
