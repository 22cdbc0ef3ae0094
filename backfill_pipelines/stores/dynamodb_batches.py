"""Batches of DynamoDB: chunks within the limits, and unprocessed parts tried again with full jitter.

One chunk is one call until nothing is left of it; the call, the sleep and the randomness come from outside.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from backfill_pipelines.stores.item_errors import ItemStoreError, NoAnswer, Throttled

#: 25 items of at most 400 KB are 10 MB: a request of DynamoDB's 16 MB limit is never reached.
WRITES_PER_CALL = 25
KEYS_PER_CALL = 100
MOST_ROUNDS = 10

_FIRST_WAIT_SECONDS = 0.05
_LONGEST_WAIT_SECONDS = 20.0

Part = TypeVar("Part")


@dataclass(frozen=True)
class Jitter:
    """Full jitter: a wait anywhere between nothing and a bound that doubles."""

    sleep: Callable[[float], None]
    uniform: Callable[[float, float], float]

    def wait(self, attempt: int) -> None:
        """Wait before the given attempt, the second being 1."""
        self.sleep(self.uniform(0.0, min(_LONGEST_WAIT_SECONDS, _FIRST_WAIT_SECONDS * 2.0**attempt)))


@dataclass(frozen=True)
class Rounds:
    """What is left of a chunk, how many of its rounds were refused at least a part, and the last round's error."""

    rest: list[Any]
    throttles: int
    error: ItemStoreError | None = None


def chunks(parts: Sequence[Part], size: int) -> Iterator[list[Part]]:
    """The parts, ``size`` at a time."""
    for start in range(0, len(parts), size):
        yield list(parts[start : start + size])


def until_processed(parts: list[Any], call: Callable[[list[Any]], list[Any]], jitter: Jitter) -> Rounds:
    """Call with what is left until nothing is left or the rounds are used up.

    ``call`` gives back what the service did not process. A throttled call has processed nothing, and after one
    without an answer everything is sent again: so ``call`` must be one that may be repeated.
    """
    rest, throttles, error = parts, 0, None
    for attempt in range(MOST_ROUNDS):
        if attempt:
            jitter.wait(attempt)
        try:
            rest, error = call(rest), None
        except (Throttled, NoAnswer) as raised:
            error = raised
        if not rest:
            return Rounds([], throttles)
        throttles += not isinstance(error, NoAnswer)
    return Rounds(rest, throttles, error)


def distinct(keys: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The keys without repetitions, which one call refuses; key values are S, N or B."""
    return list({identity(key): dict(key) for key in keys}.values())


def identity(key: Mapping[str, Any]) -> tuple[tuple[str, str, Any], ...]:
    """A key as a value that can be compared and hashed."""
    return tuple(sorted((name, *next(iter(value.items()))) for name, value in key.items()))
