"""Products of WooCommerce's Store API: minor units, currencies, and variations with and without answers."""

from decimal import Decimal
from typing import Any

import pytest

from backfill_pipelines.coffee.deriving import derive_capture
from backfill_pipelines.coffee.model import Derived, VariantObservation
from backfill_pipelines_tests.coffee.feeds import (
    WOO,
    capture_of,
    derived,
    list_of,
    only_product,
    only_variant,
    reasons,
    woo_prices,
    woo_product,
    woo_variable,
    woo_variation,
)

ANSWERS = "https://shop.example/wp-json/wc/store/v1/products?type=variation&parent=7"


def variants_of(*products: dict[str, Any]) -> dict[str, VariantObservation]:
    found = derived(list_of(*products), WOO)
    return {variant.platform_variant_id: variant for product in found.products for variant in product.variants}


def joined(product: dict[str, Any], *answers: dict[str, Any], url: str = ANSWERS) -> list[Derived]:
    page, response = list_of(product), list_of(*answers)
    bodies = [(capture_of(page), page), (capture_of(response, url=url), response)]
    return list(derive_capture(bodies, WOO))


def test_names_addresses_and_texts() -> None:
    product = only_product(list_of(woo_product()), WOO)
    assert product.normalized["name"] == "Neat Coffee – 250g"
    assert product.normalized["slug"] == "neat"
    assert product.normalized["direct_buy_url"] == "https://shop.example/product/neat/"
    assert product.normalized["description_md"] == "In short At length"
    assert product.variants[0].platform_variant_id == "7"
    assert product.variants[0].title is None


@pytest.mark.parametrize("permalink", [None, "", "https://shop.example/?p=3", "http://[broken"])
def test_without_a_readable_address_the_slug_is_the_shop_s_or_the_id(permalink: str | None) -> None:
    assert only_product(list_of(woo_product(permalink=permalink)), WOO).normalized["slug"] == "7"
    assert only_product(list_of(woo_product(permalink=permalink, slug="neat")), WOO).normalized["slug"] == "neat"


@pytest.mark.parametrize(
    ("minor_unit", "price", "expected"),
    [(0, "1000", "1000"), (2, "29000", "290"), (2, "1", "0.01"), (3, "1500", "1.5"), (2, 49900, "499")],
)
def test_minor_units_are_taken_at_their_word(minor_unit: int, price: Any, expected: str) -> None:
    """A guess by size stored 290 rupees as 29000."""
    variant = only_variant(list_of(woo_product(prices=woo_prices(price, currency_minor_unit=minor_unit))), WOO)
    assert (variant.price, variant.price_from) == (Decimal(expected), "variant")


@pytest.mark.parametrize("minor_unit", [None, 7, -1, "2"])
def test_without_its_minor_unit_a_price_is_none(minor_unit: Any) -> None:
    product = only_product(list_of(woo_product(prices=woo_prices(currency_minor_unit=minor_unit))), WOO)
    assert product.variants[0].price is None
    assert "R_UNKNOWN_FIELD_TYPE" in product.codes


@pytest.mark.parametrize(
    ("price", "regular", "before", "is_ignored"),
    [
        ("14900", "30000", "300", False),
        ("14900", "14900", None, False),
        ("14900", "10000", None, True),
        ("14900", None, None, False),
        ("14900", "0", None, False),
        ("0", "30000", None, False),
    ],
)
def test_reductions(price: str, regular: str | None, before: str | None, is_ignored: bool) -> None:
    variant = only_variant(list_of(woo_product(prices=woo_prices(price, regular_price=regular))), WOO)
    assert variant.compare_at_price == (None if before is None else Decimal(before))
    assert ("W_COMPARE_AT_IGNORED" in variant.codes) is is_ignored


@pytest.mark.parametrize("prices", [None, woo_prices("0"), woo_prices(""), woo_prices(None)])
def test_no_price_is_no_stock(prices: dict[str, Any] | None) -> None:
    found = variants_of(woo_product(prices=prices), woo_product(id=8))["7"]
    assert (found.price, found.in_stock, found.price_from) == (None, False, "none")
    assert "W_PRICE_ZERO" in found.codes


def test_a_negative_price_sets_its_product_aside() -> None:
    found = derived(list_of(woo_product(prices=woo_prices("-5")), woo_product(id=8)), WOO)
    assert reasons(found) == ["Q_PRICE_NEGATIVE"]
    assert len(found.products) == 1


@pytest.mark.parametrize("currency", ["USD", None, "RUPEES"])
def test_another_currency_is_set_aside_by_variant(currency: str | None) -> None:
    foreign = woo_product(prices=woo_prices(currency_code=currency))
    found = derived(list_of(foreign, woo_product(id=8)), WOO)
    (rejected,) = found.rejected
    assert (rejected.reason, rejected.platform_product_id) == ("Q_CURRENCY_MISMATCH", "7")
    assert rejected.platform_variant_id == "7"
    assert [(p.platform_product_id, p.status, len(p.variants)) for p in found.products] == [
        ("7", "needs_review", 0),
        ("8", found.products[1].status, 1),
    ]
    assert "R_CURRENCY_MISMATCH" in found.products[0].codes
    assert found.captured_variants == len(found.products[1].variants) + len(found.rejected)


def test_one_price_for_all_variations_is_the_parent_s() -> None:
    found = variants_of(woo_variable(71, 72, prices=woo_prices("29000", regular_price="40000")))
    assert {(v.price, v.compare_at_price, v.price_from, v.in_stock) for v in found.values()} == {
        (Decimal(290), None, "parent_uniform", None)
    }
    assert all("W_PRICE_FROM_PARENT" in v.codes for v in found.values())
    assert found["71"].options == [{"name": "Grind Size", "value": "aero-press"}]


