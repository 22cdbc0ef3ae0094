"""Generated shops with a history: real Shopify bodies of a year of weeks, the same in every generation.

For trying out and for benchmarks. Catalogues are invented, formats are those of the real feeds: options and titles,
prices as texts, times at +05:30, compare_at prices, things that sell out and come back.
"""

import hashlib
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from backfill_pipelines.coffee.artifacts import Answer, Artifacts
from backfill_pipelines.coffee.model import Capture, Source, natural_id

FIRST_WEEK = datetime(2025, 1, 5, 4, tzinfo=UTC)
_SIZES = (("250g", 1.0), ("500g", 1.9), ("1kg", 3.6))
_GRINDS = ("Whole Bean", "French Press", "Moka Pot", "Aeropress")
_ESTATES = ("Attikan", "Riverdale", "Ratnagiri", "Kerehaklu", "Baarbara", "Balanoor", "Thogarihunkal", "Hoysala")
_ROASTS = ("Light", "Medium", "Medium Dark", "Dark")
_PROCESSES = ("Washed", "Natural", "Honey", "Anaerobic")
_NOTES = ("chocolate", "orange", "caramel", "jaggery", "berries", "almond", "plum", "honey", "cocoa", "fig")
#: Share of variants that sell out or come back in a week.
_STOCK_TURNS = 0.01
_LOCAL = timedelta(hours=5, minutes=30)


@dataclass(frozen=True)
class SampleSize:
    """How large a generated history is."""

    roasters: int = 3
    weeks: int = 8
    products: int = 25
    #: At most 12, the sizes and grinds there are.
    variants: int = 6
    #: Share of products whose prices move from one week to the next.
    price_moves: float = 0.05


def sample_registry(size: SampleSize) -> dict[str, Any]:
    """The generated roasters, each with one Shopify feed, as a registry file says them."""
    return {
        "roasters": [
            {
                "slug": source.roaster_slug,
                "name": source.roaster_slug.replace("-", " ").title(),
                "website": source.base_url,
                "platform": "shopify",
                "active_from": FIRST_WEEK.date().isoformat(),
                "sources": [{"base_url": source.base_url, "platform": "shopify", "currency": "INR"}],
            }
            for source in sample_sources(size)
        ]
    }


def sample_sources(size: SampleSize) -> list[Source]:
    """The feeds of the generated roasters."""
    return [_source(number) for number in range(size.roasters)]


def sample_bodies(source: Source, size: SampleSize) -> Iterator[tuple[datetime, bytes]]:
    """One body a week, oldest first."""
    dice = random.Random(source.roaster_slug)
    catalogue = [_product(dice, number, size) for number in range(size.products)]
    for week in range(size.weeks):
        moment = FIRST_WEEK + timedelta(weeks=week)
        for product in catalogue:
            _pass_week(dice, product, moment, size)
        yield moment, orjson.dumps({"products": catalogue})


def write_sample(artifacts: Artifacts, size: SampleSize) -> list[Capture]:
    """Store the history as a year of complete fetches leaves it; rows of the database are ``artifact_rows``'s."""
    captures = []
    for source in sample_sources(size):
        url = f"{source.base_url}/products.json?limit=250&page=1"
        for moment, body in sample_bodies(source, size):
            answer = Answer(url=url, page=1, observed_at=moment, observed_at_source="response", completeness="complete")
            captures.append(artifacts.save_body(source, body, answer))
    return captures


def _source(number: int) -> Source:
    slug = f"sample-roaster-{number + 1:02}"
    url = f"https://{slug}.example"
    return Source(natural_id(f"source:{slug}:{url}"), natural_id(f"roaster:{slug}"), slug, url, "shopify", "INR")


def _product(dice: random.Random, number: int, size: SampleSize) -> dict[str, Any]:
    estate, roast, process = dice.choice(_ESTATES), dice.choice(_ROASTS), dice.choice(_PROCESSES)
    name = f"{estate} Estate Lot {number + 1}"
    altitude = dice.randrange(900, 1600, 50)
    notes = ", ".join(dice.sample(_NOTES, 3))
    identity = int(hashlib.sha256(f"{dice.random()}".encode()).hexdigest()[:11], 16)
    facts = f"<p>Notes of {notes}.</p><p>Grown at {altitude} meters. Process: {process}.</p>"
    text = facts + "<p>Roasted to order, packed with a valve.</p>" * 8
    choices = [(one, grind) for one in _SIZES for grind in _GRINDS][: size.variants]
    base = dice.randrange(300, 900, 10)
    variants = [_variant(identity * 100 + n, *choice, base, n) for n, choice in enumerate(choices)]
    return {
        "id": identity,
        "title": name,
        "handle": name.lower().replace(" ", "-"),
        "body_html": text,
        "published_at": "2024-12-01T10:00:00+05:30",
        "created_at": "2024-12-01T09:00:00+05:30",
        "updated_at": "2024-12-01T10:00:00+05:30",
        "vendor": "Sample",
        "product_type": "Single Estate Coffee",
        "tags": [f"{roast} Roast", process],
        "variants": variants,
        "images": [],
        "options": [{"name": "Size", "position": 1}, {"name": "Grind", "position": 2}],
    }


def _variant(identity: int, size: tuple[str, float], grind: str, base: int, number: int) -> dict[str, Any]:
    return {
        "id": identity,
        "title": f"{size[0]} / {grind}",
        "option1": size[0],
        "option2": grind,
        "option3": None,
        "sku": f"S{identity % 100000}",
        "requires_shipping": True,
        "taxable": True,
        "available": True,
        "price": f"{base * size[1]:.2f}",
        "grams": 300,
        "compare_at_price": None,
        "position": number + 1,
        "created_at": "2024-12-01T09:00:00+05:30",
        "updated_at": "2024-12-01T10:00:00+05:30",
    }


def _pass_week(dice: random.Random, product: dict[str, Any], moment: datetime, size: SampleSize) -> None:
    """A few products get other prices, things sell out and come back, and every time in the body is another one."""
    factor = dice.choice((0.9, 0.95, 1.05, 1.1)) if dice.random() < size.price_moves else 1.0
    stamp = (moment - timedelta(hours=6) + _LOCAL).strftime("%Y-%m-%dT%H:%M:%S+05:30")
    product["updated_at"] = stamp
    for variant in product["variants"]:
        variant["updated_at"] = stamp
        if factor != 1.0:
            before = variant["price"]
            variant["price"] = f"{round(float(before) * factor):.2f}"
            variant["compare_at_price"] = before if factor < 1 else None
        if dice.random() < _STOCK_TURNS:
            variant["available"] = not variant["available"]
