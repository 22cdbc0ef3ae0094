"""What a gate of the migration says: verdict, numbers, culprits, what to do. How it measures is its own module's."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import dagster as dg

from backfill_pipelines.backfill.gates import CAUSE, SAMPLE_SIZE
from backfill_pipelines.receipts.ratio_gates import RatioJudgement


class GateVerdict(StrEnum):
    """The four things that a gate can say; a gate that could not measure says none of them, it raises."""

    PASS = "PASS"  # noqa: S105 - a verdict
    FAIL = "FAIL"
    NEED_MORE_DATA = "NEED_MORE_DATA"
    #: Proven by data or by the deployment, never by leaving the gate out; the text says by what.
    NOT_APPLICABLE = "NOT_APPLICABLE"


@dataclass(frozen=True)
class GateResult:
    """One gate, measured. ``culprits`` are all of them where they can be told one by one."""

    gate: str
    verdict: GateVerdict
    text: str
    values: Mapping[str, Any] = field(default_factory=dict[str, Any])
    culprits: tuple[str, ...] = ()
    repair: str = ""

    @property
    def passed(self) -> bool:
        """Nothing is wrong; a ratio that needs more data is not red, and holds a wave back all the same."""
        return self.verdict is not GateVerdict.FAIL

    @property
    def lines(self) -> list[str]:
        """The gate for people: its text, the first culprits, what to do."""
        named = [f"  {culprit}" for culprit in self.culprits[:SAMPLE_SIZE]]
        hidden = len(self.culprits) - len(named)
        more = [f"  ... and {hidden:,} more"] if hidden > 0 else []
        return [
            f"{self.gate}: {self.verdict}: {self.text}",
            *named,
            *more,
            *([] if self.passed else [f"  Repair: {self.repair}"]),
        ]

    def evaluation(self, key: dg.AssetKey) -> dg.AssetCheckResult:
        """The verdict as Dagster's; the UI takes the description for Markdown."""
        shown: dict[str, Any] = {"receipts/verdict": str(self.verdict), **self.values}
        if self.culprits:
            shown[CAUSE] = "\n".join(self.culprits[:SAMPLE_SIZE])
            shown["violations"] = len(self.culprits)
            shown["sample_truncated"] = len(self.culprits) > SAMPLE_SIZE
        if not self.passed:
            shown["what_to_do"] = self.repair
        return dg.AssetCheckResult(
            asset_key=key,
            check_name=self.gate,
            passed=self.passed,
            description="  \n".join(self.lines),
            metadata=shown,
        )


def exact(gate: str, text: str, culprits: Iterable[str], repair: str, /, **values: Any) -> GateResult:
    """An integrity gate: one culprit is one too many."""
    found = tuple(culprits)
    return GateResult(gate, GateVerdict.FAIL if found else GateVerdict.PASS, text, values, found, repair)


def ratio(
    gate: str, judged: RatioJudgement, culprits: Sequence[str], repair: str, about: str = "", /, **values: Any
) -> GateResult:
    """A ratio gate; its culprits are listed even when there are few enough of them."""
    numbers = {
        "failures": judged.failures,
        "measured": judged.measured,
        "ratio": judged.ratio,
        "threshold": judged.threshold,
        "lower": judged.interval.lower,
        "upper": judged.interval.upper,
        "is_whole_population": judged.is_whole_population,
    }
    # The judgement's text begins with its verdict, which a result shows by itself.
    text = str(judged).removeprefix(f"{judged.verdict}: ") + (f"; {about}" if about else "")
    return GateResult(gate, GateVerdict(judged.verdict), text, numbers | values, tuple(culprits), repair)


def not_applicable(gate: str, text: str, **values: Any) -> GateResult:
    """A gate that has nothing to judge; the text says what proves it."""
    return GateResult(gate, GateVerdict.NOT_APPLICABLE, text, values)
