"""The rows that a plan would write, counted by doing it: derived, staged, published, and taken back."""

from collections.abc import Iterator, Mapping

from backfill_pipelines.coffee.artifacts import Artifacts
from backfill_pipelines.coffee.backfill_ledger import LedgerRun, new_run
from backfill_pipelines.coffee.plans import Plan
from backfill_pipelines.coffee.publishing import publish
from backfill_pipelines.coffee.range_runs import chunks
from backfill_pipelines.coffee.replay import VERSIONS, derive_days, load_days
from backfill_pipelines.coffee.selecting import restrict
from backfill_pipelines.coffee.staged_files import merged
from backfill_pipelines.coffee.staging import Chunk, render, stage
from backfill_pipelines.stores.postgres import Connection, execute

_POINT = "counting_rows"


def counted_rows(connection: Connection, artifacts: Artifacts, plan: Plan) -> Mapping[str, int]:
    """Rows to insert and to update, by table; nothing is left of it. Memory is that of the rendered lines."""
    chunk = merged(_chunks(connection, artifacts, plan))
    execute(connection, f"SAVEPOINT {_POINT}")
    new_run(connection, LedgerRun(plan.id, plan.scope, {}, plan.fingerprint, "planned"))
    staged = stage(connection, chunk)
    restrict(connection, plan.scope)
    counts = publish(connection, staged, staged.partitions, plan.id)
    execute(connection, f"ROLLBACK TO SAVEPOINT {_POINT}")
    return counts.written


def _chunks(connection: Connection, artifacts: Artifacts, plan: Plan) -> Iterator[Chunk]:
    for keys in chunks((one.key for one in plan.partitions), {one.key: one.bytes for one in plan.partitions}):
        days = load_days(connection, keys, plan.scope)
        yield render(derive_days(artifacts, days.by_key.values(), days.sources, plan.scope.product_ids), VERSIONS)
