"""What the target table holds of an image, by one strongly consistent query of its partition.

Errors of the store propagate: only a query that finds nothing means that an image is absent. What is done about a
state is ``image_copying``'s.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from backfill_pipelines.receipts.items import Item, canonical_json, item_digest
from backfill_pipelines.receipts.keys import text_of
from backfill_pipelines.receipts.promotion.fingerprints import compared_rows, items_fingerprint
from backfill_pipelines.receipts.promotion.image_outcomes import ImageState
from backfill_pipelines.receipts.promotion.planned_image import PlannedImage
from backfill_pipelines.receipts.promotion.promotion_rows import LedgerItem
from backfill_pipelines.stores.items import ItemStore, Query

IMAGE_SK = "IMAGE"
_NAMED = 5


@dataclass(frozen=True)
class Observed:
    """An image's partition as it was read: items by sort key, and what they amount to."""

    state: ImageState
    items: Mapping[str, Item]
    digests: Mapping[str, str]
    fingerprint: str = ""
    #: What is foreign, or how it differs, in words.
    detail: str = ""
    #: Sort keys of items that are ours, with the content we meant to write.
    ours: frozenset[str] = field(default_factory=frozenset[str])


def read_partition(store: ItemStore, image_id: str) -> dict[str, Item]:
    """All items of an image by sort key."""
    query = Query(partition=("PK", f"IMAGE#{image_id}"))
    return {text_of(item.get("SK")) or "": item for page in store.query(query) for item in page.items}


def observe(store: ItemStore, planned: PlannedImage, known: Sequence[LedgerItem]) -> Observed:
    """Read an image's partition and say what it is, given what the ledger knows of it."""
    items = read_partition(store, planned.image_id)
    digests = digests_of(items, planned)
    if not items:
        return Observed(ImageState.ABSENT, items, digests)
    if IMAGE_SK not in items:
        return partial(items, digests, known)
    found = items_fingerprint(planned.image_id, items.values())
    if found == planned.fingerprint:
        return Observed(ImageState.IDENTICAL, items, digests, found)
    return Observed(ImageState.DIFFERS, items, digests, found, section_diff(planned, items))


def digests_of(items: Mapping[str, Item], planned: PlannedImage) -> dict[str, str]:
    """The digests of items as they were read; one that is the planned item, value for value, has the planned digest."""
    wanted = {one.key[1]: one for one in planned.items}
    found: dict[str, str] = {}
    for sk, item in items.items():
        meant = wanted.get(sk)
        found[sk] = meant.digest if meant is not None and item == meant.item else item_digest(item)
    return found


def partial(items: Mapping[str, Item], digests: Mapping[str, str], known: Sequence[LedgerItem]) -> Observed:
    """An image without IMAGE row: ours when the ledger knows every item with the content that is there."""
    meant = {(row.sk, row.digest) for row in known}
    names = {row.sk for row in known}
    unknown = sorted(sk for sk in digests if sk not in names)
    changed = sorted(sk for sk, digest in digests.items() if sk in names and (sk, digest) not in meant)
    if not unknown and not changed:
        return Observed(ImageState.PARTIAL, items, digests, ours=frozenset(digests))
    parts = [("not written by any run of the ledger", unknown), ("changed since a run wrote them", changed)]
    said = [
        f"{len(sks):,} of {len(items):,} items {text}, e.g. {', '.join(sks[:_NAMED])}" for text, sks in parts if sks
    ]
    runs = sorted({row.run_id for row in known if row.sk in digests})
    own = f"take back what is ours: backfill promote rollback {runs[-1]} --image {known[0].image_id}" if runs else ""
    others = "see who writes them and delete what is nobody's" if unknown else ""
    embedded = " (--include-embedded if it was embedded)" if changed else ""
    repair = ", and ".join(part for part in (own and own + embedded, others) if part)
    detail = f"{'; '.join(said)}. Repair: {repair}; then backfill promote run --apply"
    return Observed(ImageState.PARTIAL_FOREIGN, items, digests, detail=detail)


def section_diff(planned: PlannedImage, items: Mapping[str, Item]) -> str:
    """How a stored image differs in what the fingerprint covers, list by list; a changed row is one on either side."""
    wanted, found = compared_rows(one.item for one in planned.items), compared_rows(items.values())
    parts: list[str] = []
    for name, rows in wanted.items():
        here, there = (Counter(map(canonical_json, side)) for side in (rows, found[name]))
        counts = {"only in the source": (here - there).total(), "only in the target": (there - here).total()}
        if said := ", ".join(f"{number:,} {where}" for where, number in counts.items() if number):
            parts.append(f"{name}: {said}")
    return "; ".join(parts)
