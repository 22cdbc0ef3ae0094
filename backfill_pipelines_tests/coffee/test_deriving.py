"""From bodies to observations: checks of a body, duplicates over pages, statuses, and that nothing is ever lost."""

import copy
import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backfill_pipelines.coffee.codes import artifact_status, status_of, worst
from backfill_pipelines.coffee.deriving import derive, derive_capture
from backfill_pipelines.coffee.model import Derived, Source
from backfill_pipelines_tests.coffee.feeds import (
    NOON,
    SHOPIFY,
    WOO,
    artifact,
    capture_of,
    derived,
    list_of,
    only_product,
    page_of,
    reasons,
    shopify_product,
    shopify_variant,
    woo_product,
    woo_variable,
    woo_variation,
)

PAGE = page_of(shopify_product())


def pages_of(*bodies: bytes) -> list[Derived]:
    return list(derive_capture([(capture_of(body, page=n), body) for n, body in enumerate(bodies, 1)], SHOPIFY))


def code_of(found: Derived) -> str:
    """Of a body that says nothing: the same code in its status, its errors and its quarantine row."""
    (finding,), (rejected,) = found.errors, found.rejected
    assert (list(found.products), found.status, found.captured_products, found.captured_variants) == (
        [],
        "invalid",
        0,
        0,
    )
    assert (rejected.platform_product_id, rejected.platform_variant_id) == ("", "")
    assert rejected.reason == f"Q_{finding['code'][2:]}"
    assert finding["why"]
    return finding["code"]


@pytest.mark.parametrize(
    ("body", "changes", "code"),
    [
        (b"{}", {}, "E_SHAPE"),
        (PAGE[:-2], {}, "E_TRUNCATED_JSON"),
        (b'{"products":["\xe9"]}', {}, "E_ENCODING"),
        (PAGE, {"body_sha256": "0" * 64}, "E_HASH_MISMATCH"),
        (PAGE, {"body_len": 3}, "E_HASH_MISMATCH"),
        (PAGE, {"http_status": 429}, "E_HTTP_STATUS"),
        (PAGE, {"http_status": 503}, "E_HTTP_STATUS"),
        (PAGE, {"http_status": 304}, "E_HTTP_STATUS"),
    ],
)
def test_a_body_that_says_nothing(body: bytes, changes: dict[str, Any], code: str) -> None:
    assert code_of(derived(body, **changes)) == code


@pytest.mark.parametrize(
    "changes", [{"http_status": None}, {"http_status": 206}, {"http_status": 304, "completeness": "not_modified"}]
)
def test_answers_without_or_with_a_good_status_are_read(changes: dict[str, Any]) -> None:
    assert len(derived(PAGE, **changes).products) == 1


def test_a_time_before_the_source_began() -> None:
    young = replace(SHOPIFY, active_from=date(2025, 9, 21))
    assert code_of(derived(PAGE, young)) == "E_OBSERVED_AT_BEFORE_SOURCE"
    assert len(derived(PAGE, young, observed_at=datetime(2025, 9, 21, tzinfo=UTC)).products) == 1


@pytest.mark.parametrize(("ahead", "is_refused"), [(timedelta(minutes=5), False), (timedelta(minutes=6), True)])
def test_a_time_in_the_future_is_refused_on_arrival(ahead: timedelta, is_refused: bool) -> None:
    found = derive(PAGE, capture_of(PAGE), SHOPIFY, now=NOON - ahead)
    assert bool(found.rejected) is is_refused
    if is_refused:
        assert code_of(found) == "E_OBSERVED_AT_FUTURE"


def test_an_estimated_time_is_a_warning_of_the_artifact() -> None:
    found = derived(page_of(), observed_at_source="payload_max_updated_at")
    assert [finding["code"] for finding in found.errors] == ["W_OBSERVED_AT_ESTIMATED"]
    assert found.status == "valid_with_warnings"


def test_an_empty_catalogue_is_read_as_such() -> None:
    """That it is no coverage is a gate's to say."""
    found = derived(page_of())
    assert (list(found.products), list(found.rejected), found.status, found.captured_products) == ([], [], "valid", 0)


