"""The two gates of an inventory: do its numbers add up, and is it about the table it should be about?"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from backfill_pipelines.receipts.keys import Malformed
from backfill_pipelines.receipts.manifest import Manifest, Totals
from backfill_pipelines.receipts.ratio_gates import RatioVerdict, judge

RECONCILES, MALFORMED_RATIO = "inventory_reconciles", "malformed_ratio"
MOST_MALFORMED = 0.01
_NAMED = 20

DESCRIPTIONS = {
    RECONCILES: "Metadata rows scanned = eligible + ineligible + malformed, counted in the files as read back; no "
    "record twice.",
    MALFORMED_RATIO: "Fewer than 1 % of the metadata rows cannot be told which receipt they are about; there is at "
    "least one row.",
}


@dataclass(frozen=True)
class Verdict:
    """What a gate says, and the numbers it rests on."""

    gate: str
    passed: bool
    text: str
    numbers: dict[str, Any] = field(default_factory=dict[str, Any])


def judge_inventory(manifest: Manifest, totals: Totals, malformed: Sequence[Malformed]) -> list[Verdict]:
    """Both verdicts, from the counts of the scan and those of the files."""
    return [judge_equation(manifest.scanned_metadata, totals), judge_malformed(manifest.scanned_metadata, malformed)]


def judge_equation(scanned: int, totals: Totals) -> Verdict:
    """Every scanned row is in the manifest once."""
    records = totals.eligible + totals.ineligible
    equation = (
        f"{scanned:,} scanned, {totals.eligible:,} eligible + {totals.ineligible:,} ineligible "
        f"+ {totals.malformed:,} malformed = {totals.rows:,}; {totals.distinct_keys:,} different records of {records:,}"
    )
    passed = scanned == totals.rows and records == totals.distinct_keys
    repair = "" if passed else ". Repair: run the inventory again; if it stays red, the files are not what was written"
    numbers = {"scanned_metadata": scanned, **vars(totals)}
    return Verdict(RECONCILES, passed, f"{equation}{repair}", numbers)


def judge_malformed(scanned: int, malformed: Sequence[Malformed]) -> Verdict:
    """The scan is of everything, so the plain ratio decides; of nothing it says nothing, which is red."""
    found = judge(len(malformed), scanned, MOST_MALFORMED, is_whole_population=True)
    lines = [str(found)]
    lines += [f"  {row.pk or '(no PK)'} {row.sk or '(no SK)'}: {row.reason}" for row in malformed[:_NAMED]]
    lines += [f"  ... and {len(malformed) - _NAMED:,} more"] if len(malformed) > _NAMED else []
    if not scanned:
        lines.append("  no metadata row at all. Repair: check BACKFILL_RECEIPTS_TABLE, region and account")
    elif found.verdict is not RatioVerdict.PASS:
        lines.append("  Repair: correct or delete these rows in the table, then run the inventory again")
    numbers = {"malformed": len(malformed), "scanned_metadata": scanned, "ratio": found.ratio}
    return Verdict(MALFORMED_RATIO, found.verdict is RatioVerdict.PASS, "\n".join(lines), numbers)
