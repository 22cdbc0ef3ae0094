"""Applying a plan: the same frame around each mode, from the fingerprint to the digest at the end."""

import uuid
from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from backfill_pipelines.backfill.failures import BackfillError
from backfill_pipelines.coffee.artifacts import Artifacts
from backfill_pipelines.coffee.backfill_ledger import (
    LedgerRun,
    RunRefused,
    RunStatus,
    begin_run,
    finish_run,
    load_partitions,
    load_run,
    new_run,
    take_over,
)
from backfill_pipelines.coffee.full_mode import FullRun
from backfill_pipelines.coffee.incremental_mode import IncrementalRun
from backfill_pipelines.coffee.intake import mute_alerts, unmute_alerts
from backfill_pipelines.coffee.mode_report import ModeReport
from backfill_pipelines.coffee.mode_world import ModeWorld
from backfill_pipelines.coffee.pauses import BackfillPaused
from backfill_pipelines.coffee.plans import Plan, make_plan, require_unchanged
from backfill_pipelines.coffee.progress import TooManyFailed
from backfill_pipelines.coffee.replay import VERSIONS
from backfill_pipelines.coffee.row_counts import counted_rows
from backfill_pipelines.coffee.scope import Scope
from backfill_pipelines.coffee.states import DayState
from backfill_pipelines.coffee.validation_mode import ValidationRun
from backfill_pipelines.coffee.whole import Before, expected_now, made_worse, overall_verdicts, take_before
from backfill_pipelines.stores.objects import ObjectStore
from backfill_pipelines.stores.postgres import Connection, session_lock


class BackfillRed(BackfillError):
    """The backfill came to its end, and partitions of it have failed."""


def plan_backfill(world: ModeWorld, scope: Scope, *, free_bytes: int | None = None, count_rows: bool = False) -> Plan:
    """Make a plan and keep it in the ledger."""
    with world.postgres.connect("coffee:plan") as connection:
        return keep_plan(
            connection, world.objects, scope, now=world.clock(), free_bytes=free_bytes, count_rows=count_rows
        )


def keep_plan(
    connection: Connection,
    objects: ObjectStore,
    scope: Scope,
    *,
    now: datetime | None = None,
    free_bytes: int | None = None,
    count_rows: bool = False,
) -> Plan:
    """Make a plan and keep it in the ledger; with ``count_rows`` everything is derived and its rows are counted."""
    plan = make_plan(connection, scope, VERSIONS, now or datetime.now(UTC), free_bytes=free_bytes)
    if count_rows:
        plan = replace(plan, rows=counted_rows(connection, Artifacts(objects), plan))
    run = LedgerRun(plan.id, scope, plan.to_json(), plan.fingerprint, "planned")
    new_run(connection, run, [(one.roaster_id, one.day) for one in plan.partitions])
    return plan


def apply_plan(world: ModeWorld, run_id: uuid.UUID, *, free_bytes: int | None = None) -> ModeReport:
    """Apply a plan that was kept, or go on with one that was stopped.

    Raises:
        PlanRefused: the database is not what the plan was made from, or the disk is too full.
        RunRefused: the backfill is over, or a full one is being applied elsewhere.
        BackupMissing: a full backfill without a verified backup.
        TooManyFailed: the failure threshold was passed.
        BackfillPaused: a pause came between; what was not done waits for the same plan to be gone on with.
        BackfillRed: partitions have failed; the others are published.
    """
    with world.postgres.connect(f"coffee:{run_id}") as connection:
        run = load_run(connection, run_id)
        if run.scope.is_full:
            world.require_backup(connection, world.clock())
        if run.status == "planned" or _is_untouched(connection, run_id):
            plan = make_plan(connection, run.scope, VERSIONS, world.clock(), plan_id=run.id, free_bytes=free_bytes)
            require_unchanged(plan, run.fingerprint)
            plan.require_space()
        begin_run(connection, run.id, world.dagster_run_id)
        if run.scope.mode != "validation":
            mute_alerts(connection, world.clock(), float(run.plan.get("seconds", 0.0)))
    with (
        world.postgres.connect(f"coffee:{run_id}", autocommit=True) as connection,
        session_lock(connection, f"coffee:backfill:{run_id}") as is_alone,
    ):
        if is_alone:
            # The lock goes with its process: whoever held partitions of this backfill is dead, whatever its lease.
            take_over(connection, run_id)
        elif run.scope.is_full:
            raise RunRefused(f"backfill {run_id} is being applied by another process. Repair: wait until that ends")
        return _framed(world, run, _mode_of(world, run))


