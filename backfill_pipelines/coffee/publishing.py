"""Publishing: the green partitions of a staged chunk become observations, prices and current state, in one transaction.

At most one statement a table and step, over the whole chunk. Publishing the same captures again writes nothing. What a
rollback needs is written along the way (``row_before_images``). Which partitions are green is ``partition_gates``'s.
"""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import date
from typing import Any

from backfill_pipelines.backfill.failures import ReadBackError
from backfill_pipelines.coffee.fold import fold, open_fold, run_file
from backfill_pipelines.coffee.publish_refused import PublishRefused
from backfill_pipelines.coffee.staging import Staged
from backfill_pipelines.stores.postgres import Connection, Jsonb, execute, read_rows, read_value, transaction_lock

_HAS_REJECTED = (
    "SELECT EXISTS (SELECT FROM quarantine q JOIN staged_captures c USING (roaster_id, day)"
    " WHERE q.reason = 'Q_PRICE_CONFLICT' AND q.state = 'rejected')"
)


@dataclass(frozen=True)
class Counts:
    """Rows that publishing wrote; all zero when nothing was new."""

    observations: int = 0
    variant_observations: int = 0
    prices: int = 0
    corrections: int = 0
    coffees_new: int = 0
    coffees_changed: int = 0
    variants_new: int = 0
    variants_changed: int = 0
    quarantined: int = 0
    judged: int = 0

    @property
    def inserted(self) -> int:
        """Rows that were not there."""
        return self.observations + self.variant_observations + self.prices + self.coffees_new + self.variants_new

    @property
    def updated(self) -> int:
        """Rows of current state that say something else now."""
        return self.coffees_changed + self.variants_changed + self.corrections

    @property
    def written(self) -> dict[str, int]:
        """Rows that were inserted or changed, by what they are; codes that were judged anew are none."""
        return {name: count for name, count in asdict(self).items() if count and name != "judged"}

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(self)))


@dataclass(frozen=True)
class PartitionState:
    """What ``backfill_partitions`` says of a partition from the publishing transaction on."""

    roaster_id: uuid.UUID
    day: date
    #: ok, or partial where completeness or quarantine leaves something open.
    state: str
    input_digest: str
    verdict: Any = None


def publish(
    connection: Connection,
    staged: Staged,
    partitions: Collection[str],
    run_id: uuid.UUID,
    *,
    states: Sequence[PartitionState] = (),
    left: Collection[str] = (),
) -> Counts:
    """Publish partitions of the chunk that this transaction has staged; the caller commits.

    Args:
        connection: The connection of ``stage``, in the same transaction.
        staged: What was staged.
        partitions: The green ones. All others are held back: their staged rows and what was set aside of them are
            kept for a person to look at.
        run_id: The backfill run, a row of ``backfill_runs``: rows carry it, and it can be rolled back.
        left: Neither green nor red, as others are at them: nothing is kept of them.
        states: Rows of ``backfill_partitions`` to bring up to date in the same transaction.

    Raises:
        PublishRefused: a capture was published under newer rules than these.
        ReadBackError: a staged price has no row afterwards; the caller rolls back.
    """
    run = {"run": run_id}
    _drop(connection, [partition for partition in staged.partitions if partition in left])
    run_file(connection, "staging/forget_rows")
    quarantined = run_file(connection, "publish/quarantine", run).rowcount
    held = [partition for partition in staged.partitions if partition not in {*partitions, *left}]
    if held:
        _hold_back(connection, held, run)
    _lock_sources(connection)
    run_file(connection, "publish/gates_resolved")
    run_file(connection, "publish/read_again")
    run_file(connection, "publish/new_rows")
    adopted = adopt(connection)
    run_file(connection, "publish/classify")
    execute(connection, "ANALYZE publishing")
    _refuse_older_rules(connection)
    written = _observations(connection, run) | _entities_and_prices(connection, run)
    open_fold(connection)
    run_file(connection, "publish/touched", {"adopted": adopted})
    run_file(connection, "publish/touched_by_confirmation")
    fold(connection)
    folded = apply_fold(connection, run)
    judged = judge_history(connection, is_changed=bool(adopted or any(written.values())))
    counts = Counts(**written, **folded, judged=judged, quarantined=quarantined)
    for state in states:
        _record(connection, run_id, state)
    return counts


def adopt(connection: Connection) -> list[uuid.UUID]:
    """Rows of the sources that no artifact says become an observation once, so that the fold cannot empty them.

    Returns:
        Ids of their coffees.
    """
    found = [row[0] for row in run_file(connection, "publish/unexplained").fetchall()]
    if found:
        for step in ("artifacts", "observations", "variants", "prices"):
            run_file(connection, f"adopt/{step}", {"coffees": found})
    return found