@pytest.mark.parametrize(
    ("codes", "status"),
    [
        ((), "valid"),
        (("W_PRICE_ZERO",), "valid_with_warnings"),
        (("W_PRICE_ZERO", "R_PRICE_SPIKE"), "needs_review"),
        (("R_PRICE_SPIKE", "E_SHAPE", "W_PRICE_ZERO"), "invalid"),
    ],
)
def test_the_worst_code_decides(codes: tuple[str, ...], status: str) -> None:
    assert status_of(codes) == status


def test_the_worst_status() -> None:
    assert worst(["valid", "needs_review", "valid_with_warnings"]) == "needs_review"
    assert worst([]) == "valid"


@pytest.mark.parametrize(
    ("bad", "good", "status"), [(0, 2, "valid"), (1, 1, "needs_review"), (2, 1, "invalid"), (1, 0, "invalid")]
)
def test_a_body_is_invalid_when_most_of_its_products_are(bad: int, good: int, status: str) -> None:
    assert artifact_status(["invalid"] * bad + ["valid"] * good, ()) == status  # type: ignore[list-item]


def test_a_product_on_two_pages_counts_on_the_last() -> None:
    first = page_of(shopify_product(), shopify_product(id=2))
    again = shopify_product(shopify_variant(price="500.00"))
    one, two = pages_of(first, page_of(again, shopify_product(id=3)))
    assert [product.platform_product_id for product in one.products] == ["2"]
    assert [product.platform_product_id for product in two.products] == ["1", "3"]
    assert two.products[0].variants[0].price == Decimal(500)
    assert "W_DUPLICATE_PRODUCT" in two.products[0].codes
    assert (one.captured_products, two.captured_products) == (1, 2)


def test_a_second_pass_that_differs_only_in_times_is_no_finding() -> None:
    """A real export had every product twice, copies that differed in updated_at alone."""
    passes = [shopify_product(id=n % 2 + 1, updated_at=str(n)) for n in range(4)]
    found = derived(page_of(*passes))
    assert [(p.platform_product_id, p.product_index) for p in found.products] == [("1", 2), ("2", 3)]
    assert not any("W_DUPLICATE_PRODUCT" in product.codes for product in found.products)
    assert found.captured_products == 2


def test_an_id_is_the_same_as_a_number_and_as_a_text() -> None:
    assert len(derived(page_of(shopify_product(id=5), shopify_product(id="5"))).products) == 1


def test_a_bad_page_leaves_its_siblings() -> None:
    one, two = pages_of(PAGE, PAGE[:-1])
    assert len(one.products) == 1
    assert code_of(two) == "E_TRUNCATED_JSON"


def test_the_same_body_gives_the_same_observations_whatever_was_read_before() -> None:
    cheap, dear = PAGE, page_of(shopify_product(shopify_variant(price="900.00"), updated_at="later"))
    first = derived(cheap)
    derived(dear)
    derived(page_of(shopify_product(updated_at="later", extra={"updated_at": 1})))
    assert derived(cheap) == first


def test_what_is_remembered_of_a_product_is_not_its_place_nor_what_was_received() -> None:
    first = only_product(page_of(shopify_product(updated_at="1")))
    later = derived(page_of(shopify_product(id=2), shopify_product(updated_at="2"))).products[1]
    assert (first.product_index, later.product_index) == (0, 1)
    assert first.raw_payload_hash != later.raw_payload_hash
    assert replace(later, product_index=0, raw_payload_hash=first.raw_payload_hash) == first


def test_an_unchanged_product_has_the_currency_of_its_own_time() -> None:
    moved = replace(SHOPIFY, currency_history=((NOON, "USD"),))
    earlier = only_product(PAGE, moved, observed_at=NOON - timedelta(days=1))
    assert [earlier.variants[0].currency, only_product(PAGE, moved).variants[0].currency] == ["USD", "INR"]


def test_two_roasters_may_sell_the_same_product() -> None:
    other = replace(SHOPIFY, base_url="https://other.example")
    assert only_product(PAGE).normalized["direct_buy_url"] == "https://shop.example/products/attikan-estate"
    assert only_product(PAGE, other).normalized["direct_buy_url"] == "https://other.example/products/attikan-estate"


