"""Restart, clean-up and backups as jobs that a person launches in the UI; each does nothing but show until ``apply``.

The commands of ``backfill coffee`` run the same jobs, so that what was done stands in the history of runs.
"""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import dagster as dg
from pydantic import Field

from backfill_pipelines.backfill.failures import BackfillError, SettingsError
from backfill_pipelines.coffee import backing_up, orphans, overriding, restart_check, restarting, superseding, undoing
from backfill_pipelines.coffee.backup_manifest import BackupFolder
from backfill_pipelines.coffee.backups import Backups
from backfill_pipelines.coffee.operations import OperationWorld, Report

RESOURCES = frozenset({"postgres", "artifacts", "notifier", "backups"})
BACKUP_JOB = "coffee_backup"
#: Told what came of it, by a command that runs the job.
Tell = Callable[[Report | BackfillError], None]


class BackupSettings(dg.ConfigurableResource):
    """Where backups are kept."""

    folder: str = Field(description="Folder of dumps and manifests.")


class ApplyConfig(dg.Config):
    """The safe default: only show."""

    apply: bool = Field(default=False, description="Do it. Without it nothing is changed.")


class PauseConfig(ApplyConfig):
    """Why the intake is paused."""

    reason: str = Field(default="", description="Why; schedules and sensors say it while they skip.")


class SupersedeConfig(ApplyConfig):
    """Which runs and artifacts are looked at."""

    roaster: str = Field(default="", description="Slug of a roaster.")
    day: str = Field(default="", description="Only this day, YYYY-MM-DD.")
    backfill_run: str = Field(default="", description="Only runs of this backfill.")
    token: str = Field(default="", description="The token that the dry run has printed.")


class OverridesConfig(ApplyConfig):
    """Whose overrides take effect."""

    roaster: str = Field(default="", description="Slug of a roaster; default: all.")


class RollbackConfig(ApplyConfig):
    """Which backfill is taken back."""

    run_id: str = Field(description="Id of the backfill.")


class DrillConfig(dg.Config):
    """Which backup is restored."""

    backup_id: str = Field(default="", description="Id of the backup; default: the newest.")


@dataclass(frozen=True)
class Operation:
    """One job: its name, what it does, what can be chosen."""

    name: str
    text: str
    #: None where there is nothing to choose.
    config: type[dg.Config] | None
    work: Callable[[OperationWorld, Any], Report]


def _superseded(world: OperationWorld, config: SupersedeConfig) -> Report:
    day = _day(config.day) if config.day else None
    run = id_of(config.backfill_run) if config.backfill_run else None
    which = superseding.Which(config.roaster, day, run)
    return superseding.supersede_failed(world, which, token=config.token, apply=config.apply)


OPERATIONS: Sequence[Operation] = (
    Operation(
        "coffee_pause_intake",
        "Keep schedules and sensors of the live intake from taking anything in; work under way finishes.",
        PauseConfig,
        lambda world, config: restarting.pause(world, reason=config.reason, apply=config.apply),
    ),
    Operation(
        "coffee_resume_intake",
        "Let schedules and sensors of the live intake take in again.",
        ApplyConfig,
        lambda world, config: restarting.resume(world, apply=config.apply),
    ),
    Operation(
        "coffee_reap_crashed",
        "End runs whose lease has run out as crashed, and let their partitions wait to be done again.",
        ApplyConfig,
        lambda world, config: restarting.reap_crashed(world, apply=config.apply),
    ),
    Operation(
        "coffee_supersede_failed",
        "Mark failed runs and invalid artifacts that a newer success of the same source and day has made irrelevant. "
        "Deletes nothing. Applying needs the token that the run without `apply` has printed.",
        SupersedeConfig,
        _superseded,
    ),
    Operation(
        "coffee_report_orphans",
        "Count and name rows that belong to nothing. Changes nothing; replay is the only repair.",
        None,
        lambda world, _: orphans.report_orphans(world),
    ),
    Operation(
        "coffee_verify_restart",
        "See whether the recovery may go on after a restart: database, schema, leases, store, gates, intake. Fails "
        "when one of them is red or cannot be looked at.",
        None,
        lambda world, _: restart_check.verify_restart(world),
    ),
    Operation(
        "coffee_apply_overrides",
        "Give effect to what persons have set (field_overrides) now, not at the next publishing; can be rolled back.",
        OverridesConfig,
        lambda world, config: overriding.apply_overrides(world, roaster=config.roaster, apply=config.apply),
    ),
    Operation(
        "coffee_rollback_run",
        "Take a backfill back: restore the images of rows that nobody has changed since, void its price rows by "
        "corrections, fold anew.",
        RollbackConfig,
        lambda world, config: undoing.roll_back(world, id_of(config.run_id), apply=config.apply),
    ),
    Operation(
        BACKUP_JOB,
        "Back the database up, verify the backup by a restore into a database of its own, then prune old ones.",
        ApplyConfig,
        lambda world, config: backing_up.back_up(world, apply=config.apply),
    ),
    Operation(
        "coffee_backup_drill",
        "Restore a backup into a database of its own, compare it with its manifest, drop that database.",
        DrillConfig,
        lambda world, config: backing_up.verify_backup(world, config.backup_id),
    ),
    Operation(
        "coffee_prune_backups",
        "Delete backups older than a week; never the newest verified one nor anything newer, and nothing on a day "
        "without a verified backup.",
        ApplyConfig,
        lambda world, config: backing_up.prune_backups(world, apply=config.apply),
    ),
)


