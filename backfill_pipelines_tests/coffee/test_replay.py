"""What is derived of stored bodies for some products only: the account of them is true."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest

from backfill_pipelines.coffee.artifact_meta import Answer
from backfill_pipelines.coffee.artifacts import Artifacts
from backfill_pipelines.coffee.model import Derived
from backfill_pipelines.coffee.replay import Day, derive_days
from backfill_pipelines.stores.objects import ObjectStore
from backfill_pipelines_tests.coffee.coffee_world import shopify
from backfill_pipelines_tests.coffee.observed import shop

SOURCE = shop("restricted")
MOMENT = datetime(2025, 9, 28, 4, tzinfo=UTC)


@pytest.fixture
def artifacts(tmp_path: Path) -> Artifacts:
    return Artifacts(ObjectStore(url=str(tmp_path), is_own=True))


def derived(artifacts: Artifacts, products: Sequence[str]) -> Derived:
    """Of three products of two variants each, the second lacks its title and has a price below zero."""
    feed = shopify()
    feed[1]["title"] = ""
    feed[1]["variants"][0]["price"] = "-1"
    capture = artifacts.save_body(SOURCE, orjson.dumps({"products": feed}), Answer("https://x/products.json", MOMENT))
    day = Day("2025-09-28|restricted", SOURCE.roaster_id, MOMENT.date(), [capture])
    (body,) = derive_days(artifacts, [day], {SOURCE.id: SOURCE}, products)
    return body.derived


@pytest.mark.parametrize(
    ("products", "captured"),
    [((), (3, 6)), (("1000",), (1, 2)), (("1001",), (1, 2)), (("1000", "1001"), (2, 4)), (("none",), (0, 0))],
)
def test_a_product_that_is_set_aside_counts_once_with_its_variants(
    artifacts: Artifacts, products: Sequence[str], captured: tuple[int, int]
) -> None:
    found = derived(artifacts, products)
    assert (found.captured_products, found.captured_variants) == captured
    assert len(found.rejected) == (2 if not products or "1001" in products else 0)
