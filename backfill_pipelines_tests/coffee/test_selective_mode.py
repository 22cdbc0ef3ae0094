"""The selective mode: outside of its filter, everything stays as it is."""

import uuid
from dataclasses import replace
from typing import Any

import pytest

from backfill_pipelines.coffee.modes import plan_backfill
from backfill_pipelines.coffee.scope import Scope
from backfill_pipelines_tests.coffee.coffee_world import SUNDAY, CoffeeWorld, shopify
from backfill_pipelines_tests.coffee.mode_cases import FIRST, INCREMENTAL, LAST, applied, two_captures

OTHERS = (
    "SELECT * FROM product_artifacts WHERE platform_product_id <> '1001' ORDER BY id",
    "SELECT * FROM coffees WHERE platform_product_id <> '1001' ORDER BY id",
    "SELECT * FROM variants WHERE coffee_id IN (SELECT id FROM coffees WHERE slug NOT LIKE '%-1') ORDER BY id",
    "SELECT * FROM prices ORDER BY id",
    "SELECT * FROM price_corrections ORDER BY id",
)


def stale(coffee: CoffeeWorld) -> None:
    """Published by older rules, and with other values than the bodies say."""
    two_captures(coffee)
    applied(coffee)
    coffee.execute("UPDATE product_artifacts SET normalizer_version = '0.0.1', transform_version = '0.0.1'")
    coffee.execute("UPDATE scrape_artifacts SET normalizer_version = '0.0.1'")
    coffee.execute(
        'UPDATE product_artifacts SET normalized = normalized || \'{"region": "Coorg"}\', '
        "content_hash = repeat('0', 64), price_hash = repeat('0', 64)"
    )
    coffee.execute("UPDATE variant_observations SET in_stock = false")


@pytest.mark.parametrize("manner", ["incremental", "full"])
def test_one_product(coffee: CoffeeWorld, manner: Any) -> None:
    stale(coffee)
    scope = Scope("selective", FIRST, LAST, product_ids=("1001",), manner=manner)
    before = [coffee.rows(statement) for statement in OTHERS]
    applied(coffee, scope)
    assert [coffee.rows(statement) for statement in OTHERS] == before
    stock = (
        "SELECT DISTINCT in_stock FROM variant_observations o JOIN product_artifacts p "
        "ON p.id = o.product_artifact_id WHERE platform_product_id = '1001'"
    )
    assert coffee.value(stock) is True


@pytest.mark.parametrize("manner", ["incremental", "full"])
def test_one_source_and_the_other_is_taken_up_by_the_next_backfill(coffee: CoffeeWorld, manner: Any) -> None:
    other = replace(coffee.source, id=uuid.uuid4(), base_url="https://other.example")
    coffee.execute(
        "INSERT INTO product_sources (id, roaster_id, base_url, platform, currency) "
        f"VALUES ('{other.id}', '{other.roaster_id}', '{other.base_url}', 'shopify', 'INR')"
    )
    two_captures(coffee)
    replace(coffee, source=other).store(shopify("470.00"), SUNDAY)
    of_other = f"SELECT count(*) FROM coffees WHERE source_id = '{other.id}'"
    applied(coffee, Scope("selective", FIRST, LAST, sources=(coffee.source.base_url,), manner=manner))
    assert (coffee.value("SELECT count(*) FROM coffees"), coffee.value(of_other)) == (3, 0)
    applied(coffee)
    assert coffee.value(of_other) == 3


@pytest.mark.parametrize(("kind", "stock", "region"), [("stock", True, "Coorg"), ("content", False, "Biligiri Ranga")])
def test_one_kind_of_data(coffee: CoffeeWorld, kind: Any, stock: bool, region: str) -> None:
    stale(coffee)
    prices = coffee.digests()["prices"]
    applied(coffee, Scope("selective", FIRST, LAST, data_types=(kind,)))
    assert coffee.value("SELECT DISTINCT in_stock FROM variants") is stock
    assert coffee.value("SELECT DISTINCT region FROM coffees") == region
    assert coffee.digests()["prices"] == prices
    assert len(plan_backfill(coffee.modes(), INCREMENTAL).partitions) == 2, "the rest is still stale"
