"""Ratios that stop a run at its next checkpoint: once they are proven too high, going on only makes more to clean up.

They are the wave's gates, by name and threshold, and cumulative over the plan as those are: a small wave proves
nothing by itself.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

from backfill_pipelines.receipts.keys import RecordKey
from backfill_pipelines.receipts.ledger import Entry, Settlement
from backfill_pipelines.receipts.outcomes import WRITTEN, Outcome, Reason
from backfill_pipelines.receipts.ratio_gates import RatioVerdict, judge
from backfill_pipelines.receipts.wave_gates import NAME_ADDRESS, THRESHOLDS, WITHOUT_PLACE_RATIO, WRITE_ERROR_RATE

_FAILED, _WITHOUT_PLACE, _WRITTEN, _SUSPICIOUS, _ALL = "failed", "without_place", "written", "suspicious", "all"


class StopRules:
    """Counts the outcomes of a plan, and says which ratio is proven to be too high."""

    def __init__(
        self,
        tally: Mapping[tuple[Outcome, str, bool], int] | None = None,
        known: Mapping[RecordKey, Entry] | None = None,
        *,
        population: int | None = None,
        accepted: int = 0,
    ) -> None:
        """Begin with what the ledger says.

        Args:
            tally: Records of the whole plan by outcome, reason and suspicion.
            known: The rows of the records that this run may settle anew: they count once, with their latest outcome.
            population: How many records the plan has; all of them measured, the plain ratio decides.
            accepted: How many records without a place a decision has accepted by name.
        """
        self._population = population
        self._accepted = accepted
        self._counts: Counter[str] = Counter()
        for (outcome, reason, is_suspicious), number in (tally or {}).items():
            self._count(outcome, reason, number, is_suspicious=is_suspicious)
        self._latest: dict[RecordKey, Entry | Settlement] = {k: e for k, e in (known or {}).items() if e.outcome}

    def count(self, settlements: Sequence[Settlement]) -> None:
        """Count outcomes."""
        for one in settlements:
            if before := self._latest.get(one.key):
                self._count_one(before, -1)
            self._count_one(one, 1)
            self._latest[one.key] = one

    def broken(self, *, with_suspicions: bool = True) -> str:
        """The first ratio whose lower bound is beyond its threshold, in words; empty while there is none.

        Suspicious places are a reason to go no further, and no fault of what was written: the wave gate judges them.
        """
        counts = self._counts
        without = counts[_WITHOUT_PLACE] - self._accepted
        rules = (
            (WRITE_ERROR_RATE, counts[_FAILED], counts[_ALL]),
            (WITHOUT_PLACE_RATIO, max(0, without), counts[_ALL]),
            (NAME_ADDRESS, counts[_SUSPICIOUS], counts[_WRITTEN]),
        )
        for name, failures, measured in rules if with_suspicions else rules[:-1]:
            is_whole = measured == self._population
            found = judge(failures, measured, THRESHOLDS[name], is_whole_population=is_whole)
            if found.verdict is RatioVerdict.FAIL:
                return f"{name} {found}"
        return ""

    def _count_one(self, one: Entry | Settlement, number: int) -> None:
        if one.outcome is not None:
            self._count(one.outcome, one.reason, number, is_suspicious=one.is_suspicious)

    def _count(self, outcome: Outcome, reason: str, number: int, *, is_suspicious: bool) -> None:
        """A quarantined record, and one whose place is another's, has no place of its own."""
        is_without = outcome is Outcome.QUARANTINED or reason == Reason.EXISTING_CONFLICT
        self._counts[_ALL] += number
        self._counts[_FAILED] += number * (outcome is Outcome.FAILED)
        self._counts[_WITHOUT_PLACE] += number * is_without
        self._counts[_WRITTEN] += number * (outcome in WRITTEN)
        self._counts[_SUSPICIOUS] += number * (outcome in WRITTEN and is_suspicious)
