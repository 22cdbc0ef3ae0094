"""What a backfill has no right to change is seen when it is changed, and nothing that it may change."""

import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from backfill_pipelines.backfill.gates import Measurement
from backfill_pipelines.coffee.model import Source, natural_id
from backfill_pipelines.coffee.outside import Allowed
from backfill_pipelines.coffee.overall_gates import OUTSIDE, OVERALL_GATES, mark, measure_overall
from backfill_pipelines.coffee.scope import Scope
from backfill_pipelines.stores.postgres import Connection, Postgres, execute, execute_script
from backfill_pipelines_tests.coffee.databases import fresh_database, insert
from backfill_pipelines_tests.coffee.observed import add_shop, at, body, new_run, product, publish_all, shop

(GATE,) = [gate for gate in OVERALL_GATES if gate.name == OUTSIDE]
TOKAI, OTHER = shop("blue-tokai"), shop("maverick")
SECOND = replace(TOKAI, id=natural_id("source:second"), base_url="https://second.example")
RUN = natural_id("backfill:this")
UNGUARDED = "SET LOCAL session_replication_role = replica;"
PRICE_HASH = "UPDATE product_artifacts SET price_hash = ''"
OF = "(SELECT id FROM coffees WHERE source_id = '{}' AND platform_product_id = '{}')"


@pytest.fixture(scope="module")
def published(postgres_folder: Path) -> Iterator[Postgres]:
    """Two roasters, one of them with two sources, on two days; a backfill that has done nothing yet."""
    with fresh_database(postgres_folder) as database:
        add_shop(database, TOKAI)
        add_shop(database, OTHER)
        with database.connect("test") as connection:
            row = {"base_url": SECOND.base_url, "platform": "shopify", "currency": "INR"}
            insert(connection, "product_sources", id=SECOND.id, roaster_id=TOKAI.roaster_id, **row)
        for source in (TOKAI, SECOND, OTHER):
            for day in (1, 8):
                products = [product("1", {"11": f"10{day}"}), product("2", {"21": "50"}, slug=f"two-{day}")]
                publish_all(database, body(source, at(day), products))
        with database.connect("test") as connection:
            row = {"mode": "selective", "scope": "{}", "plan": "{}", "fingerprint": "", "status": "running"}
            insert(connection, "backfill_runs", id=RUN, **row)
        yield database


def scope(**restricted: Any) -> Scope:
    """The eighth of September of one roaster."""
    mode = "selective" if restricted else "incremental"
    return Scope(mode, date(2025, 9, 8), date(2025, 9, 8), ("blue-tokai",), **restricted)


def measured(postgres: Postgres, damage: str, chosen: Scope | None = None, run: uuid.UUID = RUN) -> Measurement:
    """The gate after some damage that is not committed."""
    with postgres.connect("test") as connection:
        before = mark(connection, Allowed(run, [TOKAI.roaster_id] if chosen else [], chosen))
        execute_script(connection, UNGUARDED + damage)
        found = measure_overall(connection, GATE, before=before)
        connection.rollback()
        return found


def of(source: Source, number: str) -> str:
    return OF.format(source.id, number)


def new_price(source: Source, day: int, run: str) -> str:
    return (
        "INSERT INTO prices (variant_id, roaster_id, price, currency, is_sale, scraped_at, backfill_run_id)"
        f" SELECT id, roaster_id, 7, 'INR', false, '2025-09-{day:02}T09:00Z', {run} FROM variants"
        f" WHERE coffee_id = {of(source, '1')}"
    )


def corrected_price(day: int) -> str:
    return (
        "INSERT INTO price_corrections (price_id, voided, reason, backfill_run_id) SELECT p.id, true, 'x',"
        f" {OURS} FROM prices p JOIN variants v ON v.id = p.variant_id WHERE v.coffee_id = {of(TOKAI, '1')}"
        f" AND p.scraped_at::date = '2025-09-{day:02}'"
    )


