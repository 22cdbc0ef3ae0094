"""What a run did to each partition: state, rows, digest, verdicts, and the tally of a range."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from backfill_pipelines.backfill.gates import HISTORY_GATE, READ_BACK_GATE, UPSTREAM_GATE, Verdict


class State(StrEnum):
    """State of a (table, partition), judged against the expected set."""

    COMPLETE = "complete"
    EXPECTED_EMPTY = "expected_empty"
    PARTIAL = "partial"
    MISSING = "missing"
    QUARANTINED = "quarantined"
    #: Published from input that has been corrected since; part of an open repair.
    STALE = "stale"


class Decision(StrEnum):
    """What happened to the published data of a partition."""

    PUBLISHED = "published"
    ALREADY_DONE = "already_done"
    HELD_BACK = "held_back"
    REFUSED = "refused"
    #: Not brought to an end because it was asked for so (a dry run, a limit): neither green nor failed.
    LEFT_OPEN = "left_open"


@dataclass(frozen=True)
class StagedPartition:
    """One partition as computed, before any gate."""

    partition: str
    state: State
    rows: int
    digest: str
    reason: str = ""
    rows_expected: int | None = None
    quarantined: int = 0
    warnings: tuple[str, ...] = ()
    #: Deliberately unfinished: it is neither judged nor published, and what was said of it before stays.
    is_open: bool = False
    #: What the domain shows of it, beside the counts above.
    metadata: Mapping[str, Any] = field(default_factory=dict[str, Any])
    #: What the assets that are published together with this one hold, by asset name.
    companions: Mapping[str, "StagedPartition"] = field(default_factory=dict[str, "StagedPartition"])


@dataclass
class PartitionOutcome:
    """One partition at the end of a run."""

    partition: str
    decision: Decision
    staged: StagedPartition | None = None
    verdicts: list[Verdict] = field(default_factory=list[Verdict])

    @property
    def is_green(self) -> bool:
        """Published as judged, now or before."""
        return self.decision in (Decision.PUBLISHED, Decision.ALREADY_DONE)

    @property
    def is_left_open(self) -> bool:
        """Computed, and deliberately not brought to an end."""
        return self.staged is not None and self.staged.is_open

    @property
    def red(self) -> list[Verdict]:
        """The verdicts that block."""
        return [verdict for verdict in self.verdicts if verdict.is_red]

    @property
    def failure_text(self) -> str:
        """Red gates in words, or why the partition is held without one.

        That it was not published follows from any other red gate, so it is said only when it stands alone.
        """
        causes = [v for v in self.red if v.gate.name != READ_BACK_GATE] or self.red
        return "; ".join(v.text for v in causes) or "held back behind an earlier red partition"


@dataclass(frozen=True)
class RangeOutcome:
    """All partitions of one range run."""

    partitions: Mapping[str, PartitionOutcome]

    @property
    def green(self) -> list[str]:
        """Partitions that are published."""
        return [key for key, outcome in self.partitions.items() if outcome.is_green]

    @property
    def failed(self) -> list[PartitionOutcome]:
        """Partitions that should be and are not."""
        outcomes = self.partitions.values()
        return [one for one in outcomes if not one.is_green and one.decision is not Decision.LEFT_OPEN]

    @property
    def tally(self) -> Counter[str]:
        """Counts by decision."""
        return Counter(str(outcome.decision) for outcome in self.partitions.values())

    @property
    def red_gates(self) -> Counter[str]:
        """In how many partitions each gate is red."""
        return Counter(verdict.gate.name for outcome in self.partitions.values() for verdict in outcome.red)


def failure_message(
    asset: str,
    failed: Iterable[PartitionOutcome],
    total: int,
    *,
    shown: int = 20,
    repair: Callable[[Sequence[str]], str] | None = None,
) -> str:
    """The text of a failed range run: partitions, reasons, and the command that repairs them.

    ``repair`` gives a domain's own command for some partitions; the default names an asset and dates.
    """
    found = list(failed)
    lines = [f"{len(found)} of {total} partitions of {asset} failed; the others are published."]
    lines += list(_by_cause(found[:shown]))
    if len(found) > shown:
        lines.append(f"  ... and {len(found) - shown} more")
    partitions = [outcome.partition for outcome in found[:shown]]
    dates = " ".join(f"--date {partition}" for partition in partitions)
    command = repair(partitions) if repair else f"backfill run {asset} {dates}"
    lines += [f"What to do about {name}: {repair}" for name, repair in _to_do(found).items()]
    lines.append(f"Repair: mend the cause, then: {command}")
    return "\n".join(lines)


def _to_do(failed: Iterable[PartitionOutcome]) -> dict[str, str]:
    """What each red gate says to do; admission names the command that mends it, and the read-back only follows."""
    told = (UPSTREAM_GATE, HISTORY_GATE, READ_BACK_GATE)
    verdicts = (verdict for outcome in failed for verdict in outcome.red)
    return {verdict.gate.name: verdict.gate.repair for verdict in verdicts if verdict.gate.name not in told}


def _by_cause(failed: Iterable[PartitionOutcome]) -> Iterator[str]:
    """One line for each cause, with the partitions that share it."""
    causes: dict[str, list[str]] = {}
    for outcome in failed:
        causes.setdefault(outcome.failure_text, []).append(outcome.partition)
    for cause, partitions in causes.items():
        yield f"  {', '.join(partitions)}: {cause}"
