"""What taking a run back does with each item of an image, and whether it may touch the image at all. Pure rules.

An item is the run's own only while its digest is the one that the ledger has. An image of which anything has to stay
stays whole: half an image is worse than one too many.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from backfill_pipelines.receipts.items import Item, item_digest
from backfill_pipelines.receipts.keys import text_of
from backfill_pipelines.receipts.promotion.entities import BY_TYPE, EMBEDDING_STATUS, NOT_EMBEDDED
from backfill_pipelines.receipts.promotion.entity_keys import identity_of, keys_of
from backfill_pipelines.receipts.promotion.image_state import IMAGE_SK
from backfill_pipelines.receipts.promotion.promotion_rows import ImageEntry, ItemState, Kind, LedgerItem
from backfill_pipelines.receipts.promotion.stream_safety import Predicted, predicted
from backfill_pipelines.receipts.stream_effects import Change

_NAMED = 5
_OF_EMBEDDING = ("GSI1PK", "GSI1SK")


class State(StrEnum):
    """What becomes of an item of a run that is taken back."""

    DELETED = "deleted"
    RESTORED = "restored"
    ALREADY_ABSENT = "already_absent"
    CHANGED_SINCE = "changed_since"
    #: A line or word that differs from what was written only by its embedding: its vectors would stay behind.
    EMBEDDED_SINCE = "embedded_since"
    #: Nothing is wrong with it; it stays with its image.
    KEPT = "kept"
    #: An intent that never reached the table: the run has nothing there to take back.
    NEVER_APPLIED = "never_applied"


#: The states of items that the run did write; together they are all of them.
APPLIED = tuple(state for state in State if state is not State.NEVER_APPLIED)
SKIPPED = frozenset((State.CHANGED_SINCE, State.EMBEDDED_SINCE))


@dataclass(frozen=True)
class ItemStep:
    """What is to be done with one item; ``change`` is the write that does it, None when nothing is to be written."""

    row: LedgerItem
    state: State
    change: Change | None = None
    detail: str = ""
    #: The item as it was read.
    current: Item | None = None


@dataclass(frozen=True)
class ImageStep:
    """What is to be done with one image of a run."""

    image_id: str
    #: created, replaced, or unfinished: the run was ended before the IMAGE row.
    kind: str
    steps: Sequence[ItemStep]
    #: Why the image is not touched although no item of the run speaks against it.
    blocked: str = ""
    #: Items of others that stay, by TYPE.
    left: Mapping[str, int] = field(default_factory=dict[str, int])

    @property
    def skipped(self) -> list[ItemStep]:
        """The items for whose sake the image stays."""
        return [step for step in self.steps if step.state in SKIPPED]

    @property
    def is_kept(self) -> bool:
        """Whether the image stays as it is."""
        return bool(self.blocked or self.skipped)

    @property
    def writes(self) -> list[ItemStep]:
        """What is to be written, in the order of undoing: the IMAGE row first."""
        found = [step for step in self.steps if step.change is not None and not self.is_kept]
        return sorted(found, key=lambda step: (-step.row.stage, step.row.sk))

    @property
    def states(self) -> Counter[State]:
        """Items by what becomes of them."""
        return Counter(State.KEPT if self.is_kept and step.change else step.state for step in self.steps)

    @property
    def predicted(self) -> Predicted:
        """The stream messages of it."""
        return predicted(step.change for step in self.writes if step.change is not None)

    @property
    def reason(self) -> str:
        """Why it is kept; empty when it is not."""
        counts = Counter(step.state for step in self.skipped)
        said = [f"{number:,} items {state}" for state, number in sorted(counts.items())]
        return "; ".join([*said, *([self.blocked] if self.blocked else [])])


def image_step(
    entry: ImageEntry,
    rows: Sequence[LedgerItem],
    stored: Mapping[str, Item],
    before: Mapping[str, Item],
    others: Mapping[str, str],
    *,
    is_begun: bool = False,
    include_embedded: bool = False,
) -> ImageStep:
    """Decide about one image.

    Args:
        entry: What the ledger says of the image in the run.
        rows: The run's items of it, without those that are gone.
        stored: Its partition by sort key, strongly read.
        before: The before-image of a replaced image.
        others: Sort keys that other runs of the ledger have written, and which run.
        is_begun: An earlier rollback has begun to write the image and did not say how that ended.
        include_embedded: Take lines and words back although they were embedded.
    """
    mine = {row.sk for row in rows}
    steps = [
        item_step(row, stored.get(row.sk), before.get(row.sk), is_begun=is_begun, includes_embedded=include_embedded)
        for row in rows
    ]
    if entry.before_image:
        return ImageStep(entry.image_id, "replaced", steps)
    foreign = {sk: item for sk, item in stored.items() if sk not in mine}
    left = Counter(text_of(item.get("TYPE")) or "(no TYPE)" for item in foreign.values())
    kind = "created" if IMAGE_SK in mine else "unfinished"
    return ImageStep(entry.image_id, kind, steps, _blocked(foreign, others), left)


def _blocked(foreign: Mapping[str, Item], others: Mapping[str, str]) -> str:
    """Why others' items forbid to take the image away; traces of the pipeline's own work do not."""
    if IMAGE_SK in foreign:
        run = others.get(IMAGE_SK)
        by = f"run {run}. Repair: backfill promote rollback {run}, then this one" if run else "another writer"
        return f"the image was brought to its end by {by}"
    unknown = sorted(
        sk for sk, item in foreign.items() if sk not in others and (text_of(item.get("TYPE")) or "") in BY_TYPE
    )
    if not unknown:
        return ""
    return f"others have written {len(unknown):,} items of it since, e.g. {', '.join(unknown[:_NAMED])}"


def item_step(
    row: LedgerItem, current: Item | None, before: Item | None, *, is_begun: bool, includes_embedded: bool
) -> ItemStep:
    """Decide about one item."""
    is_written = row.state is ItemState.WRITTEN
    if current is None:
        return _absent(row, before, is_begun=is_begun)
    undo = ItemStep(row, State.RESTORED if before else State.DELETED, Change(current, before), current=current)
    if row.kind is not Kind.REMOVE and item_digest(current) == row.digest:
        return undo
    if before is not None and item_digest(current) == item_digest(before):
        state = State.RESTORED if is_begun or is_written else State.NEVER_APPLIED
        return ItemStep(row, state, detail="it stands as it was before the run already", current=current)
    if is_embedded_since(row, current):
        status = text_of(current.get(EMBEDDING_STATUS))
        if includes_embedded:
            return undo
        return ItemStep(row, State.EMBEDDED_SINCE, detail=f"{EMBEDDING_STATUS} is {status}", current=current)
    return ItemStep(row, State.CHANGED_SINCE, current=current)


def _absent(row: LedgerItem, before: Item | None, *, is_begun: bool) -> ItemStep:
    if row.kind is Kind.REMOVE and before is not None:
        return ItemStep(row, State.RESTORED, Change(None, before))
    if row.kind is Kind.CHANGE:
        return ItemStep(row, State.CHANGED_SINCE, detail="somebody deleted it")
    if is_begun:
        return ItemStep(row, State.DELETED, detail="deleted by a rollback that was interrupted")
    state = State.ALREADY_ABSENT if row.state is ItemState.WRITTEN else State.NEVER_APPLIED
    return ItemStep(row, state, detail="somebody deleted it" if state is State.ALREADY_ABSENT else "")


def is_embedded_since(row: LedgerItem, current: Item) -> bool:
    """Whether an item is as the run wrote it but for its embedding status and the index keys made from it."""
    entity = BY_TYPE.get(row.type_name)
    identity = identity_of(entity, row.sk) if entity is not None and entity.is_embedded else None
    if entity is None or identity is None or row.kind is Kind.REMOVE:
        return False
    waiting = {name: value for name, value in current.items() if name not in _OF_EMBEDDING}
    waiting[EMBEDDING_STATUS] = {"S": NOT_EMBEDDED}
    return item_digest({**waiting, **keys_of(entity, row.image_id, identity, waiting)}) == row.digest