def test_every_code_of_a_product_and_its_variants_is_at_the_product() -> None:
    product = only_product(page_of(shopify_product(shopify_variant(), shopify_variant(id=12, price="0"))))
    assert "W_PRICE_ZERO" in product.codes
    assert list(product.codes) == sorted(set(product.codes))


ODD = st.sampled_from([None, True, 0, -1, 2**70, 1.5, "", "x", "-3", "NaN", [], ["a"], [None], {}, {"a": []}])


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place of a JSON value that something else could be put into."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for step, item in inner for place in ((*path, step), *places(item, (*path, step)))]


def with_odd_values(product: dict[str, Any], odd: list[tuple[int, Any]]) -> dict[str, Any]:
    changed = copy.deepcopy(product)
    for nth, value in odd:
        if found := places(changed):
            *path, last = found[nth % len(found)]
            target: Any = changed
            for step in path:
                target = target[step]
            target[last] = copy.deepcopy(value)
    return changed


def is_accounted_for(found: Derived) -> bool:
    products = {p.platform_product_id for p in found.products}
    aside = {r.platform_product_id for r in found.rejected if r.platform_product_id and not r.platform_variant_id}
    variants = sum(len(p.variants) for p in found.products) + sum(r.detail.get("variants", 0) for r in found.rejected)
    return len(products) + len(aside) == found.captured_products and variants == found.captured_variants


@pytest.mark.parametrize(
    ("source", "product", "body_of"),
    [
        (SHOPIFY, shopify_product(shopify_variant(), shopify_variant(id=12)), page_of),
        (WOO, woo_product(), list_of),
        (WOO, woo_variable(71, 72), list_of),
    ],
    ids=["shopify", "woo simple", "woo variable"],
)
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(odd=st.lists(st.tuples(st.integers(0, 200), ODD), min_size=1, max_size=4))
def test_whatever_a_feed_becomes_no_page_fails_and_nothing_is_lost(
    source: Source, product: dict[str, Any], body_of: Any, odd: list[tuple[int, Any]]
) -> None:
    good = {**product, "id": 1000}
    found = derived(body_of(good, with_odd_values(product, odd)), source)
    assert "1000" in {p.platform_product_id for p in found.products}
    assert is_accounted_for(found)
    assert all(v.price is None or v.price > 0 for p in found.products for v in p.variants)
    json.dumps([p.normalized for p in found.products], allow_nan=False)


@settings(max_examples=120, deadline=None)
@given(odd=st.lists(st.tuples(st.integers(0, 200), ODD), min_size=1, max_size=4))
def test_whatever_an_answer_for_variations_becomes_its_product_is_there(odd: list[tuple[int, Any]]) -> None:
    page = list_of(woo_variable(71, 72), woo_product(id=1000))
    answers = list_of(*(with_odd_values(woo_variation(number), odd) for number in (71, 72)))
    found = derive_capture([(capture_of(page), page), (capture_of(answers, page=2), answers)], WOO)
    assert "1000" in {p.platform_product_id for p in found[0].products}
    assert is_accounted_for(found[0])
    assert all(v.price is None or v.price > 0 for p in found[0].products for v in p.variants)


@settings(max_examples=120, deadline=None)
@given(odd=st.lists(st.tuples(st.integers(0, 200), ODD), min_size=1, max_size=4))
def test_whatever_a_canonical_artifact_becomes_it_is_read_or_set_aside(odd: list[tuple[int, Any]]) -> None:
    document = with_odd_values(json.loads(artifact()), odd)
    assert is_accounted_for(derived(json.dumps(document).encode()))


def test_reasons_name_each_thing_once() -> None:
    found = derived(
        page_of(shopify_product(shopify_variant(price="-1"), shopify_variant(id=12, price="-2"), title=None))
    )
    assert reasons(found) == ["Q_NO_TITLE", "Q_PRICE_NEGATIVE"]
    assert [rejected.detail["variants"] for rejected in found.rejected] == [2, 0]
    assert found.rejected[1].detail["variant_ids"] == ["11", "12"]
