"""The ledger of backfills: ``backfill_runs`` and ``backfill_partitions``, from the plan to the last partition.

A partition that was published is brought up to date by the publishing transaction itself; here are the others.
"""

import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Literal

from backfill_pipelines.backfill.failures import BackfillError
from backfill_pipelines.backfill.gates import READ_BACK_GATE
from backfill_pipelines.coffee.expected_set import partition_key
from backfill_pipelines.coffee.scope import Scope
from backfill_pipelines.stores import sql
from backfill_pipelines.stores.postgres import Connection, Jsonb, execute, read_rows

PACKAGE = "backfill_pipelines.coffee"
#: A worker that has not come back by then is taken for dead: the time-out of a partition.
LEASE = timedelta(hours=1)

RunStatus = Literal["planned", "running", "ok", "failed", "aborted", "rolled_back"]
PartitionOutcome = Literal["ok", "partial", "failed", "unrecoverable", "skipped", "pending"]


class RunRefused(BackfillError):
    """A backfill cannot be begun, or there is none of that id."""


@dataclass(frozen=True)
class LedgerRun:
    """One backfill."""

    id: uuid.UUID
    scope: Scope
    plan: Mapping[str, Any]
    fingerprint: str
    status: RunStatus
    totals: Mapping[str, Any] | None = None
    dagster_run_id: str | None = None
    #: What people are told it is: its mode, or the rollback of which run.
    kind: str = field(default="", compare=False)


@dataclass(frozen=True)
class LedgerPartition:
    """One roaster's day of a backfill; ``is_held`` while a worker is at it."""

    slug: str
    roaster_id: uuid.UUID
    day: date
    state: str
    attempts: int
    input_digest: str | None = None
    error_code: str | None = None
    error: str | None = None
    verdict: Any = None
    is_held: bool = False

    @property
    def key(self) -> str:
        """The partition's key."""
        return partition_key(self.day, self.slug)


@dataclass(frozen=True)
class Settled:
    """How a partition of a backfill ended. ``verdict`` holds the gates, red ones with their culprits."""

    roaster_id: uuid.UUID
    day: date
    state: PartitionOutcome
    input_digest: str | None = None
    verdict: Mapping[str, Any] | None = None
    error_code: str | None = None
    error: str | None = None


def new_run(connection: Connection, run: LedgerRun, partitions: Iterable[tuple[uuid.UUID, date]] = ()) -> None:
    """Write down a planned backfill with its partitions; what is there already stays."""
    values = {
        "id": run.id,
        "mode": run.scope.mode,
        "scope": Jsonb(run.scope.to_json()),
        "plan": Jsonb(dict(run.plan)),
        "fingerprint": run.fingerprint,
    }
    _run(connection, "new_run", values)
    _run(connection, "new_partitions", {"run": run.id, **_arrays(partitions)})


def load_run(connection: Connection, run_id: uuid.UUID) -> LedgerRun:
    """A backfill by its id.

    Raises:
        RunRefused: there is none.
    """
    rows = read_rows(connection, "SELECT * FROM backfill_runs WHERE id = %s", (run_id,))
    if not rows:
        raise RunRefused(f"no backfill {run_id}. Repair: see backfill coffee status, or make one: backfill coffee plan")
    return _ledger_run(rows[0])


def newest_runs(connection: Connection, limit: int = 10) -> list[LedgerRun]:
    """The newest backfills, newest first."""
    rows = read_rows(connection, "SELECT * FROM backfill_runs ORDER BY created_at DESC, id LIMIT %s", (limit,))
    return [_ledger_run(row) for row in rows]


def begin_run(connection: Connection, run_id: uuid.UUID, dagster_run_id: str) -> None:
    """Begin a backfill, or go on with one that was stopped.

    Raises:
        RunRefused: it is over, or there is none of that id.
    """
    if not _run(connection, "begin_run", {"run": run_id, "dagster_run": dagster_run_id}).rowcount:
        found = load_run(connection, run_id)
        raise RunRefused(f"backfill {run_id} is over: {found.status}. Repair: make a new plan: backfill coffee plan")


