"""What the commands share: the console, the exit codes, how an expected error is shown, how a date is read."""

import errno
import sys
from collections.abc import Callable
from datetime import date
from functools import wraps
from typing import Any

import typer
from rich.console import Console
from rich.markup import escape

from backfill_pipelines.backfill.failures import BackfillError

console = Console(width=None if sys.stdout.isatty() else 160)

#: Exit codes: something is red; the command could not do its work; work waits for budget or quota; it was stopped.
RED, BROKEN, PARKED, STOPPED = 1, 2, 3, 4


def reported(command: Callable[..., None]) -> Callable[..., None]:
    """Expected errors as one message and exit code 2, without a traceback."""

    @wraps(command)
    def run(*args: Any, **kwargs: Any) -> None:
        try:
            command(*args, **kwargs)
        except BackfillError as error:
            show_error(error)
            raise typer.Exit(BROKEN) from error
        except OSError as error:
            if error.filename is None and error.errno != errno.ENOSPC:
                raise  # a pipe that nobody reads, a connection: not about a file
            # A full disk, a folder without rights, a path that is none: nothing of ours, and no traceback helps.
            show_error(error, ". Repair: look at the path, its rights and the room on its disk")
            raise typer.Exit(BROKEN) from error

    return run


def show_error(error: Exception, repair: str = "") -> None:
    """An expected error: what kind it is, and what it says; ``repair`` follows where it names none itself."""
    console.print(f"[red]{type(error).__name__}:[/red] {escape(str(error))}{repair}", highlight=False)


def day_of(text: str) -> date:
    """A date as the operator writes it.

    Raises:
        BackfillError: it is none.
    """
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise BackfillError(f"{text!r} is no date. Repair: write it as YYYY-MM-DD") from error
