"""Is the embedding of a run's images done, under way, or stuck? Judged on samples of what is left. Pure functions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from backfill_pipelines.receipts.ratio_gates import RatioVerdict as DrainVerdict

__all__ = ["Left", "Sample", "judge_samples", "samples_text"]

#: So many samples in a row without a fall are a stall.
STALL_SAMPLES = 3


@dataclass(frozen=True)
class Left:
    """Lines and words, noise left out, that wait for their embedding, and those whose embedding failed."""

    lines: int = 0
    words: int = 0
    failed: int = 0

    @property
    def waiting(self) -> int:
        """Lines and words with the status NONE."""
        return self.lines + self.words

    @property
    def total(self) -> int:
        """All that is not as it is to be."""
        return self.waiting + self.failed

    def of_kind(self, kind: str) -> int:
        """What waits for the line or for the word workflow."""
        return {"line": self.lines, "word": self.words}[kind]

    def __add__(self, other: "Left") -> "Left":
        return Left(self.lines + other.lines, self.words + other.words, self.failed + other.failed)


@dataclass(frozen=True)
class Sample:
    """What was left at one moment, of the run's images; those without anything left are not named."""

    at: float
    images: Mapping[str, Left] = field(default_factory=dict[str, Left])

    @property
    def left(self) -> Left:
        """Of all images together."""
        return sum(self.images.values(), Left())


def judge_samples(samples: Sequence[Sample], spacing_seconds: float) -> DrainVerdict:
    """The verdict on samples that were taken after the executions had ended.

    Nothing left is a pass. What has not fallen over three samples will not; anything else is not known yet. A sample
    that comes sooner after the one before than ``spacing_seconds`` says nothing about falling.
    """
    if samples and samples[-1].left.total == 0:
        return DrainVerdict.PASS
    spaced: list[Sample] = []
    for sample in samples:
        if not spaced or sample.at - spaced[-1].at >= spacing_seconds:
            spaced.append(sample)
    totals = [sample.left.total for sample in spaced[-STALL_SAMPLES:]]
    is_stalled = len(totals) == STALL_SAMPLES and all(now >= before for before, now in pairwise(totals))
    return DrainVerdict.FAIL if is_stalled else DrainVerdict.NEED_MORE_DATA


def samples_text(samples: Sequence[Sample]) -> str:
    """The samples for people."""
    parts = [f"{one.left.waiting:,} NONE, {one.left.failed:,} FAILED" for one in samples[-STALL_SAMPLES:]]
    return "; ".join(parts) or "no sample was taken"
