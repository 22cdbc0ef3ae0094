"""Gaps: which expected partitions are not complete, which of them are due, and how they join into ranges.

Planning only, on plain data. ``gap_sensor`` reads the state of the instance and turns requests into runs.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta


@dataclass(frozen=True)
class GapPolicy:
    """How hard a sensor tries. Sizes count partitions of one asset."""

    partitions_per_run: int = 60
    partitions_per_tick: int = 300
    partitions_per_day: int = 2000
    most_attempts: int = 5
    first_wait: timedelta = timedelta(minutes=10)
    longest_wait: timedelta = timedelta(hours=24)

    def wait_after(self, attempts: int) -> timedelta:
        """How long a partition rests after so many failed attempts: doubling, up to the longest wait."""
        doublings = min(20, max(0, attempts - 1))  # more would overflow a timedelta
        return min(self.longest_wait, self.first_wait * 2**doublings)


@dataclass(frozen=True)
class Failures:
    """Failed attempts of a partition since it was last complete."""

    attempts: int
    last_at: datetime


def one_group(partition: str) -> str:  # noqa: ARG001
    """The group of partitions that have no groups."""
    return ""


@dataclass(frozen=True)
class AssetState:
    """One asset as the instance knows it."""

    name: str
    #: Every partition key of the definition, in order: neighbours here may share a run.
    all_partitions: Sequence[str]
    expected: Sequence[str]
    complete: frozenset[str]
    failures: Mapping[str, Failures] = field(default_factory=dict[str, Failures])
    #: Missing partitions whose upstream, history or phase gate is not green yet.
    blocked: frozenset[str] = frozenset()
    #: Partitions of different groups (of a dimension that a run holds constant) never share a run.
    run_group: Callable[[str], str] = one_group


@dataclass(frozen=True)
class GapRequest:
    """One range of consecutive partitions to run, both ends included."""

    asset: str
    first: str
    last: str
    size: int


@dataclass
class GapPlan:
    """What to run now, and what was seen."""

    requests: list[GapRequest] = field(default_factory=list[GapRequest])
    seen: list[str] = field(default_factory=list[str])

    @property
    def size(self) -> int:
        """Partitions requested."""
        return sum(request.size for request in self.requests)


def plan_gaps(states: Sequence[AssetState], policy: GapPolicy, now: datetime, *, requested_today: int) -> GapPlan:
    """Requests for the due gaps of the assets, in the assets' order, oldest partition first, within the caps."""
    plan = GapPlan()
    for state in states:
        budget = min(policy.partitions_per_tick - plan.size, policy.partitions_per_day - requested_today - plan.size)
        due, text = _due(state, policy, now)
        chosen = due[: max(0, budget)]
        ranges = consecutive(chosen, state.all_partitions, policy.partitions_per_run, state.run_group)
        plan.requests += [GapRequest(state.name, keys[0], keys[-1], len(keys)) for keys in ranges]
        held = len(due) - max(0, min(budget, len(due)))
        plan.seen.append(f"{text}, {len(due) - held} requested" + (f", {held} over the cap" if held else ""))
    return plan


def _due(state: AssetState, policy: GapPolicy, now: datetime) -> tuple[list[str], str]:
    """Partitions to run now, oldest first, and a sentence that accounts for all expected ones."""
    gaps = [key for key in state.expected if key not in state.complete]
    given_up = [k for k in gaps if k in state.failures and state.failures[k].attempts >= policy.most_attempts]
    waiting = [
        key
        for key in gaps
        if key in state.failures
        and key not in given_up
        and now < state.failures[key].last_at + policy.wait_after(state.failures[key].attempts)
    ]
    blocked = [key for key in gaps if key in state.blocked and key not in waiting and key not in given_up]
    due = [key for key in gaps if key not in {*given_up, *waiting, *blocked}]
    text = (
        f"{state.name}: {len(state.expected)} expected, {len(state.expected) - len(gaps)} complete, "
        f"{len(waiting)} failed and resting, {len(given_up)} given up after {policy.most_attempts} attempts, "
        f"{len(blocked)} waiting for upstream or gate"
    )
    return sorted(due), text


def consecutive(
    keys: Sequence[str], all_keys: Sequence[str], longest: int, group_of: Callable[[str], str] = one_group
) -> list[list[str]]:
    """Keys joined into runs of neighbours in ``all_keys`` of one group, each at most ``longest`` long."""
    position = {key: index for index, key in enumerate(all_keys)}
    ranges: list[list[str]] = []
    for key in sorted(keys, key=position.__getitem__):
        newest = ranges[-1] if ranges else None
        follows = newest and position[key] == position[newest[-1]] + 1 and group_of(key) == group_of(newest[-1])
        if newest and follows and len(newest) < longest:
            newest.append(key)
        else:
            ranges.append([key])
    return ranges
