"""Fetching a source over real HTTP into a real database: what is not seen, stored and said must never look fetched."""

import dataclasses
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from backfill_pipelines.coffee.artifact_rows import adopt_stored, read_captures
from backfill_pipelines.coffee.artifacts import Artifacts
from backfill_pipelines.coffee.deriving import derive_capture
from backfill_pipelines.coffee.feeds import FeedUnknown
from backfill_pipelines.coffee.fetch_runs import FetchRunLost
from backfill_pipelines.coffee.fetching import Fetcher, FetchResult, TickClosed
from backfill_pipelines.coffee.model import Source, natural_id
from backfill_pipelines.coffee.ticks import Tick
from backfill_pipelines.stores.control import ControlStore
from backfill_pipelines.stores.host_pacing import Pace
from backfill_pipelines.stores.objects import ObjectStore
from backfill_pipelines.stores.polite_shops import Patience, PoliteShops
from backfill_pipelines.stores.postgres import Postgres, execute, read_rows
from backfill_pipelines.stores.shop_http import ShopClient
from backfill_pipelines.stores.shop_standin import ServedShop, shop_in_thread
from backfill_pipelines.stores.shop_standin_state import Does, Fault, Shop, shop_of
from backfill_pipelines_tests.coffee.databases import insert

DATA = Path(__file__).parents[3] / "shared/data/coffee"
needs_real_captures = pytest.mark.skipif(not DATA.is_dir(), reason=f"no real captures in {DATA}")

LIST, VARIATIONS = "products?per_page", "type=variation"


def shopify(count: int) -> dict[str, Any]:
    variants = [{"id": 1, "title": "250g", "price": "450.00", "available": True, "option1": "250g"}]
    options = [{"name": "Size", "values": ["250g"]}]
    return {
        "products": [
            {"id": n, "title": f"Coffee {n}", "handle": f"c-{n}", "variants": variants, "options": options}
            for n in range(1, count + 1)
        ]
    }


def woo(count: int) -> list[dict[str, Any]]:
    prices = {"price": "45000", "regular_price": "45000", "currency_code": "INR", "currency_minor_unit": 2}
    own = [{"id": 1000 + n, "attributes": []} for n in range(2)]
    base = {"type": "simple", "variations": [], "prices": prices, "is_in_stock": True}
    last = {"id": count, "name": "Last", "permalink": "https://x/last", **base, "type": "variable", "variations": own}
    return [{"id": n, "name": f"C {n}", "permalink": f"https://x/{n}", **base} for n in range(1, count)] + [last]


class World:
    """A shop, a database with its source, a store of bodies, and what fetches."""

    def __init__(self, stack: ExitStack, tmp_path: Path, postgres: Postgres) -> None:
        self._stack, self.postgres = stack, postgres
        self.objects = ObjectStore(url=str(tmp_path / "bodies"), is_own=True)
        self.folder = tmp_path / "bodies"
        self.artifacts = Artifacts(self.objects)
        self.control = ControlStore(url=f"sqlite:///{tmp_path / 'control.db'}")
        stack.callback(self.control.close)

    def serve(self, shop: Shop, *, page_limit: int = 250) -> tuple[ServedShop, Source]:
        served = self._stack.enter_context(shop_in_thread(shop))
        slug = f"roaster-{served.url.rpartition(':')[2]}"
        source = Source(
            natural_id(f"source:{slug}"), natural_id(f"roaster:{slug}"), slug, served.url, shop.platform, "INR"
        )
        with self.postgres.connect("test") as connection:
            insert(connection, "roasters", id=source.roaster_id, slug=slug, name=slug, default_concurrency=2)
            insert(
                connection,
                "product_sources",
                id=source.id,
                roaster_id=source.roaster_id,
                base_url=served.url,
                platform=shop.platform,
                currency="INR",
                page_limit=page_limit,
            )
        return served, source

    def fetcher(self, retries: int = 1, **values: Any) -> Fetcher:
        client = self._stack.enter_context(ShopClient())
        patience = Patience(retry_seconds=(0.01,) * retries)
        shops = PoliteShops(client, self.control, pace=Pace(delay_seconds=0.005), patience=patience)
        return Fetcher(self.postgres, self.artifacts, shops, **values)

    def rows(self, statement: str) -> list[dict[str, Any]]:
        with self.postgres.connect("test") as connection:
            return read_rows(connection, statement)

    def run(self, result: FetchResult) -> dict[str, Any]:
        return next(row for row in self.rows("SELECT * FROM scrape_runs") if row["id"] == result.run_id)

    def products(self, source: Source, result: FetchResult) -> list[Any]:
        """What is derived from the stored bodies of a fetch."""
        bodies = [(capture, self.artifacts.load_body(capture)) for capture in result.captures]
        return [product for derived in derive_capture(bodies, source) for product in derived.products]