OURS, NOBODYS = f"'{RUN}'", "NULL"
DAMAGE = {
    "another_roaster": (
        {},
        f"UPDATE coffees SET name = 'X' WHERE id = {of(OTHER, '1')}",
        "coffees of maverick: 2 rows",
    ),
    "a_row_more": ({}, f"DELETE FROM variants WHERE coffee_id = {of(OTHER, '1')}", "maverick: 2 rows, now 1"),
    "another_source": (
        {"sources": (TOKAI.base_url,)},
        f"UPDATE variants SET in_stock = NOT in_stock WHERE coffee_id = {of(SECOND, '1')}",
        "variants of blue-tokai",
    ),
    "another_product": (
        {"product_ids": ("1",)},
        f"UPDATE coffees SET region = 'X' WHERE id = {of(TOKAI, '2')}",
        "coffees of blue-tokai",
    ),
    "an_observation_of_another_day": (
        {},
        f"{PRICE_HASH} WHERE observed_at < '2025-09-02'",
        "observations of blue-tokai: 4 rows, now 4",
    ),
    "a_written_observation_of_another_day": (
        {},
        f"UPDATE product_artifacts SET backfill_run_id = {OURS} WHERE observed_at = '2025-09-01T04:00Z'",
        "observation ",
    ),
    "a_price_of_another_day": ({}, new_price(TOKAI, 7, OURS), "price "),
    "a_price_of_another_roaster": ({}, new_price(OTHER, 8, OURS), "of maverick"),
    "a_price_that_nobody_owns_up_to": ({}, new_price(TOKAI, 7, NOBODYS), "price "),
    "a_price_of_a_run_that_may_write_none": ({"data_types": ("stock",)}, new_price(TOKAI, 8, OURS), "price "),
    "a_corrected_price_of_another_day": (
        {},
        corrected_price(1),
        "correction of price ",
    ),
    "content_of_a_run_of_stock": (
        {"data_types": ("stock",)},
        "UPDATE product_artifacts SET content_hash = repeat('0', 64) WHERE observed_at > '2025-09-02'",
        "content of blue-tokai",
    ),
    "prices_of_a_run_of_stock": (
        {"data_types": ("stock",)},
        "UPDATE variant_observations SET price = 1",
        "observed prices of blue-tokai",
    ),
    "stock_of_a_run_of_prices": (
        {"data_types": ("prices",)},
        "UPDATE variant_observations SET in_stock = NOT in_stock",
        "observed stock of blue-tokai",
    ),
}


@pytest.mark.parametrize(("restricted", "damage", "culprit"), DAMAGE.values(), ids=DAMAGE)
def test_what_is_outside_must_not_change(published: Postgres, restricted: dict, damage: str, culprit: str) -> None:
    found = measured(published, damage, scope(**restricted))
    assert found.violations > 0
    assert culprit in found.sample[0]


ALLOWED = {
    "nothing": ({}, "SELECT 1"),
    "the_roaster": ({}, f"UPDATE coffees SET name = 'X', status = 'hidden' WHERE id = {of(TOKAI, '1')}"),
    "the_day": ({}, f"{PRICE_HASH} WHERE observed_at > '2025-09-02' AND source_id = '{TOKAI.id}'"),
    "a_corrected_price_of_the_day": ({}, corrected_price(8)),
    "a_price_of_the_day": ({}, new_price(TOKAI, 8, OURS)),
    "a_slug_that_another_source_took": (
        {"sources": (TOKAI.base_url,)},
        f"UPDATE coffees SET slug = 'x', updated_at = now(), backfill_run_id = {OURS} WHERE id = {of(SECOND, '1')}",
    ),
    "the_data": ({"data_types": ("stock",)}, "UPDATE variant_observations SET in_stock = false"),
    "a_status_judged_by_a_predecessor": ({}, "UPDATE product_artifacts SET codes = '{R_PRICE_SPIKE}'"),
}  # fmt: skip


@pytest.mark.parametrize(("restricted", "change"), ALLOWED.values(), ids=ALLOWED)
def test_what_the_scope_allows_may_change(published: Postgres, restricted: dict, change: str) -> None:
    assert measured(published, change, scope(**restricted)).violations == 0


def test_a_run_that_may_change_nothing_is_told_of_everything(published: Postgres) -> None:
    """A validation writes its results and nothing else."""
    for table in ("coffees", "variants", "product_artifacts"):
        found = measured(published, f"UPDATE {table} SET created_at = now(), backfill_run_id = {OURS}")
        assert found.violations > 0, table
    found = measured(published, "SELECT 1")
    assert (found.violations, found.expected) == (0, 2 * 3 * 2 + 2 * 3 * 2)


def test_rows_that_another_backfill_writes_meanwhile_are_its_own(published: Postgres) -> None:
    """The live intake goes on during an incremental backfill of an hour; it must not look like a defect of that."""

    def change(connection: Connection, run: str) -> None:
        text = f"UPDATE coffees SET name = 'X', updated_at = now(), backfill_run_id = {run} WHERE id = {of(OTHER, '1')}"
        execute(connection, text)

    with published.connect("test") as connection:
        other = new_run(connection)
        before = mark(connection, Allowed(RUN, [TOKAI.roaster_id], scope()))
        change(connection, f"'{other}'")
        found = measure_overall(connection, GATE, before=before)
        assert (found.violations, found.note) == (0, "written by other backfills meanwhile: coffees of maverick")
        change(connection, OURS)
        found = measure_overall(connection, GATE, before=before)
        assert "of maverick" in found.sample[0]
        connection.rollback()
