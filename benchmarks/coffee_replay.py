"""Replaying a year of stored shop feeds, against two ways that people know, on the same server in one run.

- ours: bodies read and checked by their hash, derived, rendered, staged, judged by every gate of a roaster's day,
  published and folded, in chunks of at most 50,000 observations; the next chunk is made while PostgreSQL publishes.
- ours again: the same replay once more, which writes nothing.
- bare COPY: only the price rows, ready as lines, into the same table with its keys, indexes and checks.
- row by row: each coffee and variant upserted and each price inserted by a statement of its own, as the old jobs did;
  over some captures (``--sample``), since the rate only falls as the tables grow. Bodies are derived the same way.
- row by row, all rows: the observations as well, which ours keeps so that state can be computed again.

The defaults are 50 roasters x 52 weeks x 300 variants: 780,000 price rows.
"""

import argparse
import resource
import shutil
import tempfile
import time
import uuid
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path

import orjson
from rich.console import Console
from rich.table import Table

from backfill_pipelines.coffee.ahead import ahead
from backfill_pipelines.coffee.artifact_rows import read_captures, record_captures
from backfill_pipelines.coffee.artifacts import Artifacts
from backfill_pipelines.coffee.deriving import TRANSFORM_VERSION, derive
from backfill_pipelines.coffee.migrations import migrate
from backfill_pipelines.coffee.model import Capture, ProductObservation, Source, natural_id
from backfill_pipelines.coffee.normaliser import NORMALIZER_VERSION
from backfill_pipelines.coffee.overall_gates import OVERALL_GATES, measure_overall
from backfill_pipelines.coffee.partition_gates import PARTITION_GATES, measure
from backfill_pipelines.coffee.publishing import Counts, publish
from backfill_pipelines.coffee.registry import read_registry, register, sources
from backfill_pipelines.coffee.sample import SampleSize, sample_registry, write_sample
from backfill_pipelines.coffee.staging import (
    MOST_OBSERVATIONS,
    Chunk,
    StagedBody,
    Versions,
    coffee_id,
    render,
    stage,
    variant_id,
)
from backfill_pipelines.stores.embedded_postgres import EmbeddedPostgres
from backfill_pipelines.stores.objects import ObjectStore
from backfill_pipelines.stores.postgres import Connection, Jsonb, Postgres, execute, read_value

VERSIONS = Versions(TRANSFORM_VERSION, NORMALIZER_VERSION)
FOLD = next(gate for gate in OVERALL_GATES if gate.name == "state_equals_fold")
PRICE_COLUMNS = (
    "variant_id, roaster_id, price, currency, compare_at_price, is_sale, scraped_at, artifact_id, source_url"
)
PARENTS = ("roasters", "product_sources", "scrape_artifacts", "coffees", "variants")
NEW_RUN = """INSERT INTO backfill_runs (id, mode, scope, plan, fingerprint, status)
VALUES (%s, 'incremental', '{}', '{}', '', 'running')"""
COLUMNS = """SELECT string_agg(column_name, ', ') FROM information_schema.columns
WHERE table_name = %s AND table_schema = 'public' AND is_generated = 'NEVER'"""
SAID = ("name", "slug", "product_kind", "is_coffee", "roast_level", "process")
UPSERT_COFFEE = """INSERT INTO coffees (id, source_id, roaster_id, platform_product_id, name, slug, product_kind,
  is_coffee, status, roast_level, process, first_seen_at, last_seen_at, observed_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, 'active', %s, %s, %s, %s, %s)
ON CONFLICT (source_id, platform_product_id) DO UPDATE SET name = excluded.name,
  last_seen_at = GREATEST(coffees.last_seen_at, excluded.last_seen_at), updated_at = now()"""
UPSERT_VARIANT = """INSERT INTO variants (id, coffee_id, roaster_id, platform_variant_id, weight_g, grind, currency,
  price_current, compare_at_price, in_stock, first_seen_at, last_seen_at, observed_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (coffee_id, platform_variant_id) DO UPDATE SET price_current = excluded.price_current,
  in_stock = excluded.in_stock, last_seen_at = GREATEST(variants.last_seen_at, excluded.last_seen_at),
  updated_at = now()"""
INSERT_PRICE = """INSERT INTO prices (variant_id, roaster_id, price, currency, compare_at_price, is_sale, scraped_at,
  artifact_id) VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (variant_id, scraped_at) DO NOTHING"""

INSERT_PRODUCT = """INSERT INTO product_artifacts (id, artifact_id, source_id, roaster_id, product_index,
  platform_product_id, observed_at, raw_payload_hash, product_hash, content_hash, price_hash, normalized,
  validation_status, codes, transform_version, normalizer_version)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, '1.0.0', '1.0.0') ON CONFLICT DO NOTHING"""
