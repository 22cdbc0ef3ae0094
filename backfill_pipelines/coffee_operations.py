"""Restart, clean-up and backups as the settings of the deployment make them: where settings meet the operations."""

from collections.abc import Mapping
from typing import Any

from backfill_pipelines.coffee.backup_manifest import BackupFolder
from backfill_pipelines.coffee.backups import Backups
from backfill_pipelines.coffee.operation_jobs import RESOURCES, BackupSettings, build_operation_job, op_name
from backfill_pipelines.coffee.operations import Report
from backfill_pipelines.runner import run_job
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
    ops = {op_name(job): {"config": dict(config)}} if config else {}
    return run_job(
        settings,
        lambda tell: build_operation_job(job, tell),
        ops,
        resources=operation_resources(settings),
        what=job,
        tags={"user": asked_by},
    )
