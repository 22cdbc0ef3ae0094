"""Whether the files of an image are in the target's buckets already: objects are not copied with the items."""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from backfill_pipelines.receipts.items import Item
from backfill_pipelines.receipts.keys import text_of
from backfill_pipelines.receipts.promotion.planned_image import PlannedImage, Reason, SetAside

_KEY = "_s3_key"
_NAMED = 5
#: Files of one image asked for at once; each answer takes tens of milliseconds.
_AT_ONCE = 16

#: Bucket and key.
Address = tuple[str, str]


class AsksBuckets(Protocol):
    """Whatever knows which objects there are."""

    def has(self, bucket: str, key: str) -> bool:
        """Whether the bucket holds the object."""
        ...


def objects_of(items: Iterable[Item]) -> list[Address]:
    """Bucket and key of every file that the IMAGE and RECEIPT items name, each once, in order."""
    return sorted({address for item in items for address in _addresses(item)})


def _addresses(item: Item) -> Iterator[Address]:
    """``raw_s3_key`` is in ``raw_s3_bucket``; all twelve keys that start with cdn are in ``cdn_s3_bucket``."""
    for name in item:
        if name.endswith(_KEY) and name != "s3_key" and (key := text_of(item[name])):
            bucket = text_of(item.get(f"{name.partition('_')[0]}_s3_bucket"))
            yield bucket or "(no bucket)", key


def missing_objects(image: PlannedImage, buckets: AsksBuckets) -> SetAside | None:
    """The image set aside with the files that are not there; None when all are.

    Raises:
        StoreError: a bucket does not answer; that is never taken for "missing".
    """
    wanted = objects_of(one.item for one in image.items)
    missing = absent_objects(wanted, buckets)
    if not missing:
        return None
    names = ", ".join(f"{bucket}/{key}" for bucket, key in missing[:_NAMED])
    more = f" and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
    detail = f"{len(missing)} of {len(wanted)} files are not in the target: {names}{more}; copy them first"
    return SetAside(image.image_id, Reason.OBJECT_MISSING, detail)


def absent_objects(wanted: Sequence[Address], buckets: AsksBuckets) -> list[Address]:
    """Those of some files that are not there.

    Raises:
        StoreError: a bucket does not answer; that is never taken for "missing".
    """
    nowhere = [address for address in wanted if address[0] == "(no bucket)"]
    somewhere = [address for address in wanted if address[0] != "(no bucket)"]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        present = list(pool.map(lambda address: buckets.has(*address), somewhere))
    return nowhere + [address for address, is_there in zip(somewhere, present, strict=True) if not is_there]
