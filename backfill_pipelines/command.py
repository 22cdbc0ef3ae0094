"""Where the ``backfill`` command starts and ends; what it can do is in ``cli``."""

import atexit
import os
import sys
import threading
from contextlib import suppress
from typing import NoReturn

from backfill_pipelines.backfill.garbage import no_collections_while_starting


def main() -> NoReturn:
    """Load the commands, run the one that was typed, and leave with its exit code."""
    with no_collections_while_starting():
        from backfill_pipelines.cli import app
    code: object = 0
    try:
        app()
    except SystemExit as ended:
        code = ended.code
    leave(code)


def leave(code: object = 0) -> NoReturn:
    """End the process as Python would, without taking apart every module first, which takes most of a second.

    Threads are waited for, what was registered for the end is done, what was printed is written.
    """
    threading._shutdown()  # noqa: SLF001 # type: ignore[attr-defined] - there is no public way to the same
    atexit._run_exitfuncs()  # noqa: SLF001
    if not isinstance(code, int | None):
        print(code, file=sys.stderr)  # noqa: T201
    with suppress(BrokenPipeError):
        sys.stdout.flush()
    with suppress(BrokenPipeError):
        sys.stderr.flush()
    os._exit(code if isinstance(code, int) else int(code is not None))