class Halting(Artifacts):
    """Stands still once so many bodies are stored, until it is told to go on."""

    def __init__(self, objects: ObjectStore, bodies: int) -> None:
        super().__init__(objects)
        self._left = bodies
        self._stands, self._goes_on = threading.Event(), threading.Event()

    def save_body(self, *args: Any, **values: Any) -> Any:
        saved = super().save_body(*args, **values)
        self._left -= 1
        if self._left == 0:
            self._stands.set()
            self._goes_on.wait(120)
        return saved

    @contextmanager
    def standing(self) -> Iterator[None]:
        """The block runs while it stands still."""
        assert self._stands.wait(120)
        try:
            yield
        finally:
            self._goes_on.set()


@pytest.fixture
def world(tmp_path: Path, postgres: Postgres) -> Iterator[World]:
    with ExitStack() as stack:
        yield World(stack, tmp_path, postgres)


def payload(name: str) -> Any:
    return json.loads((DATA / name).read_bytes())


@needs_real_captures
@pytest.mark.parametrize(
    ("name", "page_limit", "requests", "products", "variants"),
    [
        ("raw/bluetokaicoffee-shopify.json", 250, 1, 30, 333),
        ("raw/bluetokaicoffee-shopify.json", 10, 4, 30, 333),
        ("captures/blue-tokai-coffee-shopify.json", 20, 4, 65, 943),
        ("raw/bababeans-woocommerce.json", 100, 1 + 3 + 3 * 3, 10, 907),
        ("raw/bababeans-woocommerce.json", 60, 1 + 3 + 3 * 5, 10, 907),
    ],
)
def test_a_real_shop_served_page_by_page_gives_the_products_of_its_capture(
    world: World, name: str, page_limit: int, requests: int, products: int, variants: int
) -> None:
    content = payload(name)
    served, source = world.serve(shop_of(content), page_limit=page_limit)
    result = world.fetcher().fetch_source(source)
    assert (result.status, result.completeness, result.products) == ("ok", "complete", products)
    assert len(result.captures) == requests == len(served.shop.targets())
    found = world.products(source, result)
    items = content["products"] if isinstance(content, dict) else content
    assert [one.platform_product_id for one in found] == [str(item["id"]) for item in items]
    assert sum(len(one.variants) for one in found) == variants
    prices = [variant.price for one in found for variant in one.variants]
    if isinstance(content, dict):
        fed = [Decimal(variant["price"]) for item in items for variant in item["variants"]]
        assert [price for price in prices if price] == [price for price in fed if price]
    else:
        assert {variant.price_from for one in found for variant in one.variants} == {"variant", "none"}


