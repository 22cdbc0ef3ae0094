"""The four hashes: what changes them and what does not."""

import hashlib
import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backfill_pipelines.coffee.hashes import canonical_json, content_hash, lasting_part, payload_hashes, price_hash
from backfill_pipelines_tests.coffee.feeds import only_product, page_of, shopify_product, shopify_variant

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["updated_at", "body_html", "a", "é", "z"]), inner, max_size=4)
    ),
    max_leaves=12,
)


def plain(value: Any) -> bytes:
    """The reference: sorted keys, UTF-8, no spaces."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


@given(JSON)
def test_canonical_json_is_json_with_sorted_keys_and_no_spaces(value: Any) -> None:
    assert canonical_json(value) == plain(value)


@pytest.mark.parametrize("amount", [450.0, 450.5, 0.1, 1e-4, 123456789.125, -2.5, 9999999999999998.0])
def test_amounts_have_the_same_bytes_as_well(amount: float) -> None:
    assert canonical_json([amount]) == plain([amount])


def test_integers_beyond_64_bits_are_written_in_full() -> None:
    assert canonical_json({"id": 2**80}) == plain({"id": 2**80})


def test_half_of_a_surrogate_pair_has_no_bytes() -> None:
    with pytest.raises(UnicodeEncodeError):
        canonical_json({"title": "\ud83d"})


@given(st.dictionaries(st.sampled_from(["updated_at", "body_html", "a", "variants"]), JSON, max_size=4))
def test_the_lasting_hash_is_of_the_product_without_what_changes_by_itself(raw: dict[str, Any]) -> None:
    """The bytes are cut and not written again; it must be the same as if they were."""
    if isinstance(raw.get("body_html"), str):
        raw["body_html"] = "plain"
    received, lasting = payload_hashes(raw)
    assert received == hashlib.sha256(plain(raw)).hexdigest()
    assert lasting == hashlib.sha256(plain(lasting_part(raw))).hexdigest()


def test_the_lasting_hash_forgets_times_at_any_depth_and_markup() -> None:
    first = shopify_product(shopify_variant(updated_at="1"), body_html="<p>Sweet&nbsp;cup</p>", updated_at="1")
    later = shopify_product(
        shopify_variant(updated_at="2"), body_html="<div>Sweet cup</div>\n<!-- 2 -->", updated_at="2"
    )
    assert payload_hashes(first)[0] != payload_hashes(later)[0]
    assert payload_hashes(first)[1] == payload_hashes(later)[1]


@pytest.mark.parametrize(
    "text", ['quoted ,"updated_at":"x" here', '\\",\\"updated_at\\":\\"x\\"', "ends with \\", '"body_html":"<p>"']
)
def test_texts_that_look_like_keys_are_texts(text: str) -> None:
    hashes = {payload_hashes(shopify_product(body_html="<p>x</p>", note=note))[1] for note in (text, text + "!", "")}
    assert len(hashes) == 3


@pytest.mark.parametrize(
    "change", [{"title": "Other"}, {"tags": []}, {"body_html": "<p>Other</p>"}, {"body_html": None}, {"new": None}]
)
def test_the_lasting_hash_sees_everything_else(change: dict[str, Any]) -> None:
    assert payload_hashes(shopify_product(**change))[1] != payload_hashes(shopify_product())[1]


def test_the_order_of_keys_is_no_difference() -> None:
    product = shopify_product()
    assert payload_hashes(product) == payload_hashes(dict(reversed(product.items())))


def test_a_new_normaliser_is_another_content() -> None:
    assert content_hash({"a": 1}, "1.0.0") != content_hash({"a": 1}, "1.0.1")


def test_prices_and_stock_are_no_content() -> None:
    first = only_product(page_of(shopify_product()))
    later = only_product(page_of(shopify_product(shopify_variant(price="500.00", available=False))))
    assert first.content_hash == later.content_hash
    assert first.price_hash != later.price_hash


def test_a_title_is_content_and_no_price() -> None:
    first = only_product(page_of(shopify_product()))
    later = only_product(page_of(shopify_product(title="Attikan Estate Reserve")))
    assert first.content_hash != later.content_hash
    assert first.price_hash == later.price_hash


@pytest.mark.parametrize(
    ("change", "differs"),
    [
        ({"price": "450.0"}, False),
        ({"price": 450}, False),
        ({"sku": "X"}, False),
        ({"price": "450.01"}, True),
        ({"compare_at_price": "500"}, True),
        ({"available": False}, True),
        ({"available": None}, True),
        ({"id": 12}, True),
    ],
)
def test_what_a_product_costs(change: dict[str, Any], differs: bool) -> None:
    first = only_product(page_of(shopify_product()))
    later = only_product(page_of(shopify_product(shopify_variant(**change))))
    assert (first.price_hash != later.price_hash) is differs


def test_the_order_of_variants_is_no_other_price() -> None:
    one, two = shopify_variant(), shopify_variant(id=12, price="900.00")
    variants = only_product(page_of(shopify_product(one, two))).variants
    assert variants[1].price == Decimal(900)
    assert price_hash(variants) == price_hash(reversed(variants))
