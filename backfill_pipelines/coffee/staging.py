"""What was derived from bodies, on its way into PostgreSQL: rendered to COPY lines, then copied to temporary tables.

``render`` is pure and needs no connection, so that a caller can render the next chunk while PostgreSQL publishes this
one; ``stage`` copies a chunk inside the transaction that will publish it. Gates measure the staged rows
(``partition_gates``), ``publishing`` moves the green partitions on.
"""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from itertools import count

from backfill_pipelines.coffee import copy_text as to
from backfill_pipelines.coffee.model import (
    Capture,
    Derived,
    ProductObservation,
    Source,
    VariantObservation,
    natural_id,
)
from backfill_pipelines.stores import sql
from backfill_pipelines.stores.postgres import Connection, execute, read_value

PACKAGE = "backfill_pipelines.coffee"
#: Observations in one chunk, that is in one transaction: memory and lock time stay bounded.
MOST_OBSERVATIONS = 50_000
#: Lines handed to the server at once.
_LINES_AT_ONCE = 2_000
#: Of the server, for one sort or join, and for the staging tables of a session.
_WORK_MEMORY = "64MB"
_STAGING_MEMORY = "128MB"
#: Rows that ANALYZE looks at, in units of 300: sizes and numbers of keys are all that plans of a chunk depend on.
_STATISTICS = 10
#: Of a page anywhere against one in order: a chunk looks at pages that were just written, which are in memory.
_PAGE_COST = 1.1
#: The columns that are joined and filtered on: statistics of the documents would cost more than they are worth.
_ANALYZE = (
    "ANALYZE staged_captures, staged_products (product_no, artifact_no, coffee_id, platform_product_id),"
    " staged_variants (product_no, variant_id, price)"
)


@dataclass(frozen=True)
class Versions:
    """Under which rules bodies were derived: semantic versions."""

    transform: str
    normalizer: str


@dataclass(frozen=True)
class StagedBody:
    """One body with what was derived from it, and the partition it is staged for."""

    capture: Capture
    source: Source
    derived: Derived
    #: Hash of the bytes that were read; the capture has the recorded one.
    body_sha256: str
    #: The partition's day; None for the capture's own.
    day: date | None = None

    @property
    def partition(self) -> str:
        """The partition's key, ``day|roaster``, as Dagster orders it."""
        return partition_key(self.day or self.capture.day, self.source.roaster_slug)


@dataclass
class Chunk:
    """COPY lines of some bodies, by staging table."""

    partitions: list[str] = field(default_factory=list[str])
    captures: list[str] = field(default_factory=list[str])
    products: list[str] = field(default_factory=list[str])
    variants: list[str] = field(default_factory=list[str])
    rejected: list[str] = field(default_factory=list[str])

    @property
    def observations(self) -> int:
        """Variant observations in it."""
        return len(self.variants)


@dataclass(frozen=True)
class Staged:
    """A chunk in the temporary tables of a transaction."""

    #: Keys ``day|roaster``, in order.
    partitions: Sequence[str]
    captures: int
    products: int
    observations: int


def partition_key(day: date, roaster_slug: str) -> str:
    """The key of a roaster's day, ``day|roaster``."""
    return f"{day.isoformat()}|{roaster_slug}"


def render(bodies: Iterable[StagedBody], versions: Versions) -> Chunk:
    """The COPY lines of some bodies; memory is that of the lines, about 300 bytes a variant."""
    chunk, seen, numbers = Chunk(), dict[str, None](), count()
    for artifact_no, body in enumerate(bodies):
        seen.setdefault(body.partition)
        chunk.captures.append(_capture_line(artifact_no, body, versions))
        for product in body.derived.products:
            _render_product(chunk, next(numbers), artifact_no, body.capture, product)
        chunk.rejected.extend(
            f"{artifact_no}\t{to.text(one.platform_product_id)}\t{to.text(one.platform_variant_id)}"
            f"\t{to.text(one.reason)}\t{to.json(one.detail)}\n"
            for one in body.derived.rejected
        )
    chunk.partitions = list(seen)
    return chunk


def stage(connection: Connection, chunk: Chunk) -> Staged:
    """Copy a chunk into the temporary tables of the connection's transaction.

    Ids of rows that were there before this project are taken over from ``coffees`` and ``variants``.
    """
    _make_room(connection)
    execute(connection, sql.load(PACKAGE, "staging/tables"))
    execute(connection, sql.load(PACKAGE, "staging/conflicts"))
    for table in ("captures", "products", "variants", "rejected"):
        _copy(connection, f"staged_{table}", getattr(chunk, table))
    execute(connection, _ANALYZE)
    _take_over_ids(connection)
    execute(connection, sql.load(PACKAGE, "staging/set_aside"))
    execute(connection, sql.load(PACKAGE, "staging/totals"))
    return Staged(chunk.partitions, len(chunk.captures), len(chunk.products), chunk.observations)