def test_a_fetch_is_stamped_with_the_time_of_its_answer(world: World) -> None:
    """Also when its tick was yesterday: a shop's feed says what is now."""
    served, source = world.serve(shop_of(shopify(5)), page_limit=2)
    served.shop.by_target["page=2"] = Fault(Does.SLOW, "0.2")
    before = datetime.now(UTC)
    tick = Tick(before - timedelta(hours=30), "price", before - timedelta(hours=31), before + timedelta(hours=6))
    result = world.fetcher().fetch_source(source, tick_window=tick, trigger="backfill")
    after = datetime.now(UTC)
    assert result.observed_at is not None
    assert before <= result.observed_at <= after - timedelta(seconds=0.2)
    assert {one.observed_at for one in result.captures} == {result.observed_at}
    assert {one.observed_at_source for one in result.captures} == {"response"}
    assert len({one.capture_id for one in result.captures}) == 1
    assert [one.page for one in result.captures] == [1, 2, 3]
    run = world.run(result)
    assert (run["tick"], run["job_type"], run["trigger"], run["status"]) == (tick.at, "price_only", "backfill", "ok")
    assert run["partition_date"] == result.observed_at.date()
    assert run["stats_json"]["products"] == 5
    assert run["stats_json"]["fetch_latency_seconds"]["count"] == 4 - 1


def test_rows_store_and_result_say_the_same(world: World) -> None:
    _, source = world.serve(shop_of(shopify(5)), page_limit=2)
    result = world.fetcher().fetch_source(source)
    with world.postgres.connect("test") as connection:
        assert read_captures(connection) == list(result.captures)
    stored = world.artifacts.listing(source.roaster_slug).captures
    assert [dataclasses.replace(one, run_id=result.run_id) for one in stored] == list(result.captures)
    assert {one.completeness for one in stored} == {"complete"}
    validators = world.rows("SELECT url, etag FROM http_validators ORDER BY url")
    assert validators == [{"url": one.url, "etag": one.headers["etag"]} for one in result.captures]
    ping = world.rows("SELECT last_ok_ping, robots_ok FROM product_sources")
    assert ping == [{"last_ok_ping": result.observed_at, "robots_ok": True}]


def test_no_try_for_the_first_page_begins_after_the_window(world: World) -> None:
    served, source = world.serve(shop_of(shopify(5)))
    served.shop.by_target["page=1"] = Fault(Does.RATE_LIMITED, "120")
    now = datetime.now(UTC)
    tick = Tick(now, "full", now - timedelta(hours=1), now + timedelta(seconds=60))
    result = world.fetcher().fetch_source(source, tick_window=tick)
    assert (result.status, result.error_code, result.captures) == ("fail", "rate_limited", ())
    assert len(served.shop.targets()) == 1
    assert datetime.now(UTC) - now < timedelta(seconds=60)
    assert world.rows("SELECT last_ok_ping FROM product_sources") == [{"last_ok_ping": None}]


@pytest.mark.parametrize("days", [-3, 3])
def test_a_tick_whose_window_is_closed_is_refused(world: World, days: int) -> None:
    """A fetch now for a past tick would make up history."""
    served, source = world.serve(shop_of(shopify(5)))
    at = datetime.now(UTC) + timedelta(days=days)
    tick = Tick(at, "full", at - timedelta(hours=1), at + timedelta(hours=36))
    said = r"the past cannot be fetched" if days < 0 else r"run again when it opens"
    with pytest.raises(TickClosed, match=said):
        world.fetcher().fetch_source(source, tick_window=tick)
    assert served.shop.requests == 0
    assert world.rows("SELECT id FROM scrape_runs") == []


