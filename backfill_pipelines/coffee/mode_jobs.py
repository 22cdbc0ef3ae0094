"""The four modes as jobs that a person launches in the UI.

A launch without ``plan_id`` makes a plan and, with ``apply``, applies it at once; one with it applies that plan, or
goes on with it. On a production database nothing but the plan is made unless ``apply`` says so.
"""

import shutil
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
from pydantic import Field

from backfill_pipelines.backfill.busy import ASSET_TAG
from backfill_pipelines.backfill.failures import BackfillError, SettingsError
from backfill_pipelines.coffee.mode_report import ModeReport
from backfill_pipelines.coffee.mode_world import ModeWorld, RequireBackup, no_backup_yet
from backfill_pipelines.coffee.modes import apply_plan, plan_backfill
from backfill_pipelines.coffee.names import COFFEES
from backfill_pipelines.coffee.plans import Plan
from backfill_pipelines.coffee.recovery import RESOURCES
from backfill_pipelines.coffee.scope import Mode, Scope
from backfill_pipelines.stores.postgres import Postgres

JOB_RESOURCES = RESOURCES | {"notifier"}
MODES: tuple[Mode, ...] = ("incremental", "full", "selective", "validation")
_TEXTS: dict[Mode, str] = {
    "incremental": "Take up the days that are missing, partial, stale or failed: replay what is stored, import what "
    "old files have, fetch while a window is open. Days that cannot be had are reported as unrecoverable.",
    "full": "Derive every stored body of a scope again beside the live tables, and swap it in as a whole. Needs a "
    "backup that was verified by a restore within a day; rows that are not reproduced are kept and reported.",
    "selective": "As incremental or full, restricted by roasters, sources, days, products or kinds of data; everything "
    "else stays as it is.",
    "validation": "Read, derive and judge again what is stored; nothing is changed. Ends with what an incremental "
    "backfill would take up.",
}


class ModeConfig(dg.Config):
    """What a backfill is to do; every default is the safe choice."""

    first: str = Field(default="", description="First day, YYYY-MM-DD; needed for a new plan.")
    last: str = Field(default="", description="Last day, included; needed for a new plan.")
    roasters: list[str] = Field(default=[], description="Slugs of roasters; default: all.")
    plan_id: str = Field(default="", description="A plan to apply, or to go on with, instead of a new one.")
    retry_red: bool = Field(
        default=False, description="Take up red days although their bodies are the same: the cause was mended."
    )
    apply: bool | None = Field(
        default=None, description="Apply the plan. Default: yes, on a production database only the plan is made."
    )

    def scope(self, mode: Mode) -> Scope:
        """The scope of a new plan.

        Raises:
            SettingsError: a day is missing or is none.
        """
        try:
            first, last = date.fromisoformat(self.first), date.fromisoformat(self.last)
        except ValueError as error:
            raise SettingsError(
                f"{self.first!r} to {self.last!r} are no days. Repair: give first and last as YYYY-MM-DD, or a plan_id"
            ) from error
        return Scope(mode, first, last, tuple(self.roasters), retry_red=self.retry_red, **self.restrictions())

    def restrictions(self) -> dict[str, Any]:
        """What a mode can be restricted by beyond roasters and days."""
        return {}


class SelectiveConfig(ModeConfig):
    """What a selective backfill is to do."""

    sources: list[str] = Field(default=[], description="Base URLs of sources; default: all.")
    product_ids: list[str] = Field(default=[], description="The shop's ids of products; default: all.")
    data_types: list[str] = Field(default=[], description="Of prices, stock, content; default: all.")
    manner: str = Field(default="incremental", description="incremental or full.")

    def restrictions(self) -> dict[str, Any]:
        """All of them."""
        return {
            "sources": tuple(self.sources),
            "product_ids": tuple(self.product_ids),
            "data_types": tuple(self.data_types),
            "manner": self.manner,
        }


def job_name(mode: Mode) -> str:
    """What the job of a mode is called."""
    return f"coffee_{mode}_backfill"


#: Told what came of it, by a command that runs the job.
Tell = Callable[[ModeReport | BackfillError], None]


def build_mode_jobs(require_backup: RequireBackup = no_backup_yet) -> list[dg.JobDefinition]:
    """A job for each mode; ``require_backup`` refuses a full backfill without a fresh verified backup."""
    return [build_mode_job(mode, require_backup) for mode in MODES]


def build_mode_job(
    mode: Mode,
    require_backup: RequireBackup = no_backup_yet,
    tell: Tell = lambda _: None,
    show: Callable[[str], None] = lambda _: None,
) -> dg.JobDefinition:
    """The job of one mode; ``show`` takes every line of its progress."""
    config_type = ModeConfig if mode in ("incremental", "full") else SelectiveConfig

    def _backfill(context: dg.OpExecutionContext, config: ModeConfig) -> None:
        try:
            report = _run(context, config, mode, replace(world_of(context, require_backup), show=show))
        except BackfillError as error:
            tell(error)
            raise dg.Failure(f"{type(error).__name__}: {error}", allow_retries=False) from error
        if report is not None:
            tell(report)

    # Dagster takes the config's schema from the annotation.
    _backfill.__annotations__["config"] = config_type
    op = dg.op(name=f"{mode}_backfill", required_resource_keys=set(JOB_RESOURCES), out=dg.Out(dg.Nothing))(_backfill)

    # Whoever asks who is at work on the assets is told of it.
    @dg.job(name=job_name(mode), description=_TEXTS[mode], tags={ASSET_TAG: COFFEES.to_user_string()})
    def job() -> None:
        op()

    return job


def world_of(context: dg.OpExecutionContext, require_backup: RequireBackup) -> ModeWorld:
    """What a job applies a plan with."""
    resources: Any = context.resources
    return ModeWorld(
        resources.postgres,
        resources.artifacts,
        resources.coffee,
        resources.notifier,
        context.instance,
        context.run_id,
        {name: getattr(resources, name) for name in sorted(RESOURCES)},
        context.log.info,
        require_backup=require_backup,
    )


def free_bytes(postgres: Postgres) -> int | None:
    """Free space where the database is kept; None where that is another machine."""
    return None if postgres.embedded is None else shutil.disk_usage(_existing(Path(postgres.embedded))).free


def _existing(path: Path) -> Path:
    return next(one for one in (path, *path.parents) if one.exists())


def _run(context: dg.OpExecutionContext, config: ModeConfig, mode: Mode, world: ModeWorld) -> ModeReport | None:
    """Plan, and apply where that is asked for; what came of it."""
    free = free_bytes(world.postgres)
    plan_id = uuid.UUID(config.plan_id) if config.plan_id else None
    if plan_id is None:
        plan = plan_backfill(world, config.scope(mode), free_bytes=free)
        plan_id = plan.id
        context.log.info("\n".join(f"{name}: {value}" for name, value in plan.lines()))
        context.add_output_metadata(_plan_metadata(plan))
    applies = not world.settings.is_production if config.apply is None else config.apply
    if not applies:
        context.log.info("dry run: the plan is kept as %s; apply it with plan_id and apply", plan_id)
        return None
    report = apply_plan(world, plan_id, free_bytes=free)
    context.log.info("\n".join(report.lines()))
    return report


def _plan_metadata(plan: Plan) -> dict[str, Any]:
    rows = ["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in plan.lines())]
    return {
        "coffee/plan_id": str(plan.id),
        "coffee/fingerprint": plan.fingerprint,
        "coffee/plan": dg.MetadataValue.md("\n".join(rows)),
    }
