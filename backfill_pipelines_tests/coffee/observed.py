"""Derived bodies made by hand, stored as captures and published: what the tests of publishing and gates say."""

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from backfill_pipelines.coffee.model import (
    Capture,
    Completeness,
    Derived,
    Platform,
    ProductObservation,
    Rejected,
    Source,
    VariantObservation,
    natural_id,
)
from backfill_pipelines.coffee.publishing import Counts, publish
from backfill_pipelines.coffee.staging import StagedBody, Versions, render, stage
from backfill_pipelines.stores.postgres import Connection, Jsonb, Postgres, execute, read_rows

V1 = Versions("1.0.0", "1.0.0")
V2 = Versions("1.1.0", "1.0.0")


def at(day: int, hour: int = 4) -> datetime:
    """A moment in September 2025."""
    return datetime(2025, 9, day, hour, tzinfo=UTC)


def digest(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def variant(name: str, price: str | None, **fields: Any) -> VariantObservation:
    """A 250 g variant in stock, unless said otherwise."""
    made = VariantObservation(
        platform_variant_id=name,
        price=None if price is None else Decimal(price),
        currency="INR",
        compare_at_price=None,
        price_from="none" if price is None else "variant",
        in_stock=price is not None,
        stock_qty=None,
        sku=None,
        title="250g / Whole",
        options=({"name": "Size", "value": "250g"}, {"name": "Grind", "value": "Whole"}),
        weight_g=250,
        pack_count=1,
        grind="whole",
        grind_raw="Whole",
        subscription_available=False,
    )
    return replace(made, **fields)


def product(number: str, variants: Mapping[str, str | None] | Sequence[VariantObservation], **fields: Any):
    """A product of some variants; fields are normalised ones, or ``codes`` and ``status``."""
    made = tuple(variants) if not isinstance(variants, Mapping) else tuple(variant(*pair) for pair in variants.items())
    codes, status = fields.pop("codes", ()), fields.pop("status", "valid")
    normalized = {"name": f"Coffee {number}", "slug": f"coffee-{number}", "product_kind": "beans", "is_coffee": True}
    normalized |= {"decaf": False, "source_raw": {"id": number}} | fields
    content, prices = digest(sorted(normalized.items(), key=str)), digest(made)
    raw = digest(content, prices)
    return ProductObservation(0, number, raw, raw, content, prices, normalized, status, codes, made)


def body(
    source: Source,
    moment: datetime,
    products: Sequence[ProductObservation],
    *,
    completeness: Completeness = "complete",
    rejected: Sequence[Rejected] = (),
    url: str = "products.json?limit=250&page=1",
    sha256: str | None = None,
) -> StagedBody:
    """A body of a source's feed at a moment."""
    found = sha256 or digest(url, moment, products)
    name = f"artifact:{source.id}:{url}:{moment.isoformat()}:{found}"
    capture = Capture(
        natural_id(name),
        source.id,
        source.roaster_id,
        url,
        1,
        moment,
        "response",
        natural_id(f"capture:{name}"),
        completeness,
        found,
        100,
        "raw/x.json.gz",
    )
    variants = sum(len(one.variants) for one in products)
    aside = len({one.platform_product_id for one in rejected if not one.platform_variant_id})
    derived = Derived(products, rejected, "valid", (), len(products) + aside, variants)
    return StagedBody(capture, source, derived, found)


def shop(slug: str, platform: Platform = "shopify") -> Source:
    """A roaster's only source."""
    url = f"https://{slug}.example"
    return Source(natural_id(f"source:{slug}:{url}"), natural_id(f"roaster:{slug}"), slug, url, platform, "INR")


def add_shop(postgres: Postgres, source: Source) -> None:
    """The roaster and its source in the database."""
    with postgres.connect("test") as connection:
        values = (source.roaster_id, source.roaster_slug, source.roaster_slug)
        execute(connection, "INSERT INTO roasters (id, slug, name) VALUES (%s, %s, %s)", values)
        execute(
            connection,
            "INSERT INTO product_sources (id, roaster_id, base_url, platform, currency) VALUES (%s, %s, %s, %s, %s)",
            (source.id, source.roaster_id, source.base_url, source.platform, source.currency),
        )


def new_run(connection: Connection) -> uuid.UUID:
    """A backfill run."""
    run = uuid.uuid4()
    execute(
        connection,
        "INSERT INTO backfill_runs (id, mode, scope, plan, fingerprint, status) "
        "VALUES (%s, 'incremental', '{}', '{}', '', 'running')",
        (run,),
    )
    return run


def store_capture(connection: Connection, one: StagedBody) -> None:
    """The row of the capture, as fetching leaves it."""
    capture = one.capture
    execute(
        connection,
        "INSERT INTO scrape_artifacts (id, source_id, roaster_id, url, observed_at, observed_at_source, capture_id,"
        " completeness, body_sha256, body_len, storage_uri, headers)"
        " VALUES (%s, %s, %s, %s, %s, 'response', %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
        (
            capture.id,
            capture.source_id,
            capture.roaster_id,
            capture.url,
            capture.observed_at,
            capture.capture_id,
            capture.completeness,
            capture.body_sha256,
            capture.body_len,
            capture.storage_uri,
            Jsonb({}),
        ),
    )


def publish_all(
    postgres: Postgres, *bodies: StagedBody, versions: Versions = V1, run: uuid.UUID | None = None
) -> Counts:
    """Store the captures and publish them in one chunk."""
    with postgres.connect("test") as connection:
        for one in bodies:
            store_capture(connection, one)
        staged = stage(connection, render(bodies, versions))
        return publish(connection, staged, staged.partitions, run or new_run(connection))


def rows(postgres: Postgres, statement: str, *values: Any) -> list[dict[str, Any]]:
    """Rows of a query."""
    with postgres.connect("test") as connection:
        return read_rows(connection, statement, values or None)


def one(postgres: Postgres, statement: str, *values: Any) -> Any:
    """The only value of the only row of a query."""
    (row,) = rows(postgres, statement, *values)
    (value,) = row.values()
    return value


def add_old_row(postgres: Postgres, source: Source) -> None:
    """A coffee 1 with a variant 11 from before this project: ids of its own, a price, no artifact, no price row."""
    with postgres.connect("test") as connection:
        execute(
            connection,
            "WITH c AS (INSERT INTO coffees (id, source_id, roaster_id, platform_product_id, name, slug, status,"
            " region, first_seen_at, last_seen_at, observed_at, updated_at) VALUES (gen_random_uuid(), %(s)s, %(r)s,"
            " '1', 'Old', 'old', 'active', 'Coorg', %(t)s, %(t)s, %(t)s, %(t)s) RETURNING id)"
            " INSERT INTO variants (id, coffee_id, roaster_id, platform_variant_id, currency, price_current, weight_g,"
            " first_seen_at, last_seen_at, observed_at) SELECT gen_random_uuid(), id, %(r)s, '11', 'INR', 90, 500,"
            " %(t)s, %(t)s, %(t)s FROM c",
            {"s": source.id, "r": source.roaster_id, "t": at(1)},
        )
