"""Bytes become items or one reason why not: encodings, broken JSON, roots."""

import json

import pytest

from backfill_pipelines.coffee.decoding import Undecodable, payload_of
from backfill_pipelines_tests.coffee.feeds import page_of, shopify_product, woo_product


def refused(body: bytes, content_type: str | None = None, platform: str = "other") -> Undecodable:
    with pytest.raises(Undecodable) as failure:
        payload_of(body, content_type, platform)
    return failure.value


@pytest.mark.parametrize(
    ("root", "layout", "items"),
    [
        ({"products": [shopify_product(), shopify_product()]}, "shopify", 2),
        ({"products": []}, "shopify", 0),
        ({"roaster_slug": "x", "stats": {}, "products": [shopify_product()]}, "shopify", 1),
        ({"product": shopify_product()}, "shopify", 1),
        ([woo_product()], "woocommerce", 1),
        ([None, woo_product()], "woocommerce", 2),
        ([], "woocommerce", 0),
        ({"platform": "woocommerce", "products": [woo_product()]}, "woocommerce", 1),
        ({"source": "manual", "scraped_at": "2025-09-21", "product": {}}, "canonical", 1),
    ],
)
def test_roots(root: object, layout: str, items: int) -> None:
    payload = payload_of(json.dumps(root).encode(), None, "other")
    assert (payload.layout, len(payload.items)) == (layout, items)


@pytest.mark.parametrize(
    "root", [{}, {"source": "shopify"}, {"products": {}}, {"product": []}, [1], [{}], "x", 3, None]
)
def test_other_roots_have_no_products(root: object) -> None:
    assert refused(json.dumps(root).encode()).code == "E_SHAPE"


@pytest.mark.parametrize(
    "body", [b"<html><body>Just a moment..</body></html>", b"Too many requests", b'{"products":[]}}']
)
def test_an_answer_that_is_no_json_is_no_cut_one(body: bytes) -> None:
    assert refused(body).code == "E_SHAPE"


def test_every_cut_of_a_page_is_told_from_other_bodies() -> None:
    """A cut answer is to be fetched again; taking it for another shape would end in a search for a changed feed."""
    whole = page_of(shopify_product(title="Caf\u00e9 \u2013 \u2615 \\ x", price=-1.5e-3, flag=True))
    for end in range(1, len(whole)):
        assert refused(whole[:end]).code == "E_TRUNCATED_JSON", whole[:end][-20:]


def test_a_cut_within_a_character_is_a_cut() -> None:
    whole = '{"products":[{"title":"☕"}]}'.encode()
    assert refused(whole[: whole.index("☕".encode()) + 1]).code == "E_TRUNCATED_JSON"


def test_an_empty_answer_is_a_cut_one() -> None:
    assert refused(b"").code == "E_TRUNCATED_JSON"


def test_a_byte_order_mark_is_no_part_of_the_text() -> None:
    assert len(payload_of(b"\xef\xbb\xbf" + page_of(shopify_product()), None, "shopify").items) == 1


def test_other_encodings_are_read_as_the_answer_says() -> None:
    body = '{"products":[{"title":"Café"}]}'.encode("latin-1")
    payload = payload_of(body, 'application/json; charset="ISO-8859-1"', "shopify")
    assert payload.items[0]["title"] == "Café"


@pytest.mark.parametrize(
    "content_type", [None, "application/json", "application/json; charset=utf-8", "text/html; charset=klingon"]
)
def test_bytes_are_never_replaced(content_type: str | None) -> None:
    body = '{"products":[{"title":"Café"}]}'.encode("latin-1")
    assert refused(body, content_type).code == "E_ENCODING"


def test_mixed_encodings_are_refused_with_the_place() -> None:
    body = page_of(shopify_product()).replace(b"Attikan", "Café ".encode() + "Café".encode("latin-1"))
    failure = refused(body)
    assert failure.code == "E_ENCODING"
    assert "0xe9" in failure.why


@pytest.mark.parametrize(
    ("platform", "body"),
    [("shopify", json.dumps([woo_product()]).encode()), ("woocommerce", page_of(shopify_product()))],
)
def test_a_platform_never_flips_by_itself(platform: str, body: bytes) -> None:
    assert refused(body, platform=platform).code == "E_SHAPE"


def test_nul_is_dropped_because_no_text_column_holds_it() -> None:
    """One such title would fail the COPY of its whole chunk."""
    body = page_of(shopify_product(title="At\0tikan", tags=["\0"]))
    (item,) = payload_of(body, None, "shopify").items
    assert (item["title"], item["tags"]) == ("Attikan", [""])


def test_what_is_deeper_than_any_product_is_refused() -> None:
    assert refused(b"[" * 100_000 + b"]" * 100_000).code == "E_SHAPE"