def test_variations_of_a_sold_out_parent_are_out_of_stock() -> None:
    assert {v.in_stock for v in variants_of(woo_variable(71, 72, is_in_stock=False)).values()} == {False}


def test_a_range_of_prices_is_no_price_of_a_variation() -> None:
    price_range = {"min_amount": "29000", "max_amount": "58000"}
    found = variants_of(woo_variable(71, prices=woo_prices("29000", price_range=price_range)))["71"]
    assert (found.price, found.price_from, found.in_stock) == (None, "none", None)
    assert "W_VARIATION_PRICE_MISSING" in found.codes
    assert "W_PRICE_ZERO" not in found.codes


def test_a_parent_at_zero_has_no_variation_in_stock() -> None:
    found = variants_of(woo_variable(71, prices=woo_prices("0")))["71"]
    assert (found.price, found.in_stock, found.price_from) == (None, False, "none")
    assert "W_PRICE_ZERO" in found.codes


def test_answers_for_variations_are_joined_by_id() -> None:
    price_range = {"min_amount": "29000", "max_amount": "58000"}
    parent = woo_variable(71, 72, prices=woo_prices("29000", price_range=price_range))
    answers = [
        woo_variation(72, prices=woo_prices("58000", regular_price="60000"), is_in_stock=False),
        woo_variation(71, prices=woo_prices("29000")),
    ]
    page, response = joined(parent, *answers)
    (product,) = page.products
    assert [(v.platform_variant_id, v.price, v.in_stock, v.price_from) for v in product.variants] == [
        ("71", Decimal(290), True, "variant"),
        ("72", Decimal(580), False, "variant"),
    ]
    assert product.variants[1].compare_at_price == Decimal(600)
    assert product.variants[1].sku == "SKU-72"
    assert product.variants[1].options == [{"name": "Grind Size", "value": "whole-beans"}]
    assert (list(response.products), response.captured_products, response.status) == ([], 0, "valid")


def test_a_variation_that_was_not_answered_has_no_price() -> None:
    """It is not visible, so the parent's price is not its own."""
    page, _ = joined(woo_variable(71, 72), woo_variation(71))
    found = {v.platform_variant_id: v for v in page.products[0].variants}
    assert (found["72"].price, found["72"].in_stock) == (None, None)
    assert "W_VARIATION_PRICE_MISSING" in found["72"].codes
    assert found["71"].price == Decimal(499)


def test_an_answer_for_a_variation_that_is_not_listed_counts() -> None:
    page, _ = joined(woo_variable(71), woo_variation(71), woo_variation(73))
    assert [v.platform_variant_id for v in page.products[0].variants] == ["71", "73"]


def test_older_shops_name_the_parent_only_in_the_address() -> None:
    page, _ = joined(woo_variable(71), woo_variation(71, parent=0))
    assert page.products[0].variants[0].price_from == "variant"


def test_answers_without_their_product_are_set_aside() -> None:
    page, response = joined(woo_product(id=8), woo_variation(71), woo_variation(72))
    assert len(page.products) == 1
    assert [(r.reason, r.platform_product_id) for r in response.rejected] == [("Q_SHAPE", "7")]
    assert (response.captured_products, response.status) == (1, "invalid")


def test_one_currency_of_several_variations_is_set_aside() -> None:
    page, _ = joined(woo_variable(71, 72), woo_variation(71), woo_variation(72, prices=woo_prices(currency_code="USD")))
    assert [v.platform_variant_id for v in page.products[0].variants] == ["71"]
    assert [(r.reason, r.platform_variant_id) for r in page.rejected] == [("Q_CURRENCY_MISMATCH", "72")]


@pytest.mark.parametrize(
    ("product", "reason"),
    [
        (woo_product(id=None), "Q_NO_PRODUCT_ID"),
        (woo_product(name="&nbsp;"), "Q_NO_TITLE"),
        (woo_variable(), "Q_NO_VARIANTS"),
        (woo_variable(71, variations=[{"attributes": []}]), "Q_SHAPE"),
        (woo_variable(71, variations=[3]), "Q_SHAPE"),
        (woo_product(prices=woo_prices(["1"])), "Q_PRICE_NOT_NUMBER"),
    ],
)
def test_a_product_without_what_it_needs_is_set_aside(product: dict[str, Any], reason: str) -> None:
    found = derived(list_of(woo_product(id=8), product, woo_product(id=9)), WOO)
    assert reasons(found)[0] == reason
    assert [p.platform_product_id for p in found.products] == ["8", "9"]


def test_a_variation_listed_twice_is_one() -> None:
    product = only_product(list_of(woo_variable(71, 71)), WOO)
    assert len(product.variants) == 1
    assert "W_DUPLICATE_VARIANT" in product.codes


def test_an_attribute_without_a_value_stands_for_any() -> None:
    parent = woo_variable(71, variations=[{"id": 71, "attributes": [{"name": "Grind Size", "value": None}]}])
    assert list(variants_of(parent)["71"].options) == []


def test_attributes_that_count_deliveries_are_a_subscription() -> None:
    attributes = [{"name": "Frequency Of Delivery", "value": "weekly"}]
    product = only_product(list_of(woo_variable(71, variations=[{"id": 71, "attributes": attributes}])), WOO)
    assert product.variants[0].subscription_available
    assert product.normalized["product_kind"] == "subscription"
