"""Python's garbage collector while a range is worked on."""

import gc
from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def rare_collections() -> Generator[None]:
    """Look for garbage cycles a hundred times less often: a tenth of the time of a range goes there otherwise.

    Rows and events are many long-lived objects and no cycles.
    """
    before = gc.get_threshold()
    gc.set_threshold(before[0] * 100, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