def finish_run(connection: Connection, run_id: uuid.UUID, status: RunStatus, totals: Mapping[str, Any]) -> None:
    """Write down how a backfill ended and what it measured."""
    _run(connection, "finish_run", {"run": run_id, "status": status, "totals": Jsonb(dict(totals))})


def load_partitions(
    connection: Connection, run_id: uuid.UUID, only: Collection[tuple[uuid.UUID, date]] | None = None
) -> list[LedgerPartition]:
    """The partitions of a backfill, or some of them, roaster by roaster, oldest first."""
    pairs = {"roasters": None, "days": None} if only is None else _arrays(only)
    return [LedgerPartition(**row) for row in read_rows(connection, _text("partitions"), {"run": run_id, **pairs})]


def claim(
    connection: Connection, run_id: uuid.UUID, partitions: Iterable[tuple[uuid.UUID, date]], lease: timedelta = LEASE
) -> set[tuple[uuid.UUID, date]]:
    """Take up partitions; those that another worker holds are not among what is returned."""
    values = {"run": run_id, "lease": lease, **_arrays(partitions)}
    return {(row[0], row[1]) for row in _run(connection, "claim", values).fetchall()}


def take_over(connection: Connection, run_id: uuid.UUID) -> None:
    """Let partitions of a backfill wait that a dead worker holds; the caller has made sure that none is alive."""
    _run(connection, "take_over", {"run": run_id})


def settle(connection: Connection, run_id: uuid.UUID, ended: Sequence[Settled]) -> None:
    """Write down how partitions ended; captures of a day with a red gate are in the quarantine, under ``Q_GATE_..``."""
    for one in ended:
        _run(
            connection,
            "settle",
            {
                "run": run_id,
                "roaster": one.roaster_id,
                "day": one.day,
                "state": one.state,
                "input_digest": one.input_digest,
                "verdict": None if one.verdict is None else Jsonb(dict(one.verdict)),
                "error_code": one.error_code,
                "error": one.error,
            },
        )
    red = [(one.roaster_id, one.day, gate, why) for one in ended for gate, why in _red_gates(one)]
    if red:
        columns = zip(("roasters", "days", "gates", "details"), map(list, zip(*red, strict=True)), strict=True)
        execute(connection, sql.load(PACKAGE, "staging/quarantine_gates"), {"run": run_id, **dict(columns)})


def _red_gates(ended: Settled) -> list[tuple[str, str]]:
    """The gates that held a partition back, with their texts; that it was not published follows from the others."""
    red = dict(ended.verdict.get("red", {})) if ended.state == "failed" and ended.verdict else {}
    return [(gate, why) for gate, why in red.items() if gate != READ_BACK_GATE or len(red) == 1]


def _ledger_run(row: Mapping[str, Any]) -> LedgerRun:
    # Rollbacks of before had no days in their scope: theirs is the day that they were made on.
    day = row["created_at"].date().isoformat()
    return LedgerRun(
        row["id"],
        Scope.from_json({"mode": row["mode"], "first": day, "last": day, **row["scope"]}),
        row["plan"],
        row["fingerprint"],
        row["status"],
        row["totals"],
        row["dagster_run_id"],
        _kind(row["mode"], row["scope"]),
    )


def _kind(mode: str, scope: Mapping[str, Any]) -> str:
    undone = scope.get("rollback_of")
    return f"rollback of {undone}" if undone else "overrides" if "overrides" in scope else mode


def _arrays(partitions: Iterable[tuple[uuid.UUID, date]]) -> dict[str, Any]:
    found = list(partitions)
    return {"roasters": [roaster for roaster, _ in found], "days": [day for _, day in found]}


def _run(connection: Connection, name: str, values: Mapping[str, Any]) -> Any:
    return execute(connection, _text(name), values)


def _text(name: str) -> str:
    return sql.load(PACKAGE, f"modes/{name}")
