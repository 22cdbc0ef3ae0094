"""The registry file: checked as a whole, written where it differs, never deleting."""

from datetime import UTC, date, datetime
from typing import Any

import orjson
import pytest

from backfill_pipelines.coffee.model import natural_id
from backfill_pipelines.coffee.registry import RegistryError, read_registry, register, sources
from backfill_pipelines.stores.postgres import Postgres, read_rows

SHOP: dict[str, Any] = {"base_url": "https://Shop.Example/", "platform": "shopify", "currency": "INR"}
ROASTER: dict[str, Any] = {"slug": "shop", "name": "The Shop", "active_from": "2025-09-01", "sources": [SHOP]}


def content(*roasters: dict[str, Any]) -> bytes:
    return orjson.dumps({"roasters": list(roasters)})


def test_what_is_new_or_differs_is_written_and_nothing_else(postgres: Postgres) -> None:
    other = {"slug": "other", "name": "Other", "price_cadence": "30 2 * * 1-5"}
    with postgres.connect("test") as connection:
        first = register(connection, read_registry(content(ROASTER, other)))
        assert (first.new, first.changed, first.unchanged) == (
            ["shop", "shop https://shop.example", "other"],
            [],
            0,
        )
    with postgres.connect("test") as connection:
        again = register(connection, read_registry(content(ROASTER, other)))
        assert (again.new, again.changed, again.unchanged) == ([], [], 3)
    with postgres.connect("test") as connection:
        changed = register(connection, read_registry(content({**ROASTER, "grace_hours": 48})))
        assert (changed.new, changed.changed, changed.unchanged) == ([], ["shop"], 1)
        rows = read_rows(connection, "SELECT slug, grace::text, price_cadence, id FROM roasters ORDER BY slug")
    assert rows == [
        {"slug": "other", "grace": "36:00:00", "price_cadence": "30 2 * * 1-5", "id": natural_id("roaster:other")},
        {"slug": "shop", "grace": "48:00:00", "price_cadence": "0 4 * * 0", "id": natural_id("roaster:shop")},
    ]


def test_a_source_comes_back_with_the_currencies_of_its_past(postgres: Postgres) -> None:
    shop = {
        **SHOP,
        "currency_history": [
            {"until": "2025-06-01T00:00:00Z", "currency": "EUR"},
            {"until": "2025-01-01T05:30:00+05:30", "currency": "USD"},
        ],
        "kind_overrides": {"product_type": {"Merch": "equipment"}},
    }
    with postgres.connect("test") as connection:
        register(connection, read_registry(content({**ROASTER, "sources": [shop]})))
        (found,) = sources(connection)
        assert sources(connection, ["nobody"]) == []
    assert (found.id, found.base_url) == (natural_id("source:shop:https://shop.example"), "https://shop.example")
    assert [found.currency_at(datetime(2025, month, 1, tzinfo=UTC)) for month in (1, 2, 7)] == ["EUR", "EUR", "INR"]
    assert found.currency_at(datetime(2024, 12, 31, tzinfo=UTC)) == "USD"
    assert (found.active_from, found.kind_overrides) == (date(2025, 9, 1), {"product_type": {"Merch": "equipment"}})


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"slug": "Shop"}, r"roasters\.0\.slug"),
        ({"price_cadence": "0 4 * *"}, r"roasters\.0\.price_cadence.*five cron fields"),
        ({"price_cadence": "0 4 * * sun"}, "five cron fields"),
        ({"price_cadence": "61 4 * * 0"}, "five cron fields"),
        ({"default_concurrency": 11}, "default_concurrency"),
        ({"cadence": "x"}, "Extra inputs"),
        ({"active_to": "2025-08-01"}, "before it begins"),
        ({"sources": [{**SHOP, "currency": "rupees"}]}, r"sources\.0\.currency"),
        ({"sources": [{"base_url": "https://s.example", "platform": "shopify"}]}, r"sources\.0\.currency.*required"),
        ({"sources": [{**SHOP, "base_url": "shop.example"}]}, r"https://shop\.example"),
        ({"sources": [SHOP, {**SHOP, "base_url": "https://shop.example"}]}, "twice"),
    ],
)
def test_a_wrong_entry_is_named(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(RegistryError, match=rf"(?s){said}"):
        read_registry(content({**ROASTER, **wrong}))


def test_no_json_is_named() -> None:
    with pytest.raises(RegistryError, match="no JSON"):
        read_registry(b"{")
