"""Gates: statements that are true when green, measured on staged data, one verdict for each partition.

What lives here is data and judgement. How a gate is measured is the target's business, how a verdict becomes a
Dagster asset check evaluation is ``verdicts``'s.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from backfill_pipelines.backfill.failures import GateNotMeasured

#: Culprits kept with a verdict; the exact count is kept as well.
SAMPLE_SIZE = 20
#: Culprits named in one line of a failure message.
NAMED_IN_MESSAGE = 5

UPSTREAM_GATE = "upstream_is_complete"
HISTORY_GATE = "history_is_complete"
READ_BACK_GATE = "no_duplicate_after_publish"

#: Check metadata under which the culprits of a red verdict are found again.
CAUSE = "culprits"


@dataclass(frozen=True)
class Gate:
    """A named statement about one partition; ``repair`` says what to do when it is red.

    ``source`` and ``identifiers`` are for the target that measures it (for a warehouse: a statement file and the
    identifiers to fill in).
    """

    name: str
    description: str
    repair: str
    source: str = ""
    identifiers: Mapping[str, str] = field(default_factory=dict[str, str])
    blocking: bool = True
    #: The table may legitimately have nothing to measure on a date with games (optional feeds).
    may_be_empty: bool = False


@dataclass(frozen=True)
class Measurement:
    """What a gate saw of one partition: things measured, things as expected, and a sample of the culprits."""

    expected: int
    actual: int
    violations: int
    sample: tuple[str, ...] = ()
    note: str = ""

    def joined(self, other: "Measurement") -> "Measurement":
        """Both measurements as one."""
        return Measurement(
            self.expected + other.expected,
            self.actual + other.actual,
            self.violations + other.violations,
            (*self.sample, *other.sample)[:SAMPLE_SIZE],
            "; ".join(note for note in (self.note, other.note) if note),
        )


@dataclass(frozen=True)
class Verdict:
    """A gate's judgement of one partition."""

    gate: Gate
    partition: str
    measurement: Measurement

    @property
    def passed(self) -> bool:
        """True when nothing violates the gate."""
        return self.measurement.violations == 0

    @property
    def is_red(self) -> bool:
        """Fails, and blocks the partition."""
        return not self.passed and self.gate.blocking

    @property
    def text(self) -> str:
        """``<gate>: <expected> vs <actual>, e.g. <culprits>``."""
        seen = self.measurement
        named = ", ".join(seen.sample[:NAMED_IN_MESSAGE])
        detail = f", e.g. {named}" if named else ""
        return f"{self.gate.name}: {seen.expected} expected vs {seen.actual}{detail}"

    @property
    def metadata(self) -> dict[str, Any]:
        """Numbers, sample and what to do, as check metadata."""
        seen = self.measurement
        shown: dict[str, Any] = {
            "expected": seen.expected,
            "actual": seen.actual,
            "violations": seen.violations,
        }
        if seen.note:
            shown["note"] = seen.note
        if not self.passed:
            shown[CAUSE] = "\n".join(seen.sample)
            shown["sample_truncated"] = seen.violations > len(seen.sample)
            shown["what_to_do"] = self.gate.repair
        return shown


def judge(gate: Gate, measured: Mapping[str, Measurement], partitions: Iterable[str]) -> list[Verdict]:
    """Verdicts for exactly ``partitions``.

    Raises:
        GateNotMeasured: a partition has no measurement; a gate that did not run has not passed.
    """
    wanted = list(partitions)
    unmeasured = [partition for partition in wanted if partition not in measured]
    if unmeasured:
        raise GateNotMeasured(f"gate {gate.name} gave no measurement for {unmeasured[:NAMED_IN_MESSAGE]}")
    return [Verdict(gate, partition, measured[partition]) for partition in wanted]


def all_measured(violations: int, total: int, culprits: Sequence[str] = (), note: str = "") -> Measurement:
    """A measurement of ``total`` things of which ``violations`` are wrong."""
    return Measurement(total, total - violations, violations, tuple(culprits[:SAMPLE_SIZE]), note)


def upstream_gate(repair: str) -> Gate:
    """The admission gate: every upstream partition that this one reads is published and green."""
    return Gate(
        UPSTREAM_GATE,
        "Every upstream partition that is read here is published and its gates are green.",
        repair,
    )


def history_gate(*, blocking: bool = True) -> Gate:
    """The second admission gate, of tables that read earlier dates."""
    return Gate(
        HISTORY_GATE,
        "The earlier dates that are read here are published and green, as far as the mode of the run asks for them.",
        "Build the named dates of the named table first, oldest first.",
        blocking=blocking,
    )


def read_back_gate() -> Gate:
    """The publish gate: what was published is exactly what was staged."""
    return Gate(
        READ_BACK_GATE,
        "Read back after publishing, the partition equals what was staged: nothing lost, nothing twice.",
        "No data was changed. Look for another writer of the table, then run the partition again.",
    )
