"""Rollback of a backfill run by its id: nothing that others have written since is touched, and nothing is deleted.

Rows of current state that are still as the run left them get their before-images back, its observations are withdrawn
(their bodies stay, so a replay brings them back), its price rows are voided by corrections, and the coffees concerned
are folded anew. The rollback is a run of its own, ``selective`` with the scope ``rollback_of``.
"""

import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from backfill_pipelines.backfill.failures import BackfillError
from backfill_pipelines.coffee.fold import fold, open_fold, run_file
from backfill_pipelines.coffee.publishing import apply_fold, judge_history
from backfill_pipelines.stores.postgres import Connection, Jsonb, execute, read_rows, read_value, transaction_lock

_COUNTS = """SELECT
  (SELECT count(*) FROM run_images WHERE is_intact) AS rows_to_restore,
  (SELECT count(*) FROM withdrawn) AS observations,
  (SELECT count(*) FROM prices WHERE backfill_run_id = %(undone)s::uuid) AS prices,
  (SELECT count(*) FROM price_corrections WHERE backfill_run_id = %(undone)s::uuid) AS corrections"""
_CHANGED = "SELECT table_name || ' ' || row_id FROM run_images WHERE NOT is_intact ORDER BY 1"


class RollbackRefused(BackfillError):
    """The run cannot be rolled back; nothing was changed."""


@dataclass(frozen=True)
class Rollback:
    """What a rollback will do, or has done."""

    #: Coffees and variants that are still as the run left them.
    rows_to_restore: int
    #: Observations that are withdrawn.
    observations: int
    #: Price rows of the run; each is voided unless a later run has corrected it.
    prices: int
    #: Corrections of the run, taken back where they are still in force.
    corrections: int
    #: Rows that were changed since, as ``table id``: they are folded anew and not restored.
    changed_since: Sequence[str]


def plan_rollback(connection: Connection, run_id: uuid.UUID) -> Rollback:
    """What a rollback would do; writes nothing but temporary tables.

    Raises:
        RollbackRefused: there is no such run, it is running, or it was rolled back.
    """
    _require_ended(connection, run_id)
    values = {"undone": run_id}
    execute(connection, "DROP TABLE IF EXISTS pg_temp.run_images, pg_temp.withdrawn CASCADE")
    run_file(connection, "rollback/images", values)
    run_file(connection, "rollback/withdrawn", values)
    (counts,) = read_rows(connection, _COUNTS, values)
    changed = [row[0] for row in execute(connection, _CHANGED).fetchall()]
    return Rollback(**counts, changed_since=changed)


def rollback_run(connection: Connection, run_id: uuid.UUID) -> Rollback:
    """Roll a run back, in the connection's transaction; the caller commits.

    Raises:
        RollbackRefused: there is no such run, it is running, or it was rolled back.
    """
    values = {"undone": run_id}
    for (source,) in run_file(connection, "rollback/sources", values).fetchall():
        transaction_lock(connection, f"coffee:{source}")
    found = plan_rollback(connection, run_id)
    own = {"run": uuid.uuid4()}
    run_file(connection, "rollback/runs", values | own)
    run_file(connection, "rollback/intact")
    for step in ("restore_coffees", "restore_variants", "withdraw_variants", "withdraw_added", "restore_observations"):
        run_file(connection, f"rollback/{step}")
    run_file(connection, "rollback/restore_observed_variants")
    run_file(connection, "rollback/restore_artifacts", values)
    run_file(connection, "rollback/void_prices", values | own)
    run_file(connection, "rollback/undo_corrections", values | own)
    run_file(connection, "rollback/quarantine", values)
    run_file(connection, "rollback/withdraw_overrides", values)
    _fold_anew(connection, own)
    run_file(connection, "rollback/partitions", values)
    run_file(connection, "rollback/finish", values | own | {"totals": Jsonb(asdict(found))})
    return found


def _require_ended(connection: Connection, run_id: uuid.UUID) -> None:
    status = read_value(connection, "SELECT status FROM backfill_runs WHERE id = %s FOR UPDATE", (run_id,))
    if status is None:
        raise RollbackRefused(f"there is no backfill run {run_id}. Repair: take an id of: backfill coffee status")
    if status in ("running", "planned"):
        raise RollbackRefused(
            f"backfill run {run_id} is {status}. Repair: wait for its end, or go on with it when its process has died: "
            f"backfill coffee run {run_id}; then roll it back"
        )
    if status == "rolled_back":
        raise RollbackRefused(f"backfill run {run_id} was rolled back already. Repair: none is needed")


def _fold_anew(connection: Connection, run: dict[str, Any]) -> None:
    open_fold(connection)
    run_file(connection, "rollback/touched")
    fold(connection)
    run_file(connection, "publish/new_rows")
    apply_fold(connection, run)
    judge_history(connection)