def test_nothing_changed_is_a_capture_that_repeats_hash_and_place(world: World) -> None:
    served, source = world.serve(shop_of(shopify(5)), page_limit=2)
    fetcher = world.fetcher()
    first = fetcher.fetch_source(source)
    second, third = fetcher.fetch_source(source), fetcher.fetch_source(source)
    for later in (second, third):
        assert (later.status, later.completeness, later.is_coverage) == ("ok", "not_modified", True)
        assert [(one.url, one.body_sha256, one.storage_uri) for one in later.captures] == [
            (one.url, one.body_sha256, one.storage_uri) for one in first.captures
        ]
        assert {one.http_status for one in later.captures} == {304}
    assert len({one.observed_at for one in (first, second, third)}) == 3
    assert len(served.shop.targets()) == 9
    assert len(list(world.folder.rglob("*.json.gz"))) == 3
    assert len(world.products(source, third)) == 5
    checked = world.rows("SELECT DISTINCT checked_at, etag IS NOT NULL AS is_there FROM http_validators")
    assert checked == [{"checked_at": third.observed_at, "is_there": True}]


def test_a_capture_is_confirmed_as_a_whole_or_fetched_as_a_whole(world: World) -> None:
    served, source = world.serve(shop_of(shopify(5)), page_limit=2)
    fetcher = world.fetcher()
    fetcher.fetch_source(source)
    served.shop.sends_last_modified = False
    served.shop.products[4]["title"] = "Renamed"
    second = fetcher.fetch_source(source)
    # Conditional 1, 2 and 3, of which the last has changed; then all of them.
    assert [one.status for one in served.shop.log[-6:]] == [304, 304, 200, 200, 200, 200]
    assert (second.completeness, {one.http_status for one in second.captures}) == ("complete", {200})
    served.shop.products[0]["title"] = "Renamed too"
    third = fetcher.fetch_source(source)
    assert [one.status for one in served.shop.log[-3:]] == [200, 200, 200]
    assert third.completeness == "complete"
    assert world.products(source, third)[0].normalized["name"] == "Renamed too"


@pytest.mark.parametrize("spoiled", ["body lost", "was partial", "no validators", "other pages"])
def test_what_a_304_could_not_confirm_is_fetched_again(world: World, spoiled: str) -> None:
    served, source = world.serve(shop_of(shopify(5)), page_limit=2)
    fetcher = world.fetcher()
    if spoiled == "was partial":
        served.shop.by_target["page=3"] = Fault(Does.STATUS, "404", 1)
    if spoiled == "no validators":
        served.shop.sends_etags = served.shop.sends_last_modified = False
    first = fetcher.fetch_source(source)
    if spoiled == "body lost":
        (world.folder / first.captures[1].storage_uri).unlink()
    if spoiled == "other pages":
        with world.postgres.connect("test") as connection:
            execute(connection, "UPDATE product_sources SET page_limit = 3")
    second = fetcher.fetch_source(source)
    assert second.completeness == "complete"
    assert {one.http_status for one in second.captures} == {200}
    assert len(world.products(source, second)) == 5


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (Fault(Does.STATUS, "404"), "E_HTTP_STATUS"),
        (Fault(Does.STATUS, "500"), "E_HTTP_STATUS"),
        (Fault(Does.RATE_LIMITED, ""), "rate_limited"),
        (Fault(Does.CUT), "no_answer"),
        (Fault(Does.REDIRECT, "https://other.example/"), "E_HTTP_STATUS"),
        (Fault(Does.WRONG_JSON), "E_SHAPE"),
        (Fault(Does.HTML), "E_SHAPE"),
    ],
    ids=["404", "500", "429", "cut", "redirect", "wrong json", "html"],
)
def test_an_error_on_a_page_makes_the_capture_partial_and_on_the_first_there_is_none(
    world: World, fault: Fault, code: str
) -> None:
    served, source = world.serve(shop_of(shopify(5)), page_limit=2)
    served.shop.by_target["page=3"] = fault
    result = world.fetcher().fetch_source(source)
    assert (result.status, result.completeness, result.error_code, result.products) == ("partial", "partial", code, 4)
    assert "page=3" in result.error
    run = world.run(result)
    assert (run["status"], run["error_code"]) == ("partial", code)
    stored = world.artifacts.listing(source.roaster_slug).captures
    assert {one.completeness for one in (*stored, *result.captures)} == {"partial"}
    served.shop.by_target = {"page=1": fault}
    result = world.fetcher().fetch_source(source)
    assert (result.status, result.error_code, result.products, result.is_coverage) == ("fail", code, 0, False)
    # What is no feed was received, and is kept as evidence.
    assert len(result.captures) == (code == "E_SHAPE")


