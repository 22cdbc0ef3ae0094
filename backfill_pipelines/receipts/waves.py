"""Waves: the order of all work, and the ranges of buckets that are released one after the other."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from backfill_pipelines.receipts.keys import BUCKETS, RecordKey

CANARY_RECORDS = 100
CANARY_BATCH_SIZE = 50

_MOST_OF_THE_PILOT = 1000
_PILOT_SHARE = Decimal("0.05")
_NAMES = ("pilot", "initial", "major", "rest")


@dataclass(frozen=True)
class WaveShares:
    """Which share of all eligible records the middle waves take."""

    initial: Decimal = Decimal("0.075")
    major: Decimal = Decimal("0.35")

    def __post_init__(self) -> None:
        if not Decimal("0.05") <= self.initial <= Decimal("0.10"):
            raise ValueError(f"the initial wave takes 5 to 10 %, not {self.initial:%}")
        if not Decimal("0.20") <= self.major <= Decimal("0.50"):
            raise ValueError(f"the major wave takes 20 to 50 %, not {self.major:%}")


@dataclass(frozen=True)
class Wave:
    """A range of whole buckets, both ends included."""

    number: int
    name: str
    first_bucket: str
    last_bucket: str
    records: int
    batch_size: int

    @property
    def buckets(self) -> tuple[str, ...]:
        """Every bucket of the wave, in order."""
        return BUCKETS[BUCKETS.index(self.first_bucket) : BUCKETS.index(self.last_bucket) + 1]


BATCH_SIZES = (50, 50, 100, 200)


def canary(keys: Iterable[RecordKey]) -> tuple[RecordKey, ...]:
    """The records of the dry run before the first wave."""
    return tuple(sorted(keys)[:CANARY_RECORDS])


def targets(eligible: int, shares: WaveShares = WaveShares()) -> tuple[int, ...]:
    """How many records the waves up to each one should hold, in exact arithmetic: 0.35 of 20 is 7, not 8."""
    pilot = min(_MOST_OF_THE_PILOT, _part(eligible, _PILOT_SHARE))
    initial = pilot + _part(eligible, shares.initial)
    return pilot, initial, initial + _part(eligible, shares.major), eligible


def _part(eligible: int, share: Decimal) -> int:
    return math.ceil(eligible * share)


def plan_waves(
    eligible: Mapping[str, int],
    shares: WaveShares = WaveShares(),
    released: Sequence[Wave] = (),
) -> tuple[Wave, ...]:
    """Cut the buckets into four ranges that cover each of them once; released ranges stay what they are.

    A wave takes buckets until all waves so far hold their target, at least one, and leaves one for each later wave.
    """
    counts = [eligible.get(bucket, 0) for bucket in BUCKETS]
    if unknown := sorted(eligible.keys() - set(BUCKETS)):
        raise ValueError(f"no buckets: {', '.join(unknown)}")
    ends = [BUCKETS.index(wave.last_bucket) for wave in released]
    for number, target in list(enumerate(targets(sum(counts), shares)))[len(released) :]:
        first, last = (ends[-1] + 1 if ends else 0), len(BUCKETS) - len(_NAMES) + number
        ends.append(_end(counts, first, last, target) if number < len(_NAMES) - 1 else last)
    starts = [0, *(end + 1 for end in ends[:-1])]
    return tuple(
        Wave(number + 1, name, BUCKETS[first], BUCKETS[end], sum(counts[first : end + 1]), BATCH_SIZES[number])
        for number, (name, first, end) in enumerate(zip(_NAMES, starts, ends, strict=True))
    )


def _end(counts: Sequence[int], first: int, last: int, target: int) -> int:
    """The first bucket at which the target is reached; the last one allowed when it is not."""
    reached = sum(counts[:first])
    for at in range(first, last):
        reached += counts[at]
        if reached >= target:
            return at
    return last
