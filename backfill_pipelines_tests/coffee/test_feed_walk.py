"""Paging: taking an error or a cut list for the end of a catalogue makes products of a shop look gone."""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from backfill_pipelines.coffee.feed_walk import Body, PageFailed, Walked, walk
from backfill_pipelines.coffee.feeds import Feed, FeedUnknown, feed_of, listed
from backfill_pipelines.coffee.model import Source, natural_id

SHOPIFY = Feed("shopify", "https://shop.example/products.json", 3)
WOO = Feed("woocommerce", "https://shop.example/wp-json/wc/store/v1/products", 3)
SOURCE = Source(natural_id("s"), natural_id("r"), "shop", "https://shop.example", "shopify", "INR")


class Pages:
    """A shop that answers from lists; ``fails`` has a status by a part of the URL."""

    def __init__(self, feed: Feed, products: list[dict[str, Any]], fails: Mapping[str, int] | None = None) -> None:
        self.feed, self.products, self.fails = feed, products, dict(fails or {})
        self.headers: dict[str, str] = {}
        self.asked = list[str]()

    def __call__(self, url: str) -> Body:
        self.asked.append(url)
        for part, status in self.fails.items():
            if part in url:
                raise PageFailed("E_HTTP_STATUS", f"{url} answered {status}", status)
        number = int(re.findall(r"[?&]page=(\d+)", url)[0])
        shown = self.products
        if parent := re.findall(r"parent=(\d+)", url):
            owner = next(one for one in shown if one["id"] == int(parent[0]))
            shown = [woo(own["id"], type="variation", parent=owner["id"]) for own in owner["variations"]]
        page = shown[(number - 1) * self.feed.page_limit : number * self.feed.page_limit]
        if self.feed.platform == "shopify":
            return Body(json.dumps({"products": page}).encode(), {})
        return Body(json.dumps(page).encode(), {"x-wp-total": str(len(shown)), **self.headers})


def shopify(count: int) -> list[dict[str, Any]]:
    return [{"id": number, "title": f"Coffee {number}", "variants": []} for number in range(1, count + 1)]


def woo(number: int, variations: int = 0, **values: Any) -> dict[str, Any]:
    own = [{"id": number * 100 + index} for index in range(variations)]
    kind = "variable" if variations else "simple"
    return {"id": number, "type": kind, "prices": {"price": "100"}, "variations": own, **values}


def code(walked: Walked) -> str:
    assert walked.failure is not None
    return walked.failure.code


@pytest.mark.parametrize(("count", "pages"), [(1, 1), (2, 1), (3, 2), (4, 2), (7, 3)])
def test_shopify_ends_with_a_page_that_is_not_full(count: int, pages: int) -> None:
    shop = Pages(SHOPIFY, shopify(count))
    found = walk(SHOPIFY, shop)
    assert (found.completeness, len(found.ids)) == ("complete", count)
    assert shop.asked == [f"https://shop.example/products.json?limit=3&page={page}" for page in range(1, pages + 1)]


@pytest.mark.parametrize(("count", "pages"), [(1, 1), (3, 1), (4, 2), (6, 2)])
def test_woo_ends_with_its_total(count: int, pages: int) -> None:
    shop = Pages(WOO, [woo(number) for number in range(1, count + 1)])
    assert walk(WOO, shop).completeness == "complete"
    assert len(shop.asked) == pages


def test_an_error_on_a_page_is_never_the_end() -> None:
    shop = Pages(SHOPIFY, shopify(7), {"page=2": 500})
    found = walk(SHOPIFY, shop)
    assert (found.completeness, found.ids, code(found)) == ("partial", ["1", "2", "3"], "E_HTTP_STATUS")
    assert len(shop.asked) == 2


def test_no_product_is_no_coverage() -> None:
    assert code(walk(SHOPIFY, Pages(SHOPIFY, []))) == "empty_catalogue"
    assert code(walk(WOO, Pages(WOO, []))) == "empty_catalogue"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"message": "no feed"}', "E_SHAPE"),
        (b"<!DOCTYPE html>", "E_SHAPE"),
        (b'{"products": [{"id": 1', "E_TRUNCATED_JSON"),
        (b"[]", "E_SHAPE"),
        (b'[{"id": 1, "prices": {}}]', "E_SHAPE"),
        (b"", "E_TRUNCATED_JSON"),
    ],
)
def test_a_page_that_is_no_feed_fails(body: bytes, expected: str) -> None:
    """Also one of the other platform: a source never turns into the other by itself."""
    assert code(walk(SHOPIFY, lambda _url: Body(body, {}))) == expected


