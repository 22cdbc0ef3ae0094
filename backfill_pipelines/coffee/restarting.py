"""Restart: the live intake paused and resumed, and what a process that died has left behind taken up again.

No process is stopped: work under way finishes. Whether a run has crashed is decided by its lease, never by its age.
"""

from backfill_pipelines.backfill.failures import SettingsError
from backfill_pipelines.coffee.fold import run_file
from backfill_pipelines.coffee.intake import intake, pause_intake, resume_intake
from backfill_pipelines.coffee.operations import OperationWorld, Report, named, standing
from backfill_pipelines.stores.postgres import Connection


def pause(world: OperationWorld, *, reason: str, apply: bool) -> Report:
    """Keep schedules and sensors from taking anything in.

    Raises:
        SettingsError: there is no reason.
    """
    if not reason.strip():
        raise SettingsError("pausing the intake needs a reason. Repair: give one with --reason")
    with world.postgres.connect("coffee:pause") as connection:
        before = _paused(connection)
        if apply:
            pause_intake(connection, reason=reason, by=world.asked_by)
        line = intake(connection).text or f"the intake would be paused by {world.asked_by}: {reason}"
        return Report("pause the intake", before, _paused(connection) if apply else {"paused": 1}, [line], apply)


def resume(world: OperationWorld, *, apply: bool) -> Report:
    """Let schedules and sensors take in again; what was missed is found by the gap sensor."""
    with world.postgres.connect("coffee:resume") as connection:
        before, was = _paused(connection), intake(connection).text or "the intake is not paused"
        if apply:
            resume_intake(connection)
        after = _paused(connection) if apply else {"paused": 0}
        return Report("resume the intake", before, after, [was], apply)


def reap_crashed(world: OperationWorld, *, apply: bool) -> Report:
    """End the runs whose lease has run out as crashed; their partitions wait to be done again."""
    now = world.clock()
    with world.postgres.connect("coffee:reap") as connection:
        before = standing(connection, now)
        crashed = run_file(connection, "operations/crashed_runs", {"now": now}).fetchall()
        values = {"now": now, "runs": [row[0] for row in crashed]}
        ended = run_file(connection, "operations/reap_runs", values).rowcount
        waiting = run_file(connection, "operations/release_partitions", values).rowcount
        after = standing(connection, now)
        if not apply:
            connection.rollback()
    lines = [f"{ended} runs {_would(apply)} end as crashed, {waiting} partitions {_would(apply)} wait again"]
    lines += named([f"run {row[0]} of {row[1]}, {row[2]}: silent since {row[3]:%Y-%m-%d %H:%M}Z" for row in crashed])
    if waiting:
        lines.append("go on with a backfill: backfill coffee status, then backfill coffee run ID")
    return Report("reap crashed runs", before, after, lines, apply)


def _would(apply: bool) -> str:  # noqa: FBT001  (a fact, no switch)
    return "did" if apply else "would"


def _paused(connection: Connection) -> dict[str, int]:
    return {"paused": int(intake(connection).paused)}
