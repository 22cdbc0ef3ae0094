"""The run queue: runs of a launched backfill wait for live ones. Named in ``dagster.yaml``.

Who launches a backfill in the UI would have to remember the tag; a run's priority cannot be changed once it is queued.
"""

from dagster._core.run_coordinator import QueuedRunCoordinator, SubmitRunContext
from dagster._core.storage.dagster_run import DagsterRun
from dagster._core.storage.tags import BACKFILL_ID_TAG, PRIORITY_TAG

#: Priority of a run that fills history; a live run has 0.
BACKFILL_PRIORITY = "-10"


class BackfillsLast(QueuedRunCoordinator):
    """Dagster's run queue, in which a backfill's run without a priority of its own comes after live runs."""

    def submit_run(self, context: SubmitRunContext) -> DagsterRun:
        """Queue a run."""
        run = context.dagster_run
        if BACKFILL_ID_TAG in run.tags and PRIORITY_TAG not in run.tags:
            self._instance.add_run_tags(run.run_id, {PRIORITY_TAG: BACKFILL_PRIORITY})
        return super().submit_run(context)
