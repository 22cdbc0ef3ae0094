"""The command as a process: how it ends, and what it has done by then."""

import subprocess
import sys

import pytest

#: A command line in place of ours, with a thread, something for the end, and printed lines.
PROGRAM = """
import atexit, sys, threading, time
import typer
import backfill_pipelines.cli as cli
from backfill_pipelines.command import main

def work():
    time.sleep(0.3)
    print("thread")

def go(how: str):
    atexit.register(print, "end")
    threading.Thread(target=work).start()
    print("command")
    if how == "crash":
        raise RuntimeError("crash")
    raise {"ok": typer.Exit(0), "red": typer.Exit(1), "words": SystemExit("said")}[how]

cli.app = typer.Typer(pretty_exceptions_enable=False)
cli.app.command()(go)
main()
"""


@pytest.mark.parametrize(
    ("how", "code", "error"), [("ok", 0, ""), ("red", 1, ""), ("words", 1, "said"), ("crash", 1, "RuntimeError: crash")]
)
def test_a_command_ends_with_its_code_when_everything_is_done(how: str, code: int, error: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, how], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == code, done.stderr
    assert done.stdout.split() == ["command", "thread", "end"]
    assert (error in done.stderr) if error else not done.stderr


def test_a_reader_that_went_away_is_no_trace() -> None:
    done = subprocess.run(
        ["sh", "-c", f"{sys.executable} -c 'from backfill_pipelines.command import main; main()' --help | head -1"],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert "Traceback" not in done.stderr
