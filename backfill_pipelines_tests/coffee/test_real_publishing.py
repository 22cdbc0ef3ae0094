"""The real captures of both shops, published: the acceptance numbers of the database."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path

import pytest

from backfill_pipelines.coffee.deriving import derive
from backfill_pipelines.coffee.digests import state_digest
from backfill_pipelines.coffee.model import Completeness, natural_id
from backfill_pipelines.coffee.partition_gates import PARTITION_GATES, measure
from backfill_pipelines.coffee.publishing import Counts
from backfill_pipelines.coffee.staging import StagedBody, render, stage
from backfill_pipelines.stores.postgres import Postgres
from backfill_pipelines_tests.coffee.databases import fresh_database
from backfill_pipelines_tests.coffee.feeds import DATA, capture_of, needs_real_captures
from backfill_pipelines_tests.coffee.observed import V1, add_shop, new_run, one, publish_all, rows, shop, store_capture

pytestmark = needs_real_captures

FILES = {
    "A": ("raw/bluetokaicoffee-shopify.json", datetime(2025, 9, 17, 19, 3, 11, tzinfo=UTC), "unknown"),
    "B": ("captures/blue-tokai-coffee-shopify.json", datetime(2025, 9, 21, 5, 34, 4, tzinfo=UTC), "filtered"),
    "C": ("captures/blue-tokai-coffee-shopify.json", datetime(2025, 9, 28, 4, tzinfo=UTC), "unknown"),
    "W": ("raw/bababeans-woocommerce.json", datetime(2025, 9, 20, tzinfo=UTC), "unknown"),
}
DEARER = "2601862596"
BLUE_TOKAI, BABA_BEANS = shop("blue-tokai"), shop("baba-beans", "woocommerce")


def feed(name: str) -> bytes:
    """The bytes of a capture; C is B with one product a tenth dearer."""
    found = (DATA / FILES[name][0]).read_bytes()
    if name != "C":
        return found
    payload = json.loads(found)
    for product in payload["products"]:
        for variant in product["variants"] if str(product["id"]) == DEARER else ():
            variant["price"] = str((Decimal(variant["price"]) * Decimal("1.10")).quantize(Decimal("0.01")))
    return json.dumps(payload).encode()


@cache
def staged(name: str, completeness: Completeness | None = None) -> StagedBody:
    source = BABA_BEANS if name == "W" else BLUE_TOKAI
    _, moment, said = FILES[name]
    content = feed(name)
    capture = capture_of(
        content,
        id=natural_id(f"artifact:{source.id}:{name}:{moment.isoformat()}"),
        source_id=source.id,
        roaster_id=source.roaster_id,
        url=f"file:{name}",
        observed_at=moment,
        observed_at_source="manifest" if name in "WC" else "payload_max_updated_at",
        capture_id=natural_id(f"capture:{name}"),
        completeness=completeness or said,
    )
    return StagedBody(capture, source, derive(content, capture, source), capture.body_sha256)


def add_shops(postgres: Postgres) -> None:
    add_shop(postgres, BLUE_TOKAI)
    add_shop(postgres, BABA_BEANS)


@pytest.fixture
def shops(postgres: Postgres) -> Postgres:
    """A database with both shops."""
    add_shops(postgres)
    return postgres


def publish_names(postgres: Postgres, names: Sequence[str]) -> list[Counts]:
    return [publish_all(postgres, staged(name)) for name in names]


def digest(postgres: Postgres) -> str:
    with postgres.connect("test") as connection:
        return state_digest(connection)


def counted(postgres: Postgres, statement: str) -> Mapping[object, int]:
    return dict(row.values() for row in rows(postgres, statement))


@pytest.mark.parametrize("name", ["A", "B", "W"])
def test_every_gate_is_green_on_the_real_captures(shops: Postgres, name: str) -> None:
    for before in {"A": "", "B": "A", "W": ""}[name]:
        publish_all(shops, staged(before))
    capture = staged(name)
    with shops.connect("test") as connection:
        store_capture(connection, capture)
        stage(connection, render([capture], V1))
        for gate in PARTITION_GATES:
            found = measure(connection, gate, [capture.partition])[capture.partition]
            assert found.violations == 0, (gate.name, found)


def test_the_state_after_both_captures_of_one_shop(shops: Postgres) -> None:
    first, second = publish_names(shops, ["A", "B"])
    assert (first.observations, first.variant_observations, first.prices) == (30, 333, 333)
    assert (second.observations, second.variant_observations, second.prices) == (65, 943, 886)
    assert one(shops, "SELECT count(*) FROM coffees") == 85
    assert one(shops, "SELECT count(*) FROM product_artifacts") == 95
    assert one(shops, "SELECT count(*) FROM variants") == 1000
    assert one(shops, "SELECT count(*) FROM variant_observations") == 1276
    assert counted(shops, "SELECT product_kind, count(*) FROM coffees GROUP BY 1") == {
        "beans": 42,
        "single_serve": 8,
        "capsule": 4,
        "gift": 12,
        "bundle": 5,
        "rtd": 4,
        "event": 3,
        "equipment": 3,
        "subscription": 3,
        None: 1,
    }
    assert counted(shops, "SELECT is_coffee, count(*) FROM coffees GROUP BY 1") == {True: 54, False: 30, None: 1}
    by_variant = "SELECT is_coffee, count(*) FROM coffees c JOIN variants v ON v.coffee_id = c.id GROUP BY 1"
    assert counted(shops, by_variant) == {True: 928, False: 71, None: 1}
    assert one(shops, "SELECT count(price_current) FROM variants") == 943
    assert one(shops, "SELECT sum(price_current) FROM variants") == Decimal("1733627.50")
    assert one(shops, "SELECT count(*) FILTER (WHERE is_sale) FROM prices") == 52
    assert one(shops, "SELECT count(*) FILTER (WHERE in_stock) FROM variants") == 847
    coffee = "SELECT count(*) FROM coffees c JOIN variants v ON v.coffee_id = c.id WHERE is_coffee AND weight_g IS NULL"
    assert one(shops, coffee) == 30
    assert counted(shops, "SELECT status::text, count(*) FROM coffees GROUP BY 1") == {"active": 76, "hidden": 9}
    assert counted(shops, "SELECT status, count(*) FROM variants GROUP BY 1") == {"active": 1000}
    assert counted(shops, "SELECT url, validation_status::text FROM scrape_artifacts") == {
        "file:A": "valid_with_warnings",
        "file:B": "needs_review",
    }
    common = (
        "SELECT count(*) FROM variants WHERE first_seen_at = '2025-09-17T19:03:11Z' "
        "AND last_seen_at = '2025-09-21T05:34:04Z'"
    )
    assert one(shops, common) == 276


def test_both_orders_and_repetition_end_in_the_same_state(shops: Postgres, postgres_folder: Path) -> None:
    publish_names(shops, ["A", "B"])
    expected = digest(shops)
    assert publish_names(shops, ["A", "B"]) == [Counts(), Counts()]
    assert digest(shops) == expected
    with fresh_database(postgres_folder) as other:
        add_shops(other)
        publish_names(other, ["B", "A"])
        assert digest(other) == expected


def test_a_dearer_product_adds_its_prices_and_loading_it_first_is_the_same(
    shops: Postgres, postgres_folder: Path
) -> None:
    publish_names(shops, ["A", "B"])
    before = counted(shops, "SELECT id, price_current FROM variants")
    (counts,) = publish_names(shops, ["C"])
    assert counts.prices == 886
    assert one(shops, "SELECT count(*) FROM prices") == 2105
    after = counted(shops, "SELECT id, price_current FROM variants")
    assert sum(before[key] != after[key] for key in before) == 39
    assert one(shops, "SELECT sum(price_current) FROM variants") == Decimal("1739321.50")
    assert one(shops, "SELECT count(*) FROM product_artifacts WHERE 'R_PRICE_SPIKE' = ANY(codes)") == 0
    with fresh_database(postgres_folder) as other:
        add_shops(other)
        publish_names(other, ["C", "A", "B"])
        assert digest(other) == digest(shops)


def test_with_a_complete_later_capture_the_products_of_the_first_alone_are_missing(shops: Postgres) -> None:
    publish_names(shops, ["A", "B"])
    publish_all(shops, staged("C", "complete"))
    assert counted(shops, "SELECT status, count(*) FROM variants GROUP BY 1") == {"active": 943, "missing": 57}


def test_the_state_of_the_other_shop(shops: Postgres) -> None:
    (counts,) = publish_names(shops, ["W"])
    assert (counts.observations, counts.variant_observations, counts.prices) == (10, 907, 905)
    assert counted(shops, "SELECT price_from, count(*) FROM prices GROUP BY 1") == {"variant": 2, "parent_uniform": 903}
    assert one(shops, "SELECT count(*) FILTER (WHERE is_sale) FROM prices") == 1
    assert counted(shops, "SELECT in_stock, count(*) FROM variants GROUP BY 1") == {True: 2, False: 9, None: 896}
    assert counted(shops, "SELECT status::text, count(*) FROM coffees GROUP BY 1") == {"active": 8, "hidden": 2}
    assert one(shops, "SELECT validation_status::text FROM scrape_artifacts") == "needs_review"


def test_the_same_products_from_another_file_with_the_same_time_add_no_rows(shops: Postgres) -> None:
    publish_names(shops, ["A"])
    first = staged("A")
    wrapper = json.loads((DATA / "failures/invalid_unknown_unknown_unknown_20250921_221508.json").read_bytes())
    content = json.dumps(wrapper["artifact_data"]).encode()
    found = capture_of(content)
    same_time = replace(first.capture, id=natural_id("wrapper"), url="wrapper")
    capture = replace(same_time, body_sha256=found.body_sha256, body_len=found.body_len)
    again = StagedBody(capture, BLUE_TOKAI, derive(content, capture, BLUE_TOKAI), capture.body_sha256)
    before = digest(shops)
    with shops.connect("test") as connection:
        run = new_run(connection)
    assert publish_all(shops, again, run=run) == Counts()
    assert digest(shops) == before
