"""Phase gates: one judgement over all partitions of a phase, which the next phase waits for.

What lives here is the form: rules and their findings, one verdict for each check, and how a run ends. A red gate
raises and is not materialised, so a retry meets it again. What is judged is the domain's business.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import dagster as dg

from backfill_pipelines.backfill.admission import (
    CARRIED_FROM,
    FIRST_PARTITION,
    LAST_PARTITION,
    NOT_MEASURED,
    latest_verdict_of,
)
from backfill_pipelines.backfill.gates import Measurement
from backfill_pipelines.backfill.verdicts import latest_target, record_evaluations

#: Culprits named in the text of a red gate, for each rule; the number is always exact.
NAMED_IN_TEXT = 20


@dataclass(frozen=True)
class Finding:
    """One rule, measured. ``scope`` is the part that it is about (a season); empty: it counts for every part."""

    rule: str
    measured: Measurement
    repair: str
    scope: str = ""

    @property
    def is_red(self) -> bool:
        """Something violates the rule."""
        return self.measured.violations > 0

    @property
    def lines(self) -> list[str]:
        """The rule with its exact count, the culprits, and what to do."""
        seen, about = self.measured, f" {self.scope}" if self.scope else ""
        named = [f"  {culprit}" for culprit in seen.sample[:NAMED_IN_TEXT]]
        hidden = seen.violations - len(named)
        more = [f"  ... and {hidden:,} more"] if named and hidden > 0 else []
        return [
            f"{self.rule}{about}: {seen.violations:,} of {seen.expected:,}",
            *named,
            *more,
            f"  Repair: {self.repair}",
        ]


@dataclass(frozen=True)
class PhaseVerdict:
    """The verdict of one check: its words, what it covers, and the findings that count for it."""

    check: str
    words: str
    findings: Sequence[Finding]
    first: str = ""
    last: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @property
    def passed(self) -> bool:
        """No rule is violated."""
        return not any(finding.is_red for finding in self.findings)

    @property
    def text(self) -> str:
        """The words, then each violated rule with its culprits."""
        return "\n".join([self.words, *(line for finding in self.findings if finding.is_red for line in finding.lines)])


@dataclass(frozen=True)
class PhaseReport:
    """All verdicts of a gate: those of its parts, and the one over all, which decides whether the gate is green."""

    parts: Sequence[PhaseVerdict]
    whole: PhaseVerdict
    evidence: Mapping[str, Any] = field(default_factory=dict[str, Any])


def conclude(
    context: dg.AssetExecutionContext, key: dg.AssetKey, report: PhaseReport
) -> Iterator[dg.MaterializeResult[Any]]:
    """Materialise a green gate with its evidence; record every verdict; raise when it is red.

    Raises:
        dg.Failure: the gate is red.
    """
    whole = report.whole
    if whole.passed:
        yield dg.MaterializeResult(asset_key=key, metadata={"backfill/verdict": whole.words, **report.evidence})
    target = latest_target(context.instance, key)
    shown: Mapping[str, Any] = dict[str, Any]() if whole.passed else report.evidence
    evaluations = [_evaluation(key, verdict, {}, target) for verdict in report.parts]
    evaluations.append(_evaluation(key, whole, shown, target))
    judged = {evaluation.check_name for evaluation in evaluations}
    others = sorted(check.name for check in context.selected_asset_check_keys if check.name not in judged)
    record_evaluations(context, [*evaluations, *(_as_it_was(context, key, name, target) for name in others)])
    if not whole.passed:
        red = sorted({finding.rule for finding in whole.findings if finding.is_red})
        raise dg.Failure(description=whole.text, metadata={"red_rules": red}, allow_retries=False)


def _as_it_was(context: dg.AssetExecutionContext, key: dg.AssetKey, check: str, target: Any) -> dg.AssetCheckEvaluation:
    """The latest verdict of a check that this run planned and has not judged: the UI would show it as failed.

    One that was never judged is a warning, no pass: nothing is admitted by it.
    """
    found = latest_verdict_of(context.instance, dg.AssetCheckKey(key, check), context.run.run_id)
    known, text = found.evaluation, "not measured: no run of the gate was about this part yet"
    return dg.AssetCheckEvaluation(
        asset_key=key,
        check_name=check,
        passed=known is not None and known.passed,
        # The first run that gave the verdict: a repetition of a repetition keeps it.
        metadata={CARRIED_FROM: found.run_id, **known.metadata} if known else {NOT_MEASURED: text},
        description=known.description if known else text,
        blocking=True,
        severity=dg.AssetCheckSeverity.ERROR if known else dg.AssetCheckSeverity.WARN,
        target_materialization_data=target,
    )


def is_own(evaluation: dg.AssetCheckEvaluation) -> bool:
    """Whether the run that gave an evaluation has judged it itself."""
    return not {CARRIED_FROM, NOT_MEASURED} & set(evaluation.metadata)


def _evaluation(
    key: dg.AssetKey, verdict: PhaseVerdict, evidence: Mapping[str, Any], target: Any
) -> dg.AssetCheckEvaluation:
    bounds = {name: day for name, day in ((FIRST_PARTITION, verdict.first), (LAST_PARTITION, verdict.last)) if day}
    return dg.AssetCheckEvaluation(
        asset_key=key,
        check_name=verdict.check,
        passed=verdict.passed,
        metadata={"backfill/verdict": verdict.words, **bounds, **verdict.metadata, **evidence},
        # The UI takes it for Markdown, which knows a line only by the two spaces at its end.
        description=verdict.text.replace("\n", "  \n"),
        blocking=True,
        severity=dg.AssetCheckSeverity.ERROR,
        target_materialization_data=target,
    )
