"""Why a run failed: the failure of its first step, found in one way. How it is worded is the caller's.

A run is worded for a person at a terminal in ``runner``, for a ledger by its system.
"""

import dagster as dg
from dagster._core.execution.plan.objects import StepFailureData


def step_failure(result: dg.ExecuteInProcessResult) -> tuple[str, StepFailureData] | None:
    """What the first failed step said of itself, empty when it crashed, and its data; None when no step began."""
    for event in result.all_events:
        if event.is_step_failure:
            data = event.step_failure_data
            return (data.user_failure_data.description or "" if data.user_failure_data else ""), data
    return None
