"""Every layout of the old scraper is told by its content, with what it records and no more than that."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from backfill_pipelines.coffee.legacy_file import LegacyFile, Unreadable
from backfill_pipelines.coffee.legacy_layouts import recognise

PRODUCTS: list[dict[str, Any]] = [
    {"id": 1, "title": "A", "updated_at": "2025-09-18T00:33:11+05:30", "variants": [{"id": 11, "price": "1.00"}]},
    {"id": 2, "title": "B", "variants": [{"id": 21, "updated_at": "2025-09-17T20:00:00Z"}]},
]
WOO = [{"id": 3, "name": "C", "prices": {"price": "100", "currency_minor_unit": 2}}]
FETCHED: dict[str, Any] = {
    "source_id": "s1",
    "roaster_id": "blue_tokai",
    "platform": "shopify",
    "base_url": "https://bluetokaicoffee.com",
    "products": PRODUCTS,
    "product_count": 2,
    "fetch_all": True,
    "fetch_params": {},
    "started_at": "2025-09-20T10:00:00+00:00",
    "completed_at": "2025-09-20T15:30:05.5+05:30",
    "success": True,
}
NAME = "data/fetcher/shopify/blue_tokai_shopify_20250920_100005_success.json"


def read(document: Any, name: str = "x.json") -> LegacyFile:
    return recognise(name, json.dumps(document).encode())


def test_a_fetchers_file_is_complete_at_the_time_that_it_records() -> None:
    found = read(FETCHED, NAME)
    assert (found.layout, found.platform, found.completeness) == ("fetcher", "shopify", "complete")
    assert found.recorded_at == datetime(2025, 9, 20, 10, 0, 5, 500_000, UTC)
    assert found.started_at == datetime(2025, 9, 20, 10, 0, tzinfo=UTC)
    assert found.owners == ("blue_tokai", "https://bluetokaicoffee.com")
    assert found.items == PRODUCTS
    assert found.body == json.dumps(FETCHED).encode()


def test_its_name_is_read_from_the_end_where_the_file_does_not_say_whose_it_is() -> None:
    bare = {key: value for key, value in FETCHED.items() if key not in {"roaster_id", "platform", "base_url"}}
    found = read(bare, "some\\where\\the_blue_tokai_shopify_20250920_100005_success.json")
    assert (found.owners, found.platform) == (("the_blue_tokai",), "shopify")
    assert read(bare).owners == ()


@pytest.mark.parametrize(
    ("changes", "completeness"),
    [
        ({"fetch_all": False}, "unknown"),
        ({"fetch_params": {"max_products": 2}}, "partial"),
        ({"fetch_params": {"max_products": 3}}, "complete"),
        ({"fetch_params": {"limit": 2}}, "complete"),
        ({"fetch_params": {"max_pages": 1}, "products": PRODUCTS * 125, "product_count": 250}, "partial"),
        ({"fetch_params": {"updated_at_min": "2025-09-01"}}, "filtered"),
        ({"product_count": 3}, "partial"),
        ({"products": [], "product_count": 0}, "unknown"),
    ],
    ids=["not_all", "cap_hit", "cap_not_hit", "page_size", "pages", "filter", "counted_more", "nothing"],
)
def test_a_catalogue_is_whole_only_if_nothing_speaks_against_it(changes: dict[str, Any], completeness: str) -> None:
    """A capture that is taken for whole makes the products that it lacks missing."""
    assert read({**FETCHED, **changes}).completeness == completeness


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"success": False, "error": "boom"}, NAME),
        ({"success": None, "error": "boom"}, NAME),
        ({"error": "boom"}, NAME.replace("success", "failed")),
    ],
)
def test_a_fetch_that_failed_holds_no_products(changes: dict[str, Any], name: str) -> None:
    found = read({**FETCHED, **changes}, name)
    assert (found.items, found.completeness) == ((), "unknown")
    assert found.failure is not None
    assert (found.failure.kind, found.failure.errors) == ("fetch", ("boom",))


def test_pages_and_lists_record_no_time() -> None:
    page, woo = read({"products": PRODUCTS}), read(WOO)
    assert (page.layout, page.platform, page.completeness, page.recorded_at) == ("page", "shopify", "unknown", None)
    assert (woo.layout, woo.platform, woo.completeness, woo.recorded_at) == ("woo_list", "woocommerce", "unknown", None)
    assert page.newest_update == datetime(2025, 9, 17, 20, tzinfo=UTC)
    assert woo.newest_update is None
    assert read({"products": []}).platform is None


def test_times_without_a_zone_are_none() -> None:
    assert read({"products": [{"updated_at": "2025-09-17T20:00:00"}, {"updated_at": "soon"}]}).newest_update is None
    assert read({**FETCHED, "completed_at": "2025-09-20T10:00:05"}).recorded_at is None


@pytest.mark.parametrize(
    ("stats", "completeness"),
    [({"products_total": 3}, "filtered"), ({"products_total": 2}, "unknown"), ({}, "unknown"), (None, "unknown")],
)
def test_an_export_is_filtered_when_it_says_that_there_was_more(stats: Any, completeness: str) -> None:
    export = {
        "roaster_slug": "blue-tokai",
        "platform": "shopify",
        "export_timestamp": 145113.0195402,
        "products": PRODUCTS,
    }
    found = read({**export, "stats": stats})
    assert (found.layout, found.completeness, found.recorded_at) == ("export", completeness, None)
    assert found.owners == ("blue-tokai",)


def test_a_wrapper_gives_back_the_answer_in_it_as_it_was_written() -> None:
    inner = '{ "products" : [ {"id": 1, "title": "Caf\\u00e9", "n": 1.50} ] }'
    text = (
        '{"artifact_id": "artifact_data", "validation_errors": ["\\"artifact_data\\": x"], "artifact_data": '
        + inner
        + ', "z": 1}'
    )
    found = recognise("invalid_x.json", text.encode())
    assert (found.layout, found.body, found.failure) == ("wrapper", inner.encode(), None)
    assert found.fingerprint == recognise("x.json", inner.encode()).fingerprint


@pytest.mark.parametrize("data", [{}, {"source": "shopify"}, None, {"product": {"id": 1}}])
def test_a_wrapper_without_an_answer_is_the_evidence_of_a_failure(data: Any) -> None:
    wrapper = {
        "artifact_id": None,
        "validated_at": "2025-09-21T22:01:50.277235+00:00",
        "validation_errors": ["Failed to read artifact from storage"],
        "artifact_data": data,
    }
    found = read(wrapper)
    assert (found.layout, found.items) == ("wrapper", ())
    assert found.failure is not None
    assert found.failure.errors == ["Failed to read artifact from storage"]
    assert found.recorded_at is not None


def test_a_canonical_artifact_is_a_single_product_of_its_own_time() -> None:
    document = {
        "source": "firecrawl",
        "roaster_domain": "bluetokaicoffee.com",
        "scraped_at": "2025-09-21T10:00:00Z",
        "product": {"platform": "shopify", "source_url": "https://bluetokaicoffee.com/products/a"},
    }
    found = read(document)
    assert (found.layout, found.platform, found.completeness) == ("canonical", "shopify", "partial")
    assert (found.recorded_at, found.owners) == (datetime(2025, 9, 21, 10, tzinfo=UTC), ("bluetokaicoffee.com",))
    assert found.url == "https://bluetokaicoffee.com/products/a"
    single = read({"product": {"id": 1}})
    assert (single.layout, single.completeness) == ("page", "partial")


def test_a_description_of_another_file_is_one() -> None:
    assert read({"response_filename": "a.json", "content_hash": "0", "roaster_id": "x"}).layout == "metadata"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"\xff\xfe{}", "E_ENCODING"),
        (b'{"products": [{"id": 1', "E_TRUNCATED_JSON"),
        (b'{"products": [}, 1, 2, 3]}', "E_SHAPE"),
        (b"<html>busy</html>", "E_SHAPE"),
        (b'{"items": []}', "E_SHAPE"),
        (b'[{"id": 1}]', "E_SHAPE"),
        (b"7", "E_SHAPE"),
        (b"", "E_TRUNCATED_JSON"),
    ],
    ids=["encoding", "cut", "broken", "html", "object", "list", "number", "empty"],
)
def test_what_is_no_layout_is_refused_with_its_code(content: bytes, code: str) -> None:
    with pytest.raises(Unreadable) as caught:
        recognise("x.json", content)
    assert caught.value.code == code


def test_a_byte_order_mark_and_half_a_surrogate_do_not_cost_a_file() -> None:
    content = b'\xef\xbb\xbf{"products": [{"id": 1, "title": "\\ud83d"}]}'
    found = recognise("x.json", content)
    assert (found.body, len(found.items), len(found.fingerprint)) == (content, 1, 64)
