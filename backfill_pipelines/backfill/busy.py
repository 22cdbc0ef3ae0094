"""Who else is at work on the same assets: backfills and runs that are under way, in words; and who only seems to be."""

import os
import socket
from collections.abc import Sequence

import dagster as dg
from dagster._core.execution.backfill import BulkActionStatus
from dagster._core.storage.dagster_run import NOT_FINISHED_STATUSES
from dagster._core.storage.tags import BACKFILL_ID_TAG

#: Tags of a run of the command line, which has no asset selection: its asset, and the process it lives in.
ASSET_TAG = "backfill/asset"
PROCESS_TAG = "backfill/process"


def this_process() -> str:
    """What ``PROCESS_TAG`` says of a run in this process."""
    return f"{socket.gethostname()}:{os.getpid()}"


def busy_with(instance: dg.DagsterInstance, keys: Sequence[dg.AssetKey], asking: dg.DagsterRun | None = None) -> str:
    """The backfill or run of the same assets that is under way, in words; empty when there is none.

    The run that asks does not count, nor the backfill that it is part of.
    """
    wanted = set(keys)
    own_backfill = asking.tags.get(BACKFILL_ID_TAG) if asking else None
    for status in (BulkActionStatus.REQUESTED, BulkActionStatus.CANCELING):
        for backfill in instance.get_backfills(status=status):
            if backfill.backfill_id != own_backfill and wanted & set(backfill.asset_selection or ()):
                return f"backfill {backfill.backfill_id} of the same assets is {status.value.lower()}"
    for run in instance.get_runs(dg.RunsFilter(statuses=NOT_FINISHED_STATUSES)):
        if (asking is None or run.run_id != asking.run_id) and wanted & _assets(run) and not _is_gone(run):
            return f"run {run.run_id} of the same assets is {run.status.value.lower()}"
    return ""


def end_dead_runs(instance: dg.DagsterInstance) -> list[str]:
    """Mark the runs of commands whose process was killed as failed; their ids.

    Nobody else does: such a run has no worker that Dagster looks after. It would be under way for ever, and where runs
    go one at a time no run of the UI would ever leave the queue.
    """
    dead = [run for run in instance.get_runs(dg.RunsFilter(statuses=NOT_FINISHED_STATUSES)) if _is_gone(run)]
    for run in dead:
        process = run.tags[PROCESS_TAG]
        instance.report_run_failed(
            run,
            f"The process of this run, {process}, is gone: it was killed. What it had published stays. Repair: give "
            "its command again; what is published is not computed twice",
        )
    return [run.run_id for run in dead]


def _assets(run: dg.DagsterRun) -> set[dg.AssetKey]:
    named = run.tags.get(ASSET_TAG)
    return set(run.asset_selection or ()) | ({dg.AssetKey(named.split("/"))} if named else set[dg.AssetKey]())


def _is_gone(run: dg.DagsterRun) -> bool:
    """A run of the command line whose process was killed: Dagster never hears of its end."""
    host, _, pid = run.tags.get(PROCESS_TAG, "").rpartition(":")
    if host != socket.gethostname():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False  # it lives, as somebody else's
    return False
