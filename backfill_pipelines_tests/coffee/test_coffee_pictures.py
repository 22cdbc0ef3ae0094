"""The page of the recovery: coverage of every roaster's day, prices before and after a backfill."""

import base64
import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import dagster as dg

from backfill_pipelines.coffee.coverage_asset import build_coverage, price_histories
from backfill_pipelines.coffee.coverage_picture import COLOURS, draw_coverage
from backfill_pipelines.coffee.expected_set import Evidence, expected_set
from backfill_pipelines.coffee.price_picture import PriceHistory, draw_prices
from backfill_pipelines.coffee.states import DayState
from backfill_pipelines.coffee.ticks import Roaster
from backfill_pipelines_tests.coffee.coffee_world import SUNDAY, CoffeeWorld, shopify

PNG = b"\x89PNG\r\n\x1a\n"


def size_of(png: bytes) -> tuple[int, int]:
    assert png.startswith(PNG)
    return int.from_bytes(png[16:20], "big"), int.from_bytes(png[20:24], "big")


def test_every_state_has_a_colour_of_its_own() -> None:
    assert set(COLOURS) == set(DayState)
    assert len(set(COLOURS.values())) == len(COLOURS)


def test_fifty_roasters_and_a_year_fit_one_picture() -> None:
    roasters = [Roaster(UUID(int=n), f"roaster-{n:02}") for n in range(50)]
    evidence = Evidence({roaster.id: [UUID(int=100 + n)] for n, roaster in enumerate(roasters)})
    found = expected_set(roasters, evidence, date(2025, 1, 1), date(2025, 12, 31), datetime(2026, 1, 9, tzinfo=UTC))
    width, height = size_of(draw_coverage(found, "Coffee roasters"))
    assert (width, 900 < height < 1100) == (1200, True)


def test_a_picture_of_prices_has_a_panel_for_each_variant() -> None:
    at = datetime(2025, 9, 7, tzinfo=UTC)
    rows = [(at + timedelta(days=7 * n), Decimal(450 + 10 * n)) for n in range(5)]
    one, four = (
        size_of(draw_prices([PriceHistory(f"Attikan {n}", "INR", rows[::2], rows) for n in range(count)], "Prices"))
        for count in (1, 4)
    )
    assert one[0] == four[0] == 1200
    assert four[1] > one[1]


def test_the_page_shows_both_pictures_and_the_account(coffee: CoffeeWorld) -> None:
    coffee.store(shopify("450.00"), SUNDAY - timedelta(days=7))
    coffee.run(date(2025, 9, 21), date(2025, 9, 21))
    coffee.store(shopify("460.00"), SUNDAY)
    coffee.run(SUNDAY.date(), SUNDAY.date())
    result = dg.materialize(
        [build_coverage()],
        instance=coffee.instance,
        resources={"postgres": coffee.postgres},
        run_config={"ops": {"coffee__coverage": {"config": {"first": "2025-09-15", "last": "2025-09-30"}}}},
    )
    (event,) = result.asset_materializations_for_node("coffee__coverage")
    shown = {name: value.value for name, value in event.metadata.items()}
    assert shown["coffee/account"] == "16 of 16 accounted for, 0 unexplained"
    assert shown["coffee/coverage_pct"] == 100.0
    for name in ("coffee/coverage", "coffee/prices"):
        (encoded,) = re.findall(r"base64,([^)]+)\)", str(shown[name]))
        assert size_of(base64.b64decode(encoded))[0] == 1200


def test_prices_before_a_backfill_are_those_that_it_did_not_write(coffee: CoffeeWorld) -> None:
    coffee.store(shopify("450.00"), SUNDAY - timedelta(days=7))
    coffee.run(date(2025, 9, 21), date(2025, 9, 21))
    coffee.store(shopify("460.00"), SUNDAY)
    coffee.run(SUNDAY.date(), SUNDAY.date())
    run = coffee.value("SELECT backfill_run_id FROM prices ORDER BY id DESC LIMIT 1")
    with coffee.postgres.connect("test") as connection:
        histories = price_histories(connection, run, variants=2)
    assert [one.name for one in histories] == [
        "Attikan Estate 0 250g / Whole Bean",
        "Attikan Estate 1 250g / Whole Bean",
    ]
    assert [price for _, price in histories[0].before] == [450]
    assert [price for _, price in histories[0].after] == [450, 460]
