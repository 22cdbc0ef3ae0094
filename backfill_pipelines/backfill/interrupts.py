"""Ctrl-C and cancelled runs: a gated run that is interrupted ends there, and is not begun again by its retry policy.

Dagster takes an interrupt for an error like any other and tries the step again, so that whoever stops a command would
only restart it. What a run has published before stays; what a store was doing is its target's business.
"""

from collections.abc import Generator
from contextlib import contextmanager

import dagster as dg

#: How the description of such a run begins.
INTERRUPTED = "INTERRUPTED"
#: What is raised in the middle of a run: Ctrl-C, or a run that was cancelled in the UI.
INTERRUPTS = (KeyboardInterrupt, dg.DagsterExecutionInterruptedError)


def interrupted_text(detail: str) -> str:
    """What an interrupted run says; ``detail`` names the command that goes on."""
    return f"{INTERRUPTED} by the operator: {detail}"


@contextmanager
def ended_by_interrupts(key: dg.AssetKey) -> Generator[None, None, None]:
    """Let an interrupt end the run for good."""
    try:
        yield
    except INTERRUPTS as error:
        detail = (
            f"{key.to_user_string()}; published partitions stay as they are. Repair: give the same command again, or "
            "re-execute the run or backfill from failure in the UI"
        )
        raise dg.Failure(description=interrupted_text(detail), allow_retries=False) from error
