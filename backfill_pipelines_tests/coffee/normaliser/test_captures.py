"""The real captures: what the normaliser must find in them, counted."""

import json
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from backfill_pipelines.coffee.canonical import CanonicalProduct
from backfill_pipelines.coffee.classification import kind_of
from backfill_pipelines.coffee.normaliser import Normalised, normalise
from backfill_pipelines.coffee.products import Feed
from backfill_pipelines.coffee.shopify import shopify_product
from backfill_pipelines.coffee.woocommerce import woo_product

CAPTURES = Path(__file__).parents[4] / "shared/data/coffee"
pytestmark = pytest.mark.skipif(not CAPTURES.is_dir(), reason="the shared captures are not here")

FEED = Feed("https://shop.example", "INR")
Told = list[tuple[CanonicalProduct, Normalised]]


def told(name: str, canonical: Callable[[Any, int, Feed], CanonicalProduct]) -> Told:
    loaded = json.loads((CAPTURES / name).read_text("utf-8"))
    raw = loaded["products"] if isinstance(loaded, dict) else loaded
    return [
        (product, normalise(product)) for n, item in enumerate(raw) for product in [kinded(canonical(item, n, FEED))]
    ]


def kinded(product: CanonicalProduct) -> CanonicalProduct:
    options = tuple(dict.fromkeys(option for variant in product.variants for option in variant.options))
    return replace(product, kind=kind_of(product.name, product.types, product.tags, options))


@pytest.fixture(scope="module")
def first() -> Told:
    return told("raw/bluetokaicoffee-shopify.json", shopify_product)


@pytest.fixture(scope="module")
def second() -> Told:
    return told("captures/blue-tokai-coffee-shopify.json", shopify_product)


@pytest.fixture(scope="module")
def woo() -> Told:
    return told("raw/bababeans-woocommerce.json", woo_product)


def coffees(capture: Told) -> Told:
    return [(product, read) for product, read in capture if read.fields["is_coffee"]]


def both(first: Told, second: Told) -> Told:
    """The coffees of the state after both captures."""
    return coffees(list({product.platform_product_id: (product, read) for product, read in (*first, *second)}.values()))


def weights(capture: Told) -> dict[int | None, int]:
    return dict(Counter(variant.weight_g for _, read in coffees(capture) for variant in read.variants))


def codes(capture: Told) -> dict[str, int]:
    return dict(Counter(code for _, read in capture for variant in read.variants for code in variant.codes))


def shipped_otherwise(capture: Told) -> int:
    """Coffee variants of one pack whose own weight is not the one that the shop ships."""
    return sum(
        read.pack_count == 1 and read.weight_g not in (None, variant.shipping_grams)
        for product, normalised in coffees(capture)
        for variant, read in zip(product.variants, normalised.variants, strict=True)
    )


def count(capture: Iterable[tuple[CanonicalProduct, Normalised]], column: str) -> dict[str | None, int]:
    return dict(Counter(read.fields[column] for _, read in capture))


def grinds(capture: Told) -> dict[str | None, int]:
    return dict(Counter(variant.grind for _, read in capture for variant in read.variants))


def test_weights_of_the_coffees(first: Told, second: Told, woo: Told) -> None:
    assert weights(first) == {250: 91, 500: 91, 1000: 91, 200: 2, 75: 1, 100: 1}
    assert weights(second) == {250: 269, 1000: 267, 500: 264, 75: 40, 225: 39, 100: 15, 200: 2, 130: 1, None: 30}
    assert weights(woo) == {None: 24}


def test_shipping_weights_stand_in_only_where_no_text_names_one(first: Told, second: Told) -> None:
    assert codes(first) == {"W_PACK_IN_TITLE": 1}
    assert codes(second) == {"W_WEIGHT_FROM_SHIPPING": 42}
    assert (shipped_otherwise(first), shipped_otherwise(second)) == (69, 141)


def test_grinds(second: Told, woo: Told) -> None:
    others = ("coffee filter", "cold brew", "commercial espresso", "home espresso", "inverted aeropress", "moka pot")
    assert grinds(second) == {
        "whole": 71,
        "aeropress": 70,
        "channi": 70,
        "french press": 70,
        None: 59,
        **dict.fromkeys((*others, "pour over", "south indian filter", "turkish"), 67),
    }
    of_woo = ("aeropress", "cold brew", "espresso", "french press", "moka pot", "syphon", "whole")
    assert grinds(woo) == {**dict.fromkeys(of_woo, 129), None: 4}


def test_roasts(first: Told, second: Told, woo: Told) -> None:
    assert count(both(first, second), "roast_level") == {
        "medium_dark": 14,
        "medium": 11,
        "light": 9,
        "dark": 7,
        None: 13,
    }
    assert count(coffees(woo), "roast_level") == {"dark": 2, "light": 1, "light_medium": 1, None: 2}


def test_a_roast_that_is_a_name_is_read_from_the_tag_and_a_range_is_none(second: Told) -> None:
    named = {(product.name, product.kind): (read.fields["roast_level"], read.codes) for product, read in second}
    assert named["Vienna Roast", "beans"] == ("dark", ())
    assert named["Vienna Roast", "capsule"] == ("medium_dark", ())
    assert named["Mixed | Light to Dark Roasts - Easy Pour", "single_serve"] == (None, ("W_ROAST_RANGE",))


def test_processes(first: Told, second: Told, woo: Told) -> None:
    assert count(both(first, second), "process") == {
        "washed": 12,
        "natural": 7,
        "monsooned": 2,
        "carbonic_maceration": 1,
        "pulped_natural": 1,
        "experimental": 1,
        None: 30,
    }
    assert count(coffees(woo), "process") == {None: 6}


def test_labels_of_a_description(woo: Told) -> None:
    columns = ("bean_species", "region", "country", "altitude_min_m", "altitude_max_m")
    named = {product.name: tuple(read.fields[column] for column in columns) for product, read in coffees(woo)}
    assert named["Hustler"] == ("blend", "Coorg", "IN", 853, 1097)
    assert named["Jampui Hills"] == ("arabica", "Tripura", "IN", 930, 1006)
    assert named["ARAKU VALLEY"] == ("arabica", "Araku Valley", "IN", 792, 908)
    assert named["ROBUSTA KAAPI ROYALE"] == ("robusta", "Manjarabad", "IN", None, None)
    assert named["SOUTH INDIAN FILTER COFFEE"] == ("filter_coffee_mix", None, None, None, None)


def test_every_estate_of_a_title_is_placed(second: Told) -> None:
    placed = {product.name: read.fields["region"] for product, read in coffees(second)}
    assert placed["Baarbara Estate"] == "Chikmagalur"
    assert placed["Monsoon Malabar AA- Hoysala Estate"] == "Chikmagalur"
    assert placed["Araku Valley - Gosthani FPO"] == "Araku Valley"
    assert placed["Jacaranda Blend | Medium Dark Roast - Easy Pour"] is None


def test_a_number_with_a_unit_of_weight_always_gives_a_weight(first: Told, second: Told) -> None:
    missing = [
        (product.name, variant.title)
        for product, read in (*coffees(first), *coffees(second))
        for variant, normalised in zip(product.variants, read.variants, strict=True)
        if normalised.weight_g is None and "Pack of" not in (variant.title or "")
    ]
    assert missing == []