def test_a_failure_of_the_moment_costs_nothing_but_time(world: World) -> None:
    served, source = world.serve(shop_of(shopify(5)), page_limit=2)
    served.shop.by_target = {
        "page=1": Fault(Does.RATE_LIMITED, "0", 1),
        "page=2": Fault(Does.CUT, "", 1),
        "page=3": Fault(Does.STATUS, "502", 1),
    }
    result = world.fetcher().fetch_source(source)
    assert (result.status, result.completeness) == ("ok", "complete")
    assert result.stats["fetch_errors_total"] == {"429": 1, "none": 1, "502": 1}
    assert result.stats["rate_limit_errors_total"] == 1
    assert result.stats["requests"] == 6


def test_no_product_is_no_coverage(world: World) -> None:
    _, source = world.serve(shop_of(shopify(0)))
    result = world.fetcher().fetch_source(source)
    assert (result.status, result.error_code, result.is_coverage) == ("fail", "empty_catalogue", False)


def test_what_robots_txt_forbids_is_not_fetched_and_that_is_recorded(world: World) -> None:
    served, source = world.serve(shop_of(shopify(5), robots="User-agent: *\nDisallow: /products\nCrawl-delay: 1.5"))
    result = world.fetcher().fetch_source(source)
    assert served.shop.targets() == []
    assert (result.status, result.error_code, result.completeness) == ("fail", "robots_disallow", None)
    (row,) = world.rows("SELECT robots_ok, crawl_delay_s FROM product_sources")
    assert (row["robots_ok"], row["crawl_delay_s"]) == (False, Decimal("1.5"))
    (roaster,) = world.rows("SELECT robots_allow, robots_checked_at FROM roasters")
    assert roaster["robots_allow"] is False
    assert roaster["robots_checked_at"] is not None


def test_a_robots_txt_that_cannot_be_read_is_a_failed_attempt_and_no_refusal(world: World) -> None:
    served, source = world.serve(shop_of(shopify(5)))
    served.shop.by_target["/robots.txt"] = Fault(Does.STATUS, "500")
    result = world.fetcher().fetch_source(source)
    assert (result.status, result.error_code) == ("fail", "robots_unreachable")
    assert served.shop.targets() == []
    assert world.rows("SELECT robots_allow FROM roasters") == [{"robots_allow": None}]


@pytest.mark.parametrize(
    ("fault", "completeness"), [(Fault(Does.NO_TOTAL), "unknown"), (Fault(Does.WRONG_TOTAL, "9"), "partial")]
)
def test_a_woo_catalogue_is_complete_when_its_total_says_so(world: World, fault: Fault, completeness: str) -> None:
    served, source = world.serve(shop_of(woo(5)), page_limit=2)
    served.shop.by_target[LIST] = fault
    assert world.fetcher().fetch_source(source).completeness == completeness


def test_a_woo_shop_without_variation_responses_is_complete_without_them(world: World) -> None:
    _, source = world.serve(shop_of(woo(5), has_variation_responses=False))
    result = world.fetcher().fetch_source(source)
    assert (result.status, result.completeness) == ("ok", "complete")
    assert "no variation responses" in result.stats["without_variations"]


def test_variations_that_fail_make_the_capture_partial(world: World) -> None:
    served, source = world.serve(shop_of(woo(5)))
    served.shop.by_target[VARIATIONS] = Fault(Does.STATUS, "500")
    result = world.fetcher().fetch_source(source)
    assert (result.status, result.completeness, result.products) == ("partial", "partial", 5)


