"""Python's garbage collector while a program starts and while a range is worked on."""

import atexit
import gc
from collections.abc import Generator
from contextlib import contextmanager

#: Objects made and not gone between two looks; Python's own number is 700 or 2,000.
_RARE = 70_000


@contextmanager
def rare_collections() -> Generator[None]:
    """Look for garbage cycles a hundred times less often: a tenth of the time of a range goes there otherwise.

    Rows and events are many long-lived objects and no cycles.
    """
    before = gc.get_threshold()
    gc.set_threshold(max(before[0], _RARE), *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


@contextmanager
def no_collections_while_starting() -> Generator[None]:
    """Look for no garbage while modules are loaded, and never again at what they left: all of it stays.

    A fifth of the time in which a command starts, and a tenth of a short run, goes there otherwise.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
        # The last look, at the end, is at everything: DuckDB complains of what is left.
        atexit.register(gc.unfreeze)
