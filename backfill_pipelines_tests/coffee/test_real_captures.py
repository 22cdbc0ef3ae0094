"""Both real shops, as their captures lie beside the project: the acceptance numbers that need no database."""

from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache

import pytest

from backfill_pipelines.coffee.model import Derived, ProductObservation, VariantObservation
from backfill_pipelines_tests.coffee.feeds import DATA, SHOPIFY, WOO, derived, needs_real_captures

pytestmark = needs_real_captures

TIMES = {
    "A": datetime(2025, 9, 17, 19, 3, 11, tzinfo=UTC),
    "B": datetime(2025, 9, 21, 5, 34, 4, tzinfo=UTC),
    "W": datetime(2025, 9, 20, tzinfo=UTC),
}
FILES = {
    "A": "raw/bluetokaicoffee-shopify.json",
    "B": "captures/blue-tokai-coffee-shopify.json",
    "W": "raw/bababeans-woocommerce.json",
}


@cache
def real(name: str) -> Derived:
    manner = "manifest" if name == "W" else "payload_max_updated_at"
    body = (DATA / FILES[name]).read_bytes()
    return derived(body, WOO if name == "W" else SHOPIFY, observed_at=TIMES[name], observed_at_source=manner)


def variants_of(name: str) -> list[VariantObservation]:
    return [variant for product in real(name).products for variant in product.variants]


def by_title(name: str) -> dict[str, ProductObservation]:
    return {product.normalized["name"]: product for product in real(name).products}


@pytest.mark.parametrize(
    ("name", "products", "variants", "status"),
    [("A", 30, 333, "valid_with_warnings"), ("B", 65, 943, "needs_review"), ("W", 10, 907, "needs_review")],
)
def test_every_product_and_variant_is_observed(name: str, products: int, variants: int, status: str) -> None:
    found = real(name)
    assert (len(found.products), len(variants_of(name))) == (products, variants)
    assert (found.captured_products, found.captured_variants) == (products, variants)
    assert found.rejected == []
    assert found.status == status


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("A", {"beans": 11, "gift": 12, "event": 3, "subscription": 3, "equipment": 1}),
        ("B", {"beans": 41, "single_serve": 8, "capsule": 4, "bundle": 5, "rtd": 4, "equipment": 2, None: 1}),
        ("W", {"beans": 6, "subscription": 3, None: 1}),
    ],
)
def test_kinds(name: str, kinds: dict[str | None, int]) -> None:
    assert Counter(product.normalized["product_kind"] for product in real(name).products) == kinds


@pytest.mark.parametrize(
    ("name", "products", "variants"),
    [
        ("A", {True: 11, False: 19}, {True: 277, False: 56}),
        ("B", {True: 53, False: 11, None: 1}, {True: 927, False: 15, None: 1}),
        ("W", {True: 6, False: 3, None: 1}, {True: 24, False: 882, None: 1}),
    ],
)
def test_what_is_coffee(name: str, products: dict[bool | None, int], variants: dict[bool | None, int]) -> None:
    found = real(name).products
    assert Counter(product.normalized["is_coffee"] for product in found) == products
    assert Counter(product.normalized["is_coffee"] for product in found for _ in product.variants) == variants


def test_the_undecided_of_both_shops_are_named() -> None:
    undecided = {
        product.normalized["name"]
        for name in ("A", "B", "W")
        for product in real(name).products
        if "R_CLASSIFY_UNDECIDED" in product.codes
    }
    assert undecided == {"All Products", "Neat"}


@pytest.mark.parametrize(
    ("name", "origins", "total"),
    [
        ("A", {"variant": 333}, "932109.50"),
        ("B", {"variant": 886, "none": 57}, "1214603.00"),
        ("W", {"variant": 2, "parent_uniform": 903, "none": 2}, "4476798.00"),
    ],
)
def test_price_rows_and_their_sum(name: str, origins: dict[str, int], total: str) -> None:
    variants = variants_of(name)
    assert Counter(variant.price_from for variant in variants) == origins
    assert sum((v.price for v in variants if v.price is not None), Decimal(0)) == Decimal(total)


@pytest.mark.parametrize(
    ("name", "reduced", "stock"),
    [
        ("A", 36, {True: 249, False: 84}),
        ("B", 16, {True: 794, False: 149}),
        ("W", 1, {True: 2, False: 9, None: 896}),
    ],
)
def test_reductions_and_stock(name: str, reduced: int, stock: dict[bool | None, int]) -> None:
    variants = variants_of(name)
    assert sum(variant.compare_at_price is not None for variant in variants) == reduced
    assert Counter(variant.in_stock for variant in variants) == stock


