"""What a product is: every rule decides, the first one wins, and some words decide nothing."""

from dataclasses import replace

import pytest

from backfill_pipelines.coffee.classification import deciding_rule, given_kind
from backfill_pipelines.coffee.kinds import is_coffee
from backfill_pipelines_tests.coffee.feeds import (
    SHOPIFY,
    WOO,
    list_of,
    only_product,
    page_of,
    shopify_product,
    woo_product,
)

GRIND = (("Size", "250g"), ("Grind", "Whole Bean"))


def rule(
    title: str = "x",
    kind: str = "",
    options: tuple[tuple[str, str], ...] = (),
    tags: tuple[str, ...] = (),
) -> str:
    found = deciding_rule(title, (kind,) if kind else (), tags, options)
    return "C14" if found is None else found[0]


@pytest.mark.parametrize(
    ("title", "kind", "options", "expected"),
    [
        ("Attikan Subscription", "", GRIND, "C1"),
        ("x", "Subscriptions", (), "C1"),
        ("x", "", (("Installments", "3"),), "C1"),
        ("x", "", (("Frequency Of Delivery", "weekly"),), "C1"),
        ("x", "", (("Deliveries", "3"),), "C1"),
        ("Bakula Gift Hamper", "Gifting", (), "C2"),
        ("Coffee Hampers", "", GRIND, "C2"),
        ("A Peek | Roastery Tour", "", (), "C3"),
        ("x", "Training", (("City", "Pune"),), "C3"),
        ("Matcha Workshop", "", (), "C3"),
        ("Brewing Masterclass", "", (), "C3"),
        ("Dhak Blend 250g + Channi", "", GRIND, "C4"),
        ("x", "Coffee+Channi", (), "C4"),
        ("French Press 600 ml", "Manual Brewing", (), "C5"),
        ("Nilgiri Tumbler", "Accessory", (), "C5"),
        ("x", "Accessories", (), "C5"),
        ("x", "Brewing", (), "C5"),
        ("Strong coffee for your French Press", "", GRIND, "C9"),
        ("Attikan Estate", "Capsules", (("Pack", "Pack of 10"),), "C6"),
        ("Single Serve Coffee Sachet", "", (("Size", "100g"),), "C7"),
        ("Vienna | Dark Roast - Easy Pour", "", (), "C7"),
        ("Drip Bags", "", (), "C7"),
        ("Instant Coffee", "", (), "C7"),
        ("Orange Mint", "Can Cold Brew", (), "C8"),
        ("Orange Mint", "", (("Quantity", "Pack of 2 Cans"),), "C8"),
        ("Cold Latte", "", (("Size", "200 ml"),), "C8"),
        ("Cold Latte", "", (("Size", "200ml"),), "C8"),
        ("Latte, ready-to-drink", "", (), "C8"),
        ("Araku Valley - Vanmaya FPO", "", GRIND, "C9"),
        ("x", "", (("Select Grind Size", "Moka"),), "C9"),
        ("Nano", "SINGLE ESTATE COFFEES", (), "C10"),
        ("Nano", "House Blends", (), "C10"),
        ("Gowri Estate", "", (), "C12"),
        ("Raxidi Peaberries", "", (), "C12"),
        ("Geisha", "", (), "C12"),
        ("Monsooned AA", "", (), "C12"),
        ("Climate Resilient Coffees", "", (("Size", "130g"),), "C13"),
        ("Wine Barrel Coffee 250 gms", "", (), "C13"),
        ("Wine Barrel Coffee", "", (), "C14"),
        ("All Products", "", (), "C14"),
    ],
)
def test_rules(title: str, kind: str, options: tuple[tuple[str, str], ...], expected: str) -> None:
    assert rule(title, kind, options) == expected


@pytest.mark.parametrize("tag", ["light-roast", "Medium Dark Roast", "medium_dark_roast", "dark roast", "French-Roast"])
def test_a_tag_that_is_a_whole_roast_level_is_of_beans(tag: str) -> None:
    assert rule(tags=("TAX_5", tag)) == "C11"


@pytest.mark.parametrize("tag", ["Roasted Coffee", "Roastery", "light", "SubscriptionCoffee", "Subscription", "Gift"])
def test_other_tags_decide_nothing(tag: str) -> None:
    """A real single estate carries the tag "Subscription"."""
    assert rule(tags=(tag,)) == "C14"


@pytest.mark.parametrize("word", ["Cold brew", "Filter", "Set", "Pack of 3", "Box", "Neat", "Candle", "Bottled"])
def test_some_words_alone_decide_nothing(word: str) -> None:
    assert rule(word, word) == "C14"


def test_a_mug_is_no_coffee_because_of_its_vendor() -> None:
    product = only_product(
        page_of(shopify_product(title="Thing", product_type="", tags=[], vendor="Coffee Beans", options=[]))
    )
    assert product.normalized["product_kind"] is None
    assert product.normalized["is_coffee"] is None
    assert "R_CLASSIFY_UNDECIDED" in product.codes
    assert product.status == "needs_review"


def test_texts_are_compared_in_one_spelling() -> None:
    assert rule("ＧＩＦＴ Set") == "C2"
    assert rule("Coffee &amp; Gift") == "C2"


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("beans", True), ("capsule", True), ("single_serve", True), ("rtd", False), ("gift", False), (None, None)],
)
def test_what_is_coffee(kind: str | None, expected: bool | None) -> None:
    assert is_coffee(kind) is expected


OVERRIDES = {"product_type": {"Single Estate  COFFEE": "rtd"}, "product_id": {"1": "equipment"}}


@pytest.mark.parametrize(
    ("product_id", "types", "expected"),
    [
        ("1", ("single estate coffee",), "equipment"),
        ("2", ("single estate coffee",), "rtd"),
        ("2", ("Other", "Single Estate Coffee"), "rtd"),
        ("2", ("Other",), None),
        ("2", (), None),
    ],
)
def test_a_kind_given_by_hand_comes_first(product_id: str, types: tuple[str, ...], expected: str | None) -> None:
    assert given_kind(product_id, types, OVERRIDES) == expected


def test_overrides_are_the_source_s_own_and_not_remembered_across_sources() -> None:
    ours = replace(SHOPIFY, kind_overrides=OVERRIDES)
    body = page_of(shopify_product())
    assert only_product(body, ours).normalized["product_kind"] == "equipment"
    assert only_product(body).normalized["product_kind"] == "beans"
    assert only_product(body, ours).normalized["is_coffee"] is False


def test_a_category_given_by_hand_settles_the_undecided() -> None:
    neat = list_of(woo_product(name="Neat"))
    assert only_product(neat, WOO).normalized["product_kind"] is None
    ours = replace(WOO, kind_overrides={"product_type": {"cold brew": "beans"}})
    product = only_product(neat, ours)
    assert product.normalized["product_kind"] == "beans"
    assert "R_CLASSIFY_UNDECIDED" not in product.codes
