"""Products of Shopify's feed: ids, names, options, the price rules, and fields of another type than known."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from backfill_pipelines_tests.coffee.feeds import (
    NOON,
    SHOPIFY,
    derived,
    only_product,
    only_variant,
    page_of,
    reasons,
    shopify_product,
    shopify_variant,
)


def test_names_addresses_and_texts() -> None:
    product = only_product(page_of(shopify_product(title=" Attikan &amp; Co ")))
    assert product.platform_product_id == "1"
    assert product.normalized["name"] == "Attikan &amp; Co"
    assert product.normalized["slug"] == "attikan-estate"
    assert product.normalized["direct_buy_url"] == "https://shop.example/products/attikan-estate"
    assert product.normalized["description_md"] == "Dark & sweet"


def test_what_is_not_known_is_kept_beside_the_coffee() -> None:
    new_field = {"certified": True, "updated_at": "2025-09-20"}
    product = only_product(page_of(shopify_product(organic=new_field)))
    assert product.normalized["source_raw"] == {
        "product_type": "Single Estate Coffee",
        "vendor": "Baba",
        "published_at": "2025-06-01T00:00:00+05:30",
        "created_at": "2025-06-01T00:00:00+05:30",
        "organic": {"certified": True},
    }


def test_options_have_the_names_of_the_product() -> None:
    variant = only_variant(page_of(shopify_product()))
    assert variant.options == [{"name": "Size", "value": "250g"}, {"name": "Grind", "value": "Whole Bean"}]
    assert variant.title == "250g / Whole Bean"


def test_an_option_without_a_name_is_counted() -> None:
    variant = only_variant(page_of(shopify_product(options=[{"name": "Size"}])))
    assert variant.options[1] == {"name": "Option 2", "value": "Whole Bean"}


def test_the_only_variant_of_a_product_has_no_title() -> None:
    default = shopify_variant(title="Default Title", option1="Default Title", option2=None)
    variant = only_variant(page_of(shopify_product(default, options=[{"name": "Title"}])))
    assert (variant.title, list(variant.options)) == (None, [])


@pytest.mark.parametrize(
    ("price", "expected", "codes"),
    [
        ("450.00", "450", ()),
        ("450.0", "450", ()),
        (450, "450", ()),
        (450.5, "450.5", ()),
        ("0.0005", "0.001", ()),
        ("1.0004999", "1", ()),
        ("0.00", None, ("W_PRICE_ZERO",)),
        ("0.0004", None, ("W_PRICE_ZERO",)),
        (0, None, ("W_PRICE_ZERO",)),
        (None, None, ("W_PRICE_ZERO",)),
        ("", None, ("W_PRICE_ZERO",)),
        ("on request", None, ("W_PRICE_ZERO",)),
        ("1_000", None, ("W_PRICE_ZERO",)),
        ("१००", None, ("W_PRICE_ZERO",)),
    ],
)
def test_prices(price: Any, expected: str | None, codes: tuple[str, ...]) -> None:
    variant = only_variant(page_of(shopify_product(shopify_variant(price=price))))
    assert variant.price == (None if expected is None else Decimal(expected))
    assert variant.price_from == ("none" if expected is None else "variant")
    assert variant.codes[: len(codes)] == codes
    # A placeholder is never in stock, whatever the feed says.
    assert variant.in_stock is (expected is not None)


@pytest.mark.parametrize(
    ("price", "reason"),
    [
        ("-1.00", "Q_PRICE_NEGATIVE"),
        (-0.0001, "Q_PRICE_NEGATIVE"),
        ("NaN", "Q_PRICE_NOT_NUMBER"),
        (float("nan"), "Q_PRICE_NOT_NUMBER"),
        (float("inf"), "Q_PRICE_NOT_NUMBER"),
        ("-Infinity", "Q_PRICE_NOT_NUMBER"),
        ("1" * 13, "Q_PRICE_NOT_NUMBER"),
        ({"amount": "450.00"}, "Q_PRICE_NOT_NUMBER"),
        (["450.00"], "Q_PRICE_NOT_NUMBER"),
        (True, "Q_PRICE_NOT_NUMBER"),
    ],
)
def test_a_price_that_cannot_be_sets_its_product_aside_and_no_other(price: Any, reason: str) -> None:
    bad = shopify_product(shopify_variant(), shopify_variant(id=12, price=price), id=2, handle="bad")
    found = derived(page_of(bad, shopify_product(), shopify_product(id=3)))
    assert reasons(found) == [reason]
    (rejected,) = found.rejected
    assert (rejected.platform_product_id, rejected.platform_variant_id, rejected.detail["variants"]) == ("2", "", 2)
    assert [product.platform_product_id for product in found.products] == ["1", "3"]
    assert (found.captured_products, found.captured_variants, found.status) == (3, 4, "needs_review")


def test_what_is_out_of_stock_has_its_price() -> None:
    variant = only_variant(page_of(shopify_product(shopify_variant(available=False))))
    assert (variant.price, variant.in_stock) == (Decimal(450), False)


def test_stock_that_is_not_said_is_unknown() -> None:
    assert only_variant(page_of(shopify_product(shopify_variant(available=None)))).in_stock is None


@pytest.mark.parametrize(
    ("before", "expected", "is_ignored"),
    [
        (None, None, False),
        ("500.00", "500", False),
        (500, "500", False),
        ("450.00", None, True),
        ("400.00", None, True),
        ("0.00", None, True),
        ("", None, True),
    ],
)
def test_a_price_before_a_reduction_is_higher(before: Any, expected: str | None, is_ignored: bool) -> None:
    variant = only_variant(page_of(shopify_product(shopify_variant(compare_at_price=before))))
    assert variant.compare_at_price == (None if expected is None else Decimal(expected))
    assert ("W_COMPARE_AT_IGNORED" in variant.codes) is is_ignored


def test_without_a_price_there_is_no_reduction() -> None:
    variant = only_variant(page_of(shopify_product(shopify_variant(price="0.00", compare_at_price="500.00"))))
    assert variant.compare_at_price is None


def test_a_price_beyond_a_million_is_to_be_reviewed() -> None:
    edge = shopify_product(shopify_variant(price="1000000.00"), shopify_variant(id=12, price="1000000.01"))
    product = only_product(page_of(edge))
    assert [("R_PRICE_SPIKE" in variant.codes) for variant in product.variants] == [False, True]
    assert product.status == "needs_review"


@pytest.mark.parametrize(
    ("moment", "currency"),
    [(NOON - timedelta(days=1), "USD"), (NOON, "INR"), (NOON + timedelta(days=1), "INR")],
)
def test_the_currency_is_the_source_s_at_that_time(moment: datetime, currency: str) -> None:
    moved = replace(SHOPIFY, currency_history=((NOON, "USD"),))
    assert only_variant(page_of(shopify_product()), moved, observed_at=moment).currency == currency


@pytest.mark.parametrize("option", ["Installments", "FREQUENCY OF DELIVERY", "Deliveries"])
def test_deliveries_are_a_subscription_and_no_pack(option: str) -> None:
    product = shopify_product(
        shopify_variant(option1="3", option2="250g"), options=[{"name": option}, {"name": "Size"}]
    )
    found = only_product(page_of(product))
    assert found.normalized["product_kind"] == "subscription"
    assert found.variants[0].subscription_available


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"id": None}, "Q_NO_PRODUCT_ID"),
        ({"id": " "}, "Q_NO_PRODUCT_ID"),
        ({"id": 1.5}, "Q_NO_PRODUCT_ID"),
        ({"title": None}, "Q_NO_TITLE"),
        ({"title": " \t"}, "Q_NO_TITLE"),
        ({"variants": []}, "Q_NO_VARIANTS"),
        ({"variants": None}, "Q_NO_VARIANTS"),
        ({"variants": {"11": {}}}, "Q_NO_VARIANTS"),
        ({"variants": [None, {"id": 5, "price": "1"}]}, "Q_SHAPE"),
        ({"variants": [{"price": "1"}]}, "Q_SHAPE"),
        ({"title": "half of a smile \ud83d"}, "Q_ENCODING"),
    ],
)
def test_a_product_without_what_it_needs_is_set_aside(fields: dict[str, Any], reason: str) -> None:
    found = derived(page_of(shopify_product(id=2), shopify_product(**fields), shopify_product(id=3)))
    assert reasons(found) == [reason]
    assert [product.platform_product_id for product in found.products] == ["2", "3"]
    assert (found.captured_products, found.status) == (3, "needs_review")


@pytest.mark.parametrize("item", [None, "product", 3, ["product"]])
def test_an_item_that_is_no_product_is_set_aside_by_its_place(item: Any) -> None:
    found = derived(page_of(shopify_product(), item, shopify_product(id=2)))
    assert [(r.reason, r.platform_product_id) for r in found.rejected] == [("Q_SHAPE", "#1")]
    assert len(found.products) == 2


@pytest.mark.parametrize(
    ("fields", "left_out"),
    [
        ({"handle": 5}, "handle"),
        ({"body_html": ["<p>"]}, "body_html"),
        ({"tags": {"a": 1}}, "tags"),
        ({"tags": ["medium-roast", 5, "dark"]}, "tags.1"),
        ({"options": [{"name": 3}]}, "options.0.name"),
        ({"variants": [shopify_variant(available="yes")]}, "variants.0.available"),
        ({"variants": [shopify_variant(available=1)]}, "variants.0.available"),
        ({"variants": [shopify_variant(grams="250")]}, "variants.0.grams"),
        ({"variants": [shopify_variant(option1={"en": "250g"})]}, "variants.0.option1"),
        ({"variants": [shopify_variant(compare_at_price=[1])]}, "variants.0.compare_at_price"),
    ],
)
def test_a_field_of_an_unknown_type_costs_that_field_and_a_review(fields: dict[str, Any], left_out: str) -> None:
    """A changed feed must not stop its replay, nor pass as if nothing had changed."""
    product = only_product(page_of(shopify_product(**fields)))
    assert product.status == "needs_review"
    assert "R_UNKNOWN_FIELD_TYPE" in product.codes
    assert product.normalized["source_raw"]["unknown_field_types"] == [left_out]
    assert product.variants[0].price == Decimal(450)


def test_several_odd_tags_leave_the_others() -> None:
    product = only_product(
        page_of(shopify_product(product_type="", title="x", tags=[1, "light-roast", 2, "TAX_5", None]))
    )
    assert product.normalized["source_raw"]["unknown_field_types"] == ["tags.0", "tags.2", "tags.4"]
    assert product.normalized["product_kind"] == "beans"


def test_missing_fields_are_only_missing() -> None:
    product = only_product(page_of({"id": 5, "title": "Gesha", "variants": [{"id": 6, "price": "1.00"}]}))
    assert product.normalized["slug"] == "5"
    assert product.normalized["direct_buy_url"] is None
    variant = product.variants[0]
    assert (variant.in_stock, variant.sku, list(variant.options)) == (None, None, [])


def test_tags_may_come_as_one_text() -> None:
    assert only_product(page_of(shopify_product(tags="Event, light-roast ,"))).normalized["product_kind"] == "beans"


@pytest.mark.parametrize(("sku", "expected"), [(None, None), ("", None), (" CUSTOM ", "CUSTOM")])
def test_article_numbers_may_be_absent_and_repeat(sku: str | None, expected: str | None) -> None:
    product = shopify_product(shopify_variant(sku=sku), shopify_variant(id=12, sku=sku))
    assert [variant.sku for variant in only_product(page_of(product)).variants] == [expected, expected]


@pytest.mark.parametrize(("given", "stock"), [(3, 3), (-2, -2), (0, 0), (2**31, None)])
def test_stock_counts(given: int, stock: int | None) -> None:
    product = shopify_product(shopify_variant(inventory_quantity=given))
    assert only_variant(page_of(product)).stock_qty == stock


def test_of_a_variant_that_comes_twice_the_last_one_counts() -> None:
    twice = shopify_product(shopify_variant(price="1.00"), shopify_variant(id=12), shopify_variant(price="2.00"))
    found = derived(page_of(twice))
    (product,) = found.products
    assert [(v.platform_variant_id, v.price) for v in product.variants] == [("11", Decimal(2)), ("12", Decimal(450))]
    assert "W_DUPLICATE_VARIANT" in product.codes
    assert found.captured_variants == 2
