"""A shop on this machine that the roaster of a world is fetched from, its tick's window open."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from backfill_pipelines.stores.shop_standin import ServedShop, shop_in_thread
from backfill_pipelines.stores.shop_standin_state import shop_of
from backfill_pipelines_tests.coffee.coffee_world import CoffeeWorld, shopify


@contextmanager
def shop_with_open_tick(coffee: CoffeeWorld) -> Iterator[tuple[ServedShop, datetime]]:
    """The shop, and its only tick, which was a minute ago."""
    with shop_in_thread(shop_of({"products": shopify()})) as served:
        at = datetime.now(UTC) - timedelta(minutes=1)
        coffee.execute(
            f"UPDATE roasters SET price_cadence = '{at.minute} {at.hour} {at.day} * *', full_cadence = '0 0 31 12 *',"
            f" active_from = '{at:%Y-%m-%d}', active_to = NULL"
        )
        coffee.execute(f"UPDATE product_sources SET base_url = '{served.url}'")
        yield served, at
