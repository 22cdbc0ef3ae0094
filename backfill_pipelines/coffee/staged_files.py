"""What was derived from a partition's bodies, kept until it is published: the staging between two assets.

One object for each partition, ``staged/<roaster>/<day>.json.gz``, replaced by each derivation. It names the input and
the rules that it was derived from and by, so that what is older than its input is never published.
"""

import gzip
from collections.abc import Iterable, Iterator, Mapping

import orjson

from backfill_pipelines.coffee.expected_set import parse_partition
from backfill_pipelines.coffee.staging import Chunk
from backfill_pipelines.stores.objects import ObjectStore

#: The staging tables, by the names of a chunk's fields.
TABLES = ("captures", "products", "variants", "rejected")


def staged_key(partition: str) -> str:
    """Where the staging of a partition is."""
    day, roaster = parse_partition(partition)
    return f"staged/{roaster}/{day.isoformat()}.json.gz"


def save_chunk(objects: ObjectStore, partition: str, chunk: Chunk, input_digest: str) -> None:
    """Keep what was derived for one partition."""
    content = {"input_digest": input_digest, **{table: getattr(chunk, table) for table in TABLES}}
    objects.write(staged_key(partition), gzip.compress(orjson.dumps(content), 1, mtime=0))


def load_chunks(objects: ObjectStore, digests: Mapping[str, str]) -> Iterator[tuple[str, Chunk | None]]:
    """What is kept of each partition; None where nothing is, or it was derived from another input than its digest."""
    keys = {staged_key(partition): partition for partition in digests}
    found = dict(objects.read_present(list(keys)))
    for key, partition in keys.items():
        content = orjson.loads(gzip.decompress(found[key])) if key in found else {}
        if content.get("input_digest") != digests[partition]:
            yield partition, None
            continue
        yield partition, Chunk([partition], **{table: content[table] for table in TABLES})


def merged(chunks: Iterable[Chunk]) -> Chunk:
    """Several chunks as one: each numbers its bodies and products from 0, and together they go on from one another."""
    whole = Chunk()
    for chunk in chunks:
        moved = renumbered(chunk, len(whole.captures), len(whole.products))
        whole.partitions += [one for one in moved.partitions if one not in whole.partitions]
        for table in TABLES:
            getattr(whole, table).extend(getattr(moved, table))
    return whole


def renumbered(chunk: Chunk, captures: int, products: int) -> Chunk:
    """A chunk whose numbers go on from so many captures and products."""
    return Chunk(
        list(chunk.partitions),
        _moved(chunk.captures, captures),
        _moved(chunk.products, products, captures),
        _moved(chunk.variants, products),
        _moved(chunk.rejected, captures),
    )


def _moved(lines: list[str], *offsets: int) -> list[str]:
    """Lines whose first fields are numbers, each moved by its offset."""
    if not any(offsets):
        return lines
    count = len(offsets)
    moved = list[str]()
    for line in lines:
        *numbers, rest = line.split("\t", count)
        moved.append("\t".join([*(str(int(n) + by) for n, by in zip(numbers, offsets, strict=True)), rest]))
    return moved
