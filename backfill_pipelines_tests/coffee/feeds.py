"""Small bodies of shops, captures of them, and the real captures beside the project."""

import hashlib
import json
import uuid
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from backfill_pipelines.coffee.deriving import derive
from backfill_pipelines.coffee.model import Capture, Derived, ProductObservation, Source, VariantObservation

DATA = Path(__file__).parents[3] / "shared" / "data" / "coffee"
needs_real_captures = pytest.mark.skipif(not DATA.is_dir(), reason=f"no real captures in {DATA}")

NOON = datetime(2025, 9, 20, 12, tzinfo=UTC)
SHOPIFY = Source(uuid.UUID(int=1), uuid.UUID(int=2), "baba-beans", "https://shop.example/", "shopify", "INR")
WOO = replace(SHOPIFY, platform="woocommerce")


def capture_of(body: bytes, **changes: Any) -> Capture:
    """A capture of a body, complete and with the time of its response unless said otherwise."""
    capture = Capture(
        id=uuid.uuid5(uuid.NAMESPACE_OID, hashlib.sha256(body).hexdigest()),
        source_id=SHOPIFY.id,
        roaster_id=SHOPIFY.roaster_id,
        url="https://shop.example/products.json?limit=250&page=1",
        page=1,
        observed_at=NOON,
        observed_at_source="response",
        capture_id=uuid.UUID(int=3),
        completeness="complete",
        body_sha256=hashlib.sha256(body).hexdigest(),
        body_len=len(body),
        storage_uri="raw/baba-beans/2025/09/20/x.json.gz",
    )
    return replace(capture, **changes)


def shopify_variant(**fields: Any) -> dict[str, Any]:
    """A variant of Shopify's feed with every field that it has."""
    return {
        "id": 11,
        "title": "250g / Whole Bean",
        "option1": "250g",
        "option2": "Whole Bean",
        "option3": None,
        "sku": None,
        "available": True,
        "price": "450.00",
        "grams": 300,
        "compare_at_price": None,
        "position": 1,
        "updated_at": "2025-09-20T11:00:00+05:30",
        **fields,
    }


def shopify_product(*variants: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """A product of Shopify's feed; one variant unless others are given."""
    return {
        "id": 1,
        "title": "Attikan Estate",
        "handle": "attikan-estate",
        "body_html": "<p>Dark &amp; sweet</p>",
        "published_at": "2025-06-01T00:00:00+05:30",
        "created_at": "2025-06-01T00:00:00+05:30",
        "updated_at": "2025-09-20T11:00:00+05:30",
        "vendor": "Baba",
        "product_type": "Single Estate Coffee",
        "tags": ["medium-roast"],
        "variants": list(variants) or [shopify_variant()],
        "images": [],
        "options": [{"name": "Size", "position": 1}, {"name": "Grind", "position": 2}],
        **fields,
    }


def woo_prices(price: Any = "49900", **fields: Any) -> dict[str, Any]:
    """The prices of Woo's Store API, in paise."""
    return {
        "currency_code": "INR",
        "currency_minor_unit": 2,
        "price": price,
        "regular_price": price,
        "sale_price": price,
        "price_range": None,
        **fields,
    }


def woo_product(**fields: Any) -> dict[str, Any]:
    """A simple product of Woo's Store API."""
    return {
        "id": 7,
        "name": "Neat Coffee &#8211; 250g",
        "parent": 0,
        "type": "simple",
        "permalink": "https://shop.example/product/neat/",
        "sku": "",
        "short_description": "<p>In short</p>",
        "description": "<p>At length</p>",
        "prices": woo_prices(),
        "categories": [{"id": 1, "name": "COLD BREW", "slug": "cold-brew"}],
        "tags": [],
        "attributes": [],
        "variations": [],
        "is_in_stock": True,
        "low_stock_remaining": None,
        **fields,
    }


def woo_variable(*variation_ids: int, **fields: Any) -> dict[str, Any]:
    """A variable product; its variations are known by id and grind alone."""
    grinds = ("aero-press", "whole-beans", "espresso")
    variations = [
        {"id": variation_id, "attributes": [{"name": "Grind Size", "value": grinds[n % len(grinds)]}]}
        for n, variation_id in enumerate(variation_ids)
    ]
    return woo_product(**{"type": "variable", "variations": variations, **fields})


def woo_variation(variation_id: int, parent: int = 7, **fields: Any) -> dict[str, Any]:
    """A variation as the Store API answers for it on its own: with a price, without attributes."""
    return {
        "id": variation_id,
        "type": "variation",
        "parent": parent,
        "prices": woo_prices(),
        "is_in_stock": True,
        "sku": f"SKU-{variation_id}",
        **fields,
    }


def artifact(product: dict[str, Any] | None = None, variant: dict[str, Any] | None = None, **root: Any) -> bytes:
    """A canonical artifact of older collectors, with a product of one variant."""
    variants = [{"platform_variant_id": "v1", "price": "599.00", "currency": "INR", **(variant or {})}]
    whole = {
        "source": "firecrawl",
        "roaster_domain": "shop.example",
        "scraped_at": "2025-09-21T10:00:00Z",
        "product": {
            "platform_product_id": "98",
            "title": "Attikan Estate Coffee 250g",
            "source_url": "https://shop.example/products/attikan",
            "variants": variants,
            **(product or {}),
        },
        **root,
    }
    return json.dumps({name: value for name, value in whole.items() if value is not None}).encode()


def page_of(*products: Any) -> bytes:
    """A page of Shopify's feed."""
    return json.dumps({"products": list(products)}).encode()


def list_of(*products: Any) -> bytes:
    """A page of Woo's Store API."""
    return json.dumps(list(products)).encode()


def derived(body: bytes, source: Source = SHOPIFY, **changes: Any) -> Derived:
    """What a body says."""
    return derive(body, capture_of(body, **changes), source)


def only_product(body: bytes, source: Source = SHOPIFY, **changes: Any) -> ProductObservation:
    """The one product that a body has."""
    (product,) = derived(body, source, **changes).products
    return product


def only_variant(body: bytes, source: Source = SHOPIFY, **changes: Any) -> VariantObservation:
    """The one variant that a body has."""
    (variant,) = only_product(body, source, **changes).variants
    return variant


def reasons(found: Derived) -> list[str]:
    """Why things were set aside."""
    return [rejected.reason for rejected in found.rejected]