def coffee_id(source_id: uuid.UUID, platform_product_id: str) -> str:
    """The id of a coffee from its natural key."""
    return _id(f"product:{source_id}:{platform_product_id}")


def variant_id(coffee: str, platform_variant_id: str) -> str:
    """The id of a variant from its natural key."""
    return _id(f"variant:{coffee}:{platform_variant_id}")


@lru_cache(maxsize=1 << 17)
def _id(name: str) -> str:
    return str(natural_id(name))


def _capture_line(number: int, body: StagedBody, versions: Versions) -> str:
    capture, derived = body.capture, body.derived
    fields = (
        str(number),
        str(capture.id),
        str(capture.capture_id),
        str(capture.source_id),
        str(capture.roaster_id),
        to.text(body.partition),
        (body.day or capture.day).isoformat(),
        to.text(capture.url),
        capture.observed_at.isoformat(),
        capture.completeness,
        body.source.currency_at(capture.observed_at),
        derived.status,
        to.json(list(derived.errors)),
        str(derived.captured_products),
        str(derived.captured_variants),
        capture.body_sha256,
        body.body_sha256,
        versions.transform,
        versions.normalizer,
    )
    return "\t".join(fields) + "\n"


def _render_product(chunk: Chunk, number: int, artifact_no: int, capture: Capture, product: ProductObservation) -> None:
    coffee = coffee_id(capture.source_id, product.platform_product_id)
    observation = natural_id(f"observation:{coffee}:{capture.observed_at.isoformat()}")
    chunk.products.append(
        f"{number}\t{artifact_no}\t{observation}\t{coffee}\t{product.product_index}"
        f"\t{to.text(product.platform_product_id)}\t{product.raw_payload_hash}\t{product.product_hash}"
        f"\t{product.content_hash}\t{product.price_hash}\t{to.json(product.normalized)}\t{product.status}"
        f"\t{to.array(tuple(product.codes))}\n"
    )
    chunk.variants.extend(
        f"{number}\t{variant_id(coffee, one.platform_variant_id)}\t{_variant(one)}\n" for one in product.variants
    )


def _variant(one: VariantObservation) -> str:
    return (
        f"{to.text(one.platform_variant_id)}\t{to.number(one.price)}\t{one.currency}\t{to.number(one.compare_at_price)}"
        f"\t{one.price_from}\t{to.boolean(one.in_stock)}\t{to.number(one.stock_qty)}\t{to.text(one.sku)}"
        f"\t{to.text(one.title)}\t{to.json(one.options)}\t{to.number(one.weight_g)}\t{one.pack_count}"
        f"\t{to.text(one.grind)}\t{to.text(one.grind_raw)}\t{to.boolean(one.subscription_available)}"
        f"\t{to.array(tuple(one.codes))}"
    )


def _copy(connection: Connection, table: str, lines: Sequence[str]) -> None:
    with connection.cursor() as cursor, cursor.copy(f"COPY {table} FROM STDIN".encode()) as copy:
        for start in range(0, len(lines), _LINES_AT_ONCE):
            copy.write("".join(lines[start : start + _LINES_AT_ONCE]))


def _make_room(connection: Connection) -> None:
    """A chunk is sorted and joined in memory; temporary tables have room in it unless the session used some before."""
    execute(connection, f"SET LOCAL work_mem = '{_WORK_MEMORY}'")
    execute(connection, f"SET LOCAL default_statistics_target = {_STATISTICS}")
    execute(connection, f"SET LOCAL random_page_cost = {_PAGE_COST}")
    if not read_value(connection, "SELECT pg_my_temp_schema()"):
        execute(connection, f"SET temp_buffers = '{_STAGING_MEMORY}'")


def _take_over_ids(connection: Connection) -> None:
    """Rows written before this project keep their ids; what they lack gets an id from theirs."""
    foreign = execute(connection, sql.load(PACKAGE, "staging/take_over_coffee_ids")).fetchall()
    if not foreign:
        return
    coffees = {"coffees": [row[0] for row in foreign]}
    wanted = execute(connection, sql.load(PACKAGE, "staging/variants_of_taken_over"), coffees).fetchall()
    ids = [existing or uuid.UUID(variant_id(str(coffee), name)) for coffee, name, existing in wanted]
    execute(
        connection,
        sql.load(PACKAGE, "staging/take_over_variant_ids"),
        {"coffees": [row[0] for row in wanted], "platform_variant_ids": [row[1] for row in wanted], "ids": ids},
    )
