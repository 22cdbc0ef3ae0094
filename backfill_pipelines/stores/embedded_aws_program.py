"""The program of the embedded AWS server: ministack, which answers as it does, in less than half of its time.

Runs in the server's own environment, with nothing of this project in reach. The server looks at each number of an item
up to ten times, and at each item of a write seven times, by functions of nothing but their content; they are three
quarters of what a batch of writes takes it. Here a number that is in its one spelling is known by its looks, and what
was found of an item is kept for the one request that brought it.
"""

import functools
import re
from collections.abc import Callable, Mapping
from typing import Any

from ministack.app import main  # pyright: ignore[reportMissingImports] - of the server's own environment
from ministack.services import dynamodb  # pyright: ignore[reportMissingImports]

#: A number without exponent, sign of a zero, and zeros that say nothing; DynamoDB keeps up to 38 digits of it.
_SPELLED = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]*[1-9])?", re.ASCII)
_MOST_DIGITS = 38


def is_spelled(text: Any) -> bool:
    """Whether a number is as the server would spell it."""
    return type(text) is str and len(text) <= _MOST_DIGITS and _SPELLED.fullmatch(text) is not None and text != "-0"


def of_other_numbers(function: Callable[[Any], Any], answer: Callable[[str], Any]) -> Callable[[Any], Any]:
    """A function that is asked only about numbers whose answer is not known by their looks."""
    return functools.wraps(function)(lambda text: answer(text) if is_spelled(text) else function(text))


class OneRequest:
    """What is known of the values and items of the request at hand; they are held, so that none takes another's id."""

    def __init__(self) -> None:
        self._sizes: dict[int, tuple[int, Any]] | None = None
        self._valid: dict[int, tuple[Any, Any]] | None = None

    def handling(self, handle: Callable[[Any], Any]) -> Callable[[Any], Any]:
        """A handler whose items do not change once they are found to be valid."""

        @functools.wraps(handle)
        def handled(request: Any) -> Any:
            self._sizes, self._valid = {}, {}
            try:
                return handle(request)
            finally:
                self._sizes = self._valid = None

        return handled

    def measuring(self, measure: Callable[[Any], int], measure_value: Callable[[Any], int]) -> Callable[[Any], int]:
        """The size of an item, each of its values measured once."""

        @functools.wraps(measure)
        def measured(item: Any) -> int:
            known = self._sizes
            if known is None or not isinstance(item, Mapping):
                return measure(item)
            total = 0
            for name, value in item.items():
                found = known.get(id(value))
                if found is None:
                    found = known[id(value)] = (measure_value(value), value)
                total += len(name.encode()) + found[0]
            return total

        return measured

    def validating(self, fault_of: Callable[..., Any]) -> Callable[..., Any]:
        """What is wrong with an item; what nothing was wrong with is not looked at again."""

        @functools.wraps(fault_of)
        def fault(item: Any, *rules: Any, **named: Any) -> Any:
            known, by = self._valid, (rules, named)
            if known is not None and id(item) in known and known[id(item)][1] == by:
                return None
            found = fault_of(item, *rules, **named)
            if found is None and known is not None:
                known[id(item)] = (item, by)
            return found

        return fault


def hasten() -> None:
    """Put these in the place of the server's own."""
    measure_value = dynamodb._attribute_value_size  # noqa: SLF001 - the pinned version has no public one
    request = OneRequest()
    places: Mapping[str, Callable[[Any], Any]] = {
        "_ddb_canonicalize_number": lambda own: of_other_numbers(own, lambda text: text),
        "_number_error": lambda own: of_other_numbers(own, lambda _: None),
        "_item_size_bytes": lambda own: request.measuring(own, measure_value),
        "_validate_item": request.validating,
        "_batch_write_item": request.handling,
        "_put_item": request.handling,
    }
    for name, made in places.items():
        setattr(dynamodb, name, made(getattr(dynamodb, name)))


if __name__ == "__main__":
    hasten()
    main()