INSERT_OBSERVATION = """INSERT INTO variant_observations (product_artifact_id, platform_variant_id, price, currency,
  compare_at_price, price_from, in_stock, sku, title, options, weight_g, grind)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING"""


def derived(artifacts: Artifacts, captures: Sequence[Capture], known: dict[uuid.UUID, Source]) -> Iterator[StagedBody]:
    for loaded in artifacts.load_bodies(captures):
        source = known[loaded.capture.source_id]
        yield StagedBody(
            loaded.capture, source, derive(loaded.body, loaded.capture, source), loaded.capture.body_sha256
        )


def chunks(artifacts: Artifacts, captures: Sequence[Capture], known: dict[uuid.UUID, Source]) -> Iterator[Chunk]:
    """Whole roasters, as many as a chunk may hold."""
    waiting, observations = list[StagedBody](), 0
    for _, own in groupby(captures, key=lambda one: one.roaster_id):
        bodies = list(derived(artifacts, list(own), known))
        count = sum(one.derived.captured_variants for one in bodies)
        if waiting and observations + count > MOST_OBSERVATIONS:
            yield render(waiting, VERSIONS)
            waiting, observations = [], 0
        waiting, observations = [*waiting, *bodies], observations + count
    yield render(waiting, VERSIONS)


def replay(postgres: Postgres, made: Iterable[Chunk]) -> Counts:
    """Every chunk through staging, gates and publishing."""
    total = Counts()
    with postgres.connect("benchmark") as connection:
        run = uuid.uuid4()
        execute(connection, NEW_RUN, (run,))
        connection.commit()
        for chunk in ahead(made):
            staged = stage(connection, chunk)
            red = {
                (gate.name, key): found
                for gate in PARTITION_GATES
                for key, found in measure(connection, gate, staged.partitions).items()
                if found.violations
            }
            if red:
                raise SystemExit(f"red: {next(iter(red.items()))}")
            total += publish(connection, staged, staged.partitions, run)
            connection.commit()
    return total


def bare_copy(postgres: Postgres, into: Postgres) -> tuple[float, int]:
    """Seconds of copying the price rows, and how many; what they refer to is there before."""
    with postgres.connect("benchmark") as ours, into.connect("benchmark") as target:
        for table in PARENTS:
            names = read_value(ours, COLUMNS, (table,))
            copy_in(target, f"{table} ({names})", copy_out(ours, f"SELECT {names} FROM {table}"))
        target.commit()
        lines = copy_out(ours, f"SELECT {PRICE_COLUMNS} FROM prices ORDER BY roaster_id, scraped_at, id")
        began = time.perf_counter()
        copy_in(target, f"prices ({PRICE_COLUMNS})", lines)
        target.commit()
        return time.perf_counter() - began, int(read_value(target, "SELECT count(*) FROM prices"))


def copy_out(connection: Connection, query: str) -> list[bytes]:
    with connection.cursor() as cursor, cursor.copy(f"COPY ({query}) TO STDOUT".encode()) as copy:
        whole = b"".join(bytes(part) for part in copy)
    return [whole[start : start + (1 << 18)] for start in range(0, len(whole), 1 << 18)]


def copy_in(connection: Connection, target: str, parts: Sequence[bytes]) -> None:
    with connection.cursor() as cursor, cursor.copy(f"COPY {target} FROM STDIN".encode()) as copy:
        for part in parts:
            copy.write(part)


def row_by_row(postgres: Postgres, bodies: Iterable[StagedBody], *, observations: bool) -> int:
    """Every row by a statement and transaction of its own; says how many variants."""
    rows = 0
    with postgres.connect("benchmark", autocommit=True) as connection:
        for body in bodies:
            for product in body.derived.products:
                put_product(connection, body.capture, product)
                if observations:
                    put_observations(connection, body.capture, product)
                rows += len(product.variants)
    return rows


def put_product(connection: Connection, seen: Capture, product: ProductObservation) -> None:
    at, coffee = seen.observed_at, coffee_id(seen.source_id, product.platform_product_id)
    said = [product.normalized.get(name) for name in SAID]
    ids = (coffee, seen.source_id, seen.roaster_id, product.platform_product_id)
    execute(connection, UPSERT_COFFEE, (*ids, *said, at, at, at))
    for one in product.variants:
        variant = variant_id(coffee, one.platform_variant_id)
        price = (one.price, one.currency, one.compare_at_price)
        state = (one.weight_g, one.grind, one.currency, one.price, one.compare_at_price, one.in_stock)
        names = (variant, coffee, seen.roaster_id, one.platform_variant_id)
        execute(connection, UPSERT_VARIANT, (*names, *state, at, at, at))
        is_sale = bool(one.compare_at_price and one.price and one.compare_at_price > one.price)
        execute(connection, INSERT_PRICE, (variant, seen.roaster_id, *price, is_sale, at, seen.id))