def build_operation_jobs() -> list[dg.JobDefinition]:
    """A job for each operation."""
    return [build_operation_job(one.name) for one in OPERATIONS]


def build_operation_job(name: str, tell: Tell = lambda _: None) -> dg.JobDefinition:
    """The job of one operation."""
    (operation,) = [one for one in OPERATIONS if one.name == name]

    def _chosen(context: dg.OpExecutionContext, config: dg.Config) -> None:
        _operated(context, config)

    def _operated(context: dg.OpExecutionContext, config: dg.Config | None = None) -> None:
        try:
            report = operation.work(world_of(context), config)
        except BackfillError as error:
            tell(error)
            raise dg.Failure(f"{type(error).__name__}: {error}", allow_retries=False) from error
        tell(report)
        context.log.info("%s", text_of(report))
        context.add_output_metadata(metadata_of(report))
        if not report.is_green:
            raise dg.Failure(f"{report.title}: red\n{text_of(report)}", allow_retries=False)

    def _unchosen(context: dg.OpExecutionContext) -> None:
        _operated(context)

    # Dagster takes the config's schema from the annotation.
    _chosen.__annotations__["config"] = operation.config
    made = dg.op(name=op_name(name), required_resource_keys=set(RESOURCES), out=dg.Out(dg.Nothing))
    op = made(_chosen if operation.config else _unchosen)

    @dg.job(name=name, description=operation.text)
    def job() -> None:
        op()

    return job


def build_backup_schedule() -> dg.ScheduleDefinition:
    """A backup every night, verified, and the old ones pruned."""
    return dg.ScheduleDefinition(
        name="coffee_backup_nightly",
        job_name=BACKUP_JOB,
        cron_schedule="30 1 * * *",
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.STOPPED,
        run_config={"ops": {op_name(BACKUP_JOB): {"config": {"apply": True}}}},
        description="Backs the coffee database up, verifies the backup by a restore, prunes old ones.",
    )


def op_name(job: str) -> str:
    """The op of a job."""
    return job.removeprefix("coffee_")


def world_of(context: dg.OpExecutionContext) -> OperationWorld:
    """What the operation of a run works with."""
    resources: Any = context.resources
    backups = Backups(resources.postgres, BackupFolder(Path(resources.backups.folder)))
    by = context.run.tags.get("user") or f"run {context.run_id}"
    return OperationWorld(resources.postgres, resources.artifacts, backups, resources.notifier, by, _utc_now)


def text_of(report: Report) -> str:
    """A report in lines: counts before and after, then what there is to say."""
    title = report.title if report.applied else f"{report.title}, nothing was changed"
    counts = [f"{name:32}{before:>10,}{after:>10,}" for name, before, after in report.rows]
    return "\n".join([title, f"{'':32}{'before':>10}{'after':>10}", *counts, *report.lines])


def metadata_of(report: Report) -> dict[str, Any]:
    """A report as Dagster shows it."""
    rows = [f"| {name} | {before:,} | {after:,} |" for name, before, after in report.rows]
    return {
        "coffee/applied": report.applied,
        "coffee/counts": dg.MetadataValue.md("\n".join(["| | before | after |", "|---|--:|--:|", *rows])),
        "coffee/report": dg.MetadataValue.md("\n".join(["```", *report.lines, "```"])),
    }


def id_of(text: str) -> uuid.UUID:
    """An id as a person writes it.

    Raises:
        SettingsError: it is none.
    """
    try:
        return uuid.UUID(text)
    except ValueError as error:
        raise SettingsError(f"{text!r} is no id. Repair: copy it from backfill coffee status") from error


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise SettingsError(f"{text!r} is no date. Repair: write it as YYYY-MM-DD") from error


def _utc_now() -> datetime:
    return datetime.now(UTC)
