"""The next item is made while the last one is used, in order, with its errors in their place."""

import threading
from collections.abc import Iterator

import pytest

from backfill_pipelines.coffee.ahead import ahead


def test_items_come_in_order_and_the_next_is_made_meanwhile() -> None:
    made = [threading.Event() for _ in range(4)]

    def numbers() -> Iterator[int]:
        for number in range(3):
            yield number
            made[number + 1].set()

    found = []
    for number in ahead(numbers()):
        assert made[number + 1].wait(60), "the next one is asked for before this one is done with"
        found.append(number)
    assert found == [0, 1, 2]


def test_an_error_of_the_making_is_raised_after_the_items_before_it() -> None:
    def numbers() -> Iterator[int]:
        yield 1
        raise ValueError("broken")

    found = []
    with pytest.raises(ValueError, match="broken"):
        found.extend(ahead(numbers()))
    assert found == [1]


def test_leaving_early_ends_the_thread() -> None:
    for number in ahead(range(100)):
        if number == 3:
            break
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("ahead") and thread.is_alive()]