def put_observations(connection: Connection, seen: Capture, product: ProductObservation) -> None:
    found = natural_id(f"observation:{seen.source_id}:{product.platform_product_id}:{seen.observed_at.isoformat()}")
    ids = (found, seen.id, seen.source_id, seen.roaster_id, product.product_index, product.platform_product_id)
    hashes = (product.raw_payload_hash, product.product_hash, product.content_hash, product.price_hash)
    judged = (Jsonb(product.normalized), product.status, list(product.codes))
    execute(connection, INSERT_PRODUCT, (*ids, seen.observed_at, *hashes, *judged))
    for one in product.variants:
        price = (one.price, one.currency, one.compare_at_price, one.price_from, one.in_stock)
        texts = (one.sku, one.title, Jsonb(one.options), one.weight_g, one.grind)
        execute(connection, INSERT_OBSERVATION, (found, one.platform_variant_id, *price, *texts))


def prepared(folder: Path, name: str, size: SampleSize) -> Postgres:
    """A migrated database with the generated roasters."""
    found = Postgres(embedded=str(folder / "pg"), database=name)
    migrate(found)
    with found.connect("benchmark") as connection:
        register(connection, read_registry(orjson.dumps(sample_registry(size))))
    return found


def measure_all(folder: Path, size: SampleSize, sample: int, console: Console) -> None:
    artifacts = Artifacts(ObjectStore(url=str(folder / "store"), is_own=True))
    stored = write_sample(artifacts, size)
    ours, rows, every_row = (prepared(folder, name, size) for name in ("ours", "rows", "every_row"))
    for one in (ours, rows, every_row):
        with one.connect("benchmark") as connection:
            record_captures(connection, stored)
    copied = Postgres(embedded=str(folder / "pg"), database="copied")
    migrate(copied)
    with ours.connect("benchmark") as connection:
        captures = sorted(read_captures(connection), key=lambda one: (str(one.roaster_id), one.observed_at))
        known = {source.id: source for source in sources(connection)}
    console.print(f"{len(captures)} bodies are stored")
    began = time.perf_counter()
    first = replay(ours, chunks(artifacts, captures, known))
    seconds = {"ours": time.perf_counter() - began}
    began = time.perf_counter()
    again = replay(ours, chunks(artifacts, captures, known))
    seconds["ours again"] = time.perf_counter() - began
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    began = time.perf_counter()
    with ours.connect("benchmark") as connection:
        found = measure_overall(connection, FOLD)
    folded = time.perf_counter() - began
    seconds["bare COPY"], price_rows = bare_copy(ours, copied)
    for way, postgres, has_all in (("row by row", rows, False), ("row by row, all rows", every_row, True)):
        began = time.perf_counter()
        tried = row_by_row(postgres, derived(artifacts, captures[:sample], known), observations=has_all)
        seconds[way] = (time.perf_counter() - began) * first.variant_observations / tried
    table = Table("way", "seconds", "observations/s", "against ours")
    for name, spent in seconds.items():
        rate = first.variant_observations / spent
        table.add_row(name, f"{spent:.1f}", f"{rate:,.0f}", f"{spent / seconds['ours']:.2f}")
    console.print(table)
    written = again.inserted + again.updated
    console.print(f"{price_rows:,} price rows; row by row over {tried:,} variants, scaled; ours again wrote {written}")
    console.print(
        f"{FOLD.name}: {found.expected:,} rows, {found.violations} wrong, in {folded:.1f} s; memory {memory:.0f} MB"
    )
    console.print(
        f"ours is {seconds['ours'] / seconds['bare COPY']:.2f} times bare COPY (at most 4), "
        f"{seconds['row by row, all rows'] / seconds['ours']:.1f} times faster than all its rows one by one "
        f"(at least 20), {seconds['row by row'] / seconds['ours']:.1f} times than coffees, variants and prices alone"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--roasters", type=int, default=50)
    parser.add_argument("--weeks", type=int, default=52)
    parser.add_argument("--products", type=int, default=50)
    parser.add_argument("--sample", type=int, default=40, help="captures that are written row by row")
    chosen = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="bench-"))
    folder.chmod(0o711)
    server = EmbeddedPostgres(folder / "pg")
    try:
        size = SampleSize(chosen.roasters, chosen.weeks, chosen.products)
        measure_all(folder, size, chosen.sample, Console())
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