def judge_history(connection: Connection, *, is_changed: bool = True) -> int:
    """Give observations and captures the codes that depend on earlier ones; says how many captures changed.

    Codes of observations are a function of observations and prices alone: where this transaction has written none of
    them (``is_changed``), they are what the transaction that wrote them has found.
    """
    judged = _judge_observations(connection) if is_changed else set()
    judged |= {row[0] for row in run_file(connection, "history_rules/catalogue_drops").fetchall()}
    if judged:
        run_file(connection, "history_rules/artifact_statuses", {"artifacts": list(judged)})
    return len(judged)


def _judge_observations(connection: Connection) -> set[uuid.UUID]:
    run_file(connection, "history_rules/spikes")
    run_file(connection, "history_rules/codes")
    return {row[0] for row in run_file(connection, "history_rules/apply_codes").fetchall()}


def _hold_back(connection: Connection, held: Sequence[str], run: dict[str, Any]) -> None:
    values = {"partitions": list(held)}
    run_file(connection, "staging/keep_rows", values | run)
    run_file(connection, "staging/quarantine_conflicts", values | run)
    _drop(connection, held)


def _drop(connection: Connection, partitions: Sequence[str]) -> None:
    for table in ("variants", "products", "rejected", "captures") if partitions else ():
        run_file(connection, f"staging/drop_{table}", {"partitions": list(partitions)})


def _lock_sources(connection: Connection) -> None:
    rows = execute(connection, "SELECT DISTINCT source_id::text FROM staged_captures ORDER BY 1").fetchall()
    for (source,) in rows:
        transaction_lock(connection, f"coffee:{source}")


def _refuse_older_rules(connection: Connection) -> None:
    older = read_rows(connection, "SELECT * FROM publishing WHERE standing = 'older_rules' ORDER BY product_no LIMIT 1")
    if older:
        one = older[0]
        raise PublishRefused(
            f"product {one['platform_product_id']} of {one['observed_at']:%Y-%m-%dT%H:%M:%SZ} (artifact "
            f"{one['artifact_id']}) was published under newer rules than this version has. Repair: install the version "
            "that published it, or a later one"
        )


def _observations(connection: Connection, run: dict[str, Any]) -> dict[str, int]:
    run_file(connection, "publish/images_of_observations", run)
    observations = run_file(connection, "publish/product_artifacts", run).rowcount
    run_file(connection, "publish/clear_replaced_variants")
    variants = run_file(connection, "publish/variant_observations").rowcount
    run_file(connection, "publish/images_of_artifacts", run)
    run_file(connection, "publish/artifacts_processed")
    return {"observations": observations, "variant_observations": variants}


def _entities_and_prices(connection: Connection, run: dict[str, Any]) -> dict[str, int]:
    coffees = run_file(connection, "publish/new_coffees", run).rowcount
    variants = run_file(connection, "publish/new_variants", run).rowcount
    prices, corrections = _prices(connection, run)
    if read_value(connection, "SELECT EXISTS (SELECT FROM publishing WHERE standing = 'replaces')"):
        corrections += run_file(connection, "publish/voids", run).rowcount
    if read_value(connection, _HAS_REJECTED):
        corrections += run_file(connection, "publish/rejected_prices", run).rowcount
    return {"coffees_new": coffees, "variants_new": variants, "prices": prices, "corrections": corrections}


def _prices(connection: Connection, run: dict[str, Any]) -> tuple[int, int]:
    """Rows of prices and of their corrections that were written; none where every staged price stands as it is said."""
    unsaid = run_file(connection, "publish/prices_open").rowcount
    prices = run_file(connection, "publish/prices", run).rowcount if unsaid else 0
    if prices == unsaid:
        return prices, 0
    _read_back(connection)
    return prices, run_file(connection, "publish/corrections", run).rowcount


def apply_fold(connection: Connection, run: dict[str, Any]) -> dict[str, int]:
    """Write the rows that the fold says otherwise, with their images; says how many were changed, not made."""
    counts = {}
    for table in ("coffees", "variants"):
        run_file(connection, f"publish/images_of_{table}", run)
        written = run_file(connection, f"publish/apply_{table}", run).rowcount
        new = f"SELECT count(*) FROM changed_{table} JOIN new_rows USING (id)"
        counts[f"{table}_changed"] = written - int(read_value(connection, new))
    return counts


def _read_back(connection: Connection) -> None:
    for coffee, product, variant, moment in run_file(connection, "publish/prices_lost").fetchall():
        raise ReadBackError(
            f"variant {variant} of product {product} ({coffee}) has no price row of {moment:%Y-%m-%dT%H:%M:%SZ} after "
            "publishing; nothing was changed. Repair: look for another writer of prices, then run the partition again"
        )


def _record(connection: Connection, run_id: uuid.UUID, state: PartitionState) -> None:
    verdict = None if state.verdict is None else Jsonb(state.verdict)
    run_file(
        connection,
        "publish/partition_state",
        {
            "run": run_id,
            "roaster": state.roaster_id,
            "day": state.day,
            "state": state.state,
            "input_digest": state.input_digest,
            "verdict": verdict,
        },
    )
