"""The canonical artifact of older collectors: strict at its root, its own hashes and verdicts never trusted."""

from decimal import Decimal

import pytest

from backfill_pipelines.coffee.model import Derived
from backfill_pipelines_tests.coffee.feeds import DATA, artifact, derived, needs_real_captures, reasons


@needs_real_captures
def test_the_documented_artifact() -> None:
    found = derived((DATA / "canonical" / "full_example_artifact.json").read_bytes())
    (product,) = found.products
    (variant,) = product.variants
    assert (product.platform_product_id, product.normalized["slug"]) == ("987654321", "blue-tokai-single-origin-250g")
    assert (variant.price, variant.compare_at_price, variant.in_stock) == (Decimal(599), Decimal(699), True)
    # Nothing that the rules look at says coffee, whatever the artifact says of itself.
    assert (product.normalized["product_kind"], product.status) == (None, "needs_review")
    assert len(product.raw_payload_hash) == len(product.content_hash) == 64
    assert found.rejected == []


def test_what_it_says_of_itself_is_not_trusted() -> None:
    body = artifact({"title": "Mug", "is_coffee": True}, normalization={"is_coffee": True, "content_hash": "c0ffee"})
    (product,) = derived(body).products
    assert product.normalized["is_coffee"] is False
    assert product.content_hash != "c0ffee"


def test_an_address_gives_the_slug_where_none_is_said() -> None:
    assert derived(artifact()).products[0].normalized["slug"] == "attikan"


def test_another_currency_than_the_source_s_is_set_aside() -> None:
    assert reasons(derived(artifact(variant={"currency": "USD"}))) == ["Q_CURRENCY_MISMATCH"]


def test_without_a_currency_the_source_s_holds() -> None:
    assert derived(artifact(variant={"currency": None})).products[0].variants[0].currency == "INR"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (artifact(surprise=1), "Q_SHAPE"),
        (artifact(roaster_domain="localhost"), "Q_SHAPE"),
        (artifact(roaster_domain=None), "Q_SHAPE"),
        (artifact(source="etsy"), "Q_SHAPE"),
        (artifact(scraped_at="2025-09-21T10:00:00"), "Q_SHAPE"),
        (artifact({"variants": []}), "Q_NO_VARIANTS"),
        (artifact({"variants": None}), "Q_NO_VARIANTS"),
        (artifact({"title": " "}), "Q_NO_TITLE"),
        (artifact({"platform_product_id": 98}), "Q_NO_PRODUCT_ID"),
        (artifact(variant={"price": 599}), "Q_PRICE_NOT_NUMBER"),
        (artifact(variant={"price": "599,00"}), "Q_PRICE_NOT_NUMBER"),
        (artifact(variant={"price": "-599"}), "Q_PRICE_NEGATIVE"),
        (artifact({"tags": "a,b"}), "Q_SHAPE"),
    ],
)
def test_what_breaks_its_schema_is_set_aside(body: bytes, reason: str) -> None:
    found: Derived = derived(body)
    assert (list(found.products), reasons(found), found.status) == ([], [reason], "invalid")
