"""A benchmark that is ended leaves nothing behind: no server, no child, no folder."""

import os
import shutil
import signal
import threading
from collections.abc import Callable
from pathlib import Path

_ENDS: list[Callable[[], object]] = []


def ended_with_us(end: Callable[[], object]) -> None:
    """Call this when the process is ended; it may be called when there is nothing left to end."""
    _ENDS.append(end)


def leave_nothing_when_ended(folder: Path) -> None:
    """End servers and children on SIGINT and SIGTERM, remove the folder, and end this process.

    Dagster puts its own handlers in place of ours while it runs, and looks at a signal when it has the time: so a
    thread is told of every signal by Python itself.
    """
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    for name in (signal.SIGINT, signal.SIGTERM):
        # The main thread waits for the end, and does not report what it takes away.
        signal.signal(name, lambda *_: threading.Event().wait())

    def end() -> None:
        number = os.read(reader, 1)[0]
        for one in _ENDS:
            one()
        shutil.rmtree(folder, ignore_errors=True)
        os._exit(128 + number)

    threading.Thread(target=end, name="end", daemon=True).start()
