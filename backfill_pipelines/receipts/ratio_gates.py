"""Verdicts on ratios: does a sample prove that fewer than so many of a hundred fail, that more do, or neither?"""

import math
from dataclasses import dataclass
from enum import StrEnum

#: Two-sided 95 %.
Z = 1.959964


class RatioVerdict(StrEnum):
    """What a count of failures says about a threshold."""

    PASS = "PASS"  # noqa: S105 - a verdict
    FAIL = "FAIL"
    NEED_MORE_DATA = "NEED_MORE_DATA"


@dataclass(frozen=True)
class Interval:
    """Where the true ratio is, with 95 % confidence."""

    lower: float
    upper: float


@dataclass(frozen=True)
class RatioJudgement:
    """A verdict with all that it rests on."""

    failures: int
    measured: int
    threshold: float
    is_whole_population: bool
    interval: Interval
    verdict: RatioVerdict

    @property
    def ratio(self) -> float:
        """Failures over measured; 0 when nothing was measured."""
        return self.failures / self.measured if self.measured else 0.0

    def __str__(self) -> str:
        shown = f"{self.failures:,} of {self.measured:,} ({self.ratio:.2%})"
        if self.is_whole_population:
            return f"{self.verdict}: {shown}, that is everything; allowed is less than {self.threshold:.2%}"
        bounds = f"{self.interval.lower:.2%} to {self.interval.upper:.2%}"
        return f"{self.verdict}: {shown}, so {bounds} with 95 % confidence; allowed is less than {self.threshold:.2%}"


def wilson(failures: int, measured: int) -> Interval:
    """The Wilson score interval; everything is possible when nothing was measured.

    Raises:
        ValueError: there are not as many failures as that.
    """
    if not 0 <= failures <= measured:
        raise ValueError(f"{failures} failures of {measured}")
    if measured == 0:
        return Interval(0.0, 1.0)
    ratio, z_squared = failures / measured, Z * Z
    scale = 1 + z_squared / measured
    centre = (ratio + z_squared / (2 * measured)) / scale
    half = Z * math.sqrt(ratio * (1 - ratio) / measured + z_squared / (4 * measured * measured)) / scale
    return Interval(max(0.0, centre - half), min(1.0, centre + half))


def judge(failures: int, measured: int, threshold: float, *, is_whole_population: bool = False) -> RatioJudgement:
    """Judge failures against a threshold; of a whole population nothing is left to guess, so its ratio decides."""
    interval = wilson(failures, measured)
    ratio = failures / measured if measured else 0.0
    bounds = Interval(ratio, ratio) if is_whole_population else interval
    return RatioJudgement(
        failures, measured, threshold, is_whole_population, interval, _verdict(bounds, measured, threshold)
    )


def _verdict(bounds: Interval, measured: int, threshold: float) -> RatioVerdict:
    if measured == 0:
        return RatioVerdict.NEED_MORE_DATA
    if bounds.upper < threshold:
        return RatioVerdict.PASS
    is_proven_bad = bounds.lower > threshold or bounds.lower == bounds.upper
    return RatioVerdict.FAIL if is_proven_bad else RatioVerdict.NEED_MORE_DATA


def judge_exact(failures: int) -> RatioVerdict:
    """The verdict of an integrity gate, whose threshold is zero: one failure is one too many, at once."""
    return RatioVerdict.FAIL if failures else RatioVerdict.PASS