class FullDisk(ObjectStore):
    """A store that takes so many objects and no more."""

    room: int = 0

    def write(self, key: str, content: bytes) -> None:
        if self.room == 0:
            raise OSError(28, "No space left on device")
        object.__setattr__(self, "room", self.room - 1)
        super().write(key, content)


@pytest.mark.parametrize("room", [0, 1, 3, 7], ids=["no body", "no meta", "no second body", "no last meta"])
def test_a_body_that_cannot_be_stored_makes_the_run_fail(world: World, room: int) -> None:
    """An unreplayable success is no success."""
    _, source = world.serve(shop_of(shopify(5)), page_limit=2)
    world.artifacts = Artifacts(FullDisk(url=world.objects.url, is_own=True, room=room))
    result = world.fetcher().fetch_source(source)
    assert (result.status, result.error_code, result.is_coverage) == ("fail", "body_not_stored", False)
    assert "No space left" in result.error
    assert world.run(result)["status"] == "fail"
    assert {one.completeness for one in result.captures} <= {"partial"}
    for capture in result.captures:
        world.artifacts.load_body(capture)


def test_a_run_beats_while_it_fetches_and_has_a_lease(world: World) -> None:
    _, source = world.serve(shop_of(shopify(1)))
    world.artifacts = halting = Halting(world.objects, 1)
    with ThreadPoolExecutor(1) as pool:
        fetching = pool.submit(world.fetcher(beat_seconds=0.05).fetch_source, source)
        with halting.standing():
            deadline, beats = time.monotonic() + 60, set[datetime]()
            while len(beats) < 3 and time.monotonic() < deadline:
                (run,) = world.rows("SELECT heartbeat_at, lease_until - heartbeat_at AS lease FROM scrape_runs")
                assert run["lease"] == timedelta(minutes=15)
                beats.add(run["heartbeat_at"])
    assert len(beats) == 3
    assert world.run(fetching.result())["lease_until"] is None


def test_a_run_that_was_taken_for_crashed_records_nothing(world: World) -> None:
    """Its partition is somebody else's by now; its bodies are in the store and found there."""
    _, source = world.serve(shop_of(shopify(1)))
    world.artifacts = halting = Halting(world.objects, 1)
    with ThreadPoolExecutor(1) as pool:
        fetching = pool.submit(world.fetcher().fetch_source, source)
        with halting.standing(), world.postgres.connect("test") as connection:
            reap = "UPDATE scrape_runs SET status = 'fail', error_code = 'crashed' WHERE status IS NULL"
            assert execute(connection, reap).rowcount == 1
        with pytest.raises(FetchRunLost, match=r"taken for crashed"):
            fetching.result()
    assert [row["error_code"] for row in world.rows("SELECT error_code FROM scrape_runs")] == ["crashed"]
    assert world.rows("SELECT id FROM scrape_artifacts") == []
    assert len(world.artifacts.listing(source.roaster_slug).captures) == 1


CHILD = """
import sys
from backfill_pipelines.coffee.artifacts import Artifacts
from backfill_pipelines.coffee.fetching import Fetcher
from backfill_pipelines.coffee.registry import sources
from backfill_pipelines.stores.control import ControlStore
from backfill_pipelines.stores.host_pacing import Pace
from backfill_pipelines.stores.objects import ObjectStore
from backfill_pipelines.stores.polite_shops import PoliteShops
from backfill_pipelines.stores.postgres import Postgres
from backfill_pipelines.stores.shop_http import ShopClient
embedded, database, bodies, control = sys.argv[1:]
postgres = Postgres(embedded=embedded, database=database)
with postgres.connect("test") as connection:
    (source,) = sources(connection)
shops = PoliteShops(ShopClient(), ControlStore(url=control), pace=Pace(delay_seconds=0.01))
Fetcher(postgres, Artifacts(ObjectStore(url=bodies, is_own=True)), shops).fetch_source(source)
"""


