"""Restart, clean-up and backups as the settings of the deployment make them: where settings meet the operations."""

from collections.abc import Mapping
from typing import Any

from backfill_pipelines.backfill.busy import PROCESS_TAG, this_process
from backfill_pipelines.backfill.failures import BackfillError
from backfill_pipelines.backfill.run_mode import CLI_TAG
from backfill_pipelines.coffee.backup_manifest import BackupFolder
from backfill_pipelines.coffee.backups import Backups
from backfill_pipelines.coffee.operation_jobs import RESOURCES, BackupSettings, build_operation_job, op_name
from backfill_pipelines.coffee.operations import Report
from backfill_pipelines.runner import QUIET, failure_text, open_instance
from backfill_pipelines.settings import Settings
from backfill_pipelines.stores.resources import build_postgres, build_resources


def build_backups(settings: Settings) -> Backups:
    """The backups of the coffee database; nothing is opened."""
    return Backups(build_postgres(settings), BackupFolder(settings.backups_folder))


def build_backup_settings(settings: Settings) -> BackupSettings:
    """Where backups are kept, as a resource."""
    return BackupSettings(folder=str(settings.backups_folder))


def operation_resources(settings: Settings) -> dict[str, Any]:
    """Every resource that the jobs ask for."""
    found = {**build_resources(settings), "backups": build_backup_settings(settings)}
    return {name: found[name] for name in sorted(RESOURCES)}


def operate(settings: Settings, job: str, config: Mapping[str, Any], *, asked_by: str) -> Report:
    """Run a job in this process, on the persistent instance, so that the UI shows it afterwards.

    Raises:
        BackfillError: what it was refused or stopped with.
    """
    told: list[Report | BackfillError] = []
    with open_instance(settings) as instance:
        result = build_operation_job(job, told.append).execute_in_process(
            run_config={**QUIET, **({"ops": {op_name(job): {"config": dict(config)}}} if config else {})},
            instance=instance,
            resources=operation_resources(settings),
            tags={CLI_TAG: "true", PROCESS_TAG: this_process(), "user": asked_by},
            raise_on_error=False,
        )
    match told:
        case [Report() as report]:
            return report
        case [BackfillError() as error]:
            raise error
    raise BackfillError(f"{job} did not end: {failure_text(result)}. Repair: run the same command again")