def _is_untouched(connection: Connection, run_id: uuid.UUID) -> bool:
    """Whether a backfill that was stopped has begun no partition: its plan must hold as if it were a new one."""
    return all(one.state == "pending" and not one.attempts for one in load_partitions(connection, run_id))


def _mode_of(world: ModeWorld, run: LedgerRun) -> Callable[[], ModeReport]:
    if run.scope.mode == "validation":
        return ValidationRun(world, run).apply
    if run.scope.is_full:
        return FullRun(world, run).apply
    return IncrementalRun(world, run, _empty_days(world, run.scope)).apply


def _framed(world: ModeWorld, run: LedgerRun, work: Callable[[], ModeReport]) -> ModeReport:
    """Do the work; however it ends, the ledger and somebody are told."""
    try:
        before = _before(world, run)
        report = work()
        _judge_whole(world, run, before, report)
    except (TooManyFailed, BackfillPaused) as error:
        _end(world, run, "aborted", {"error": str(error)})
        world.notifier.send(f"coffee backfill {run.scope.mode} was ended", str(error))
        raise
    except BaseException as error:
        _end(world, run, "failed", {"error": f"{type(error).__name__}: {error}"})
        world.notifier.send(f"coffee backfill {run.scope.mode} broke off", f"{type(error).__name__}: {error}")
        raise
    if report.paused:
        raise _paused(world, run, report)
    is_over = not (report.is_green and _is_held(world, run))
    _end(world, run, ("ok" if is_over else "running") if report.is_green else "failed", report.totals())
    text = "\n".join(report.lines())
    world.notifier.send(f"coffee backfill {run.scope.mode}: {'green' if report.is_green else 'red'}", text)
    if not report.is_green:
        raise BackfillRed(
            f"{report.states['failed']} partitions have failed; the others are published.\n{text}\n"
            f"Repair: mend the causes, then: backfill coffee run {run.id}"
        )
    return report


def _paused(world: ModeWorld, run: LedgerRun, report: ModeReport) -> BackfillPaused:
    """What a backfill ends with that a pause has stopped; it can be gone on with."""
    text = "\n".join(report.lines())
    error = BackfillPaused(f"{text}\nThen go on with: backfill coffee run {run.id}")
    _end(world, run, "aborted", {**report.totals(), "error": f"stopped by a pause: {report.paused}"})
    world.notifier.send(f"coffee backfill {run.scope.mode} was stopped by a pause", str(error))
    return error


def _is_held(world: ModeWorld, run: LedgerRun) -> bool:
    """Whether another worker is at partitions of the backfill: it is not over before they are."""
    with world.postgres.connect(f"coffee:{run.id}") as connection:
        return any(one.state == "running" for one in load_partitions(connection, run.id))


def _before(world: ModeWorld, run: LedgerRun) -> Before | None:
    """What an incremental backfill must leave alone; the other modes judge the whole themselves."""
    if run.scope.is_full or run.scope.mode == "validation":
        return None
    with world.postgres.connect(f"coffee:{run.id}") as connection:
        found = take_before(connection, run)
        connection.rollback()
        return found


def _judge_whole(world: ModeWorld, run: LedgerRun, before: Before | None, report: ModeReport) -> None:
    """The overall gates at the end: what the backfill made worse is a failure of it."""
    if before is None:
        return
    with world.postgres.connect(f"coffee:{run.id}") as connection:
        found = expected_now(connection, run.scope, world.clock())
        verdicts = overall_verdicts(connection, before.mark, found)
        connection.rollback()
    report.more["account"] = list(found.lines())[-1]
    report.more["overall_red"] = [verdict.text for verdict in verdicts if verdict.is_red]
    for verdict in made_worse(verdicts, before):
        report.states["failed"] += 1
        report.causes[verdict.gate.name] = verdict.text


def _end(world: ModeWorld, run: LedgerRun, status: RunStatus, totals: dict[str, Any]) -> None:
    with world.postgres.connect(f"coffee:{run.id}") as connection:
        finish_run(connection, run.id, status, totals)
        if run.scope.mode != "validation":
            unmute_alerts(connection)


def _empty_days(world: ModeWorld, scope: Scope) -> Collection[str]:
    """Days of the scope without tick and capture."""
    with world.postgres.connect("coffee:plan") as connection:
        found = expected_now(connection, scope, world.clock())
    return frozenset(day.key for day in found.of(DayState.EXPECTED_EMPTY))
