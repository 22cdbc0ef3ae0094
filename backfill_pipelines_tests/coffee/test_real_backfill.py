"""Real captures through the whole chain: the acceptance numbers of states, prices and statuses."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from backfill_pipelines.coffee.artifact_meta import Answer
from backfill_pipelines.coffee.artifact_rows import record_captures
from backfill_pipelines.coffee.evidence import coverage, load_expected_set, load_shops
from backfill_pipelines.coffee.modes import apply_plan, plan_backfill
from backfill_pipelines.coffee.replay import VERSIONS
from backfill_pipelines.coffee.scope import Scope
from backfill_pipelines.coffee.states import DayState
from backfill_pipelines_tests.coffee.coffee_world import NOW, CoffeeWorld

DATA = Path(__file__).parents[3] / "shared/data/coffee"
SCOPE = Scope("incremental", date(2025, 9, 1), date(2025, 10, 4))
A = ("raw/bluetokaicoffee-shopify.json", datetime(2025, 9, 17, 19, 3, 11, tzinfo=UTC), "unknown")
B = ("captures/blue-tokai-coffee-shopify.json", datetime(2025, 9, 21, 5, 34, 4, tzinfo=UTC), "filtered")


def store(coffee: CoffeeWorld, name: str, at: datetime, completeness: str) -> None:
    url = f"{coffee.source.base_url}/products.json?limit=250&page=1"
    answer = Answer(url, at, "payload_max_updated_at", completeness)  # type: ignore[arg-type]
    capture = coffee.artifacts.save_body(coffee.source, (DATA / name).read_bytes(), answer)
    with coffee.postgres.connect("test") as connection:
        record_captures(connection, [capture])


@pytest.mark.skipif(not DATA.is_dir(), reason=f"no real captures in {DATA}")
def test_two_real_captures_give_the_states_prices_and_statuses_that_they_must(coffee: CoffeeWorld) -> None:
    for capture in (B, A):
        store(coffee, *capture)
    world = coffee.modes()
    report = apply_plan(world, plan_backfill(world, SCOPE).id)
    assert dict(report.states) == {"unrecoverable": 5, "partial": 2}
    with coffee.postgres.connect("test") as connection:
        shops = load_shops(connection)
        found = load_expected_set(connection, shops, SCOPE.first, SCOPE.last, VERSIONS, NOW)
        ticks = [row["coverage"] for row in coverage(connection, shops, SCOPE.first, SCOPE.last)]
    assert found.counts == {DayState.UNRECOVERABLE: 5, DayState.PARTIAL: 2, DayState.EXPECTED_EMPTY: 27}
    assert sorted(ticks) == ["missing"] * 5 + ["partial"]
    numbers = {
        "SELECT count(*) FROM coffees": 85,
        "SELECT count(*) FROM variants": 1000,
        "SELECT count(*) FROM variant_observations": 1276,
        "SELECT count(*) FROM prices": 1219,
        "SELECT sum(price_current)::text FROM variants": "1733627.500",
        "SELECT count(*) FROM coffees WHERE status = 'active'": 76,
        "SELECT count(*) FROM coffees WHERE status = 'hidden'": 9,
        "SELECT count(*) FROM variants WHERE status <> 'active'": 0,
    }
    assert {statement: coffee.value(statement) for statement in numbers} == numbers
    before = coffee.digest()
    full = apply_plan(world, plan_backfill(world, Scope("full", SCOPE.first, SCOPE.last)).id)
    assert full.more["difference"] == {}
    assert coffee.digest() == before
