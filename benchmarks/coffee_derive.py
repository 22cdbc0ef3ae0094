"""CPU time per variant of deriving a Shopify page of 250 products with 4 variants each, without any database.

- new texts: a catalogue that was never seen, so every text is read.
- new prices: the same catalogue with other prices in every product.
- unchanged: only the times in it are other ones, as in most weeks of a replay.
"""

import gc
import hashlib
import json
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.table import Table

from backfill_pipelines.coffee.deriving import derive
from backfill_pipelines.coffee.model import Capture, Source

PRODUCTS, PASSES = 250, 6
VARIANTS = (("250g", "Whole Bean"), ("500g", "Whole Bean"), ("250g", "Channi"), ("1kg", "Moka Pot"))
SOURCE = Source(uuid.UUID(int=1), uuid.UUID(int=2), "generated", "https://shop.example", "shopify", "INR")
SENTENCE = "Tasting notes: chocolate, orange &amp; caramel, grown in Coorg at 1,{} m and washed. "


def product(number: int, catalogue: int, price: int, seen: int) -> dict[str, Any]:
    moment = f"2025-09-{seen % 28 + 1:02}T00:33:11+05:30"
    variants = [
        {
            "id": number * 10 + n,
            "title": f"{size} / {grind}",
            "option1": size,
            "option2": grind,
            "option3": None,
            "sku": None,
            "requires_shipping": True,
            "taxable": True,
            "featured_image": None,
            "available": True,
            "price": f"{price + number + n * 200}.00",
            "grams": 250,
            "compare_at_price": None,
            "position": n + 1,
            "product_id": number,
            "created_at": "2025-06-16T12:08:29+05:30",
            "updated_at": moment,
        }
        for n, (size, grind) in enumerate(VARIANTS)
    ]
    return {
        "id": number,
        "title": f"Estate {catalogue}-{number} Single Origin",
        "handle": f"estate-{number}",
        "body_html": f"<p>Lot {catalogue}-{number}. {SENTENCE.format(number % 900) * 6}</p>",
        "updated_at": moment,
        "vendor": "Generated",
        "product_type": "Single Estate Coffee",
        "tags": ["medium-roast", "Washed", "CRP"],
        "published_at": moment[:8],
        "created_at": "2025-06-16T12:08:29+05:30",
        "variants": variants,
        "images": [],
        "options": [{"name": "Size", "position": 1}, {"name": "Grind", "position": 2}],
    }


def capture(body: bytes) -> Capture:
    ids = (uuid.uuid4(), SOURCE.id, SOURCE.roaster_id)
    moment = datetime(2025, 9, 20, tzinfo=UTC)
    digest = hashlib.sha256(body).hexdigest()
    return Capture(*ids, "u", 1, moment, "response", uuid.uuid4(), "complete", digest, len(body), "raw/generated")


def microseconds(page: Callable[[int], dict[str, int]]) -> float:
    """The least CPU time of some passes, per variant."""
    times = []
    for nth in range(PASSES):
        products = [product(number, **page(nth)) for number in range(1, PRODUCTS + 1)]
        body = json.dumps({"products": products}).encode()
        seen = capture(body)
        gc.collect()
        started = time.process_time()
        found = derive(body, seen, SOURCE)
        times.append((time.process_time() - started) * 1e6 / found.captured_variants)
    return min(times)


def main() -> None:
    rows = {
        "new texts": microseconds(lambda nth: {"catalogue": nth, "price": 300, "seen": nth}),
        "new prices": microseconds(lambda nth: {"catalogue": 0, "price": 400 + nth, "seen": nth}),
        "unchanged": microseconds(lambda nth: {"catalogue": 0, "price": 300, "seen": nth}),
    }
    table = Table("page", "µs CPU per variant", "variants per CPU second")
    for name, spent in rows.items():
        table.add_row(name, f"{spent:.1f}", f"{1e6 / spent:,.0f}")
    Console().print(table)


if __name__ == "__main__":
    main()