def test_ignored_prices_before_a_reduction_are_counted() -> None:
    """Seven zeros in A, four that equal the price in B."""
    ignored = {name: sum("W_COMPARE_AT_IGNORED" in v.codes for v in variants_of(name)) for name in ("A", "B")}
    assert ignored == {"A": 7, "B": 4}


def test_zero_prices_are_placeholders_also_where_the_feed_says_available() -> None:
    zero = [product for product in real("B").products if any(v.price is None for v in product.variants)]
    assert len(zero) == 9
    assert all(v.in_stock is False and "W_PRICE_ZERO" in v.codes for p in zero for v in p.variants)


def test_common_products_of_both_captures_differ_in_nothing_that_lasts() -> None:
    first = {product.platform_product_id: product for product in real("A").products}
    later = {product.platform_product_id: product for product in real("B").products}
    common = sorted(first.keys() & later.keys())
    assert len(common) == 10
    assert sum(len(later[key].variants) for key in common) == 276
    for key in common:
        assert first[key].product_hash == later[key].product_hash
        assert first[key].raw_payload_hash != later[key].raw_payload_hash
        assert first[key].content_hash == later[key].content_hash
        assert first[key].price_hash == later[key].price_hash
        assert first[key].variants == later[key].variants


@pytest.mark.parametrize(
    ("title", "price", "variants", "in_stock"),
    [
        ("Neat", "499.00", 1, True),
        ("SOUTH INDIAN FILTER COFFEE", "149.00", 1, True),
        ("Hustler", "290.00", 7, False),
        ("ARAKU VALLEY", "380.00", 7, None),
        ("ROBUSTA KAAPI ROYALE", "380.00", 7, None),
        ("SUBSCRIPTION – 24 DELIVERIES", "8880.00", 294, None),
        ("SUBSCRIPTION – 12 DELIVERIES", "4100.00", 294, None),
        ("SUBSCRIPTION – 6 DELIVERIES", "2220.00", 294, None),
    ],
)
def test_woo_rupees(title: str, price: str, variants: int, in_stock: bool | None) -> None:
    found = by_title("W")[title].variants
    assert len(found) == variants
    assert {(v.price, v.currency, v.in_stock) for v in found} == {(Decimal(price), "INR", in_stock)}


@pytest.mark.parametrize("title", ["Jampui Hills", "Roasters Booster"])
def test_woo_products_at_zero_have_no_price_and_no_stock(title: str) -> None:
    (variant,) = by_title("W")[title].variants
    assert (variant.price, variant.in_stock, variant.codes) == (None, False, ("W_PRICE_ZERO",))


def test_the_one_woo_reduction() -> None:
    (variant,) = by_title("W")["SOUTH INDIAN FILTER COFFEE"].variants
    assert variant.compare_at_price == Decimal(300)


def test_woo_subscriptions_are_deliveries() -> None:
    assert sum(variant.subscription_available for variant in variants_of("W")) == 882
    assert sum(variant.subscription_available for variant in variants_of("A")) == 36


def test_statuses_of_products() -> None:
    assert Counter(p.status for p in real("W").products)["needs_review"] == 1
    assert Counter(p.status for p in real("B").products)["needs_review"] == 1
    assert "invalid" not in {p.status for name in ("A", "B", "W") for p in real(name).products}


def test_a_time_that_was_estimated_is_said_so() -> None:
    assert [finding["code"] for finding in real("A").errors] == ["W_OBSERVED_AT_ESTIMATED"]
    assert list(real("W").errors) == []


@pytest.mark.parametrize(
    "name",
    [
        "invalid_None_20250921_220150.json",
        "invalid_shopify_unknown_unknown_20250921_210844.json",
        "invalid_test-artifact-2_20250921_210844.json",
        "invalid_unknown_unknown_unknown_20250921_221508.json",
        "unknown_unknown_20250922_210807_failed.json",
        "unknown_unknown_20250922_210807_metadata.json",
    ],
)
def test_failure_files_are_no_catalogues(name: str) -> None:
    """Their wrappers are the importer's to open; taken for a body, none gives a product."""
    found = derived((DATA / "failures" / name).read_bytes())
    assert (list(found.products), found.status) == ([], "invalid")
    assert [rejected.reason for rejected in found.rejected] == ["Q_SHAPE"]
