"""What persons have set (``field_overrides``) given effect at once, instead of at the next publishing.

The coffees concerned are folded anew, which lets what was set win. The run has an id of its own and can be rolled back:
that withdraws what it has given effect to. Doing it again writes nothing.
"""

import uuid
from datetime import datetime

from backfill_pipelines.backfill.failures import BackfillError
from backfill_pipelines.coffee.backfill_ledger import finish_run
from backfill_pipelines.coffee.evidence import load_shops
from backfill_pipelines.coffee.fold import fold, open_fold, run_file
from backfill_pipelines.coffee.migrations import require_migrated
from backfill_pipelines.coffee.operations import OperationWorld, Report, named
from backfill_pipelines.coffee.publishing import apply_fold
from backfill_pipelines.stores.postgres import Connection, execute, read_value, transaction_lock

_FAULTS = (
    "SELECT x.coffee_id, x.field, x.value::text, f.fault, f.why"
    " FROM field_overrides x CROSS JOIN LATERAL override_fault(x.field, x.value) f"
    " WHERE f.fault IS NOT NULL ORDER BY 1, 2 LIMIT 1"
)
_FIELDS = "SELECT string_agg(name, ', ' ORDER BY name) FROM settable_fields() name"


class OverrideWrong(BackfillError):
    """An override is no value of its field; nothing was changed."""


def apply_overrides(world: OperationWorld, *, roaster: str = "", apply: bool) -> Report:
    """Give effect to what persons have set, of one roaster or of all.

    Raises:
        OverrideWrong: one of them is no value of its field.
        SettingsError: there is no such roaster.
    """
    run_id = uuid.uuid4()
    with world.postgres.connect(f"coffee:overrides {run_id}") as connection:
        require_migrated(connection)
        load_shops(connection, [roaster] if roaster else None)
        _require_values(connection)
        report = _applied(connection, run_id, roaster, world.clock(), apply=apply)
        if not apply:
            connection.rollback()
    return report


def _applied(connection: Connection, run_id: uuid.UUID, roaster: str, now: datetime, *, apply: bool) -> Report:
    own = {"run": run_id, "day": now.date(), "roaster": roaster or None}
    before = _counts(connection)
    open_fold(connection)
    run_file(connection, "overrides/touched", own)
    for (source,) in execute(connection, "SELECT DISTINCT source_id::text FROM touched_coffees ORDER BY 1").fetchall():
        transaction_lock(connection, f"coffee:{source}")
    fold(connection)
    differences = [row[0] for row in run_file(connection, "overrides/differences").fetchall()]
    changed = 0
    if differences:
        run_file(connection, "overrides/run", own)
        run_file(connection, "overrides/images", own)
        run_file(connection, "publish/new_rows")
        written = apply_fold(connection, own)
        changed = sum(written.values())
        finish_run(connection, run_id, "ok", {"written": written})
    lines = [*named(differences)] or ["nothing to do: every coffee says what was set"]
    if changed and apply:
        lines.append(f"run {run_id}; to take it back: backfill coffee rollback {run_id}")
    return Report("apply overrides", before, _counts(connection), lines, applied=apply and bool(changed))


def _counts(connection: Connection) -> dict[str, int]:
    otherwise = (
        "SELECT count(DISTINCT c.id) FROM field_overrides x JOIN coffees c ON c.id = x.coffee_id"
        " WHERE to_jsonb(c) -> x.field IS DISTINCT FROM x.value"
    )
    return {
        "overrides": int(read_value(connection, "SELECT count(*) FROM field_overrides")),
        "coffees that say otherwise": int(read_value(connection, otherwise)),
    }


def _require_values(connection: Connection) -> None:
    """Overrides of before they were checked as they are set."""
    for coffee, field, value, fault, why in execute(connection, _FAULTS).fetchall():
        words = {
            "unknown_field": "is of no field that can be set",
            "needed": f"leaves the coffee without a {field}",
            "no_value": f"is no value of it: {why}",
        }
        known = f"; there are {read_value(connection, _FIELDS)}" if fault == "unknown_field" else ""
        raise OverrideWrong(
            f"the override of {field} of coffee {coffee}, {value}, {words[fault]}. Repair: correct or delete the row "
            f"of field_overrides{known}"
        )