def test_a_proxy_that_drops_the_query_is_no_catalogue_without_end() -> None:
    body = Body(json.dumps({"products": shopify(3)}).encode(), {})
    found = walk(SHOPIFY, lambda _url: body)
    assert (code(found), found.completeness, len(found.ids)) == ("same_page_again", "partial", 3)


def test_a_shop_that_goes_on_for_ever_is_stopped() -> None:
    numbers = iter(range(10_000))
    found = walk(SHOPIFY, lambda _url: Body(json.dumps({"products": [{"id": next(numbers)}] * 3}).encode(), {}))
    assert code(found) == "too_many_pages"


@pytest.mark.parametrize("told", ["5", "3"])
def test_the_sum_must_be_the_total(told: str) -> None:
    shop = Pages(WOO, [woo(number) for number in range(1, 5)])
    shop.headers = {"x-wp-total": told}
    found = walk(WOO, shop)
    if told == "3":  # ends at three, which are there
        assert found.completeness == "complete"
        return
    assert (found.completeness, code(found)) == ("partial", "incomplete")
    assert "X-WP-Total is 5" in str(found.failure)


def test_a_product_that_comes_twice_has_pushed_another_off_its_page() -> None:
    """Four are announced and four are listed, but one of them twice: the fourth was never seen."""
    shop = Pages(WOO, [woo(1), woo(2), woo(3), woo(3)])
    assert code(walk(WOO, shop)) == "incomplete"


def test_without_a_total_nobody_knows() -> None:
    shop = Pages(WOO, [woo(number) for number in range(1, 5)])
    shop.headers = {"x-wp-total": ""}
    assert walk(WOO, shop).completeness == "unknown"


def test_variations_are_asked_for_product_by_product() -> None:
    shop = Pages(WOO, [woo(1, variations=4), woo(2), woo(3, variations=2)])
    assert walk(WOO, shop).completeness == "complete"
    base = "https://shop.example/wp-json/wc/store/v1/products"
    assert shop.asked == [
        f"{base}?per_page=3&page=1",
        f"{base}?type=variation&parent=1&per_page=3&page=1",
        f"{base}?type=variation&parent=1&per_page=3&page=2",
        f"{base}?type=variation&parent=3&per_page=3&page=1",
    ]


@pytest.mark.parametrize(("variable", "asked"), [(1, 1), (2, 2), (9, 3)])
def test_a_shop_that_gives_no_variations_is_complete_without_them(variable: int, asked: int) -> None:
    feed = replace(WOO, page_limit=100)
    shop = Pages(feed, [woo(number, variations=2) for number in range(1, variable + 1)], {"type=variation": 400})
    found = walk(feed, shop)
    assert found.completeness == "complete"
    assert "answered 400" in found.without_variations
    assert len(shop.asked) == 1 + asked


@pytest.mark.parametrize("fails", [{"parent=1&": 404}, {"parent=2&": 404}, {"parent=1&": 500}])
def test_a_shop_that_gives_variations_of_others_has_failed(fails: Mapping[str, int]) -> None:
    feed = replace(WOO, page_limit=100)
    shop = Pages(feed, [woo(1, variations=2), woo(2, variations=2), woo(3, variations=2)], fails)
    assert code(walk(feed, shop)) == "E_HTTP_STATUS"


def test_a_feed_is_below_its_base_url_and_no_larger_than_its_platform_allows() -> None:
    assert feed_of(SOURCE, None, 250) == Feed("shopify", "https://shop.example/products.json", 250)
    woo_source = replace(SOURCE, platform="woocommerce", base_url="https://shop.example/in/")
    assert feed_of(woo_source, None, 250).page_url(2) == (
        "https://shop.example/in/wp-json/wc/store/v1/products?per_page=100&page=2"
    )
    assert (
        feed_of(SOURCE, "collections/coffee/products.json", 50).page_url(1).endswith("e/products.json?limit=50&page=1")
    )


@pytest.mark.parametrize(
    ("platform", "endpoint"),
    [("custom", None), ("other", "/feed"), ("shopify", "https://x.example/p.json"), ("shopify", "/p.json?a=1")],
)
def test_a_source_without_a_feed_is_refused(platform: Any, endpoint: str | None) -> None:
    with pytest.raises(FeedUnknown, match=r"Repair: .*backfill coffee sources"):
        feed_of(replace(SOURCE, platform=platform), endpoint, 250)


def test_a_bad_product_does_not_fail_its_page() -> None:
    found = listed(b'{"products": [{"id": 1}, null, {"title": "no id"}]}', None, "shopify")
    assert found.ids == ("1", "#1", "#2")
