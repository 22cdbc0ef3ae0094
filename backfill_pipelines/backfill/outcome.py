"""What a run did to each partition: state, rows, digest, verdicts, and the tally of a range."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from backfill_pipelines.backfill.gates import READ_BACK_GATE, Verdict


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
        """Partitions that are not."""
        return [outcome for outcome in self.partitions.values() if not outcome.is_green]

    @property
    def tally(self) -> Counter[str]:
        """Counts by decision."""
        return Counter(str(outcome.decision) for outcome in self.partitions.values())


def failure_message(asset: str, failed: Iterable[PartitionOutcome], total: int, *, shown: int = 20) -> str:
    """The text of a failed range run: partitions, reasons, and the command that repairs them."""
    found = list(failed)
    lines = [f"{len(found)} of {total} partitions of {asset} failed; the others are published."]
    lines += [f"  {outcome.partition}: {outcome.failure_text}" for outcome in found[:shown]]
    if len(found) > shown:
        lines.append(f"  ... and {len(found) - shown} more")
    dates = " ".join(f"--date {outcome.partition}" for outcome in found[:shown])
    lines.append(f"Repair: mend the cause, then: backfill run {asset} {dates}")
    return "\n".join(lines)