def test_a_fetch_that_is_killed_leaves_what_it_saw_as_a_part_and_a_lease_that_ends(world: World) -> None:
    served, source = world.serve(shop_of(shopify(5)), page_limit=2)
    served.shop.by_target["page=3"] = Fault(Does.SLOW, "60")
    command = [sys.executable, "-c", CHILD, str(world.postgres.embedded), world.postgres.database]
    child = subprocess.Popen([*command, world.objects.url, world.control.url])
    deadline = time.monotonic() + 120
    while served.shop.open_now == 0 or served.shop.requests < 4:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    child.kill()
    child.wait()
    (run,) = world.rows(
        "SELECT status, lease_until > now() AS is_alive, lease_until - heartbeat_at AS lease FROM scrape_runs"
    )
    assert (run["status"], run["is_alive"], run["lease"]) == (None, True, timedelta(minutes=15))
    assert world.rows("SELECT id FROM scrape_artifacts") == []
    with world.postgres.connect("test") as connection:
        assert adopt_stored(connection, world.artifacts, [source], source.roaster_slug).recorded == 2
        assert [one.completeness for one in read_captures(connection)] == ["partial", "partial"]
    served.shop.by_target = {}
    assert world.fetcher().fetch_source(source).completeness == "complete"


def test_pages_that_were_read_from_the_store_meanwhile_are_ours_in_the_end(world: World) -> None:
    """A search of the store sees the pages of a fetch that is under way as a part; the fetch knows better."""
    _, source = world.serve(shop_of(shopify(5)), page_limit=2)
    world.artifacts = halting = Halting(world.objects, 2)
    with ThreadPoolExecutor(1) as pool:
        fetching = pool.submit(world.fetcher().fetch_source, source)
        with halting.standing(), world.postgres.connect("test") as connection:
            adopted = adopt_stored(connection, Artifacts(world.objects), [source], source.roaster_slug)
        result = fetching.result()
    assert adopted.recorded > 0
    with world.postgres.connect("test") as connection:
        assert read_captures(connection) == list(result.captures)
    assert {one.completeness for one in result.captures} == {"complete"}


def test_an_error_of_ours_ends_the_run(world: World) -> None:
    _, source = world.serve(shop_of(shopify(1)))

    class Broken(Artifacts):
        def save_body(self, *_args: Any, **_values: Any) -> Any:
            raise ZeroDivisionError("a defect")

    world.artifacts = Broken(world.objects)
    with pytest.raises(ZeroDivisionError):
        world.fetcher().fetch_source(source)
    (run,) = world.rows("SELECT status, error_code, error FROM scrape_runs")
    assert run == {"status": "fail", "error_code": "error", "error": "ZeroDivisionError: a defect"}


def test_a_source_of_another_platform_is_refused_and_never_tried_as_one(world: World) -> None:
    served, source = world.serve(shop_of(shopify(1)))
    with pytest.raises(FeedUnknown, match=r"platform custom"):
        world.fetcher().fetch_source(dataclasses.replace(source, platform="custom"))
    assert served.shop.requests == 0


def test_a_pause_stops_a_fetch_before_its_next_page_and_the_next_fetch_is_whole(world: World) -> None:
    """The pages that were had are kept as a part; nothing counts as the end of the catalogue."""
    _, source = world.serve(shop_of(shopify(5)), page_limit=2)
    pauses = iter(["", "", "coffee is paused by ops: lunch. Resume: backfill resume coffee"])
    result = world.fetcher(paused=lambda: next(pauses)).fetch_source(source)
    assert (result.status, result.completeness, result.error_code) == ("partial", "partial", "paused")
    assert (len(result.captures), result.products) == (2, 4)
    assert result.error.endswith("page=3: coffee is paused by ops: lunch. Resume: backfill resume coffee")
    whole = world.fetcher().fetch_source(source)
    assert (whole.completeness, whole.products) == ("complete", 5)
