"""Replacing an image of which the target holds other content: only by name, only what changed, and undoable.

The partition is kept as it was before anything is written; every write is conditioned on what was read. Lines and
words whose text has not changed keep their embedding. What a run says when it refuses is here too.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from backfill_pipelines.receipts.items import Item
from backfill_pipelines.receipts.keys import text_of
from backfill_pipelines.receipts.promotion.entities import BY_TYPE, EMBEDDING_STATUS
from backfill_pipelines.receipts.promotion.image_state import Observed
from backfill_pipelines.receipts.promotion.partition_images import load_partition, save_partition
from backfill_pipelines.receipts.promotion.planned_image import PlannedImage, PlannedItem
from backfill_pipelines.receipts.promotion.promotion_ledger import PromotionLedger
from backfill_pipelines.receipts.promotion.promotion_rows import STAGES, ItemIntent, ItemState, Kind, LedgerItem
from backfill_pipelines.receipts.promotion.stage_writing import StageWriter
from backfill_pipelines.receipts.stream_effects import Change, messages
from backfill_pipelines.stores.objects import ObjectStore

_OF_EMBEDDING = frozenset((EMBEDDING_STATUS, "GSI1PK", "GSI1SK"))


@dataclass(frozen=True)
class Replacement:
    """What makes an image as planned: its plan with kept embeddings, items to put and their old selves, surplus."""

    planned: PlannedImage
    puts: Sequence[tuple[PlannedItem, Item | None]]
    surplus: Sequence[Item]
    #: Messages that the stream's handler will send.
    messages: int

    def of_stage(self, stage: int) -> tuple[list[tuple[PlannedItem, Item | None]], list[Item]]:
        """Puts and deletes of one stage."""
        return [put for put in self.puts if put[0].stage == stage], [i for i in self.surplus if _stage_of(i) == stage]

    def intents(self, digests: Mapping[str, str]) -> list[ItemIntent]:
        """For the ledger; ``digests`` are of the items as they are."""
        return [
            *(
                ItemIntent(item.key[1], item.stage, item.type_name, item.digest, Kind.CHANGE if before else Kind.CREATE)
                for item, before in self.puts
            ),
            *(
                ItemIntent(sk, _stage_of(item), item["TYPE"]["S"], digests[sk], Kind.REMOVE)
                for item in self.surplus
                for sk in [item["SK"]["S"]]
            ),
        ]


@dataclass(frozen=True)
class Replacer:
    """The images that a run may replace, and what it was told of the state of the world."""

    objects: ObjectStore
    image_ids: Collection[str]
    protected: Collection[str] = ()
    #: Messages in the compaction's dead-letter queues as the operator read them; None when nobody has.
    dead_letters: int | None = None
    #: Messages that were accepted for all images together; None when nobody has.
    accepted_messages: int | None = None
    #: What replacing all of them will send.
    predicted_messages: int = 0
    #: Lines and words that wait for their embedding, and how many may.
    waiting: int = 0
    waiting_limit: int = 0

    def refusal(self, image_id: str, seen: Observed) -> str:
        """Why this image is not replaced; empty when it may be."""
        foreign = sorted({text_of(item.get("TYPE")) or "no TYPE" for item in seen.items.values()} - BY_TYPE.keys())
        reasons = {
            "it is protected": image_id in self.protected,
            f"its partition holds {', '.join(foreign)}, which cannot be restored": bool(foreign),
            "nobody has said how many dead letters there are. Repair: --dead-letters N": self.dead_letters is None,
            f"{self.dead_letters} messages are in the dead-letter queues: drain them first": bool(self.dead_letters),
            f"{self.waiting:,} lines and words wait for their embedding, more than {self.waiting_limit:,}": (
                self.waiting > self.waiting_limit
            ),
            f"replacing sends {self.predicted_messages:,} stream messages, {self.accepted_messages} were accepted. "
            f"Repair: --accept-stream-events {self.predicted_messages}": (
                self.accepted_messages != self.predicted_messages
            ),
        }
        return "; ".join(reason for reason, is_so in reasons.items() if is_so)

    def write(
        self,
        found: Replacement,
        seen: Observed,
        known: Sequence[LedgerItem],
        *,
        ledger: PromotionLedger,
        writer: StageWriter,
        run_id: str,
        require_held: Callable[[], None],
    ) -> float:
        """Replace an image, stage after stage, the IMAGE row last; returns the metered units.

        Raises:
            ChangedMeanwhile: an item was changed by another writer since it was read.
            ItemStoreError: the store refuses or does not answer.
        """
        image_id = found.planned.image_id
        kept = self._before(found, seen, known, ledger, run_id)
        before = save_partition(self.objects, ledger.table, run_id, image_id, kept.values())
        ledger.intend(
            run_id,
            image_id,
            found.planned.fingerprint,
            found.intents(seen.digests),
            found=applied(known, seen.digests),
            before_image=before,
        )
        units = 0.0
        for stage in STAGES:
            require_held()
            puts, surplus = found.of_stage(stage)
            of_stage = sum(writer.change(item, old) for item, old in puts) + sum(map(writer.remove, surplus))
            ledger.stage_done(run_id, image_id, stage, of_stage)
            units += of_stage
        return units

    def _before(
        self, found: Replacement, seen: Observed, known: Sequence[LedgerItem], ledger: PromotionLedger, run_id: str
    ) -> Mapping[str, Item]:
        """The partition as it was before the run's first write: an earlier attempt's items are not what was there."""
        image_id = found.planned.image_id
        entry = next(iter(ledger.images(run_id=run_id, image_id=image_id)), None)
        ours = [row for row in known if row.run_id == run_id and row.kind is not Kind.REMOVE]
        written = {row.sk for row in ours if seen.digests.get(row.sk) == row.digest}
        written |= {row.sk for row in known if row.run_id == run_id} - seen.items.keys()
        if entry is None or not entry.before_image or not written:
            return seen.items
        earlier = load_partition(self.objects, entry.before_image)
        others = {sk: item for sk, item in seen.items.items() if sk not in written}
        return others | {sk: item for sk, item in earlier.items() if sk in written}


def replacement_of(planned: PlannedImage, seen: Observed) -> Replacement:
    """What has to be written to make a stored image as planned."""
    kept = tuple(_kept(item, seen) for item in planned.items)
    wanted = {item.key[1] for item in kept}
    puts = [(item, seen.items.get(item.key[1])) for item in kept if seen.digests.get(item.key[1]) != item.digest]
    surplus = [item for sk, item in seen.items.items() if sk not in wanted and text_of(item.get("TYPE")) in BY_TYPE]
    changes = [Change(before, item.item) for item, before in puts] + [Change(item, None) for item in surplus]
    return Replacement(replace(planned, items=kept), puts, surplus, sum(map(messages, changes)))


def applied(known: Sequence[LedgerItem], digests: Mapping[str, str]) -> set[str]:
    """Sort keys of the intents of a killed run that were carried out before it ended."""
    open_ = [row for row in known if row.state is ItemState.INTENDED]
    gone = {row.sk for row in open_ if row.kind is Kind.REMOVE and row.sk not in digests}
    return gone | {row.sk for row in open_ if row.kind is not Kind.REMOVE and digests.get(row.sk) == row.digest}


def _kept(item: PlannedItem, seen: Observed) -> PlannedItem:
    """A line or word that differs in its embedding only stays as it is."""
    stored, entity = seen.items.get(item.key[1]), BY_TYPE.get(item.type_name)
    if stored is None or entity is None or not entity.is_embedded:
        return item
    names = (item.item.keys() | stored.keys()) - _OF_EMBEDDING
    if any(item.item.get(name) != stored.get(name) for name in names):
        return item
    return replace(item, item=stored, digest=seen.digests[item.key[1]])


def _stage_of(item: Item) -> int:
    return BY_TYPE[item["TYPE"]["S"]].stage
