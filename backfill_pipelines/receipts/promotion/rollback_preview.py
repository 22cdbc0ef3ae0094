"""What a rollback of a promotion would do: every image of its scope looked at, the messages it costs. Writes nothing.

The promotion ledger says which items are the run's; each partition is read strongly and whole.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from backfill_pipelines.receipts.items import Item
from backfill_pipelines.receipts.keys import BUCKETS, bucket_of, is_image_id
from backfill_pipelines.receipts.promotion.image_state import read_partition
from backfill_pipelines.receipts.promotion.partition_images import load_partition
from backfill_pipelines.receipts.promotion.promotion_ledger import PromotionLedger
from backfill_pipelines.receipts.promotion.promotion_rows import ImageEntry
from backfill_pipelines.receipts.promotion.rollback_ledger import ROLLED_BACK, RollbackLedger, Undone
from backfill_pipelines.receipts.promotion.rollback_rules import ImageStep, ItemStep, State, image_step
from backfill_pipelines.receipts.promotion.stream_safety import Predicted
from backfill_pipelines.receipts.rollback_scope import RollbackRefused
from backfill_pipelines.receipts.rollback_steps import changes_between
from backfill_pipelines.stores.items import ItemStore
from backfill_pipelines.stores.objects import ObjectStore

#: Items that a kept image names.
_NAMED = 5

#: What a run wrote of an image, by sort key, where it can be built again.
AfterImages = Callable[[str], Mapping[str, Item]]


@dataclass(frozen=True)
class Scope:
    """Which images of a run are taken back."""

    run_id: str
    buckets: frozenset[str] = frozenset(BUCKETS)
    #: Empty for all.
    image_ids: frozenset[str] = frozenset()
    name: str = "the whole run"

    def includes(self, image_id: str) -> bool:
        """Whether an image is meant."""
        return bucket_of(image_id) in self.buckets and (not self.image_ids or image_id in self.image_ids)


def scope_of(run_id: str, *, buckets: str = "", image_ids: Sequence[str] = ()) -> Scope:
    """The scope of the options.

    Raises:
        RollbackRefused: an option makes no sense.
    """
    if wrong := [one for one in image_ids if not is_image_id(one)]:
        raise RollbackRefused(f"{wrong[0]!r} is no image id. Repair: give the UUID of an image")
    if buckets and image_ids:
        raise RollbackRefused("the scope is ambiguous. Repair: give --buckets or --image")
    if buckets:
        first, _, last = buckets.partition("-")
        if first not in BUCKETS or (last or first) not in BUCKETS or first > (last or first):
            raise RollbackRefused(f"{buckets!r} are no buckets. Repair: --buckets 00-0f, from 00 to ff")
        chosen = frozenset(one for one in BUCKETS if first <= one <= (last or first))
        return Scope(run_id, chosen, name=f"buckets {buckets}")
    if image_ids:
        return Scope(run_id, image_ids=frozenset(image_ids), name=f"{len(set(image_ids)):,} images")
    return Scope(run_id)


@dataclass(frozen=True)
class Looked:
    """One image as it was looked at, without its items."""

    image_id: str
    kind: str
    states: Mapping[State, int]
    #: By TYPE, items that would be written.
    types: Mapping[str, int]
    predicted: Predicted
    reason: str
    #: The first items for whose sake it is kept, with what is different.
    skipped: tuple[str, ...]
    left: Mapping[str, int]
    is_begun: bool

    @property
    def is_kept(self) -> bool:
        """Whether it stays."""
        return bool(self.reason)


@dataclass(frozen=True)
class Preview:
    """What a rollback would do, and what was done of it before."""

    scope: Scope
    table: str
    images: Mapping[str, Looked]
    #: Images that earlier calls took back.
    done: Mapping[str, Undone]
    #: Images that a limit leaves for the next call.
    left: int = 0
    #: Messages of images that a rollback was ended in, as they were announced when they were begun.
    announced: int = 0

    @property
    def states(self) -> Counter[State]:
        """Items by what would become of them."""
        return sum((Counter(one.states) for one in self.images.values()), Counter[State]())

    @property
    def to_write(self) -> list[str]:
        """Images that would be taken back."""
        return [name for name, one in self.images.items() if not one.is_kept]

    @property
    def messages(self) -> int:
        """Stream messages that applying it sends."""
        return sum(one.predicted.messages for one in self.images.values())

    @property
    def predicted(self) -> Predicted:
        """Stream events and messages of applying it."""
        found = [one.predicted for one in self.images.values()]
        events = sum((Counter(dict(one.events)) for one in found), Counter[str]())
        return Predicted(self.messages, sum(one.version_dependent for one in found), dict(events))

    @property
    def sent(self) -> int:
        """Messages of what was done before, also by a rollback that was ended in the middle of an image."""
        begun = sum(one.predicted.messages for one in self.images.values() if one.is_begun)
        return sum(one.events for one in self.done.values()) + max(0, self.announced - begun)

    def require_accepted(self, accepted: int | None) -> None:
        """Whether somebody knows what the stream will send; a killed rollback goes on with the number it began with.

        Raises:
            RollbackRefused: the number is another.
        """
        if accepted is None or accepted not in (self.messages, self.messages + self.sent):
            said = "none were" if accepted is None else f"{accepted:,} were"
            raise RollbackRefused(
                f"{self.messages:,} stream messages will be sent, each makes vectors of a receipt anew, and {said} "
                f"accepted. Repair: look at the preview, then give --accept-stream-events {self.messages}"
            )


@dataclass
class ImageLooker:
    """Looks at images of a run; safe to use from many threads."""

    items: ItemStore
    objects: ObjectStore
    ledger: PromotionLedger
    run_id: str
    include_embedded: bool = False

    def step(self, entry: ImageEntry, known: Undone | None) -> tuple[ImageStep, Mapping[str, Item]]:
        """What is to be done with an image now, and its partition.

        Raises:
            RollbackRefused: the before-image is of another image.
        """
        of_image = self.ledger.items(entry.image_id)
        rows = [row for row in of_image if row.run_id == self.run_id]
        others = {row.sk: row.run_id for row in of_image if row.run_id != self.run_id}
        before = self._before(entry)
        stored = read_partition(self.items, entry.image_id)
        is_begun = known is not None and known.outcome is None
        step = image_step(
            entry, rows, stored, before, others, is_begun=is_begun, include_embedded=self.include_embedded
        )
        return step, stored

    def _before(self, entry: ImageEntry) -> Mapping[str, Item]:
        if not entry.before_image:
            return {}
        found = load_partition(self.objects, entry.before_image)
        if any(item["PK"] != {"S": f"IMAGE#{entry.image_id}"} for item in found.values()):
            raise RollbackRefused(
                f"the before-image {entry.before_image} is not of {entry.image_id}. Repair: restore that file; nothing "
                "is written without it"
            )
        return found


def candidates(ledger: PromotionLedger, scope: Scope) -> dict[str, ImageEntry]:
    """Images of a scope of which the run has written, or may have written, an item that it still answers for."""
    open_ = ledger.open_images(scope.run_id)
    entries = ledger.images(run_id=scope.run_id)
    return {one.image_id: one for one in entries if one.image_id in open_ and scope.includes(one.image_id)}


def look(
    looker: ImageLooker,
    rollbacks: RollbackLedger,
    scope: Scope,
    *,
    after_images: AfterImages = lambda _: {},
    limit: int | None = None,
    workers: int = 10,
) -> Preview:
    """Look at every image of a scope.

    Raises:
        StoreError: a before-image is not there or not what was written.
        ItemStoreError: the table does not answer.
    """
    known = {name: one for name, one in rollbacks.rows().items() if scope.includes(name)}
    entries = candidates(looker.ledger, scope)
    done = {name: one for name, one in known.items() if one.outcome == ROLLED_BACK and name not in entries}

    def looked(entry: ImageEntry) -> Looked:
        step, _ = looker.step(entry, known.get(entry.image_id))
        return _looked(step, after_images, is_begun=_is_begun(known.get(entry.image_id)))

    with ThreadPoolExecutor(workers, "look") as pool:
        found = {one.image_id: one for one in pool.map(looked, entries.values())}
    taken = _limited(found, limit)
    announced = sum(one.events for name, one in known.items() if name in taken and _is_begun(one))
    return Preview(scope, looker.ledger.table, taken, done, len(found) - len(taken), announced)


def _is_begun(known: Undone | None) -> bool:
    return known is not None and known.outcome is None


def _limited(found: Mapping[str, Looked], limit: int | None) -> dict[str, Looked]:
    """What one call takes up: a kept image costs nothing, so it never uses up the limit."""
    wanted = [name for name, one in found.items() if not one.is_kept]
    left = set(wanted[limit:]) if limit is not None else set[str]()
    return {name: one for name, one in found.items() if name not in left}


def _looked(step: ImageStep, after_images: AfterImages, *, is_begun: bool) -> Looked:
    written = after_images(step.image_id) if any(one.state is State.CHANGED_SINCE for one in step.skipped) else {}
    return Looked(
        step.image_id,
        step.kind,
        dict(step.states),
        dict(Counter(one.row.type_name for one in step.writes)),
        step.predicted,
        step.reason,
        tuple(difference(one, written.get(one.row.sk)) for one in step.skipped[:_NAMED]),
        step.left,
        is_begun,
    )


def difference(step: ItemStep, written: Item | None) -> str:
    """What is different about a skipped item, field by field where that can be said."""
    about = f"{step.row.sk} {step.state}"
    if step.detail or step.current is None:
        return f"{about}: {step.detail or 'it is not there'}"
    if written is None:
        return f"{about}: not the item of digest {step.row.digest[:16]}; what the run wrote cannot be built again"
    changes = changes_between(written, step.current, ignored=())
    return f"{about}: {'; '.join(map(str, changes))}"


def refused_unless_known(ledger: PromotionLedger, run_id: str) -> None:
    """There is something to take back of a run only where the ledger knows it.

    Raises:
        RollbackRefused: it does not; names the runs that it knows.
    """
    if run_id not in (runs := ledger.runs()):
        raise RollbackRefused(
            f"{ledger.table} has seen no run {run_id} of the promotion. Repair: give one of "
            f"{', '.join(runs) or 'none: nothing was promoted'}"
        )
