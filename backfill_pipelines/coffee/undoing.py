"""The rollback of a backfill as an operation: what it would do, or its doing, judged by the overall gates."""

import uuid
from collections.abc import Mapping

from backfill_pipelines.coffee.backups import violations
from backfill_pipelines.coffee.operations import OperationWorld, Report, named
from backfill_pipelines.coffee.run_rollback import Rollback, RollbackRefused, plan_rollback, rollback_run
from backfill_pipelines.stores.postgres import Connection, read_value

_COUNTED = {
    "coffees": "SELECT count(*) FROM coffees",
    "variants": "SELECT count(*) FROM variants",
    "prices in force": "SELECT count(*) FROM effective_prices",
    "price rows": "SELECT count(*) FROM prices",
    "observations": "SELECT count(*) FROM product_artifacts",
}


def roll_back(world: OperationWorld, run_id: uuid.UUID, *, apply: bool) -> Report:
    """Take a backfill back; rows that were changed since are listed and left to the fold.

    Raises:
        RollbackRefused: there is no such backfill, it is running, it was rolled back, or an overall gate would be
            violated more often than before; nothing was changed.
    """
    with world.postgres.connect(f"coffee:rollback {run_id}") as connection:
        before, wrong = _counts(connection), violations(connection)
        if apply:
            done = rollback_run(connection, run_id)
            _require_no_worse(connection, wrong)
        else:
            done = plan_rollback(connection, run_id)
        after = _counts(connection)
        if not apply:
            connection.rollback()
    return Report(f"roll back {run_id}", before, after, _lines(done, apply=apply), apply)


def _require_no_worse(connection: Connection, before: Mapping[str, int]) -> None:
    worse = [f"{gate}: {count}" for gate, count in violations(connection).items() if count > before[gate]]
    if worse:
        connection.rollback()
        raise RollbackRefused(
            f"after the rollback gates would be red: {', '.join(worse)}; it was taken back. Repair: see backfill "
            "coffee validate for what is wrong, then roll back again"
        )


def _counts(connection: Connection) -> dict[str, int]:
    return {name: int(read_value(connection, statement)) for name, statement in _COUNTED.items()}


def _lines(done: Rollback, *, apply: bool) -> list[str]:
    would = "" if apply else "would be "
    return [
        f"{done.rows_to_restore} coffees and variants {would}restored from their images",
        f"{done.observations} observations {would}withdrawn; their bodies stay, a replay brings them back",
        f"{done.prices} price rows {would}voided by corrections, {done.corrections} corrections {would}taken back",
        f"{len(done.changed_since)} rows were changed since and {would}folded anew, not restored",
        *named(list(done.changed_since)),
    ]
