"""How a run opens the buckets that it promotes: the writer lease, room in the embedding backlog, and its early end.

An error of the table as a whole ends the run, never without the report of what it did. The work itself is
``promoted_target``'s.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import dagster as dg

from backfill_pipelines.backfill.admission import Admission
from backfill_pipelines.backfill.failures import StoreError
from backfill_pipelines.backfill.interrupts import INTERRUPTS, interrupted_text
from backfill_pipelines.receipts.promotion.begun_images import begun_images, begun_text
from backfill_pipelines.receipts.promotion.copied_images import copied_images, places_lacking
from backfill_pipelines.receipts.promotion.copy_run import MakeRoom
from backfill_pipelines.receipts.promotion.embedding import make_room
from backfill_pipelines.receipts.promotion.embedding_workflows import Workflows
from backfill_pipelines.receipts.promotion.promoted_target import PromotedTarget
from backfill_pipelines.receipts.promotion.promotion_admission import REFUSALS
from backfill_pipelines.receipts.promotion.promotion_config import PromoteConfig
from backfill_pipelines.receipts.promotion.promotion_context import load_promotion, names_of, target_lease
from backfill_pipelines.receipts.promotion.stream_safety import StreamWatch
from backfill_pipelines.stores.item_errors import NoAnswer, TableBusy, Throttled
from backfill_pipelines.stores.leases import LeaseLost, LeaseTaken

#: What ends a run for a reason of the table or of another store, and not of one image.
REFUSED = "store_refused"
#: Errors that may be over when the run is tried again.
_PASSING = (NoAnswer, Throttled, TableBusy)


def _room_maker(target: PromotedTarget, resources: Any) -> MakeRoom:
    """Starts the embedding workflows between two chunks, and waits until the next one fits."""
    promotion, settings = target.promotion, resources.embedding

    def make_room_for(rows: int, number: int) -> str:
        copied = copied_images(promotion.control, promotion.table)
        begun = begun_images(promotion.control, promotion.table)
        if why := places_lacking(promotion.items, copied) or begun_text(promotion.table, begun):
            return why
        chunk = f"{target.buckets[0]}c{number:03d}"
        machines, arns = resources.step_functions.machines(), settings.arns(promotion.table)
        about = (settings.patience(), target.log, target.require_held)
        workflows = Workflows(machines, arns, target.run_id, chunk, *about)
        return make_room(promotion.items, rows, promotion.settings.embedding_backlog_limit, workflows)

    return make_room_for


@contextmanager
def open_promoted_target(context: dg.AssetExecutionContext, admission: Admission) -> Iterator[PromotedTarget]:
    """The target of a run, under the writer lease when it writes; what stops a run for good is not tried again."""
    config = cast("PromoteConfig", admission.config)
    try:
        promotion = load_promotion(context.resources, needs_plan=config.apply)
    except REFUSALS as error:
        raise dg.Failure(description=str(error), allow_retries=False) from error
    writes = config.apply and bool(admission.partitions)
    origin, run_id = names_of(promotion, context, applies=writes)
    target = PromotedTarget(
        promotion=promotion,
        config=config,
        origin=origin,
        run_id=run_id,
        dagster_run_id=context.run.run_id,
        buckets=list(context.partition_keys),
        log=context.log.info,
        observe=lambda shown: context.log_event(
            dg.AssetObservation(["promotion", "promoted_images"], metadata=dict(shown))
        ),
        watch=StreamWatch(lambda: context.resources.items.stream(promotion.table), context.resources.queues.counters),
    )
    if config.embed:
        target.make_room = _room_maker(target, context.resources)
    if not writes:
        yield target
        return
    try:
        with target_lease(promotion, run_id, f"Dagster run {context.run.run_id}") as lease:
            target.require_held = lease.require_held
            yield target
    except INTERRUPTS as error:
        text = interrupted_text(target.ended_early("interrupted", "images in flight were brought to their end"))
        raise dg.Failure(description=text, metadata={"promotion/stop": "interrupted"}, allow_retries=False) from error
    except (StoreError, LeaseLost) as error:
        stop = "lease" if isinstance(error, LeaseTaken | LeaseLost) else REFUSED
        text = target.ended_early(stop, str(error))
        again = isinstance(error, _PASSING)
        raise dg.Failure(description=text, metadata={"promotion/stop": stop}, allow_retries=again) from error
